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

/* WS_NOT_MAPPED: what lies there is no stack's address. */
static enum ws_evidence stack_at(struct ws_system *system, const struct ws_task *task,
				 int32_t offset, uint64_t *va)
{
	enum ws_evidence evidence = ws_kernel_word(system, task->comm_va + offset, va);

	if (evidence != WS_READ)
		return evidence;
	return *va % WS_FRAME_SIZE == 0 && ws_is_kernel_va(system, *va) ? WS_READ
									: WS_NOT_MAPPED;
}

static enum ws_evidence find_magic(struct ws_system *system, uint64_t stack)
{
	uint32_t value;

	for (unsigned at = 0; at < MAGIC_REACH; at += system->layout.word) {
		enum ws_evidence evidence = ws_kernel_u32(system, stack + at, &value);

		if (evidence != WS_READ)
			return evidence;
		if (value == STACK_END_MAGIC)
			return WS_READ;
	}
	return WS_NOT_MAPPED;
}

bool ws_stack_has_magic(struct ws_system *system, const struct ws_stack *stack)
{
	return find_magic(system, stack->va) == WS_READ;
}

struct tally {
	unsigned good, read, absent;
	uint64_t last;
};

static void look_at(struct ws_system *system, size_t task, int32_t offset,
		    struct tally *tally)
{
	uint64_t va;
	enum ws_evidence evidence = stack_at(system, &system->tasks.v[task], offset, &va);

	if (evidence == WS_READ)
		evidence = find_magic(system, va);
	tally->absent += evidence == WS_ABSENT;
	tally->read += evidence != WS_ABSENT;
	if (evidence != WS_READ || va == tally->last)
		return;
	tally->last = va;
	tally->good++;
}

/*
 * Three of four must: some are zombies, and some stack may have run over. Where a dump
 * leaves some of the sample out, which says nothing, it is asked of all that it has.
 */
static bool may_be_stack(struct ws_system *system, int32_t offset)
{
	size_t ntasks = system->tasks.n, n = ntasks < SAMPLES ? ntasks : SAMPLES;
	struct tally tally = { 0 };

	for (size_t i = 0; i < n; i++)
		look_at(system, i * ntasks / n, offset, &tally);
	if (tally.absent) {
		tally = (struct tally){ 0 };
		for (size_t i = 0; i < ntasks && tally.read < SAMPLES; i++)
			look_at(system, i, offset, &tally);
	}
	return tally.good && tally.good * 4 >= tally.read * 3;
}

/*
 * The nearest below comm: beyond a task_struct's start lies a neighbour with its own. The
 * first task is init_task, which has no such neighbour: what is no stack's there is none.
 */
int32_t ws_find_stack_field(struct ws_system *system)
{
	int32_t word = (int32_t)system->layout.word;
	uint64_t va;

	for (int32_t offset = -word; offset >= -REACH && system->tasks.n; offset -= word)
		if (stack_at(system, &system->tasks.v[0], offset, &va) != WS_NOT_MAPPED &&
		    may_be_stack(system, offset))
			return offset;
	return WS_NO_FIELD;
}

/* ---- how long they are ------------------------------------------------------------ */

/*
 * THREAD_SIZE has been 4 KiB (i386 with 4KSTACKS, until 2.6.37), 8 KiB (i386, and x86-64
 * until 6538b8ea886e, 3.15) and 16 KiB, and is twice as much with KASAN (c420f167db8c).
 */
#define STACK_MAX 65536

/* Between a stack's top and where a fault in user mode begins on it:
 * TOP_OF_KERNEL_STACK_PADDING (arch/x86/include/asm/thread_info.h). */
#define PADDING_MAX 16

/*
 * A stack lies on a multiple of its size: current_thread_info() masked the stack pointer,
 * and VMAP_STACK has THREAD_ALIGN. Three of four must, as above: so it is no longer.
 */
static uint64_t most_size(const ws_stack_vec *stacks)
{
	uint64_t size = STACK_MAX;
	size_t good;

	for (; size > WS_FRAME_SIZE; size /= 2) {
		good = 0;
		ws_vec_each(stacks, stack)
			good += stack->va % size == 0;
		if (good * 4 >= stacks->n * 3)
			break;
	}
	return size;
}

static uint64_t size_with(uint64_t depth)
{
	uint64_t size = WS_FRAME_SIZE;

	while (size < depth)
		size *= 2;
	return size;
}

/* Of the stack whose top that is; 0: of none. */
static uint64_t size_below(const ws_stack_vec *stacks, uint64_t top, uint64_t most)
{
	uint64_t depth = UINT64_MAX, size;

	ws_vec_each(stacks, stack)
		if (top > stack->va && top - stack->va < depth)
			depth = top - stack->va;
	if (depth > most)
		return 0;
	size = size_with(depth);
	return size - depth <= PADDING_MAX ? size : 0;
}

/* What a processor has for faults in user mode may be the current task's own; 0: none. */
static uint64_t size_by_top(struct ws_system *system, const ws_stack_vec *stacks,
			    uint64_t most)
{
	uint64_t top[WS_STACK_TOPS];

	ws_vec_each(&system->target->cpus, cpu) {
		const struct ws_arch_linux *on_linux = cpu->arch->on_linux;
		uint64_t size;

		if (!on_linux || !on_linux->stack_tops ||
		    !on_linux->stack_tops(system, cpu, top))
			continue;
		size = size_below(stacks, top[0], most);
		if (size)
			return size;
	}
	return 0;
}

/*
 * A task that sleeps has little on its stack: where the least deep of some tasks is, lies
 * in the upper half. If it does not, less is claimed than there is. 0: not known.
 */
