/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/keep.h"

#include <stdlib.h>

#include "util/huge.h"
#include "whosees.h"

/* The first blocks are smaller: to zero a huge page takes longer than to look at some frames. */
#define BLOCK WS_HUGE_PAGE
#define BLOCK_LOG2 5 /* of how many of the first */
#define BLOCK_MIN (BLOCK >> BLOCK_LOG2)

#define FIRST_SHIFT 59
#define FIRST_SLOTS ((size_t)1 << (64 - FIRST_SHIFT)) /* two a frame of the first block */

static size_t slots_of(const struct ws_keep *keep)
{
	return keep->slot ? (UINT64_MAX >> keep->shift) + 1 : 0;
}

/* Whether so many more bytes may be taken; then they are. */
static bool take(struct ws_keep *keep, uint64_t bytes)
{
	keep->full = keep->limit && keep->taken + bytes > keep->limit;
	if (keep->full || (keep->budget && !ws_budget_take(keep->budget, bytes)))
		return false;
	keep->taken += bytes;
	return true;
}

static void slot_fill(struct ws_keep *keep, const struct ws_kept *kept)
{
	size_t mask = UINT64_MAX >> keep->shift, i = ws_keep_slot(keep, kept->number);

	while (keep->slot[i].frame)
		i = (i + 1) & mask;
	keep->slot[i] = *kept;
}

/* Half of the slots stay free: a search ends after one or two. */
static bool slots_grow(struct ws_keep *keep)
{
	size_t nslots = slots_of(keep), more = nslots ? 2 * nslots : FIRST_SLOTS;
	struct ws_keep grown;

	if (keep->n < nslots / 2)
		return true;
	if (!take(keep, (more - nslots) * sizeof(*keep->slot)))
		return false;
	grown = *keep;
	grown.slot = calloc(more, sizeof(*grown.slot));
	if (!grown.slot)
		return false;
	grown.shift = nslots ? keep->shift - 1 : FIRST_SHIFT;
	for (size_t i = 0; i < nslots; i++)
		if (keep->slot[i].frame)
			slot_fill(&grown, &keep->slot[i]);
	free(keep->slot);
	*keep = grown;
	return true;
}

static bool block_make(struct ws_keep *keep, size_t size)
{
	uint8_t **block = take(keep, size) ? ws_vec_push(&keep->blocks) : NULL;

	if (!block)
		return false;
	*block = ws_huge_alloc(size);
	if (!*block)
		keep->blocks.n--;
	return *block;
}

static bool block_add(struct ws_keep *keep)
{
	size_t size = keep->nused < BLOCK_LOG2 ? BLOCK_MIN << keep->nused : BLOCK;

	if (keep->nused == keep->blocks.n && !block_make(keep, size))
		return false;
	keep->room = keep->blocks.v[keep->nused++];
	keep->left = size / WS_FRAME_SIZE;
	return true;
}

uint8_t *ws_keep_room(struct ws_keep *keep)
{
	return slots_grow(keep) && (keep->left || block_add(keep)) ? keep->room : NULL;
}

const uint8_t *ws_keep_add(struct ws_keep *keep, uint64_t number)
{
	const uint8_t *frame = keep->room;

	slot_fill(keep, &(struct ws_kept){ number, frame });
	keep->n++;
	keep->room += WS_FRAME_SIZE;
	keep->left--;
	return frame;
}

void ws_keep_forget(struct ws_keep *keep)
{
	for (size_t i = slots_of(keep); i-- > 0;)
		keep->slot[i].frame = NULL;
	keep->n = keep->nused = keep->left = 0;
}

void ws_keep_release(struct ws_keep *keep)
{
	ws_vec_each(&keep->blocks, block)
		free(*block);
	ws_vec_release(&keep->blocks);
	free(keep->slot);
}
