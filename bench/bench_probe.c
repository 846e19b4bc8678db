/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the main question costs (who does not see an address?): opening, probing 2000 spaces x 1000 addresses, a walk,
 * a kernel half, memory; and libaddrxlat on the same roots, addresses and memory.
 *
 *	bench_probe DUMP...     on real memory
 *	bench_probe             on tables made up here, where there is no dump
 */
#include "bench.h"
#include "common/addrxlat.h"
#include "common/memory.h"
#include "linux/linux.h"
#include "util/bits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES 2000u
#define ADDRESSES 1000u
#define CELLS ((double)SPACES * ADDRESSES)
#define WARM_RUNS 5

/* What one repetition works on. */
struct scene {
	const char *path;   /* a dump; NULL: synthetic */
	const char *format; /* of synthetic tables */
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
	struct ws_paging paging; /* by which kernel addresses are walked, */
	struct ws_window window; /* where the reference has them */
	struct ws_space *spaces; /* SPACES of them: the dump's, over and over */
	uint64_t roots[SPACES];  /* that translate kernel addresses in these */
	uint64_t addresses[ADDRESSES];
	uint64_t kernel_first;
	double open_seconds, gib;
	double rss_before; /* of made-up tables: they are not ours to count */
	size_t nspaces;    /* how many there really are */
};

static bool complain(const struct scene *scene, const char *what)
{
	fprintf(stderr, "bench_probe: %s: %s\n", scene->path ? scene->path : "synthetic",
		what);
	for (unsigned i = 0; scene->ctx && ws_error(scene->ctx, i); i++)
		fprintf(stderr, "bench_probe:   %s\n", ws_error(scene->ctx, i));
	return false;
}

/* ---- addresses: nine in ten mapped by the reference, one in ten anywhere ---- */

struct runs {
	struct ws_run *v;
	size_t n;
};

static bool keep_run(void *arg, const struct ws_run *run)
{
	struct runs *runs = arg;

	if (runs->n % 1024 == 0)
		runs->v = realloc(runs->v, (runs->n + 1024) * sizeof(*runs->v));
	if (!runs->v)
		return false;
	runs->v[runs->n++] = *run;
	return true;
}

static bool choose_addresses(struct scene *scene)
{
	struct random random = { random_seed() };
	uint64_t top = scene->window.last;
	struct runs runs = { 0 };

	if (ws_range(&scene->paging, scene->window.root, scene->kernel_first, top,
		     WS_RANGE_PHYSICAL, 0, keep_run, &runs) != WS_OK ||
	    !runs.n)
		return complain(scene, "no kernel half");
	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct ws_run *run = &runs.v[random_below(&random, runs.n)];

		scene->addresses[i] =
			i % 10 ? run->va + random_below(&random, run->last - run->va + 1)
			       : scene->kernel_first +
					 random_below(&random, top - scene->kernel_first);
	}
	free(runs.v);
	return true;
}

static bool repeat_spaces(struct scene *scene, const struct ws_space *spaces, size_t n)
{
	scene->nspaces = n;
	scene->spaces = calloc(SPACES, sizeof(*scene->spaces));
	for (size_t i = 0; scene->spaces && i < SPACES; i++) {
		scene->spaces[i] = spaces[i % n];
		scene->roots[i] = spaces[i % n].root;
	}
	return scene->spaces || complain(scene, "no memory");
}

/* Two roots may share the work: what is walked is the kernel's half. */
static bool choose_roots(struct scene *scene)
{
	const struct ws_window *window;
	struct ws_eye eye;

	for (size_t i = 0; i < SPACES; i++) {
		ws_space_eye(scene->system, &scene->spaces[i], &eye);
		window = ws_eye_window(&eye, scene->kernel_first);
		if (window)
			scene->roots[i] = window->root;
		if (window && scene->spaces[i].kind == WS_SPACE_INIT)
			scene->window = *window;
	}
	scene->paging = *ws_system_paging(scene->system);
	scene->paging.format = scene->window.format;
	return scene->window.format || complain(scene, "no init_mm");
}

/* ---- a dump ---- */

