/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A large page held against the table in its place, at every level of x86-64: what
 * differs is found, with all that it differs in and nothing beside it, once however often
 * it is asked for, and of no more tables than are allowed.
 */
#include "audit/split.h"
#include "common/frames.h"
#include "common/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "x86/entry.h"

/* SDM vol. 3A, tables 4-15 to 4-20. */
#define P UINT64_C(1)
#define RW UINT64_C(2)
#define US UINT64_C(4)
#define PCD UINT64_C(16)
#define DIRTY UINT64_C(64)
#define PS UINT64_C(128)
#define G UINT64_C(256)
#define LARGE_PAT (UINT64_C(1) << 12)
#define PTE_PAT UINT64_C(128)
#define XD (UINT64_C(1) << 63)

#define KERNEL (P | RW | G)
#define TABLE (P | RW | US)

#define PDPT 1u /* levels */
#define PD 2u
#define PT 3u
#define VA UINT64_C(0xffff888040000000)
#define PA UINT64_C(0x40000000)

#define FRAMES 4
#define PD_PA UINT64_C(0x1000) /* frames 1 to 3 */
#define PT_PA UINT64_C(0x2000)

static uint64_t memory[FRAMES][512];

/* As the machine has it: little-endian. */
static enum ws_evidence frame_of(void *opaque, uint64_t pa, const uint8_t **frame)
{
	static uint8_t bytes[FRAMES][WS_FRAME_SIZE];
	uint64_t n = pa / WS_FRAME_SIZE;

	(void)opaque;
	for (unsigned i = 0; n < FRAMES && i < 512; i++)
		put_little(bytes[n] + (size_t)8 * i, 8, memory[n][i]);
	return frame_lend(n < FRAMES ? bytes[n] : NULL, frame);
}

static struct ws_system machine = {
	.paging = { .format = &ws_format_x86_64, .frame = frame_of },
};
static struct ws_audit audit;
static struct ws_splits splits;

static uint64_t *pd(unsigned i)
{
	return &memory[PD_PA / WS_FRAME_SIZE][i];
}

static uint64_t *pt(unsigned i)
{
	return &memory[PT_PA / WS_FRAME_SIZE][i];
}

/* 1 GiB from PA by 2 MiB, of which the sixth by 4 KiB. */
static int set_up(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	audit = (struct ws_audit){ .system = &machine };
	splits = (struct ws_splits){ .audit = &audit };
	for (unsigned i = 0; i < 512; i++) {
		*pd(i) = (PA + ((uint64_t)i << 21)) | KERNEL | PS;
		*pt(i) = (PA + (UINT64_C(5) << 21) + ((uint64_t)i << 12)) | KERNEL;
	}
	*pd(5) = PT_PA | TABLE;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ws_splits_release(&splits);
	assert_false(audit.short_of_memory);
	return 0;
}

static const struct ws_split *gib(uint64_t page)
{
	return ws_split_of(&splits, PDPT, VA, page, PD_PA | TABLE);
}

/* The 2 MiB that the table of 4 KiB pages maps. */
static const struct ws_split *mib(uint64_t rights)
{
	return ws_split_of(&splits, PD, VA + (UINT64_C(5) << 21),
			   (PA + (UINT64_C(5) << 21)) | PS | rights, PT_PA | TABLE);
}

static void expect_alike(const struct ws_split *split)
{
	assert_non_null(split);
	assert_int_equal(split->runs.n, 0);
	assert_false(split->unread);
	assert_false(split->limited);
}

static void expect_run(const struct ws_split *split, unsigned i, enum ws_split_what what,
		       unsigned level, unsigned first, unsigned last)
{
	const struct ws_split_run *run = &split->runs.v[i];
	uint64_t base = level == PT ? VA + (UINT64_C(5) << 21) : VA;
	unsigned shift = level == PT ? 12 : 21;

	assert_true(i < split->runs.n);
	assert_int_equal(run->what, what);
	assert_int_equal(run->level, level);
	assert_int_equal(run->first, first);
	assert_int_equal(run->last, last);
	assert_int_equal(run->va, base + ((uint64_t)first << shift));
	assert_int_equal(run->va_last, base + ((last + UINT64_C(1)) << shift) - 1);
}

static void pages_of_all_sizes_are_alike(void **state)
{
	(void)state;
	expect_alike(gib(PA | KERNEL | PS));
	expect_alike(mib(KERNEL));
	expect_alike(mib(KERNEL | DIRTY));
}

