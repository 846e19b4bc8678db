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
#include "audit/faultpath.h"

#include <stdio.h>
#include <string.h>

#include "audit/lack.h"
#include "linux/symtab.h"
#include "paging/format.h"

/* clang-format off */
const struct ws_rule ws_faultpath_rules[] = {
	[WS_RULE_IDT] = {
		"faultpath-idt", "fault-path", "interrupt descriptor table not visible",
		WS_FATAL,
		"The processor looks up every exception and interrupt in the IDT, through the "
		"page tables of whatever runs. Without it no gate can be read, not even that of "
		"the double fault: the first interrupt resets the machine.",
		"Map the IDT in every space, at the level that spaces share, before it is "
		"loaded: Linux keeps it in the cpu_entry_area for that reason.",
		"Linux 92a0f81d8957 (4.15): the cpu_entry_area, mapped in every space",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_GDT] = {
		"faultpath-gdt", "fault-path", "global descriptor table not visible", WS_FATAL,
		"A gate names a code segment, which the processor reads from the GDT when it "
		"delivers the fault. If it cannot, delivery fails, that of the double fault too.",
		"Map the GDT of every processor in every space; see faultpath-idt.",
		"Linux 69218e47994d (2017): the GDT moves into the fixmap",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_TSS] = {
		"faultpath-tss", "fault-path", "task state segment not visible", WS_FATAL,
		"A fault in user mode, and on x86-64 one with an IST, takes its stack pointer "
		"from the TSS. If that cannot be read, delivery fails.",
		"Map the TSS of every processor in every space; see faultpath-idt.",
		"Linux c482feefe1ae (4.15): the TSS in the cpu_entry_area, read-only on x86-64",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_ENTRY_STACK] = {
		"faultpath-entry-stack", "fault-path", "entry stack not writable", WS_FATAL,
		"The frame of a fault in user mode goes to the stack that the TSS names. If the "
		"push fails, the processor raises a double fault.",
		"Map the entry stack writable in every space; see faultpath-idt.",
		"Linux 7f2590a110b8 (4.15): a stack of its own for entries from user mode",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_IST_STACK] = {
		"faultpath-ist-stack", "fault-path", "interrupt stack of a gate not writable",
		WS_FATAL,
		"On x86-64 the gates of NMI, #DB, #MC and others switch to stacks of their own, "
		"whatever was running. If such a stack is not there, the push fails, and the "
		"processor raises a double fault.",
		"Map the exception stacks of every processor in every space.",
		"Linux 40e7f949e0d9 (4.15): IST stacks move into the cpu_entry_area",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_TASK_STACK] = {
		"faultpath-task-stack", "fault-path", "kernel stack of a task not writable",
		WS_FATAL,
		"The entry code goes on on the task's own kernel stack, and a switch of tasks "
		"may still be on another task's. A push that fails there is a page fault whose "
		"own frame cannot be pushed either: a double fault.",
		"Synchronise the top level when stacks are mapped, or before a switch to the "
		"space.",
		"Linux 5beda7d54eaf (2017): VMAP stacks missing in a new PGD; ARM32 44e9a3bb76e5",
		WS_DOUBLE_FAULTS,
	},
	[WS_RULE_PF_TARGET] = {
		"faultpath-pf-target", "fault-path", "page fault's handler not visible", WS_FATAL,
		"Gate 14 leads to code that this space does not map, or may not execute. A page "
		"fault is delivered, the fetch of the handler faults, that fault is delivered, "
		"and so on: frames go down the stack and through what lies below it, until a "
		"push fails.",
		"Never point gate 14 into memory that spaces do not share: keep the first "
		"instructions in the kernel image, or synchronise every space, forked ones and "
		"PTI user halves too, before the gate is changed.",
		"dtrace4linux 2012, where it reset machines at random",
		WS_NESTS,
	},
	[WS_RULE_PF_REACH] = {
		"faultpath-pf-reach", "fault-path", "page fault's handler reaches into a hole",
		WS_FATAL,
		"The handler's first page is there, but code or data that every page fault goes "
		"through is not: the handler faults before it can do anything about it, and so "
		"does each fault after.",
		"Check the handler's whole span, what it calls and what it reads, not its first "
		"byte.",
		"dtrace4linux's repair looked at the first bytes of six functions only; Linux "
		"11f5efc3ab66 (2020): per-cpu pages touched on the way looped",
		WS_NESTS,
	},
	[WS_RULE_ENTRY_TEXT] = {
		"faultpath-entry-text", "fault-path", "entry text not visible end to end", WS_FATAL,
		"All ways into the kernel lead through its entry text. A part of it is not "
		"executable here.",
		"Map the kernel's text alike in every space.",
		"Linux 41e71dbb0e0a (2024)",
		WS_NESTS,
	},
	[WS_RULE_PTI_ENTRY] = {
		"faultpath-pti-entry", "fault-path", "entry text cut short in the user half",
		WS_FATAL,
		"With PTI the user's half of the page tables holds the entry text, up to where "
		"it changes to the kernel's half. A part of it is missing: entry from user mode "
		"faults, and each of these faults enters the same way, until the entry stack is "
		"used up.",
		"Clone the entry text from its first page to its last into the user half.",
		"Linux 41e71dbb0e0a (2024): \"endless traps until entry stack exhaust and then "
		"#DF\"",
		WS_NESTS,
	},
	[WS_RULE_DOUBLE_FAULT] = {
		"faultpath-double-fault", "fault-path", "double fault cannot be delivered",
		WS_FATAL,
		"The double fault's task (i386: a TSS with a CR3 of its own) or stack (x86-64) is "
		"not there. Nothing dies of it alone; but what would have been a panic that says "
		"what happened is a triple fault, and the machine resets.",
		"Map the double fault's TSS and stack in every space, and what it runs on in the "
		"space that its own CR3 names.",
		"Linux dc4e0021b00b (5.5): with PTI's user half loaded the double fault's TSS was "
		"out of sight, and a double fault was a triple fault",
		WS_DIVERGES,
	},
	[WS_RULE_DF_TARGET] = {
		"faultpath-df-target", "fault-path", "double fault's handler not visible",
		WS_FATAL,
		"The double fault is delivered, on a stack that is there, to a handler that is "
		"not: its fetch is a page fault. Nothing dies of it alone; but what would have "
		"been a panic is a chain of faults on the last stack there is.",
		"Keep the handler in the entry text, which every space maps.",
		"dtrace4linux 2012 took gate 8 as well",
		WS_DIVERGES,
	},
	[WS_RULE_GATE_TARGET] = {
		"faultpath-gate-target", "fault-path", "handler of a gate not visible", WS_ERROR,
		"A gate leads to code that this space does not map, or may not execute. The "
		"first such exception or interrupt is a page fault on its handler, which is "
		"repaired, or ends in an oops.",
		"Keep handlers in the kernel image, or synchronise every space.",
		"dtrace4linux 2012",
		WS_DIVERGES,
	},
	[WS_RULE_FOREIGN_HANDLER] = {
		"faultpath-foreign-handler", "fault-path", "handler outside the kernel image",
		WS_WARNING,
		"A gate leads into a module or other memory that the kernel maps while it runs. "
		"As long as every space has the mapping it works; a space that misses it dies "
		"of the first such fault, and all do when the module is unloaded.",
		"Use the kernel's own hooks (kprobes, tracepoints, notifiers) in place of gates "
		"of one's own.",
		"dtrace4linux 2012",
		WS_COHERENT,
	},
};
/* clang-format on */

