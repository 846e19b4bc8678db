/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where answers go: standard output, whose errors are seen in one place, and files, none
 * of which replaces what is read.
 */
#ifndef WHOSEES_OUTPUTS_H
#define WHOSEES_OUTPUTS_H

#include "session.h"

/*
 * To be called first of all. However the tool ends, what it printed is then written out,
 * or it says why not and exits with EXIT_UNREADABLE.
 */
void outputs_begin(void);

/* errno of a write to standard output, for what is said at the end. EXIT_UNREADABLE. */
enum exit_status outputs_failed(int error);

/*
 * Refuses what would replace a file that the request reads, and what no file can be
 * written to: before anything is read, for that may take long.
 */
enum exit_status outputs_check(struct session *session);

/* Says that a file is there, and how large; of standard output nothing. */
void outputs_wrote(struct session *session, const char *path);

#endif
