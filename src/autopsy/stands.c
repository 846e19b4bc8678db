/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the processors stand: at which instruction, on which stack, in which space. */
#include "autopsy/states.h"

#include <stdio.h>

#include "util/count.h"

/* Of a machine with hundreds the rest is what `cpus` prints. */
#define SAID_MAX 8u

/* A processor, as it is described. */
struct stand {
	uint32_t number, space; /* space: WS_NO_SPACE */
	const struct ws_cpu *cpu;
	struct ws_standing standing;
	uint64_t root;
	bool has_root;
};

/* ", on the kernel stack of 117 waiter"; "" in user mode, and on a stack of no task. */
static const char *on_stack(const struct ws_autopsy *autopsy, const struct stand *stand,
			    char text[static WS_NAMED])
{
	const struct ws_stack *stack = ws_stack_at(&autopsy->stacks, stand->standing.sp);
	const struct ws_task *task =
		stack ? &autopsy->system->tasks.v[stack->task] : NULL;

	*text = '\0';
	if (task && !stand->standing.user)
		snprintf(text, WS_NAMED, ", on the kernel stack of %u %s", task->pid,
			 task->comm);
	return text;
}

/* ", which is not mapped there": the fetch that a delivery ends with has failed. */
static const char *fetch_words(const struct ws_autopsy *autopsy,
			       const struct stand *stand)
{
	struct ws_trail trail;

	if (stand->space == WS_NO_SPACE || stand->standing.user)
		return "";
	switch (ws_reach(autopsy, stand->space, stand->standing.ip, WS_KERNEL_EXECUTE,
			 &trail)) {
	case WS_REACH_NONE:
		return ", which is not mapped there: it cannot fetch its next instruction";
	case WS_REACH_REFUSED:
		return ", which it may not execute there";
	default:
		return "";
	}
}

static bool is_halted(const struct ws_autopsy *autopsy,
		      const struct ws_standing *standing)
{
	return autopsy->arch->is_halted &&
	       autopsy->arch->is_halted(autopsy->system, standing);
}

/* "has panicked, and is" */
static const char *state_words(struct ws_autopsy *autopsy, const struct stand *stand)
{
	bool halted = is_halted(autopsy, &stand->standing);

	if (ws_waits_in_panic(autopsy, &stand->standing))
		return halted ? "has panicked, and is halted" : "has panicked, and waits";
	return halted ? "is halted" : "is";
}

static void in_space(const struct ws_autopsy *autopsy, const struct stand *stand,
		     char text[static 2 * WS_NAMED])
{
	char whose[WS_NAMED];

	if (!stand->has_root)
		snprintf(text, 2 * WS_NAMED, "in which space the target does not keep");
	else if (stand->space == WS_NO_SPACE)
		snprintf(text, 2 * WS_NAMED, "with root %#jx, which is no space's",
			 stand->root);
	else
		snprintf(text, 2 * WS_NAMED, "in the space of %s",
			 ws_whose(autopsy, stand->space, whose));
}

/* What runs without page tables is firmware, or a kernel's first lines. */
static void say_unpaged(struct ws_autopsy *autopsy, const struct stand *stand)
{
	ws_clue(autopsy, "processor",
		"cpu %u has paging off, at %#jx: it runs firmware or a loader, as after a "
		"reset, or has not been started; no space of this memory is its own",
		stand->number, stand->standing.ip);
}

/* Where it cannot go on: what a delivery met last, and that nothing can be delivered. */
static const char *push_words(const struct ws_autopsy *autopsy, const struct stand *stand)
{
	return ws_failed_to_push(autopsy, stand->space, &stand->standing)
		       ? "; its last push, right below its stack pointer, failed"
		       : "";
}

static const char *shutdown_words(struct ws_autopsy *autopsy, const struct stand *stand)
{
	return ws_has_shut_down(autopsy, stand->space, &stand->standing)
		       ? "; no exception can be delivered there, not even a double fault: it "
			 "has shut down (triple fault)"
		       : "";
}

