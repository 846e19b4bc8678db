/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path of every processor in every space:
 *
 *	fault -> IDT -> gate -> GDT (code segment) -> TSS (stack of ring 0, or IST)
 *	      -> frame pushed -> handler fetched -> entry text -> the task's own stack
 *
 * What is missing before the handler is fetched makes the delivery itself fail, and the
 * processor raises #DF; a handler that is missing is a page fault on each page fault.
 */
#include "x86/faultpath.h"

#include <stdio.h>
#include <string.h>

#include "audit/code.h"
#include "audit/doubt.h"
#include "audit/lack.h"
#include "linux/region.h"
#include "linux/symtab.h"

/* NR_CPUS is 8192 at most (arch/x86/Kconfig); and IDTs that differ are a few. */
#define CPUS_MAX 8192
#define IDTS_MAX 16

/* Below the pointer: the frame, and the registers that the entry code saves. */
#define ENTRY_FRAME 256

/* ---- one processor's tables -------------------------------------------------------- */

static void need_idt(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	struct ws_need need =
		x86_need_data(cpu, X86_RULE_IDT, cpu->idt.base, cpu->idt.last);

	ws_need_add(needs, &need, "the IDT at %#jx", cpu->idt.base);
	ws_doubt_last(needs, cpu->registers, "IDTR");
}

static void need_gdt(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	struct ws_need need =
		x86_need_data(cpu, X86_RULE_GDT, gdt.base,
			      ws_last_of(gdt.base, (gdt.limit & 0xffff) + 1));

	ws_need_add(needs, &need, "the GDT at %#jx", gdt.base);
	ws_doubt_last(needs, cpu->registers, "GDTR");
}

static void need_tss(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	uint64_t base = x86_base(cpu->registers, X86_TR);
	struct ws_need need =
		x86_need_data(cpu, X86_RULE_TSS, base, ws_last_of(base, WS_TSS_SIZE));

	ws_need_add(needs, &need, "the TSS at %#jx", base);
	ws_doubt_last(needs, cpu->registers, "TR");
}

static void need_ist(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
		     const struct ws_tss *tss, unsigned vector)
{
	unsigned ist = cpu->idt.gate[vector].ist;
	const char *name = ws_vector_name(vector);
	enum x86_fault_rule rule =
		vector == WS_VECTOR_DF ? X86_RULE_DOUBLE_FAULT : X86_RULE_IST_STACK;
	struct ws_need need = x86_need_stack(cpu, rule, tss->ist[ist], WS_FRAME_SIZE);

	need.if_reference = x86_vector_use(cpu, vector) == X86_VECTOR_MAYBE;
	ws_need_add(needs, &need, "the stack of gate %u (%s), IST %u, below %#jx", vector,
		    name ? name : "interrupt", ist, tss->ist[ist]);
	ws_doubt_last(needs, cpu->registers, "TSS");
}

/* The gate that most surely switches to that stack; WS_VECTORS: none does. */
static unsigned user_of_ist(const struct x86_fault_cpu *cpu, unsigned ist)
{
	enum x86_vector_use most = X86_VECTOR_UNUSED;
	unsigned found = WS_VECTORS;

	for (unsigned v = 0; v < cpu->idt.n; v++) {
		const struct ws_gate *gate = &cpu->idt.gate[v];
		enum x86_vector_use use = x86_vector_use(cpu, v);

		if (!gate->present || gate->ist != ist || use <= most)
			continue;
		most = use;
		found = v;
	}
	return found;
}

/*
 * Until 4.15 (7f2590a110b8), on i386 until 4.19 (45d7b255747c), sp0 was the top of the
 * current task's own stack, which a switch of tasks changed: it says nothing of another
 * task, and is never used while a task that is never in user mode is current (that of the
 * idle task was 0). Since 4.15 the TSS lies in the cpu_entry_area (c482feefe1ae), and
 * the stack that all enter by does too.
 */
