/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carrying a plan out: each entry is written where it still holds what the plan saw, and then
 * the space is walked anew. An entry that was empty is in no TLB (SDM vol. 3A, 4.10.2.3; Arm
 * ARM, "TLB maintenance": a translation that faults is not held), or is there as empty (RISC-V):
 * then a fault comes that the kernel's handler ends by a flush (vmalloc_fault()). One that is
 * taken back may be in any, so that is done only where TLBs can be made to forget.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "linux/stacks.h"
#include "paging/format.h"
#include "sync_plan.h"
#include "target/target.h"
#include "util/cleanup.h"

static const char *const end_names[] = {
	[WS_SYNC_LEFT] = "left alone",      [WS_SYNC_WRITTEN] = "written",
	[WS_SYNC_IS_SO] = "was so already", [WS_SYNC_CHANGED] = "changed meanwhile",
	[WS_SYNC_GONE] = "process is gone", [WS_SYNC_REFUSED] = "refused by the kernel",
	[WS_SYNC_DOUBT] = "in doubt",
};

const char *ws_sync_end_name(enum ws_sync_end end)
{
	return end_names[end];
}

enum ws_status ws_target_may_write(struct ws_target *target, bool *lasts)
{
	*lasts = !target->ops->go_on;
	if (!target->ops->write && !target->ops->sync)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: a file is evidence, and not written to; live, "
			       "qemu:SOCKET, gdb:HOST:PORT and sim:SCENARIO are",
			       target->named ? target->named : target->file.path);
	if (target->moving && !target->ops->sync)
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: it runs, and its kernel may change the same entries: "
			       "--stop stops it meanwhile",
			       target->named);
	return target->ops->sync ? target->ops->sync(target, NULL, 0, 0) : WS_OK;
}

enum ws_status ws_sync_goes_on(struct ws_target *target, char **sentence)
{
	*sentence = NULL;
	return target->ops->go_on ? target->ops->go_on(target, sentence) : WS_OK;
}

/* ---- writing ----------------------------------------------------------------------- */

/* What it holds, but for what the processor sets in it by itself. */
static bool holds(const struct ws_format *format, uint64_t entry, uint64_t value)
{
	return !((entry ^ value) & ~format->touched);
}

static bool is_wanted(const struct ws_sync_entry *entry)
{
	return !entry->refused && entry->end == WS_SYNC_LEFT;
}

static enum ws_status write_entry(struct ws_system *system, struct ws_sync_entry *entry)
{
	const struct ws_format *format = system->paging.format;
	struct ws_target *target = system->target;
	uint8_t bytes[8] = { 0 };
	enum ws_status status = target->ops->read(target, entry->pa, bytes, entry->size);

	if (status != WS_OK)
		return status;
	if (holds(format, ws_le_word(bytes, entry->size), entry->then))
		entry->end = WS_SYNC_IS_SO;
	else if (!holds(format, ws_le_word(bytes, entry->size), entry->now))
		entry->end = WS_SYNC_CHANGED;
	if (entry->end != WS_SYNC_LEFT)
		return WS_OK;
	/* Somebody may have let it run on since: then these tables are whose they will. */
	status = ws_target_looked(target, WS_OK);
	if (status != WS_OK)
		return status;
	for (unsigned i = 0; i < entry->size; i++)
		bytes[i] = (uint8_t)(entry->then >> 8 * i);
	status = target->ops->write(target, entry->pa, bytes, entry->size);
	/* Who is not answered may have been heard. */
	entry->end = status == WS_OK                ? WS_SYNC_WRITTEN
		     : status == WS_ERR_UNSUPPORTED ? WS_SYNC_LEFT
						    : WS_SYNC_DOUBT;
	return status;
}

static enum ws_status flush(struct ws_target *target)
{
	return target->ops->flush ? target->ops->flush(target) : WS_OK;
}

/* Whether something is taken away that a TLB may hold. */
static bool takes_away(const struct ws_system *system, const struct ws_sync_plan *plan)
{
	ws_vec_each(&plan->entries, entry)
		if (is_wanted(entry) && ws_is_present(system->paging.format, entry->now))
			return true;
	return false;
}

