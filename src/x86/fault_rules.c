/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of the fault path, and needs of them. */
#include "x86/faultpath.h"

/* clang-format off */
const struct ws_rule x86_fault_rules[X86_FAULT_RULES] = {
	[X86_RULE_IDT] = {
		"faultpath-idt", "fault-path", "interrupt descriptor table not mapped",
		WS_FATAL,
		"The processor looks up every exception and interrupt in the IDT, through the "
		"page tables that are loaded. Without it no gate can be read, not even that of "
		"the double fault: the first interrupt resets the machine.",
		"Map the IDT in every space, at the level that spaces share, before it is "
		"loaded: Linux keeps it in the cpu_entry_area for that reason.",
		"Linux 92a0f81d8957 (4.15): the cpu_entry_area, mapped in every space",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_GDT] = {
		"faultpath-gdt", "fault-path", "global descriptor table not mapped", WS_FATAL,
		"A gate names a code segment, which the processor reads from the GDT when it "
		"delivers the fault. If it cannot, delivery fails, that of the double fault too.",
		"Map the GDT of every processor in every space; see faultpath-idt.",
		"Linux 69218e47994d (2017): the GDT moves into the fixmap",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_TSS] = {
		"faultpath-tss", "fault-path", "task state segment not mapped", WS_FATAL,
		"A fault in user mode, and on x86-64 one with an IST, takes its stack pointer "
		"from the TSS. If that cannot be read, delivery fails.",
		"Map the TSS of every processor in every space; see faultpath-idt.",
		"Linux c482feefe1ae (4.15): the TSS in the cpu_entry_area, read-only on x86-64",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_ENTRY_STACK] = {
		"faultpath-entry-stack", "fault-path", "entry stack not writable", WS_FATAL,
		"The frame of a fault in user mode goes to the stack that the TSS names. If the "
		"push fails, the processor raises a double fault.",
		"Map the entry stack writable in every space; see faultpath-idt.",
		"Linux 7f2590a110b8 (4.15): a stack of its own for entries from user mode",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_IST_STACK] = {
		"faultpath-ist-stack", "fault-path", "interrupt stack of a gate not writable",
		WS_FATAL,
		"On x86-64 the gates of NMI, #DB, #MC and others switch to stacks of their own, "
		"whatever was running. If such a stack is not there, the push fails, and the "
		"processor raises a double fault.",
		"Map the exception stacks of every processor in every space.",
		"Linux 40e7f949e0d9 (4.15): IST stacks move into the cpu_entry_area",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_TASK_STACK] = {
		"faultpath-task-stack", "fault-path", "kernel stack of a task not writable",
		WS_FATAL,
		"The entry code continues on the task's own kernel stack, and a switch of tasks "
		"may still be on another task's. A push that fails there is a page fault whose "
		"own frame cannot be pushed either: a double fault.",
		"Synchronise the top level when stacks are mapped, or before a switch to the "
		"space.",
		"Linux 5beda7d54eaf (4.15): VMAP stacks missing in a new PGD; ARM32 44e9a3bb76e5",
		WS_DOUBLE_FAULTS,
	},
	[X86_RULE_PF_TARGET] = {
		"faultpath-pf-target", "fault-path", "handler of page faults not mapped", WS_FATAL,
		"Gate 14 leads to code that this space does not map, or may not execute. A page "
		"fault is delivered, the fetch of its handler faults, that fault is delivered, "
		"and so on: exception frames fill the stack and what lies below it, until a "
		"push fails.",
		"Never point gate 14 into memory that spaces do not share: keep the first "
		"instructions in the kernel image, or synchronise every space, forked ones and "
		"PTI user halves too, before the gate is changed.",
		"dtrace4linux 2012, where it reset machines at random",
		WS_NESTS,
	},
	[X86_RULE_PF_REACH] = {
		"faultpath-pf-reach", "fault-path", "handler of page faults needs what is not mapped",
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
	[X86_RULE_ENTRY_TEXT] = {
		"faultpath-entry-text", "fault-path", "part of the entry text not mapped", WS_FATAL,
		"All ways into the kernel lead through its entry text. A part of it is not "
		"executable here.",
		"Map the kernel's text alike in every space.",
		"Linux 41e71dbb0e0a (2024)",
		WS_NESTS,
	},
	[X86_RULE_PTI_ENTRY] = {
		"faultpath-pti-entry", "fault-path", "part of the entry text not mapped in the user half",
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
	[X86_RULE_DOUBLE_FAULT] = {
		"faultpath-double-fault", "fault-path", "double fault cannot be delivered",
		WS_FATAL,
		"The double fault's task (i386: a TSS with a CR3 of its own) or stack (x86-64) is "
		"not mapped. That alone kills nothing; but what would have been a panic with a "
		"message is a triple fault, and the machine resets.",
		"Map the double fault's TSS and stack in every space, and what it runs on in the "
		"space that its own CR3 names.",
		"Linux dc4e0021b00b (5.5): with PTI's user half loaded the double fault's TSS was "
		"out of sight, and a double fault was a triple fault",
		WS_DIVERGES,
	},
	[X86_RULE_DF_TARGET] = {
		"faultpath-df-target", "fault-path", "handler of double faults not mapped",
		WS_FATAL,
		"The double fault is delivered, on a stack that is there, to a handler that is "
		"not: its fetch is a page fault. That alone kills nothing; but what would have "
		"been a panic is a chain of faults on the last stack.",
		"Keep the handler in the entry text, which every space maps.",
		"dtrace4linux 2012 took gate 8 as well",
		WS_DIVERGES,
	},
	[X86_RULE_GATE_TARGET] = {
		"faultpath-gate-target", "fault-path", "handler of a gate not mapped", WS_ERROR,
		"A gate leads to code that this space does not map, or may not execute. The "
		"first such exception or interrupt is a page fault on its handler, which is "
		"repaired, or ends in an oops.",
		"Keep handlers in the kernel image, or synchronise every space.",
		"dtrace4linux 2012",
		WS_DIVERGES,
	},
	[X86_RULE_FOREIGN_HANDLER] = {
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
	[X86_RULE_SEGMENT] = {
		"faultpath-segment", "fault-path", "segment that a gate or the TSS names is none",
		WS_WARNING,
		"The processor loads the code segment that a gate names, and on i386 the stack "
		"segment that the TSS names, from the GDT. Where the descriptor is none of that "
		"sort, delivery fails, that of the double fault too. A machine does not run so: "
		"the dump is damaged, or this is what the machine died of.",
		"Compare the descriptor with those of other processors, and with another dump.",
		"SDM vol. 3A, 6.12.1.1 and 6.14.1",
		WS_COHERENT,
	},
};
/* clang-format on */

struct ws_need x86_need_data(const struct x86_fault_cpu *cpu, enum x86_fault_rule rule,
			     uint64_t va, uint64_t last)
{
	return (struct ws_need){ .rule = &x86_fault_rules[rule],
				 .cpu = cpu->cpu,
				 .va = va,
				 .last = last,
				 .halves = WS_HALF_BOTH,
				 .refused = cpu->data_user };
}

/* The bytes that pushes below top go to. */
struct ws_need x86_need_stack(const struct x86_fault_cpu *cpu, enum x86_fault_rule rule,
			      uint64_t top, uint64_t size)
{
	uint64_t first = top > size ? top - size : 0;
	struct ws_need need = x86_need_data(cpu, rule, first, top ? top - 1 : 0);

	need.rights = cpu->write;
	return need;
}
