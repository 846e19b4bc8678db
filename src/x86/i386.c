/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 32-bit paging, SDM vol. 3A 4.3: two levels of 1024 four-byte entries.
 *
 *	 31       22 21       12 11      0
 *	+-----------+-----------+---------+
 *	| directory |   table   | offset  |	4 KiB pages
 *	+-----------+-----------+---------+
 *	| directory |       offset        |	4 MiB pages (PS, with CR4.PSE)
 *	+-----------+---------------------+
 */
#include "x86/entry.h"

/* clang-format off */

#define I386_TABLE_ROW(mask) \
	{ mask, X86_P, WS_ROW_TABLE, 0, {{ WS_BITS(31, 12), 0 }}, 0, \
	  x86_denials, x86_table_attributes }

/* Table 4-4: PSE-36 puts address bits 39:32 into entry bits 20:13; bit 21 is reserved. */
#define I386_LARGE_ROW \
	{ X86_P | X86_PS, X86_P | X86_PS, WS_ROW_LEAF, 22, \
	  {{ WS_BITS(31, 22), 0 }, { WS_BITS(20, 13), 19 }}, WS_BIT(21), \
	  x86_denials, x86_large_attributes }

#define I386_PTE_LEVEL \
	{ "page table", "PTE", 12, 10, { \
		{ X86_P, X86_P, WS_ROW_LEAF, 12, {{ WS_BITS(31, 12), 0 }}, 0, \
		  x86_denials, x86_pte_attributes } } }

const struct ws_format ws_format_i386 = {
	.name = "i386", .title = "32-bit paging",
	.entry_log2 = 2, .va_bits = 32, .root_mask = WS_BITS(31, 12), .present = X86_P,
	.touched = X86_A | X86_D, .uncached = X86_PCD | X86_PWT, .pa_bits = 40, .nlevels = 2,
	.level = {
		{ "page directory", "PDE", 22, 10,
		  { I386_LARGE_ROW, I386_TABLE_ROW(X86_P | X86_PS) } },
		I386_PTE_LEVEL,
	},
};

/* CR4.PSE = 0: bit 7 of a PDE is ignored (SDM 4.3, table 4-5). */
const struct ws_format ws_format_i386_nopse = {
	.name = "i386-nopse", .title = "32-bit paging without large pages",
	.entry_log2 = 2, .va_bits = 32, .root_mask = WS_BITS(31, 12), .present = X86_P,
	.touched = X86_A | X86_D, .uncached = X86_PCD | X86_PWT, .pa_bits = 40, .nlevels = 2,
	.level = {
		{ "page directory", "PDE", 22, 10, { I386_TABLE_ROW(X86_P) } },
		I386_PTE_LEVEL,
	},
};
