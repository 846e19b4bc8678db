/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a machine ends that lacks some of the fault path. */
#include "arm/faultpath.h"
#include "audit/code.h"

/* For what ends a machine: what begins it, in whose space, and the mechanism. */
static const struct chain {
	enum arm_fault_rule rule;
	const char *begins, *mechanism;
} chains[] = {
	{ ARM_RULE_VECTORS, "any exception in ",
	  "the processor cannot fetch the code at the vector, which is a prefetch abort, "
	  "whose own vector or stub it cannot fetch either" },
	{ ARM_RULE_ABORT_ENTRY, "an abort in ",
	  "the processor cannot fetch the handler, which is a prefetch abort: its stub "
	  "overwrites what the first abort's had saved, and goes on to its own handler" },
	{ ARM_RULE_ABORT_REACH, "an abort in ",
	  "what handles it faults before it has done anything, and so does each fault that "
	  "comes of it; each pushes its registers on the kernel stack" },
	{ ARM_RULE_ABORT_STACK, "an abort in ",
	  "the first push to the kernel stack is a data abort, whose registers cannot be "
	  "pushed there either" },
};

static const struct chain *chain_of(const struct ws_finding *finding)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(chains); i++)
		if (finding->rule == &arm_fault_rules[chains[i].rule])
			return &chains[i];
	return NULL;
}

/* Nothing is pushed, so nothing runs out. */
bool arm_hangs(const struct ws_audit *audit, const struct ws_about *about)
{
	(void)audit;
	return ws_about_has(about, arm_fault_rules[ARM_RULE_VECTORS].id);
}

/*
 * Seen in the lab (6.12): where prefetch aborts led into the module that was not mapped, a
 * million of them at one address and no push; where data aborts alone did, 730,000 frames
 * down through lowmem. Both guests were silent and stayed so.
 *
 * With stacks in vmalloc memory the entry code sees that one has run over, and changes to
 * the overflow stack (__bad_stack, since a1c510d0adc6, 5.18).
 */
static void print_end(const struct ws_audit *audit, FILE *to,
		      const struct ws_about *about)
{
	uint64_t va;

	if (about->hangs)
		fputs("the processor hangs, with no message and no reset", to);
	else if (ws_about_has(about, arm_fault_rules[ARM_RULE_ABORT_ENTRY].id))
		fputs("the machine hangs, with no message and no reset", to);
	else if (ws_code_symbol((struct ws_audit *)audit, "handle_bad_stack", &va))
		fputs("the machine hangs, or the kernel panics when its stack is full",
		      to);
	else
		fputs("the machine hangs, or registers are pushed through the memory below "
		      "the kernel stack until one cannot be written",
		      to);
}

bool arm_print_death(const struct ws_audit *audit, FILE *to, const struct ws_about *about,
		     const struct ws_finding *finding)
{
	const struct chain *chain = chain_of(finding);

	if (!chain)
		return false;
	print_end(audit, to, about);
	fprintf(to, "\n%s%s: %s\nevidence: %s", chain->begins, about->owner,
		chain->mechanism, finding->text);
	return true;
}
