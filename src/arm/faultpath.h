/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path: all that an ARM processor and the kernel's entry code go through between
 * an abort and its handler. What shares a subject shares a file:
 *
 *	fault_rules.c   the rules
 *	vectors.c       the vectors, their stubs, and the handlers that these lead to
 *	abort_tables.c  the tables of handlers by fault status
 *	mode_stacks.c   stacks that are no task's: of modes, and where others have run over
 *	places.c        what no symbol says where it lies
 *	user_mode.c     the way from user mode, by its own regime
 *	faultpath.c     the run
 *	ending.c        how a machine ends that lacks some of it
 */
#ifndef WS_ARM_FAULTPATH_H
#define WS_ARM_FAULTPATH_H

#include "audit/arch.h"
#include "audit/needs.h"
#include "linux/stacks.h"

enum arm_fault_rule {
	ARM_RULE_VECTORS,
	ARM_RULE_ABORT_ENTRY,
	ARM_RULE_ABORT_REACH,
	ARM_RULE_ABORT_STACK,
	ARM_RULE_HANDLER,
	ARM_RULE_FOREIGN,
	ARM_FAULT_RULES
};
extern const struct ws_rule arm_fault_rules[ARM_FAULT_RULES];
extern const struct ws_family arm_faultpath;
extern const struct ws_arch_audit arm_audit;

/* DDI 0406C, table B1-3; Linux uses high vectors wherever it has an MMU that can. */
#define ARM_VECTORS UINT64_C(0xffff0000)
/*
 * Where they are: by SCTLR.V and VBAR, where a target has these; else low ones, at 0, are
 * in use where init_mm has that page twice: it maps it at 0 for no other reason
 * (devicemaps_init(), arch/arm/mm/mmu.c). NULL: it is known; else what it takes to know.
 */
const char *arm_find_vectors(struct ws_system *system, uint64_t *va);
enum arm_vector {
	ARM_VECTOR_UNDEFINED = 1,
	ARM_VECTOR_SVC,
	ARM_VECTOR_PREFETCH,
	ARM_VECTOR_DATA,
	ARM_VECTOR_IRQ = 6,
	ARM_VECTOR_FIQ,
	ARM_VECTORS_END
};

/* What the code at a vector leads to, by init_mm's eyes. */
#define ARM_STUB_PARTS 8
struct arm_stub {
	struct {
		uint64_t va, last;
	} part[ARM_STUB_PARTS]; /* code and words that it goes through */
	unsigned nparts;
	bool hole; /* the last part is not mapped */
	uint64_t user,
		kernel; /* handlers of what interrupts user and SVC mode; 0: none */
};

/* Follows it. WS_NOT_MAPPED: a hole, or what lies there is no code that Linux has there. */
enum ws_evidence arm_follow_vector(struct ws_system *system, uint64_t vectors,
				   enum arm_vector vector,
				   struct arm_stub *stub) WS_MUST_CHECK;

/* A row of fsr_info or ifsr_info for translation faults. */
struct arm_abort_row {
	uint64_t va, last;
	uint64_t handler;
};
#define ARM_ABORT_ROWS 8
/* Those in the image; 0 where there is none to be seen. */
enum ws_status arm_find_abort_rows(struct ws_system *system,
				   struct arm_abort_row row[static ARM_ABORT_ROWS],
				   unsigned *n) WS_MUST_CHECK;

/* mode_stacks.c; false: no symbol says where those of the modes are. */
#define ARM_OVERFLOW_STACK "overflow_stack_ptr"
bool arm_need_mode_stacks(struct ws_needs *needs);
void arm_need_overflow_stacks(struct ws_needs *needs);

/* places.c; knows_modes: where the stacks of modes are is known. */
void arm_lack_places(struct ws_audit *audit, bool knows_modes);

/*
 * user_mode.c: checks the needs that were gathered so far in the regime that user mode
 * has, where that is another one than the system's.
 */
enum ws_status arm_check_user_mode(const struct ws_needs *of_kernel,
				   const ws_stack_vec *stacks,
				   bool knows_modes) WS_MUST_CHECK;

/* ending.c, for struct ws_fault_path */
bool arm_hangs(const struct ws_audit *audit, const struct ws_about *about);
bool arm_print_death(const struct ws_audit *audit, FILE *to, const struct ws_about *about,
		     const struct ws_finding *finding);

#endif
