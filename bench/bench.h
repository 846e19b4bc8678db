/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measuring: repetitions in processes of their own, so that each starts cold, and their
 * spread. A measurement is a name, the numbers of all repetitions, and the bar that the
 * median is held to.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_REPEATS 7

double bench_seconds(void);

/*
 * Of this process: it computes and waits for nothing, so other processes' time is none of
 * its own.
 */
double bench_cpu_seconds(void);

/* Anonymous memory of this process that is resident, in MiB (proc(5), RssAnon). */
double bench_rss_anon(void);

enum bench_bar { BENCH_NO_BAR, BENCH_AT_MOST, BENCH_AT_LEAST };

struct bench_row {
	const char *name; /* NULL ends a table */
	const char *unit;
	enum bench_bar kind;
	double bar;
	const char *absent; /* why it cannot be measured here; NULL: it can */
};

/*
 * Fills value[], one for each row that can be measured. Runs in a child process; false:
 * it failed and said so.
 */
typedef bool bench_fn(void *arg, double *value);

/*
 * Runs fn BENCH_REPEATS times and prints a line a row: median, smallest, largest, bar.
 * Returns false where a repetition failed.
 */
bool bench_table(const struct bench_row *rows, bench_fn *fn, void *arg);

#endif
