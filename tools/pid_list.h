/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which address spaces --pid names: pids and names of processes, with commas between.
 *
 *	116            the process with that pid; 0 is init_mm
 *	bash           every process of that name
 *	1,116,bash     all of these, each space once
 */
#ifndef WHOSEES_PID_LIST_H
#define WHOSEES_PID_LIST_H

#include "session.h"
#include "util/vec.h"

#define PIDS_WORDS 320

/* Whether text can be such a list; if not, why, in words. */
bool pids_check(const char *text, char wrong[static PIDS_WORDS]);

/* Zeroed: empty. To be released by ws_vec_release(). */
typedef WS_VEC(struct ws_space) pids_spaces;

/* The spaces that --pid names, in its order; init_mm's without it. */
enum exit_status session_spaces(struct session *session, pids_spaces *spaces);

/*
 * The same for a command that shows one space: a name of several is refused, and without
 * --pid it is the space of --root, where that is given.
 */
enum exit_status session_space(struct session *session, struct ws_space *space);

#endif
