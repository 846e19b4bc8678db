/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Through idmap_pgd, which maps .idmap.text to itself beside the kernel:
 *
 *	kexec       soft_restart() has setup_mm_for_reboot() load it into TTBR0, and calls
 *	            cpu_reset at its physical address (arch/arm/kernel/reboot.c)
 *	a processor secondary_startup -> __v7_setup -> __enable_mmu loads it -> the MMU is
 *	            on in __turn_mmu_on -> __secondary_switched (arch/arm/kernel/head.S)
 *	resume      cpu_resume -> cpu_v7_do_resume loads it, and TTBCR as cpu_suspend() had
 *	            it -> cpu_resume_mmu -> cpu_resume_after_mmu (sleep.S, proc-v7.S)
 *
 * With CONFIG_CPU_TTBR0_PAN and long descriptors TTBCR.EPD0 hides what TTBR0 leads to,
 * unless user access has been enabled before (for kexec 009b6c6486b9; cpu_suspend() has
 * done so from the start, 7af5b901e847), by a write of TTBCR: whether it is, is read in
 * their code. A processor that comes up has TTBCR from v7_ttb_setup, without EPD0.
 */
#include "arm/jump.h"

#include <stdio.h>
#include <string.h>

#include "arm/entry.h"
#include "arm/idmap.h"
#include "arm/pan.h"
#include "arm/regime.h"

/* ---- the identity map ---------------------------------------------------------------- */

/* The space whose tables, if they translate all, map the code to itself. */
static bool find_by_likeness(struct ws_system *system, const struct ws_jump *jump,
			     uint64_t *root)
{
	struct ws_trail trail;

	ws_vec_each(&system->spaces, space) {
		const struct ws_eye eye = {
			1, { { 0, UINT64_MAX, space->root, system->paging.format } }
		};

		*root = space->root;
		if ((space->kind == WS_SPACE_LONE || space->kind == WS_SPACE_UNOWNED) &&
		    ws_jump_is_mapped(system, &jump->step[0], &eye, &trail))
			return true;
	}
	return false;
}

static const char *take_map(struct ws_system *system, const struct ws_jump *jump,
			    const struct ws_named_regime *row, const char *why,
			    struct ws_jump_tables *tables)
{
	struct ws_regime regime;

	*tables = (struct ws_jump_tables){ .name = "the identity map",
					   .format = system->paging.format };
	if (!arm_idmap_root(system, &tables->root) &&
	    !find_by_likeness(system, jump, &tables->root))
		return "no page table was found that maps its code to itself";
	if (!row || !ws_regime_of_named(system, row, &regime)) {
		snprintf(tables->text, sizeof(tables->text),
			 "by which regime the processor then translates is not known: %s",
			 why);
		return tables->text;
	}
	memcpy(tables->text, regime.text, sizeof(tables->text));
	ws_regime_eye(system, &regime, tables->root, false, &tables->eye);
	return NULL;
}

/* ---- by which regime ----------------------------------------------------------------- */

static bool has_pan(const struct ws_system *system, const struct ws_named_regime *row)
{
	return system->format != &ws_format_arm && !strcmp(row->name, "kernel");
}

/*
 * By what memory shows, whatever --regime gives to look at processes: a jump is code of
 * the kernel's own. A processor's TTBCR would be of where that was, perhaps user mode.
 * NULL: whether a function on the way writes TTBCR is not known, and why.
 */
static const struct ws_named_regime *find_regime(struct ws_system *system,
						 const struct ws_jump *jump,
						 char why[static WS_REGIME_WHY])
{
	const struct ws_named_regime *row = arm_regime_by_memory(system, why);
	bool writes = false;

	if (!row || !has_pan(system, row))
		return row;
	for (unsigned i = 0; i < WS_ARRAY_SIZE(jump->loads) && jump->loads[i] && !writes;
	     i++)
		if (!arm_writes_ttbcr(system, jump->loads[i], arm_is_whole_caller,
				      &writes, why))
			return NULL;
	return writes ? arm_regime_named(system->format, "user-access") : row;
}

static const char *as_it_runs(struct ws_system *system, const struct ws_jump *jump,
			      struct ws_jump_tables *tables)
{
	char why[WS_REGIME_WHY] = "";

	return take_map(system, jump, find_regime(system, jump, why), why, tables);
}

/* With long descriptors and CONFIG_CPU_TTBR0_PAN the first is the one without EPD0. */
static const char *as_set_up(struct ws_system *system, const struct ws_jump *jump,
			     struct ws_jump_tables *tables)
{
	char why[WS_REGIME_WHY] = "";
	const struct ws_named_regime *row = arm_regime_by_memory(system, why);

	if (row && has_pan(system, row))
		row = arm_regime_named(system->format, "user-access");
	return take_map(system, jump, row, why, tables);
}

const struct ws_jump arm_jumps[] = {
	{ .what = "the jump into another kernel (kexec, or after a panic the crash "
		  "kernel)",
	  .by = "machine_kexec",
	  .loads = { "setup_mm_for_reboot", "__soft_restart" },
	  .step = { { "cpu_v7_reset", "__idmap_text_end", false, as_it_runs } } },
	{ .what = "bringing up a processor",
	  .by = "secondary_startup",
	  .step = { { "__turn_mmu_on", "__turn_mmu_on_end", false, as_set_up },
		    { "__secondary_switched", NULL, true, as_set_up } } },
	{ .what = "resuming a processor",
	  .by = "cpu_suspend",
	  .loads = { "cpu_suspend" },
	  .step = { { "cpu_resume_mmu", "__idmap_text_end", false, as_it_runs },
		    { "cpu_resume_after_mmu", NULL, true, as_it_runs } } },
	{ .what = NULL },
};
