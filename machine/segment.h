/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Segments, tasks and the stacks that a TSS names. */
#ifndef MACHINE_SEGMENT_H
#define MACHINE_SEGMENT_H

#include "event.h"

/* ---- segment.c ---- */

/*
 * Reads the descriptor; false: a fault, or with event->vector == vector and the selector
 * as error, an index outside the table.
 */
bool segment_read(struct machine_cpu *cpu, uint16_t selector, enum machine_vector vector,
		  uint32_t ext, struct machine_segment *segment,
		  struct machine_event *event);
/* Sets a flag of the descriptor, in memory: nothing else of it changes. */
bool segment_mark(struct machine_cpu *cpu, const struct machine_segment *segment,
		  uint32_t flag, struct machine_event *event);
/* Sets its accessed flag if it is clear (SDM 3.4.5.1). */
bool segment_accessed(struct machine_cpu *cpu, const struct machine_segment *segment,
		      struct machine_event *event);
/* The register's offsets wrap at 16, 32 or 64 bits. */
uint64_t segment_stack_mask(const struct machine_cpu *cpu,
			    const struct machine_segment *ss);
struct machine_segment segment_vm86(uint16_t selector);

/* ---- tss.c ---- */

/* SDM 8.3: to the TSS that a task gate names; ip is what the old task resumes at. */
bool task_switch(struct machine_cpu *cpu, uint16_t selector, uint64_t ip, uint32_t ext,
		 struct machine_event *event);
/* The stack for a privilege level, from the current TSS (SDM 6.12.1, 8.7). */
bool task_stack(struct machine_cpu *cpu, unsigned dpl, uint32_t ext, uint16_t *ss,
		uint64_t *sp, struct machine_event *event);
bool task_stack64(struct machine_cpu *cpu, unsigned dpl, unsigned ist, uint32_t ext,
		  uint64_t *sp, struct machine_event *event);

#endif
