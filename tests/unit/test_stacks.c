/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where tasks' kernel stacks lie, and how long they are: found, never assumed. Of what
 * was not found nothing is claimed but the lowest page.
 */
#include "linux/stacks.h"
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "paging/format.h"
#include "x86/entry.h"

#define SAMPLES 16 /* as many tasks are looked at, spread over all */
#define STACK_END_MAGIC 0x57ac6e9d
#define STACK_OFFSET (-0x1f8) /* of task_struct.stack, from comm */

static const uint64_t sizes[] = { 4096, 8192, 16384, 32768, 65536 };

static struct fault_guest *create(void **state)
{
	return audit_guest_create(*state);
}

static void find(struct fault_guest *fault, ws_stack_vec *stacks)
{
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(ws_find_stacks(fault->system, stacks), WS_OK);
}

/* Opens the guest, looks, and is done with it. size 0: it must not be found. */
static void expect_size(struct fault_guest *fault, uint64_t size)
{
	ws_stack_vec stacks = { 0 };

	find(fault, &stacks);
	assert_true(stacks.n > SAMPLES);
	ws_vec_each(&stacks, stack) {
		assert_int_equal(stack->va, fault_guest_stack(fault, stack->task).va);
		assert_int_equal(stack->whole, size != 0);
		assert_int_equal(stack->size, size ? size : 4096);
	}
	ws_vec_release(&stacks);
	fault_guest_destroy(fault);
}

static uint64_t sp0_of_first(const struct fault_guest *fault)
{
	return fault_guest_stack(fault, 0).va + fault->stack_size;
}

static void set_sp0(struct fault_guest *fault, uint64_t sp0)
{
	guest_put(fault->guest, fault->tss.pa + 4, sp0);
}

static uint64_t comm_pa(const struct fault_guest *fault, unsigned task)
{
	return guest_pa(fault->guest, fault->guest->task[task].comm_va);
}

/* The task of the i-th sample, of all that have a stack: all but the zombie. */
static unsigned sample(const struct fault_guest *fault, unsigned i)
{
	unsigned n = fault->guest->ntasks - 1;
	unsigned task = i * n / SAMPLES;

	return task >= fault->guest->victim + 1 ? task + 1 : task;
}

/* ---- by thread.sp ----------------------------------------------------------------- */

static void every_size(void **state)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(sizes); i++) {
		struct fault_guest *fault = create(state);

		fault_guest_make_stacks(fault, sizes[i]);
		expect_size(fault, sizes[i]);
	}
}

/* A stack pointer in the upper half says; one at its very edge does not. */
static void the_upper_half(void **state)
{
	for (size_t i = 1; i < WS_ARRAY_SIZE(sizes); i++) {
		struct fault_guest *fault = create(state);

		fault_guest_make_stacks(fault, sizes[i]);
		fault_guest_save_sps(fault, sizes[i] / 2);
		expect_size(fault, sizes[i]);

		fault = create(state);
		fault_guest_make_stacks(fault, sizes[i]);
		fault_guest_save_sps(fault, sizes[i] / 2 - fault->guest->word);
		expect_size(fault, sizes[i] / 2);
	}
}

/* Three of four samples must have it. */
static void some_without(void **state)
{
	for (unsigned gone = 4; gone <= 5; gone++) {
		struct fault_guest *fault = create(state);

		for (unsigned i = 0; i < gone; i++)
			guest_put(fault->guest,
				  comm_pa(fault, sample(fault, i)) + FAULT_SAVED_SP, 0);
		expect_size(fault, gone == 4 ? fault->stack_size : 0);
	}
}

/* Stacks of 8 KiB on multiples of it: a word that leads further up is not thread.sp. */
static void not_beyond_the_alignment(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_make_stacks(fault, 8192);
	fault_guest_save_sps(fault, 8192 - fault->guest->word);
	expect_size(fault, 8192);

	fault = create(state);
	fault_guest_make_stacks(fault, 8192);
	fault_guest_save_sps(fault, 8192 + 4 * fault->guest->word);
	expect_size(fault, 0);
}

/* Moves the stacks of some tasks up by a page, where none of 8 KiB lies. */
static void move_stacks(struct fault_guest *fault, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned task = fault->guest->victim - i;
		struct place stack = fault_guest_stack(fault, task);

		guest_put32(fault->guest, stack.pa + 4096, STACK_END_MAGIC);
		guest_put(fault->guest, comm_pa(fault, task) + STACK_OFFSET,
			  stack.va + 4096);
		guest_put(fault->guest, comm_pa(fault, task) + FAULT_SAVED_SP,
			  stack.va + 4096 + 6000 - 8 * i);
	}
}

