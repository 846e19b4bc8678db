/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there on a machine that runs on: a task that is another one at each look is left
 * out, one that holds still is not; and a copy of page tables is nobody's root.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A word that is another one at each of so many looks at its frame. */
static struct {
	uint64_t pa; /* 0: none */
	unsigned looks, until;
} memory;

static enum ws_evidence copy_frame(struct ws_target *target, unsigned worker,
				   uint64_t ordinal, uint8_t *frame)
{
	struct guest *guest = (void *)((char *)target - offsetof(struct guest, target));

	memcpy(frame, guest->memory + ordinal * WS_FRAME_SIZE, WS_FRAME_SIZE);
	if (worker == WS_BY_ADDRESS && memory.pa &&
	    ordinal == memory.pa / WS_FRAME_SIZE && memory.looks++ < memory.until)
		frame[memory.pa % WS_FRAME_SIZE] += (uint8_t)memory.looks;
	return WS_READ;
}

/* The guest's kernel names all of its processes but one, and one that is not there. */
static struct {
	uint32_t forgotten, invented; /* pids; 0: none */
	unsigned calls;
} kernel;

static void name(ws_roll *roll, uint32_t pid, uint64_t mm)
{
	struct ws_named_process *process = ws_vec_push(roll);

	assert_non_null(process);
	*process = (struct ws_named_process){ mm, 1, pid, "named" };
}

static int by_pid(const void *left, const void *right)
{
	const struct ws_named_process *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static enum ws_status roll(struct ws_target *target, ws_roll *names, bool *known)
{
	struct guest *guest = (void *)((char *)target - offsetof(struct guest, target));

	kernel.calls++;
	names->n = 0;
	for (unsigned i = 0; i < guest->ntasks; i++)
		if (!guest->task[i].kernel_thread && guest->task[i].root &&
		    guest->task[i].pid != kernel.forgotten)
			name(names, guest->task[i].pid, guest->task[i].mm);
	if (kernel.invented)
		name(names, kernel.invented, 1);
	qsort(names->v, names->n, sizeof(*names->v), by_pid);
	*known = true;
	return WS_OK;
}

static const struct ws_target_ops copied = {
	.kind = "copied", .scheme = "copied:IT", .copy_frame = copy_frame, .roll = roll
};

static bool shares_mm(const struct guest *guest, const struct guest_task *task)
{
	unsigned sharers = 0;

	for (unsigned i = 0; i < guest->ntasks; i++)
		sharers += guest->task[i].mm == task->mm;
	return sharers > 1;
}

/* The last that has memory of its own has another pid at each of so many looks. */
static const struct guest_task *restless(struct guest *guest, unsigned until)
{
	const struct guest_task *task = &guest->task[guest->ntasks - 1];

	while (task->kernel_thread || task->nthreads || !task->root ||
	       shares_mm(guest, task))
		task--;
	guest->target.ops = &copied;
	guest->target.memory.v[0].data = NULL;
	guest->target.moving = true;
	memory.pa = guest_pa(guest, task->comm_va + GUEST_PID_OFFSET);
	memory.looks = 0;
	memory.until = until;
	return task;
}

static bool has_note(const struct fault_guest *fault, const char *part)
{
	for (unsigned i = 0; ws_system_note(fault->system, i); i++)
		if (strstr(ws_system_note(fault->system, i), part))
			return true;
	return false;
}

static bool has_space(const struct fault_guest *fault, uint64_t root)
{
	ws_vec_each(&fault->system->spaces, space)
		if (space->root == root)
			return true;
	return false;
}

/* Whatever is left is consistent: each task's space is the one with its root. */
static void expect_links(const struct fault_guest *fault)
{
	const struct ws_system *system = fault->system;

	ws_vec_each(&system->tasks, task) {
		if (task->space == WS_NO_SPACE)
			continue;
		assert_true(task->space < system->spaces.n);
		assert_int_equal(system->spaces.v[task->space].mm, task->mm);
	}
}

static void who_is_another_each_time(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = restless(fault->guest, UINT32_MAX);

	fault_guest_open(fault, FAULT_LAZY);
	assert_true(memory.looks > 1);
	assert_true(has_note(fault, "1 task came or went"));
	assert_false(has_space(fault, task->root));
	assert_true(has_space(fault, fault->guest->swapper));
	expect_links(fault);
	fault_guest_destroy(fault);
}

static void who_holds_still_at_last(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = restless(fault->guest, 2);

	fault_guest_open(fault, FAULT_LAZY);
	assert_false(has_note(fault, "came or went"));
	assert_int_equal(
		fault->system->spaces.v[space_with_root(fault->system, task->root)].pid,
		task->pid);
	expect_links(fault);
	fault_guest_destroy(fault);
}

/* A file stands still: it is read once. */
static void a_file_is_read_once(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = restless(fault->guest, 1);

	fault->guest->target.moving = false;
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(memory.looks, 1);
	assert_true(has_space(fault, task->root));
	fault_guest_destroy(fault);
}

/* What the kernel names, and memory has: a note if they agree, and who if they do not. */
static void the_kernel_names_who_is_found(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);

	restless(fault->guest, 0);
	kernel = (typeof(kernel)){ 0 };
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(kernel.calls, 2);
	assert_true(has_note(fault, "and all were found in memory"));
	assert_false(has_note(fault, "not"));
	fault_guest_destroy(fault);
}

