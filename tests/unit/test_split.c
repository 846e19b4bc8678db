/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dumps that makedumpfile --split wrote: their parts make the whole, named or found, and
 * whatever a part says of its range, no frame is at another's place.
 */
#include "common/frames.h"
#include "mk/mk.h"
#include "target/target.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MAPNR 64
/* The frames that the dump has, as pages of it. */
#define HELD(pfn)                                                                 \
	((pfn) == 1 || (pfn) == 2 || ((pfn) >= 5 && (pfn) <= 8) || (pfn) == 30 || \
	 (pfn) == 31)
#define BITS(second)                                                               \
	"bits 0x2000 0 64\nbits " second " 1 2\nbits " second " 5 4\nbits " second \
	" 30 2\nat 0x4000\n"
/* What every part has, with that range; more: of the headers. */
#define PART(range, more)                                                                \
	"kdump64 max_mapnr=64 " more "\nat 0x1000\nsub64 split=1 max_mapnr_64=64 " range \
	"\n" BITS("0x3000")
#define RANGE(start, end) \
	"start_pfn=" start " end_pfn=" end " start_pfn_64=" start " end_pfn_64=" end
/* The first page of each lies at one offset, and has one size. */
#define PAGES_1 "pages plain 0x1000 2 0x5000\n"
#define PAGES_2 "pages plain 0x5000 3 0x5000\n"
#define PAGES_3 "pages plain 0x8000 1 0x5000\npages plain 0x1e000 2 0x6000\n"
#define PART_1 PART(RANGE("0", "3"), "") PAGES_1
#define PART_2 PART(RANGE("3", "8"), "") PAGES_2
#define PART_3 PART(RANGE("8", "64"), "") PAGES_3
#define PAGES_ALL                                                    \
	"pages plain 0x1000 2 0x5000\npages plain 0x5000 4 0x7000\n" \
	"pages plain 0x1e000 2 0xb000\n"
#define WHOLE                                                                     \
	"kdump64 max_mapnr=64\nat 0x1000\nsub64 max_mapnr_64=64\n" BITS("0x3000") \
		PAGES_ALL

#define FILES_MAX 6

/* Files without names on a disk, of which the first is opened and the others are named. */
struct split {
	int fd[FILES_MAX];
	char path[FILES_MAX][32];
	const char *parts[FILES_MAX + 1];
	unsigned n;
	struct ws_context *ctx;
	struct ws_target *target;
	enum ws_status status;
};

static void split_add(struct split *split, const char *text)
{
	struct mk mk = { 0 };

	assert_true(mk_build(&mk, text));
	split->fd[split->n] = mk_file(&mk, split->path[split->n]);
	if (split->n)
		split->parts[split->n - 1] = split->path[split->n];
	split->n++;
	mk_release(&mk);
}

static struct split split_open(const char *const *texts)
{
	struct split split = { .ctx = ws_context_create() };

	assert_non_null(split.ctx);
	for (; *texts; texts++)
		split_add(&split, *texts);
	return split;
}

static void split_close(struct split *split)
{
	ws_target_close(split->target);
	ws_context_destroy(split->ctx);
	for (unsigned i = 0; i < split->n; i++)
		close(split->fd[i]);
}

/* The paths move with the struct: it is opened where it stays. */
static void open_it(struct split *split)
{
	for (unsigned i = 1; i < split->n; i++)
		split->parts[i - 1] = split->path[i];
	split->status = ws_target_open(
		split->ctx, split->path[0],
		&(struct ws_target_options){ .parts = split->parts }, &split->target);
}

#define autosplit ws_cleanup(split_close) struct split
#define TEXTS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static bool has_note(const struct ws_target *target, const char *words)
{
	const char *note;

	for (unsigned i = 0; (note = ws_target_note(target, i)); i++)
		if (strstr(note, words))
			return true;
	return false;
}

static bool has_frame(struct ws_target *target, uint64_t pfn)
{
	uint8_t expected[WS_FRAME_SIZE];
	const uint8_t *frame = target_frame(target, pfn * WS_FRAME_SIZE);

	mk_frame(pfn * WS_FRAME_SIZE, expected);
	if (frame)
		assert_memory_equal(frame, expected, sizeof(expected));
	return frame;
}

static uint64_t frames_there(struct ws_target *target)
{
	uint64_t n = 0;

	for (uint64_t pfn = 0; pfn < MAPNR; pfn++)
		n += has_frame(target, pfn);
	return n;
}