/* A table below the table, and pages of both sizes side by side. */
static void what_differs_is_found_below(void **state)
{
	const struct ws_split *split;

	(void)state;
	*pd(4) = 0;
	*pt(0) = 0;
	*pt(1) = 0;
	*pt(511) ^= UINT64_C(1) << 12;
	*pd(6) ^= RW;
	*pd(7) ^= PCD;
	*pd(511) ^= UINT64_C(1) << 21;
	split = gib(PA | KERNEL | PS);
	assert_int_equal(split->runs.n, 6);
	expect_run(split, 0, WS_SPLIT_HOLE, PD, 4, 4);
	expect_run(split, 1, WS_SPLIT_HOLE, PT, 0, 1);
	expect_run(split, 2, WS_SPLIT_ELSEWHERE, PT, 511, 511);
	expect_run(split, 3, WS_SPLIT_RIGHTS, PD, 6, 6);
	expect_run(split, 4, WS_SPLIT_ATTRIBUTES, PD, 7, 7);
	expect_run(split, 5, WS_SPLIT_ELSEWHERE, PD, 511, 511);
	assert_int_equal(split->runs.v[2].pa, PA + (UINT64_C(5) << 21) + (510u << 12));
}

/* A right is what all levels leave of it. */
static void rights_add_up(void **state)
{
	(void)state;
	*pd(5) &= ~RW;
	expect_run(gib(PA | KERNEL | PS), 0, WS_SPLIT_RIGHTS, PT, 0, 511);
	expect_run(mib(KERNEL | XD), 0, WS_SPLIT_RIGHTS, PT, 0, 511);
	expect_run(mib(KERNEL & ~RW), 0, WS_SPLIT_RIGHTS, PT, 0, 511);
	expect_run(mib(KERNEL | US), 0, WS_SPLIT_RIGHTS, PT, 0, 511);
	expect_run(mib(KERNEL & ~G), 0, WS_SPLIT_ATTRIBUTES, PT, 0, 511);
}

/* Bit 7 of a PTE and bit 12 of a large page are one attribute (SDM 4.9.2). */
static void pat_has_two_places(void **state)
{
	(void)state;
	expect_run(mib(KERNEL | LARGE_PAT), 0, WS_SPLIT_ATTRIBUTES, PT, 0, 511);
	for (unsigned i = 0; i < 512; i++)
		*pt(i) |= PTE_PAT;
	tear_down(state);
	splits = (struct ws_splits){ .audit = &audit };
	expect_alike(mib(KERNEL | LARGE_PAT));
	expect_run(mib(KERNEL), 0, WS_SPLIT_ATTRIBUTES, PT, 0, 511);
}

static void a_table_is_not_read(void **state)
{
	const struct ws_split *split;

	(void)state;
	*pd(5) = (FRAMES * WS_FRAME_SIZE) | TABLE;
	split = gib(PA | KERNEL | PS);
	assert_int_equal(split->runs.n, 0);
	assert_true(split->unread);
	assert_int_equal(split->unread_pa, FRAMES * WS_FRAME_SIZE);
}

static void a_pair_is_compared_once(void **state)
{
	const struct ws_split *split = gib(PA | KERNEL | PS);
	uint64_t work = audit.work;

	(void)state;
	assert_int_equal(work, 2 * 512);
	assert_ptr_equal(gib(PA | KERNEL | PS | DIRTY), split);
	assert_int_equal(audit.work, work);
	assert_ptr_not_equal(gib(PA | KERNEL | PS | PCD), split);
	assert_int_equal(audit.work, 2 * work);
}

/* The last table that is allowed is compared; of the next nothing is known. */
static void tables_are_bounded(void **state)
{
	const struct ws_split *split = NULL;

	(void)state;
	for (uint64_t i = 0; i < WS_SPLIT_TABLES; i++) {
		split = ws_split_of(&splits, PD, VA + (i << 21),
				    (PA + (i << 21)) | PS | P, PT_PA | TABLE);
		assert_false(split->limited);
		assert_int_equal(split->runs.n, 1);
	}
	split = ws_split_of(&splits, PD, VA, PA | PS | KERNEL, PT_PA | TABLE);
	assert_true(split->limited);
	assert_int_equal(split->runs.n, 0);
	assert_int_equal(audit.work, WS_SPLIT_TABLES * 512);
	assert_false(ws_split_of(&splits, PD, VA, PA | PS | P, PT_PA | TABLE)->limited);
}

/* In a loop each table leads to 512 others; in the middle of one it ends as well. */
static void a_loop_ends(void **state)
{
	const struct ws_split *split;

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		*pd(i) = PT_PA | TABLE;
	splits.ntables = WS_SPLIT_TABLES - 3;
	split = gib(PA | KERNEL | PS);
	assert_true(split->limited);
	assert_int_equal(splits.ntables, WS_SPLIT_TABLES);
	assert_int_equal(split->runs.n, 2); /* of two tables of pages */
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CASE(pages_of_all_sizes_are_alike),
		CASE(what_differs_is_found_below),
		CASE(rights_add_up),
		CASE(pat_has_two_places),
		CASE(a_table_is_not_read),
		CASE(a_pair_is_compared_once),
		CASE(tables_are_bounded),
		CASE(a_loop_ends),
	};

	return cmocka_run_group_tests_name("audit split", tests, NULL, NULL);
}
