/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges and table tours against the slowest way to do them: one walk a page, by the
 * second reading of the manual, and runs put together by hand. Then what hostile tables
 * could do to them.
 */
#include "common/entries.h"
#include "common/manual.h"
#include "common/memory.h"
#include "paging/format.h"
#include "util/vec.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOP UINT64_MAX

typedef WS_VEC(struct ws_run) runs;

struct scene {
	struct random random;
	struct arena arena;
	struct ws_paging paging;
	uint64_t root;
};

static struct scene *scene_create(const struct ws_format *format, uint64_t seed,
				  bool orderly)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->random.state = random_seed() + seed;
	scene->arena = arena_create(48);
	(orderly ? arena_fill_orderly : arena_fill)(&scene->arena, format,
						    &scene->random);
	scene->paging = (struct ws_paging){ .format = format,
					    .frame = arena_frame,
					    .opaque = &scene->arena };
	scene->root = random_below(&scene->random, 48) * WS_FRAME_SIZE;
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	arena_release(&scene->arena);
	free(scene);
}

/* ---- runs, slowly ---- */

static struct ws_run slow_page(const struct scene *scene, uint64_t va, uint64_t last)
{
	struct manual_answer answer = manual_walk(&scene->paging, scene->root, va);
	struct ws_run run = { .va = va,
			      .last = last,
			      .end = (uint8_t)answer.end,
			      .level = (uint8_t)answer.level };

	if (answer.end == WS_END_PAGE) {
		run.pa = answer.pa;
		run.page_shift = (uint8_t)answer.page_shift;
		run.access = (uint8_t)answer.access;
	}
	return run;
}

static bool goes_on(const struct ws_run *run, const struct ws_run *next, unsigned flags)
{
	if (run->end != next->end || run->level != next->level ||
	    run->page_shift != next->page_shift || run->access != next->access)
		return false;
	return !(flags & WS_RANGE_PHYSICAL) || run->end != WS_END_PAGE ||
	       run->pa + (run->last - run->va) + 1 == next->pa;
}

/*
 * One walk for each 4 KiB of [first, last]: what a format cannot translate is left out
 * unless it lies between the halves of a canonical one.
 */
static void slow_range(const struct scene *scene, uint64_t first, uint64_t last,
		       unsigned flags, runs *out)
{
	bool narrow = ws_format_va_bits(scene->paging.format) == 32;
	struct ws_run run = { 0 };
	bool open = false;

	if (narrow && last > UINT32_MAX)
		last = UINT32_MAX;
	for (uint64_t va = first; va <= last; va = (va | 0xfff) + 1) {
		uint64_t end = (va | 0xfff) < last ? va | 0xfff : last;
		struct ws_run next = slow_page(scene, va, end);

		if (open && goes_on(&run, &next, flags)) {
			run.last = end;
		} else {
			if (open)
				*ws_vec_push(out) = run;
			run = next;
			open = true;
		}
		if (open && run.end != WS_END_PAGE && !(flags & WS_RANGE_HOLES))
			open = false;
		if (end == last)
			break;
	}
	if (open)
		*ws_vec_push(out) = run;
}

static bool gather(void *arg, const struct ws_run *run)
{
	runs *out = arg;

	*ws_vec_push(out) = *run;
	return true;
}

static void assert_same_run(const struct ws_run *run, const struct ws_run *slow)
{
	if (run->va == slow->va && run->last == slow->last && run->end == slow->end &&
	    run->level == slow->level && run->pa == slow->pa &&
	    run->page_shift == slow->page_shift && run->access == slow->access)
		return;
	fail_msg("run %" PRIx64 "-%" PRIx64 " end %u level %u pa %" PRIx64
		 " shift %u access %u; page by page %" PRIx64 "-%" PRIx64
		 " %u %u %" PRIx64 " %u %u",
		 run->va, run->last, run->end, run->level, run->pa, run->page_shift,
		 run->access, slow->va, slow->last, slow->end, slow->level, slow->pa,
		 slow->page_shift, slow->access);
}

/* Returns how many runs there were. */
static size_t compare_ranges(const struct scene *scene, uint64_t first, uint64_t last,
			     unsigned flags)
{
	runs fast = { 0 }, slow = { 0 };
	size_t n;

	assert_int_equal(ws_range(&scene->paging, scene->root, first, last, flags, 0,
				  gather, &fast),
			 WS_OK);
	slow_range(scene, first, last, flags, &slow);
	for (size_t i = 0; i < fast.n && i < slow.n; i++)
		assert_same_run(&fast.v[i], &slow.v[i]);
	assert_int_equal(fast.n, slow.n);
	n = fast.n;
	ws_vec_release(&fast);
	ws_vec_release(&slow);
	return n;
}