#define CR0_WP WS_BIT(16)
#define CR0_PG WS_BIT(31)
#define CR4_SMEP WS_BIT(20)
#define CR4_SMAP WS_BIT(21)
#define CR4_FRED WS_BIT(32)

/* NR_CPUS is 8192 at most (arch/x86/Kconfig); and IDTs that differ are a few. */
#define CPUS_MAX 8192
#define IDTS_MAX 16

/* Below the pointer: the frame, and the registers that the entry code saves. */
#define ENTRY_FRAME 256
#define TASK_FRAME 64

uint32_t ws_init_space(const struct ws_audit *audit)
{
	for (uint32_t i = 0; i < audit->system->spaces.n; i++)
		if (audit->system->spaces.v[i].kind == WS_SPACE_INIT)
			return i;
	return 0;
}

static uint32_t space_of_root(const struct ws_system *system, uint64_t cr3)
{
	uint64_t root = cr3 & system->paging.format->root_mask;

	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root)
			return i;
	return WS_NO_SPACE;
}

static struct ws_need need_data(const struct ws_fault_cpu *cpu,
				enum ws_faultpath_rule rule, uint64_t va, uint64_t last)
{
	return (struct ws_need){ .rule = &ws_faultpath_rules[rule],
				 .cpu = cpu->cpu,
				 .va = va,
				 .last = last,
				 .halves = WS_HALF_BOTH,
				 .refused = cpu->data_user };
}

