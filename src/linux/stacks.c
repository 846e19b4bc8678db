/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * task_struct.stack is found by what it points at: a page-aligned address at whose lower
 * end the kernel has put a magic number, to see when a stack has run over
 * (set_task_stack_end_magic(), kernel/fork.c; in every kernel since d4311ff1a8da, 3.18).
 * Where thread_info still lies in the stack (until 4.9), the number follows it.
 */
#include "linux/stacks.h"

#include "linux/tasks.h"

#define STACK_END_MAGIC 0x57ac6e9d /* include/uapi/linux/magic.h */
/* thread_info was 52 to 104 bytes. */
#define MAGIC_REACH 128
/* From a task's comm back to the start of its task_struct, at most. */
#define REACH 8192
#define SAMPLES 16

uint64_t ws_stack_size(const struct ws_system *system)
{
	return system->layout.word == 8 ? 16384 : 8192;
}

static bool stack_at(struct ws_system *system, const struct ws_task *task, int32_t offset,
		     uint64_t *va)
{
	return ws_kernel_word(system, task->comm_va + offset, va) == WS_READ &&
	       *va % WS_FRAME_SIZE == 0 && ws_is_kernel_va(system, *va);
}

static bool has_magic(struct ws_system *system, uint64_t stack)
{
	uint32_t value;

	for (unsigned at = 0; at < MAGIC_REACH; at += system->layout.word)
		if (ws_kernel_u32(system, stack + at, &value) == WS_READ &&
		    value == STACK_END_MAGIC)
			return true;
	return false;
}

/* Three of four must: some are zombies, and some stack may have run over. */
static bool may_be_stack(struct ws_system *system, int32_t offset)
{
	size_t ntasks = system->tasks.n, n = ntasks < SAMPLES ? ntasks : SAMPLES;
	size_t good = 0;
	uint64_t va, last = 0;

	for (size_t i = 0; i < n; i++) {
		if (!stack_at(system, &system->tasks.v[i * ntasks / n], offset, &va) ||
		    !has_magic(system, va) || va == last)
			continue;
		last = va;
		good++;
	}
	return n && good * 4 >= n * 3;
}

/* The nearest below comm: beyond a task_struct's start lies a neighbour with its own. */
static int32_t find_offset(struct ws_system *system)
{
	int32_t word = (int32_t)system->layout.word;
	uint64_t va;

	for (int32_t offset = -word; offset >= -REACH && system->tasks.n; offset -= word)
		if (stack_at(system, &system->tasks.v[0], offset, &va) &&
		    may_be_stack(system, offset))
			return offset;
	return WS_NO_FIELD;
}

enum ws_status ws_find_stacks(struct ws_system *system, ws_stack_vec *stacks)
{
	int32_t offset = find_offset(system);

	if (offset == WS_NO_FIELD)
		ws_note(system, "no task's kernel stack was found");
	for (size_t i = 0; offset != WS_NO_FIELD && i < system->tasks.n; i++) {
		struct ws_stack *stack;
		uint64_t va;

		if (!stack_at(system, &system->tasks.v[i], offset, &va))
			continue;
		stack = ws_vec_push(stacks);
		if (!stack)
			return ws_fail_memory(system->ctx);
		*stack = (struct ws_stack){ (uint32_t)i, va };
	}
	return WS_OK;
}

/* ---- thread.sp --------------------------------------------------------------------- */

bool ws_saved_sp(struct ws_system *system, const struct ws_stack *stack, int32_t offset,
		 uint64_t *sp)
{
	const struct ws_task *task = &system->tasks.v[stack->task];

	return ws_kernel_word(system, task->comm_va + offset, sp) == WS_READ &&
	       *sp > stack->va && *sp - stack->va < ws_stack_size(system) &&
	       *sp % system->layout.word == 0;
}

/*
 * It points into its own task's stack, in every task, and not to the same depth in all:
 * i386's thread.sp0, which does, is the stack's top.
 */
static bool may_be_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
			    int32_t offset)
{
	size_t n = stacks->n < SAMPLES ? stacks->n : SAMPLES, good = 0;
	uint64_t sp, depth = 0;
	bool differ = false;

	for (size_t i = 0; i < n; i++) {
		const struct ws_stack *stack = &stacks->v[i * stacks->n / n];

		if (!ws_saved_sp(system, stack, offset, &sp))
			continue;
		differ |= good && sp - stack->va != depth;
		depth = sp - stack->va;
		good++;
	}
	return differ && good * 4 >= n * 3;
}

/*
 * x86's thread_struct has always lain behind comm, and is the last member since 4.2
 * (0c8c0f03e3a2).
 */
bool ws_find_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
		      int32_t *offset)
{
	int32_t word = (int32_t)system->layout.word;

	for (*offset = 0; *offset <= REACH; *offset += word)
		if (may_be_saved_sp(system, stacks, *offset))
			return true;
	return false;
}