static uint64_t size_by_saved_sp(struct ws_system *system, const ws_stack_vec *stacks)
{
	size_t n = stacks->n < SAMPLES ? stacks->n : SAMPLES;
	uint64_t sp, highest = 0;
	int32_t offset;

	if (!ws_find_saved_sp(system, stacks, &offset))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct ws_stack *stack = &stacks->v[i * stacks->n / n];

		if (ws_saved_sp(system, stack, offset, &sp) && sp - stack->va > highest)
			highest = sp - stack->va;
	}
	return size_with(highest + 1);
}

/* From va to the page that is not mapped; 0 where that is too far, or is not known. */
static uint64_t mapped_length(struct ws_system *system, uint64_t va)
{
	enum ws_evidence evidence = WS_READ;
	uint64_t length = 0, pa;

	while (evidence == WS_READ && length <= STACK_MAX) {
		evidence = ws_kernel_translate(system, va + length, &pa);
		if (evidence == WS_READ)
			length += WS_FRAME_SIZE;
	}
	return evidence == WS_NOT_MAPPED && length <= STACK_MAX ? length : 0;
}

/* With VMAP_STACK (since 4.9) there is a guard page behind each; three of four decide. */
static uint64_t size_by_guard(struct ws_system *system, const ws_stack_vec *stacks)
{
	size_t n = stacks->n < SAMPLES ? stacks->n : SAMPLES;

	for (uint64_t size = WS_FRAME_SIZE; n && size <= STACK_MAX; size *= 2) {
		size_t good = 0;

		for (size_t i = 0; i < n; i++)
			good += mapped_length(system, stacks->v[i * stacks->n / n].va) ==
				size;
		if (good * 4 >= n * 3)
			return size;
	}
	return 0;
}

static void set_size(ws_stack_vec *stacks, uint64_t size, bool whole)
{
	ws_vec_each(stacks, stack) {
		stack->size = size;
		stack->whole = whole;
	}
}

static void find_size(struct ws_system *system, ws_stack_vec *stacks)
{
	uint64_t most = most_size(stacks), size;

	set_size(stacks, most, false);
	size = size_by_saved_sp(system, stacks);
	if (!size)
		size = size_by_top(system, stacks, most);
	if (!size)
		size = size_by_guard(system, stacks);
	set_size(stacks, size ? size : WS_FRAME_SIZE, size);
	if (!size && stacks->n)
		ws_note(system,
			"how long kernel stacks are was not found: of each only its "
			"lowest page is looked at");
}

enum ws_status ws_find_stacks(struct ws_system *system, ws_stack_vec *stacks)
{
	int32_t offset = ws_find_stack_field(system);

	if (offset == WS_NO_FIELD)
		ws_note(system, "no task's kernel stack was found");
	for (size_t i = 0; offset != WS_NO_FIELD && i < system->tasks.n; i++) {
		struct ws_stack *stack;
		uint64_t va;

		if (stack_at(system, &system->tasks.v[i], offset, &va) != WS_READ)
			continue;
		stack = ws_vec_push(stacks);
		if (!stack)
			return ws_fail_memory(system->ctx);
		*stack = (struct ws_stack){ .task = (uint32_t)i, .va = va };
	}
	find_size(system, stacks);
	return WS_OK;
}

static bool holds(const struct ws_stack *stack, uint64_t sp)
{
	return sp > stack->va && sp - stack->va <= stack->size;
}

const struct ws_stack *ws_stack_at(const ws_stack_vec *stacks, uint64_t sp)
{
	ws_vec_each(stacks, stack)
		if (holds(stack, sp))
			return stack;
	return NULL;
}

/* ---- thread.sp --------------------------------------------------------------------- */

/* WS_NOT_MAPPED: what lies there is no address in the stack. */
static enum ws_evidence saved_sp(struct ws_system *system, const struct ws_stack *stack,
				 int32_t offset, uint64_t *sp)
{
	const struct ws_task *task = &system->tasks.v[stack->task];
	enum ws_evidence evidence = ws_kernel_word(system, task->comm_va + offset, sp);

	if (evidence != WS_READ)
		return evidence;
	return *sp > stack->va && *sp - stack->va < stack->size &&
			       *sp % system->layout.word == 0
		       ? WS_READ
		       : WS_NOT_MAPPED;
}

bool ws_saved_sp(struct ws_system *system, const struct ws_stack *stack, int32_t offset,
		 uint64_t *sp)
{
	return saved_sp(system, stack, offset, sp) == WS_READ;
}

/*
 * It points into its own task's stack, in three of four that can be read, and not to the
 * same depth in all: i386's thread.sp0, which does, is the stack's top.
 */
static bool may_be_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
			    int32_t offset)
{
	size_t n = stacks->n < SAMPLES ? stacks->n : SAMPLES, good = 0, read = 0;
	uint64_t sp, depth = 0;
	bool differ = false;

	for (size_t i = 0; i < n; i++) {
		const struct ws_stack *stack = &stacks->v[i * stacks->n / n];
		enum ws_evidence evidence = saved_sp(system, stack, offset, &sp);

		read += evidence != WS_ABSENT;
		if (evidence != WS_READ)
			continue;
		differ |= good && sp - stack->va != depth;
		depth = sp - stack->va;
		good++;
	}
	return differ && good * 4 >= read * 3;
}

/*
 * thread_struct has always lain behind comm, and is the last member since 4.2
 * (0c8c0f03e3a2).
 */
bool ws_find_saved_sp(struct ws_system *system, const ws_stack_vec *stacks,
		      int32_t *offset)
{
	int32_t word = (int32_t)system->layout.word;

	int32_t first = ws_linux_row(system)->sp_in_thread_info ? -REACH : 0;

	for (*offset = first; *offset <= first + REACH; *offset += word)
		if (may_be_saved_sp(system, stacks, *offset))
			return true;
	return false;
}