/* All frames, by address and in one pass. */
static void check_chunk(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len)
{
	uint8_t expected[WS_FRAME_SIZE];

	(void)worker;
	for (size_t i = 0; i < len; i += WS_FRAME_SIZE) {
		mk_frame(pa + i, expected);
		if (!memcmp(expected, data + i, WS_FRAME_SIZE))
			__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_RELAXED);
	}
}

static void assert_whole(struct split *split)
{
	uint64_t scanned = 0;

	open_it(split);
	if (split->status)
		fail_msg("%s", ws_error(split->ctx, 0));
	for (uint64_t pfn = 0; pfn < MAPNR; pfn++)
		assert_int_equal(has_frame(split->target, pfn), HELD(pfn));
	assert_int_equal(ws_target_scan(split->target, "scan", check_chunk, &scanned),
			 WS_OK);
	assert_int_equal(scanned, 8);
	assert_int_equal(split->target->nframes, 8);
	assert_null(ws_target_note(split->target, 0));
}

static void any_order(void **state)
{
	autosplit a = split_open(TEXTS(PART_1, PART_2, PART_3));
	autosplit b = split_open(TEXTS(PART_3, PART_1, PART_2));

	(void)state;
	assert_whole(&a);
	assert_whole(&b);
	assert_true(ws_target_is_file(b.target, b.path[2]));
}

/* makedumpfile's last parts have none where its blocks of memory are larger than all. */
static void empty_parts(void **state)
{
	autosplit all =
		split_open(TEXTS(PART(RANGE("4096", "64"), "") "at 0x3fff\nu8 0\n",
				 PART(RANGE("0", "4096"), "") PAGES_ALL));

	(void)state;
	assert_whole(&all);
}

static void old_versions(void **state)
{
	static const char range[] = "start_pfn=0 end_pfn=3 start_pfn_64=7";
	ws_autofree char *first = NULL, *second = NULL;

	(void)state;
	assert_true(asprintf(&first, PART("%s", "version=5") PAGES_1, range) > 0);
	assert_true(asprintf(&second,
			     PART("%s", "version=5") "pages plain 0x5000 4 0x5000\n"
						     "pages plain 0x1e000 2 0x9000\n",
			     "start_pfn=3 end_pfn=64 start_pfn_64=7") > 0);
	{
		autosplit old = split_open(TEXTS(first, second));

		assert_whole(&old);
	}
}

static void class_of_32_bit(void **state)
{
#define PART32(range)                                                           \
	"kdump32 max_mapnr=64\nat 0x1000\nsub32 split=1 max_mapnr_64=64 " range \
	"\n" BITS("0x3000")
	autosplit two = split_open(
		TEXTS(PART32(RANGE("0", "3")) PAGES_1,
		      PART32(RANGE("3", "64")) "pages plain 0x5000 4 "
					       "0x5000\npages plain 0x1e000 2 0x9000\n"));

	(void)state;
	assert_whole(&two);
}

/* Blocks of 16 KiB: neighbours are unpacked once, and never another part's. */
static void large_blocks(void **state)
{
#define LARGE(range)                                                        \
	"kdump64 block_size=0x4000 max_mapnr=16\nat 0x4000\nsub64 split=1 " \
	"max_mapnr_64=16 " range "\nbits 0x8000 0 16\nbits 0xc000 1 2\nat 0x10000\n"
	autosplit two = split_open(TEXTS(LARGE(RANGE("0", "2")) "pages plain 0x4000 1 "
								"0x14000 0x4000\n",
					 LARGE(RANGE("2", "16")) "pages plain 0x8000 1 "
								 "0x14000 0x4000\n"));

	(void)state;
	open_it(&two);
	assert_int_equal(two.status, WS_OK);
	for (uint64_t pfn = 0; pfn < MAPNR; pfn++)
		assert_int_equal(has_frame(two.target, pfn), pfn >= 4 && pfn < 12);
}

