/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks that processors run: found by their stacks where the list does not lead to them,
 * and in the root that is loaded where their mm is not there; and what is too little for
 * that.
 */
#include "fault_guest.h"
#include "linux/tasks.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PA_MM (13u << 20) /* where the guest has nothing: a page for an mm, */
#define PA_COPY (PA_MM + 2 * WS_FRAME_SIZE)
#define COMM 0x200 /* in a task_struct */
#define STACK_OFFSET (-0x1f8)
#define HIDDEN 12
#define ANOTHER 14

static bool has_note(const struct ws_system *system, const char *part)
{
	for (unsigned i = 0; ws_system_note(system, i); i++)
		if (strstr(ws_system_note(system, i), part))
			return true;
	return false;
}

static const struct ws_task *task_with(const struct ws_system *system, uint32_t pid)
{
	ws_vec_each(&system->tasks, task)
		if (task->pid == pid)
			return task;
	return NULL;
}

static const struct ws_space *space_at(const struct ws_system *system, uint64_t root)
{
	return &system->spaces.v[space_with_root(system, root)];
}

/* ---- a task that nothing else leads to -------------------------------------------- */

static uint64_t comm_pa(const struct fault_guest *fault, unsigned task)
{
	return guest_pa(fault->guest, fault->guest->task[task].comm_va);
}

static void leave_list(struct fault_guest *fault, unsigned task)
{
	uint64_t list = comm_pa(fault, task) + GUEST_TASKS_OFFSET;

	guest_put(fault->guest, list, 0x1234);
	guest_put(fault->guest, list + fault->guest->word, 0x1234);
}

/* Its mm is in a page of its own, which the target lacks. */
static void lose_mm(struct fault_guest *fault, unsigned task, uint64_t pa)
{
	struct guest *guest = fault->guest;
	uint64_t mm = comm_pa(fault, task) + GUEST_MM_OFFSET;

	memset(guest->memory + guest_pa(guest, guest->task[task].mm), 0, 0x100);
	guest_put(guest, mm, guest->kind->page_offset + pa);
	guest_put(guest, mm + guest->word, guest->kind->page_offset + pa);
	guest_leave_out(guest, pa);
}

static void set_sp(struct fault_guest *fault, uint64_t sp)
{
	ws_cpu_set(fault_guest_cpu(fault), X86_SP, sp);
	ws_cpu_set(fault_guest_cpu(fault), X86_CS, 0x10);
}

static struct fault_guest *create(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);

	leave_list(fault, HIDDEN);
	lose_mm(fault, HIDDEN, PA_MM);
	fault_guest_cpu(fault)->reg[X86_CR3] = fault->guest->task[HIDDEN].root;
	set_sp(fault, 0x7fff0000);
	return fault;
}

static uint64_t sp_of(const struct fault_guest *fault, unsigned task)
{
	return fault_guest_stack(fault, task).va + fault->stack_size - 0x120;
}

static uint64_t top_of(const struct fault_guest *fault, unsigned task)
{
	return fault_guest_stack(fault, task).va + fault->stack_size;
}

/* sp0 and sp1 are 4 and 12 bytes into a TSS of either width. */
static void set_tss(struct fault_guest *fault, unsigned at, uint64_t sp)
{
	guest_put(fault->guest, fault->tss.pa + at, sp);
}

static void expect_found(const struct fault_guest *fault)
{
	const struct guest_task *hidden = &fault->guest->task[HIDDEN];
	const struct ws_system *system = fault->system;
	const struct ws_task *task = task_with(system, hidden->pid);

	assert_non_null(task);
	assert_string_equal(task->comm, hidden->comm);
	assert_int_equal(space_at(system, hidden->root)->kind, WS_SPACE_PROCESS);
	assert_int_equal(space_at(system, hidden->root)->pid, hidden->pid);
	assert_true(has_note(system, "found by the stack that a processor runs on"));
	assert_true(has_note(system, "which cpu 0 has loaded while it runs"));
}

static void expect_unowned(const struct fault_guest *fault, bool task)
{
	const struct guest_task *hidden = &fault->guest->task[HIDDEN];

	assert_true(!task_with(fault->system, hidden->pid) == !task);
	assert_int_equal(space_at(fault->system, hidden->root)->kind, WS_SPACE_UNOWNED);
	assert_false(has_note(fault->system, "has loaded while"));
}

static void by_the_stack_pointer(void **state)
{
	struct fault_guest *fault = create(state);

	set_sp(fault, sp_of(fault, HIDDEN));
	fault_guest_open(fault, FAULT_LAZY);
	expect_found(fault);
	fault_guest_destroy(fault);
}

static void by_the_tss(void **state)
{
	for (unsigned at = 4; at <= 12; at += 8) {
		struct fault_guest *fault = create(state);

		set_tss(fault, at, top_of(fault, HIDDEN));
		fault_guest_open(fault, FAULT_LAZY);
		expect_found(fault);
		fault_guest_destroy(fault);
	}
}

