/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The causes of death that are told apart, a row each, strongest traces first: the first row
 * that holds is the cause. A row holds only where a trace of the death and the page tables
 * say the same; memory in which a fault would kill, and did not, is the audit's business.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autopsy/autopsy.h"
#include "util/count.h"
#include "util/text.h"

struct row {
	struct ws_cause cause;
	/* Fills the death, and adds clues. False: it does not hold, and has added none. */
	bool (*holds)(struct ws_autopsy *autopsy, struct ws_death *death);
};

static void say(struct ws_autopsy *autopsy, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct ws_autopsy *autopsy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(autopsy->sentence);
	autopsy->sentence = ws_text_of_args(fmt, ap);
	va_end(ap);
	autopsy->short_of_memory |= !autopsy->sentence;
}

/* ---- who could not reach the handler ------------------------------------------------ */

enum reach {
	REACHED,
	NOT_MAPPED,
	REFUSED, /* mapped, and the tables do not grant the right */
	NOT_KNOWN,
};

/* right: WS_KERNEL_EXECUTE to fetch, WS_KERNEL_WRITE to push, WS_KERNEL_READ. */
static enum reach reach_of(const struct ws_autopsy *autopsy, const struct ws_trail *trail,
			   uint8_t right)
{
	if (!ws_end_is_known(trail->end))
		return NOT_KNOWN;
	if (trail->end != WS_END_PAGE)
		return NOT_MAPPED;
	if (right == WS_KERNEL_EXECUTE &&
	    autopsy->arch->refuses_fetch(autopsy->system, trail))
		return REFUSED;
	return trail->access & right ? REACHED : REFUSED;
}

static enum reach reach(const struct ws_autopsy *autopsy, uint32_t space, uint64_t va,
			uint8_t right, struct ws_trail *trail)
{
	struct ws_eye eye;

	ws_space_eye(autopsy->system, &autopsy->system->spaces.v[space], &eye);
	ws_eye_walk(&autopsy->system->paging, &eye, va, trail);
	return reach_of(autopsy, trail, right);
}

static enum reach in_reference(const struct ws_autopsy *autopsy, uint64_t va,
			       uint8_t right)
{
	struct ws_trail trail;

	ws_walk(&autopsy->system->paging, autopsy->system->layout.reference, va, &trail);
	return reach_of(autopsy, &trail, right);
}

static bool could_run(const struct ws_space *space)
{
	return (space->counts && !space->looks_damaged && space->kind != WS_SPACE_INIT) ||
	       space->kind == WS_SPACE_USER;
}

/* An access that failed: where, with which right, and how; EITHER where nothing says. */
struct failed_access {
	uint64_t va;
	uint8_t right;
	enum reach how;
};
#define EITHER NOT_KNOWN

/* The spaces in which it fails, of those that a processor may have been in. */
struct blind {
	uint32_t first, n;
	enum reach how;
	bool suspect_is; /* the suspect is one of them, and first */
};

/* What most user halves lack they lack by design. */
static bool is_for_user_halves(const struct ws_autopsy *autopsy,
			       const struct failed_access *access)
{
	struct ws_trail trail;
	uint32_t n = 0, nreach = 0;

	for (uint32_t i = 0; i < autopsy->system->spaces.n; i++) {
		if (autopsy->system->spaces.v[i].kind != WS_SPACE_USER)
			continue;
		n++;
		nreach += reach(autopsy, i, access->va, access->right, &trail) == REACHED;
	}
	return 2 * nreach > n;
}

static struct blind find_blind(const struct ws_autopsy *autopsy,
			       const struct failed_access *access, uint32_t suspect)
{
	struct blind blind = { .first = WS_NO_SPACE };
	bool halves = is_for_user_halves(autopsy, access);
	struct ws_trail trail;

	for (uint32_t i = 0; i < autopsy->system->spaces.n; i++) {
		const struct ws_space *space = &autopsy->system->spaces.v[i];
		enum reach how;

		if (!could_run(space) || (space->kind == WS_SPACE_USER && !halves))
			continue;
		how = reach(autopsy, i, access->va, access->right, &trail);
		if (how == REACHED || how == NOT_KNOWN ||
		    (access->how != EITHER && access->how != how))
			continue;
		blind.n++;
		if (blind.first == WS_NO_SPACE || i == suspect) {
			blind.first = i;
			blind.how = how;
		}
		blind.suspect_is |= i == suspect;
	}
	return blind;
}