/* ---- windows ---- */

/* Where runs end in special ways: the ends of memory, the gap, a table's edge. */
static uint64_t window_start(struct scene *scene)
{
	unsigned bits = ws_format_va_bits(scene->paging.format);
	const uint64_t half = UINT64_C(1) << (bits - 1);
	const uint64_t edges[] = {
		0,
		bits == 32 ? UINT32_MAX - 0xfffff : TOP - 0xfffff,
		half - 0x80000,
		bits == 32 ? 0x3ff80000 : ~half + 1 - 0x80000,
		0x3ff80000,
	};
	uint64_t va = random_percent(&scene->random, 40)
			      ? edges[random_below(&scene->random, 5)]
			      : random_va(scene->paging.format, &scene->random);

	return random_percent(&scene->random, 50) ? va & ~UINT64_C(0xfff) : va;
}

static void test_windows(void **state)
{
	unsigned rounds = random_rounds(120);
	size_t nruns = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct scene *scene = scene_create(*state, i, i & 1);
		uint64_t first = window_start(scene);
		uint64_t size = random_below(&scene->random, 1 << 21),
			 last = first + size;

		if (last < first)
			last = TOP;
		nruns += compare_ranges(scene, first, last, i >> 1 & 3);
		scene_destroy(scene);
	}
	assert_true(nruns > rounds);
	print_message("# %zu runs\n", nruns);
}

static void test_whole(void **state)
{
	size_t nruns = 0;

	for (unsigned flags = 0; flags <= (WS_RANGE_HOLES | WS_RANGE_PHYSICAL); flags++) {
		struct scene *scene = scene_create(*state, flags, true);

		nruns += compare_ranges(scene, 0, TOP, flags);
		scene_destroy(scene);
	}
	assert_true(nruns > 10000);
	print_message("# %zu runs\n", nruns);
}

/* ---- tables ---- */

struct table {
	uint64_t pa, va;
	unsigned level;
};
typedef WS_VEC(struct table) tables;

static bool gather_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	tables *out = arg;

	*ws_vec_push(out) = (struct table){ pa, va, level };
	return true;
}

/* The first va that a table at level serves, if it is on the way to va. */
static uint64_t table_base(const struct ws_format *format, unsigned level, uint64_t va)
{
	const struct entries *entries = entries_of(format);
	unsigned below = ws_format_levels(format) - level;
	unsigned bits = entries->page + below * entries->stride;

	if (level)
		return va >> bits << bits;
	/* A root of AArch64 stands for either half. */
	return strncmp(entries->prefix, "arm64", 5) == 0 && va >> 63
		       ? ~UINT64_C(0) << (ws_format_va_bits(format) - 1)
		       : 0;
}

/* Every table as the walks of all lowest tables' first addresses come upon it. */
static void slow_tables(const struct scene *scene, uint64_t first, uint64_t last,
			tables *out)
{
	const struct ws_format *format = scene->paging.format;
	const struct entries *entries = entries_of(format);
	uint64_t span = UINT64_C(1) << (entries->page + entries->stride);
	struct table known[WS_MAX_LEVELS] = { 0 };
	bool any = false;

	for (uint64_t va = first; va <= last; va = (va | (span - 1)) + 1) {
		struct ws_trail trail;

		ws_walk(&scene->paging, scene->root, va, &trail);
		for (unsigned l = 0; l < trail.nsteps; l++) {
			struct table t = { trail.step[l].table, table_base(format, l, va),
					   l };

			if (any && known[l].pa == t.pa && known[l].va == t.va)
				continue;
			known[l] = t;
			*ws_vec_push(out) = t;
			for (unsigned m = l + 1; m < WS_MAX_LEVELS; m++)
				known[m] = (struct table){ .pa = TOP };
		}
		any = true;
		if ((va | (span - 1)) >= last)
			break;
	}
}

