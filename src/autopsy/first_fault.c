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

bool ws_read_fault(struct ws_autopsy *autopsy, struct ws_fault_told *fault)
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

enum ws_reach ws_reach_told(const struct ws_autopsy *autopsy,
			    const struct ws_fault_told *fault, uint8_t right,
			    struct ws_trail *trail)
{
	if (fault->space != WS_NO_SPACE)
		return ws_reach(autopsy, fault->space, fault->oops.va, right, trail);
	return ws_reach_in_reference(autopsy, fault->oops.va, right);
}

static void clue_fault(struct ws_autopsy *autopsy, const struct ws_fault_told *fault)
{
	char named[WS_NAMED];
	struct ws_clue *clue = ws_clue(
		autopsy, "frames",
		"the fault that the kernel's log reports first was at %s: this is its frame",
		ws_named(autopsy, fault->oops.ip, named));

	autopsy->has_first_fault = true;
	if (!clue)
		return;
	clue->has_pa = true;
	clue->pa = fault->frame->pa;
}

void ws_clue_first_fault(struct ws_autopsy *autopsy)
{
	struct ws_fault_told fault;

	if (!autopsy->has_first_fault && ws_read_fault(autopsy, &fault))
		clue_fault(autopsy, &fault);
}

void ws_put_fault(struct ws_autopsy *autopsy, struct ws_death *death,
		  const struct ws_fault_told *fault)
{
	/* Where the kernel went on, others may have changed the tables since. */
	death->certainty =
		fault->oops.panicked ? WS_CERTAINTY_LIKELY : WS_CERTAINTY_POSSIBLE;
	ws_put_space(autopsy, death, fault->space);
	clue_fault(autopsy, fault);
}