/* Zeroes lie at one offset in each part; what lies there in another is its own. */
static void zeroes(void **state)
{
#define ZEROES "descriptor offset=0x5000 size=4096\ndescriptor offset=0x5000 size=4096\n"
	static const uint8_t zero[WS_FRAME_SIZE];
	autosplit two = split_open(
		TEXTS(PART(RANGE("0", "3"), "") ZEROES "at 0x5000\nfill 4096 0\n",
		      PART(RANGE("3", "64"), "") "pages plain 0x5000 4 0x5000\n"
						 "pages plain 0x1e000 2 0x9000\n"));
	uint64_t scanned = 0;

	(void)state;
	open_it(&two);
	assert_int_equal(two.status, WS_OK);
	assert_memory_equal(target_frame(two.target, 0x1000), zero, sizeof(zero));
	assert_memory_equal(target_frame(two.target, 0x2000), zero, sizeof(zero));
	assert_true(has_frame(two.target, 5));
	assert_int_equal(ws_target_scan(two.target, "scan", check_chunk, &scanned),
			 WS_OK);
	assert_int_equal(scanned, 6);
}

static void one_missing(void **state)
{
	autosplit two = split_open(TEXTS(PART_1, PART_3));

	(void)state;
	open_it(&two);
	assert_int_equal(two.status, WS_OK);
	assert_int_equal(frames_there(two.target), 5);
	assert_false(has_frame(two.target, 5));
	assert_true(has_note(two.target,
			     "3 of its 8 page frames are missing, from physical "
			     "0x3000 on"));
}

static void one_twice(void **state)
{
	autosplit twice = split_open(TEXTS(PART_1, PART_2, PART_2, PART_3, PART_1));

	(void)state;
	open_it(&twice);
	assert_int_equal(twice.status, WS_OK);
	assert_int_equal(frames_there(twice.target), 8);
	assert_true(has_note(twice.target, "is not read: it has page frames 0x3 to 0x7"));
	assert_true(has_note(twice.target, "page frames 0 to 0x2"));
}

/* Whoever names all of them has named the first twice. */
static void itself_too(void **state)
{
	autosplit all = split_open(TEXTS(PART_1, PART_2, PART_3));

	(void)state;
	for (unsigned i = 0; i < all.n; i++)
		all.parts[i] = all.path[i];
	all.status = ws_target_open(all.ctx, all.path[0],
				    &(struct ws_target_options){ .parts = all.parts },
				    &all.target);
	assert_int_equal(all.status, WS_OK);
	assert_null(ws_target_note(all.target, 0));
	assert_int_equal(frames_there(all.target), 8);
}

static void overlapping(void **state)
{
	autosplit three = split_open(
		TEXTS(PART_1, PART_2,
		      PART(RANGE("7", "64"), "") "pages plain 0x7000 2 0x5000\n"
						 "pages plain 0x1e000 2 0x7000\n"));

	(void)state;
	open_it(&three);
	assert_int_equal(three.status, WS_OK);
	assert_int_equal(frames_there(three.target), 5);
	assert_true(has_note(three.target, "page frames 0x7 to 0x3f"));
	assert_true(has_note(three.target, "3 of its 8 page frames are missing"));
}

/* ---- what is no part -------------------------------------------------------------- */

static void refused(void **state)
{
	static const struct {
		const char *text, *words;
	} others[] = {
		{ WHOLE, "a whole dump" },
		{ PART(RANGE("3", "8"), "taken=5") PAGES_2, "header" },
		{ PART(RANGE("3", "8"), "") "bits 0x3000 40 1\n" PAGES_2,
		  "another dump" },
		{ PART(RANGE("3", "8"), "") PAGES_2 "at 0x1100\nu8 1\n", "another dump" },
		{ PART(RANGE("3", "8"), "") "cut 0x3002", "cut off" },
		{ PART("start_pfn=3 start_pfn_64=4 end_pfn=8 end_pfn_64=8", "") PAGES_2,
		  "damaged" },
		{ PART("start_pfn=3 start_pfn_64=3 end_pfn=8 end_pfn_64=9", "") PAGES_2,
		  "damaged" },
		{ "fill 4096 1", "header" },
	};

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(others); i++) {
		autosplit two = split_open(TEXTS(PART_1, others[i].text));

		open_it(&two);
		assert_int_equal(two.status, WS_ERR_USAGE);
		assert_non_null(strstr(ws_error(two.ctx, 0), two.path[1]));
		if (!strstr(ws_error(two.ctx, 0), others[i].words))
			fail_msg("%s", ws_error(two.ctx, 0));
	}
}

