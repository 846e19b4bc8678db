/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS 32

double bench_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_rss_anon(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "RssAnon: %lu", &kib) == 1)
			break;
	if (status)
		fclose(status);
	return (double)kib / 1024;
}

/* One repetition in a child: what it measured comes back through a pipe. */
static bool repeat(bench_fn *fn, void *arg, double *value, size_t n)
{
	ssize_t size = (ssize_t)(n * sizeof(*value)), got;
	int ends[2], status;
	pid_t child;

	fflush(stdout);
	if (pipe(ends) < 0)
		return false;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		_exit(fn(arg, value) && write(ends[1], value, (size_t)size) == size ? 0
										    : 1);
	}
	close(ends[1]);
	got = read(ends[0], value, (size_t)size);
	close(ends[0]);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
	       got == size;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_row(const struct bench_row *row, double *value)
{
	static const char *const sign[] = { "", "<=", ">=" };
	double median;

	if (row->absent) {
		printf("  %-44s not measured: %s\n", row->name, row->absent);
		return;
	}
	qsort(value, BENCH_REPEATS, sizeof(*value), compare);
	median = value[BENCH_REPEATS / 2];
	printf("  %-44s %9.3f %9.3f %9.3f  %-6s", row->name, median, value[0],
	       value[BENCH_REPEATS - 1], row->unit);
	if (row->kind != BENCH_NO_BAR)
		printf(" %s %g: %s", sign[row->kind], row->bar,
		       (row->kind == BENCH_AT_MOST) == (median <= row->bar) ? "reached"
									    : "MISSED");
	putchar('\n');
}

bool bench_table(const struct bench_row *rows, bench_fn *fn, void *arg)
{
	double value[MAX_ROWS] = { 0 }, all[MAX_ROWS][BENCH_REPEATS];
	size_t n = 0;

	while (n < MAX_ROWS && rows[n].name)
		n++;
	for (unsigned r = 0; r < BENCH_REPEATS; r++) {
		if (!repeat(fn, arg, value, n))
			return false;
		for (size_t i = 0; i < n; i++)
			all[i][r] = value[i];
	}
	for (size_t i = 0; i < n; i++)
		print_row(&rows[i], all[i]);
	return true;
}