static struct failed_access fetch_of(const struct ws_autopsy *autopsy,
				     const struct ws_storm *storm)
{
	return (struct failed_access){ storm->frame.ip, WS_KERNEL_EXECUTE,
				       autopsy->arch->is_refusal(&storm->frame)
					       ? REFUSED
					       : NOT_MAPPED };
}

/* In whose space the storm began: of its task, or what a processor has loaded. */
static uint32_t suspect_of(const struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	const struct ws_system *system = autopsy->system;

	if (storm->task != WS_NO_TASK &&
	    system->tasks.v[storm->task].active_space != WS_NO_SPACE)
		return system->tasks.v[storm->task].active_space;
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t root;

		if (ws_system_cpu_root(system, cpu, &root)) {
			uint32_t space = ws_space_of_root(autopsy->audit, root);

			if (space != WS_NO_SPACE && could_run(&system->spaces.v[space]))
				return space;
		}
	}
	return WS_NO_SPACE;
}

/* ---- the storm, as clues ------------------------------------------------------------ */

static void clue_storm(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	char named[WS_NAMED], stack[WS_NAMED] = "";
	struct ws_clue *clue;

	if (storm->task != WS_NO_TASK)
		snprintf(stack, sizeof(stack), ", on the kernel stack of %u %s",
			 autopsy->system->tasks.v[storm->task].pid,
			 autopsy->system->tasks.v[storm->task].comm);
	else if (storm->stack)
		snprintf(stack, sizeof(stack), ", on %s", storm->stack);
	clue = ws_clue(
		autopsy, "frames",
		"%s of %u bytes, one every %u, saved the same address, %s: each is a fault "
		"that came before the handler of the one before had run%s",
		WS_COUNT_OF(storm->frames, "exception frame"), storm->frame.size,
		storm->stride, ws_named(autopsy, storm->frame.ip, named), stack);
	if (!clue)
		return;
	clue->has_va = clue->has_pa = true;
	clue->va = storm->va;
	clue->pa = storm->pa;
}

static void clue_first(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	char named[WS_NAMED];
	struct ws_clue *clue;

	if (!storm->has_first)
		return;
	if (storm->first.user) /* a user's address has no symbol of the kernel's */
		snprintf(named, sizeof(named), "%#lx", storm->first.ip);
	else
		ws_named(autopsy, storm->first.ip, named);
	clue = ws_clue(autopsy, "frames",
		       "the frame above all interrupted %s mode at %s: there the first "
		       "fault was",
		       storm->first.user ? "user" : "kernel", named);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = storm->first_va;
}

/* "116 waiter has nothing at lab_page_fault at 0xc4fed630: PDE 787 is 0" */
static void clue_hole(struct ws_autopsy *autopsy, uint32_t space, uint64_t va,
		      uint8_t right)
{
	const struct ws_format *format = autopsy->system->paging.format;
	char whose[WS_NAMED], named[WS_NAMED], entry[64] = "it has no translation";
	const struct ws_step *step = NULL;
	struct ws_trail trail;
	struct ws_clue *clue;
	enum reach how = reach(autopsy, space, va, right, &trail);

	if (trail.nsteps) {
		step = &trail.step[trail.nsteps - 1];
		snprintf(entry, sizeof(entry), "%s %u is %#lx",
			 ws_level_entry_name(format, trail.nsteps - 1u), step->index,
			 step->entry);
	}
	clue = ws_clue(autopsy, "hole", "%s has %s at %s: %s",
		       ws_whose(autopsy, space, whose),
		       how == NOT_MAPPED            ? "nothing"
		       : right == WS_KERNEL_EXECUTE ? "no code that may be executed"
						    : "no memory that may be written",
		       ws_named(autopsy, va, named), entry);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = va;
	clue->has_pa = step;
	clue->pa = step ? ws_step_entry_pa(format, step) : 0;
}

