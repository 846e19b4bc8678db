/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fault that the kernel reported and the page tables explain: the space lacks what init_mm
 * has, or the kernel came to memory that it may not execute.
 */
#include "autopsy/causes.h"
#include "autopsy/first_fault.h"

/* By a page fault, in memory where the tables say the same as the error code. */
static bool is_explained(const struct ws_autopsy *autopsy,
			 const struct ws_fault_told *fault, uint8_t right,
			 enum ws_reach how)
{
	struct ws_exception_frame frame = { .error = fault->oops.error };
	struct ws_trail trail;

	return autopsy->arch->is_refusal(&frame) == (how == WS_REACH_REFUSED) &&
	       ws_reach_told(autopsy, fault, right, &trail) == how;
}

static bool read_page_fault(struct ws_autopsy *autopsy, struct ws_fault_told *fault,
			    uint8_t *right)
{
	if (!ws_died_of_fault(autopsy, fault) || !fault->oops.has_va ||
	    !fault->oops.has_error)
		return false;
	*right = autopsy->arch->right_lacked(fault->oops.error);
	return *right;
}

static struct ws_blind blind_of(const struct ws_autopsy *autopsy,
				const struct ws_fault_told *fault, enum ws_reach how)
{
	return (struct ws_blind){
		.first = fault->space,
		.n = 1,
		.root = fault->space == WS_NO_SPACE
				? autopsy->system->layout.reference
				: autopsy->system->spaces.v[fault->space].root,
		.how = how,
		.suspect_is = true,
	};
}

bool ws_is_fetch_refused(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char named[WS_NAMED], whose[WS_NAMED] = "any space";
	struct ws_fault_told fault;
	struct ws_blind blind;
	uint8_t right;

	if (!read_page_fault(autopsy, &fault, &right) || right != WS_KERNEL_EXECUTE ||
	    fault.oops.va != fault.oops.ip ||
	    !is_explained(autopsy, &fault, right, WS_REACH_REFUSED))
		return false;
	blind = blind_of(autopsy, &fault, WS_REACH_REFUSED);
	ws_put_fault(autopsy, death, &fault);
	ws_clue_hole(autopsy, &blind, fault.oops.va, right);
	if (fault.space != WS_NO_SPACE)
		ws_whose(autopsy, fault.space, whose);
	ws_say(autopsy,
	       "the kernel jumped to %s, which is mapped and may not be executed in %s",
	       ws_named(autopsy, fault.oops.va, named), whose);
	return true;
}

bool ws_is_space_short(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char named[WS_NAMED], whose[WS_NAMED];
	struct ws_fault_told fault;
	struct ws_blind blind;
	uint8_t right;

	if (!read_page_fault(autopsy, &fault, &right) || fault.space == WS_NO_SPACE ||
	    fault.oops.va < autopsy->system->layout.kernel_first ||
	    !is_explained(autopsy, &fault, right, WS_REACH_NONE) ||
	    ws_reach_in_reference(autopsy, fault.oops.va, right) != WS_REACHED)
		return false;
	blind = blind_of(autopsy, &fault, WS_REACH_NONE);
	ws_put_fault(autopsy, death, &fault);
	ws_clue_hole(autopsy, &blind, fault.oops.va, right);
	ws_clue(autopsy, "hole", "init_mm maps it, with the right that was lacked");
	ws_say(autopsy,
	       "kernel memory at %s is mapped in init_mm, and not in the space of %s, where the "
	       "kernel used it",
	       ws_named(autopsy, fault.oops.va, named),
	       ws_whose(autopsy, fault.space, whose));
	return true;
}
