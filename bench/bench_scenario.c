/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a scenario costs: a hundred thousand processes, forked and looked at. */
#include "bench.h"

#include "machine/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct bench_row rows[] = {
	{ "fork-storm: 100,000 processes", "s", BENCH_AT_MOST, 5 },
	{ "fork-storm: resident memory at most", "MiB", BENCH_AT_MOST, 1024 },
	{ 0 },
};

static bool measure(void *arg, double *value)
{
	const struct script_options options = { .scenario = "fork-storm" };
	double from = bench_seconds();
	struct rusage usage;
	char *why = NULL;

	(void)arg;
	if (script_run(&options, NULL, &why) != SCRIPT_HOLDS) {
		fprintf(stderr, "bench_scenario: %s\n", why ? why : "out of memory");
		free(why);
		return false;
	}
	value[0] = bench_seconds() - from;
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return false;
	value[1] = (double)usage.ru_maxrss / 1024;
	return true;
}

int main(void)
{
	printf("the model kernel\n");
	printf("  %-44s %9s %9s %9s\n", "", "median", "smallest", "largest");
	return bench_table(rows, measure, NULL) ? 0 : 1;
}
