/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path of 32-bit ARM in every space:
 *
 *	abort -> vector -> stub -> __pabt_svc ... -> the kernel stack
 *	      -> v7_pabort() -> do_PrefetchAbort() -> ifsr_info -> do_translation_fault()
 *
 * What this needs to handle a fetch that faults heals nothing that it lacks itself. A data
 * abort's handler and what comes before its registers are on the kernel stack cannot be
 * faulted in either; from there on it can, as all other code.
 */
#include <stdio.h>

#include "arm/faultpath.h"
#include "arm/registers.h"
#include "audit/code.h"
#include "audit/lack.h"

static struct ws_need need_code(enum arm_fault_rule rule, uint64_t va, uint64_t last)
{
	return (struct ws_need){ .rule = &arm_fault_rules[rule],
				 .cpu = -1,
				 .va = va,
				 .last = last,
				 .halves = WS_HALF_KERNEL,
				 .rights = WS_KERNEL_EXECUTE };
}

static struct ws_need need_data(enum arm_fault_rule rule, uint64_t va, uint64_t last)
{
	struct ws_need need = need_code(rule, va, last);

	need.rights = 0;
	return need;
}

/* ---- vectors ------------------------------------------------------------------------ */

static const struct vector {
	enum arm_vector vector;
	const char *name;
	enum arm_fault_rule rule; /* of its handlers */
} vectors_of[] = {
	{ ARM_VECTOR_PREFETCH, "prefetch aborts", ARM_RULE_ABORT_ENTRY },
	{ ARM_VECTOR_DATA, "data aborts", ARM_RULE_ABORT_ENTRY },
	{ ARM_VECTOR_UNDEFINED, "undefined instructions", ARM_RULE_HANDLER },
	{ ARM_VECTOR_SVC, "system calls", ARM_RULE_HANDLER },
	{ ARM_VECTOR_IRQ, "interrupts", ARM_RULE_HANDLER },
};

/* A handler in a module or elsewhere that the kernel did not have when it was built. */
static void record_foreign(struct ws_needs *needs, uint64_t handler, const char *of)
{
	struct ws_audit *audit = needs->audit;
	char name[WS_NAME_SIZE];
	struct ws_finding *finding;

	if (ws_in_image(audit->system, handler) || !audit->system->layout.image_last)
		return;
	finding =
		ws_found(audit, &arm_fault_rules[ARM_RULE_FOREIGN], ws_init_space(audit),
			 handler, handler, "%s lead to %s, outside the kernel image", of,
			 ws_name_address(audit, handler, name));
	if (finding)
		finding->machine = true;
}

static void need_handler(struct ws_needs *needs, enum arm_fault_rule rule,
			 uint64_t handler, const char *of, const char *mode)
{
	char name[WS_NAME_SIZE];
	struct ws_need need =
		need_code(rule, handler, ws_code_last(needs->audit, handler));

	if (!handler)
		return;
	ws_need_add(needs, &need, "the handler of %s in %s mode, %s", of, mode,
		    ws_name_address(needs->audit, handler, name));
	record_foreign(needs, handler, of);
}

static void need_vector(struct ws_needs *needs, uint64_t vectors,
			const struct vector *vector)
{
	struct ws_system *system = needs->audit->system;
	struct arm_stub stub;
	enum ws_evidence evidence =
		arm_follow_vector(system, vectors, vector->vector, &stub);

	for (unsigned i = 0; i < stub.nparts; i++) {
		struct ws_need need =
			need_code(ARM_RULE_VECTORS, stub.part[i].va, stub.part[i].last);

		need.many = true;
		ws_need_add(needs, &need, "the vector and stub of %s at %#jx",
			    vector->name, stub.part[i].va);
	}
	if (evidence == WS_READ) {
		need_handler(needs, vector->rule, stub.user, vector->name, "user");
		if (stub.kernel != stub.user)
			need_handler(needs, vector->rule, stub.kernel, vector->name,
				     "SVC");
	} else if (evidence == WS_NOT_MAPPED && !stub.hole) {
		ws_lack_fact(
			needs->audit, true,
			"where the vector of %s leads: the code there is none that is "
			"known",
			vector->name);
	} else if (!stub.hole) {
		ws_lack_kernel(needs->audit, vectors, 2 * WS_FRAME_SIZE,
			       "the vectors and their stubs at %#jx", vectors);
	}
}

static void need_vectors(struct ws_needs *needs)
{
	uint64_t vectors;
	const char *lacks = arm_find_vectors(needs->audit->system, &vectors);

	if (lacks)
		ws_lack_fact(needs->audit, false, "%s", lacks);
	else
		for (size_t i = 0; i < WS_ARRAY_SIZE(vectors_of); i++)
			need_vector(needs, vectors, &vectors_of[i]);
}

/* ---- from the handler to do_translation_fault() -------------------------------------- */

static void need_function(struct ws_needs *needs, uint64_t va)
{
	struct ws_need need =
		need_code(ARM_RULE_ABORT_REACH, va, ws_code_last(needs->audit, va));
	char name[WS_NAME_SIZE];

	ws_need_add(needs, &need, "the code of aborts, %s",
		    ws_name_address(needs->audit, va, name));
}

/* Which one of the first a kernel for several processors uses, its variables say. */
static void need_functions(struct ws_needs *needs)
{
	static const char *const names[] = { "v7_pabort", "do_PrefetchAbort" };
	uint64_t va;

	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		if (ws_code_symbol(needs->audit, names[i], &va))
			need_function(needs, va);
}