/* The bytes that pushes below top go to. */
static struct ws_need need_stack(const struct ws_fault_cpu *cpu,
				 enum ws_faultpath_rule rule, uint64_t top, uint64_t size)
{
	uint64_t first = top > size ? top - size : 0;
	struct ws_need need = need_data(cpu, rule, first, top ? top - 1 : 0);

	need.rights = cpu->write;
	return need;
}

/* ---- one processor's tables -------------------------------------------------------- */

static void need_idt(struct ws_needs *needs, const struct ws_fault_cpu *cpu)
{
	struct ws_need need = need_data(cpu, WS_RULE_IDT, cpu->idt.base, cpu->idt.last);

	ws_need_add(needs, &need, "the IDT at %#lx", cpu->idt.base);
}

static void need_gdt(struct ws_needs *needs, const struct ws_fault_cpu *cpu)
{
	const struct ws_segment *gdt = &cpu->registers->gdt;
	struct ws_need need = need_data(cpu, WS_RULE_GDT, gdt->base,
					ws_last_of(gdt->base, (gdt->limit & 0xffff) + 1));

	ws_need_add(needs, &need, "the GDT at %#lx", gdt->base);
}

static void need_tss(struct ws_needs *needs, const struct ws_fault_cpu *cpu)
{
	uint64_t base = cpu->registers->tr.base;
	struct ws_need need =
		need_data(cpu, WS_RULE_TSS, base, ws_last_of(base, WS_TSS_SIZE));

	ws_need_add(needs, &need, "the TSS at %#lx", base);
}

static void need_ist(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
		     const struct ws_tss *tss, unsigned vector)
{
	unsigned ist = cpu->idt.gate[vector].ist;
	const char *name = ws_vector_name(vector);
	enum ws_faultpath_rule rule =
		vector == WS_VECTOR_DF ? WS_RULE_DOUBLE_FAULT : WS_RULE_IST_STACK;
	struct ws_need need = need_stack(cpu, rule, tss->ist[ist], WS_FRAME_SIZE);

	need.if_reference = ws_vector_use(cpu, vector) == WS_VECTOR_MAYBE;
	ws_need_add(needs, &need, "the stack of gate %u (%s), IST %u, below %#lx", vector,
		    name ? name : "interrupt", ist, tss->ist[ist]);
}

