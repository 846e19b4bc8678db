/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path: all that a processor and the kernel's entry code go through between a
 * fault and its handler. What shares a rule shares a file:
 *
 *	faultpath.c  the rules; IDT, GDT, TSS, entry stacks, the double fault's task
 *	gates.c      the 256 gates, their handlers, and what those reach first
 *	stacks.c     the tasks' own kernel stacks
 *	needs.c      all of these against all spaces
 */
#ifndef WS_AUDIT_FAULTPATH_H
#define WS_AUDIT_FAULTPATH_H

#include "audit/needs.h"
#include "linux/descriptors.h"

enum ws_faultpath_rule {
	WS_RULE_IDT,
	WS_RULE_GDT,
	WS_RULE_TSS,
	WS_RULE_ENTRY_STACK,
	WS_RULE_IST_STACK,
	WS_RULE_TASK_STACK,
	WS_RULE_PF_TARGET,
	WS_RULE_PF_REACH,
	WS_RULE_ENTRY_TEXT,
	WS_RULE_PTI_ENTRY,
	WS_RULE_DOUBLE_FAULT,
	WS_RULE_DF_TARGET,
	WS_RULE_GATE_TARGET,
	WS_RULE_FOREIGN_HANDLER,
};
extern const struct ws_rule ws_faultpath_rules[];

/* One processor and its tables. */
struct ws_fault_cpu {
	const struct ws_cpu *registers;
	int cpu; /* -1: what is said is true of every processor */
	struct ws_idt idt;
	bool has_control;  /* the next two are known */
	uint64_t cr0, cr4; /* what any processor has set that uses this IDT */
	uint8_t write;     /* WS_WRITE, where CR0.WP makes supervisor writes ask for it */
	uint8_t data_user; /* WS_USER, where SMAP refuses data on user pages */
	uint8_t code_user; /* WS_USER, where SMEP refuses code on user pages */
};

/* What a gate is to a processor, as far as its control registers tell. */
enum ws_vector_use {
	WS_VECTOR_UNUSED, /* nothing raises it */
	WS_VECTOR_MAYBE,  /* what raises it a register does not tell */
	WS_VECTOR_USED,
};
enum ws_vector_use ws_vector_use(const struct ws_fault_cpu *cpu, unsigned vector);

/* The gates of one IDT: their handlers, and what the page fault's reaches first. */
void ws_needs_of_gates(struct ws_needs *needs, const struct ws_fault_cpu *cpu);

/* "loop:lo_ioctl+0x10 at 0xe07fe010", or the address alone. Returns text. */
#define WS_NAME_SIZE 640
char *ws_name_address(struct ws_audit *audit, uint64_t va, char text[WS_NAME_SIZE]);

/* The last byte of the function that va is in; va where symbols do not tell. */
uint64_t ws_code_last(struct ws_audit *audit, uint64_t va);

/* Tasks' kernel stacks: needs, and each task's own in its own space. */
enum ws_status ws_needs_of_stacks(struct ws_needs *needs,
				  const struct ws_fault_cpu *cpu) WS_MUST_CHECK;

/*
 * Whether the TSS of that processor names a stack that all tasks enter by, and not the
 * current task's own.
 */
bool ws_has_entry_stack(const struct ws_audit *audit, const struct ws_cpu *cpu);

/* The space that findings about no space in particular go to: init_mm's. */
uint32_t ws_init_space(const struct ws_audit *audit);

#endif
