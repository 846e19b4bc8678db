/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stack that a fault begins on. */
#include <endian.h>
#include <string.h>

#include "audit/rule.h"
#include "x86/descriptors.h"
#include "x86/whatif/whatif.h"
#include "x86/registers.h"

/* i386's pt_regs is 68 bytes, x86-64's 168; below it go the system call's own frames. */
#define STACK_IN_USE 512u

/* ---- tasks' stacks ---- */

enum ws_status ws_machine_stacks(struct ws_machine *machine)
{
	enum ws_status status = WS_OK;

	if (!machine->stacks_done)
		status = ws_find_stacks(machine->system, &machine->stacks);
	machine->stacks_done |= status == WS_OK;
	return status;
}

static const struct ws_task *task_of(const struct ws_machine *machine,
				     const struct ws_stack *stack)
{
	return &machine->system->tasks.v[stack->task];
}

/* Of a task that has the space, or else runs in it; init_mm's is that of pid 0. */
static const struct ws_stack *own_stack(const struct ws_machine *machine, uint32_t space)
{
	bool init = space == ws_init_space(machine->audit);
	const struct ws_stack *borrower = NULL;

	ws_vec_each(&machine->stacks, stack) {
		const struct ws_task *task = task_of(machine, stack);

		if (task->space == space || (init && !task->pid))
			return stack;
		if (!borrower && task->active_space == space)
			borrower = stack;
	}
	return borrower;
}

static bool is_on(const struct ws_stack *stack, uint64_t sp)
{
	return stack && sp > stack->va && sp - stack->va <= stack->size;
}

/* ---- from kernel mode ---- */

static enum ws_status no_stack(const struct ws_machine *machine)
{
	return ws_fail(machine->system->ctx, WS_ERR_UNKNOWN,
		       "no task's kernel stack was found: say with --sp where the stack "
		       "pointer is at the fault");
}

/* thread.sp; its offset is looked for once. */
static bool saved_sp(struct ws_machine *machine, const struct ws_stack *stack,
		     uint64_t *sp)
{
	struct ws_system *system = machine->system;

	if (!machine->saved_sp_done &&
	    !ws_find_saved_sp(system, &machine->stacks, &machine->saved_sp))
		machine->saved_sp = WS_NO_FIELD;
	machine->saved_sp_done = true;
	return machine->saved_sp != WS_NO_FIELD &&
	       ws_saved_sp(system, stack, machine->saved_sp, sp);
}

/* Where the task was, or some way down from the stack's top. */
static enum ws_status take_stack(struct ws_machine *machine, const struct ws_stack *stack,
				 struct ws_story *story)
{
	story->sp_origin = WS_SP_SAVED;
	if (saved_sp(machine, stack, &story->start_sp))
		return WS_OK;
	if (!stack->whole)
		return ws_fail(
			machine->system->ctx, WS_ERR_UNKNOWN,
			"how long the task's kernel stack at %#jx is was not found: "
			"say with --sp where the stack pointer is at the fault",
			stack->va);
	story->sp_origin = WS_SP_TOP;
	story->start_sp = stack->va + stack->size - STACK_IN_USE;
	return WS_OK;
}

/*
 * A kernel thread may borrow any space: if it has no stack of its own, the first task's.
 */
static enum ws_status kernel_sp(struct ws_machine *machine, uint32_t space,
				const struct ws_cpu *cpu, struct ws_story *story)
{
	const struct ws_stack *stack = own_stack(machine, space);
	enum ws_status status;

	story->start_sp = cpu->reg[X86_SP];
	story->sp_origin = WS_SP_PROCESSOR;
	if (story->cpu_is_here && !(cpu->reg[X86_CS] & 3) &&
	    (!stack || is_on(stack, story->start_sp)))
		return WS_OK;
	if (!stack && !machine->stacks.n)
		return no_stack(machine);
	status = take_stack(machine, stack ? stack : machine->stacks.v, story);
	if (!stack)
		story->sp_origin = WS_SP_BORROWED;
	return status;
}

/* ---- from user mode ---- */

/* Puts sp0 into a copy of the TSS's frame: all that the machine sees of it. */
static void set_sp0(struct ws_machine *machine, uint64_t tss, uint64_t sp0)
{
	struct ws_system *system = machine->system;
	const struct ws_paging *paging = &system->paging;
	uint64_t value = htole64(sp0), pa;
	const uint8_t *frame;

	/* sp0, ESP0: at offset 4 (SDM figures 8-2 and 8-11) */
	if (ws_kernel_translate(system, tss + 4, &pa) != WS_READ ||
	    pa % WS_FRAME_SIZE + system->layout.word > WS_FRAME_SIZE)
		return;
	if (paging->frame(paging->opaque, pa, &frame) != WS_READ)
		return;
	memcpy(machine->tss, frame, WS_FRAME_SIZE);
	memcpy(machine->tss + pa % WS_FRAME_SIZE, &value, system->layout.word);
	machine->tss_pa = pa;
}

/* What the TSS of that processor names, looked at once: mostly it is always the same. */
static const struct ws_tss_stack *tss_stack(struct ws_machine *machine,
					    const struct ws_cpu *cpu)
{
	struct ws_tss_stack *found = &machine->tss_stack;
	struct ws_tss tss;

	if (found->cpu == cpu)
		return found;
	*found = (struct ws_tss_stack){ .cpu = cpu };
	if (ws_tss_read(machine->system, x86_base(cpu, X86_TR), &tss) != WS_READ)
		return found;
	found->sp0 = tss.sp0;
	ws_vec_each(&machine->stacks, stack)
		if (is_on(stack, tss.sp0))
			found->running = stack;
	return found;
}

/*
 * Before 4.15 (7f2590a110b8) the TSS named the running task's own stack, which a switch
 * of tasks changed: where it does, the fault of another task begins on that one's.
 */
static void user_sp(struct ws_machine *machine, uint32_t space, const struct ws_cpu *cpu,
		    struct ws_story *story)
{
	const struct ws_tss_stack *tss = tss_stack(machine, cpu);
	const struct ws_stack *own = tss->running ? own_stack(machine, space) : NULL;

	story->sp_origin = WS_SP_ENTRY;
	story->start_sp = tss->sp0;
	if (!own || own == tss->running)
		return;
	story->sp_origin = WS_SP_OWN;
	story->start_sp = own->va + (tss->sp0 - tss->running->va);
	set_sp0(machine, x86_base(cpu, X86_TR), story->start_sp);
}

enum ws_status ws_start_sp(struct ws_machine *machine, const struct ws_what_if *what_if,
			   const struct ws_cpu *cpu, struct ws_story *story)
{
	enum ws_status status;

	machine->tss_pa = 0;
	story->sp_origin = WS_SP_GIVEN;
	story->start_sp = what_if->sp;
	if (what_if->has_sp)
		return WS_OK;
	status = ws_machine_stacks(machine);
	if (status != WS_OK)
		return status;
	if (story->mode == WS_FAULT_KERNEL)
		return kernel_sp(machine, what_if->space, cpu, story);
	user_sp(machine, what_if->space, cpu, story);
	return WS_OK;
}
