/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A few frames of page tables, in any paging format: walked, checked and gone through, and each
 * walk held against the manuals' second reading. An input:
 *
 *	byte 0		which format
 *	byte 1		enum: bit 0 NXE, bit 1 emulated, from bit 2 on MAXPHYADDR
 *	byte 2		the root's frame
 *	then		entries, of ENTRY_SIZE bytes each: frame, enum entry_op, index, value
 */
#include "fuzz.h"

#include <string.h>

#include "common/entries.h"
#include "common/manual.h"
#include "common/memory.h"
#include "util/bits.h"

#define FRAMES 8u
#define HEAD 3u
#define ENTRY_SIZE 12u
#define ENTRIES_MAX 512u
#define TABLES_MAX 256u

enum entry_op {
	ENTRY_RAW,  /* value */
	ENTRY_LEAD, /* to a frame of these, as what the format has: value, but for that */
	ENTRY_FILL, /* the same, all of the frame */
	ENTRY_OPS
};

struct hall {
	struct arena arena;
	struct ws_paging paging;
	const struct entries *entries;
	uint64_t root;
	uint64_t last; /* of the run before */
	bool begun;
};

/* ---- tables ----------------------------------------------------------------------- */

static uint64_t entry_of(const struct hall *hall, uint8_t op, uint64_t value)
{
	const struct entries *entries = hall->entries;
	unsigned kind = value >> 56 & 7;
	uint64_t entry;

	if (op == ENTRY_RAW)
		return value;
	entry = (value & ~entries->address) |
		entries_address(entries, (value & (FRAMES - 1)) * WS_FRAME_SIZE);
	if (kind < ENTRIES_KINDS)
		entry = (entry & ~entries->kind[kind].mask) | entries->kind[kind].value;
	return entry;
}

static void put_entry(struct hall *hall, const uint8_t *at)
{
	unsigned size = hall->entries->size, op = at[1] % ENTRY_OPS;
	uint8_t *frame = hall->arena.bytes + at[0] % FRAMES * WS_FRAME_SIZE;
	unsigned first = ws_le16(at + 2) % (WS_FRAME_SIZE / size) * size;
	uint64_t entry = entry_of(hall, (uint8_t)op, ws_le64(at + 4));

	if (op != ENTRY_FILL) {
		put_little(frame + first, size, entry);
		return;
	}
	for (unsigned i = 0; i < WS_FRAME_SIZE; i += size)
		put_little(frame + i, size, entry);
}

static const struct ws_format *format_of(uint8_t byte)
{
	unsigned n = 0;

	while (ws_format_at(n))
		n++;
	return ws_format_at(byte % n);
}

static struct hall hall_of(const uint8_t *data, size_t size)
{
	static const uint8_t widths[] = { 0, 32, 36, 40, 46, 48, 52 };
	struct hall hall = { .arena = arena_create(FRAMES) };

	hall.paging = (struct ws_paging){
		.format = format_of(data[0]),
		.frame = arena_frame,
		.no_execute = data[1] & 1,
		.emulated = data[1] & 2,
		.pa_bits = widths[(data[1] >> 2) % WS_ARRAY_SIZE(widths)]
	};
	hall.entries = entries_of(hall.paging.format);
	hall.root = data[2] % FRAMES * (uint64_t)WS_FRAME_SIZE;
	for (size_t at = HEAD, n = 0; at + ENTRY_SIZE <= size && n < ENTRIES_MAX;
	     at += ENTRY_SIZE, n++)
		put_entry(&hall, data + at);
	return hall;
}

/* ---- walks ------------------------------------------------------------------------ */

static void walk(const struct hall *hall, uint64_t va)
{
	struct manual_answer manual = manual_walk(&hall->paging, hall->root, va);
	struct ws_flaw flaw = { 0 };
	struct ws_trail trail;

	ws_walk(&hall->paging, hall->root, va, &trail);
	insist(trail.end == manual.end, "the manual's walk ends otherwise");
	if (trail.end == WS_END_NONCANONICAL)
		return;
	insist(trail.nsteps - 1u == manual.level, "or elsewhere");
	if (!hall->paging.emulated)
		insist(ws_check(&hall->paging, &trail, &flaw) == manual.flawed &&
			       flaw.reserved == manual.flaw.reserved,
		       "or with another flaw");
	insist(trail.end != WS_END_PAGE ||
		       (trail.pa == manual.pa && trail.page_shift == manual.page_shift &&
			trail.access == manual.access),
	       "or with another page");
}

/* Each follows the one before, and its ends are walked to the same. */
static bool take_run(void *arg, const struct ws_run *run)
{
	struct hall *hall = arg;
	struct ws_trail trail;

	insist(run->last >= run->va && (!hall->begun || run->va > hall->last),
	       "runs out of order");
	hall->begun = true;
	hall->last = run->last;
	ws_walk(&hall->paging, hall->root, run->va, &trail);
	insist(trail.end == run->end && (run->end != WS_END_PAGE || trail.pa == run->pa),
	       "a run that is no walk");
	ws_walk(&hall->paging, hall->root, run->last, &trail);
	insist(trail.end == run->end &&
		       (run->end != WS_END_PAGE || trail.access == run->access),
	       "a run whose end is not its beginning's");
	return true;
}

static bool take_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	(void)arg;
	(void)va;
	return level < 8 && pa != UINT64_MAX;
}

void fuzz_walk(const uint8_t *data, size_t size)
{
	struct random random = { 2012 };
	struct hall hall;

	if (size < HEAD)
		return;
	hall = hall_of(data, size);
	hall.paging.opaque = &hall.arena;
	for (unsigned i = 0; i < 16; i++)
		walk(&hall, random_va(hall.paging.format, &random));
	walk(&hall, 0);
	walk(&hall, UINT64_MAX);
	(void)!ws_range(&hall.paging, hall.root, 0, UINT64_MAX,
			WS_RANGE_PHYSICAL | WS_RANGE_HOLES, TABLES_MAX, take_run, &hall);
	(void)!ws_tables(&hall.paging, hall.root, 0, UINT64_MAX, TABLES_MAX, take_table,
			 NULL);
	arena_release(&hall.arena);
}

/* One more entry, which mostly leads to a frame that is there. */
size_t mutate_walk(uint8_t *data, size_t size, size_t max, struct random *random)
{
	size_t at = size < HEAD ? HEAD : size;

	if (at + ENTRY_SIZE > max)
		return size;
	for (size_t i = size; i < at + ENTRY_SIZE; i++)
		data[i] = (uint8_t)random_next(random);
	data[at + 1] = (uint8_t)random_below(random, ENTRY_OPS);
	return at + ENTRY_SIZE;
}