/* ---- the handler was not reached ---------------------------------------------------- */

static void put_space(struct ws_autopsy *autopsy, struct ws_death *death, uint32_t space)
{
	death->space = space;
	death->has_root = space != WS_NO_SPACE;
	if (death->has_root)
		death->root = autopsy->system->spaces.v[space].root;
}

/*
 * What comes of a death may storm in its turn, as when the double fault's handler faults:
 * the one that is seen to have begun with something else goes first, then the largest.
 */
static bool is_better(const struct ws_storm *storm, const struct ws_storm *best)
{
	if (!best || storm->has_first != best->has_first)
		return !best || storm->has_first;
	return storm->frames > best->frames;
}

/*
 * Whether somebody came there once: init_mm does, or the processor is sent there by its own
 * tables. What only looks like frames, in a user's memory for one, may have saved anything.
 */
static bool is_handler(const struct ws_autopsy *autopsy, uint64_t va)
{
	return in_reference(autopsy, va, WS_KERNEL_EXECUTE) == REACHED ||
	       autopsy->arch->is_handler(autopsy->system, va);
}

/* Of the storms whose handler somebody does not reach. */
static const struct ws_storm *storm_of(const struct ws_autopsy *autopsy, enum reach how,
				       bool user_half, struct blind *blind)
{
	const struct ws_storm *best = NULL;

	ws_vec_each(&autopsy->storms, storm) {
		struct failed_access fetch = fetch_of(autopsy, storm);
		struct blind here =
			find_blind(autopsy, &fetch, suspect_of(autopsy, storm));
		const struct ws_space *space;

		if (!here.n || here.how != how || !is_better(storm, best) ||
		    !is_handler(autopsy, storm->frame.ip))
			continue;
		space = &autopsy->system->spaces.v[here.first];
		if ((space->kind == WS_SPACE_USER) != user_half)
			continue;
		best = storm;
		*blind = here;
	}
	return best;
}

static void take_storm(struct ws_autopsy *autopsy, struct ws_death *death,
		       const struct ws_storm *storm, const struct blind *blind)
{
	char whose[WS_NAMED];

	death->storm = storm;
	death->handler = storm->frame.ip;
	death->certainty = WS_CERTAINTY_LIKELY;
	clue_storm(autopsy, storm);
	clue_first(autopsy, storm);
	clue_hole(autopsy, blind->first, storm->frame.ip, WS_KERNEL_EXECUTE);
	if (in_reference(autopsy, storm->frame.ip, WS_KERNEL_EXECUTE) == REACHED)
		ws_clue(autopsy, "hole",
			"init_mm maps it, and may execute it: the handler "
			"is there, and was seen by all but %s",
			WS_COUNT_OF(blind->n, "space"));
	if (blind->n == 1 || blind->suspect_is) {
		put_space(autopsy, death, blind->first);
		return;
	}
	ws_clue(autopsy, "who",
		"%s do not reach it, %s the first: nothing tells in which of them the "
		"processor was",
		WS_COUNT_OF(blind->n, "space"), ws_whose(autopsy, blind->first, whose));
}

static const char *in_space(const struct ws_autopsy *autopsy,
			    const struct ws_death *death, const struct blind *blind,
			    char text[static 2 * WS_NAMED])
{
	char whose[WS_NAMED];

	if (death->space == WS_NO_SPACE)
		snprintf(text, 2 * WS_NAMED, "in %s", WS_COUNT_OF(blind->n, "space"));
	else
		snprintf(text, 2 * WS_NAMED, "in %s",
			 ws_whose(autopsy, death->space, whose));
	return text;
}

