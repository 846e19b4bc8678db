/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path: all that an x86 processor and the kernel's entry code go through between
 * a fault and its handler. What shares a subject shares a file:
 *
 *	fault_rules.c  the rules, and needs of them
 *	gates.c        the 256 gates, their handlers, and what those reach first
 *	segments.c     the segments that gates and the TSS name
 *	df_task.c      i386: the double fault is a task of its own
 *	faultpath.c    IDT, GDT, TSS, entry stacks, entry text: the run
 *	ending.c       how a machine ends that lacks some of it
 */
#ifndef WS_X86_FAULTPATH_H
#define WS_X86_FAULTPATH_H

#include "audit/arch.h"
#include "audit/needs.h"
#include "x86/descriptors.h"

enum x86_fault_rule {
	X86_RULE_IDT,
	X86_RULE_GDT,
	X86_RULE_TSS,
	X86_RULE_ENTRY_STACK,
	X86_RULE_IST_STACK,
	X86_RULE_TASK_STACK,
	X86_RULE_PF_TARGET,
	X86_RULE_PF_REACH,
	X86_RULE_ENTRY_TEXT,
	X86_RULE_PTI_ENTRY,
	X86_RULE_DOUBLE_FAULT,
	X86_RULE_DF_TARGET,
	X86_RULE_GATE_TARGET,
	X86_RULE_FOREIGN_HANDLER,
	X86_RULE_SEGMENT,
	X86_FAULT_RULES
};
extern const struct ws_rule x86_fault_rules[X86_FAULT_RULES];
extern const struct ws_family x86_faultpath;

/* What an audit asks of x86 (audit.c). */
extern const struct ws_arch_audit x86_audit;

/* One processor and its tables. */
struct x86_fault_cpu {
	const struct ws_cpu *registers;
	int cpu; /* -1: what is said is true of every processor */
	struct ws_idt idt;
	bool has_control;  /* the next two are known */
	uint64_t cr0, cr4; /* what any processor has set that uses this IDT */
	uint8_t write;     /* WS_KERNEL_WRITE, where CR0.WP makes the kernel ask for it */
	uint8_t data_user; /* WS_USER_READ, where SMAP refuses data on user pages */
	uint8_t code_user; /* WS_USER_READ, where SMEP refuses code on user pages */
};

/* A need to read [va, last], in both halves. */
struct ws_need x86_need_data(const struct x86_fault_cpu *cpu, enum x86_fault_rule rule,
			     uint64_t va, uint64_t last);
/* To write the bytes that pushes below top go to. */
struct ws_need x86_need_stack(const struct x86_fault_cpu *cpu, enum x86_fault_rule rule,
			      uint64_t top, uint64_t size);

/* What a gate is to a processor, as far as its control registers say. */
enum x86_vector_use {
	X86_VECTOR_UNUSED, /* nothing raises it */
	X86_VECTOR_MAYBE,  /* what raises it no register says */
	X86_VECTOR_USED,
};
enum x86_vector_use x86_vector_use(const struct x86_fault_cpu *cpu, unsigned vector);

/* The gates of one IDT: their handlers, and what the page fault's reaches first. */
void x86_needs_of_gates(struct ws_needs *needs, const struct x86_fault_cpu *cpu);

/* What the double fault's own task needs; nothing where it has none. */
void x86_needs_of_df_task(struct ws_needs *needs, const struct x86_fault_cpu *cpu);

/* The segments that gates in use name, and (i386) the one of sp0. */
void x86_doubt_segments(struct ws_needs *needs, const struct x86_fault_cpu *cpu);
void x86_doubt_stack_segment(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			     const struct ws_tss *tss);

/*
 * Whether the TSS of that processor names a stack that all tasks enter by, and not the
 * current task's own.
 */
bool x86_has_entry_stack(const struct ws_audit *audit, const struct ws_cpu *cpu);

/* ending.c, for struct ws_fault_path */
bool x86_is_last_resort(const struct ws_rule *rule);
bool x86_hangs(const struct ws_audit *audit, const struct ws_about *about);
bool x86_print_death(const struct ws_audit *audit, FILE *to, const struct ws_about *about,
		     const struct ws_finding *finding);

#endif