/* What the dump stands for: a compressed one is a fraction of it on disk. */
static double gib_of(const struct ws_target *target)
{
	const struct ws_extent *extent;
	double bytes = 0;
	size_t n;

	extent = ws_target_extents(target, &n);
	for (size_t i = 0; i < n; i++)
		bytes += (double)extent[i].len;
	return bytes / (1 << 30);
}

/* Up to the first answer: one address in every space. */
static bool open_dump(struct scene *scene)
{
	const struct ws_target_options target_options = { 0 };
	const struct ws_system_options system_options = { 0 };
	const struct ws_space *spaces;
	double start = bench_seconds();
	struct ws_matrix matrix;
	size_t n;

	scene->ctx = ws_context_create();
	if (!scene->ctx ||
	    ws_target_open(scene->ctx, scene->path, &target_options, &scene->target) !=
		    WS_OK ||
	    ws_system_open(scene->target, &system_options, &scene->system) != WS_OK)
		return complain(scene, "cannot be opened");
	scene->kernel_first = ws_system_layout(scene->system)->kernel_first;
	spaces = ws_system_spaces(scene->system, &n);
	if (ws_probe(scene->system, spaces, n, &scene->kernel_first, 1, &matrix) != WS_OK)
		return complain(scene, "no first answer");
	scene->open_seconds = bench_seconds() - start;
	scene->gib = gib_of(scene->target);
	ws_matrix_release(&matrix);
	return repeat_spaces(scene, spaces, n) && choose_roots(scene) &&
	       choose_addresses(scene);
}

/* ---- made-up tables: kernel halves like Linux's, shared below the top level ---- */

/* Every table of one level has the same shape; a root is one frame (PAE's too). */
struct shape {
	const char *format;
	uint64_t kernel_first;
	unsigned levels, entry_size, top_first, top_entries;
};

static const struct shape shapes[] = {
	{ "i386", 0xc0000000, 2, 4, 768, 256 },
	{ "i386-pae", 0xc0000000, 3, 8, 3, 1 },
	{ "x86_64", UINT64_C(0xffff888000000000), 4, 8, 273, 4 },
};

static void put(struct arena *arena, uint64_t table, unsigned index, unsigned size,
		uint64_t entry)
{
	memcpy(arena->bytes + table + index * size, &entry, size);
}

/*
 * Fills a table and those below it; every eighth entry of one above a page table maps a
 * large page, every ninth page table entry is a hole. Returns the next free frame.
 */
static uint64_t build_table(struct arena *arena, const struct shape *shape,
			    uint64_t table, unsigned level, unsigned first, unsigned n,
			    uint64_t next)
{
	bool lowest = level + 1 == shape->levels;

	for (unsigned i = 0; i < n; i++) {
		uint64_t entry = (uint64_t)i << 12 | 0x63;

		if (level + 2 == shape->levels && i % 8 && i > 1) {
			entry = (uint64_t)i << 22 | 0xe3;
		} else if (!lowest) {
			uint64_t child = next;

			next = build_table(arena, shape, child, level + 1, 0,
					   level + 2 == shape->levels
						   ? 4096 / shape->entry_size
						   : 64,
					   next + WS_FRAME_SIZE);
			entry = child | (level == 0 && shape->levels == 3 ? 1 : 0x63);
		} else if (i % 9 == 8) {
			entry = 0;
		}
		put(arena, table, first + i, shape->entry_size, entry);
	}
	return next;
}

