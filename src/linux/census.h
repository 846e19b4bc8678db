/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one root maps, summed up: under which differences va - pa the most bytes lie, and
 * a set of frames to remember which tables were seen.
 */
#ifndef WS_LINUX_CENSUS_H
#define WS_LINUX_CENSUS_H

#include "linux/linux.h"
#include "util/vote.h"

/* A bit for every whole frame of a target. Owns its bits. */
struct ws_frame_set {
	struct ws_target *target;
	uint8_t *bits;
};

bool ws_frame_set_init(struct ws_frame_set *set, struct ws_target *target);
void ws_frame_set_release(struct ws_frame_set *set);
/* False where pa is not in memory. */
bool ws_frame_set_has(const struct ws_frame_set *set, uint64_t pa);
/* True if the frame was not there yet; false too where pa is not in memory. */
bool ws_frame_set_add(struct ws_frame_set *set, uint64_t pa);

void ws_frame_set_remove(struct ws_frame_set *set, uint64_t pa);

/* In: first, last and budget. Out: ballot, and what is left of budget. */
struct ws_census {
	uint64_t first, last;
	uint64_t budget;                     /* tables to read at most */
	bool memory_only;                    /* what is mapped of devices counts not */
	struct ws_ballot ballot[WS_BALLOTS]; /* the most bytes first */
};

/*
 * Takes the census of [first, last] below root. A table met twice counts once. Fails
 * only when memory is short.
 */
enum ws_status ws_census_take(struct ws_system *system, uint64_t root,
			      struct ws_census *census) WS_MUST_CHECK;

#endif
