/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel stack that ran over: into its guard page, or through the memory below it, and page
 * tables that lie there.
 */
#include "autopsy/calls.h"
#include "autopsy/causes.h"
#include "autopsy/lost_table.h"
#include "autopsy/reach.h"

#include <endian.h>

#include "util/count.h"

/* ---- a stack that ran over ---------------------------------------------------------- */

static const struct ws_stack *stack_above(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->stacks, stack)
		if (stack->whole && stack->va - va - 1 < WS_FRAME_SIZE)
			return stack;
	return NULL;
}

/* A push is below the stack pointer; of a frame that was made already it is somewhere. */
#define NEAR_END 512u

static bool is_at_end(const struct ws_stack *stack, uint64_t sp)
{
	return sp - (stack->va - WS_FRAME_SIZE) < WS_FRAME_SIZE + NEAR_END;
}

/* The exception frame of what faulted there, on whatever stack it was pushed. */
static bool has_frame_at_end(const struct ws_autopsy *autopsy,
			     const struct ws_stack *stack)
{
	ws_vec_each(&autopsy->piles, pile)
		if (!pile->frame.user && is_at_end(stack, pile->frame.sp))
			return true;
	return false;
}

/* x86 and arm64 have the words in traps.c, as riscv and arm do */
static const char *const overflow_words[] = {
	"stack guard page was hit",
	"kernel stack overflow",
	"Kernel stack overflow",
	"Insufficient stack space to handle exception",
};

/*
 * The page below a stack is the one behind what lies before it in vmalloc as well: that a
 * fault was there does not tell who ran into it.
 */
static bool was_at_end(struct ws_autopsy *autopsy, const struct ws_standing *standing,
		       const struct ws_stack *stack)
{
	return is_at_end(stack, standing->sp) ||
	       (standing->was_elsewhere && is_at_end(stack, standing->before_sp)) ||
	       has_frame_at_end(autopsy, stack) ||
	       ws_log_has(autopsy, overflow_words, WS_ARRAY_SIZE(overflow_words));
}

static bool is_guard_hit(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_task *task;
		const struct ws_stack *stack;
		struct ws_standing standing;
		struct ws_trail trail;

		if (!autopsy->arch->standing(autopsy->system, &system->target->cpus.v[i],
					     &standing) ||
		    !standing.has_fault ||
		    !(stack = stack_above(autopsy, standing.fault)) ||
		    !was_at_end(autopsy, &standing, stack))
			continue;
		ws_walk(&system->paging, system->layout.reference, standing.fault,
			&trail);
		if (trail.end == WS_END_PAGE || !ws_end_is_known(trail.end))
			continue;
		task = &system->tasks.v[stack->task];
		death->has_cpu = true;
		death->cpu = i;
		death->certainty = WS_CERTAINTY_LIKELY;
		ws_put_space(autopsy, death, task->active_space);
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#jx, is in the page below "
			"the kernel stack of %u %s, which begins at %#jx: nothing is mapped "
			"there, to catch what runs over",
			i, standing.fault, task->pid, task->comm, stack->va);
		ws_say(autopsy,
		       "the kernel stack of %u %s ran over into the guard page below it, and the "
		       "fault of that could not be pushed there either: a double fault",
		       task->pid, task->comm);
		return true;
	}
	return false;
}

/*
 * include/uapi/linux/magic.h: the word at the end of a task's stack, behind thread_info where
 * that lies there. fork() puts it there.
 */
#define STACK_END_MAGIC 0x57ac6e9du
#define STACK_END_BYTES 256u
#define STACK_END_WORDS (STACK_END_BYTES / 4)

static bool read_end(const struct ws_autopsy *autopsy, const struct ws_stack *stack,
		     uint32_t words[static STACK_END_WORDS])
{
	return ws_read_as_it_was(autopsy->system, stack->va, words, STACK_END_BYTES);
}

/* So many have it at one place in one kernel, however many were run over. */
#define STACKS_MIN 8u