/* All is looked at again where they differ, and the kernel is asked again. */
static void the_kernel_names_others(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = restless(fault->guest, 0);
	char words[64];

	kernel = (typeof(kernel)){ .forgotten = task->pid, .invented = 30001 };
	fault_guest_open(fault, FAULT_LAZY);
	assert_true(kernel.calls > 2);
	assert_true(has_note(fault, "of these 1 was not found in memory: 30001 named"));
	snprintf(words, sizeof(words), "or misread: %u %s", task->pid, task->comm);
	assert_true(has_note(fault, "1 process in memory that the kernel itself does not "
				    "name"));
	assert_true(has_note(fault, words));
	assert_true(has_space(fault, task->root));
	fault_guest_destroy(fault);
}

/* One who went is no difference, whichever voice heard of him last. */
static void who_went_is_no_difference(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = restless(fault->guest, UINT32_MAX);

	kernel = (typeof(kernel)){ .forgotten = task->pid };
	fault_guest_open(fault, FAULT_LAZY);
	assert_true(has_note(fault, "1 task came or went"));
	assert_true(has_note(fault, "and all were found in memory"));
	assert_false(has_note(fault, "does not name"));
	fault_guest_destroy(fault);
}

#define ANON 1u /* PAGE_MAPPING_ANON */

/* What discovery calls a root of no task whose struct page has that mapping. */
static int kind_of_root_in(const struct guest_kind *kind, uint64_t mapping)
{
	struct fault_guest *fault = fault_guest_create(kind);
	uint64_t root = guest_add_root(fault->guest, false);
	int found;

	memory.pa = 0;
	audit_say_of_pages(fault);
	audit_put_page(fault, root, 0, 0, mapping, 0);
	fault_guest_open(fault, FAULT_LAZY);
	found = fault->system->spaces.v[space_with_root(fault->system, root)].kind;
	fault_guest_destroy(fault);
	return found;
}

/* In a program's memory it is a copy. */
static void a_copy_is_nobodys(void **state)
{
	const struct guest_kind *kind = *state;

	assert_int_equal(kind_of_root_in(kind, 0), WS_SPACE_LONE);
	assert_int_equal(kind_of_root_in(kind, kind->page_offset + 0x1000 + ANON),
			 WS_SPACE_FREED);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "who is another each time", who_is_another_each_time,
		  GUEST_OWN_KERNEL },
		{ "who holds still at last", who_holds_still_at_last, GUEST_OWN_KERNEL },
		{ "the kernel names who is found", the_kernel_names_who_is_found,
		  GUEST_OWN_KERNEL },
		{ "the kernel names others", the_kernel_names_others, GUEST_OWN_KERNEL },
		{ "who went is no difference", who_went_is_no_difference,
		  GUEST_OWN_KERNEL },
		{ "a file is read once", a_file_is_read_once, GUEST_OWN_KERNEL },
		{ "a copy is nobody's", a_copy_is_nobodys, GUEST_64_BITS },
	};

	return guest_run_cases("who is present", cases, sizeof(cases) / sizeof(*cases));
}
