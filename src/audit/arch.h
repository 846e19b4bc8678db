/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an audit asks of an architecture: what brings a hole up to date, what a processor
 * and the kernel's entry code need to take a fault, and how a machine ends that lacks
 * some of it. One struct each, in the architecture's folder; struct ws_arch leads to it.
 */
#ifndef WS_AUDIT_ARCH_H
#define WS_AUDIT_ARCH_H

#include <stdio.h>

#include "audit/rule.h"

/*
 * By which a kernel knows that a space is to be brought up to date: the space's own word,
 * which is then made init_mm's.
 */
struct ws_mending_count {
	const char *name; /* "vmalloc_seq" */
	bool never;       /* this kernel has it, and compares nothing */
	int32_t offset;   /* in mm_struct; 32 bits */
	uint32_t now;     /* init_mm's */
};

/*
 * A way in which a kernel brings a space up to date: it copies init_mm's entry to where
 * a private one is empty. Of a user half it copies none.
 */
struct ws_mending {
	/* Does it, and is never inlined: all of a kernel's functions have it, or it does
	 * not. */
	const char *function;
	struct ws_repair repair; /* what it is, and when it comes */
	const char *region; /* of that it copies entries, and of no other; NULL: of all */
	bool copies_above;  /* and the entries above a private one that lead to it */
	const char *then;   /* what an access comes to: "faults once and goes on" */
	const char
		*works; /* a sentence: what it needs is there; NULL: it needs nothing */
	const char *unless; /* kernels with that function do not; NULL: or another way */
	/* It is done where a space's count is not init_mm's, and nowhere else. False: it is
	 * not known where these are. NULL: it is always done. */
	bool (*count)(struct ws_system *system, struct ws_mending_count *count);
};
#define WS_MENDINGS_MAX 4

/* The findings of one space, in the order in which they were found. */
struct ws_about {
	const struct ws_finding *const *v;
	size_t n;
	const struct ws_space *space;
	char owner[48]; /* "83 waiter", "83 waiter (user half)" */
	/* What is wrong in init_mm with what takes over where no fault can be taken. */
	const struct ws_finding *last_resort;
	bool hangs, no_image; /* as the judgement has them */
};
bool ws_about_has(const struct ws_about *about, const char *rule);

struct ws_trap; /* trap.h */

/* From a fault to its handler. */
struct ws_fault_path {
	/* The rules, and the pass that gathers needs and checks them (needs.h). */
	const struct ws_family *family;
	const struct ws_trap *trap; /* of the family of trap.h; else NULL */
	/* That of a task's own stack: where a space nests, nobody comes so far. Or NULL. */
	const struct ws_rule *task_stack;
	/* Whether a rule is about what takes over where no fault can be taken. */
	bool (*is_last_resort)(const struct ws_rule *rule);
	struct ws_nesting nesting; /* what comes of it, in words */
	/* Whether a processor goes on for ever in a space that nests. */
	bool (*hangs)(const struct ws_audit *audit, const struct ws_about *about);
	/*
	 * The reasons from a finding that ends the machine, a step a line, what is seen of
	 * it first. False: it knows none, and has printed nothing.
	 */
	bool (*print_death)(const struct ws_audit *audit, FILE *to,
			    const struct ws_about *about,
			    const struct ws_finding *finding);
};

struct ws_jump;
struct ws_special;

/* What a rule would find, and the kernel means. Ends with rule NULL. */
struct ws_meant {
	const char *rule;     /* its id */
	uint8_t word;         /* in kernels with longs of that size */
	const char *region;   /* in that region; NULL: */
	uint64_t first, last; /* in the direct map: pa */
	const char *why;      /* ": the PCI BIOS, which the kernel calls" */
};

/* Page-table isolation: what tables hold of the kernel by which user mode runs. */
struct ws_isolation {
	const char *area; /* that all enter by: its frames may lie elsewhere too */
	const char *const *whole; /* regions that user halves may have; ends with NULL */
	const char *const *own;   /* and where each space has its own; ends with NULL */
};

/*
 * A processor that has a space loaded, and the kernel's own account of flushes: up to which
 * generation of the space's user translations it has flushed, and others have.
 */
struct ws_flushed {
	size_t cpu;
	uint32_t space;
	uint64_t flushed;
	uint64_t others; /* the most that another has, and which; 0: none has any */
	size_t other;
	bool deaf;           /* its interrupts are off */
	const char *unknown; /* why that is not known; NULL: it is */
};
struct ws_flushes {
	WS_VEC(struct ws_flushed) of;
	const char *unknown; /* why nothing is known of any processor; or NULL */
};

struct ws_arch_audit {
	const struct ws_fault_path *fault_path; /* NULL: it is not known */
	/*
	 * The account that kernels keep of flushes, of each processor that uses a space:
	 * who runs a kernel thread, or has init_mm loaded, is left out. NULL: they keep
	 * none.
	 */
	enum ws_status (*flushes)(struct ws_system *system, struct ws_flushes *flushes);
	/* Ends with function NULL, after WS_MENDINGS_MAX at most. */
	const struct ws_mending *mendings;
	/* A write or fetch that init_mm allows and the space does not is tried again. */
	bool tries_again;
	/* "is a user page that PAN refuses", "are user pages ...": who keeps the kernel from
	 * one that a need may not lie in. */
	const char *user_page, *user_pages;
	const struct ws_jump
		*jumps; /* through tables of their own (jump.h); NULL: none is known */
	/* Page tables of the kernel's own, and what they have to map (special.h); NULL:
	 * none is known. Ends with root NULL. */
	const struct ws_special *specials;
	const struct ws_meant *meant;         /* NULL: nothing is */
	const struct ws_isolation *isolation; /* NULL: it has no user halves */
	bool reads_past_holes;                /* by speculation: L1TF */
	bool first_frame_unused; /* the kernel has nothing in the frame at 0 */
};

#endif
