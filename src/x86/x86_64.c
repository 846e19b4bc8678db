/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 4-level and 5-level paging, SDM vol. 3A 4.5: tables of 512 eight-byte entries.
 *
 *	 56   48 47   39 38   30 29   21 20   12 11      0
 *	+-------+-------+-------+-------+-------+---------+
 *	| PML5E | PML4E | PDPTE |  PDE  |  PTE  | offset  |
 *	+-------+-------+-------+-------+-------+---------+
 *	 la57 only        1 GiB   2 MiB   4 KiB
 */
#include "x86/entry.h"

/* clang-format off */

const struct ws_format ws_format_x86_64 = {
	.name = "x86_64", .title = "4-level paging",
	.entry_log2 = 3, .va_bits = 48, .canonical = true, .root_mask = WS_BITS(51, 12),
	.present = X86_P,
	.touched = X86_A | X86_D, .uncached = X86_PCD | X86_PWT, .no_execute = X86_XD, .pa_bits = 52, .nlevels = 4,
	.level = { X86_PML4E_LEVEL, X86_PDPTE_LEVEL, X86_PDE_LEVEL(0), X86_PTE_LEVEL(0) },
};

const struct ws_format ws_format_x86_64_la57 = {
	.name = "x86_64-la57", .title = "5-level paging",
	.entry_log2 = 3, .va_bits = 57, .canonical = true, .root_mask = WS_BITS(51, 12),
	.present = X86_P,
	.touched = X86_A | X86_D, .uncached = X86_PCD | X86_PWT, .no_execute = X86_XD, .pa_bits = 52, .nlevels = 5,
	.level = { X86_PML5E_LEVEL, X86_PML4E_LEVEL, X86_PDPTE_LEVEL, X86_PDE_LEVEL(0),
		   X86_PTE_LEVEL(0) },
};
