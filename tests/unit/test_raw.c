/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw memory is placed by the firmware's memory map in it, where the file is as long as that
 * map makes it, and as it lies otherwise.
 */
#include "common/memory.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "whosees.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define MAP_AT 0x40ffc /* two blocks of the file have it */

struct entry {
	uint64_t pa, len;
	uint32_t type;
};

/* A PC with 8 MiB below the hole and 2 MiB above: 1 MiB of the former is the firmware's. */
static const struct entry pc[] = {
	{ 0, 0x9fc00, 1 },   { 0x9fc00, 0x400, 2 },     { MIB, 6 * MIB, 1 },
	{ 7 * MIB, MIB, 2 }, { 0xfeffc000, 0x4000, 2 }, { 4 * GIB, 2 * MIB, 1 },
};

static int file_of(uint64_t size)
{
	int fd = memfd_create("raw", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void put(int fd, uint64_t at, const void *bytes, size_t len)
{
	assert_int_equal(pwrite(fd, bytes, len, at), len);
}

static void put_number(int fd, uint64_t at, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	put_little(bytes, size, value);
	put(fd, at, bytes, size);
}

static void put_entries(int fd, uint64_t at, const struct entry *entry, unsigned n)
{
	for (unsigned i = 0; i < n; i++, at += 20) {
		put_number(fd, at, entry[i].pa, 8);
		put_number(fd, at + 8, entry[i].len, 8);
		put_number(fd, at + 16, entry[i].type, 4);
	}
}

/* struct boot_params with that map. */
static void put_map(int fd, uint64_t at, const struct entry *entry, unsigned n)
{
	put(fd, at + 0x1e8, &(uint8_t){ n }, 1);
	put(fd, at + 0x202, "HdrS", 4);
	put_entries(fd, at + 0x2d0, entry, n);
}

/* Opens what fd has, closes it, and holds its memory against what is expected. */
static void expect(int fd, const char *note, const struct ws_extent *expected, size_t n)
{
	ws_autoclose int closed = fd;
	struct ws_context *ctx = ws_context_create();
	const struct ws_extent *found;
	struct ws_target *target;
	char path[32];
	size_t nfound;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", closed);
	assert_int_equal(ws_target_open(ctx, path,
					&(struct ws_target_options){ .kind = "raw" },
					&target),
			 WS_OK);
	found = ws_target_extents(target, &nfound);
	assert_int_equal(nfound, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(found[i].pa, expected[i].pa);
		assert_int_equal(found[i].len, expected[i].len);
	}
	if (note)
		assert_non_null(strstr(ws_target_note(target, 0), note));
	else
		assert_null(ws_target_note(target, 0));
	ws_target_close(target);
	ws_context_destroy(ctx);
}

#define EXPECT(fd, note, ...)                                       \
	expect(fd, note, (const struct ws_extent[]){ __VA_ARGS__ }, \
	       sizeof((const struct ws_extent[]){ __VA_ARGS__ }) /  \
		       sizeof(struct ws_extent))

static int pc_of(uint64_t size)
{
	int fd = file_of(size);

	put_map(fd, MAP_AT, pc, WS_ARRAY_SIZE(pc));
	return fd;
}

static void folded(void **state)
{
	(void)state;
	EXPECT(pc_of(10 * MIB), "from 0x800000 on is taken for physical 0x100000000",
	       { 0, 8 * MIB }, { 4 * GIB, 2 * MIB });
}

/* Of the block below the hole the firmware may have so much, and all of it must be there. */
static void folded_just_so(void **state)
{
	(void)state;
	EXPECT(pc_of(71 * MIB + 2 * MIB), "a hole below 4 GiB", { 0, 71 * MIB },
	       { 4 * GIB, 2 * MIB });
	EXPECT(pc_of(71 * MIB + 2 * MIB + 4096), NULL, { 0, 73 * MIB + 4096 });
	EXPECT(pc_of(7 * MIB + 2 * MIB), "a hole below 4 GiB", { 0, 7 * MIB },
	       { 4 * GIB, 2 * MIB });
	EXPECT(pc_of(7 * MIB + 2 * MIB - 4096), NULL, { 0, 9 * MIB - 4096 });
}

static void as_it_lies(void **state)
{
	(void)state;
	EXPECT(pc_of(4 * GIB + 2 * MIB), NULL, { 0, 4 * GIB + 2 * MIB });
	EXPECT(file_of(10 * MIB), NULL, { 0, 10 * MIB });
}

/* Nothing says where the hole was, if there was one. */
static void no_map(void **state)
{
	(void)state;
	EXPECT(file_of(2 * GIB), NULL, { 0, 2 * GIB });
	EXPECT(file_of(2 * GIB + 4096), "no memory map", { 0, 2 * GIB + 4096 });
}

/*
 * As Firecracker has memory (src/vmm/src/arch/x86_64), up to a hole of 768 MiB, or of 1 GiB
 * in newer ones.
 */
static void firecracker(void **state)
{
	static const uint64_t holes[] = { 0xd0000000, 0xc0000000 };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(holes); i++) {
		const struct entry map[] = { { 0, 0x9fc00, 1 },
					     { MIB, holes[i] - MIB, 1 },
					     { 4 * GIB, 3 * MIB, 1 } };
		int fd = file_of(holes[i] + 3 * MIB);

		put_map(fd, MAP_AT, map, WS_ARRAY_SIZE(map));
		EXPECT(fd, "a hole below 4 GiB", { 0, holes[i] }, { 4 * GIB, 3 * MIB });
	}
}

/* struct e820_table; count: that it says. */
static int table_of(uint32_t count, const struct entry *entry, unsigned n)
{
	int fd = file_of(10 * MIB);

	put_number(fd, 0x30000, count, 4);
	put_entries(fd, 0x30004, entry, n);
	return fd;
}

/* Of a PVH guest there is the kernel's own table alone. */
static void tables(void **state)
{
	static const struct entry odd[] = { { 0x1000, 0x9fc00, 1 },
					    { MIB, 6 * MIB, 1 },
					    { 4 * GIB, 2 * MIB, 1 } };

	(void)state;
	EXPECT(table_of(6, pc, 6), "from 0x800000 on is taken for physical 0x100000000",
	       { 0, 8 * MIB }, { 4 * GIB, 2 * MIB });
	EXPECT(table_of(5, pc, 6), NULL, { 0, 10 * MIB });
	EXPECT(table_of(7, pc, 6), NULL, { 0, 10 * MIB });
	EXPECT(table_of(129, pc, 6), NULL, { 0, 10 * MIB });
	EXPECT(table_of(3, odd, 3), NULL, { 0, 10 * MIB });
}

/* 0x1000 to 0x9efff, 1 MiB to 7 MiB, 4 GiB on. */
static void run_together(void **state)
{
	uint64_t size = 0x9fc00 - 0x1000 + 6 * MIB + 2 * MIB;

	(void)state;
	EXPECT(pc_of(size), "LiME's format=raw", { 0x1000, 0x9ec00 }, { MIB, 6 * MIB },
	       { 4 * GIB, 2 * MIB });
	EXPECT(pc_of(size + 1), NULL, { 0, size + 1 });
}

/* One after another: the first that fits. Maps that make no sense are none. */
static void maps_of_others(void **state)
{
	static const struct entry overlap[] = { { 0, 0x9fc00, 1 }, { 0x9f000, MIB, 1 } };
	static const struct entry wild[] = { { 0, 0x9fc00, 1 }, { MIB, UINT64_MAX, 1 } };
	static const struct entry high[] = { { MIB, 6 * MIB, 1 }, { 4 * GIB, MIB, 1 } };
	static const struct entry other[] = { { 0, 0x9fc00, 1 },
					      { 4 * GIB, 11 * MIB, 1 } };
	int fd = pc_of(10 * MIB);

	(void)state;
	put_map(fd, 0x1000, overlap, WS_ARRAY_SIZE(overlap));
	put_map(fd, 0x3000, wild, WS_ARRAY_SIZE(wild));
	put_map(fd, 0x5000, high, WS_ARRAY_SIZE(high));
	put_map(fd, 0x7000, other, WS_ARRAY_SIZE(other));
	put_map(fd, 0x9000, pc, 0);
	EXPECT(fd, "from 0x800000 on", { 0, 8 * MIB }, { 4 * GIB, 2 * MIB });
}

/* ---- a hole that no map tells of --------------------------------------------------- */

#define PAGE_OFFSET UINT64_C(0xffff888000000000)
#define BY_WORDS "by words in memory that lead to themselves there is a hole below 4 GiB"
#define WORDS 16 /* as many are needed */
#define SIZE (5 * GIB)
#define DOUBT "nor do words in it that lead to themselves"

/* n words in the file from there on that lead to where they lie in memory, `more` above. */
static void put_words(int fd, uint64_t at, unsigned n, uint64_t more)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t to = at + 64ul * i;

		put_number(fd, to, PAGE_OFFSET + to + more, 8);
	}
}