bool x86_has_entry_stack(const struct ws_audit *audit, const struct ws_cpu *cpu)
{
	static const char *const of_tasks[] = { "direct map", "vmalloc", "kernel image" };
	struct ws_tss tss;
	const char *there;

	if (strcmp(ws_region_name(audit->system, x86_base(cpu, X86_TR)),
		   "cpu_entry_area"))
		return false;
	if (ws_tss_read(audit->system, x86_base(cpu, X86_TR), &tss) != WS_READ)
		return true;
	there = ws_region_name(audit->system, tss.sp0 - 1);
	for (size_t i = 0; i < WS_ARRAY_SIZE(of_tasks); i++)
		if (!strcmp(there, of_tasks[i]))
			return false;
	return true;
}

/* A processor in user mode comes to that stack in the space that is loaded. */
static void check_current(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			  struct ws_need need, uint64_t sp0)
{
	uint32_t space = ws_space_of_root(needs->audit, cpu->registers->reg[X86_CR3]);
	char text[64];

	if (!x86_in_user_mode(cpu->registers) || space == WS_NO_SPACE ||
	    !ws_has_tables(needs->audit, space))
		return;
	snprintf(text, sizeof(text), "the current task's stack below %#jx", sp0);
	need.what = text;
	ws_need_check(needs, &need, space);
}

static void need_stacks(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			const struct ws_tss *tss)
{
	struct ws_need need =
		x86_need_stack(cpu, X86_RULE_ENTRY_STACK, tss->sp0, ENTRY_FRAME);

	x86_doubt_stack_segment(needs, cpu, tss);
	if (x86_has_entry_stack(needs->audit, cpu->registers)) {
		ws_need_add(needs, &need, "the entry stack below %#jx", tss->sp0);
		ws_doubt_last(needs, cpu->registers, "TSS");
	} else {
		check_current(needs, cpu, need, tss->sp0);
	}
	for (unsigned ist = 1; ist <= WS_TSS_STACKS; ist++) {
		unsigned vector = user_of_ist(cpu, ist);

		if (vector < cpu->idt.n)
			need_ist(needs, cpu, tss, vector);
	}
}

/* ---- entry text ------------------------------------------------------------------- */

/*
 * Gates lead into the entry text. Where an IDT was read and none of its gates does, the
 * symbols are damaged: what they call so may be anything.
 */
static bool gates_agree(const struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			uint64_t first, uint64_t end)
{
	const struct x86_segment idtr = x86_segment(cpu->registers, X86_IDT);
	struct ws_idt idt;

	if (ws_idt_read(needs->audit->system, &idtr, &idt) != WS_READ || !idt.n)
		return true;
	for (unsigned v = 0; v < idt.n; v++)
		if (idt.gate[v].present && idt.gate[v].target - first < end - first)
			return true;
	ws_lack_fact(needs->audit, true,
		     "where the entry text is: no gate of the IDT leads to %#jx to %#jx, "
		     "where the kernel's symbols have it",
		     first, end - 1);
	return false;
}

/* Where symbols say; without, the gates' targets stand for it. */
static void need_entry_text(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	static const struct {
		enum x86_fault_rule rule;
		uint8_t half; /* enum ws_half */
	} sorts[] = {
		{ X86_RULE_ENTRY_TEXT, WS_HALF_KERNEL },
		{ X86_RULE_PTI_ENTRY, WS_HALF_USER },
	};
	uint64_t first, end;

	if (!ws_code_symbol(needs->audit, "__entry_text_start", &first) ||
	    !ws_code_symbol(needs->audit, "__entry_text_end", &end) || end <= first) {
		if (!ws_functions_known(needs->audit->system))
			ws_lack_fact(
				needs->audit, true,
				"the kernel's symbols, or some of them: what the entry "
				"code and the handlers go through");
		return;
	}
	if (!gates_agree(needs, cpu, first, end))
		return;
	for (size_t i = 0; i < WS_ARRAY_SIZE(sorts); i++) {
		struct ws_need need = x86_need_data(cpu, sorts[i].rule, first, end - 1);

		need.cpu = -1;
		need.halves = sorts[i].half;
		need.rights = WS_KERNEL_EXECUTE;
		need.refused = cpu->code_user;
		ws_need_add(needs, &need, "the entry text, %#jx to %#jx", first, end - 1);
	}
}

