/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Into another kernel: soft_restart() has setup_mm_for_reboot() load idmap_pgd into TTBR0,
 * and then calls cpu_reset at its physical address (arch/arm/kernel/reboot.c,
 * arch/arm/mm/idmap.c). With CONFIG_CPU_TTBR0_PAN and long descriptors TTBCR.EPD0 hides
 * what TTBR0 leads to, unless one of the two has enabled user access (009b6c6486b9), by a
 * write of TTBCR: whether it does is read in their code.
 */
#include "arm/jump.h"

#include "arm/entry.h"
#include "arm/pan.h"
#include "arm/regime.h"

static bool regime_at_jump(const struct ws_audit *audit, const struct ws_jump *jump,
			   struct ws_regime *regime)
{
	struct ws_system *system = audit->system;
	bool writes = false;

	if (!system->regime.nwindows)
		return false;
	*regime = system->regime;
	if (system->format == &ws_format_arm)
		return true; /* user access is no matter of TTBCR */
	for (unsigned i = 0; i < WS_ARRAY_SIZE(jump->loads) && jump->loads[i] && !writes;
	     i++)
		if (arm_writes_ttbcr(system, jump->loads[i], &writes) != WS_READ)
			return false;
	return !writes ||
	       ws_regime_of_named(system, arm_regime_named(system->format, "user-access"),
				  regime);
}

const struct ws_jump arm_jumps[] = {
	{ .where = "into another kernel (kexec, or after a panic the crash kernel)",
	  .first = "__idmap_text_start",
	  .end = "__idmap_text_end",
	  .entry = "cpu_v7_reset",
	  .loads = { "setup_mm_for_reboot", "__soft_restart" },
	  .regime = regime_at_jump },
	{ .where = NULL },
};

/* Of a root that nobody runs in the kernel's part alone is kept otherwise. */
void arm_jump_tour(struct ws_system *system)
{
	const struct ws_jump *jump = arm_jumps;
	struct ws_trail trail;
	struct ws_symbol entry;
	bool writes;
	uint64_t pa;

	for (unsigned i = 0; i < WS_ARRAY_SIZE(jump->loads); i++)
		if (arm_writes_ttbcr(system, jump->loads[i], &writes) != WS_READ)
			return;
	if (ws_symbol_find(system, jump->entry, &entry) != WS_OK) {
		ws_error_clear(system->ctx);
		return;
	}
	if (ws_kernel_translate(system, entry.va, &pa) != WS_READ)
		return;
	ws_vec_each(&system->spaces, space)
		if (space->kind == WS_SPACE_LONE || space->kind == WS_SPACE_UNOWNED)
			ws_walk(&system->paging, space->root, pa, &trail);
}
