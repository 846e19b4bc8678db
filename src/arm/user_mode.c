/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way from user mode into the kernel, where user mode has a regime of its own. With
 * CONFIG_CPU_TTBR0_PAN and long descriptors TTBR0 translates all of what an exception in
 * user mode needs, until the kernel disables it: the vector, its stub and the first of the
 * handler (usr_entry in arch/arm/kernel/entry-armv.S has registers on the task's stack
 * before uaccess_disable, and leaves that of aborts to v7_early_abort()). So is it where
 * the kernel is interrupted while it touches user memory. What comes after goes by the
 * kernel's regime, and is looked at there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arm/faultpath.h"
#include "arm/pan.h"

/* struct pt_regs, at the top of a task's stack. */
#define FRAME 72

static void need_too(struct ws_needs *needs, const struct ws_need *of_kernel)
{
	struct ws_need need = *of_kernel;

	/* what init_mm lacks, the kernel's regime finds of every space */
	need.if_reference = true;
	ws_need_add(needs, &need, "from user mode, %s", of_kernel->what);
}

/* Of each task in its own space, unless its pointer is no stack's. */
static void check_own_stack(struct ws_needs *needs, const struct ws_stack *stack)
{
	struct ws_system *system = needs->audit->system;
	const struct ws_task *task = &system->tasks.v[stack->task];
	uint64_t top = stack->va + stack->size, pa;
	char what[96];
	const struct ws_need need = { .rule = &arm_fault_rules[ARM_RULE_ABORT_STACK],
				      .cpu = -1,
				      .va = top - FRAME,
				      .last = top - 1,
				      .halves = WS_HALF_KERNEL,
				      .rights = WS_KERNEL_WRITE,
				      .what = what };

	if (task->space == WS_NO_SPACE ||
	    ws_kernel_translate(system, need.va, &pa) != WS_READ)
		return;
	snprintf(what, sizeof(what), "from user mode, the kernel stack of %u %s at %#jx",
		 task->pid, task->comm, stack->va);
	ws_need_check(needs, &need, task->space);
}

static void say(struct ws_audit *audit, const struct ws_regime *regime)
{
	ws_audit_say(
		audit,
		"user mode, and the kernel while it touches user memory, have another "
		"regime than the kernel (%s): of that the way from user mode into the "
		"kernel was looked at; --regime user-access audits the rest, modules "
		"among it",
		regime->text);
}

enum ws_status arm_check_user_mode(const struct ws_needs *of_kernel,
				   const ws_stack_vec *stacks, bool knows_modes)
{
	struct ws_audit *audit = of_kernel->audit;
	const struct ws_regime kernel = audit->system->regime;
	struct ws_needs needs = { .audit = audit };
	enum ws_status status;
	struct ws_regime user;

	if (!arm_user_regime(audit->system, &user))
		return WS_OK;
	say(audit, &user);
	ws_vec_each(&of_kernel->v, need)
		need_too(&needs, need);
	audit->system->regime = user;
	status = ws_needs_check(&needs);
	ws_vec_each(stacks, stack)
		check_own_stack(&needs, stack);
	if (!knows_modes)
		arm_lack_places(audit, knows_modes);
	audit->system->regime = kernel;
	ws_vec_each(&needs.v, need)
		free(need->what);
	ws_vec_release(&needs.v);
	return status;
}
