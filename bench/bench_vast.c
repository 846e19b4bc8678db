/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine of 64 GiB with 10,000 processes, made on the spot: finding them, beside reading
 * what is in no hole of the file, and the audit of all.
 */
#include "audit/rule.h"
#include "bench.h"
#include "reading.h"
#include "vast.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READING, FINDING, TIMES, AUDIT, AUDIT_CPU, SPACES, FOUND_MEMORY, AUDIT_MEMORY };

static const struct bench_row rows[] = {
	[READING] = { "reading what is in no hole", "s", BENCH_NO_BAR, 0 },
	[FINDING] = { "finding the spaces", "s", BENCH_NO_BAR, 0 },
	[TIMES] = { "finding / reading", "times", BENCH_AT_MOST, 1.5 },
	[AUDIT] = { "audit", "s", BENCH_AT_MOST, 1 },
	[AUDIT_CPU] = { "  processor time of it", "s", BENCH_NO_BAR, 0 },
	[SPACES] = { "spaces", "", BENCH_AT_LEAST, 10000 },
	[FOUND_MEMORY] = { "resident memory, spaces found", "MiB", BENCH_NO_BAR, 0 },
	[AUDIT_MEMORY] = { "resident memory, audited", "MiB", BENCH_NO_BAR, 0 },
	{ 0 },
};

static bool complain(struct ws_context *ctx)
{
	fprintf(stderr, "bench_vast: %s\n", ctx ? ws_error(ctx, 0) : "no memory");
	return false;
}

static bool measure_audit(struct ws_system *system, double *value)
{
	double start = bench_seconds(), cpu = bench_cpu_seconds();
	struct ws_audit *audit;

	if (ws_audit_run(system, &audit))
		return false;
	value[AUDIT] = bench_seconds() - start;
	value[AUDIT_CPU] = bench_cpu_seconds() - cpu;
	value[AUDIT_MEMORY] = bench_rss_anon();
	ws_audit_destroy(audit);
	return true;
}

static bool measure(void *arg, double *value)
{
	const char *path = arg;
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	struct ws_system *system;
	double start;
	size_t n;

	value[READING] = bench_reading_seconds(path);
	start = bench_seconds();
	if (!ctx || ws_target_open(ctx, path, NULL, &target) ||
	    ws_system_open(target, NULL, &system))
		return complain(ctx);
	value[FINDING] = bench_seconds() - start;
	value[TIMES] = value[FINDING] / value[READING];
	value[FOUND_MEMORY] = bench_rss_anon();
	(void)ws_system_spaces(system, &n);
	value[SPACES] = (double)n;
	if (!measure_audit(system, value))
		return complain(ctx);
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return true;
}

int main(void)
{
	const struct vast vast = { .gib = 64,
				   .data = UINT64_C(1) << 30,
				   .nprocesses = 10000 };
	int fd = vast_make(&vast);
	char path[32];

	if (fd < 0) {
		perror("bench_vast");
		return 1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	printf("  %-44s %9s %9s %9s\n", "64 GiB, 10,000 processes, 1 GiB in no hole",
	       "median", "smallest", "largest");
	return bench_table(rows, measure, path) ? 0 : 1;
}