/* ---- the run ---------------------------------------------------------------------- */

/* IDTs that were seen: mostly it is one and the same. */
struct idts_seen {
	struct x86_segment idtr[IDTS_MAX];
	unsigned n;
	bool noted;
};

static bool same_idt(const struct x86_segment *a, const struct x86_segment *b)
{
	return a->base == b->base && a->limit == b->limit;
}

static bool is_new_idt(struct ws_audit *audit, struct idts_seen *seen,
		       const struct x86_segment *idtr)
{
	for (unsigned i = 0; i < seen->n; i++)
		if (same_idt(&seen->idtr[i], idtr))
			return false;
	if (seen->n < IDTS_MAX) {
		seen->idtr[seen->n++] = *idtr;
		return true;
	}
	if (!seen->noted)
		ws_note(audit->system,
			"more than %u IDTs differ: no others are looked at", IDTS_MAX);
	seen->noted = true;
	return false;
}

static bool has_paging(const struct ws_cpu *cpu)
{
	return x86_has_tables(cpu) && cpu->reg[X86_CR0] & X86_CR0_PG;
}

static bool all_have_idt(const struct ws_system *system, const struct x86_segment *idtr)
{
	ws_vec_each(&system->target->cpus, cpu) {
		struct x86_segment idt = x86_segment(cpu, X86_IDT);

		if (has_paging(cpu) && !same_idt(&idt, idtr))
			return false;
	}
	return true;
}

static void needs_of_idt(struct ws_needs *needs, struct x86_fault_cpu cpu,
			 enum ws_evidence evidence)
{
	struct ws_system *system = needs->audit->system;
	const struct x86_segment idtr = x86_segment(cpu.registers, X86_IDT);

	if (all_have_idt(system, &idtr))
		cpu.cpu = -1;
	ws_vec_each(&system->target->cpus, other) {
		struct x86_segment others = x86_segment(other, X86_IDT);

		if (!has_paging(other) || !same_idt(&others, &idtr))
			continue;
		cpu.cr0 |= other->reg[X86_CR0];
		cpu.cr4 |= other->reg[X86_CR4];
	}
	need_idt(needs, &cpu);
	if (evidence == WS_READ)
		x86_needs_of_gates(needs, &cpu);
	else if (evidence == WS_NOT_MAPPED)
		ws_note(system,
			"the IDT at %#jx is not mapped in init_mm: its gates are not known",
			cpu.idt.base);
	else
		ws_lack_kernel(needs->audit, cpu.idt.base,
			       cpu.idt.last - cpu.idt.base + 1, "the IDT at %#jx",
			       cpu.idt.base);
}

static void needs_of_cpu(struct ws_needs *needs, struct x86_fault_cpu *cpu,
			 struct idts_seen *seen)
{
	struct ws_system *system = needs->audit->system;
	const struct x86_segment idtr = x86_segment(cpu->registers, X86_IDT);
	enum ws_evidence evidence = ws_idt_read(system, &idtr, &cpu->idt);
	uint64_t tr = x86_base(cpu->registers, X86_TR);
	struct ws_tss tss;

	if (cpu->cr4 & X86_CR4_FRED) {
		ws_note(system,
			"cpu %d delivers events by FRED, without gates: that way in is not "
			"looked at",
			cpu->cpu);
		return;
	}
	if (!cpu->idt.n) {
		/*
		 * idt_invalidate(), gdt_invalidate() (arch/x86/kernel/machine_kexec_*.c)
		 */
		ws_note(system,
			"cpu %d has given up its IDT, as before a kexec: its tables are not "
			"looked at",
			cpu->cpu);
		return;
	}
	if (is_new_idt(needs->audit, seen, &idtr))
		needs_of_idt(needs, *cpu, evidence);
	need_gdt(needs, cpu);
	if (evidence == WS_READ)
		x86_doubt_segments(needs, cpu);
	need_tss(needs, cpu);
	if (ws_tss_read(system, tr, &tss) == WS_READ)
		need_stacks(needs, cpu, &tss);
	else
		ws_lack_kernel(needs->audit, tr, WS_TSS_SIZE, "the TSS of cpu %d at %#jx",
			       cpu->cpu, tr);
	x86_needs_of_df_task(needs, cpu);
}