static bool is_unmapped(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char named[WS_NAMED], space[2 * WS_NAMED];
	struct blind blind;
	const struct ws_storm *storm = storm_of(autopsy, NOT_MAPPED, false, &blind);

	if (!storm)
		return false;
	take_storm(autopsy, death, storm, &blind);
	say(autopsy,
	    "a fault's handler, %s, is not mapped %s: the first fault there could not reach "
	    "it, and each attempt was the next fault, %s in a row, until the stack ended",
	    ws_named(autopsy, storm->frame.ip, named),
	    in_space(autopsy, death, &blind, space), WS_COUNT_OF(storm->frames, "time"));
	return true;
}

static bool is_short_user_half(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char named[WS_NAMED], space[2 * WS_NAMED];
	struct blind blind;
	const struct ws_storm *storm = storm_of(autopsy, NOT_MAPPED, true, &blind);

	if (!storm)
		return false;
	take_storm(autopsy, death, storm, &blind);
	say(autopsy,
	    "the entry code at %s is not mapped %s, by which user mode runs: the first fault "
	    "in user mode could not reach it, and each attempt was the next fault, %s in a "
	    "row, until the entry stack ended",
	    ws_named(autopsy, storm->frame.ip, named),
	    in_space(autopsy, death, &blind, space), WS_COUNT_OF(storm->frames, "time"));
	return true;
}

static bool is_not_executable(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char named[WS_NAMED], space[2 * WS_NAMED];
	struct blind blind;
	const struct ws_storm *storm = storm_of(autopsy, REFUSED, false, &blind);

	if (!storm)
		return false;
	take_storm(autopsy, death, storm, &blind);
	say(autopsy,
	    "a fault's handler, %s, may not be executed %s: the first fault could not enter "
	    "it, and each attempt was the next fault, %s in a row, until the stack ended",
	    ws_named(autopsy, storm->frame.ip, named),
	    in_space(autopsy, death, &blind, space), WS_COUNT_OF(storm->frames, "time"));
	return true;
}

/* ---- the storm ran over the root ---------------------------------------------------- */

/* The processor's root, if the storm's frames lie in it. */
static bool cpu_in_storm(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
			 uint32_t *number, uint64_t *root)
{
	const struct ws_system *system = autopsy->system;

	for (*number = 0; *number < system->target->cpus.n; ++*number)
		if (ws_system_cpu_root(system, &system->target->cpus.v[*number], root) &&
		    *root + WS_FRAME_SIZE > storm->pa && *root <= storm->last_pa)
			return true;
	return false;
}

static bool is_root_run_over(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_storm *storm = NULL;
	uint64_t root;
	char named[WS_NAMED];
	uint32_t cpu;

	ws_vec_each(&autopsy->storms, one) {
		if (storm || !cpu_in_storm(autopsy, one, &cpu, &root) ||
		    in_reference(autopsy, one->frame.ip, WS_KERNEL_EXECUTE) != REACHED)
			continue;
		storm = one;
		death->cpu = cpu;
		death->root = root;
	}
	if (!storm)
		return false;
	death->has_root = death->has_cpu = true;
	death->storm = storm;
	death->handler = storm->frame.ip;
	death->certainty = WS_CERTAINTY_LIKELY;
	clue_storm(autopsy, storm);
	clue_first(autopsy, storm);
	ws_clue(autopsy, "processor",
		"the root that cpu %u has loaded, %#lx, lies under these frames: what it "
		"lacked is overwritten",
		death->cpu, death->root);
	say(autopsy,
	    "a fault's handler, %s, was not reached in the space with root %#lx: each "
	    "attempt was the next fault, %s in a row, until the stack had run over that "
	    "space's own page table",
	    ws_named(autopsy, storm->frame.ip, named), death->root,
	    WS_COUNT_OF(storm->frames, "time"));
	return true;
}

/* ---- delivery itself failed --------------------------------------------------------- */

static const struct ws_need *need_at(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->audit->needs, need)
		if (autopsy->arch->is_delivery(need->rule) && need->va <= va &&
		    va <= need->last)
			return need;
	return NULL;
}

