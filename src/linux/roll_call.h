/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second voice for who is there: the processes that the kernel of a machine that runs names
 * itself, held against those that were found in its memory.
 *
 * It is asked before a look at memory and after it. Whoever it names both times, as the same
 * process, was there all the while, and the look has to have found him. Whoever was found, and is
 * there yet after the second time, was there then at the latest, and has to be named.
 */
#ifndef WS_LINUX_ROLL_CALL_H
#define WS_LINUX_ROLL_CALL_H

#include "linux/linux.h"

/* One whom only one of the two names; comm is that one's, and lives as long. */
struct ws_roll_name {
	uint32_t pid;
	const char *comm;
	const struct ws_task *task; /* NULL: memory does not show it */
};
typedef WS_VEC(struct ws_roll_name) ws_roll_names;

/* Zeroed: nobody was asked. */
struct ws_roll_call {
	ws_roll before, after;
	bool known;            /* it has answered both times; then these: */
	size_t stood;          /* how many it names both times */
	ws_roll_names missing; /* those of them that are no task */
	ws_roll_names unnamed; /* tasks with memory that it names at neither time */
};

void ws_roll_call_release(struct ws_roll_call *call);

/* Asks, before a look at memory; and after it. */
enum ws_status ws_roll_before(struct ws_system *system,
			      struct ws_roll_call *call) WS_MUST_CHECK;
enum ws_status ws_roll_after(struct ws_system *system,
			     struct ws_roll_call *call) WS_MUST_CHECK;

/* Fills in what follows from both, which are sorted by pid. False when memory is short. */
bool ws_roll_compare(struct ws_roll_call *call, const struct ws_task *tasks, size_t n);

static inline bool ws_roll_differs(const struct ws_roll_call *call)
{
	return call->known && (call->missing.n || call->unnamed.n);
}

/* Says what came of it, in notes; tasks are those that were compared. */
enum ws_status ws_roll_note(struct ws_system *system,
			    const struct ws_roll_call *call) WS_MUST_CHECK;

#endif
