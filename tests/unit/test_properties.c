/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every combination of the bits that decide, at every level, against the second reading
 * of the manual (tests/common/manual.c). The space is counted through bit by bit and
 * pruned where the manual ends the walk (after kvm-unit-tests, x86/access.c).
 */
#include "common/entries.h"
#include "common/manual.h"
#include "common/memory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))
#define VA UINT64_C(0x12345678)

#define LADDER_FRAMES 8

/*
 * One frame a level, and only bits 18:16 of a physical address say which: so that any
 * other address bit can be set in an entry without leading away from the tables.
 */
struct ladder {
	struct ws_paging paging;
	const struct entries *entries;
	uint8_t frame[LADDER_FRAMES]
		     [WS_FRAME_SIZE]; /* a level each; the rest are empty */
	uint8_t *slot[WS_MAX_LEVELS]; /* where the walk of VA reads, a level each */
	unsigned levels, entry_size;
	uint64_t toggled[WS_MAX_LEVELS]; /* bits flipped in every entry of a level */
	const unsigned *bit;             /* the bits that are counted through */
	unsigned nbits;
	uint64_t fixed; /* set in every entry */
	uint64_t walks;
};

static enum ws_evidence ladder_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct ladder *ladder = opaque;

	return frame_lend(ladder->frame[(pa >> 16) % LADDER_FRAMES], frame);
}

/* Where the table below lies, as an entry says it. */
static uint64_t level_bits(const struct ladder *ladder, unsigned level)
{
	return (uint64_t)(level + 1) << 16 >> ladder->entries->shift;
}

static void ladder_init(struct ladder *ladder, const struct ws_format *format)
{
	struct ws_trail trail;

	*ladder = (struct ladder){
		.paging = { .format = format, .frame = ladder_frame, .opaque = ladder },
		.entries = entries_of(format),
		.levels = ws_format_levels(format),
		.entry_size = 1u << format_entry_log2(format),
	};
	/* Present all the way down, the walk itself says which slots it reads. */
	for (unsigned l = 0; l < ladder->levels; l++)
		for (unsigned i = 0; i < WS_FRAME_SIZE; i += ladder->entry_size) {
			uint64_t entry =
				(l + 1 < ladder->levels ? ladder->entries->table
							: ladder->entries->leaf) |
				level_bits(ladder, l);

			put_little(ladder->frame[l] + i, ladder->entry_size, entry);
		}
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
		 ws_format_name(ladder->paging.format), ladder->paging.pa_bits,
		 ladder->paging.no_execute, trail.end, trail.nsteps - 1u, trail.pa,
		 trail.access, flaw.reserved, manual.end, manual.level, manual.pa,
		 manual.access, manual.flaw.reserved);
	return manual;
}

static void put(struct ladder *ladder, unsigned level, uint64_t entry)
{
	entry |= level_bits(ladder, level);
	entry ^= ladder->toggled[level];
	put_little(ladder->slot[level], ladder->entry_size, entry);
}

/* Counts through the bits of one level, and of those below where the walk gets there. */
static void count_through(struct ladder *ladder, unsigned level)
{
	for (unsigned choice = 0; choice < 1u << ladder->nbits; choice++) {
		uint64_t entry = ladder->fixed;

		for (unsigned b = 0; b < ladder->nbits; b++)
			if (choice >> b & 1)
				entry |= BIT(ladder->bit[b]);
		put(ladder, level, entry);
		if (compare(ladder).level > level)
			count_through(ladder, level + 1);
	}
}

static void reported(const struct ladder *ladder)
{
	print_message("# %s: %" PRIu64 " walks\n", ws_format_name(ladder->paging.format),
		      ladder->walks);
}

/*
 * The bits that are counted through together; more than six a level are too many where
 * there are five levels. fixed: set all the time.
 */