static void test_tables(void **state)
{
	bool narrow = ws_format_va_bits(*state) == 32;
	size_t ntables = 0;

	for (unsigned i = 0; i < 50; i++) {
		struct scene *scene = scene_create(*state, i, i & 1);
		uint64_t first = narrow ? 0 : window_start(scene);
		uint64_t last = narrow ? UINT32_MAX : first + (UINT64_C(1) << 34);
		uint64_t half = UINT64_C(1) << (ws_format_va_bits(*state) - 1);
		tables fast = { 0 }, slow = { 0 };

		if (last < first)
			last = TOP;
		if (!narrow && first < half && last >= half)
			last = half - 1; /* the gap has its own test */
		assert_int_equal(ws_tables(&scene->paging, scene->root, first, last, 0,
					   gather_table, &fast),
				 WS_OK);
		slow_tables(scene, first, last, &slow);
		if (!narrow && first >= half && first < ~half + 1)
			slow.n = fast.n = 0; /* in the gap there are none */
		assert_int_equal(fast.n, slow.n);
		for (size_t t = 0; t < fast.n; t++) {
			assert_int_equal(fast.v[t].pa, slow.v[t].pa);
			assert_int_equal(fast.v[t].va, slow.v[t].va);
			assert_int_equal(fast.v[t].level, slow.v[t].level);
		}
		ntables += fast.n;
		ws_vec_release(&fast);
		ws_vec_release(&slow);
		scene_destroy(scene);
	}
	print_message("# %zu tables\n", ntables);
}

struct seen {
	uint64_t at_level[WS_MAX_LEVELS]; /* a bit a frame of the arena */
	unsigned reported;
};

static bool once(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct seen *seen = arg;
	uint64_t frame = pa / WS_FRAME_SIZE;

	(void)va;
	seen->reported++;
	if (frame >= 48 || seen->at_level[level] >> frame & 1)
		return false;
	seen->at_level[level] |= UINT64_C(1) << frame;
	return true;
}

static uint64_t table_size(const struct ws_format *format, unsigned level)
{
	return UINT64_C(1) << (format->level[level].bits + format->entry_log2);
}

/* Of the format's largest table. */
static uint64_t most_entries(const struct ws_format *format)
{
	uint64_t most = 0;

	for (unsigned l = 0; l < ws_format_levels(format); l++) {
		uint64_t size = table_size(format, l);

		most = size > most ? size : most;
	}
	return most >> format_entry_log2(format);
}

/* A callback that remembers turns an endless tour into a short one. */
static void test_tables_once(void **state)
{
	struct scene *scene = scene_create(*state, 1, false);
	uint64_t entries = most_entries(*state);
	struct seen seen = { 0 };

	assert_int_equal(ws_tables(&scene->paging, scene->root, 0, TOP, 0, once, &seen),
			 WS_OK);
	assert_true(seen.reported >= 48);
	assert_true(seen.reported <= 2 + 48 * ws_format_levels(*state) * entries);
	scene_destroy(scene);
}

/* ---- hostile tables and limits ---- */

struct hostile {
	uint8_t frame[WS_FRAME_SIZE];
	uint64_t frames_asked, runs, tables;
	uint64_t stop_after;
};

static enum ws_evidence hostile_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct hostile *hostile = opaque;

	(void)pa;
	hostile->frames_asked++;
	return frame_lend(hostile->frame, frame);
}

static bool count_run(void *arg, const struct ws_run *run)
{
	struct hostile *hostile = arg;

	(void)run;
	return ++hostile->runs != hostile->stop_after;
}

static bool count_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct hostile *hostile = arg;

	(void)pa, (void)level, (void)va;
	hostile->tables++;
	return true;
}

/*
 * Every entry of the one table leads to the table itself; rights alternate, so that no
 * two pages make one run. Where an entry cannot lead to a table and be a page as well,
 * every other one is a page.
 */
static struct hostile *hostile_create(const struct ws_format *format,
				      struct ws_paging *paging)
{
	struct hostile *hostile = calloc(1, sizeof(*hostile));
	const struct entries *e = entries_of(format);
	unsigned size = e->size;

	assert_non_null(hostile);
	for (unsigned i = 0; i < WS_FRAME_SIZE; i += size) {
		bool odd = i / size % 2;

		hostile->frame[i] = (uint8_t)(e->table != e->leaf && !odd ? e->table
					      : odd                       ? e->leaf
						    : e->leaf | e->rights);
	}
	*paging = (struct ws_paging){ .format = format,
				      .frame = hostile_frame,
				      .opaque = hostile };
	return hostile;
}

#define LIMIT UINT64_C(500)

