/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An audit and an autopsy as one page: style, script and data in one file that needs no network, and is
 * forbidden by its own Content-Security-Policy to ask for any.
 */
#ifndef WS_REPORT_HTML_H
#define WS_REPORT_HTML_H

#include <stdio.h>

#include "report/digest.h"

/* What a page is about. */
struct html_subject {
	const struct digest *digest;
	const struct ws_autopsy *autopsy;
};

/*
 * False when memory is short, or out is not to be written; then errno says why. progress,
 * unless it is NULL, is called while the target's file is hashed.
 */
bool html_write(FILE *out, const struct html_subject *of, ws_progress_fn *progress,
		void *arg);

#endif