static enum ws_status write_all(struct ws_system *system, struct ws_sync_plan *plan)
{
	bool must = takes_away(system, plan);
	enum ws_status status = must ? flush(system->target) : WS_OK;

	ws_vec_each(&plan->entries, entry)
		if (status == WS_OK && is_wanted(entry))
			status = write_entry(system, entry);
	if (status != WS_OK)
		return status;
	status = flush(system->target);
	if (status != WS_ERR_UNSUPPORTED || must)
		return status;
	ws_error_clear(system->ctx);
	return WS_OK;
}

static enum ws_status have_written(struct ws_system *system, struct ws_sync_plan *plan)
{
	ws_autofree struct ws_sync_entry **wanted =
		calloc(plan->entries.n + 1, sizeof(struct ws_sync_entry *));
	size_t n = 0;

	if (!wanted)
		return ws_fail_memory(system->ctx);
	ws_vec_each(&plan->entries, entry)
		if (is_wanted(entry))
			wanted[n++] = entry;
	return n ? system->target->ops->sync(system->target, wanted, n,
					     system->layout.reference)
		 : WS_OK;
}

/* ---- the proof --------------------------------------------------------------------- */

/* The walk comes by the entry, which holds what it is to hold. */
static bool is_there(struct ws_system *system, const struct ws_sync_entry *entry)
{
	struct ws_trail trail;
	struct ws_eye eye;

	ws_space_eye(system, &system->spaces.v[entry->space], &eye);
	ws_eye_walk(&system->paging, &eye, entry->witness, &trail);
	return entry->level < trail.nsteps &&
	       ws_step_entry_pa(system->paging.format, &trail.step[entry->level]) ==
		       entry->pa &&
	       holds(system->paging.format, trail.step[entry->level].entry, entry->then);
}

enum ws_status ws_sync_plan_apply(struct ws_system *system, struct ws_sync_plan *plan)
{
	bool lasts;
	enum ws_status status = ws_target_may_write(system->target, &lasts);

	if (status == WS_OK && system->layout.consensus)
		status = ws_fail(
			system->ctx, WS_ERR_UNKNOWN,
			"init_mm's own table is not in the target, only what most "
			"spaces have: that is not written to others");
	if (status == WS_OK)
		status = system->target->ops->sync ? have_written(system, plan)
						   : write_all(system, plan);
	if (status != WS_OK)
		return status;
	ws_system_forget(system);
	ws_vec_each(&plan->entries, entry)
		entry->proved =
			!entry->refused &&
			(entry->end == WS_SYNC_WRITTEN || entry->end == WS_SYNC_IS_SO) &&
			is_there(system, entry);
	return ws_target_looked(system->target, WS_OK);
}

/* ---- taking back ------------------------------------------------------------------- */

static uint32_t space_of(const struct ws_system *system,
			 const struct ws_sync_entry *entry)
{
	for (size_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == entry->root &&
		    system->spaces.v[i].mm == entry->mm &&
		    system->spaces.v[i].pid == entry->pid &&
		    system->spaces.v[i].kind == WS_SPACE_PROCESS)
			return (uint32_t)i;
	return WS_NO_SPACE;
}

/* What a plan never has: a journal is a file, and may say anything. */
static const char *why_never(struct ws_system *system, const struct ws_sync_entry *entry,
			     const struct ws_trail *here)
{
	const struct ws_format *format = system->paging.format;
	struct ws_trail there;
	struct ws_eye eye;

	if (entry->level > ws_private_level(format) ||
	    ws_is_read_once(format, entry->level) ||
	    entry->witness <= ws_last_user_va(system))
		return "no entry of a space's own for kernel memory";
	if (entry->then || !ws_is_present(format, entry->now))
		return "it was not empty before";
	ws_root_eye(system, system->layout.reference, true, &eye);
	ws_eye_walk(&system->paging, &eye, entry->witness, &there);
	if (entry->level < there.nsteps &&
	    here->step[entry->level].table == there.step[entry->level].table)
		return "it is init_mm's own, and so everybody's";
	return NULL;
}

