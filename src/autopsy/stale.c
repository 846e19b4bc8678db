/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault that the page tables do not explain: they map the address with the right that it
 * lacked, or hold other code than the processor met there. Memory is fine and the fault is not,
 * as when a TLB keeps a translation that was changed without a flush.
 */
#include "autopsy/causes.h"
#include "autopsy/oops.h"
#include "autopsy/reach.h"

#include <stdio.h>
#include <string.h>

#include "util/text.h"

/* As many bytes decide what an instruction is: what follows may be patched at run time. */
#define OPCODE_BYTES 2u

struct fault {
	struct ws_oops oops;
	uint32_t space; /* of the process that the log names; WS_NO_SPACE */
	const struct ws_pile *frame;
};

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

static bool read_fault(struct ws_autopsy *autopsy, struct fault *fault)
{
	if (!autopsy->arch->ip_words ||
	    !ws_oops_read(autopsy, ws_log_of(autopsy), &fault->oops) ||
	    !fault->oops.has_ip)
		return false;
	fault->frame = frame_of(autopsy, fault->oops.ip);
	fault->space = fault->oops.has_pid ? space_of_pid(autopsy, fault->oops.pid)
					   : WS_NO_SPACE;
	return fault->frame;
}

/* ---- what was met is not what is there ---------------------------------------------- */

static bool code_now(const struct ws_autopsy *autopsy, const struct ws_oops *oops,
		     uint8_t now[OPCODE_BYTES])
{
	return ws_system_read(autopsy->system, oops->ip, now, OPCODE_BYTES) == WS_READ;
}

/*
 * Other bytes at the instruction pointer than the kernel printed of it, or, where it could
 * print none, an instruction that a processor cannot have refused.
 */
static bool met_other_code(const struct ws_autopsy *autopsy, const struct fault *fault)
{
	const struct ws_oops *oops = &fault->oops;
	uint8_t now[OPCODE_BYTES];

	if (!code_now(autopsy, oops, now))
		return false;
	if (!oops->ncode)
		return oops->undefined && autopsy->arch->is_defined(now[0]);
	return oops->ncode >= oops->below + OPCODE_BYTES &&
	       memcmp(now, oops->code + oops->below, sizeof(now)) != 0;
}

static enum ws_reach now_at(const struct ws_autopsy *autopsy, const struct fault *fault,
			    uint8_t right, struct ws_trail *trail)
{
	if (fault->space != WS_NO_SPACE)
		return ws_reach(autopsy, fault->space, fault->oops.va, right, trail);
	return ws_reach_in_reference(autopsy, fault->oops.va, right);
}

/* The right that it lacked is there, in memory that is the kernel's own. */
static bool lacked_nothing(const struct ws_autopsy *autopsy, const struct fault *fault)
{
	const struct ws_oops *oops = &fault->oops;
	struct ws_trail trail = { 0 };
	uint8_t right;

	if (!oops->has_va || !oops->has_error ||
	    oops->va < autopsy->system->layout.kernel_first ||
	    !(right = autopsy->arch->right_lacked(oops->error)))
		return false;
	return now_at(autopsy, fault, right, &trail) == WS_REACHED &&
	       !(trail.access & WS_USER_READ);
}

/* ---- in words ------------------------------------------------------------------------ */

static void clue_fault(struct ws_autopsy *autopsy, const struct fault *fault)
{
	char named[WS_NAMED];
	struct ws_clue *clue = ws_clue(
		autopsy, "frames",
		"the fault that the kernel's log reports first was at %s: this is its frame",
		ws_named(autopsy, fault->oops.ip, named));

	if (!clue)
		return;
	clue->has_pa = true;
	clue->pa = fault->frame->pa;
}

static void clue_code(struct ws_autopsy *autopsy, const struct ws_oops *oops)
{
	uint8_t now[OPCODE_BYTES] = { 0 };
	struct ws_clue *clue;

	if (!code_now(autopsy, oops, now))
		return;
	clue = oops->ncode
		       ? ws_clue(autopsy, "code",
				 "the kernel printed %02x %02x as the code there, which "
				 "the processor met; the page tables lead to %02x %02x",
				 oops->code[oops->below], oops->code[oops->below + 1],
				 now[0], now[1])
		       : ws_clue(autopsy, "code",
				 "the processor met an invalid opcode there; the page "
				 "tables lead to %02x %02x, which is a valid one",
				 now[0], now[1]);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = oops->ip;
}

static void clue_right(struct ws_autopsy *autopsy, const struct fault *fault)
{
	char whose[WS_NAMED] = "init_mm";
	struct ws_clue *clue;

	if (fault->space != WS_NO_SPACE)
		ws_whose(autopsy, fault->space, whose);
	clue = ws_clue(
		autopsy, "hole",
		"there is none: %s maps the address that was accessed, with the right "
		"that the error code, %#lx, says was lacked",
		whose, fault->oops.error);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = fault->oops.va;
}

bool ws_is_stale(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct fault fault = { 0 };
	char named[WS_NAMED];
	bool code, right;

	if (!read_fault(autopsy, &fault))
		return false;
	code = met_other_code(autopsy, &fault);
	right = lacked_nothing(autopsy, &fault);
	if (!code && !right)
		return false;
	/* Where the kernel went on, others may have changed the tables since. */
	death->certainty =
		fault.oops.panicked ? WS_CERTAINTY_LIKELY : WS_CERTAINTY_POSSIBLE;
	ws_put_space(autopsy, death, fault.space);
	clue_fault(autopsy, &fault);
	if (code)
		clue_code(autopsy, &fault.oops);
	if (right)
		clue_right(autopsy, &fault);
	ws_say(autopsy, "memory is fine and the fault was not: at %s the processor %s",
	       ws_named(autopsy, fault.oops.ip, named),
	       code ? "met other code than the page tables lead to"
		    : "was refused what the page tables grant");
	return true;
}
