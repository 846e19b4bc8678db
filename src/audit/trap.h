/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path of a processor that looks nothing up in memory to take a fault: it jumps
 * to where a register says, and code there saves registers on the task's own stack.
 *
 *	fault -> vector register -> vectors fetched -> registers saved on the stack
 *	      -> handlers and tables -> the stack has run over: the overflow stack
 *
 * An architecture says it in rows of symbols. The register is in few dumps: without it
 * the kernel's own variable or symbol says where it leads.
 */
#ifndef WS_AUDIT_TRAP_H
#define WS_AUDIT_TRAP_H

#include "audit/arch.h"

enum ws_trap_rule {
	WS_TRAP_VECTORS,
	WS_TRAP_REACH,
	WS_TRAP_STACK,
	WS_TRAP_LAST_RESORT,
	WS_TRAP_RULES
};

/* What is gone through, by its symbol; kernels without that symbol go without. */
struct ws_trap_part {
	const char *symbol; /* NULL: past the last */
	const char *end;    /* of data: what follows it; NULL: size says */
	uint16_t size;      /* 0 without an end: a function, as far as it goes */
	uint8_t rule;       /* enum ws_trap_rule */
	uint8_t rights;     /* enum ws_access; 0: it is read */
	bool per_cpu;       /* each processor has it at a distance of its own */
};

struct ws_trap {
	const char *vector_register; /* as struct ws_register has it */
	uint64_t vector_mask;        /* the bits of it that are an address's */
	const char *vector_symbol;   /* where it leads in the kernel */
	/* Per processor: what it is set to while user mode runs; NULL: the same. */
	const char *user_variable;
	uint16_t vector_size;       /* 0: a function, as far as it goes */
	const char *const *vectors; /* what each is for; ends with NULL */
	uint16_t vector_step;       /* from one to the next */
	const struct ws_trap_part *parts;
	uint8_t data_refused; /* what data must not be: a user's (enum ws_access) */
	/* What the processor does for ever where it cannot fetch its vectors. */
	const char *loop;
	/* What comes of frames that fill the stack. */
	const char *overflow;
};

/* struct ws_fault_path of an architecture with that struct ws_trap. */
#define WS_TRAP_FAULT_PATH(of)                                                       \
	{                                                                            \
		.family = &ws_trap_family, .trap = (of),                             \
		.is_last_resort = ws_trap_is_last_resort, .hangs = ws_trap_hangs,    \
		.print_death = ws_trap_print_death,                                  \
		.nesting = {                                                         \
			"fault or interrupt",                                        \
			"a fault or interrupt cannot be handled: the vectors are "   \
			"fetched for ever, or each fault causes the next until the " \
			"stack has run over"                                         \
		},                                                                   \
	}
extern const struct ws_rule ws_trap_rules[WS_TRAP_RULES];
extern const struct ws_family ws_trap_family;
/* ws_system_entry_point() where vectors are all that there is. */
enum ws_evidence ws_trap_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				     unsigned n, struct ws_entry_point *point);
/* Looks at what of it lies in processors' own data, for a capture. */
void ws_trap_tour(struct ws_system *system);
bool ws_trap_is_last_resort(const struct ws_rule *rule);
bool ws_trap_hangs(const struct ws_audit *audit, const struct ws_about *about);
bool ws_trap_print_death(const struct ws_audit *audit, FILE *to,
			 const struct ws_about *about, const struct ws_finding *finding);

#endif
