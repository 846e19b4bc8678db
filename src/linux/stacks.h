/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where tasks' kernel stacks lie. */
#ifndef WS_LINUX_STACKS_H
#define WS_LINUX_STACKS_H

#include "linux/linux.h"

struct ws_stack {
	uint32_t task; /* index into the system's tasks */
	uint64_t va;   /* its lowest byte */
	uint64_t size; /* what is known to be its, from there on */
	bool whole;    /* and that is all of it; else it is a page, the least there is */
};
typedef WS_VEC(struct ws_stack) ws_stack_vec;

/*
 * The stack of every task that has one (a zombie's is gone), in the tasks' order. None,
 * and a note, where task_struct's pointer to it was not found. How long they are is found
 * too, and is the same for all. *stacks is the caller's.
 */
enum ws_status ws_find_stacks(struct ws_system *system,
			      ws_stack_vec *stacks) WS_MUST_CHECK;

/*
 * The stack that a stack pointer is on; NULL: no task's that is known. An empty one's is
 * right behind its last byte. Whoever says whose stack a processor is on asks this.
 */
const struct ws_stack *ws_stack_at(const ws_stack_vec *stacks, uint64_t sp);

/*
 * Whether the magic number is at its lower end: the pointer to it was not damaged, and it has
 * not run over.
 */
bool ws_stack_has_magic(struct ws_system *system, const struct ws_stack *stack);

/* From a task's comm to its pointer to the stack; WS_NO_FIELD. */
int32_t ws_find_stack_field(struct ws_system *system);

/*
 * Where the task was on its stack when it was switched away: thread_struct.sp. False
 * where task_struct's field was not found, or is not in memory.
 */
bool ws_find_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
		      int32_t *offset);
bool ws_saved_sp(struct ws_system *system, const struct ws_stack *stack, int32_t offset,
		 uint64_t *sp);

#endif