/* Memory below all holes is that of a kernel, and n words from `at` on say where they lie. */
static int kernel_of(unsigned below, uint64_t at, unsigned n, uint64_t more)
{
	int fd = file_of(SIZE);

	put_words(fd, MIB, below, 0);
	put_words(fd, at, n, more);
	return fd;
}

static void expect_hole(int fd, uint64_t hole)
{
	EXPECT(fd, BY_WORDS, { 0, hole }, { 4 * GIB, SIZE - hole });
}

static void expect_doubt(int fd)
{
	EXPECT(fd, DOUBT, { 0, SIZE });
}

static void a_hole_by_words(void **state)
{
	static const uint64_t holes[] = { 0x80000000, 0xb0000000, 0xc0000000,
					  0xd0000000, 0xe0000000, 0xf0000000 };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(holes); i++) {
		uint64_t more = 4 * GIB - holes[i];

		expect_hole(kernel_of(WORDS, holes[i], WORDS, more), holes[i]);
		expect_doubt(kernel_of(WORDS, holes[i], WORDS - 1, more));
		/* below it they say nothing of it */
		expect_doubt(kernel_of(WORDS, holes[i] - MIB, WORDS, more));
	}
	expect_doubt(kernel_of(WORDS, 3 * GIB, WORDS, GIB + 0x8000000));
	expect_doubt(kernel_of(WORDS, 3 * GIB, WORDS, 3 * GIB));
}

