/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random operations on the model kernel, a million by `make torture`: the strategies that
 * keep every space in step survive them, with the books right; lazy repair does not
 * survive a page-fault handler in a module, and the shortest way there is found, reported
 * as a scenario, and run. WS_SEED=n draws others, WS_OPERATIONS=n so many.
 */
#include "kernel_ops.h"
#include "machine/script.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OPERATIONS 100000u
#define OPERATIONS_WHOLE 1000000u
#define CHECK_EVERY 5000u
#define LIFE 500u
#define DEATHS 4u

static size_t operations(void)
{
	const char *text = getenv("WS_OPERATIONS");

	if (text)
		return strtoull(text, NULL, 0);
	return getenv("WS_TORTURE_STEP") ? OPERATIONS_WHOLE : OPERATIONS;
}

/* ---- one run ---------------------------------------------------------------------- */

/* How a sequence went: up to and with operation n - 1. */
struct course {
	size_t n;
	size_t applied;
	enum kernel_outcome outcome;
	enum kernel_end end;
	const char *wrong; /* what kernel_check() said */
};

static bool harmless(enum kernel_outcome outcome)
{
	return outcome != KERNEL_KILLED && outcome != KERNEL_OOPS &&
	       outcome != KERNEL_STOPPED;
}

static struct course run_ops(const struct kernel_options *options, const struct op *ops,
			     size_t n, size_t check_every)
{
	struct course course = { .outcome = KERNEL_OK };
	struct world world;

	assert_true(world_create(&world, options));
	while (course.n < n && harmless(course.outcome) && !course.wrong) {
		course.applied += op_do(&world, &ops[course.n++], &course.outcome);
		if (harmless(course.outcome) && course.n % check_every == 0)
			course.wrong = kernel_check(world.kernel);
	}
	if (harmless(course.outcome) && !course.wrong)
		course.wrong = kernel_check(world.kernel);
	course.end = kernel_ending(world.kernel)->end;
	world_destroy(&world);
	return course;
}

static struct op *draw(size_t n)
{
	struct random random = { random_seed() };
	struct op *ops = calloc(n, sizeof(*ops));

	assert_non_null(ops);
	for (size_t i = 0; i < n; i++)
		ops[i] = op_draw(&random);
	return ops;
}

/* ---- shrinking -------------------------------------------------------------------- */

/* What is looked for: the same end. */
static bool fails_alike(const struct kernel_options *options, const struct op *ops,
			size_t n, const struct course *as)
{
	struct course course = run_ops(options, ops, n, as->wrong ? 1 : n);

	return course.outcome == as->outcome && course.end == as->end &&
	       !course.wrong == !as->wrong;
}

/* Leaves out each part of that many operations that is not needed; the new n. */
static size_t leave_out(const struct kernel_options *options, struct op *ops, size_t n,
			size_t part, const struct course *as)
{
	struct op *shorter = calloc(n, sizeof(*shorter));

	assert_non_null(shorter);
	for (size_t at = 0; at < n;) {
		size_t end = at + part < n ? at + part : n, left = n - (end - at);

		memcpy(shorter, ops, at * sizeof(*ops));
		memcpy(shorter + at, ops + end, (n - end) * sizeof(*ops));
		if (left && fails_alike(options, shorter, left, as)) {
			memcpy(ops, shorter, left * sizeof(*ops));
			n = left;
		} else {
			at = end;
		}
	}
	free(shorter);
	return n;
}

/* Slots that come earlier, so that what fills the others can be left out. */
static void lower(const struct kernel_options *options, struct op *ops, size_t n,
		  const struct course *as)
{
	for (size_t i = 0; i < n; i++) {
		const struct op was = ops[i];
		unsigned first = was.a % OPS_PROCESSES;

		for (unsigned a = 0; a < first; a++) {
			ops[i].a = (uint8_t)a;
			if (fails_alike(options, ops, n, as))
				break;
			ops[i] = was;
		}
	}
}

/*
 * Leaves out ever smaller parts as long as what is left fails alike, until no single
 * operation can be left out (ddmin's second half: Zeller and Hildebrandt, 2002).
 */
static size_t shrink(const struct kernel_options *options, struct op *ops, size_t n,
		     const struct course *as)
{
	size_t before;

	for (size_t part = n / 2; part > 1; part /= 2)
		n = leave_out(options, ops, n, part, as);
	do {
		before = n;
		n = leave_out(options, ops, n, 1, as);
		if (n == before)
			lower(options, ops, n, as);
		n = leave_out(options, ops, n, 1, as);
	} while (n < before);
	return n;
}

static char *as_script(const struct kernel_options *options, const struct op *ops,
		       size_t n)
{
	static const char *const format_names[] = {
		[KERNEL_I386] = "i386",
		[KERNEL_I386_PAE] = "i386-pae",
		[KERNEL_X86_64] = "x86_64",
	};
	enum kernel_outcome outcome;
	struct world world, before;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_true(world_create(&world, options));
	world_print(to, options, format_names[options->format]);
	for (size_t i = 0; i < n; i++) {
		before = world;
		if (op_do(&world, &ops[i], &outcome))
			op_print(to, &before, &ops[i], outcome);
	}
	world_destroy(&world);
	fclose(to);
	return text;
}

