/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames that do not lie in the file as they are, and are kept once they were looked at by
 * address, since a walk has pointers to them.
 */
#ifndef WS_TARGET_KEEP_H
#define WS_TARGET_KEEP_H

#include "target/target.h"

/* Zeroed: none. */
struct ws_keep {
	uint8_t **frames; /* by ordinal; NULL: not yet */
	uint64_t n;       /* how many are kept */
};

/* Whether there is room for one more beside so many bytes; if not, target->why says why. */
bool ws_may_keep(struct ws_target *target, uint64_t bytes);

/* ops->frame for a kind that has ops->copy_frame, called as worker 0. */
enum ws_evidence ws_keep_frame(struct ws_target *target, struct ws_keep *keep,
			       uint64_t ordinal, const uint8_t **frame) WS_MUST_CHECK;
/* target: the one that ws_keep_frame() was given. */
void ws_keep_release(const struct ws_target *target, struct ws_keep *keep);

#endif
