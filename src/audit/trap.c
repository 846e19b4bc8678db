/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/trap.h"

#include <stdio.h>
#include <string.h>

#include "audit/code.h"
#include "audit/doubt.h"
#include "audit/lack.h"
#include "audit/needs.h"
#include "audit/per_cpu.h"
#include "linux/symtab.h"

/* clang-format off */
const struct ws_rule ws_trap_rules[WS_TRAP_RULES] = {
	[WS_TRAP_VECTORS] = {
		"faultpath-vectors", "fault-path", "vectors not mapped", WS_FATAL,
		"Every fault and interrupt jumps to the vectors. Where they cannot be fetched, "
		"the fetch is the next fault, which jumps there again: nothing is saved, and the "
		"processor never comes out of it.",
		"Keep the vectors in the kernel image, or map them alike in every space.",
		"Linux d6e6a74d4cea (2024), 7d3332be011e (6.5): entry code must not need what is "
		"mapped lazily",
		WS_NESTS,
	},
	[WS_TRAP_REACH] = {
		"faultpath-trap-reach", "fault-path", "code or data of the fault handler not mapped",
		WS_FATAL,
		"The vectors lead to code, and that to a table or a handler, which this space does "
		"not map as needed: each fault faults before anything can be done about it.",
		"Keep what faults are handled by in the kernel image, or map it alike in every "
		"space.",
		"Linux 503638e0babf (2024), 44e9a3bb76e5 (2024)",
		WS_NESTS,
	},
	[WS_TRAP_STACK] = {
		"faultpath-trap-stack", "fault-path", "kernel stack of a task not writable here",
		WS_FATAL,
		"The entry code saves registers on the task's own kernel stack, and a switch of "
		"tasks may still be on another task's. A store that fails there is a fault, whose "
		"registers cannot be saved either.",
		"Synchronise the top level when stacks are mapped, or before a switch to the space.",
		"Linux 44e9a3bb76e5 (2024): VMAP stacks not mapped in the next task's space",
		WS_NESTS,
	},
	[WS_TRAP_LAST_RESORT] = {
		"faultpath-overflow-stack", "fault-path", "overflow stack or its handler not mapped",
		WS_FATAL,
		"Where a kernel stack has run over, the entry code goes on another, of each "
		"processor's, to panic with a message. That stack or the code for it is not mapped "
		"here. That alone kills nothing; but what would have been a panic is a loop of faults.",
		"Keep it in per-processor memory that the direct map has.",
		"Linux 872d8327ce89 (2017): a stack for the entry code to find out that another has "
		"run over",
		WS_DIVERGES,
	},
};
/* clang-format on */

/* ---- one by one --------------------------------------------------------------------- */

/* By the register, which few targets keep, or by the kernel's symbol. */
static bool place_of_vectors(struct ws_system *system, const struct ws_cpu *cpu,
			     const struct ws_trap *trap, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_cpu_register(cpu, trap->vector_register, va)) {
		*va &= trap->vector_mask;
		return true;
	}
	if (ws_symbol_lookup(system, trap->vector_symbol, &symbol) == WS_OK) {
		*va = symbol.va;
		return true;
	}
	ws_error_clear(system->ctx);
	return false;
}

enum ws_evidence ws_trap_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				     unsigned n, struct ws_entry_point *point)
{
	const struct ws_trap *trap = cpu->arch->audit->fault_path->trap;
	enum ws_evidence evidence;
	uint64_t pa;

	for (unsigned i = 0; i <= n; i++)
		if (!trap->vectors[i])
			return WS_NOT_MAPPED;
	if (!place_of_vectors(system, cpu, trap, &point->va))
		return WS_ABSENT;
	point->name = trap->vectors[n];
	point->va += (uint64_t)n * trap->vector_step;
	evidence = ws_kernel_translate(system, point->va, &pa);
	if (evidence != WS_READ)
		return evidence;
	point->kind = "vector";
	point->is_code = true;
	return WS_READ;
}

/* ---- needs -------------------------------------------------------------------------- */

static struct ws_need need_of(const struct ws_needs *needs, enum ws_trap_rule rule,
			      int cpu, uint64_t va, uint64_t last, uint8_t rights)
{
	const struct ws_trap *trap = needs->audit->arch->fault_path->trap;

	return (struct ws_need){ .rule = &ws_trap_rules[rule],
				 .cpu = cpu,
				 .va = va,
				 .last = last,
				 .halves = WS_HALF_KERNEL,
				 .rights = rights,
				 .refused = rights & WS_KERNEL_EXECUTE
						    ? 0
						    : trap->data_refused };
}