/* Where stacks have the word; false: too few do, so that one without says nothing. */
static bool find_magic(const struct ws_autopsy *autopsy, unsigned *at)
{
	size_t votes[STACK_END_WORDS] = { 0 };
	uint32_t words[STACK_END_WORDS];

	ws_vec_each(&autopsy->stacks, stack) {
		if (!read_end(autopsy, stack, words))
			continue;
		for (unsigned i = 0; i < STACK_END_WORDS; i++)
			votes[i] += le32toh(words[i]) == STACK_END_MAGIC;
	}
	*at = 0;
	for (unsigned i = 0; i < STACK_END_WORDS; i++)
		if (votes[i] > votes[*at])
			*at = i;
	return votes[*at] >= STACKS_MIN;
}

/*
 * The task whose space the processor is in has a stack that lies above SP, all of it, and what
 * lies below that is a stack too: other stacks than tasks' lie in the same memory.
 */
static const struct ws_stack *stack_left(const struct ws_autopsy *autopsy,
					 const struct ws_cpu *cpu, uint64_t sp)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_stack *left = NULL;
	uint64_t root;

	if (!ws_system_cpu_root(system, cpu, &root))
		return NULL;
	ws_vec_each(&autopsy->stacks, stack) {
		uint32_t space = system->tasks.v[stack->task].active_space;

		if (sp - stack->va < stack->size)
			return NULL; /* it is on some task's, as it should be */
		if (space != WS_NO_SPACE && sp < stack->va &&
		    system->spaces.v[space].root == root &&
		    ws_find_calls(autopsy->system, stack->va - WS_FRAME_SIZE))
			left = stack;
	}
	return left;
}

/* Whether the word at the stack's end is there, and is the one, or another. */
static bool is_intact(const struct ws_autopsy *autopsy, const struct ws_stack *stack,
		      unsigned at)
{
	uint32_t words[STACK_END_WORDS];

	return read_end(autopsy, stack, words) && le32toh(words[at]) == STACK_END_MAGIC;
}

static bool is_overwritten(const struct ws_autopsy *autopsy, const struct ws_stack *stack,
			   unsigned at)
{
	uint32_t words[STACK_END_WORDS];

	return read_end(autopsy, stack, words) && le32toh(words[at]) != STACK_END_MAGIC;
}

/*
 * From which stack a stack pointer came down through others: each in between has lost its
 * word, and the next one above has it.
 */
static const struct ws_stack *stack_run_over(const struct ws_autopsy *autopsy,
					     uint64_t sp, unsigned at)
{
	const struct ws_stack *highest = NULL, *intact = NULL;

	ws_vec_each(&autopsy->stacks, stack)
		if (stack->va + stack->size > sp && is_intact(autopsy, stack, at) &&
		    (!intact || stack->va < intact->va))
			intact = stack;
	ws_vec_each(&autopsy->stacks, stack)
		if (stack->va > sp && is_overwritten(autopsy, stack, at) &&
		    (!intact || stack->va < intact->va) &&
		    (!highest || stack->va > highest->va))
			highest = stack;
	return highest;
}

