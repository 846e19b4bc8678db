/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault that the page tables do not explain: they map the address with the right that it
 * lacked, or hold other code than the processor met there. Memory is fine and the fault is not,
 * as when a TLB keeps a translation that was changed without a flush.
 */
#include "autopsy/causes.h"
#include "autopsy/first_fault.h"

#include <string.h>

#include "util/text.h"

/* As many bytes decide what an instruction is: what follows may be patched at run time. */
#define OPCODE_BYTES 2u

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
static bool met_other_code(const struct ws_autopsy *autopsy,
			   const struct ws_fault_told *fault)
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

/* The right that it lacked is there, in memory that is the kernel's own. */
static bool lacked_nothing(const struct ws_autopsy *autopsy,
			   const struct ws_fault_told *fault)
{
	const struct ws_oops *oops = &fault->oops;
	struct ws_trail trail = { 0 };
	uint8_t right;

	if (!oops->has_va || !oops->has_error ||
	    oops->va < autopsy->system->layout.kernel_first ||
	    !(right = autopsy->arch->right_lacked(oops->error)))
		return false;
	return ws_reach_told(autopsy, fault, right, &trail) == WS_REACHED &&
	       !(trail.access & WS_USER_READ);
}

/* ---- in words ------------------------------------------------------------------------ */

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

static void clue_right(struct ws_autopsy *autopsy, const struct ws_fault_told *fault)
{
	char whose[WS_NAMED] = "init_mm";
	struct ws_clue *clue;

	if (fault->space != WS_NO_SPACE)
		ws_whose(autopsy, fault->space, whose);
	clue = ws_clue(
		autopsy, "hole",
		"there is none: %s maps the address that was accessed, with the right "
		"that the error code, %#jx, says was lacked",
		whose, fault->oops.error);
	if (!clue)
		return;
	clue->has_va = true;
	clue->va = fault->oops.va;
}

bool ws_is_stale(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct ws_fault_told fault;
	char named[WS_NAMED];
	bool code, right;

	if (!ws_died_of_fault(autopsy, &fault))
		return false;
	code = met_other_code(autopsy, &fault);
	right = lacked_nothing(autopsy, &fault);
	if (!code && !right)
		return false;
	ws_put_fault(autopsy, death, &fault);
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
