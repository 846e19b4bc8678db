/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every combination of the bits that decide, at every level, against the second reading
 * of the manual (tests/common/manual.c). The space is counted through bit by bit and
 * pruned where the manual ends the walk (after kvm-unit-tests, x86/access.c).
 */
#include "common/manual.h"
#include "common/memory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))
#define VA UINT64_C(0x12345678)

/*
 * One frame a level, and only bits 18:16 of a physical address tell which: so that any
 * other address bit can be set in an entry without leading away from the tables.
 */
struct ladder {
	struct ws_paging paging;
	uint8_t frame[WS_MAX_LEVELS][WS_FRAME_SIZE];
	uint8_t *slot[WS_MAX_LEVELS]; /* where the walk of VA reads, a level each */
	unsigned levels, entry_size;
	uint64_t toggled[WS_MAX_LEVELS]; /* bits flipped in every entry of a level */
	const unsigned *bit;             /* the bits that are counted through */
	unsigned nbits;
	uint64_t walks;
};

static enum ws_evidence ladder_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct ladder *ladder = opaque;

	return frame_lend(ladder->frame[pa >> 16 & 7], frame);
}

static void ladder_init(struct ladder *ladder, const struct ws_format *format)
{
	struct ws_trail trail;

	*ladder = (struct ladder){
		.paging = { .format = format, .frame = ladder_frame, .opaque = ladder },
		.levels = ws_format_levels(format),
		.entry_size = 1u << format_entry_log2(format),
	};
	/* Present all the way down, the walk itself says which slots it reads. */
	for (unsigned l = 0; l < ladder->levels; l++)
		for (unsigned i = 0; i < WS_FRAME_SIZE; i += ladder->entry_size)
			ladder->frame[l][i] = 1,
			ladder->frame[l][i + 2] = (uint8_t)(l + 1);
	ws_walk(&ladder->paging, 0, VA, &trail);
	assert_int_equal(trail.nsteps, ladder->levels);
	for (unsigned l = 0; l < ladder->levels; l++)
		ladder->slot[l] =
			ladder->frame[l] +
			ws_step_entry_pa(format, &trail.step[l]) % WS_FRAME_SIZE;
}

/* Both readings; fails where they differ, else gives the manual's. */
static struct manual_answer compare(struct ladder *ladder)
{
	struct manual_answer manual = manual_walk(&ladder->paging, 0, VA);
	struct ws_flaw flaw = { 0 };
	struct ws_trail trail;
	bool flawed, alike;

	ws_walk(&ladder->paging, 0, VA, &trail);
	flawed = ws_check(&ladder->paging, &trail, &flaw);
	ladder->walks++;
	alike = trail.end == manual.end && trail.nsteps - 1u == manual.level &&
		flawed == manual.flawed && flaw.level == manual.flaw.level &&
		flaw.reserved == manual.flaw.reserved;
	if (alike && manual.end == WS_END_PAGE)
		alike = trail.pa == manual.pa && trail.page_shift == manual.page_shift &&
			trail.access == manual.access;
	if (alike)
		return manual;
	for (unsigned l = 0; l < trail.nsteps; l++)
		print_error("level %u: entry %" PRIx64 "\n", l, trail.step[l].entry);
	fail_msg("%s, MAXPHYADDR %u, NXE %d: library end %u level %u pa %" PRIx64
		 " access %u reserved %" PRIx64 "; manual %u %u %" PRIx64 " %u %" PRIx64,
		 ws_format_name(ladder->paging.format), ladder->paging.maxphyaddr,
		 ladder->paging.nx, trail.end, trail.nsteps - 1u, trail.pa, trail.access,
		 flaw.reserved, manual.end, manual.level, manual.pa, manual.access,
		 manual.flaw.reserved);
	return manual;
}

static void put(struct ladder *ladder, unsigned level, uint64_t entry)
{
	entry |= (uint64_t)(level + 1) << 16;
	entry ^= ladder->toggled[level];
	memcpy(ladder->slot[level], &entry, ladder->entry_size);
}

/* Counts through the bits of one level, and of those below where the walk gets there. */
static void count_through(struct ladder *ladder, unsigned level)
{
	for (unsigned choice = 0; choice < 1u << ladder->nbits; choice++) {
		uint64_t entry = 0;

		for (unsigned b = 0; b < ladder->nbits; b++)
			if (choice >> b & 1)
				entry |= BIT(ladder->bit[b]);
		put(ladder, level, entry);
		if (compare(ladder).level > level)
			count_through(ladder, level + 1);
	}
}