static bool open_synthetic(struct scene *scene)
{
	static struct arena arena;
	static struct ws_target target; /* nothing is read from it */
	static struct ws_system system = { .target = &target };
	const struct shape *shape = shapes;
	struct ws_space *spaces = calloc(SPACES, sizeof(*spaces));
	uint64_t reference = SPACES * WS_FRAME_SIZE;
	double start = bench_seconds();

	while (strcmp(shape->format, scene->format) != 0)
		shape++;
	arena = arena_create(SPACES + 40000);
	system.ctx = target.ctx = scene->ctx = ws_context_create();
	if (!spaces || !scene->ctx)
		return complain(scene, "no memory");
	build_table(&arena, shape, reference, 0, shape->top_first, shape->top_entries,
		    reference + WS_FRAME_SIZE);
	for (uint64_t i = 0; i < SPACES; i++) {
		spaces[i].root = i * WS_FRAME_SIZE;
		memcpy(arena.bytes + spaces[i].root, arena.bytes + reference,
		       WS_FRAME_SIZE);
	}
	scene->paging = (struct ws_paging){ .format = ws_format_by_name(shape->format),
					    .frame = arena_frame,
					    .opaque = &arena };
	system.paging = scene->paging;
	scene->system = &system;
	scene->kernel_first = shape->kernel_first;
	scene->window =
		(struct ws_window){ .root = reference,
				    .last = shape->entry_size == 4 || shape->levels == 3
						    ? UINT32_MAX
						    : UINT64_MAX };
	scene->open_seconds = bench_seconds() - start;
	scene->gib = 1;
	scene->rss_before = bench_rss_anon();
	return repeat_spaces(scene, spaces, SPACES) && choose_addresses(scene);
}

static bool open_scene(struct scene *scene)
{
	return scene->path ? open_dump(scene) : open_synthetic(scene);
}

/* ---- what is measured ---- */

static double probe_seconds(struct scene *scene)
{
	double start = bench_seconds(), end;
	struct ws_matrix matrix;

	if (ws_probe(scene->system, scene->spaces, SPACES, scene->addresses, ADDRESSES,
		     &matrix) != WS_OK)
		return 0;
	end = bench_seconds();
	ws_matrix_release(&matrix);
	return end - start;
}

static double walk_seconds(struct scene *scene)
{
	double start = bench_seconds();
	uint64_t sum = 0;

	for (size_t s = 0; s < SPACES; s++) {
		for (size_t a = 0; a < ADDRESSES; a++) {
			struct ws_trail trail;

			ws_walk(&scene->paging, scene->roots[s], scene->addresses[a],
				&trail);
			sum += trail.pa;
		}
	}
	__asm__ volatile("" : : "r"(sum));
	return bench_seconds() - start;
}

static double addrxlat_seconds(struct scene *scene, struct addrxlat *x)
{
	double start = bench_seconds();
	uint64_t sum = 0;

	for (size_t s = 0; s < SPACES; s++) {
		uint64_t root = scene->roots[s];

		for (size_t a = 0; a < ADDRESSES; a++)
			if (addrxlat_translate(x, root, scene->addresses[a]) ==
			    ADDRXLAT_OK)
				sum += x->step.base.addr;
	}
	__asm__ volatile("" : : "r"(sum));
	return bench_seconds() - start;
}

static double best_of(double (*run)(struct scene *scene), struct scene *scene)
{
	double best = run(scene);

	for (int i = 1; i < WARM_RUNS; i++) {
		double seconds = run(scene);

		if (seconds < best)
			best = seconds;
	}
	return best;
}

static bool count_run(void *arg, const struct ws_run *run)
{
	(void)run;
	++*(uint64_t *)arg;
	return true;
}

static double kernel_half_seconds(struct scene *scene)
{
	double start = bench_seconds();
	uint64_t n = 0;

	if (ws_range(&scene->paging, scene->roots[0], scene->kernel_first,
		     scene->window.last, WS_RANGE_PHYSICAL, 0, count_run, &n) != WS_OK)
		return 0;
	return bench_seconds() - start;
}

enum row {
	OPEN,
	FIRST,
	COLD,
	WARM,
	THEIR_COLD,
	THEIR_WARM,
	TIMES_COLD,
	TIMES_WARM,
	WALK,
	HALF,
	RESIDENT,
	ROWS
};

