/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each strategy promises, and what it does not: who sees what, read off the tables.
 */
#include "kernel_stand.h"

#include <stdio.h>

#define MIB (UINT64_C(1) << 20)

/* Of a space that was there before a kernel entry came. */
static const struct promise {
	bool sees_vmalloc, sees_driver; /* at once */
	bool heals;                     /* at the first touch */
	bool forgets;                   /* an entry that init_mm has no more */
	bool survives_hook;             /* a fault under a driver's handler */
} promises[KERNEL_SYNCS] = {
	[KERNEL_SYNC_NONE] = { false, false, false, false, false },
	[KERNEL_SYNC_LAZY] = { false, false, true, false, false },
	[KERNEL_SYNC_EAGER] = { true, true, false, true, true },
	[KERNEL_SYNC_EAGER_ON_LOAD] = { false, true, true, false, true },
	[KERNEL_SYNC_PREALLOCATED] = { true, true, false, true, true },
	[KERNEL_SYNC_DIRECT_MAP] = { false, false, true, true, true },
	[KERNEL_SYNC_LAZY_EAGER] = { true, true, true, true, true },
};

static const enum kernel_format formats[] = { KERNEL_I386, KERNEL_I386_PAE };

#define each_machine(sync, f)                                        \
	for (enum kernel_sync sync = 0; sync < KERNEL_SYNCS; sync++) \
		for (const enum kernel_format *f = formats; f < formats + 2; f++)

static void test_names(void **state)
{
	(void)state;
	for (enum kernel_sync sync = 0; sync < KERNEL_SYNCS; sync++) {
		const struct kernel_strategy *s = &kernel_strategies[sync];

		assert_true(s->name && s->meaning && s->history);
		for (enum kernel_sync other = 0; other < sync; other++)
			assert_string_not_equal(s->name, kernel_strategies[other].name);
	}
	assert_string_equal(kernel_strategies[KERNEL_SYNC_LAZY_EAGER].name, "lazy+eager");
}

static void test_vmalloc(void **state)
{
	(void)state;
	each_machine(sync, f)
	{
		const struct promise *promise = &promises[sync];
		struct kernel *k = stand_boot(*f, sync);
		int old = stand_fork(k, 1), young;
		uint64_t va;
		uint8_t value;

		does(kernel_vmalloc(k, PAGE, &va));
		young = stand_fork(k, old);
		assert_int_equal(stand_sees(k, old, va), promise->sees_vmalloc);
		assert_true(stand_sees(k, young, va));
		comes_to(promise->heals || promise->sees_vmalloc ? KERNEL_OK
								 : KERNEL_OOPS,
			 kernel_kernel_access(k, old, MACHINE_READ, va, &value));
		if (promise->heals)
			assert_true(stand_sees(k, old, va));
		stand_shut(k);
	}
}

static void test_driver(void **state)
{
	(void)state;
	each_machine(sync, f)
	{
		const struct promise *promise = &promises[sync];
		struct kernel *k = stand_boot(*f, sync);
		int old = stand_fork(k, 1);
		uint64_t va;

		stand_load(k, "dtrace", true);
		kernel_flush_tlb(k, 0);
		va = stand_symbol(k, "dtrace_init");
		assert_int_equal(stand_sees(k, old, va), promise->sees_driver);
		/* The loader has touched it. */
		assert_int_equal(stand_sees(k, 1, va), sync != KERNEL_SYNC_NONE);
		comes_to(promise->survives_hook ? KERNEL_OK : KERNEL_STOPPED,
			 stand_fault(k, old));
		stand_shut(k);
	}
}

/* With four levels a driver shares its top-level entry with the image. */
static void test_driver_x86_64(void **state)
{
	(void)state;
	for (enum kernel_sync sync = 0; sync < KERNEL_SYNCS; sync++) {
		struct kernel *k = stand_boot(KERNEL_X86_64, sync);
		int old = stand_fork(k, 1);

		stand_load(k, "dtrace", true);
		kernel_flush_tlb(k, 0);
		assert_true(stand_sees(k, old, stand_symbol(k, "dtrace_page_fault")));
		does(stand_fault(k, old));
		stand_shut(k);
	}
}

