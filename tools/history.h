/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that changes are appended to, and that begins anew when it is large. */
#ifndef WHOSEES_HISTORY_H
#define WHOSEES_HISTORY_H

#include "changes.h"

struct history {
	const char *path; /* NULL: there is none */
	uint64_t limit;   /* bytes, beyond which it is renamed to path.1 */
};

/*
 * Whether it can be written to: it is made, empty, if it is not there. False, with errno. Only its
 * owner may read one that is made: it has addresses of the kernel's.
 */
bool history_begin(const struct history *history);

/*
 * Appends them, a line of NDJSON each, whole or not at all. False, with errno, where they
 * cannot be written.
 */
bool history_append(const struct history *history, const change_vec *changes, time_t now);

#endif