/* That they all lie on multiples of their size is asked of three in four. */
static void most_are_aligned(void **state)
{
	for (unsigned over = 0; over < 2; over++) {
		struct fault_guest *fault = create(state);
		unsigned quarter = (fault->guest->ntasks - 1) / 4;
		ws_stack_vec stacks = { 0 };

		fault_guest_make_stacks(fault, 8192);
		move_stacks(fault, quarter + over);
		find(fault, &stacks);
		assert_int_equal(stacks.v[0].size, over ? 4096 : 8192);
		assert_int_equal(stacks.v[0].whole, !over);
		ws_vec_release(&stacks);
		fault_guest_destroy(fault);
	}
}

/* ---- by the TSS ------------------------------------------------------------------- */

/* Until 4.15 it names the current task's, less some padding. */
static void the_tss(void **state)
{
	for (unsigned padding = 0; padding <= 20; padding += 4) {
		struct fault_guest *fault = create(state);

		fault_guest_save_sps(fault, 0);
		set_sp0(fault, sp0_of_first(fault) - padding);
		expect_size(fault, padding <= 16 ? fault->stack_size : 0);
	}
}

/* The entry stack, or nothing, says nothing of tasks' stacks. */
static void a_tss_that_names_another(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_save_sps(fault, 0);
	expect_size(fault, 0);

	fault = create(state);
	fault_guest_save_sps(fault, 0);
	set_sp0(fault, 0);
	expect_size(fault, 0);
}

/* thread.sp is every task's, and so comes first. */
static void a_tss_beside_saved_pointers(void **state)
{
	struct fault_guest *fault = create(state);

	set_sp0(fault, fault_guest_stack(fault, 0).va + 4096);
	expect_size(fault, fault->stack_size);
}

/* ---- by the guard page ------------------------------------------------------------ */

/* Maps the stacks of all tasks but some in vmalloc memory, with room between them. */
static void map_stacks(struct fault_guest *fault, uint64_t size, uint64_t mapped,
		       unsigned but)
{
	uint64_t va = fault->guest->kind->module + 0x20000;

	fault_guest_make_stacks(fault, size);
	fault_guest_save_sps(fault, 0);
	for (unsigned i = 0; i < fault->guest->ntasks; i++, va += 2 * size) {
		uint64_t pa = fault_guest_stack(fault, i).pa;

		if (i == fault->guest->victim + 1) /* the zombie has none */
			continue;
		if (i < but)
			continue;
		for (uint64_t at = 0; at < mapped; at += WS_FRAME_SIZE)
			guest_map(fault->guest, fault->guest->swapper, va + at, pa + at,
				  P | RW);
		guest_put(fault->guest, comm_pa(fault, i) + STACK_OFFSET, va);
	}
}

static void expect_first(struct fault_guest *fault, uint64_t size)
{
	ws_stack_vec stacks = { 0 };

	find(fault, &stacks);
	assert_true(stacks.n > SAMPLES);
	assert_int_equal(stacks.v[0].whole, size != 0);
	assert_int_equal(stacks.v[0].size, size ? size : 4096);
	ws_vec_release(&stacks);
	fault_guest_destroy(fault);
}

/* What ends in a hole is a stack's length, if it can be one. */
static void the_guard_page(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		struct fault_guest *fault = create(state);

		map_stacks(fault, sizes[i], sizes[i], 0);
		expect_first(fault, sizes[i]);
	}
	for (unsigned pages = 3; pages <= 4; pages++) {
		struct fault_guest *fault = create(state);

		map_stacks(fault, 16384, pages * WS_FRAME_SIZE, 0);
		expect_first(fault, pages == 4 ? 16384 : 0);
	}
}

/* Three of four samples, of two tasks each, must say. */
static void some_without_a_guard_page(void **state)
{
	for (unsigned gone = 4; gone <= 5; gone++) {
		struct fault_guest *fault = create(state);

		map_stacks(fault, 8192, 8192, sample(fault, gone - 1) + 1);
		expect_first(fault, gone == 4 ? 8192 : 0);
	}
}

/* The longest that there is, and one of twice that. */
static void no_longer_than_stacks_are(void **state)
{
	for (unsigned over = 0; over < 2; over++) {
		struct fault_guest *fault = create(state);
		uint64_t va = fault->guest->kind->module + 0x20000;

		map_stacks(fault, 4096, 4096, 0);
		for (unsigned i = 0; i < fault->guest->ntasks; i++)
			if (i != fault->guest->victim + 1)
				guest_put(fault->guest, comm_pa(fault, i) + STACK_OFFSET,
					  va + 0x40000 + (i / 2 % 4) * 0x40000);
		for (uint64_t at = 0; at < 65536u << over; at += WS_FRAME_SIZE)
			for (unsigned i = 0; i < 4; i++)
				guest_map(fault->guest, fault->guest->swapper,
					  va + 0x40000 + i * 0x40000 + at,
					  fault->stacks.pa + at, P | RW);
		expect_first(fault, over ? 0 : 65536);
	}
}

/* ---- where they lie --------------------------------------------------------------- */

