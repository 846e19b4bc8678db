/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deaths that leave a storm: the handler was not reached. */
#include "autopsy/causes.h"
#include "autopsy/reach.h"
#include "autopsy/rerun.h"

#include <stdio.h>

#include "util/cleanup.h"
#include "util/count.h"

static struct ws_failed_access fetch_of(const struct ws_autopsy *autopsy,
					const struct ws_storm *storm)
{
	return (struct ws_failed_access){ storm->frame.ip, WS_KERNEL_EXECUTE,
					  autopsy->arch->is_refusal(&storm->frame)
						  ? WS_REACH_REFUSED
						  : WS_REACH_NONE };
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

			if (space != WS_NO_SPACE &&
			    ws_could_run(autopsy, &system->spaces.v[space]))
				return space;
		}
	}
	return autopsy->mm_space;
}

/* No kernel stack is larger (THREAD_SIZE with KASAN): below it the storm met other things. */
#define STACK_MAX (UINT64_C(64) << 10)

static bool has_left_stack(const struct ws_storm *storm)
{
	return storm->frames * storm->stride > STACK_MAX;
}

/* ---- the storm, as clues ------------------------------------------------------------ */

static void clue_frames(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	char named[WS_NAMED], stack[WS_NAMED] = "", vector[32] = "";
	struct ws_clue *clue;

	if (storm->has_vector)
		snprintf(vector, sizeof(vector), ", the handler of vector %u",
			 storm->vector);
	if (storm->task != WS_NO_TASK)
		snprintf(stack, sizeof(stack), ", on the kernel stack of %u %s",
			 autopsy->system->tasks.v[storm->task].pid,
			 autopsy->system->tasks.v[storm->task].comm);
	else if (storm->stack)
		snprintf(stack, sizeof(stack), ", on %s", storm->stack);
	clue = ws_clue(
		autopsy, "frames",
		"%s of %u bytes, one every %u, saved the same address, %s%s: each is a fault "
		"that came before the handler of the one before had run%s",
		WS_COUNT_OF(storm->frames, "exception frame"), storm->frame.size,
		storm->stride, ws_named(autopsy, storm->frame.ip, named), vector, stack);
	if (!clue)
		return;
	clue->has_va = clue->has_pa = true;
	clue->va = storm->va;
	clue->pa = storm->pa;
}

/* Deliveries write to a stack as a matter of course; what lies below it they ran over. */
static void clue_overwritten(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	ws_autofree char *words = NULL;
	struct ws_clue *clue;

	if (!has_left_stack(storm))
		return;
	words = ws_overwritten_words(autopsy, storm);
	clue = words ? ws_clue(autopsy, "overwritten",
			       "these exception frames lie in what was, as far as it can be known "
			       "now: %s",
			       words)
		     : NULL;
	if (!clue)
		return;
	clue->has_pa = true;
	clue->pa = storm->pa;
}

static void clue_first(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	char named[WS_NAMED];
	struct ws_clue *clue;

	if (!storm->has_first)
		return;
	if (storm->first.user) /* a user's address has no symbol of the kernel's */
		snprintf(named, sizeof(named), "%#jx", storm->first.ip);
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

void ws_clue_storm(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	clue_frames(autopsy, storm);
	clue_overwritten(autopsy, storm);
	clue_first(autopsy, storm);
}

/* ---- the handler was not reached ---------------------------------------------------- */

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

/* A gate leads there, or into that function or text, or its handler calls it first. */
static bool is_named_handler(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->audit->needs, need)
		if (need->rights & WS_KERNEL_EXECUTE && need->va <= va &&
		    va <= need->last)
			return true;
	return autopsy->arch->is_handler(autopsy->system, va);
}

/*
 * What only looks like a storm may have saved anything. Where the processors' own tables are
 * gone, it can be no more than code that somebody came to once.
 */
static bool is_handler(const struct ws_autopsy *autopsy, uint64_t va)
{
	if (autopsy->arch->has_handlers(autopsy->system))
		return is_named_handler(autopsy, va);
	return ws_reach_in_reference(autopsy, va, WS_KERNEL_EXECUTE) == WS_REACHED;
}

/* A storm of that kind, and what a sentence says of its handler. */
struct kind {
	enum ws_reach how;
	bool user_half;
	const char *handler, *is, *first_fault, *stack;
};

