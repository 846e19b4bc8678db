/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the processor would do next. A simulated one (machine/machine.h) begins with the
 * target's registers, over the target's memory:
 *
 *	machine.c  the machine over that memory
 *	start.c    the state at the fault: whose registers, which root
 *	stack.c    and which stack
 *	story.c    the fault delivered and followed, and what it came to
 *	ground.c   the end: which access failed, and why
 *	uses.c     what a frame was that is overwritten now
 *	runs.c     overwritten frames, neighbours of one use merged
 *	replay.c   the same over a dead machine's memory, for an autopsy
 */
#ifndef WS_X86_WHATIF_WHATIF_H
#define WS_X86_WHATIF_WHATIF_H

#include "audit/rule.h"
#include "linux/stacks.h"
#include "machine/machine.h"

/* The stack that the TSS of a processor names for faults in user mode. */
struct ws_tss_stack {
	const struct ws_cpu *cpu;
	uint64_t sp0;                   /* 0: not read */
	const struct ws_stack *running; /* whose it is; NULL: no task's */
};

/* A frame as it was before the target was taken, as far as that can be worked out. */
struct ws_frame_before {
	uint64_t pa;
	uint8_t bytes[WS_FRAME_SIZE];
};

struct ws_machine {
	struct ws_audit *audit; /* not owned */
	struct ws_system *system;
	struct machine_memory *memory;
	struct machine_cpu cpu;
	bool has_cpu; /* with a model that was asked for: */
	uint8_t processor;
	ws_stack_vec stacks; /* once stacks_done */
	bool stacks_done;
	int32_t saved_sp; /* once saved_sp_done; WS_NO_FIELD: not found */
	bool saved_sp_done;
	struct ws_tss_stack tss_stack; /* of the processor that was asked for last */
	uint64_t root;                 /* of the story */
	/* The frame of the TSS with another task's stack in it; tss_pa 0: as it is. */
	uint64_t tss_pa;
	uint8_t tss[WS_FRAME_SIZE];
	WS_VEC(struct ws_frame_before) before; /* these are not the target's (replay.c) */
	uint64_t missing, missing_pa;          /* frames that the target does not hold */
	WS_VEC(struct ws_frame_run) runs;
};

enum ws_status x86_machine_create(struct ws_audit *audit,
				  struct ws_machine **machine) WS_MUST_CHECK;

/* Forgets the last story: the memory is the target's again, the processor such a one. */
void ws_machine_load(struct ws_machine *machine, enum ws_processor processor,
		     const struct machine_registers *registers);

/* Fills *registers, and what of the story is known before it begins. */
enum ws_status ws_start(struct ws_machine *machine, const struct ws_what_if *what_if,
			struct machine_registers *registers,
			struct ws_story *story) WS_MUST_CHECK;

/*
 * The processor whose registers a fault under that root begins with; *here: it has the
 * root loaded. NULL: none will do.
 */
const struct ws_cpu *ws_start_cpu(const struct ws_system *system, uint64_t root,
				  bool *here);

/* Fills the story's start_sp and sp_origin. */
enum ws_status ws_start_sp(struct ws_machine *machine, const struct ws_what_if *what_if,
			   const struct ws_cpu *cpu,
			   struct ws_story *story) WS_MUST_CHECK;

/* Kernel stacks, found once. */
enum ws_status ws_machine_stacks(struct ws_machine *machine) WS_MUST_CHECK;

/* From the story's last delivery: stumble, before, after and undermined. */
void ws_ground(struct ws_machine *machine, const struct machine_registers *registers,
	       struct ws_story *story);

/* Fills use, and what belongs to it, of frames that have a pa; sorted by it. */
enum ws_status ws_frame_uses(struct ws_machine *machine, struct ws_frame_run *frames,
			     size_t n) WS_MUST_CHECK;

/* Data was written, and not only accessed and dirty flags. */
static inline bool ws_is_overwritten(const struct machine_written *written)
{
	return written->reasons & MACHINE_WROTE_DATA;
}

#endif