static void take_delivery(struct ws_autopsy *autopsy, struct ws_death *death,
			  const struct ws_need *need, uint64_t va,
			  const struct blind *blind)
{
	uint8_t right = need->rights ? need->rights : WS_KERNEL_READ;
	char space[2 * WS_NAMED];

	death->has_cpu = true;
	death->certainty = WS_CERTAINTY_LIKELY;
	ws_clue(autopsy, "processor",
		"the address that faulted last on cpu %u, %#lx, is in %s: a processor %s "
		"there only to deliver an exception",
		death->cpu, va, need->what,
		right == WS_KERNEL_WRITE ? "writes" : "reads");
	clue_hole(autopsy, blind->first, va, right);
	if (blind->n == 1 || blind->suspect_is)
		put_space(autopsy, death, blind->first);
	say(autopsy,
	    "%s is not %s %s: the processor needed it to deliver an exception, and the "
	    "delivery failed",
	    need->what, blind->how == NOT_MAPPED ? "mapped" : "writable",
	    in_space(autopsy, death, blind, space));
}

/* What the processor could not reach when it died: the last fault's address tells. */
static bool is_delivery_failed(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_cpu *cpu = &system->target->cpus.v[i];
		struct ws_standing standing;
		struct failed_access access;
		const struct ws_need *need;
		struct blind blind;
		uint64_t root;

		if (!autopsy->arch->standing(cpu, &standing) || !standing.has_fault ||
		    !ws_system_cpu_root(system, cpu, &root) ||
		    !(need = need_at(autopsy, standing.fault)))
			continue;
		access = (struct failed_access){ standing.fault,
						 need->rights ? need->rights
							      : WS_KERNEL_READ,
						 EITHER };
		blind = find_blind(autopsy, &access,
				   ws_space_of_root(autopsy->audit, root));
		if (!blind.n)
			continue;
		death->cpu = i;
		take_delivery(autopsy, death, need, standing.fault, &blind);
		return true;
	}
	return false;
}

/* ---- a stack that ran over ---------------------------------------------------------- */

static const struct ws_stack *stack_above(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->stacks, stack)
		if (stack->whole && stack->va - va - 1 < WS_FRAME_SIZE)
			return stack;
	return NULL;
}

static bool is_guard_hit(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_task *task;
		const struct ws_stack *stack;
		struct ws_standing standing;
		struct ws_trail trail;

		if (!autopsy->arch->standing(&system->target->cpus.v[i], &standing) ||
		    !standing.has_fault ||
		    !(stack = stack_above(autopsy, standing.fault)))
			continue;
		ws_walk(&system->paging, system->layout.reference, standing.fault,
			&trail);
		if (trail.end == WS_END_PAGE || !ws_end_is_known(trail.end))
			continue;
		task = &system->tasks.v[stack->task];
		death->has_cpu = true;
		death->cpu = i;
		death->certainty = WS_CERTAINTY_LIKELY;
		put_space(autopsy, death, task->active_space);
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#lx, is in the page below "
			"the kernel stack of %u %s, which begins at %#lx: nothing is mapped "
			"there, to catch what runs over",
			i, standing.fault, task->pid, task->comm, stack->va);
		say(autopsy,
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

static void take_overflow(struct ws_autopsy *autopsy, struct ws_death *death,
			  const struct ws_stack *stack, uint64_t sp, unsigned at)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_task *task = &system->tasks.v[stack->task];
	struct ws_clue *clue;
	size_t nroots = 0;

	death->has_cpu = true;
	death->certainty = WS_CERTAINTY_LIKELY;
	put_space(autopsy, death, task->active_space);
	ws_clue(autopsy, "processor",
		"cpu %u is in kernel mode in the space of %u %s, and its stack pointer, "
		"%#lx, is %s below the end of that task's kernel stack, which begins at "
		"%#lx",
		death->cpu, task->pid, task->comm, sp,
		WS_COUNT_OF(stack->va - sp, "byte"), stack->va);
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
	say(autopsy,
	    "the kernel stack of %u %s ran over, and through the memory below it down to "
	    "%#lx, since no guard page ends it",
	    task->pid, task->comm, sp);
}