/* ---- who survives ----------------------------------------------------------------- */

static void survives(const struct kernel_options *options)
{
	size_t n = 2 * operations(), left; /* not every one that is drawn applies */
	struct op *ops = draw(n);
	struct course course = run_ops(options, ops, n, CHECK_EVERY);

	if (!harmless(course.outcome) || course.wrong) {
		left = shrink(options, ops, course.n, &course);
		fail_msg("operation %zu: %s, %s; %zu operations are enough:\n%s",
			 course.n, kernel_outcome_name(course.outcome),
			 course.wrong ? course.wrong : "the books are right", left,
			 as_script(options, ops, left));
	}
	print_message("# %zu operations, %zu of them applied\n", n, course.applied);
	assert_int_equal(course.end, KERNEL_RUNS);
	assert_true(course.applied >= operations());
	free(ops);
}

static void test_eager(void **state)
{
	(void)state;
	survives(&(struct kernel_options){ .format = KERNEL_I386,
					   .sync = KERNEL_SYNC_EAGER,
					   .cpus = 3,
					   .tlb = MACHINE_TLB_SDM });
}

static void test_preallocated(void **state)
{
	(void)state;
	survives(&(struct kernel_options){ .format = KERNEL_X86_64,
					   .sync = KERNEL_SYNC_PREALLOCATED,
					   .cpus = 3,
					   .tlb = MACHINE_TLB_SDM });
}

static void test_direct_map(void **state)
{
	(void)state;
	survives(&(struct kernel_options){ .format = KERNEL_I386,
					   .sync = KERNEL_SYNC_DIRECT_MAP,
					   .cpus = 3,
					   .tlb = MACHINE_TLB_SDM });
}

/* ---- who does not ----------------------------------------------------------------- */

static void run_script(const char *text, enum kernel_end end)
{
	char path[] = "/tmp/whosees-shortest-XXXXXX", *why = NULL;
	int fd = mkstemp(path);
	struct kernel *kernel = NULL;
	enum script_status status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	status = script_run(&(struct script_options){ .scenario = path }, &kernel, &why);
	unlink(path);
	if (status != SCRIPT_HOLDS)
		fail_msg("%s:\n%s", why ? why : "no memory", text);
	assert_int_equal(kernel_ending(kernel)->end, end);
	kernel_destroy(kernel);
}

/*
 * Tables stay where they were made, so once every part of the vmalloc area has one, all
 * who are forked see all there will ever be: only a young machine dies of it. Many are
 * started, then; each lives for a while, and of those that die the shortest way counts.
 */
struct way {
	struct op *ops; /* NULL: nobody died yet */
	size_t n;
	enum kernel_end end;
	unsigned deaths;
};

static void live(const struct kernel_options *options, struct op *ops, struct way *way)
{
	struct course course = run_ops(options, ops, LIFE, LIFE);
	size_t n;

	assert_null(course.wrong);
	if (harmless(course.outcome))
		return;
	assert_int_equal(course.outcome, KERNEL_STOPPED);
	n = shrink(options, ops, course.n, &course);
	if (!way->deaths++ || n < way->n) {
		way->ops = ops;
		way->n = n;
		way->end = course.end;
	}
}

/*
 * Somebody is there, the driver comes, he touches what he has not yet: three lines, or
 * four where he needs one more to get there.
 */
static void test_lazy(void **state)
{
	const struct kernel_options options = {
		.format = KERNEL_I386,
		.sync = KERNEL_SYNC_LAZY,
		.cpus = 3,
		.ram = 32 << 20, /* storms are short in it */
		/*
		 * No TLB: with one, global entries hide it from a processor for a while.
		 */
		.tlb = MACHINE_TLB_NONE,
	};
	size_t n = operations(), done = 0;
	struct op *ops = draw(n);
	struct way way = { 0 };
	char *script;

	(void)state;
	for (; n - done >= LIFE && way.deaths < DEATHS; done += LIFE)
		live(&options, ops + done, &way);
	assert_non_null(way.ops);
	script = as_script(&options, way.ops, way.n);
	print_message("# %u of %zu machines died; %zu operations are enough:\n",
		      way.deaths, done / LIFE, way.n);
	for (char *line = strtok(strdupa(script), "\n"); line; line = strtok(NULL, "\n"))
		print_message("#   %s\n", line);
	assert_in_range(way.n, 3, 4);
	run_script(script, way.end);
	free(script);
	free(ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "many operations: eager survives", test_eager },
		{ "many operations: preallocated survives", test_preallocated },
		{ "many operations: a handler in the direct map survives",
		  test_direct_map },
		{ "lazy dies of a handler in a module; the shortest script says how",
		  test_lazy },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
