/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autopsy/first_fault.h"

/* The exception frame, which shows that the log's address is read right. */
static const struct ws_pile *frame_of(const struct ws_autopsy *autopsy, uint64_t ip)
{
	ws_vec_each(&autopsy->piles, pile)
		if (pile->frame.ip == ip && !pile->frame.user)
			return pile;
	return NULL;
}

static uint32_t space_of_pid(const struct ws_autopsy *autopsy, uint32_t pid)
{
	ws_vec_each(&autopsy->system->tasks, task)
		if (task->pid == pid)
			return task->active_space;
	return WS_NO_SPACE;
}

static bool read_fault(struct ws_autopsy *autopsy, struct ws_fault_told *fault)
{
	*fault = (struct ws_fault_told){ .space = WS_NO_SPACE };
	if (!autopsy->arch->ip_words ||
	    !ws_oops_read(autopsy, ws_log_of(autopsy), &fault->oops) ||
	    !fault->oops.has_ip)
		return false;
	fault->frame = frame_of(autopsy, fault->oops.ip);
	fault->space = fault->oops.has_pid ? space_of_pid(autopsy, fault->oops.pid)
					   : WS_NO_SPACE;
	return fault->frame;
}

bool ws_died_of_fault(struct ws_autopsy *autopsy, struct ws_fault_told *fault)
{
	return read_fault(autopsy, fault) && !fault->oops.survived;
}

/* Of any space that it may have been in, and init_mm: what all of them say alike. */
static enum ws_reach reach_anywhere(const struct ws_autopsy *autopsy, uint64_t va,
				    uint8_t right, struct ws_trail *trail)
{
	enum ws_reach how = ws_reach_by_root(autopsy, autopsy->system->layout.reference,
					     va, right, trail);
	struct ws_trail other;

	for (uint32_t i = 0; i < autopsy->system->spaces.n; i++) {
		const struct ws_space *space = &autopsy->system->spaces.v[i];

		if (space->kind != WS_SPACE_USER && ws_could_run(autopsy, space) &&
		    ws_reach(autopsy, i, va, right, &other) != how)
			return WS_REACH_UNKNOWN;
	}
	return how;
}

enum ws_reach ws_reach_told(const struct ws_autopsy *autopsy,
			    const struct ws_fault_told *fault, uint8_t right,
			    struct ws_trail *trail)
{
	if (fault->space != WS_NO_SPACE)
		return ws_reach(autopsy, fault->space, fault->oops.va, right, trail);
	return reach_anywhere(autopsy, fault->oops.va, right, trail);
}

static void clue_fault(struct ws_autopsy *autopsy, const struct ws_fault_told *fault)
{
	char named[WS_NAMED];
	struct ws_clue *clue = ws_clue(
		autopsy, "frames",
		"the fault that the kernel's log reports first was at %s: this is its frame%s",
		ws_named(autopsy, fault->oops.ip, named),
		fault->oops.survived ? "; the kernel survived that, and ended otherwise"
				     : "");

	autopsy->has_first_fault = true;
	if (!clue)
		return;
	clue->has_pa = true;
	clue->pa = fault->frame->pa;
}

void ws_clue_first_fault(struct ws_autopsy *autopsy)
{
	struct ws_fault_told fault;

	if (!autopsy->has_first_fault && read_fault(autopsy, &fault))
		clue_fault(autopsy, &fault);
}

void ws_put_fault(struct ws_autopsy *autopsy, struct ws_death *death,
		  const struct ws_fault_told *fault)
{
	/*
	 * Where the kernel went on, others may have changed the tables since; where there were
	 * faults before, they may have.
	 */
	death->certainty = fault->oops.panicked && !fault->oops.later
				   ? WS_CERTAINTY_LIKELY
				   : WS_CERTAINTY_POSSIBLE;
	ws_put_space(autopsy, death, fault->space);
	clue_fault(autopsy, fault);
}