/* Without a guard page: the processor is below the stack, whose end is overwritten. */
static bool is_end_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;
	uint32_t words[STACK_END_WORDS];
	unsigned at;

	if (!find_magic(autopsy, &at))
		return false;
	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_cpu *cpu = &system->target->cpus.v[i];
		const struct ws_stack *stack;
		struct ws_standing standing;

		if (!autopsy->arch->standing(cpu, &standing) || standing.user ||
		    !(stack = stack_left(autopsy, cpu, standing.sp)) ||
		    !read_end(autopsy, stack, words) ||
		    le32toh(words[at]) == STACK_END_MAGIC)
			continue;
		death->cpu = i;
		take_overflow(autopsy, death, stack, standing.sp, at);
		return true;
	}
	return false;
}

static bool is_stack_overflow(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return is_guard_hit(autopsy, death) || is_end_overwritten(autopsy, death);
}

/* ---- a root that is none ------------------------------------------------------------ */

/* A processor, and what the register that holds its root leads to. */
struct loaded {
	uint32_t cpu;
	uint64_t root;
	uint32_t space; /* WS_NO_SPACE: of none */
	struct ws_standing standing;
	const struct ws_need
		*need; /* of delivery, at the last fault, which is not mapped */
};

static uint8_t end_of(const struct ws_autopsy *autopsy, uint64_t root, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&autopsy->system->paging, root, va, &trail);
	return trail.end;
}

/*
 * Whether the processor did not get to its next instruction by that root: its tables are read
 * and say so; or they lead out of what the target has, and its last fault was at what only
 * a delivery needs.
 */
static bool is_stuck(const struct ws_autopsy *autopsy, const struct loaded *loaded)
{
	uint8_t end = end_of(autopsy, loaded->root, loaded->standing.ip);

	return end != WS_END_PAGE && (ws_end_is_known(end) || loaded->need);
}

static bool look_at_loaded(const struct ws_autopsy *autopsy, uint32_t number,
			   struct loaded *loaded)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_cpu *cpu = &system->target->cpus.v[number];

	*loaded = (struct loaded){ .cpu = number };
	if (!autopsy->arch->standing(cpu, &loaded->standing) ||
	    !ws_system_cpu_root(system, cpu, &loaded->root))
		return false;
	loaded->space = ws_space_of_root(autopsy->audit, loaded->root);
	if (loaded->standing.has_fault &&
	    end_of(autopsy, loaded->root, loaded->standing.fault) != WS_END_PAGE)
		loaded->need = need_at(autopsy, loaded->standing.fault);
	return true;
}

static void take_loaded(struct ws_autopsy *autopsy, struct ws_death *death,
			const struct loaded *loaded)
{
	death->has_cpu = death->has_root = true;
	death->cpu = loaded->cpu;
	death->root = loaded->root;
	death->space = loaded->space;
	death->certainty = loaded->need ? WS_CERTAINTY_LIKELY : WS_CERTAINTY_POSSIBLE;
	if (loaded->need)
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#lx, is in %s, which this "
			"root does not lead to: no exception could be delivered",
			loaded->cpu, loaded->standing.fault, loaded->need->what);
}

/* The root of a process that is gone, or of nobody: the next instruction is not mapped. */
static bool is_foreign_root(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;
	struct loaded loaded;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		bool freed;

		if (!look_at_loaded(autopsy, i, &loaded))
			continue;
		freed = loaded.space != WS_NO_SPACE &&
			system->spaces.v[loaded.space].kind == WS_SPACE_FREED;
		if ((loaded.space != WS_NO_SPACE && !freed) ||
		    !is_stuck(autopsy, &loaded))
			continue;
		ws_clue(autopsy, "processor",
			freed ? "cpu %u has %#lx loaded, a root that lies in a freed page"
			      : "cpu %u has %#lx loaded, and what lies there is no root of "
				"this kernel's: not even the next instruction, at %#lx, is "
				"reached by it",
			i, loaded.root, loaded.standing.ip);
		take_loaded(autopsy, death, &loaded);
		say(autopsy,
		    "%s holds %#lx, which is %s: no instruction can be fetched, and no "
		    "exception be delivered",
		    ws_cpu_root_register(&system->target->cpus.v[i]), loaded.root,
		    freed ? "the root of a process that is gone"
			  : "no page table of this kernel's");
		return true;
	}
	return false;
}