static void told(const struct ladder *ladder)
{
	print_message("# %s: %" PRIu64 " walks\n", ws_format_name(ladder->paging.format),
		      ladder->walks);
}

/* P, R/W, U/S, PS and XD of every entry, all together, with NXE and without. */
static void test_rights(void **state)
{
	static const unsigned bits[] = { 0, 1, 2, 7, 63 };
	struct ladder ladder;

	ladder_init(&ladder, *state);
	ladder.bit = bits;
	ladder.nbits = ladder.entry_size == 8 ? 5 : 4;
	for (unsigned nx = 0; nx <= 1; nx++) {
		ladder.paging.nx = nx;
		count_through(&ladder, 0);
	}
	told(&ladder);
}

/* Each bit of each entry alone, on every kind of path, for several processors. */
static void test_every_bit(void **state)
{
	static const unsigned bits[] = { 0, 7 };
	static const uint8_t widths[] = { 0, 32, 36, 39, 40, 46, 52 };
	struct ladder ladder;

	ladder_init(&ladder, *state);
	ladder.bit = bits;
	ladder.nbits = 2;
	for (unsigned l = 0; l < ladder.levels; l++) {
		for (unsigned b = 0; b < ladder.entry_size * 8; b++) {
			/* bits 18:16 are the ladder's own */
			ladder.toggled[l] = b >= 16 && b <= 18 ? 0 : BIT(b);
			for (unsigned w = 0; w < 2 * sizeof(widths); w++) {
				ladder.paging.nx = w & 1;
				ladder.paging.maxphyaddr = widths[w / 2];
				count_through(&ladder, 0);
			}
		}
		ladder.toggled[l] = 0;
	}
	told(&ladder);
}

/* Any addresses on any tables. */
static void test_random(void **state)
{
	static const uint8_t widths[] = { 0, 36, 40, 46, 52 };
	struct random random = { random_seed() };
	struct arena arena = arena_create(64);
	struct ws_paging paging = { .format = *state,
				    .frame = arena_frame,
				    .opaque = &arena };

	arena_fill(&arena, format_entry_log2(paging.format), &random);
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t root = random_below(&random, 66 * WS_FRAME_SIZE);
		uint64_t va = random_va(paging.format, &random);
		struct manual_answer manual;
		struct ws_flaw flaw = { 0 };
		struct ws_trail trail;

		paging.nx = random_percent(&random, 50);
		paging.maxphyaddr = widths[random_below(&random, sizeof(widths))];
		manual = manual_walk(&paging, root, va);
		ws_walk(&paging, root, va, &trail);
		assert_int_equal(trail.end, manual.end);
		if (manual.end == WS_END_NONCANONICAL)
			continue;
		assert_int_equal(trail.nsteps - 1, manual.level);
		assert_int_equal(ws_check(&paging, &trail, &flaw), manual.flawed);
		assert_int_equal(flaw.level, manual.flaw.level);
		assert_int_equal(flaw.reserved, manual.flaw.reserved);
		if (manual.end != WS_END_PAGE)
			continue;
		assert_int_equal(trail.pa, manual.pa);
		assert_int_equal(trail.page_shift, manual.page_shift);
		assert_int_equal(trail.access, manual.access);
	}
	arena_release(&arena);
}

static const struct {
	const char *title;
	void (*run)(void **state);
} properties[] = {
	{ "rights of every level together", test_rights },
	{ "every bit of every level", test_every_bit },
	{ "random tables", test_random },
};

int main(void)
{
	const unsigned nproperties = sizeof(properties) / sizeof(*properties);
	struct CMUnitTest tests[32];
	char title[32][64];
	unsigned n = 0;

	for (unsigned f = 0; ws_format_at(f); f++) {
		for (unsigned i = 0; i < nproperties && n < 32; i++, n++) {
			const struct ws_format *format = ws_format_at(f);

			snprintf(title[n], sizeof(title[n]), "%s: %s",
				 ws_format_name(format), properties[i].title);
			tests[n] = (struct CMUnitTest){ .name = title[n],
							.test_func = properties[i].run,
							.initial_state = (void *)format };
		}
	}
	return _cmocka_run_group_tests("properties", tests, n, NULL, NULL);
}