/* The magic number comes at the stack's end, or behind a thread_info there. */
static void the_magic_number(void **state)
{
	for (unsigned far = 0; far < 2; far++) {
		struct fault_guest *fault = create(state);
		ws_stack_vec stacks = { 0 };

		for (unsigned i = 0; i < fault->guest->ntasks; i++) {
			uint64_t pa = fault_guest_stack(fault, i).pa;
			uint64_t last = 128 - fault->guest->word;

			guest_put32(fault->guest, pa, 0);
			guest_put32(fault->guest, far ? pa + 128 : pa + last,
				    STACK_END_MAGIC);
		}
		find(fault, &stacks);
		assert_int_equal(stacks.n, far ? 0 : fault->guest->ntasks - 1);
		ws_vec_release(&stacks);
		fault_guest_destroy(fault);
	}
}

/* Three of four samples must have one, and one of them is the zombie's. */
static void some_without_magic(void **state)
{
	for (unsigned gone = 3; gone <= 4; gone++) {
		struct fault_guest *fault = create(state);
		unsigned ntasks = fault->guest->ntasks;
		ws_stack_vec stacks = { 0 };

		for (unsigned i = 0; i < gone; i++)
			guest_put32(fault->guest,
				    fault_guest_stack(fault, i * ntasks / SAMPLES).pa, 0);
		find(fault, &stacks);
		assert_int_equal(stacks.n, gone == 3 ? ntasks - 1 : 0);
		ws_vec_release(&stacks);
		fault_guest_destroy(fault);
	}
}

/* ---- what the audit claims -------------------------------------------------------- */

/* The bits of an upper entry that leads to a table in the user half. */
static uint64_t table_bits(const struct fault_guest *fault)
{
	return fault->guest->kind->format == &ws_format_i386_pae ? P : P | RW | US;
}

/* Makes a table of init's of the frame, and says whether it is taken for a stack's. */
static bool is_told(struct fault_guest *fault, uint64_t pa)
{
	uint64_t root = fault->guest->task[1].root;
	bool reported;

	audit_put(fault, audit_entry(fault, root, audit_unused_va(fault), 0),
		  pa | table_bits(fault));
	if (fault->guest->kind->pti)
		audit_put(fault,
			  audit_entry(fault, root + WS_FRAME_SIZE, audit_unused_va(fault),
				      0),
			  pa | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	reported = audit_count(fault, "wellformed-stack", 0);
	fault_guest_destroy(fault);
	return reported;
}

/* The frame behind a stack is anybody's; that at its top is its own. */
static void a_table_behind_a_stack(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct fault_guest *fault = create(state);
		unsigned last = fault->guest->ntasks - 1;
		uint64_t top;

		fault_guest_make_stacks(fault, sizes[i]);
		top = fault_guest_stack(fault, last).pa + sizes[i];
		assert_false(is_told(fault, top));

		fault = create(state);
		fault_guest_make_stacks(fault, sizes[i]);
		assert_true(is_told(fault, top - WS_FRAME_SIZE));
	}
}

/* Not knowing how long a stack is, one page is claimed. */
static void a_table_in_a_stack_of_no_known_size(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t stack = fault_guest_stack(fault, 5).pa;

	fault_guest_save_sps(fault, 0);
	assert_true(is_told(fault, stack));

	fault = create(state);
	fault_guest_save_sps(fault, 0);
	assert_false(is_told(fault, stack + WS_FRAME_SIZE));
}

/*
 * A need of a task's own stack goes as far as it does. With five levels all of the direct
 * map is in one entry of a root, and one that has another there is not taken for a root.
 */
static void a_hole_behind_a_stack(void **state)
{
	for (unsigned beyond = 0; beyond < 2; beyond++) {
		struct fault_guest *fault = create(state);
		unsigned last = fault->guest->dead; /* but for a kernel thread */
		uint64_t root = fault->guest->task[last].root, top;

		fault_guest_make_stacks(fault, 8192);
		top = fault_guest_stack(fault, last).va + 8192;
		fault_guest_hide_page(fault, root, beyond ? top : top - WS_FRAME_SIZE);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(audit_count(fault, "faultpath-task-stack", 0), !beyond);
		fault_guest_destroy(fault);
	}
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "every size", every_size },
		{ "the upper half", the_upper_half },
		{ "some without a saved pointer", some_without },
		{ "not beyond the alignment", not_beyond_the_alignment },
		{ "most are aligned", most_are_aligned },
		{ "the TSS", the_tss },
		{ "a TSS that names another", a_tss_that_names_another },
		{ "a TSS beside saved pointers", a_tss_beside_saved_pointers },
		{ "the guard page", the_guard_page },
		{ "some without a guard page", some_without_a_guard_page },
		{ "no longer than stacks are", no_longer_than_stacks_are },
		{ "the magic number", the_magic_number },
		{ "some without magic", some_without_magic },
		{ "a table behind a stack", a_table_behind_a_stack },
		{ "no known size", a_table_in_a_stack_of_no_known_size },
		{ "a hole behind a stack", a_hole_behind_a_stack, GUEST_MOST_4_LEVELS },
	};

	return guest_run_cases("stacks", cases, WS_ARRAY_SIZE(cases));
}
