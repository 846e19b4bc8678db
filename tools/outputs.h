/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that answers go to, none of which replaces what is read. */
#ifndef WHOSEES_OUTPUTS_H
#define WHOSEES_OUTPUTS_H

#include "session.h"

/*
 * Refuses what would replace a file that the request reads, and what no file can be
 * written to: before anything is read, for that may take long.
 */
enum exit_status outputs_check(struct session *session);

/* Says that a file is there, and how large; of standard output nothing. */
void outputs_wrote(struct session *session, const char *path);

#endif