/* ---- a table that was overwritten --------------------------------------------------- */

static bool is_root_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;
	char whose[WS_NAMED];
	struct loaded loaded;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		if (!look_at_loaded(autopsy, i, &loaded) || loaded.space == WS_NO_SPACE ||
		    !system->spaces.v[loaded.space].looks_damaged ||
		    !is_stuck(autopsy, &loaded))
			continue;
		ws_clue(autopsy, "processor",
			"cpu %u is in %s, and what lies at its root %#lx is no page table: "
			"not even the next instruction, at %#lx, is reached by it",
			i, ws_whose(autopsy, loaded.space, whose), loaded.root,
			loaded.standing.ip);
		take_loaded(autopsy, death, &loaded);
		say(autopsy,
		    "the page table of %s at %#lx was overwritten while a processor was in "
		    "that space: no instruction can be fetched, and no exception be delivered",
		    ws_whose(autopsy, loaded.space, whose), loaded.root);
		return true;
	}
	return false;
}

/* How many entries of the table with the last step map the direct map in order. */
static unsigned count_direct(const struct ws_autopsy *autopsy,
			     const struct ws_trail *trail)
{
	struct ws_system *system = autopsy->system;
	unsigned n = 0, entries = WS_FRAME_SIZE >> system->paging.format->entry_log2;
	uint64_t va = trail->va & -(uint64_t)(entries * WS_FRAME_SIZE);
	struct ws_trail each;

	for (unsigned i = 0; i < entries; i++, va += WS_FRAME_SIZE) {
		ws_walk(&system->paging, system->layout.reference, va, &each);
		n += each.end == WS_END_PAGE && each.pa == ws_direct_pa(system, va);
	}
	return n;
}

/*
 * A processor's last fault was in the direct map, at memory that there is; init_mm's table
 * there maps less than half of what it should.
 */
static bool is_direct_map_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct ws_system *system = autopsy->system;
	unsigned entries = WS_FRAME_SIZE >> system->paging.format->entry_log2, left;
	struct ws_trail trail;
	struct loaded loaded;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		uint64_t va, pa;

		if (!look_at_loaded(autopsy, i, &loaded) || !loaded.standing.has_fault)
			continue;
		va = loaded.standing.fault;
		pa = ws_direct_pa(system, va);
		/* where the region ends was read from these very tables */
		if (va < system->regions.v[0].first ||
		    !ws_target_piece(system->target, pa))
			continue;
		ws_walk(&system->paging, system->layout.reference, va, &trail);
		if (trail.nsteps != system->paging.format->nlevels ||
		    !ws_end_is_known(trail.end) ||
		    (trail.end == WS_END_PAGE && trail.pa == pa))
			continue;
		left = count_direct(autopsy, &trail);
		if (left >= entries / 2)
			continue;
		death->has_cpu = true;
		death->cpu = i;
		death->certainty = WS_CERTAINTY_LIKELY;
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#lx, is in the direct map, "
			"which maps all memory: a fault there should not be",
			i, va);
		ws_clue(autopsy, "hole",
			"the %s at %#lx, by which init_mm and all spaces map it, has %u of %u "
			"entries as they should be",
			ws_level_name(system->paging.format, trail.nsteps - 1u),
			trail.step[trail.nsteps - 1].table, left, entries);
		say(autopsy,
		    "a page table of the direct map, at %#lx, was overwritten: what the "
		    "kernel keeps in the memory that it maps, stacks too, is out of reach in "
		    "every space",
		    trail.step[trail.nsteps - 1].table);
		return true;
	}
	return false;
}

static bool is_table_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return is_root_overwritten(autopsy, death) ||
	       is_direct_map_overwritten(autopsy, death);
}

/* ---- the machine's own tables ------------------------------------------------------- */