static void test_limit(void **state)
{
	struct ws_paging paging;
	struct hostile *hostile = hostile_create(*state, &paging);
	uint64_t entries = most_entries(*state);

	assert_int_equal(ws_range(&paging, 0, 0, TOP, WS_RANGE_PHYSICAL, LIMIT, count_run,
				  hostile),
			 WS_ERR_LIMIT);
	assert_true(
		hostile->frames_asked <=
		LIMIT * (1 + entries / (WS_FRAME_SIZE / entries_of(*state)->size + 1)));
	assert_true(hostile->runs > 0 && hostile->runs <= LIMIT * entries);
	assert_int_equal(ws_tables(&paging, 0, 0, TOP, LIMIT, count_table, hostile),
			 WS_ERR_LIMIT);
	assert_int_equal(hostile->tables, LIMIT);
	free(hostile);
}

/* The limit is exact: as many tables as there are is enough, one fewer is not. */
static void test_limit_exact(void **state)
{
	struct ws_paging paging;
	struct hostile *hostile = hostile_create(*state, &paging);
	uint64_t levels = ws_format_levels(*state);

	assert_int_equal(ws_range(&paging, 0, 0, 0xfff, WS_RANGE_HOLES, levels, count_run,
				  hostile),
			 WS_OK);
	assert_int_equal(hostile->runs, 1);
	assert_int_equal(hostile->frames_asked, levels);
	assert_int_equal(ws_range(&paging, 0, 0, 0xfff, WS_RANGE_HOLES, levels - 1,
				  count_run, hostile),
			 WS_ERR_LIMIT);
	assert_int_equal(hostile->runs, 1);
	free(hostile);
}

/* How many tables there are, told by every way to them. */
static uint64_t hostile_tables(const struct ws_format *format)
{
	const struct entries *e = entries_of(format);
	uint64_t halves = ws_format_va_bits(format) > 32 ? 2 : 1, all = 0, at = 1;

	for (unsigned l = 0; l < ws_format_levels(format); l++) {
		all += l ? at : halves;
		at *= table_size(format, l) / e->size / (e->table == e->leaf ? 1 : 2);
		if (!l && strncmp(e->prefix, "arm64", 5) == 0)
			at *= 2;
	}
	return all;
}

/*
 * Nobody who asks for everything waits for ever: few bits have an end, and for more the
 * default limit is one.
 */
static void test_default_limit(void **state)
{
	struct ws_paging paging;
	struct hostile *hostile = hostile_create(*state, &paging);
	uint64_t all = hostile_tables(*state), limit = 1 << 20;

	assert_int_equal(ws_tables(&paging, 0, 0, TOP, 0, count_table, hostile),
			 all <= limit ? WS_OK : WS_ERR_LIMIT);
	assert_int_equal(hostile->tables, all <= limit ? all : limit);
	free(hostile);
}

/* A callback that has had enough is not called again. */
static void test_stop(void **state)
{
	struct ws_paging paging;
	struct hostile *hostile = hostile_create(*state, &paging);

	for (uint64_t stop = 1; stop <= 3; stop++) {
		hostile->runs = 0;
		hostile->stop_after = stop;
		assert_int_equal(ws_range(&paging, 0, 0, TOP, 0, 0, count_run, hostile),
				 WS_OK);
		assert_int_equal(hostile->runs, stop);
	}
	free(hostile);
}

static const struct {
	const char *title;
	void (*run)(void **state);
	unsigned widest; /* va bits of a format that this can be done for; 0: any */
} cases[] = {
	{ "runs of windows, page by page", test_windows },
	{ "runs of all addresses, page by page", test_whole, 32 },
	{ "tables, walk by walk", test_tables },
	{ "tables, each entered once", test_tables_once },
	{ "hostile tables: a limit is kept", test_limit },
	{ "hostile tables: a limit is exact", test_limit_exact },
	{ "hostile tables: without a limit", test_default_limit },
	{ "a callback stops the tour", test_stop },
};

int main(void)
{
	const unsigned ncases = sizeof(cases) / sizeof(*cases);
	struct CMUnitTest tests[192];
	char title[192][80];
	unsigned n = 0;

	for (unsigned f = 0; ws_format_at(f); f++) {
		for (unsigned i = 0; i < ncases && n < 192; i++) {
			const struct ws_format *format = ws_format_at(f);

			if (cases[i].widest &&
			    ws_format_va_bits(format) > cases[i].widest)
				continue;
			snprintf(title[n], sizeof(title[n]), "%s: %s",
				 ws_format_name(format), cases[i].title);
			tests[n] = (struct CMUnitTest){ .name = title[n],
							.test_func = cases[i].run,
							.initial_state = (void *)format };
			n++;
		}
	}
	return _cmocka_run_group_tests("range", tests, n, NULL, NULL);
}
