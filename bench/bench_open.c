/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to open a dump, up to the first answer, beside what this machine takes to read
 * the file; and of one that is packed, what the pass over memory takes beside the decompressor
 * alone.
 *
 *	bench_open DUMP...
 */
#include "bench.h"
#include "blocks.h"
#include "linux/linux.h"
#include "reading.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool complain(struct ws_context *ctx, const char *path)
{
	fprintf(stderr, "bench_open: %s: %s\n", path,
		ctx && ws_error(ctx, 0) ? ws_error(ctx, 0) : "cannot be measured");
	return false;
}

/* ---- opening ---------------------------------------------------------------------- */

/* Out of the page cache; a file system that is one keeps it. */
static bool make_cold(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good =
		fd >= 0 && !fsync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Up to the first answer: one address in every space. */
static bool opening_seconds(const char *path, double *seconds)
{
	double start = bench_seconds();
	struct ws_context *ctx = ws_context_create();
	const struct ws_space *spaces;
	struct ws_target *target;
	struct ws_system *system;
	struct ws_matrix matrix;
	size_t n;

	if (!ctx || ws_target_open(ctx, path, NULL, &target) ||
	    ws_system_open(target, NULL, &system))
		return complain(ctx, path);
	spaces = ws_system_spaces(system, &n);
	if (ws_probe(system, spaces, n, &ws_system_layout(system)->kernel_first, 1,
		     &matrix))
		return complain(ctx, path);
	*seconds = bench_seconds() - start;
	ws_matrix_release(&matrix);
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return true;
}

enum {
	WARM_READING,
	WARM_OPENING,
	WARM_TIMES,
	COLD_READING,
	COLD_OPENING,
	COLD_TIMES,
	OPEN_MEMORY,
};

static const struct bench_row open_rows[] = {
	[WARM_READING] = { "reading the file, warm", "s", BENCH_NO_BAR, 0 },
	[WARM_OPENING] = { "open to first answer, warm", "s", BENCH_NO_BAR, 0 },
	[WARM_TIMES] = { "opening / reading, warm", "times", BENCH_AT_MOST, 1.5 },
	[COLD_READING] = { "reading the file, cold", "s", BENCH_NO_BAR, 0 },
	[COLD_OPENING] = { "open to first answer, cold", "s", BENCH_NO_BAR, 0 },
	[COLD_TIMES] = { "opening / reading, cold", "times", BENCH_AT_MOST, 1.5 },
	[OPEN_MEMORY] = { "resident memory", "MiB", BENCH_NO_BAR, 0 },
	{ 0 },
};

static bool measure_opening(void *arg, double *value)
{
	const char *path = arg;

	if (!make_cold(path))
		return complain(NULL, path);
	value[COLD_READING] = bench_reading_seconds(path);
	if (!make_cold(path) || !opening_seconds(path, &value[COLD_OPENING]))
		return false;
	(void)bench_reading_seconds(path);
	value[WARM_READING] = bench_reading_seconds(path);
	if (!opening_seconds(path, &value[WARM_OPENING]))
		return false;
	value[WARM_TIMES] = value[WARM_OPENING] / value[WARM_READING];
	value[COLD_TIMES] = value[COLD_OPENING] / value[COLD_READING];
	value[OPEN_MEMORY] = bench_rss_anon();
	return true;
}

/* ---- unpacking -------------------------------------------------------------------- */

static void look_at_nothing(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			    size_t len)
{
	(void)arg;
	(void)worker;
	(void)pa;
	(void)data;
	(void)len;
}

static void use_processors(const cpu_set_t *all, bool one)
{
	cpu_set_t set = *all;
	int first = 0;

	while (!CPU_ISSET(first, all))
		first++;
	if (one) {
		CPU_ZERO(&set);
		CPU_SET(first, &set);
	}
	sched_setaffinity(0, sizeof(set), &set);
}

static bool scan_seconds(struct ws_target *target, const cpu_set_t *all, bool one,
			 double *seconds)
{
	double start;
	enum ws_status status;

	use_processors(all, one);
	start = bench_seconds();
	status = ws_target_scan(target, "", look_at_nothing, NULL);
	*seconds = bench_seconds() - start;
	use_processors(all, false);
	return !status;
}

enum { ALONE, ONE, TWO, TIMES_ALONE, TIMES_TWO };

static const struct bench_row unpack_rows[] = {
	[ALONE] = { "the decompressor alone, in a loop", "s", BENCH_NO_BAR, 0 },
	[ONE] = { "the pass over memory, one processor", "s", BENCH_NO_BAR, 0 },
	[TWO] = { "the same, all processors", "s", BENCH_NO_BAR, 0 },
	[TIMES_ALONE] = { "one processor / the decompressor alone", "times",
			  BENCH_AT_MOST, 1.3 },
	[TIMES_TWO] = { "one processor / all", "times", BENCH_AT_LEAST, 1.8 },
	{ 0 },
};

static bool measure_unpacking(void *arg, double *value)
{
	const char *path = arg;
	struct ws_context *ctx = ws_context_create();
	struct bench_blocks blocks = { 0 };
	struct ws_target *target;
	cpu_set_t all;

	if (!ctx || sched_getaffinity(0, sizeof(all), &all) ||
	    ws_target_open(ctx, path, NULL, &target) ||
	    !bench_blocks_take(&blocks, target) || !bench_blocks_unpack(&blocks))
		return complain(ctx, path);
	value[ALONE] = bench_seconds();
	(void)bench_blocks_unpack(&blocks);
	value[ALONE] = bench_seconds() - value[ALONE];
	if (!scan_seconds(target, &all, true, &value[ONE]) ||
	    !scan_seconds(target, &all, false, &value[TWO]))
		return complain(ctx, path);
	value[TIMES_ALONE] = value[ONE] / value[ALONE];
	value[TIMES_TWO] = value[ONE] / value[TWO];
	bench_blocks_release(&blocks);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return true;
}

/* ---- a dump ----------------------------------------------------------------------- */

static bool is_packed(const char *path, bool *packed)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;

	if (!ctx || ws_target_open(ctx, path, NULL, &target))
		return complain(ctx, path);
	*packed = target->ops->copy_frame;
	ws_target_close(target);
	ws_context_destroy(ctx);
	return true;
}

/* A packed file is not held to the time that it takes to read: it is less than memory. */
static bool report(char *path)
{
	struct bench_row rows[sizeof(open_rows) / sizeof(*open_rows)];
	bool packed, good;

	if (!is_packed(path, &packed))
		return false;
	memcpy(rows, open_rows, sizeof(rows));
	if (packed)
		rows[WARM_TIMES].kind = rows[COLD_TIMES].kind = BENCH_NO_BAR;
	printf("  %-44s %9s %9s %9s\n", path, "median", "smallest", "largest");
	good = bench_table(rows, measure_opening, path);
	return packed ? bench_table(unpack_rows, measure_unpacking, path) && good : good;
}

int main(int argc, char **argv)
{
	bool good = argc > 1;

	if (!good)
		fprintf(stderr, "usage: bench_open DUMP...\n");
	for (int i = 1; i < argc; i++)
		good &= report(argv[i]);
	return good ? 0 : 1;
}