static const struct deciding {
	const char *prefix;
	uint64_t fixed;
	unsigned nbits, bit[9];
} deciding[] = {
	{ "i386-pae", 0, 5, { 0, 1, 2, 7, 63 } }, /* P, R/W, U/S, PS, XD */
	{ "i386", 0, 4, { 0, 1, 2, 7 } },         /* the same, but no XD */
	{ "x86_64", 0, 5, { 0, 1, 2, 7, 63 } },
	{ "arm64", 0, 6, { 0, 1, 6, 7, 53, 54 } },   /* type, AP[2:1], PXN, UXN */
	{ "arm64", BIT(6), 5, { 0, 1, 7, 59, 60 } }, /* and those of tables */
	{ "arm64", BIT(6), 5, { 0, 1, 53, 61, 62 } },
	{ "arm-lpae", 0, 6, { 0, 1, 6, 7, 53, 54 } },
	{ "arm-lpae", BIT(6), 6, { 0, 1, 59, 60, 61, 62 } },
	{ "arm", 0, 9, { 0, 1, 2, 4, 5, 9, 10, 11, 15 } }, /* type, PXN, AP, XN */
	{ "arm", BIT(18), 8, { 0, 1, 2, 4, 9, 10, 11, 15 } },
	{ "riscv-sv32", 0, 5, { 0, 1, 2, 3, 4 } },          /* V, R, W, X, U */
	{ "riscv", 0, 7, { 0, 1, 2, 3, 61, 62, 63 } },      /* PBMT, N */
	{ "riscv", BIT(13), 7, { 0, 1, 2, 3, 4, 10, 63 } }, /* 64 KiB */
};

/* Rights of every level together, with NXE and without. */
static void test_rights(void **state)
{
	const char *name = ws_format_name(*state), *family = NULL;
	struct ladder ladder;

	ladder_init(&ladder, *state);
	for (unsigned i = 0; i < 2 * sizeof(deciding) / sizeof(*deciding); i++) {
		const struct deciding *d = &deciding[i / 2];
		bool x86 = d->prefix[0] == 'i' || d->prefix[0] == 'x';

		if (strncmp(name, d->prefix, strlen(d->prefix)) != 0 ||
		    (family && strcmp(family, d->prefix) != 0) || (i & 1 && !x86))
			continue;
		family = d->prefix;
		ladder.bit = d->bit;
		ladder.nbits = d->nbits;
		ladder.fixed = d->fixed;
		ladder.paging.no_execute = i & 1;
		count_through(&ladder, 0);
	}
	assert_true(ladder.walks > 0);
	reported(&ladder);
}

/* Each bit of each entry alone, on every kind of path, for several processors. */
static void test_every_bit(void **state)
{
	static const unsigned x86_bits[] = { 0, 7 }, other_bits[] = { 0, 1 };
	static const uint8_t widths[] = { 0, 32, 36, 39, 40, 46, 52 };
	struct ladder ladder;

	ladder_init(&ladder, *state);
	ladder.bit = ladder.entries->rights == 6 ? x86_bits : other_bits;
	ladder.nbits = 2;
	for (unsigned l = 0; l < ladder.levels; l++) {
		for (unsigned b = 0; b < ladder.entry_size * 8; b++) {
			unsigned own = 16 - ladder.entries->shift; /* and two more */

			ladder.toggled[l] = b >= own && b <= own + 2 ? 0 : BIT(b);
			for (unsigned w = 0; w < 2 * sizeof(widths); w++) {
				ladder.paging.no_execute = w & 1;
				ladder.paging.pa_bits = widths[w / 2];
				count_through(&ladder, 0);
			}
		}
		ladder.toggled[l] = 0;
	}
	reported(&ladder);
}

/* Any addresses on any tables. */
static void test_random(void **state)
{
	static const uint8_t widths[] = { 0, 36, 40, 46, 52 };
	struct random random = { random_seed() };
	struct arena arena = arena_create(64);
	unsigned rounds = random_rounds(60000);
	struct ws_paging paging = { .format = *state,
				    .frame = arena_frame,
				    .opaque = &arena };

	arena_fill(&arena, paging.format, &random);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t root = random_below(&random, 66 * WS_FRAME_SIZE);
		uint64_t va = random_va(paging.format, &random);
		struct manual_answer manual;
		struct ws_flaw flaw = { 0 };
		struct ws_trail trail;

		paging.no_execute = random_percent(&random, 50);
		paging.pa_bits = widths[random_below(&random, sizeof(widths))];
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
	struct CMUnitTest tests[96];
	char title[96][64];
	unsigned n = 0;

	for (unsigned f = 0; ws_format_at(f); f++) {
		for (unsigned i = 0; i < nproperties && n < 96; i++, n++) {
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