/* But vmalloc memory does not. */
static void test_vmalloc_x86_64(void **state)
{
	(void)state;
	for (enum kernel_sync sync = 0; sync < KERNEL_SYNCS; sync++) {
		struct kernel *k = stand_boot(KERNEL_X86_64, sync);
		int old = stand_fork(k, 1);
		uint64_t va;

		does(kernel_vmalloc(k, PAGE, &va));
		assert_int_equal(stand_sees(k, old, va), promises[sync].sees_vmalloc);
		stand_shut(k);
	}
}

/*
 * A large vmalloc area is a top-level entry that goes again. Who keeps it reads what is
 * somebody else's memory by now.
 */
static void test_stale(void **state)
{
	(void)state;
	each_machine(sync, f)
	{
		struct kernel *k = stand_boot(*f, sync);
		struct kernel_walk walk;
		uint64_t va, again;
		int old;

		does(kernel_vmalloc(k, 4 * MIB, &va));
		old = stand_fork(k, 1);
		does(kernel_walk(k, old, va, &walk));
		/* Where all tables are there from the start there are no large pages. */
		assert_int_equal(walk.level, sync == KERNEL_SYNC_PREALLOCATED ? 1 : 2);
		does(kernel_vfree(k, va));
		assert_false(stand_sees(k, 0, va));
		assert_int_equal(stand_sees(k, old, va), !promises[sync].forgets);
		assert_null(kernel_check(k));
		does(kernel_vmalloc(k, PAGE, &again));
		assert_int_equal(again, va);
		if (!promises[sync].forgets) {
			does(kernel_walk(k, old, va, &walk));
			assert_int_equal(walk.level, 2);
		}
		stand_shut(k);
	}
}

/* vmalloc_fault() finds another entry where it wants to copy one: BUG(). */
static void test_stale_where_nothing_is(void **state)
{
	struct kernel *k = stand_boot(KERNEL_I386, KERNEL_SYNC_LAZY);
	uint64_t va, small;
	uint8_t value;
	int old;

	(void)state;
	does(kernel_vmalloc(k, PAGE, &small));
	old = stand_fork(k, 1);
	/* The entry of old's is made to lead to a table with nothing in it. */
	does(kernel_vmalloc(k, 4 * MIB, &va));
	does(kernel_flip(k, old, va, 0x00107067));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_OOPS, kernel_kernel_access(k, old, MACHINE_READ, va, &value));
	stand_shut(k);
}

static void test_spaces_are_held_to_it(void **state)
{
	(void)state;
	each_machine(sync, f)
	{
		struct kernel *k = stand_boot(*f, sync);
		int old = stand_fork(k, 1);
		uint64_t va;

		does(kernel_vmalloc(k, PAGE, &va));
		stand_fork(k, 1);
		assert_null(kernel_check(k));
		does(kernel_hide(k, old, va));
		if (promises[sync].sees_vmalloc)
			assert_non_null(kernel_check(k));
		else
			assert_null(kernel_check(k));
		does(kernel_hide(k, old, stand_symbol(k, "sys_read")));
		assert_non_null(kernel_check(k));
		kernel_destroy(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "each has a name", test_names },
		{ "vmalloc memory", test_vmalloc },
		{ "a driver and its page-fault handler", test_driver },
		{ "x86_64: a driver is seen by all", test_driver_x86_64 },
		{ "x86_64: vmalloc memory is not", test_vmalloc_x86_64 },
		{ "what is gone, and stays behind", test_stale },
		{ "another entry is in vmalloc_fault()'s way",
		  test_stale_where_nothing_is },
		{ "the books hold spaces to it", test_spaces_are_held_to_it },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
