/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where tasks' kernel stacks lie. */
#ifndef WS_LINUX_STACKS_H
#define WS_LINUX_STACKS_H

#include "linux/linux.h"

struct ws_stack {
	uint32_t task; /* index into the system's tasks */
	uint64_t va;   /* its lowest byte; it is ws_stack_size() long */
};
typedef WS_VEC(struct ws_stack) ws_stack_vec;

/*
 * THREAD_SIZE of arch/x86/include/asm/page_32_types.h, page_64_types.h. KASAN doubles
 * the latter: of such a stack this is the lower half.
 */
uint64_t ws_stack_size(const struct ws_system *system);

/*
 * The stack of every task that has one (a zombie's is gone), in the tasks' order. None,
 * and a note, where task_struct's pointer to it was not found. *stacks is the caller's.
 */
enum ws_status ws_find_stacks(struct ws_system *system,
			      ws_stack_vec *stacks) WS_MUST_CHECK;

/*
 * Where the task was on its stack when it was switched away: thread_struct.sp. False
 * where task_struct's field was not found, or is not in memory.
 */
bool ws_find_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
		      int32_t *offset);
bool ws_saved_sp(struct ws_system *system, const struct ws_stack *stack, int32_t offset,
		 uint64_t *sp);

#endif