/*
 * A switch to a task changes the root first and the stack after, and a kernel thread borrows the
 * root of who ran before: so no space does without the stacks of any.
 */
static bool has_stacks(const ws_stack_vec *stacks, const struct ws_sync_entry *entry)
{
	ws_vec_each(stacks, stack)
		if (stack->va <= entry->last &&
		    stack->va + (stack->size - 1) >= entry->va)
			return true;
	return false;
}

/* Where the walk comes by it today, and what it holds. */
static const char *find(struct ws_system *system, const ws_stack_vec *stacks,
			struct ws_sync_entry *entry)
{
	const struct ws_format *format = system->paging.format;
	uint64_t written = entry->now;
	struct ws_trail trail;
	struct ws_eye eye;
	const char *never;

	entry->space = space_of(system, entry);
	if (entry->space == WS_NO_SPACE) {
		entry->end = WS_SYNC_GONE;
		return "process is gone";
	}
	ws_space_eye(system, &system->spaces.v[entry->space], &eye);
	ws_eye_walk(&system->paging, &eye, entry->witness, &trail);
	if (entry->level >= trail.nsteps)
		return "a table on the way is gone";
	never = why_never(system, entry, &trail);
	entry->pa = ws_step_entry_pa(format, &trail.step[entry->level]);
	entry->now = trail.step[entry->level].entry;
	if (never)
		return never;
	if (holds(format, entry->now, entry->then)) {
		entry->end = WS_SYNC_IS_SO;
		return "as it was before already";
	}
	if (!holds(format, entry->now, written))
		return "changed since";
	return has_stacks(stacks, entry) ? "stacks of tasks lie there" : NULL;
}

static void take_back(struct ws_system *system, const ws_stack_vec *stacks,
		      const struct ws_sync_entry *written, struct ws_sync_entry *entry)
{
	const struct ws_format *format = system->paging.format;
	uint64_t size = WS_BIT(format->level[written->level].shift);

	*entry = *written;
	entry->size = (uint8_t)(1u << format->entry_log2);
	entry->va = written->witness & -size;
	entry->last = entry->va + (size - 1);
	entry->now = written->then;
	entry->then = written->now;
	entry->from = 0;
	entry->region = NULL;
	entry->end = WS_SYNC_LEFT;
	entry->proved = false;
	entry->refused = find(system, stacks, entry);
}

static enum ws_status take_all_back(struct ws_system *system, const ws_stack_vec *stacks,
				    const struct ws_sync_entry *entries, size_t n,
				    struct ws_sync_plan *plan)
{
	for (size_t i = 0; i < n; i++) {
		struct ws_sync_entry *kept;

		if (entries[i].level >= system->paging.format->nlevels)
			return ws_fail(system->ctx, WS_ERR_USAGE,
				       "%s paging has no level %u",
				       system->paging.format->name, entries[i].level);
		kept = ws_vec_push(&plan->entries);
		if (!kept)
			return ws_fail_memory(system->ctx);
		take_back(system, stacks, &entries[i], kept);
	}
	return WS_OK;
}

enum ws_status ws_sync_plan_undo(struct ws_system *system,
				 const struct ws_sync_entry *entries, size_t n,
				 struct ws_sync_plan **plan)
{
	struct ws_sync_plan *made = calloc(1, sizeof(*made));
	ws_stack_vec stacks = { 0 };
	enum ws_status status = made ? WS_OK : ws_fail_memory(system->ctx);

	/* A kernel that writes by itself looks at that by itself. */
	if (status == WS_OK && !system->target->ops->sync)
		status = ws_find_stacks(system, &stacks);
	*plan = NULL;
	if (status == WS_OK)
		status = take_all_back(system, &stacks, entries, n, made);
	ws_vec_release(&stacks);
	status = ws_target_looked(system->target, status);
	if (status != WS_OK)
		ws_sync_plan_destroy(made);
	else
		*plan = made;
	return status;
}
