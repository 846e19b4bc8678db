/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether TTBR0's walks are disabled but for while the kernel touches user memory
 * (CONFIG_CPU_TTBR0_PAN: 7af5b901e847, 6.10): no dump has TTBCR, but the code that writes it
 * is there. With it every exception from kernel mode saves and disables user access
 * (uaccess_entry in arch/arm/include/asm/uaccess-asm.h), without it none writes TTBCR.
 */
#include "arm/pan.h"

#include <string.h>

#include "arm/entry.h"
#include "arm/regime.h"

/* mcr p15, 0, Rt, c2, c0, 2 (DDI 0406C, A8.8.98), whatever the condition and Rt. */
#define MCR_TTBCR_MASK 0x0fff0fffu
#define MCR_TTBCR 0x0e020f50u

/* The functions that are asked about have some forty instructions. */
#define INSTRUCTIONS_MAX 256

/* Whether va is still in the function that begins at first. */
static bool is_in(struct ws_system *system, uint64_t first, uint64_t va)
{
	struct ws_symbol symbol;

	if (ws_symbol_at(system, va, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	return symbol.va == first;
}

enum ws_evidence arm_writes_ttbcr(struct ws_system *system, const char *function,
				  bool *writes)
{
	enum ws_evidence evidence = WS_READ;
	struct ws_symbol symbol;
	uint32_t code;

	*writes = false;
	if (ws_symbol_find(system, function, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return WS_NOT_MAPPED;
	}
	for (unsigned i = 0; i < INSTRUCTIONS_MAX && evidence == WS_READ &&
			     is_in(system, symbol.va, symbol.va + 4 * i);
	     i++) {
		evidence = ws_kernel_u32(system, symbol.va + 4 * i, &code);
		*writes |= evidence == WS_READ && (code & MCR_TTBCR_MASK) == MCR_TTBCR;
	}
	return evidence;
}

/*
 * With short descriptors TTBCR is 0 in every kernel (v7_ttb_setup in
 * arch/arm/mm/proc-v7-2level.S). With long ones and without PAN T1SZ depends on where RAM
 * begins: where that is above PAGE_OFFSET, nothing goes by TTBR1 (proc-v7-3level.S).
 */
const struct ws_named_regime *arm_regime_by_memory(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	uint64_t ram = (layout->page_offset - layout->direct_delta) & UINT32_MAX;
	bool writes;

	if (system->format == &ws_format_arm)
		return arm_regime_named(system->format, "kernel");
	if (arm_writes_ttbcr(system, "__dabt_svc", &writes) != WS_READ)
		return NULL;
	if (writes)
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
