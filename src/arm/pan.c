/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether TTBR0's walks are disabled but for while the kernel touches user memory
 * (CONFIG_CPU_TTBR0_PAN: 7af5b901e847, 6.10): no dump has TTBCR, but the code that writes it
 * is there. With it every exception from kernel mode saves and disables user access
 * (uaccess_entry in arch/arm/include/asm/uaccess-asm.h), without it none writes TTBCR. That
 * is believed of whole functions that agree (code.c): where a page was overwritten, or the
 * kernel is built as Thumb code, it is not known.
 */
#include "arm/pan.h"

#include <stdio.h>

#include "arm/entry.h"
#include "arm/regime.h"

/* mcr and mrc p15, 0, Rt, c2, c0, 2 (DDI 0406C, A8.8.98, 107), whatever condition and Rt. */
#define TTBCR_MASK 0x0fff0fffu
#define WRITE_TTBCR 0x0e020f50u
#define READ_TTBCR 0x0e120f50u

/* Each that changes user access saves what TTBCR was: one without the other is damage. */
bool arm_writes_ttbcr(struct ws_system *system, const char *function,
		      arm_is_whole_fn *is_whole, bool *writes,
		      char why[static WS_REGIME_WHY])
{
	struct arm_code code;
	const char *wrong = arm_read_code(system, function, is_whole, &code);

	*writes = !wrong && arm_has_instruction(&code, TTBCR_MASK, WRITE_TTBCR);
	if (!wrong && *writes != arm_has_instruction(&code, TTBCR_MASK, READ_TTBCR))
		wrong = "has one half of what saves and restores TTBCR";
	if (wrong)
		snprintf(why, WS_REGIME_WHY, "the code of %s %s", function, wrong);
	return !wrong;
}

/* All of them do, or none: what each exception of the kernel's own goes through. */
static const char *const exceptions[] = { "__dabt_svc", "__pabt_svc", "__irq_svc" };

/* *has: whether this kernel has CONFIG_CPU_TTBR0_PAN. */
static bool find_pan(struct ws_system *system, bool *has, char why[static WS_REGIME_WHY])
{
	bool writes;

	for (size_t i = 0; i < WS_ARRAY_SIZE(exceptions); i++) {
		if (!arm_writes_ttbcr(system, exceptions[i], arm_is_whole_svc_entry,
				      &writes, why))
			return false;
		if (i && writes != *has) {
			snprintf(why, WS_REGIME_WHY,
				 "of %s and %s one writes TTBCR, and the other does not",
				 exceptions[0], exceptions[i]);
			return false;
		}
		*has = writes;
	}
	return true;
}

/*
 * With short descriptors TTBCR is 0 in every kernel (v7_ttb_setup in
 * arch/arm/mm/proc-v7-2level.S). With long ones and without PAN T1SZ depends on where RAM
 * begins: where that is above PAGE_OFFSET, nothing goes by TTBR1 (proc-v7-3level.S).
 */
const struct ws_named_regime *arm_regime_by_memory(struct ws_system *system,
						   char why[static WS_REGIME_WHY])
{
	const struct ws_layout *layout = &system->layout;
	uint64_t ram = (layout->page_offset - layout->direct_delta) & UINT32_MAX;
	bool has_pan;

	if (system->format == &ws_format_arm)
		return arm_regime_named(system->format, "kernel");
	if (!find_pan(system, &has_pan, why))
		return NULL;
	if (has_pan)
		return arm_regime_named(system->format, "kernel");
	return arm_regime_named(system->format,
				ram > layout->page_offset ? "user-access" : "split");
}

bool arm_user_regime(const struct ws_system *system, struct ws_regime *regime)
{
	const struct ws_named_regime *row =
		arm_regime_named(system->format, "user-access");

	return row && system->regime.nwindows && !ws_is_of_space(system, 0, UINT32_MAX) &&
	       ws_regime_of_named(system, row, regime);
}
