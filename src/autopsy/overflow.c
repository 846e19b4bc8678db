/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel stack that ran over: into its guard page, or through the memory below it, and page
 * tables that lie there.
 */
#include "autopsy/causes.h"
#include "autopsy/lost_table.h"
#include "autopsy/reach.h"

#include <endian.h>
#include <stdio.h>

#include "util/bits.h"
#include "util/count.h"
#include "util/text.h"

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
	return ws_system_read(autopsy->system, stack->va, words, STACK_END_BYTES) ==
	       WS_READ;
}

/* Where most stacks have the word; false: too few, so that one without says nothing. */
static bool find_magic(const struct ws_autopsy *autopsy, unsigned *at)
{
	size_t votes[STACK_END_WORDS] = { 0 }, n = 0;
	uint32_t words[STACK_END_WORDS];

	ws_vec_each(&autopsy->stacks, stack) {
		if (!read_end(autopsy, stack, words))
			continue;
		n++;
		for (unsigned i = 0; i < STACK_END_WORDS; i++)
			votes[i] += le32toh(words[i]) == STACK_END_MAGIC;
	}
	*at = 0;
	for (unsigned i = 0; i < STACK_END_WORDS; i++)
		if (votes[i] > votes[*at])
			*at = i;
	return n >= 8 && votes[*at] >= n - n / 8;
}

/* The task whose space the processor is in has a stack that lies above SP, all of it. */
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
		    system->spaces.v[space].root == root)
			left = stack;
	}
	return left;
}

/* Whether the word at the stack's end is there, and is another. */
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
		if (stack->va + stack->size > sp && !is_overwritten(autopsy, stack, at) &&
		    (!intact || stack->va < intact->va))
			intact = stack;
	ws_vec_each(&autopsy->stacks, stack)
		if (stack->va > sp && (!intact || stack->va < intact->va) &&
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

/* No image, nor memory by the direct map: code of a module, whose tables may be lost too. */
static bool may_be_code(const struct ws_system *system, uint64_t va)
{
	return ws_is_kernel_va(system, va) &&
	       (ws_in_image(system, va) ||
		!ws_target_piece(system->target, ws_direct_pa(system, va)));
}

/*
 * How many calls lead upward from there, each by the frame pointer that the next one saved,
 * with an address of code above it, to which it returns.
 */
static unsigned count_calls(const struct ws_system *system, const uint8_t *frame,
			    uint64_t va, size_t at)
{
	unsigned word = system->layout.word, n = 0;

	while (at + 2 * word <= WS_FRAME_SIZE) {
		uint64_t caller = ws_le_word(frame + at, word);

		if (caller % word || caller <= va + at + word ||
		    caller - va >= 2 * WS_FRAME_SIZE ||
		    !may_be_code(system, ws_le_word(frame + at + word, word)))
			break;
		n++;
		at = caller - va;
	}
	return n;
}

/* What else points to itself, as lists do, has no such chain. */
#define CALLS_MIN 4u

/* Where in the frame at pa, by the direct map, a chain of calls begins; 0: it is no stack. */
static uint64_t find_calls(const struct ws_autopsy *autopsy, uint64_t pa)
{
	struct ws_system *system = autopsy->system;
	uint64_t va = ws_direct_va(system, pa);
	const uint8_t *frame;

	if (ws_target_frame(system->target, pa, &frame) != WS_READ)
		return 0;
	for (size_t at = 0; at < WS_FRAME_SIZE; at += system->layout.word)
		if (count_calls(system, frame, va, at) >= CALLS_MIN)
			return va + at;
	return 0;
}

/* The task that the processor runs, by the top of its stack in the processor's own tables. */
static bool put_running(struct ws_autopsy *autopsy, struct ws_death *death,
			char text[static WS_NAMED])
{
	struct ws_cpu_state state;

	if (ws_system_cpu_state(autopsy->system, death->cpu, &state) != WS_OK) {
		ws_error_clear(autopsy->system->ctx);
		autopsy->short_of_memory = true;
		return false;
	}
	if (!state.has_thread)
		return false;
	if (state.task != WS_NO_TASK)
		ws_put_space(autopsy, death,
			     autopsy->system->tasks.v[state.task].active_space);
	snprintf(text, WS_NAMED, "%u %s", state.thread_pid, state.thread_comm);
	ws_one_line(text);
	return true;
}

/* Or by whose mm the kernel takes the processor to have loaded. */
static const char *whose_stack(struct ws_autopsy *autopsy, struct ws_death *death,
			       char text[static WS_NAMED])
{
	if (put_running(autopsy, death, text))
		return text;
	if (autopsy->mm_space == WS_NO_SPACE || autopsy->mm_cpu != death->cpu)
		return "a task, which nothing names any more,";
	ws_put_space(autopsy, death, autopsy->mm_space);
	return ws_whose(autopsy, autopsy->mm_space, text);
}

/* Of a kernel with frame pointers; without them it is told as a table overwritten. */
static bool is_table_run_over(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct ws_lost_table lost;
	char text[WS_NAMED];
	struct ws_clue *clue;
	uint64_t calls;

	if (!ws_find_lost_table(autopsy, &lost) ||
	    !(calls = find_calls(autopsy, lost.table)))
		return false;
	death->has_cpu = true;
	death->cpu = lost.cpu;
	death->certainty = WS_CERTAINTY_LIKELY;
	ws_clue_lost_table(autopsy, &lost);
	clue = ws_clue(
		autopsy, "stack",
		"what lies there is a kernel stack: saved frame pointers lead upward "
		"through it, each with a return address above it");
	if (clue) {
		clue->has_va = true;
		clue->va = calls;
	}
	ws_say(autopsy,
	       "the kernel stack of %s ran over, and through the memory below it and a page "
	       "table of the direct map, at %#jx, since no guard page ends it: what that table "
	       "mapped is out of reach in every space",
	       whose_stack(autopsy, death, text), lost.table);
	return true;
}

bool ws_is_stack_overflow(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return is_guard_hit(autopsy, death) || is_end_overwritten(autopsy, death) ||
	       is_table_run_over(autopsy, death);
}