static void say_paged(struct ws_autopsy *autopsy, const struct stand *stand)
{
	char named[WS_NAMED], stack[WS_NAMED], space[2 * WS_NAMED];
	const struct ws_standing *standing = &stand->standing;
	const char *fetch = fetch_words(autopsy, stand),
		   *push = push_words(autopsy, stand),
		   *shutdown = shutdown_words(autopsy, stand);
	struct ws_clue *clue;

	if (standing->user)
		snprintf(named, sizeof(named), "%#jx", standing->ip);
	else
		ws_named(autopsy, standing->ip, named);
	in_space(autopsy, stand, space);
	autopsy->is_stranded |= *fetch || *shutdown;
	clue = ws_clue(autopsy, "processor", "cpu %u %s in %s mode at %s%s, %s%s%s%s",
		       stand->number, state_words(autopsy, stand),
		       standing->user ? "user" : "kernel", named,
		       on_stack(autopsy, stand, stack), space, fetch, push, shutdown);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = standing->ip;
}

static void say_stand(struct ws_autopsy *autopsy, const struct stand *stand)
{
	if (stand->cpu->arch->has_paging_off(stand->cpu))
		say_unpaged(autopsy, stand);
	else
		say_paged(autopsy, stand);
}

/*
 * Whether it has nobody's root, or init_mm's, as a handler in a task of its own does. So does
 * an idle processor, on the mm of whoever it ran last: among several it says nothing.
 */
static bool has_left_its_space(const struct ws_autopsy *autopsy, const struct ws_cpu *cpu)
{
	struct ws_system *system = autopsy->system;
	struct ws_standing standing;
	uint64_t root;
	uint32_t space;

	if (cpu->arch->has_paging_off(cpu) || !ws_system_cpu_root(system, cpu, &root) ||
	    !autopsy->arch->standing(system, cpu, &standing))
		return false;
	space = ws_space_of_root(autopsy->audit, root);
	if (space == WS_NO_SPACE || system->spaces.v[space].kind == WS_SPACE_FREED)
		return true;
	return !ws_could_run(autopsy, &system->spaces.v[space]) &&
	       (standing.was_elsewhere || system->target->cpus.n == 1);
}

enum ws_status ws_find_mm_space(struct ws_autopsy *autopsy)
{
	struct ws_system *system = autopsy->system;
	struct ws_cpu_state state;

	for (uint32_t i = 0; i < system->target->cpus.n && i < SAID_MAX; i++) {
		enum ws_status status;

		if (!has_left_its_space(autopsy, &system->target->cpus.v[i]))
			continue;
		status = ws_system_cpu_state(system, i, &state);
		if (status != WS_OK)
			return status;
		if (!state.has_loaded_mm || state.loaded_space == WS_NO_SPACE ||
		    !ws_could_run(autopsy, &system->spaces.v[state.loaded_space]))
			continue;
		autopsy->mm_space = state.loaded_space;
		autopsy->mm_cpu = i;
		break;
	}
	return WS_OK;
}

static void say_mm_space(struct ws_autopsy *autopsy)
{
	char whose[WS_NAMED];

	if (autopsy->mm_space != WS_NO_SPACE)
		ws_clue(autopsy, "who",
			"by the kernel's own per-CPU data the mm that cpu %u has loaded is "
			"that of %s",
			autopsy->mm_cpu, ws_whose(autopsy, autopsy->mm_space, whose));
}

void ws_say_where_they_stand(struct ws_autopsy *autopsy)
{
	const struct ws_system *system = autopsy->system;
	uint32_t nsaid = 0, nmore = 0;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		struct stand stand = { .number = i, .cpu = &system->target->cpus.v[i] };

		if (!autopsy->arch->standing(autopsy->system, stand.cpu, &stand.standing))
			continue;
		stand.has_root = ws_system_cpu_root(system, stand.cpu, &stand.root);
		if (nsaid == SAID_MAX) {
			nmore++;
			continue;
		}
		stand.space = stand.has_root
				      ? ws_space_of_root(autopsy->audit, stand.root)
				      : WS_NO_SPACE;
		say_stand(autopsy, &stand);
		nsaid++;
	}
	say_mm_space(autopsy);
	if (nmore)
		ws_clue(autopsy, "processor", "and %s more",
			WS_COUNT_OF(nmore, "processor"));
}