/* What lies between two places says nothing of the upper one. */
static void no_hole_by_words(void **state)
{
	int fd = file_of(3 * GIB);

	(void)state;
	EXPECT(kernel_of(WORDS, 0xf0000000, WORDS, 0), NULL, { 0, SIZE });
	expect_doubt(kernel_of(WORDS, 0xf0000000, WORDS - 1, 0));
	expect_doubt(kernel_of(WORDS, 0xf0000000 - MIB, WORDS, 0));
	put_words(fd, MIB, WORDS, 0);
	put_words(fd, 3 * GIB - MIB, WORDS, 0);
	EXPECT(fd, NULL, { 0, 3 * GIB });
}

/* A machine of a little more memory than fits below its hole. */
static void words_below_the_hole_are_as_without(void **state)
{
	int fd = kernel_of(WORDS, 3 * GIB, WORDS, GIB);

	(void)state;
	put_words(fd, 2 * GIB + MIB, 1000, 0);
	expect_hole(fd, 3 * GIB);
}

static void words_that_contradict(void **state)
{
	int fd = kernel_of(WORDS, 3 * GIB, WORDS, GIB);

	(void)state;
	put_words(fd, 4 * GIB, 1, 0);
	expect_hole(fd, 3 * GIB);
	fd = kernel_of(WORDS, 3 * GIB, WORDS, GIB);
	put_words(fd, 4 * GIB, 2, 0);
	expect_doubt(fd);
	fd = kernel_of(WORDS, 3 * GIB, WORDS, GIB);
	put_words(fd, 4 * GIB, 2, 2 * GIB);
	expect_doubt(fd);
}

/* The kernel's direct map is what most words below the holes agree on. */
static void words_without_a_kernel(void **state)
{
	int fd = kernel_of(WORDS - 1, 3 * GIB, 1000, GIB);

	(void)state;
	expect_doubt(fd);
	fd = kernel_of(WORDS, 3 * GIB, 1000, GIB);
	for (unsigned i = 0; i < WORDS; i++) /* each has a difference of its own */
		put_words(fd, 2 * MIB + 64 * i, 1, (i + 1) * GIB);
	expect_doubt(fd);
}

/* A map that fits says it alone. */
static void a_map_goes_before_words(void **state)
{
	const struct entry map[] = { { 0, 0x9fc00, 1 },
				     { MIB, 2 * GIB - MIB, 1 },
				     { 4 * GIB, SIZE - 2 * GIB, 1 } };
	int fd = kernel_of(WORDS, 3 * GIB, WORDS, GIB);

	(void)state;
	put_map(fd, MAP_AT, map, WS_ARRAY_SIZE(map));
	EXPECT(fd, "the machine's own memory map", { 0, 2 * GIB },
	       { 4 * GIB, SIZE - 2 * GIB });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_map),
		cmocka_unit_test(firecracker),
		cmocka_unit_test(tables),
		cmocka_unit_test(folded),
		cmocka_unit_test(folded_just_so),
		cmocka_unit_test(as_it_lies),
		cmocka_unit_test(run_together),
		cmocka_unit_test(maps_of_others),
		cmocka_unit_test(a_hole_by_words),
		cmocka_unit_test(no_hole_by_words),
		cmocka_unit_test(words_below_the_hole_are_as_without),
		cmocka_unit_test(words_that_contradict),
		cmocka_unit_test(words_without_a_kernel),
		cmocka_unit_test(a_map_goes_before_words),
	};

	return cmocka_run_group_tests_name("raw memory", tests, NULL, NULL);
}