/* The root that a processor has loaded, where its process was run over. */
static struct ws_blind find_loaded(const struct ws_autopsy *autopsy,
				   const struct ws_failed_access *access)
{
	struct ws_blind blind = { .first = WS_NO_SPACE };
	uint64_t root;

	ws_vec_each(&autopsy->system->target->cpus, cpu)
		if (!blind.n && ws_system_cpu_root(autopsy->system, cpu, &root) &&
		    ws_space_of_root(autopsy->audit, root) == WS_NO_SPACE)
			blind = ws_find_blind_root(autopsy, access, root);
	return blind;
}

static bool is_user_half(const struct ws_autopsy *autopsy, const struct ws_blind *blind)
{
	return blind->first != WS_NO_SPACE &&
	       autopsy->system->spaces.v[blind->first].kind == WS_SPACE_USER;
}

/* In whose space the storm was, as far as there is anything to say so. */
static struct ws_blind blind_of(const struct ws_autopsy *autopsy,
				const struct ws_storm *storm)
{
	struct ws_failed_access fetch = fetch_of(autopsy, storm);
	struct ws_blind any = ws_find_blind(autopsy, &fetch, suspect_of(autopsy, storm));
	struct ws_blind loaded = find_loaded(autopsy, &fetch);

	return loaded.n && !any.suspect_is ? loaded : any;
}

/* The storm's frames lie on an entry on the way from the root to the handler. */
static bool is_run_over(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
			uint64_t root)
{
	struct ws_trail trail;

	(void)ws_reach_by_root(autopsy, root, storm->frame.ip, WS_KERNEL_EXECUTE, &trail);
	return ws_ran_over(autopsy, storm, &trail);
}

/* The processor's root, if the storm ran over what it leads by. */
static bool cpu_in_storm(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
			 uint32_t *number, uint64_t *root)
{
	const struct ws_system *system = autopsy->system;

	for (*number = 0; *number < system->target->cpus.n; ++*number)
		if (ws_system_cpu_root(system, &system->target->cpus.v[*number], root) &&
		    is_run_over(autopsy, storm, *root))
			return true;
	return false;
}

/* A storm, and what of the spaces says that its handler was not reached. */
struct suspicion {
	const struct ws_storm *storm; /* NULL: none */
	struct ws_blind blind;
	bool run_over; /* the loaded root's tables: what they lacked is gone */
	bool has_cpu;  /* the same: whose, by its register */
	uint32_t cpu;
	uint32_t
		nspaces; /* of so many that was run over: of one, unless nothing says which */
	uint32_t space; /* WS_NO_SPACE where the root is no space's, or one of several */
	uint64_t root;  /* where nspaces is 1 */
};

/* Of any that a processor can have been in. */
static bool find_any_run_over(const struct ws_autopsy *autopsy, struct suspicion *found)
{
	const struct ws_system *system = autopsy->system;

	found->nspaces = 0;
	for (uint32_t i = 0; i < system->spaces.n; i++) {
		const struct ws_space *space = &system->spaces.v[i];

		if (space->kind == WS_SPACE_USER || !ws_could_run(autopsy, space) ||
		    !is_run_over(autopsy, found->storm, space->root))
			continue;
		found->space = found->nspaces ? WS_NO_SPACE : i;
		found->root = space->root;
		found->nspaces++;
	}
	return found->nspaces;
}

/* By the register; else in the space in which the storm began, as far as that is known. */
static bool find_run_over(const struct ws_autopsy *autopsy, struct suspicion *found)
{
	found->nspaces = 1;
	found->has_cpu = cpu_in_storm(autopsy, found->storm, &found->cpu, &found->root);
	if (found->has_cpu) {
		found->space = ws_space_of_root(autopsy->audit, found->root);
		if (found->space == WS_NO_SPACE && autopsy->mm_cpu == found->cpu)
			found->space = autopsy->mm_space;
		return true;
	}
	found->space = suspect_of(autopsy, found->storm);
	if (found->space == WS_NO_SPACE)
		return find_any_run_over(autopsy, found);
	found->root = autopsy->system->spaces.v[found->space].root;
	return is_run_over(autopsy, found->storm, found->root);
}

