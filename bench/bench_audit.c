/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an audit costs, family by family, beside finding the spaces that it is about and
 * beside a naive walk of everything that they map.
 *
 *	bench_audit DUMP...
 */
#include "audit/rule.h"
#include "bench.h"
#include "linux/roots.h"

#include <stdio.h>
#include <string.h>

/* What goes before the families, then they in the order of their rules, then verdicts. */
#define PARTS 9

/* The clock is read at the start of each family, which the audit tells of as progress. */
struct split {
	double at[PARTS + 1];
	unsigned n;
};

static void take_time(void *arg, const char *what, double done)
{
	struct split *split = arg;

	(void)done;
	if (!strcmp(what, "auditing") && split->n < PARTS)
		split->at[split->n++] = bench_seconds();
}

static bool complain(struct ws_context *ctx, const char *path)
{
	fprintf(stderr, "bench_audit: %s: %s\n", path, ws_error(ctx, 0));
	return false;
}

static bool count_run(void *arg, const struct ws_run *run)
{
	*(uint64_t *)arg += run->access;
	return true;
}

/* So many spaces are walked naively; all of amd64's would take half a minute. */
#define NAIVE_SPACES 50

/*
 * Each space on its own, all that it maps and with what rights: nothing is remembered.
 * What some of them take, for all of them.
 */
static double naive_seconds(struct ws_system *system)
{
	size_t step = system->spaces.n / NAIVE_SPACES + 1, n = 0;
	double start = bench_seconds();
	uint64_t sum = 0;

	for (size_t i = 0; i < system->spaces.n; i += step, n++)
		if (ws_range(&system->paging, system->spaces.v[i].root, 0, UINT64_MAX, 0,
			     0, count_run, &sum) != WS_OK)
			return 0;
	__asm__ volatile("" : : "r"(sum));
	return (bench_seconds() - start) / (double)n * (double)system->spaces.n;
}

/* How many entries the spaces hold for themselves of the kernel half. */
static double private_entries(const struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;
	uint64_t size = UINT64_C(1) << format->level[ws_private_level(format)].shift;
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * system->layout.word);
	double slots = (double)((last - system->layout.kernel_first) / size + 1);

	return slots * (double)system->spaces.n;
}

enum {
	FINDING,
	AUDIT,
	REGIONS,
	VERDICTS = REGIONS + PARTS - 1,
	RATIO,
	AGAIN,
	FRAMES,
	AUTOPSY,
	AUTOPSY_RATIO,
	WORK,
	PRIVATE,
	NAIVE,
	FASTER,
	MEMORY,
};

static const struct bench_row rows[] = {
	[FINDING] = { "finding the spaces", "s", BENCH_NO_BAR, 0 },
	[AUDIT] = { "audit", "s", BENCH_NO_BAR, 0 },
	[REGIONS] = { "  regions, and symbols for them", "s", BENCH_NO_BAR, 0 },
	{ "  coherence", "s", BENCH_NO_BAR, 0 },
	{ "  well-formedness", "s", BENCH_NO_BAR, 0 },
	{ "  fault path", "s", BENCH_NO_BAR, 0 },
	{ "  protection", "s", BENCH_NO_BAR, 0 },
	{ "  jumps", "s", BENCH_NO_BAR, 0 },
	{ "  page tables of no task", "s", BENCH_NO_BAR, 0 },
	{ "  frames", "s", BENCH_NO_BAR, 0 },
	[VERDICTS] = { "  groups and verdicts", "s", BENCH_NO_BAR, 0 },
	[RATIO] = { "audit / finding the spaces", "times", BENCH_AT_MOST, 2 },
	[AGAIN] = { "audit, a second time", "s", BENCH_NO_BAR, 0 },
	[FRAMES] = { "who maps each frame, and conflicts", "s", BENCH_AT_MOST, 1 },
	[AUTOPSY] = { "autopsy, opened afresh", "s", BENCH_NO_BAR, 0 },
	[AUTOPSY_RATIO] = { "autopsy / finding the spaces", "times", BENCH_AT_MOST, 2 },
	[WORK] = { "entries and walks", "M", BENCH_NO_BAR, 0 },
	[PRIVATE] = { "private entries of the kernel half", "M", BENCH_NO_BAR, 0 },
	[NAIVE] = { "naive walk of every space, from 50", "s", BENCH_NO_BAR, 0 },
	[FASTER] = { "naive walk / audit", "times", BENCH_NO_BAR, 0 },
	[MEMORY] = { "resident memory beyond the dump", "MiB", BENCH_AT_MOST, 64 },
	{ 0 },
};