static void in_a_user_half(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_cpu(fault)->reg[X86_CR3] += WS_FRAME_SIZE;
	set_tss(fault, 12, top_of(fault, HIDDEN));
	fault_guest_open(fault, FAULT_LAZY);
	expect_found(fault);
	fault_guest_destroy(fault);
}

/* Nothing leads to its stack. */
static void nothing_shows_it(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_open(fault, FAULT_LAZY);
	expect_unowned(fault, false);
	fault_guest_destroy(fault);
}

/* ---- contradictions --------------------------------------------------------------- */

/* Two structs have the stack. */
static void two_tasks_of_one_stack(void **state)
{
	for (unsigned twins = 0; twins < 2; twins++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;

		memcpy(guest->memory + PA_COPY,
		       guest->memory + comm_pa(fault, HIDDEN) - COMM, 0x300);
		guest_put32(guest, PA_COPY + COMM + GUEST_PID_OFFSET, twins ? 999 : 0);
		guest_put32(guest, PA_COPY + COMM + GUEST_PID_OFFSET + 4,
			    twins ? 999 : 0);
		set_sp(fault, sp_of(fault, HIDDEN));
		fault_guest_open(fault, FAULT_LAZY);
		assert_null(task_with(fault->system, 999));
		if (twins)
			expect_unowned(fault, false);
		else
			expect_found(fault);
		fault_guest_destroy(fault);
	}
}

/* The processor is on one stack, and its TSS names another's. */
static void two_stacks_of_one_processor(void **state)
{
	struct fault_guest *fault = create(state);

	set_sp(fault, sp_of(fault, HIDDEN));
	set_tss(fault, 12, top_of(fault, ANOTHER));
	fault_guest_open(fault, FAULT_LAZY);
	expect_unowned(fault, false);
	fault_guest_destroy(fault);
}

static void add_cpu(struct fault_guest *fault, unsigned task, uint64_t cr3)
{
	struct ws_cpu *added = ws_vec_push(&fault->guest->target.cpus);

	assert_non_null(added);
	*added = *fault_guest_cpu(fault);
	added->reg[X86_SP] = sp_of(fault, task);
	added->reg[X86_CR3] = cr3;
}

/* Two processors run it in two roots, which nobody has; or both in one. */
static void two_roots_of_one_mm(void **state)
{
	for (unsigned alike = 0; alike < 2; alike++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		uint64_t mm = guest->kind->page_offset + PA_MM;

		lose_mm(fault, ANOTHER, PA_COPY);
		guest_put(guest, comm_pa(fault, ANOTHER) + GUEST_MM_OFFSET, mm);
		guest_put(guest, comm_pa(fault, ANOTHER) + GUEST_MM_OFFSET + guest->word,
			  mm);
		set_sp(fault, sp_of(fault, HIDDEN));
		add_cpu(fault, ANOTHER, guest->task[alike ? HIDDEN : ANOTHER].root);
		fault_guest_open(fault, FAULT_LAZY);
		if (alike)
			assert_int_equal(
				space_at(fault->system, guest->task[HIDDEN].root)->ntasks,
				2);
		else
			expect_unowned(fault, true);
		fault_guest_destroy(fault);
	}
}

/* ---- what is no task -------------------------------------------------------------- */

static void spoil(struct fault_guest *fault, unsigned way)
{
	struct guest *guest = fault->guest;
	uint64_t comm = comm_pa(fault, HIDDEN);

	switch (way) {
	case 0:
		guest_put32(guest, comm + GUEST_PID_OFFSET, WS_PID_MAX + 1);
		return;
	case 1:
		guest_put32(guest, comm + GUEST_PID_OFFSET + 4, 0);
		return;
	case 2:
		guest->memory[comm + WS_COMM_LEN - 1] = 'x';
		return;
	case 3:
		guest_put(guest, comm + GUEST_MM_OFFSET, 0x1000);
		return;
	case 4:
		guest_put(guest, comm + GUEST_MM_OFFSET + guest->word,
			  guest->kind->page_offset);
		return;
	default: /* a process without an mm that is not exiting */
		guest_put(guest, comm + GUEST_MM_OFFSET, 0);
	}
}

static void what_is_no_task(void **state)
{
	for (unsigned way = 0; way < 6; way++) {
		struct fault_guest *fault = create(state);

		spoil(fault, way);
		set_sp(fault, sp_of(fault, HIDDEN));
		fault_guest_open(fault, FAULT_LAZY);
		assert_null(task_with(fault->system, fault->guest->task[HIDDEN].pid));
		fault_guest_destroy(fault);
	}
}

/* ---- whom the list has, and kernel threads ---------------------------------------- */

