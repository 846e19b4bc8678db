/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frames that were looked at by address. They are kept, and stay where they are, since a
 * walk has pointers to them; a table leads to them by where they lie in memory. Both take
 * memory for what was looked at alone, however much there is.
 */
#ifndef WS_TARGET_KEEP_H
#define WS_TARGET_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/budget.h"
#include "util/vec.h"

struct ws_kept {
	uint64_t number;      /* of the frame: its pa / WS_FRAME_SIZE */
	const uint8_t *frame; /* NULL: the slot is free */
};

/*
 * Zeroed: none. Invariant: slots is a power of two, and more than n; each frame lies in its
 * own slot or in one that follows without a free one between them.
 */
struct ws_keep {
	struct ws_kept *slot;
	size_t n;                 /* frames that are kept */
	unsigned shift;           /* slots are 2^(64 - shift); slot NULL: none */
	uint8_t *room;            /* for the next frame, in the last block, */
	size_t left;              /* and for how many */
	uint64_t taken;           /* bytes, for frames and slots, out of budget */
	uint64_t limit;           /* of them, by what the dump can need; 0: none */
	bool full;                /* that was reached */
	struct ws_budget *budget; /* NULL: as much as there is */
	WS_VEC(uint8_t *) blocks;
	size_t nused; /* of them; the others are there for what comes */
};

/* 2^64 over the golden ratio: neighbours' slots are far apart, and no stride's collide. */
static inline size_t ws_keep_slot(const struct ws_keep *keep, uint64_t number)
{
	return (number * UINT64_C(0x9e3779b97f4a7c15)) >> keep->shift;
}

/* The frame with that number; NULL: it is not kept. */
static inline const uint8_t *ws_keep_find(const struct ws_keep *keep, uint64_t number)
{
	size_t mask, i;

	if (!keep->slot)
		return NULL;
	mask = (UINT64_MAX >> keep->shift);
	for (i = ws_keep_slot(keep, number); keep->slot[i].frame; i = (i + 1) & mask)
		if (keep->slot[i].number == number)
			return keep->slot[i].frame;
	return NULL;
}

/* Room for one more; NULL: memory is short, the limit reached, or the budget spent. */
uint8_t *ws_keep_room(struct ws_keep *keep);
/* Keeps what was put there as the frame with that number, which is not kept yet. */
const uint8_t *ws_keep_add(struct ws_keep *keep, uint64_t number);
/* No frame is kept any more, and where they were others will be. */
void ws_keep_forget(struct ws_keep *keep);
void ws_keep_release(struct ws_keep *keep);

#endif