static struct x86_fault_cpu fault_cpu(const struct ws_cpu *registers, int cpu)
{
	uint64_t cr0 = registers->reg[X86_CR0], cr4 = registers->reg[X86_CR4];

	return (struct x86_fault_cpu){
		.registers = registers,
		.cpu = cpu,
		.has_control = x86_has_tables(registers),
		.cr0 = cr0,
		.cr4 = cr4,
		.write = cr0 & X86_CR0_WP ? WS_KERNEL_WRITE : 0,
		.data_user = cr4 & X86_CR4_SMAP ? WS_USER_READ : 0,
		.code_user = cr4 & X86_CR4_SMEP ? WS_USER_READ : 0,
	};
}

/* Without registers there is the IDT at most, where its shape gives it away. */
static void needs_without_registers(struct ws_needs *needs, struct x86_fault_cpu *any,
				    struct ws_cpu *registers)
{
	struct ws_system *system = needs->audit->system;
	struct x86_segment idtr;
	char words[X86_LACKING];

	if (x86_lacks_tables(system->target, words))
		ws_note(system,
			"this target keeps no processor's %s: GDT, TSS and their stacks "
			"are not looked at",
			words);
	else
		ws_note(system,
			"no processor of this target has paging on: GDT, TSS and their "
			"stacks are not looked at");
	ws_lack_fact(needs->audit, true,
		     "the processors' registers: where GDT, TSS and stacks lie");
	if (!ws_idt_search(system, &idtr)) {
		ws_note(system, "and no IDT was found: neither are gates and handlers");
		ws_lack_fact(
			needs->audit, false,
			"the IDT, which was not found: which handlers a fault needs");
		return;
	}
	x86_set_segment(registers, X86_IDT, &idtr);
	if (ws_idt_read(system, &idtr, &any->idt) == WS_READ) {
		need_idt(needs, any);
		x86_needs_of_gates(needs, any);
	}
}

/* Returns one that speaks for all of them: the first that pages. */
static struct x86_fault_cpu needs_of_cpus(struct ws_needs *needs, struct ws_cpu *unknown)
{
	const struct ws_target *target = needs->audit->system->target;
	struct x86_fault_cpu any = fault_cpu(unknown, -1);
	struct idts_seen seen = { .n = 0 };

	for (size_t i = 0; i < target->cpus.n && i < CPUS_MAX; i++) {
		struct x86_fault_cpu cpu = fault_cpu(&target->cpus.v[i], (int)i);

		if (!has_paging(cpu.registers))
			continue;
		if (any.registers == unknown)
			any = fault_cpu(cpu.registers, -1);
		needs_of_cpu(needs, &cpu, &seen);
	}
	if (any.registers == unknown)
		needs_without_registers(needs, &any, unknown);
	return any;
}

static enum ws_status run_faultpath(struct ws_audit *audit)
{
	struct ws_needs needs = { .audit = audit };
	struct ws_cpu unknown = { .arch = ws_arch_of(audit->system->paging.format),
				  .reg[X86_CR0] = X86_CR0_WP }; /* as Linux has it */
	struct x86_fault_cpu any = needs_of_cpus(&needs, &unknown);
	struct ws_need of_stacks = { .rule = &x86_fault_rules[X86_RULE_TASK_STACK],
				     .cpu = -1,
				     .halves = WS_HALF_KERNEL,
				     .rights = any.write,
				     .refused = any.data_user };
	enum ws_status status;

	need_entry_text(&needs, &any);
	status = ws_needs_of_stacks(&needs, &of_stacks);
	if (status == WS_OK)
		status = ws_needs_check(&needs);
	audit->needs = needs.v;
	return status;
}

const struct ws_family x86_faultpath = {
	.name = "fault-path",
	.rules = x86_fault_rules,
	.nrules = X86_FAULT_RULES,
	.run = run_faultpath,
};
