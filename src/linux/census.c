/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/census.h"

#include <stdlib.h>

/* ---- sets of frames --------------------------------------------------------------- */

bool ws_frame_set_init(struct ws_frame_set *set, struct ws_target *target)
{
	set->target = target;
	set->bits = calloc(target->nframes / 8 + 1, 1);
	return set->bits;
}

void ws_frame_set_release(struct ws_frame_set *set)
{
	free(set->bits);
	set->bits = NULL;
}

/* The byte and the bit that stand for pa's frame; NULL where memory has no such frame. */
static uint8_t *bit_of(const struct ws_frame_set *set, uint64_t pa, uint8_t *bit)
{
	uint64_t frame = pa & -(uint64_t)WS_FRAME_SIZE, ordinal;
	const struct ws_piece_of_memory *piece = ws_target_piece(set->target, frame);

	if (!piece || piece->at.len - (frame - piece->at.pa) < WS_FRAME_SIZE)
		return NULL;
	ordinal = ws_frame_ordinal(piece, frame);
	*bit = (uint8_t)(1 << ordinal % 8);
	return &set->bits[ordinal / 8];
}

bool ws_frame_set_has(const struct ws_frame_set *set, uint64_t pa)
{
	uint8_t bit, *byte = bit_of(set, pa, &bit);

	return byte && *byte & bit;
}

bool ws_frame_set_add(struct ws_frame_set *set, uint64_t pa)
{
	uint8_t bit, *byte = bit_of(set, pa, &bit);

	if (!byte || *byte & bit)
		return false;
	*byte |= bit;
	return true;
}

void ws_frame_set_remove(struct ws_frame_set *set, uint64_t pa)
{
	uint8_t bit, *byte = bit_of(set, pa, &bit);

	if (byte)
		*byte &= (uint8_t)~bit;
}

static int by_bytes(const void *left, const void *right)
{
	uint64_t a = ((const struct ws_ballot *)left)->bytes;
	uint64_t b = ((const struct ws_ballot *)right)->bytes;

	return (a < b) - (a > b);
}

/* ---- the tables ------------------------------------------------------------------- */

struct visit {
	struct ws_system *system;
	struct ws_census *census;
	struct ws_frame_set seen;
};

static void flush(struct ws_census *census, struct ws_ballot *run)
{
	if (run->bytes)
		ws_vote(census->ballot, run->delta, run->bytes);
	run->bytes = 0;
}

/*
 * Neighbouring pages of one frame of a table that have the same difference vote together.
 * A page may be larger than what its entry rules: ARM's large pages stand in 16.
 */
static void count_pages(const struct visit *visit, const uint8_t *frame,
			const struct ws_table_part *part, unsigned level, uint64_t va)
{
	const struct ws_format *format = visit->system->paging.format;
	const struct ws_level *rows = &format->level[level];
	struct ws_census *census = visit->census;
	struct ws_ballot run = { 0 };

	for (unsigned i = part->first; i < part->first + part->count; i++) {
		uint64_t entry = ws_entry(visit->system, frame, i);
		const struct ws_row *row = ws_row_of(rows, entry);
		uint64_t at = ws_canonical(format, va + ((uint64_t)i << rows->shift));
		uint64_t pa;

		if (!row || row->kind != WS_ROW_LEAF || at < census->first ||
		    at > census->last)
			continue;
		pa = ws_row_address(row, entry) | (at & (WS_BIT(row->page_shift) - 1));
		if (census->memory_only && !ws_target_piece(visit->system->target, pa))
			continue;
		if (run.delta != at - pa)
			flush(census, &run);
		run.delta = at - pa;
		run.bytes += WS_BIT(rows->shift);
	}
	flush(census, &run);
}

static bool visit_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct visit *visit = arg;
	const struct ws_paging *paging = &visit->system->paging;
	struct ws_table_part part = { .pa = pa };
	const uint8_t *frame;
	bool any = false;

	/* a synthetic root is in no frame of memory */
	if (!visit->census->budget || (level && !ws_frame_set_add(&visit->seen, pa)))
		return false;
	visit->census->budget--;
	while (ws_table_next(paging->format, level, &part)) {
		if (paging->frame(paging->opaque, part.pa, &frame) != WS_READ)
			continue;
		any = true;
		count_pages(visit, frame + part.pa % WS_FRAME_SIZE, &part, level, va);
	}
	return any && level + 1 < paging->format->nlevels;
}

enum ws_status ws_census_take(struct ws_system *system, uint64_t root,
			      struct ws_census *census)
{
	struct visit visit = { .system = system, .census = census };
	enum ws_status status;

	if (!ws_frame_set_init(&visit.seen, system->target))
		return ws_fail_memory(system->ctx);
	status = ws_tables(&system->paging, root, census->first, census->last, 0,
			   visit_table, &visit);
	ws_frame_set_release(&visit.seen);
	qsort(census->ballot, WS_BALLOTS, sizeof(*census->ballot), by_bytes);
	return status == WS_ERR_LIMIT ? WS_OK : status; /* a part of the votes decides */
}
