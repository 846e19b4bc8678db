/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * once ROUNDS FILE...: without a fuzzer. Each file as it is, and, in all, so many changes of
 * them, by the kind's own mutator and a fixed seed: the same every time. What takes longer
 * than SECONDS_MAX dies of it. On standard output: how many runs there were; without arguments,
 * the kinds' names.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define LENGTH_MAX (64u << 10)
#define SECONDS_MAX 10 /* of the processor: machines that test may be slow */

static unsigned nruns;

/* SIGPROF ends it then. */
static void set_limit(void)
{
	const struct itimerval limit = { .it_value = { .tv_sec = SECONDS_MAX } };

	insist(!setitimer(ITIMER_PROF, &limit, NULL), "no limit can be set");
}

/* Who dies leaves behind what he died of. */
static void put_down(const uint8_t *data, size_t size)
{
	const char *path = getenv("WS_FUZZ_LAST");
	FILE *file = path ? fopen(path, "we") : NULL;

	if (!file)
		return;
	fwrite(data, 1, size, file);
	fclose(file);
}

static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size + !size);

	insist(exact, "memory is short");
	memcpy(exact, data, size);
	put_down(exact, size);
	set_limit();
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	nruns++;
}

static size_t read_file(const char *path, uint8_t *data)
{
	FILE *file = fopen(path, "re");
	size_t size;

	insist(file, path);
	size = fread(data, 1, LENGTH_MAX, file);
	fclose(file);
	return size;
}

/* Some changes on top of each other. */
static void run_changed(uint8_t *data, size_t size, struct random *random)
{
	for (uint64_t n =
		     1 + random_below(random, UINT64_C(1) << random_below(random, 6));
	     n; n--)
		size = LLVMFuzzerCustomMutator(data, size, LENGTH_MAX,
					       (unsigned)random_next(random));
	run(data, size);
}

int main(int argc, char **argv)
{
	static uint8_t data[LENGTH_MAX];
	FILE *out = fdopen(dup(STDOUT_FILENO), "w");
	struct random random = { random_seed() };
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

	for (unsigned i = 0; argc == 1 && fuzz_kind_at(i); i++)
		puts(fuzz_kind_at(i)->name);
	if (argc < 3)
		return argc == 1 ? 0 : 2;
	/* What is run may print, too. */
	insist(out && freopen("/dev/null", "w", stdout), "nothing can be printed");
	for (int i = 2; i < argc; i++)
		run(data, read_file(argv[i], data));
	for (unsigned i = 0; i < random_rounds(rounds); i++)
		run_changed(data, read_file(argv[2 + i % (unsigned)(argc - 2)], data),
			    &random);
	fprintf(out, "%u\n", nruns);
	return 0;
}