static void take_overflow(struct ws_autopsy *autopsy, struct ws_death *death,
			  const struct ws_stack *stack, uint64_t sp, unsigned at,
			  bool was_before)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_task *task = &system->tasks.v[stack->task];
	struct ws_clue *clue;
	size_t nroots = 0;

	death->has_cpu = true;
	death->certainty = WS_CERTAINTY_LIKELY;
	ws_put_space(autopsy, death, task->active_space);
	ws_clue(autopsy, "processor",
		"cpu %u %s in kernel mode, and its stack pointer, %#jx, %s %s below the end "
		"of the kernel stack of %u %s, which begins at %#jx",
		death->cpu, was_before ? "was interrupted by a double fault" : "is", sp,
		was_before ? "was" : "is", WS_COUNT_OF(stack->va - sp, "byte"), task->pid,
		task->comm, stack->va);
	clue = ws_clue(
		autopsy, "stack",
		"the word that marks the end of a stack is overwritten in this one; "
		"other tasks' stacks have it");
	if (clue) {
		clue->has_va = true;
		clue->va = stack->va + 4 * at;
	}
	ws_vec_each(&system->damaged, root)
		nroots += ws_direct_va(system, *root) + WS_FRAME_SIZE > sp &&
			  ws_direct_va(system, *root) < stack->va;
	if (nroots)
		ws_clue(autopsy, "stack",
			"%s between the two %s overwritten, so that nothing of these spaces "
			"can be read",
			WS_COUNT_OF(nroots, "root"), nroots == 1 ? "is" : "are");
	ws_say(autopsy,
	       "the kernel stack of %u %s ran over, and through the memory below it down to "
	       "%#jx, since no guard page ends it",
	       task->pid, task->comm, sp);
}

/* Without a guard page: the processor is below the stack, whose end is overwritten. */
static bool is_end_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;
	unsigned at;

	if (!find_magic(autopsy, &at))
		return false;
	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_cpu *cpu = &system->target->cpus.v[i];
		const struct ws_stack *stack;
		struct ws_standing standing;

		if (!autopsy->arch->standing(autopsy->system, cpu, &standing) ||
		    standing.user)
			continue;
		stack = standing.was_elsewhere
				? stack_run_over(autopsy, standing.before_sp, at)
				: stack_left(autopsy, cpu, standing.sp);
		if (!stack || !is_overwritten(autopsy, stack, at))
			continue;
		death->cpu = i;
		take_overflow(autopsy, death, stack,
			      standing.was_elsewhere ? standing.before_sp : standing.sp,
			      at, standing.was_elsewhere);
		return true;
	}
	return false;
}

/* ---- a page table that a stack ran over ---------------------------------------------- */

static bool is_of_stack(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->stacks, stack)
		if (va - stack->va < stack->size)
			return true;
	return false;
}

/*
 * What lies there is a stack's, and of the stacks above the lowest was run over: else the
 * page was freed, and is a stack's by right. Of a kernel with frame pointers; without them it
 * is told as a table overwritten.
 */
static const struct ws_stack *find_runner(const struct ws_autopsy *autopsy,
					  const struct ws_lost_table *lost,
					  uint64_t *calls)
{
	uint64_t va =
		ws_direct_va(autopsy->system, lost->table & -(uint64_t)WS_FRAME_SIZE);
	unsigned at;

	*calls = ws_find_calls(autopsy->system, va);
	if (!*calls || is_of_stack(autopsy, va) || !find_magic(autopsy, &at))
		return NULL;
	return stack_run_over(autopsy, va, at);
}

static bool is_table_run_over(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_stack *stack;
	const struct ws_task *task;
	struct ws_lost_table lost;
	struct ws_clue *clue;
	uint64_t calls;

	if (!ws_find_lost_table(autopsy, &lost) ||
	    !(stack = find_runner(autopsy, &lost, &calls)))
		return false;
	task = &autopsy->system->tasks.v[stack->task];
	ws_put_space(autopsy, death, task->active_space);
	ws_put_lost_table(autopsy, death, &lost);
	clue = ws_clue(
		autopsy, "stack",
		"what lies there is a kernel stack: saved frame pointers lead upward "
		"through it, each with a return address above it");
	if (clue) {
		clue->has_va = true;
		clue->va = calls;
	}
	ws_say(autopsy,
	       "the kernel stack of %u %s ran over, and through the memory below it and a page "
	       "table of the direct map, at %#jx, since no guard page ends it: what that table "
	       "mapped is out of reach in every space",
	       task->pid, task->comm, lost.table);
	return true;
}

bool ws_is_stack_overflow(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return is_guard_hit(autopsy, death) || is_end_overwritten(autopsy, death) ||
	       is_table_run_over(autopsy, death);
}
