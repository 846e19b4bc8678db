/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An audit as one page: style, script and data in one file that needs no network, and is
 * forbidden by its own Content-Security-Policy to ask for any.
 */
#ifndef WS_REPORT_HTML_H
#define WS_REPORT_HTML_H

#include <stdio.h>

#include "report/digest.h"

/*
 * False when memory is short, or out is not to be written; then errno says why. progress,
 * unless it is NULL, is called while the target's file is hashed.
 */
bool html_write(FILE *out, const struct digest *digest, ws_progress_fn *progress,
		void *arg);

#endif