/* By the error code alone: it was mapped, and the fetch was refused. */
static bool is_refused_fetch(const struct ws_autopsy *autopsy,
			     const struct ws_storm *storm)
{
	const struct ws_arch_autopsy *arch = autopsy->arch;

	return arch->is_refusal(&storm->frame) &&
	       arch->right_lacked(storm->frame.error) == WS_KERNEL_EXECUTE;
}

static struct suspicion suspect(const struct ws_autopsy *autopsy,
				const struct ws_storm *storm)
{
	struct suspicion found = { .storm = storm, .blind = blind_of(autopsy, storm) };
	struct ws_trail trail;

	if (!found.blind.suspect_is &&
	    (is_refused_fetch(autopsy, storm) ||
	     is_run_over(autopsy, storm, autopsy->system->layout.reference) ||
	     ws_reach_in_reference(autopsy, storm->frame.ip, WS_KERNEL_EXECUTE) ==
		     WS_REACHED))
		found.run_over = find_run_over(autopsy, &found);
	if ((!found.blind.n && !found.run_over) ||
	    !is_handler(autopsy, storm->frame.ip) ||
	    ws_is_image_lost(autopsy, storm->frame.ip, &trail))
		found.storm = NULL;
	return found;
}

/* The storm that all began with. */
static struct suspicion main_storm(const struct ws_autopsy *autopsy)
{
	struct suspicion best = { 0 };

	ws_vec_each(&autopsy->storms, storm) {
		struct suspicion here = suspect(autopsy, storm);

		if (here.storm && is_better(storm, best.storm))
			best = here;
	}
	return best;
}

static bool is_sure(const struct ws_storm *storm, const struct ws_blind *blind)
{
	return blind->suspect_is || (blind->n == 1 && !has_left_stack(storm));
}

/* It began on a stack that a processor can have been on: else the words may be anybody's. */
static bool is_placed(const struct ws_storm *storm)
{
	return storm->task != WS_NO_TASK || storm->stack;
}

static void put_storm(struct ws_autopsy *autopsy, struct ws_death *death,
		      const struct ws_storm *storm)
{
	death->storm = storm;
	death->handler = storm->frame.ip;
	death->certainty = is_named_handler(autopsy, storm->frame.ip)
				   ? WS_CERTAINTY_LIKELY
				   : WS_CERTAINTY_POSSIBLE;
	ws_clue_storm(autopsy, storm);
}

static void take_storm(struct ws_autopsy *autopsy, struct ws_death *death,
		       const struct ws_storm *storm, const struct ws_blind *blind)
{
	char whose[WS_NAMED];

	put_storm(autopsy, death, storm);
	ws_clue_hole(autopsy, blind, storm->frame.ip, WS_KERNEL_EXECUTE);
	if (ws_reach_in_reference(autopsy, storm->frame.ip, WS_KERNEL_EXECUTE) ==
	    WS_REACHED)
		ws_clue(autopsy, "hole",
			"init_mm maps it, and may execute it: the handler "
			"is there, and was seen by all but %s",
			WS_COUNT_OF(blind->n, "space"));
	if (!is_placed(storm) && (!blind->suspect_is || !storm->has_first))
		death->certainty = WS_CERTAINTY_POSSIBLE;
	/* Where nothing else says in whose space it was, that the storm comes out the same does. */
	if ((ws_replay(autopsy, death, storm, blind) && blind->n == 1) ||
	    is_sure(storm, blind))
		ws_put_blind(autopsy, death, blind);
	if (death->has_root)
		return;
	ws_clue(autopsy, "who",
		"%s %s not reach it, %s the first: nothing tells in which %s the processor "
		"was%s",
		WS_COUNT_OF(blind->n, "space"), blind->n == 1 ? "does" : "do",
		ws_whose_blind(autopsy, blind, whose),
		blind->n == 1 ? "space" : "of them",
		has_left_stack(storm) ? ", and the storm may have run over others" : "");
}