static void no_split_one(void **state)
{
	autosplit whole = split_open(TEXTS(WHOLE, PART_1));
	autosplit other = split_open(TEXTS("ehdr64 phnum=1\nphdr64 offset=0x1000 "
					   "filesz=0x1000 memsz=0x1000\nat 0x1000\n"
					   "frames 0 1",
					   PART_1));

	(void)state;
	open_it(&whole);
	assert_int_equal(whole.status, WS_ERR_USAGE);
	assert_non_null(strstr(ws_error(whole.ctx, 0), "no part of a split one"));
	open_it(&other);
	assert_int_equal(other.status, WS_ERR_USAGE);
	assert_non_null(strstr(ws_error(other.ctx, 0), "read as elf"));
}

/*
 * A range of a second part of which one end is not its own: an error, or a note, and whatever
 * is read of it is at its place, which has_frame() looks at. Frames 0, 3, 4 and 9 to 29 are
 * not in the dump.
 */
static void wrong_range(const char *start, const char *end, bool opens)
{
	ws_autofree char *text = NULL;

	assert_true(asprintf(&text, PART(RANGE("%1$s", "%2$s"), "") PAGES_2, start, end) >
		    0);
	{
		autosplit two = split_open(TEXTS(PART_1, text, PART_3));

		open_it(&two);
		if ((two.status == WS_OK) != opens)
			fail_msg("%s to %s", start, end);
		if (opens && frames_there(two.target) < 8)
			assert_non_null(ws_target_note(two.target, 0));
		if (!opens)
			assert_non_null(strstr(ws_error(two.ctx, 0), two.path[1]));
	}
}

static void wrong_ranges(void **state)
{
	(void)state;
	wrong_range("0", "8", true); /* it overlaps with the first */
	wrong_range("2", "8", true);
	wrong_range("3", "8", true);
	wrong_range("5", "8", true);
	wrong_range("6", "8", false);
	wrong_range("7", "8", false);
	wrong_range("8", "8", true); /* it has no frames */
	wrong_range("9", "8", true);
	wrong_range("0x8000000000000000", "8", true);
	wrong_range("0xffffffffffffffff", "8", true);
	wrong_range("3", "0", true);
	wrong_range("3", "5", true);
	wrong_range("3", "6", false);
	wrong_range("3", "7", false);
	wrong_range("3", "9", false);
	wrong_range("3", "64", false);
	wrong_range("3", "0xffffffffffffffff", false);
}

/* ---- beside ----------------------------------------------------------------------- */

static void put(const char *directory, const char *name, const char *text)
{
	ws_autofree char *path = NULL;
	struct mk mk = { 0 };
	FILE *file;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	assert_true(mk_build(&mk, text));
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(mk.bytes, 1, mk.size, file), mk.size);
	assert_int_equal(fclose(file), 0);
	mk_release(&mk);
}

static void found_beside(void **state)
{
	char directory[] = "/tmp/whosees-XXXXXX";
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	ws_autofree char *path = NULL, *pipe = NULL, *remove = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	put(directory, "b", PART_2);
	put(directory, "vmcore.1", PART_1);
	put(directory, "vmcore.3", PART_3);
	put(directory, "joined", WHOLE);
	put(directory, "text", "text \"hello\"");
	put(directory, "short", "text \"K\"");
	put(directory, "of another time", PART(RANGE("3", "8"), "taken=5") PAGES_2);
	put(directory, "of another dump",
	    PART(RANGE("3", "8"), "") "bits 0x3000 40 1\n" PAGES_2);
	assert_true(asprintf(&path, "%s/vmcore.1", directory) > 0);
	assert_true(asprintf(&pipe, "%s/pipe", directory) > 0);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(ws_target_open(ctx, path, NULL, &target), WS_OK);
	assert_int_equal(frames_there(target), 8);
	assert_true(has_note(target, "of another dump is not read as a part"));
	assert_null(ws_target_note(target, 1));
	ws_target_close(target);
	ws_context_destroy(ctx);
	assert_true(asprintf(&remove, "rm -r %s", directory) > 0);
	assert_int_equal(system(remove), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),    cmocka_unit_test(empty_parts),
		cmocka_unit_test(old_versions), cmocka_unit_test(class_of_32_bit),
		cmocka_unit_test(large_blocks), cmocka_unit_test(zeroes),
		cmocka_unit_test(one_missing),  cmocka_unit_test(one_twice),
		cmocka_unit_test(itself_too),   cmocka_unit_test(overlapping),
		cmocka_unit_test(refused),      cmocka_unit_test(no_split_one),
		cmocka_unit_test(wrong_ranges), cmocka_unit_test(found_beside),
	};

	return cmocka_run_group_tests_name("split dumps", tests, NULL, NULL);
}
