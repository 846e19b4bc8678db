/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an overwritten frame was (audit/uses.h), and of what a processor needs to deliver a
 * fault that it was that.
 */
#include "audit/uses.h"
#include "x86/faultpath.h"
#include "x86/whatif/whatif.h"

/*
 * Of what a processor needs, its data; and whether delivery writes there wherever it goes
 * well: stacks, and the TSS that a task leaves.
 */
static const struct {
	enum x86_fault_rule rule;
	bool by_design;
} data[] = {
	{ X86_RULE_IDT, false },      { X86_RULE_GDT, false },
	{ X86_RULE_TSS, true },       { X86_RULE_ENTRY_STACK, true },
	{ X86_RULE_IST_STACK, true }, { X86_RULE_DOUBLE_FAULT, true },
};

static void claim_need(struct ws_uses *uses, const struct ws_need *need)
{
	struct ws_frame_run what = { .use = WS_FRAME_FAULT_PATH,
				     .space = WS_NO_SPACE,
				     .name = need->what };

	for (size_t i = 0; i < WS_ARRAY_SIZE(data); i++) {
		if (need->rule != &x86_fault_rules[data[i].rule])
			continue;
		what.by_design = data[i].by_design;
		ws_uses_claim_va(uses, need->va, need->last, &what);
	}
}

enum ws_status ws_frame_uses(struct ws_machine *machine, struct ws_frame_run *frames,
			     size_t n)
{
	struct ws_uses uses = { .audit = machine->audit, .frames = frames, .n = n };
	enum ws_status status = ws_machine_stacks(machine);

	if (status == WS_OK)
		status = ws_uses_find(&uses, &machine->stacks);
	if (status != WS_OK)
		return status;
	ws_vec_each(&machine->audit->needs, need)
		claim_need(&uses, need);
	ws_uses_by_page(&uses);
	return WS_OK;
}
