/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small guest with all that a fault goes through: IDT, GDT, TSS and stacks in the
 * cpu_entry_area, handlers in the image, kernel stacks. Nothing is wrong with it, but for
 * what a test does.
 */
#ifndef TESTS_FAULT_GUEST_H
#define TESTS_FAULT_GUEST_H

#include "audit/rule.h"
#include "x86/descriptors.h"
#include "linux/symtab.h"
#include "small_guest.h"

/* A place in kernel memory, under its address and where it lies. */
struct place {
	uint64_t va, pa;
};

/* What the kernel's symbols say. */
enum fault_symbols {
	FAULT_NO_SYMBOLS, /* nothing: not even that there are functions */
	FAULT_LAZY,       /* a vmalloc_fault() */
	FAULT_NOT_LAZY,   /* none */
};

struct fault_guest {
	struct guest *guest;
	struct ws_system *system; /* NULL until opened */
	struct ws_audit *audit;   /* NULL until it has run */
	struct place idt, gdt, tss, entry_stack, df_stack, nmi_stack;
	struct place df_tss;     /* i386 */
	struct place entry_text; /* four pages, handlers in all of them */
	struct place pf_handler; /* spans two pages of the entry text */
	struct place df_handler, gp_handler, nmi_handler;
	struct place exc_page_fault;
	struct place early_text; /* where gates lead that nobody set after boot */
	struct place vmalloc_fault;
	struct place stacks; /* of all tasks, one after the other */
	uint64_t stack_size;
};

struct fault_guest *fault_guest_create(const struct guest_kind *kind);
void fault_guest_destroy(struct fault_guest *fault);

/* The processor's registers, for a test to change before it opens. */
struct ws_cpu *fault_guest_cpu(struct fault_guest *fault);

/* Discovers the system and gives it symbols; what was done to memory must be done. */
void fault_guest_open(struct fault_guest *fault, enum fault_symbols symbols);

/* Opens it, if that is not done, and audits it. */
void fault_guest_audit(struct fault_guest *fault, enum fault_symbols symbols);

/* Points a gate at va. */
void fault_guest_set_gate(struct fault_guest *fault, unsigned vector, uint64_t va);

/* The root of the victim, and what it has of init_mm's private entry for va: nothing. */
uint64_t fault_guest_victim(const struct fault_guest *fault);
void fault_guest_hide(struct fault_guest *fault, uint64_t root, uint64_t va);
/* Sets or clears bits of the last level's entry, in tables of the root's own. */
void fault_guest_change_page(struct fault_guest *fault, uint64_t root, uint64_t va,
			     uint64_t set, uint64_t clear);
void fault_guest_hide_page(struct fault_guest *fault, uint64_t root, uint64_t va);

/* Gives all tasks stacks of that size, in place of those that they have. */
void fault_guest_make_stacks(struct fault_guest *fault, uint64_t size);

/* The lowest byte of the kernel stack of the task with that index. */
struct place fault_guest_stack(const struct fault_guest *fault, unsigned task);

/* thread.sp, from a task's comm, and what it is in the task with that index. */
#define FAULT_SAVED_SP 0xa0
uint64_t fault_guest_saved_sp(const struct fault_guest *fault, unsigned task);
/*
 * Sets it in all tasks: so many bytes above the stack's lowest, or up to three words
 * less. 0: to nothing, as if no task had one.
 */
void fault_guest_save_sps(struct fault_guest *fault, uint64_t highest);

#endif