static uint64_t last_of(struct ws_needs *needs, uint64_t va, const char *end,
			uint64_t size)
{
	uint64_t past;

	if (end && ws_code_symbol(needs->audit, end, &past) && past > va)
		return past - 1;
	return size ? ws_last_of(va, size) : ws_code_last(needs->audit, va);
}

static void need_at(struct ws_needs *needs, const struct ws_trap_part *part, int cpu,
		    uint64_t va)
{
	uint64_t last = last_of(needs, va, part->end, part->size);
	struct ws_need need = need_of(needs, (enum ws_trap_rule)part->rule, cpu, va, last,
				      part->rights);
	char name[WS_NAME_SIZE];

	if (part->per_cpu)
		ws_need_add(needs, &need, "%s of cpu %d at %#jx", part->symbol, cpu, va);
	else
		ws_need_add(needs, &need, "%s", ws_name_address(needs->audit, va, name));
}

/* A kernel that has a variable for each processor, and does not say where, or not here. */
static void lack_per_cpu(struct ws_needs *needs, const char *variable, size_t cpu)
{
	struct ws_system *system = needs->audit->system;
	uint64_t va;

	if (ws_code_symbol(needs->audit, variable, &va) &&
	    ws_per_cpu_va(system, variable, cpu, &va) != WS_READ)
		ws_lack_fact(
			needs->audit, true,
			"where processors have what is their own (__per_cpu_offset), "
			"%s among it",
			variable);
}

static void need_part(struct ws_needs *needs, const struct ws_trap_part *part)
{
	struct ws_system *system = needs->audit->system;
	uint64_t va;

	if (!part->per_cpu && ws_code_symbol(needs->audit, part->symbol, &va))
		need_at(needs, part, -1, va);
	for (size_t i = 0; part->per_cpu && i < ws_per_cpus(system); i++)
		if (ws_per_cpu_va(system, part->symbol, i, &va) == WS_READ)
			need_at(needs, part, (int)i, va);
		else
			lack_per_cpu(needs, part->symbol, i);
}

/* ---- the vectors -------------------------------------------------------------------- */

/* Of one processor, or of all: -1. */
static void need_vectors(struct ws_needs *needs, int cpu, uint64_t va, const char *whose,
			 const char *how)
{
	const struct ws_trap *trap = needs->audit->arch->fault_path->trap;
	const struct ws_target *target = needs->audit->system->target;
	uint64_t last = last_of(needs, va, NULL, trap->vector_size);
	struct ws_need need =
		need_of(needs, WS_TRAP_VECTORS, cpu, va, last, WS_KERNEL_EXECUTE);
	char name[WS_NAME_SIZE];

	ws_need_add(needs, &need, "faults %s%slead to %s (%s)", whose, *whose ? " " : "",
		    ws_name_address(needs->audit, va, name), how);
	if (target->cpus.n)
		ws_doubt_last(needs, &target->cpus.v[cpu < 0 ? 0 : cpu],
			      trap->vector_register);
}

static bool by_register(struct ws_needs *needs, const struct ws_trap *trap, size_t cpu)
{
	uint64_t va;

	if (!ws_cpu_register(&needs->audit->system->target->cpus.v[cpu],
			     trap->vector_register, &va))
		return false;
	need_vectors(needs, (int)cpu, va & trap->vector_mask, "", trap->vector_register);
	return true;
}

/* What a processor in user mode has in that register, where it has another there. */
static void need_users(struct ws_needs *needs, const struct ws_trap *trap, size_t cpu)
{
	struct ws_system *system = needs->audit->system;
	uint64_t va;

	if (!trap->user_variable)
		return;
	if (ws_per_cpu_word(system, trap->user_variable, cpu, &va) != WS_READ)
		lack_per_cpu(needs, trap->user_variable, cpu);
	else if (ws_is_kernel_va(system, va))
		need_vectors(needs, (int)cpu, va, "from user mode", trap->user_variable);
}

