/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * i386: the double fault is a task of its own (SDM vol. 3A, 7.3), with a TSS, a stack and
 * a space that it runs in.
 */
#include <stdio.h>

#include "audit/code.h"
#include "audit/doubt.h"
#include "audit/lack.h"
#include "x86/faultpath.h"

/* Below the pointer of the task: what its first code pushes. */
#define TASK_FRAME 64

static void check_there(struct ws_needs *needs, struct ws_need need, uint32_t space,
			const char *what, uint64_t va)
{
	char text[96];

	snprintf(text, sizeof(text), "in the double fault's own space, %s at %#jx", what,
		 va);
	need.what = text;
	ws_need_check(needs, &need, space);
}

/* What the new task finds under the CR3 that the switch has loaded. */
static void check_task(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
		       const struct ws_tss *task)
{
	const enum x86_fault_rule rule = X86_RULE_DOUBLE_FAULT;
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	uint32_t space = ws_space_of_root(needs->audit, task->cr3);
	struct ws_trail trail;
	struct ws_need need;
	const char *wrong;

	if (space == WS_NO_SPACE) {
		ws_note(needs->audit->system,
			"the double fault's task has CR3 %#jx, which is no space that was "
			"found: what it can see is not known",
			task->cr3);
		return;
	}
	need = x86_need_data(cpu, rule, gdt.base,
			     ws_last_of(gdt.base, (gdt.limit & 0xffff) + 1));
	if (!ws_is_doubtful(needs, cpu->registers, &need, &trail, &wrong))
		check_there(needs, need, space, "the GDT", gdt.base);
	check_there(needs, x86_need_stack(cpu, rule, task->sp, TASK_FRAME), space,
		    "the stack that ends", task->sp);
	need = x86_need_data(cpu, X86_RULE_DF_TARGET, task->ip,
			     ws_code_last(needs->audit, task->ip));
	need.rights = WS_KERNEL_EXECUTE;
	need.refused = cpu->code_user;
	check_there(needs, need, space, "the handler", task->ip);
}

/*
 * The switch saves into the old TSS, marks the new one's descriptor busy, and writes the
 * old selector into it: all through the tables of the space that it leaves.
 */
static void need_switch(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			uint64_t tss)
{
	const struct ws_cpu *registers = cpu->registers;
	uint16_t selector = cpu->idt.gate[WS_VECTOR_DF].selector & 0xfff8;
	const struct {
		const char *what;
		uint64_t va;
		unsigned size;
		const char *source;
	} written[] = {
		{ "the TSS that the task switch of #DF saves to,",
		  x86_base(registers, X86_TR), WS_TSS_SIZE, "TR" },
		{ "the descriptor of #DF's TSS,", x86_base(registers, X86_GDT) + selector,
		  8, "GDTR" },
		{ "the TSS of #DF", tss, WS_TSS_SIZE, "descriptor" },
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(written); i++) {
		uint64_t va = written[i].va;
		struct ws_need need = x86_need_data(cpu, X86_RULE_DOUBLE_FAULT, va,
						    ws_last_of(va, written[i].size));

		need.rights = cpu->write;
		ws_need_add(needs, &need, "%s at %#jx", written[i].what, va);
		ws_doubt_last(needs, cpu->registers, written[i].source);
	}
}

/*
 * Whatever space is loaded. A descriptor that is empty the kernel has left so: there is
 * none without CONFIG_DOUBLEFAULT (until 5.5).
 */
static void record_no_task(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			   uint16_t selector)
{
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	uint64_t va = gdt.base + (selector & 0xfff8), descriptor;
	struct ws_finding *finding =
		ws_found(needs->audit, &x86_fault_rules[X86_RULE_DOUBLE_FAULT],
			 ws_init_space(needs->audit), va, ws_last_of(va, 8),
			 "gate 8 (#DF) names selector %#x, which is no TSS in the GDT at "
			 "%#jx: a double fault resets the machine",
			 selector, gdt.base);

	if (!finding)
		return;
	finding->cpu = cpu->cpu;
	finding->machine = true;
	if (ws_system_read(needs->audit->system, va, &descriptor, sizeof(descriptor)) ==
		    WS_READ &&
	    !descriptor)
		finding->severity = WS_WARNING;
}

void x86_needs_of_df_task(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	const struct ws_gate *gate = &cpu->idt.gate[WS_VECTOR_DF];
	struct ws_system *system = needs->audit->system;
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	struct ws_tss task;
	uint64_t base;
	bool names;

	if (!gate->present || gate->type != WS_GATE_TASK || system->layout.word != 4)
		return;
	if (ws_tss_of_selector(system, &gdt, gate->selector, &names, &base) != WS_READ) {
		ws_lack_kernel(needs->audit, gdt.base + (gate->selector & 0xfff8), 8,
			       "the double fault's descriptor in the GDT at %#jx",
			       gdt.base);
		return;
	}
	if (!names) {
		record_no_task(needs, cpu, gate->selector);
		return;
	}
	need_switch(needs, cpu, base);
	if (ws_tss_read(system, base, &task) == WS_READ)
		check_task(needs, cpu, &task);
	else
		ws_lack_kernel(needs->audit, base, WS_TSS_SIZE,
			       "the double fault's TSS at %#jx", base);
}
