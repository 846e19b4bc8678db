/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exception frames in memory: each by itself, and those that pile up. */
#ifndef WS_AUTOPSY_FRAMES_H
#define WS_AUTOPSY_FRAMES_H

#include "autopsy/arch.h"

/* Frames that saved the same address, one stride apart; a single one has stride 0. */
struct ws_pile {
	uint64_t pa, last; /* of the first and the last frame's lowest byte */
	uint64_t n;        /* those that were written over since among them */
	uint32_t stride;
	struct ws_exception_frame frame; /* that at last */
};
typedef WS_VEC(struct ws_pile) ws_pile_vec;

/*
 * So many are no coincidence: the memory of 40 machines that had not died had no three alike
 * one stride apart that any space lacked, and that of each storm had dozens at least.
 */
#define WS_PILE_MIN 3

/*
 * One pass over all memory; *piles, by rising pa, is the caller's. *nlost: frames that were
 * seen and not kept, for there were too many.
 */
enum ws_status ws_frames_find(struct ws_system *system,
			      const struct ws_arch_autopsy *arch, ws_pile_vec *piles,
			      uint64_t *nlost) WS_MUST_CHECK;

#endif