/* Where registers do not say, the kernel's symbol stands for all. */
static void find_vectors(struct ws_needs *needs, const struct ws_trap *trap)
{
	struct ws_system *system = needs->audit->system;
	size_t registers = 0;
	uint64_t va;

	for (size_t i = 0; i < ws_per_cpus(system); i++) {
		registers += by_register(needs, trap, i);
		need_users(needs, trap, i);
	}
	if (registers && registers == ws_per_cpus(system))
		return;
	if (!ws_code_symbol(needs->audit, trap->vector_symbol, &va)) {
		ws_lack_fact(
			needs->audit, false,
			"where faults lead: neither %s nor the kernel's symbols, which "
			"have it as %s",
			trap->vector_register, trap->vector_symbol);
		return;
	}
	need_vectors(needs, -1, va, "", "by the kernel's symbols");
	ws_note(system,
		"this target keeps no processor's %s: faults are taken to lead to where the "
		"kernel's symbol table has it",
		trap->vector_register);
}

void ws_trap_tour(struct ws_system *system)
{
	const struct ws_trap *trap =
		ws_arch_of(system->paging.format)->audit->fault_path->trap;
	uint64_t word;

	for (size_t i = 0; i < ws_per_cpus(system); i++) {
		for (const struct ws_trap_part *part = trap->parts; part->symbol; part++)
			if (part->per_cpu)
				(void)!ws_per_cpu_va(system, part->symbol, i, &word);
		if (trap->user_variable)
			(void)!ws_per_cpu_word(system, trap->user_variable, i, &word);
	}
}

/* ---- the run ------------------------------------------------------------------------ */

static enum ws_status run_trap(struct ws_audit *audit)
{
	const struct ws_trap *trap = audit->arch->fault_path->trap;
	struct ws_needs needs = { .audit = audit };
	struct ws_need of_stacks =
		need_of(&needs, WS_TRAP_STACK, -1, 0, 0, WS_KERNEL_WRITE);
	enum ws_status status;

	find_vectors(&needs, trap);
	for (const struct ws_trap_part *part = trap->parts; part->symbol; part++)
		need_part(&needs, part);
	if (!ws_functions_known(audit->system))
		ws_lack_fact(
			audit, true,
			"the kernel's symbols, or some of them: what the entry code and "
			"the handlers go through");
	status = ws_needs_of_stacks(&needs, &of_stacks);
	if (status == WS_OK)
		status = ws_needs_check(&needs);
	audit->needs = needs.v;
	return status;
}

const struct ws_family ws_trap_family = {
	.name = "fault-path",
	.rules = ws_trap_rules,
	.nrules = WS_TRAP_RULES,
	.run = run_trap,
};

/* ---- how it ends -------------------------------------------------------------------- */

bool ws_trap_is_last_resort(const struct ws_rule *rule)
{
	return rule == &ws_trap_rules[WS_TRAP_LAST_RESORT];
}

/* Nothing is saved before the vectors are fetched, so that no stack ends it. */
bool ws_trap_hangs(const struct ws_audit *audit, const struct ws_about *about)
{
	(void)audit;
	return ws_about_has(about, ws_trap_rules[WS_TRAP_VECTORS].id);
}

bool ws_trap_print_death(const struct ws_audit *audit, FILE *to,
			 const struct ws_about *about, const struct ws_finding *finding)
{
	const struct ws_trap *trap = audit->arch->fault_path->trap;

	if (finding->rule < ws_trap_rules ||
	    finding->rule >= ws_trap_rules + WS_TRAP_RULES)
		return false;
	if (finding->rule == &ws_trap_rules[WS_TRAP_STACK])
		fprintf(to, "the CPU loops in faults, or the kernel panics\n");
	else if (about->hangs)
		fprintf(to, "the CPU hangs, with no message and no reset: %s\n",
			trap->loop);
	else if (about->last_resort)
		fprintf(to, "the CPU loops in faults: %s\n", about->last_resort->text);
	else
		fprintf(to, "the kernel panics: %s\n", trap->overflow);
	fprintf(to, "a fault or interrupt in %s%s\nevidence: %s", about->owner,
		finding->rule == &ws_trap_rules[WS_TRAP_STACK]
			? ": the first store to that stack is a fault, whose registers "
			  "cannot be saved there either"
		: about->hangs
			? ": the processor cannot fetch its vectors, which is the next fault"
			: ": its handler faults, and so does each fault that comes of it",
		finding->text);
	return true;
}