/* The gate that most surely switches to that stack; WS_VECTORS: none does. */
static unsigned user_of_ist(const struct ws_fault_cpu *cpu, unsigned ist)
{
	enum ws_vector_use most = WS_VECTOR_UNUSED;
	unsigned found = WS_VECTORS;

	for (unsigned v = 0; v < cpu->idt.n; v++) {
		const struct ws_gate *gate = &cpu->idt.gate[v];
		enum ws_vector_use use = ws_vector_use(cpu, v);

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
bool ws_has_entry_stack(const struct ws_audit *audit, const struct ws_cpu *cpu)
{
	static const char *const of_tasks[] = { "direct map", "vmalloc", "kernel image" };
	struct ws_tss tss;
	const char *there;

	if (strcmp(ws_region_name(&audit->regions, cpu->tr.base), "cpu_entry_area"))
		return false;
	if (ws_tss_read(audit->system, cpu->tr.base, &tss) != WS_READ)
		return true;
	there = ws_region_name(&audit->regions, tss.sp0 - 1);
	for (size_t i = 0; i < WS_ARRAY_SIZE(of_tasks); i++)
		if (!strcmp(there, of_tasks[i]))
			return false;
	return true;
}

/* A processor in user mode comes to that stack in the space that is loaded. */
static void check_current(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
			  struct ws_need need, uint64_t sp0)
{
	uint32_t space = space_of_root(needs->audit->system, cpu->registers->cr3);
	char text[64];

	if ((cpu->registers->cs.selector & 3) != 3 || space == WS_NO_SPACE ||
	    !ws_audited(needs->audit, space))
		return;
	snprintf(text, sizeof(text), "the current task's stack below %#lx", sp0);
	need.what = text;
	ws_need_check(needs, &need, space);
}

static void need_stacks(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
			const struct ws_tss *tss)
{
	struct ws_need need = need_stack(cpu, WS_RULE_ENTRY_STACK, tss->sp0, ENTRY_FRAME);

	if (ws_has_entry_stack(needs->audit, cpu->registers))
		ws_need_add(needs, &need, "the entry stack below %#lx", tss->sp0);
	else
		check_current(needs, cpu, need, tss->sp0);
	for (unsigned ist = 1; ist <= WS_TSS_STACKS; ist++) {
		unsigned vector = user_of_ist(cpu, ist);

		if (vector < cpu->idt.n)
			need_ist(needs, cpu, tss, vector);
	}
}

/* ---- i386: the double fault is a task of its own (SDM 7.3) ------------------------ */

static void check_there(struct ws_needs *needs, struct ws_need need, uint32_t space,
			const char *what, uint64_t va)
{
	char text[96];

	snprintf(text, sizeof(text), "in the double fault's own space, %s at %#lx", what,
		 va);
	need.what = text;
	ws_need_check(needs, &need, space);
}

/* What the new task finds under the CR3 that the switch has loaded. */
static void check_task(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
		       const struct ws_tss *task)
{
	const enum ws_faultpath_rule rule = WS_RULE_DOUBLE_FAULT;
	const struct ws_segment *gdt = &cpu->registers->gdt;
	uint32_t space = space_of_root(needs->audit->system, task->cr3);
	struct ws_need need;

	if (space == WS_NO_SPACE) {
		ws_note(needs->audit->system,
			"the double fault's task has CR3 %#lx, which is no space that was "
			"found: what it can see is not known",
			task->cr3);
		return;
	}
	need = need_data(cpu, rule, gdt->base,
			 ws_last_of(gdt->base, (gdt->limit & 0xffff) + 1));
	check_there(needs, need, space, "the GDT", gdt->base);
	check_there(needs, need_stack(cpu, rule, task->sp, TASK_FRAME), space,
		    "the stack that ends", task->sp);
	need = need_data(cpu, WS_RULE_DF_TARGET, task->ip,
			 ws_code_last(needs->audit, task->ip));
	need.rights = WS_EXECUTE;
	need.refused = cpu->code_user;
	check_there(needs, need, space, "the handler", task->ip);
}

/*
 * The switch saves into the old TSS, marks the new one's descriptor busy, and writes the
 * old selector into it: all through the tables of the space that it leaves.
 */
static void need_switch(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
			uint64_t tss)
{
	const struct ws_cpu *registers = cpu->registers;
	uint16_t selector = cpu->idt.gate[WS_VECTOR_DF].selector & 0xfff8;
	const struct {
		const char *what;
		uint64_t va;
		unsigned size;
	} written[] = {
		{ "the TSS that the task switch of #DF saves to,", registers->tr.base,
		  WS_TSS_SIZE },
		{ "the descriptor of #DF's TSS,", registers->gdt.base + selector, 8 },
		{ "the TSS of #DF", tss, WS_TSS_SIZE },
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(written); i++) {
		uint64_t va = written[i].va;
		struct ws_need need = need_data(cpu, WS_RULE_DOUBLE_FAULT, va,
						ws_last_of(va, written[i].size));

		need.rights = cpu->write;
		ws_need_add(needs, &need, "%s at %#lx", written[i].what, va);
	}
}

/*
 * Whatever space is loaded. A descriptor that is empty the kernel has left so: there is
 * none without CONFIG_DOUBLEFAULT (until 5.5).
 */
static void tell_no_task(struct ws_needs *needs, const struct ws_fault_cpu *cpu,
			 uint16_t selector)
{
	const struct ws_segment *gdt = &cpu->registers->gdt;
	uint64_t va = gdt->base + (selector & 0xfff8), descriptor;
	struct ws_finding *finding =
		ws_found(needs->audit, &ws_faultpath_rules[WS_RULE_DOUBLE_FAULT],
			 ws_init_space(needs->audit), va, ws_last_of(va, 8),
			 "gate 8 (#DF) names selector %#x, which is no TSS in the GDT at "
			 "%#lx: a double fault resets the machine",
			 selector, gdt->base);

	if (!finding)
		return;
	finding->cpu = cpu->cpu;
	finding->machine = true;
	if (ws_system_read(needs->audit->system, va, &descriptor, sizeof(descriptor)) ==
		    WS_READ &&
	    !descriptor)
		finding->severity = WS_WARNING;
}

static void need_double_fault_task(struct ws_needs *needs, const struct ws_fault_cpu *cpu)
{
	const struct ws_gate *gate = &cpu->idt.gate[WS_VECTOR_DF];
	struct ws_system *system = needs->audit->system;
	const struct ws_segment *gdt = &cpu->registers->gdt;
	struct ws_tss task;
	uint64_t base;
	bool names;

	if (!gate->present || gate->type != WS_GATE_TASK || system->layout.word != 4)
		return;
	if (ws_tss_of_selector(system, gdt, gate->selector, &names, &base) != WS_READ) {
		ws_lack_kernel(needs->audit, gdt->base + (gate->selector & 0xfff8), 8,
			       "the double fault's descriptor in the GDT at %#lx",
			       gdt->base);
		return;
	}
	if (!names) {
		tell_no_task(needs, cpu, gate->selector);
		return;
	}
	need_switch(needs, cpu, base);
	if (ws_tss_read(system, base, &task) == WS_READ)
		check_task(needs, cpu, &task);
	else
		ws_lack_kernel(needs->audit, base, WS_TSS_SIZE,
			       "the double fault's TSS at %#lx", base);
}

/* ---- entry text ------------------------------------------------------------------- */

static bool symbol_va(struct ws_audit *audit, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_find(audit->system, name, &symbol) != WS_OK) {
		ws_error_clear(audit->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

/* Where symbols tell it; without, the gates' targets stand for it. */
static void need_entry_text(struct ws_needs *needs, const struct ws_fault_cpu *cpu)
{
	static const struct {
		enum ws_faultpath_rule rule;
		enum ws_half half;
	} sorts[] = {
		{ WS_RULE_ENTRY_TEXT, WS_HALF_KERNEL },
		{ WS_RULE_PTI_ENTRY, WS_HALF_USER },
	};
	uint64_t first, end;

	if (!symbol_va(needs->audit, "__entry_text_start", &first) ||
	    !symbol_va(needs->audit, "__entry_text_end", &end) || end <= first) {
		if (!ws_functions_known(needs->audit->system))
			ws_lack_fact(
				needs->audit, true,
				"the kernel's symbols, or some of them: what the entry "
				"code and the handlers go through");
		return;
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(sorts); i++) {
		struct ws_need need = need_data(cpu, sorts[i].rule, first, end - 1);

		need.cpu = -1;
		need.halves = sorts[i].half;
		need.rights = WS_EXECUTE;
		need.refused = cpu->code_user;
		ws_need_add(needs, &need, "the entry text, %#lx to %#lx", first, end - 1);
	}
}

/* ---- the run ---------------------------------------------------------------------- */

/* IDTs that were seen: mostly it is one and the same. */
struct idts_seen {
	struct ws_segment idtr[IDTS_MAX];
	unsigned n;
	bool told;
};

static bool same_idt(const struct ws_segment *a, const struct ws_segment *b)
{
	return a->base == b->base && a->limit == b->limit;
}

static bool is_new_idt(struct ws_audit *audit, struct idts_seen *seen,
		       const struct ws_segment *idtr)
{
	for (unsigned i = 0; i < seen->n; i++)
		if (same_idt(&seen->idtr[i], idtr))
			return false;
	if (seen->n < IDTS_MAX) {
		seen->idtr[seen->n++] = *idtr;
		return true;
	}
	if (!seen->told)
		ws_note(audit->system,
			"more than %u IDTs differ: no others are looked at", IDTS_MAX);
	seen->told = true;
	return false;
}

static bool has_paging(const struct ws_cpu *cpu)
{
	return cpu->has_control && cpu->cr0 & CR0_PG;
}

static bool all_have_idt(const struct ws_system *system, const struct ws_segment *idtr)
{
	ws_vec_each(&system->target->cpus, cpu)
		if (has_paging(cpu) && !same_idt(&cpu->idt, idtr))
			return false;
	return true;
}

static void needs_of_idt(struct ws_needs *needs, struct ws_fault_cpu cpu,
			 enum ws_evidence evidence)
{
	struct ws_system *system = needs->audit->system;

	if (all_have_idt(system, &cpu.registers->idt))
		cpu.cpu = -1;
	ws_vec_each(&system->target->cpus, other) {
		if (!has_paging(other) || !same_idt(&other->idt, &cpu.registers->idt))
			continue;
		cpu.cr0 |= other->cr0;
		cpu.cr4 |= other->cr4;
	}
	need_idt(needs, &cpu);
	if (evidence == WS_READ)
		ws_needs_of_gates(needs, &cpu);
	else if (evidence == WS_NOT_MAPPED)
		ws_note(system,
			"the IDT at %#lx is not mapped in init_mm: its gates are not known",
			cpu.idt.base);
	else
		ws_lack_kernel(needs->audit, cpu.idt.base,
			       cpu.idt.last - cpu.idt.base + 1, "the IDT at %#lx",
			       cpu.idt.base);
}

static void needs_of_cpu(struct ws_needs *needs, struct ws_fault_cpu *cpu,
			 struct idts_seen *seen)
{
	struct ws_system *system = needs->audit->system;
	enum ws_evidence evidence = ws_idt_read(system, &cpu->registers->idt, &cpu->idt);
	uint64_t tr = cpu->registers->tr.base;
	struct ws_tss tss;

	if (cpu->cr4 & CR4_FRED) {
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
	if (is_new_idt(needs->audit, seen, &cpu->registers->idt))
		needs_of_idt(needs, *cpu, evidence);
	need_gdt(needs, cpu);
	need_tss(needs, cpu);
	if (ws_tss_read(system, tr, &tss) == WS_READ)
		need_stacks(needs, cpu, &tss);
	else
		ws_lack_kernel(needs->audit, tr, WS_TSS_SIZE, "the TSS of cpu %d at %#lx",
			       cpu->cpu, tr);
	need_double_fault_task(needs, cpu);
}

static struct ws_fault_cpu fault_cpu(const struct ws_cpu *registers, int cpu)
{
	return (struct ws_fault_cpu){
		.registers = registers,
		.cpu = cpu,
		.has_control = registers->has_control,
		.cr0 = registers->cr0,
		.cr4 = registers->cr4,
		.write = registers->cr0 & CR0_WP ? WS_WRITE : 0,
		.data_user = registers->cr4 & CR4_SMAP ? WS_USER : 0,
		.code_user = registers->cr4 & CR4_SMEP ? WS_USER : 0,
	};
}

/* Without registers there is the IDT at most, where its shape gives it away. */
static void needs_without_registers(struct ws_needs *needs, struct ws_fault_cpu *any,
				    struct ws_cpu *registers)
{
	struct ws_system *system = needs->audit->system;

	ws_note(system,
		"this target keeps no processor's control registers: GDT, TSS and "
		"their stacks are not looked at");
	ws_lack_fact(needs->audit, true,
		     "the processors' registers: where GDT, TSS and stacks lie");
	if (!ws_idt_search(system, &registers->idt)) {
		ws_note(system, "and no IDT was found: neither are gates and handlers");
		ws_lack_fact(
			needs->audit, false,
			"the IDT, which was not found: which handlers a fault needs");
		return;
	}
	if (ws_idt_read(system, &registers->idt, &any->idt) == WS_READ) {
		need_idt(needs, any);
		ws_needs_of_gates(needs, any);
	}
}

/* Returns one that speaks for all of them: the first that pages. */
static struct ws_fault_cpu needs_of_cpus(struct ws_needs *needs, struct ws_cpu *unknown)
{
	const struct ws_target *target = needs->audit->system->target;
	struct ws_fault_cpu any = fault_cpu(unknown, -1);
	struct idts_seen seen = { .n = 0 };

	for (size_t i = 0; i < target->cpus.n && i < CPUS_MAX; i++) {
		struct ws_fault_cpu cpu = fault_cpu(&target->cpus.v[i], (int)i);

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
	struct ws_cpu unknown = { .cr0 = CR0_WP }; /* as Linux has it */
	struct ws_fault_cpu any = needs_of_cpus(&needs, &unknown);
	enum ws_status status;

	need_entry_text(&needs, &any);
	status = ws_needs_of_stacks(&needs, &any);
	if (status == WS_OK)
		status = ws_needs_check(&needs);
	audit->needs = needs.v;
	return status;
}

const struct ws_family ws_faultpath = {
	.name = "fault-path",
	.rules = ws_faultpath_rules,
	.nrules = WS_ARRAY_SIZE(ws_faultpath_rules),
	.run = run_faultpath,
};