static enum ws_status need_tables(struct ws_needs *needs)
{
	struct arm_abort_row row[ARM_ABORT_ROWS];
	unsigned n = 0;
	enum ws_status status = WS_OK;

	if (needs->audit->system->layout.image_last)
		status = arm_find_abort_rows(needs->audit->system, row, &n);
	for (unsigned i = 0; i < n; i++) {
		struct ws_need need =
			need_data(ARM_RULE_ABORT_REACH, row[i].va, row[i].last);

		ws_need_add(needs, &need, "the row of translation faults at %#jx",
			    row[i].va);
		need_function(needs, row[i].handler);
		record_foreign(needs, row[i].handler, "translation faults");
	}
	if (!n)
		ws_lack_fact(
			needs->audit, true,
			"fsr_info, the table that has the handlers of aborts: it was "
			"not found");
	return status;
}

/* ---- what each space is asked by itself ---------------------------------------------- */

static void check(struct ws_needs *needs, struct ws_need need, uint32_t space,
		  const char *what, uint64_t va)
{
	char text[96];

	snprintf(text, sizeof(text), "%s at %#jx", what, va);
	need.what = text;
	ws_need_check(needs, &need, space);
}

/*
 * do_translation_fault() writes to the space's own table, and reads init_mm's, where the
 * direct map has them.
 */
static void check_tables(struct ws_needs *needs, uint32_t space)
{
	const struct ws_system *system = needs->audit->system;
	uint64_t root = system->spaces.v[space].root;
	uint64_t own = ws_direct_va(system, root);
	uint64_t init = ws_direct_va(system, system->layout.reference);
	struct ws_need need = need_data(ARM_RULE_ABORT_REACH, own, own + 31);

	need.rights = WS_KERNEL_WRITE;
	check(needs, need, space, "its own page table", own);
	if (!system->layout.consensus)
		check(needs, need_data(ARM_RULE_ABORT_REACH, init, init + 31), space,
		      "init_mm's page table", init);
}

/* ---- the stacks that processors run on ----------------------------------------------- */

/* What svc_entry pushes: struct pt_regs, and what stands below it. */
#define FRAME 96

static const struct ws_stack *stack_of(const ws_stack_vec *stacks, uint64_t sp)
{
	ws_vec_each(stacks, stack)
		if (sp > stack->va && sp - stack->va <= stack->size)
			return stack;
	return NULL;
}

/* In the space that the processor is in: that of the task whose stack it is. */
static void need_stack(struct ws_needs *needs, const ws_stack_vec *stacks, int cpu,
		       uint64_t sp)
{
	const struct ws_system *system = needs->audit->system;
	const struct ws_stack *stack = stack_of(stacks, sp);
	const struct ws_task *task = stack ? &system->tasks.v[stack->task] : NULL;
	struct ws_need need = need_data(ARM_RULE_ABORT_STACK, sp - FRAME, sp - 1);

	if (!task || task->active_space == WS_NO_SPACE)
		return;
	need.cpu = cpu;
	need.rights = WS_KERNEL_WRITE;
	check(needs, need, task->active_space,
	      "the stack that the processor runs on, below its pointer", sp);
}

static void need_stacks(struct ws_needs *needs, const ws_stack_vec *stacks)
{
	const struct ws_target *target = needs->audit->system->target;
	uint64_t sp;

	for (size_t i = 0; i < target->cpus.n; i++)
		if (target->cpus.v[i].arch->kernel_sp(&target->cpus.v[i], &sp))
			need_stack(needs, stacks, (int)i, sp);
}

/* ---- the run ------------------------------------------------------------------------- */

/* What user mode needs to get into the kernel is what was gathered first. */
static enum ws_status run_first(struct ws_needs *needs, const ws_stack_vec *stacks)
{
	bool knows_modes;

	need_vectors(needs);
	knows_modes = arm_need_mode_stacks(needs);
	arm_lack_places(needs->audit, knows_modes);
	return arm_check_user_mode(needs, stacks, knows_modes);
}

static enum ws_status run_rest(struct ws_needs *needs, const ws_stack_vec *stacks)
{
	enum ws_status status;

	arm_need_overflow_stacks(needs);
	need_functions(needs);
	status = need_tables(needs);
	for (uint32_t i = 0; i < needs->audit->system->spaces.n; i++)
		if (ws_has_tables(needs->audit, i))
			check_tables(needs, i);
	need_stacks(needs, stacks);
	return status;
}

static enum ws_status run_faultpath(struct ws_audit *audit)
{
	struct ws_needs needs = { .audit = audit };
	enum ws_status status = WS_OK;
	ws_stack_vec stacks = { 0 };

	if (!audit->system->no_task_list)
		status = ws_find_stacks(audit->system, &stacks);
	if (status == WS_OK)
		status = run_first(&needs, &stacks);
	if (status == WS_OK)
		status = run_rest(&needs, &stacks);
	if (status == WS_OK)
		status = ws_needs_check(&needs);
	ws_vec_release(&stacks);
	audit->needs = needs.v;
	return status;
}

const struct ws_family arm_faultpath = {
	.name = "fault-path",
	.rules = arm_fault_rules,
	.nrules = WS_ARRAY_SIZE(arm_fault_rules),
	.run = run_faultpath,
};