static bool take_storm_of(struct ws_autopsy *autopsy, struct ws_death *death,
			  const struct kind *kind)
{
	char named[WS_NAMED], space[2 * WS_NAMED];
	struct suspicion found = main_storm(autopsy);
	const struct ws_storm *storm = found.storm;
	const struct ws_blind *blind = &found.blind;

	if (!storm || found.run_over || blind->how != kind->how ||
	    is_user_half(autopsy, blind) != kind->user_half)
		return false;
	take_storm(autopsy, death, storm, blind);
	ws_say(autopsy,
	       "%s %s, %s %s: %s, and each attempt was the next fault, %s in a row, until the "
	       "%s ended",
	       kind->handler, ws_named(autopsy, storm->frame.ip, named), kind->is,
	       ws_in_space(autopsy, death, blind, space), kind->first_fault,
	       WS_COUNT_OF(storm->frames, "time"), kind->stack);
	return true;
}

bool ws_is_unmapped(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return take_storm_of(autopsy, death,
			     &(struct kind){ WS_REACH_NONE, false, "a fault's handler,",
					     "is not mapped",
					     "the first fault there could not reach it",
					     "stack" });
}

bool ws_is_short_user_half(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return take_storm_of(
		autopsy, death,
		&(struct kind){ WS_REACH_NONE, true,
				"the entry code of user mode's own page table,",
				"is not mapped",
				"the first fault in user mode could not reach it",
				"entry stack" });
}

/* ---- the storm ran over the tables it came from --------------------------------------- */

static void clue_run_over(struct ws_autopsy *autopsy, const struct suspicion *found)
{
	char named[WS_NAMED];
	const char *whose = found->space == WS_NO_SPACE
				    ? "no space"
				    : ws_whose(autopsy, found->space, named);

	if (found->has_cpu)
		ws_clue(autopsy, "processor",
			"of the root that cpu %u has loaded, %#jx, of %s, a table lies under "
			"these frames: what it lacked is overwritten",
			found->cpu, found->root, whose);
	else if (found->nspaces > 1)
		ws_clue(autopsy, "who",
			"of %u spaces a table on the way to the handler lies under these "
			"frames: what it lacked is overwritten, and nothing tells in which of "
			"them the processor was",
			found->nspaces);
	else
		ws_clue(autopsy, "who",
			"of the root of %s, %#jx, %s, a table lies under these frames: what "
			"it lacked is overwritten",
			whose, found->root,
			found->storm->task != WS_NO_TASK
				? "on whose kernel stack the storm began"
				: "which alone is such");
}

static void say_run_over(struct ws_autopsy *autopsy, const struct suspicion *found,
			 const char *what)
{
	char named[WS_NAMED], whose[WS_NAMED], space[2 * WS_NAMED];

	if (found->space != WS_NO_SPACE)
		snprintf(space, sizeof(space), "%s",
			 ws_whose(autopsy, found->space, whose));
	else if (found->nspaces > 1)
		snprintf(space, sizeof(space), "one of %u spaces", found->nspaces);
	else
		snprintf(space, sizeof(space), "the space with root %#jx", found->root);
	ws_say(autopsy,
	       "a fault's handler, %s, %s in %s: each attempt was the next fault, %s in a "
	       "row, until the stack had run over that space's own page tables",
	       ws_named(autopsy, found->storm->frame.ip, named), what, space,
	       WS_COUNT_OF(found->storm->frames, "time"));
}

static bool take_run_over(struct ws_autopsy *autopsy, struct ws_death *death,
			  bool refused, const char *what)
{
	struct suspicion found = main_storm(autopsy);

	if (!found.storm || !found.run_over ||
	    is_refused_fetch(autopsy, found.storm) != refused)
		return false;
	ws_put_space(autopsy, death, found.space);
	death->has_root = found.nspaces == 1;
	death->root = death->has_root ? found.root : 0;
	death->has_cpu = found.has_cpu;
	death->cpu = found.cpu;
	put_storm(autopsy, death, found.storm);
	clue_run_over(autopsy, &found);
	say_run_over(autopsy, &found, what);
	return true;
}

bool ws_is_root_run_over(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return take_run_over(autopsy, death, false, "was not reached");
}

bool ws_is_not_executable(struct ws_autopsy *autopsy, struct ws_death *death)
{
	static const struct kind kind = { WS_REACH_REFUSED,
					  false,
					  "a fault's handler,",
					  "may not be executed",
					  "the first fault could not enter it",
					  "stack" };

	return take_storm_of(autopsy, death, &kind) ||
	       take_run_over(autopsy, death, true,
			     "could not be executed, as the error codes say,");
}