static bool is_table_damaged(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_audit *audit = autopsy->audit;

	if (!audit->doubt)
		return false;
	death->certainty = WS_CERTAINTY_POSSIBLE;
	ws_clue(autopsy, "processor",
		"no machine can have run like this: %s; either it died of that, or the "
		"dump is damaged there",
		audit->doubt);
	say(autopsy, "%s: it died of that, or the dump is damaged there", audit->doubt);
	return true;
}

/* ---- the rows ----------------------------------------------------------------------- */

/* clang-format off */
static const struct row rows[] = {
	{ { "handler-unmapped", "a fault's handler was not mapped",
	    "The processor found the gate, pushed an exception frame, and could not fetch the "
	    "handler's first byte in the space that was loaded: that is a page fault, for which "
	    "it pushed the next frame and went to the same gate. The frames fill the stack and, "
	    "where no guard page ends it, the memory below.",
	    "Keep what a gate leads to in the kernel image, or bring every space up to date "
	    "before the gate is changed." }, is_unmapped },
	{ { "user-half-short", "a user half lacks the entry code",
	    "With page-table isolation user mode runs by a table of its own, which has only what "
	    "an entry to the kernel needs. Here it lacks a part of that, so the first fault in "
	    "user mode cannot be handled.",
	    "Map all of the entry text in user halves: what is cloned must go to its end." },
	  is_short_user_half },
	{ { "handler-not-executable", "a fault's handler may not be executed",
	    "The gate leads to memory that is mapped, and that the tables or the processor's "
	    "control registers forbid to execute: data, or a page of user mode's. That is a page "
	    "fault, for which it goes to the same gate.",
	    "A hook belongs into module or kernel text, never into data or user memory." },
	  is_not_executable },
	{ { "handler-unreached", "a storm ran over the page table it came from",
	    "Frames of one fault that came again and again run down through memory, and over "
	    "the page table of the very space that was loaded. What that table lacked cannot be "
	    "read any more; that it lacked something, the frames say.",
	    "Audit a dump from before the death, or another machine with the same modules." },
	  is_root_run_over },
	{ { "delivery-unmapped", "what a delivery needs was not mapped",
	    "To deliver an exception the processor reads its tables of handlers, segments and "
	    "stacks, and pushes to a stack, all through the loaded page table. Where one is missing, "
	    "delivery fails, which is a double fault; where that cannot be delivered either, the "
	    "processor shuts down.",
	    "Keep these in memory that every space shares from the beginning." },
	  is_delivery_failed },
	{ { "stack-overflow", "a kernel stack ran over",
	    "A task's calls needed more than its kernel stack has. A guard page below turns that "
	    "into a page fault, which cannot be pushed on the same stack; without one the stack runs "
	    "over what lies there.",
	    "Find what calls itself, or has large local variables." }, is_stack_overflow },
	{ { "root-not-a-table", "the loaded root is no page table",
	    "The register that holds the root points to memory that is no root any more, or never "
	    "was one. Nothing of the kernel is mapped by it, no handler either.",
	    "Find who wrote the register or the mm's pgd, or freed the table too early." },
	  is_foreign_root },
	{ { "table-overwritten", "a page table was overwritten",
	    "What lies where a page table should be is no table: something wrote over it. The "
	    "processor takes these words for entries, and what they map is lost or strange.",
	    "Find who wrote there: a stray pointer, a device's DMA, a page that was freed too "
	    "early." }, is_table_overwritten },
	{ { "tables-damaged", "the processor's own tables are damaged",
	    "A table of handlers, segments or stacks does not hold what a processor can use, in "
	    "every space alike.",
	    "Find what wrote there; a dump that is damaged looks the same." },
	  is_table_damaged },
};
/* clang-format on */

const struct ws_cause *ws_cause_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(rows) ? &rows[i].cause : NULL;
}

void ws_cause_find(struct ws_autopsy *autopsy)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++)
		if (rows[i].holds(autopsy, &autopsy->death)) {
			autopsy->death.cause = &rows[i].cause;
			return;
		}
}