static bool time_audit(struct ws_context *ctx, struct ws_system *system, double *value)
{
	struct split split = { .at = { bench_seconds() }, .n = 1 };
	struct ws_audit *audit;

	ws_context_set_progress(ctx, take_time, &split);
	if (ws_audit_run(system, &audit) != WS_OK)
		return false;
	split.at[split.n] = bench_seconds();
	ws_context_set_progress(ctx, NULL, NULL);
	if (split.n != PARTS)
		return false;
	for (unsigned i = 0; i < PARTS; i++)
		value[REGIONS + i] = split.at[i + 1] - split.at[i];
	value[AUDIT] = split.at[PARTS] - split.at[0];
	value[WORK] = (double)audit->work / 1e6;
	value[MEMORY] = bench_rss_anon();
	ws_audit_destroy(audit);
	return true;
}

static bool time_frames(struct ws_system *system, double *value)
{
	double start = bench_seconds();
	const struct ws_frame_conflict *conflicts;
	struct ws_frame_map *map;
	enum ws_status status = ws_frame_map_create(system, &map);
	size_t n;

	if (status == WS_OK)
		status = ws_frame_map_conflicts(map, &conflicts, &n);
	*value = bench_seconds() - start;
	ws_frame_map_destroy(map);
	return status == WS_OK;
}

static bool open_system(struct ws_context *ctx, const char *path,
			struct ws_target **target, struct ws_system **system)
{
	return ws_target_open(ctx, path, NULL, target) == WS_OK &&
	       ws_system_open(*target, NULL, system) == WS_OK;
}

/* As the command does it: all of it, with an audit but for the rules of frames. */
static bool time_autopsy(struct ws_context *ctx, const char *path, double *value)
{
	double start = bench_seconds(), opened;
	struct ws_target *target;
	struct ws_system *system;
	struct ws_audit *audit;
	struct ws_autopsy *autopsy;

	if (!open_system(ctx, path, &target, &system))
		return false;
	opened = bench_seconds();
	if (ws_system_leave_out(system, "frames") != WS_OK ||
	    ws_audit_run(system, &audit) != WS_OK ||
	    ws_autopsy_run(audit, &autopsy) != WS_OK)
		return false;
	value[AUTOPSY] = bench_seconds() - start;
	value[AUTOPSY_RATIO] = value[AUTOPSY] / (opened - start);
	ws_autopsy_destroy(autopsy);
	ws_audit_destroy(audit);
	ws_system_close(system);
	ws_target_close(target);
	return true;
}

static bool measure(void *arg, double *value)
{
	const char *path = arg;
	struct ws_context *ctx = ws_context_create();
	double start = bench_seconds();
	struct ws_target *target;
	struct ws_system *system;
	struct ws_audit *audit;

	if (!ctx || !open_system(ctx, path, &target, &system))
		return complain(ctx, path);
	value[FINDING] = bench_seconds() - start;
	if (!time_audit(ctx, system, value))
		return complain(ctx, path);
	start = bench_seconds();
	if (ws_audit_run(system, &audit) != WS_OK)
		return complain(ctx, path);
	value[AGAIN] = bench_seconds() - start;
	ws_audit_destroy(audit);
	if (!time_frames(system, &value[FRAMES]) || !time_autopsy(ctx, path, value))
		return complain(ctx, path);
	value[RATIO] = value[AUDIT] / value[FINDING];
	value[PRIVATE] = private_entries(system) / 1e6;
	value[NAIVE] = naive_seconds(system);
	value[FASTER] = value[NAIVE] / value[AUDIT];
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return true;
}

int main(int argc, char **argv)
{
	bool ok = argc > 1;

	if (!ok)
		fprintf(stderr, "usage: bench_audit DUMP...\n");
	for (int i = 1; i < argc; i++) {
		printf("  %-44s %9s %9s %9s\n", argv[i], "median", "smallest", "largest");
		ok &= bench_table(rows, measure, argv[i]);
	}
	return ok ? 0 : 1;
}
