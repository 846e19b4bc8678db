/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/tour.h"

#include <stdlib.h>

#include "util/hash.h"

/*
 * What makes a table another: where it lies, and the way it is used. Tables are of 32
 * bytes or more, and no format's pa has more than 56 bits.
 */
#define TABLE_LOG2_MIN 5
#define KEY_RIGHTS 3 /* above the level */
#define KEY_KERNEL 9
#define KEY_WAY 10
#define KEY_PA 11

struct ws_toured {
	uint64_t key;
	UT_hash_handle hh;
};

static bool is_new(struct ws_tour *tour, uint64_t key)
{
	struct ws_toured *toured;

	HASH_FIND(hh, tour->toured, &key, sizeof(key), toured);
	if (toured)
		return false;
	toured = calloc(1, sizeof(*toured));
	if (toured) {
		toured->key = key;
		HASH_ADD(hh, tour->toured, key, sizeof(toured->key), toured);
	}
	if (toured && toured->hh.tbl)
		return true;
	free(toured);
	tour->audit->short_of_memory = true;
	return false;
}

void ws_tour_release(struct ws_tour *tour)
{
	struct ws_toured *it, *next;

	HASH_ITER(hh, tour->toured, it, next)
	{
		HASH_DEL(tour->toured, it);
		free(it);
	}
}

static bool is_within_bound(struct ws_tour *tour)
{
	if (tour->ntables < WS_TOUR_TABLES) {
		tour->ntables++;
		return true;
	}
	ws_note(tour->audit->system,
		"more than %u page tables: what others hold was not looked at",
		WS_TOUR_TABLES);
	return false;
}

static bool must_visit(struct ws_tour *tour, const struct ws_entry_at *at)
{
	uint64_t kernel = at->va >= tour->audit->system->layout.kernel_first;
	uint64_t rights = at->access & tour->rights;

	return is_new(tour, at->address >> TABLE_LOG2_MIN << KEY_PA | (at->level + 1u) |
				    rights << KEY_RIGHTS | kernel << KEY_KERNEL |
				    (uint64_t)tour->way << KEY_WAY) &&
	       is_within_bound(tour);
}

static void visit_table(struct ws_tour *tour, struct ws_entry_at *at, uint64_t base);

static void visit_entry(struct ws_tour *tour, struct ws_entry_at *at)
{
	const struct ws_format *format = tour->audit->system->paging.format;
	struct ws_entry_at below = { .above = at,
				     .space = at->space,
				     .level = (uint8_t)(at->level + 1),
				     .access = at->access };

	at->row = ws_row_of(&format->level[at->level], at->entry);
	at->address = at->row ? ws_row_address(at->row, at->entry) : 0;
	if (at->row)
		at->access &= (uint8_t)~ws_row_denied(at->row, at->entry, at->access);
	below.access = at->access;
	below.table = at->address;
	tour->fn(tour->arg, at);
	if (at->row && at->row->kind == WS_ROW_TABLE && must_visit(tour, at))
		visit_table(tour, &below, at->va);
}

/* The entries in [first, end) of a part of the table that at and base are of. */
static void visit_entries(struct ws_tour *tour, struct ws_entry_at *at, uint64_t base,
			  const uint8_t *bytes, uint32_t first, uint32_t end)
{
	const struct ws_format *format = tour->audit->system->paging.format;
	const struct ws_level *level = &format->level[at->level];
	const uint8_t access = at->access, log2 = format->entry_log2;

	for (uint32_t i = first; i < end; i++, bytes += (size_t)1 << log2) {
		at->entry = ws_load_entry(bytes, 0, log2);
		if (!(at->entry & format->present) && (!tour->hole || !at->entry))
			continue;
		at->index = i;
		at->va = ws_canonical(format, base + ((uint64_t)i << level->shift));
		at->last = at->va + (WS_BIT(level->shift) - 1);
		at->access = access;
		if (at->last < tour->first)
			continue;
		if (at->entry & format->present)
			visit_entry(tour, at);
		else
			tour->hole(tour->arg, at);
	}
	at->access = access;
}

/*
 * Most entries are holes, and most of the time goes into passing over them: by the line.
 */
#define LINE 64u

static bool has_any(const uint8_t *line, uint64_t bits)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < LINE; i += sizeof(any))
		any |= ws_le64(line + i);
	return any & bits;
}

static void visit_part(struct ws_tour *tour, struct ws_entry_at *at, uint64_t base,
		       const struct ws_table_part *part, const uint8_t *bytes)
{
	const struct ws_format *format = tour->audit->system->paging.format;
	const uint8_t log2 = format->entry_log2;
	uint32_t n = part->count, line = LINE >> log2,
		 step = line < n ? line : n; /* a PDPT is half a line */
	uint64_t present =
		log2 == 3 ? format->present : format->present << 32 | format->present;
	uint64_t bits = tour->hole ? UINT64_MAX : present;

	for (uint32_t i = 0; i < n; i += step, bytes += (size_t)step << log2)
		if (step < line || has_any(bytes, bits))
			visit_entries(tour, at, base, bytes, part->first + i,
				      part->first + i + step);
	tour->audit->work += n;
}

/* at: of the table, its entries yet to come. base: the va that its first one rules. */
static void visit_table(struct ws_tour *tour, struct ws_entry_at *at, uint64_t base)
{
	struct ws_system *system = tour->audit->system;
	struct ws_table_part part = { .pa = at->table };
	uint8_t scratch[WS_FRAME_SIZE];
	const uint8_t *frame;

	while (ws_table_next(system->paging.format, at->level, &part))
		if (ws_peek_table(system, part.pa, scratch, &frame) == WS_READ)
			visit_part(tour, at, base, &part,
				   frame + part.pa % WS_FRAME_SIZE);
}

uint64_t ws_tour_base(const struct ws_system *system, const struct ws_space *space)
{
	const struct ws_format *format = system->paging.format;
	struct ws_eye eye;

	ws_space_eye(system, space, &eye);
	for (unsigned i = 0; i < eye.nwindows; i++)
		if (eye.window[i].root == space->root)
			return ws_root_base(format, eye.window[i].first);
	return ws_root_base(
		format, space->kind == WS_SPACE_INIT ? system->layout.kernel_first : 0);
}

void ws_tour_space(struct ws_tour *tour, uint32_t space)
{
	const struct ws_system *system = tour->audit->system;
	struct ws_entry_at root = { .space = space,
				    .access = WS_ACCESS_ALL,
				    .table = system->spaces.v[space].root &
					     system->paging.format->root_mask };

	visit_table(tour, &root, ws_tour_base(system, &system->spaces.v[space]));
}
