/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Jumps: code that the kernel runs at its physical address on the way out of itself, into
 * another kernel. It loads page tables that map that code to itself, the identity map, and
 * goes there; whether the processor then finds it is decided by the regime at the jump,
 * which is not always the one in which those tables are looked at.
 */
#include "audit/arch.h"
#include "audit/jump.h"

#include <stdio.h>

#include "audit/lack.h"

/* clang-format off */
static const struct ws_rule rules[] = {
	{
		"jump-dies", "jump", "the jump into another kernel dies", WS_FATAL,
		"To start another kernel (kexec, or a crash kernel after a panic) this one loads "
		"page tables that map the code that turns the MMU off to itself, and jumps there. "
		"In the regime that the processor is in at that moment the code is not mapped: it "
		"faults, and the other kernel is never entered. Nothing else is wrong: until "
		"then the machine runs.",
		"Let the processor use those tables before the jump: with "
		"CONFIG_CPU_TTBR0_PAN, enable user access, as 009b6c6486b9 does. Do not rely on "
		"kexec or kdump with this kernel.",
		"ARM32 LPAE since 7af5b901e847 (6.9), until 009b6c6486b9",
		WS_COHERENT,
	},
};
/* clang-format on */

/* What a jump rests on: where its code lies, and the tables that it loads. */
struct jumping {
	struct ws_audit *audit;
	const struct ws_jump *jump;
	uint64_t first, last, entry; /* virtual, all of the code; and where it begins */
	uint64_t delta;              /* what to take off for the physical address */
	uint32_t space;              /* with the identity map */
};

static bool find_symbol(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_find(system, name, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

static bool find_code(struct jumping *j)
{
	struct ws_system *system = j->audit->system;
	uint64_t pa;

	if (!find_symbol(system, j->jump->first, &j->first) ||
	    !find_symbol(system, j->jump->end, &j->last) ||
	    !find_symbol(system, j->jump->entry, &j->entry) || j->last <= j->first ||
	    j->entry < j->first || j->entry >= j->last ||
	    ws_kernel_translate(system, j->first, &pa) != WS_READ)
		return false;
	j->last--;
	j->delta = j->first - pa;
	return true;
}

/* Whether all of the code is mapped to itself there, and may be run; where not, *trail. */
static bool is_identity(const struct jumping *j, const struct ws_eye *eye,
			struct ws_trail *trail)
{
	uint64_t last = j->last - j->delta;

	for (uint64_t pa = j->entry - j->delta; pa <= last;
	     pa = (pa | (WS_FRAME_SIZE - 1)) + 1) {
		ws_eye_walk(&j->audit->system->paging, eye, pa, trail);
		if (trail->end != WS_END_PAGE || trail->pa != pa ||
		    !(trail->access & WS_KERNEL_EXECUTE))
			return false;
	}
	return true;
}

/* The space whose tables, if they translate all, map the code to itself. */
static bool find_identity_map(struct jumping *j)
{
	const struct ws_system *system = j->audit->system;
	struct ws_trail trail;

	for (j->space = 0; j->space < system->spaces.n; j->space++) {
		const struct ws_space *space = &system->spaces.v[j->space];
		const struct ws_eye eye = {
			1, { { 0, UINT64_MAX, space->root, system->paging.format } }
		};

		if ((space->kind == WS_SPACE_LONE || space->kind == WS_SPACE_UNOWNED) &&
		    is_identity(j, &eye, &trail))
			return true;
	}
	return false;
}

static void say_unknown(const struct jumping *j, const char *why)
{
	ws_note(j->audit->system, "whether the jump %s survives is unknown: %s",
		j->jump->where, why);
}

static void say_survives(const struct jumping *j, const struct ws_regime *regime)
{
	ws_note(j->audit->system,
		"the jump %s survives, as far as page tables go: %s, at its physical address "
		"%#lx, is mapped to itself (root %#lx; %s)",
		j->jump->where, j->jump->entry, j->entry - j->delta,
		j->audit->system->spaces.v[j->space].root, regime->text);
}

static void record(const struct jumping *j, const struct ws_regime *regime,
		   const struct ws_trail *trail)
{
	struct ws_finding *finding = ws_found(
		j->audit, &rules[0], j->space, trail->va, trail->va,
		"the jump %s dies at %#lx, where %s is run at its physical address: the "
		"identity map (root %#lx) maps that, and is not what translates it (%s)",
		j->jump->where, trail->va, j->jump->entry,
		j->audit->system->spaces.v[j->space].root, regime->text);

	if (!finding)
		return;
	finding->machine = true;
	finding->here = *trail;
}

static void judge(struct jumping *j)
{
	const struct ws_system *system = j->audit->system;
	struct ws_regime regime;
	struct ws_trail trail;
	struct ws_eye eye;

	if (!find_code(j)) {
		say_unknown(j, "the code that it runs was not found by its symbols");
	} else if (!find_identity_map(j)) {
		say_unknown(j, "no page table was found that maps its code to itself");
	} else if (!j->jump->regime(j->audit, j->jump, &regime)) {
		say_unknown(j,
			    "by which regime the processor then translates is not known");
	} else {
		ws_regime_eye(system, &regime, system->spaces.v[j->space].root, false,
			      &eye);
		if (is_identity(j, &eye, &trail))
			say_survives(j, &regime);
		else if (ws_end_is_known(trail.end))
			record(j, &regime, &trail);
		else
			say_unknown(j, "a page table that decides is not in the target");
	}
}

static enum ws_status run_jumps(struct ws_audit *audit)
{
	for (const struct ws_jump *jump = audit->arch ? audit->arch->jumps : NULL;
	     jump && jump->where; jump++)
		judge(&(struct jumping){ .audit = audit, .jump = jump });
	return WS_OK;
}

const struct ws_family ws_jumps = {
	.name = "jump",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_jumps,
};