static void a_listed_task_whose_mm_is_lost(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	const struct guest_task *task = &fault->guest->task[HIDDEN];

	lose_mm(fault, HIDDEN, PA_MM);
	fault_guest_cpu(fault)->reg[X86_CR3] = task->root;
	set_sp(fault, sp_of(fault, HIDDEN));
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault->system, task->root)->pid, task->pid);
	assert_true(has_note(fault->system, "has loaded while it runs"));
	fault_guest_destroy(fault);
}

/* It borrows the mm of a process, which is in that root, and not its owner. */
static void a_kernel_thread_on_a_borrowed_mm(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	struct guest *guest = fault->guest;
	const struct guest_task *owner = &guest->task[HIDDEN];
	uint64_t thread = comm_pa(fault, 3);

	lose_mm(fault, HIDDEN, PA_MM);
	leave_list(fault, 3);
	guest_put(guest, thread + GUEST_MM_OFFSET + guest->word,
		  guest->kind->page_offset + PA_MM);
	fault_guest_cpu(fault)->reg[X86_CR3] = owner->root;
	set_sp(fault, sp_of(fault, 3));
	fault_guest_open(fault, FAULT_LAZY);
	assert_non_null(task_with(fault->system, guest->task[3].pid));
	assert_true(task_with(fault->system, guest->task[3].pid)->kernel_thread);
	assert_int_equal(space_at(fault->system, owner->root)->pid, owner->pid);
	assert_int_equal(space_at(fault->system, owner->root)->ntasks, 1);
	fault_guest_destroy(fault);
}

/* ---- whose stack it is --------------------------------------------------------------- */

static void expect_running(struct fault_guest *fault, unsigned task)
{
	struct ws_kernel_stack stack;
	struct ws_cpu_state state;

	assert_int_equal(ws_system_cpu_state(fault->system, 0, &state), WS_OK);
	assert_true(state.has_thread);
	assert_int_equal(state.thread_pid, fault->guest->task[task].pid);
	assert_int_equal(ws_system_cpu_stack(fault->system, 0, &stack), WS_OK);
	assert_true(stack.task != WS_NO_TASK);
	assert_int_equal(fault->system->tasks.v[stack.task].pid,
			 fault->guest->task[task].pid);
	ws_kernel_stack_release(&stack);
}

/* Its pointer is where the next task's begins. */
static void on_an_empty_stack(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);

	set_sp(fault, top_of(fault, HIDDEN));
	fault_guest_open(fault, FAULT_LAZY);
	expect_running(fault, HIDDEN);
	fault_guest_destroy(fault);
}

/* Another page that maps the same, as vmalloc() has it. */
static uint64_t map_stack_again(struct fault_guest *fault, unsigned task)
{
	struct place stack = fault_guest_stack(fault, task);
	uint64_t va = (fault->guest->kind->module & -(UINT64_C(1) << 20)) +
		      (UINT64_C(1) << 20) + task * fault->stack_size;
	uint64_t comm = guest_pa(fault->guest, guest_live_comm(fault->guest, task));

	for (uint64_t at = 0; at < fault->stack_size; at += WS_FRAME_SIZE)
		guest_map(fault->guest, fault->guest->swapper, va + at, stack.pa + at,
			  0x3); /* P, RW */
	guest_put(fault->guest, comm + STACK_OFFSET, va);
	guest_put(fault->guest, comm + FAULT_SAVED_SP,
		  va + fault->stack_size - 0x400 - 8 * task);
	return va;
}

/* The first task's lies in the direct map, as swapper's does where that has the image. */
static void on_a_stack_of_vmalloc_memory(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);
	uint64_t va = 0;

	for (unsigned i = 1; i <= HIDDEN; i++)
		va = map_stack_again(fault, i);
	set_sp(fault, va + fault->stack_size - 0x120);
	fault_guest_open(fault, FAULT_LAZY);
	expect_running(fault, HIDDEN);
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "by the stack pointer", by_the_stack_pointer, 0 },
		{ "by the TSS", by_the_tss, 0 },
		{ "in a user half", in_a_user_half, GUEST_PTI },
		{ "nothing shows it", nothing_shows_it, 0 },
		{ "two tasks, one stack", two_tasks_of_one_stack, 0 },
		{ "two stacks, one processor", two_stacks_of_one_processor, 0 },
		{ "two roots, one mm", two_roots_of_one_mm, 0 },
		{ "what is no task", what_is_no_task, 0 },
		{ "a listed task", a_listed_task_whose_mm_is_lost, 0 },
		{ "a kernel thread", a_kernel_thread_on_a_borrowed_mm, 0 },
		{ "an empty stack", on_an_empty_stack, 0 },
		{ "a stack of vmalloc memory", on_a_stack_of_vmalloc_memory, 0 },
	};

	return guest_run_cases("cpus", cases, WS_ARRAY_SIZE(cases));
}