static const struct bench_row rows[ROWS + 1] = {
	[OPEN] = { "open to first answer, per GiB of memory", "s", BENCH_AT_MOST, 0.25 },
	[FIRST] = { "2000 spaces x 1000 addresses, first time", "s", BENCH_AT_MOST, 0.5 },
	[COLD] = { "ws_probe, cold: million probes/s", "M/s", BENCH_AT_LEAST, 20 },
	[WARM] = { "ws_probe, warm: million probes/s", "M/s", BENCH_AT_LEAST, 20 },
	[THEIR_COLD] = { "libaddrxlat, cold", "M/s", BENCH_NO_BAR, 0 },
	[THEIR_WARM] = { "libaddrxlat, warm", "M/s", BENCH_NO_BAR, 0 },
	[TIMES_COLD] = { "ws_probe / libaddrxlat, cold", "times", BENCH_AT_LEAST, 10 },
	[TIMES_WARM] = { "ws_probe / libaddrxlat, warm", "times", BENCH_AT_LEAST, 10 },
	[WALK] = { "ws_walk with its whole trail, warm", "ns", BENCH_NO_BAR, 0 },
	[HALF] = { "kernel half of one space, warm", "ms", BENCH_NO_BAR, 0 },
	[RESIDENT] = { "resident memory that is not the dump", "MiB", BENCH_AT_MOST, 64 },
};

/*
 * Who goes first is cold: ours in the repetition itself, libaddrxlat's in a second scene
 * opened afresh (its mapping of the dump is new).
 */
static bool measure_theirs(struct scene *scene, double *value)
{
	struct addrxlat x;

	if (!addrxlat_knows(scene->paging.format))
		return true;
	if (!open_scene(scene) || !addrxlat_open(&x, &scene->paging))
		return false;
	value[THEIR_COLD] = CELLS / addrxlat_seconds(scene, &x) / 1e6;
	value[THEIR_WARM] = CELLS / addrxlat_seconds(scene, &x) / 1e6;
	value[TIMES_COLD] = value[COLD] / value[THEIR_COLD];
	value[TIMES_WARM] = value[WARM] / value[THEIR_WARM];
	return true;
}

static bool measure(void *arg, double *value)
{
	struct scene scene = *(struct scene *)arg, other = scene;

	if (!open_scene(&scene))
		return false;
	value[OPEN] = scene.open_seconds / scene.gib;
	value[FIRST] = probe_seconds(&scene);
	value[RESIDENT] = bench_rss_anon() - scene.rss_before;
	value[COLD] = CELLS / value[FIRST] / 1e6;
	value[WARM] = CELLS / best_of(probe_seconds, &scene) / 1e6;
	other.paging = scene.paging;
	if (!measure_theirs(&other, value))
		return false;
	value[WALK] = best_of(walk_seconds, &scene) / CELLS * 1e9;
	value[HALF] = best_of(kernel_half_seconds, &scene) * 1e3;
	return true;
}

#define SMALL \
	0.25 /* GiB: most of what opening reads is the kernel, however much there is */

/* What can be measured of a dump. */
static void choose_rows(const struct scene *scene, struct bench_row chosen[ROWS + 1])
{
	memcpy(chosen, rows, sizeof(rows));
	if (scene->gib < SMALL)
		chosen[OPEN].kind = BENCH_NO_BAR;
	for (unsigned row = THEIR_COLD; row <= TIMES_WARM; row++)
		if (!addrxlat_knows(scene->paging.format))
			chosen[row].absent = "libaddrxlat does not have this format";
}

static bool report(struct scene *scene)
{
	struct bench_row chosen[ROWS + 1];
	struct scene first = *scene;

	if (!open_scene(&first))
		return false;
	choose_rows(&first, chosen);
	printf("%s: %s, %.2f GiB, %zu spaces\n",
	       scene->path ? scene->path : "tables made up",
	       ws_format_name(first.paging.format), first.gib, first.nspaces);
	printf("  %-44s %9s %9s %9s\n", "", "median", "smallest", "largest");
	if (scene->path) {
		ws_system_close(first.system);
		ws_target_close(first.target);
		ws_context_destroy(first.ctx);
	}
	free(first.spaces);
	return bench_table(chosen, measure, scene);
}

int main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++)
		good &= report(&(struct scene){ .path = argv[i] });
	for (size_t i = 0; argc == 1 && i < WS_ARRAY_SIZE(shapes); i++)
		good &= report(&(struct scene){ .format = shapes[i].format });
	return good ? 0 : 1;
}
