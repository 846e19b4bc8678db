/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAE paging, SDM vol. 3A 4.4: a 32-byte table of four PDPTEs, which the processor
 * loads at the write to CR3, then two levels of 512 eight-byte entries.
 *
 *	 31 30 29       21 20       12 11      0
 *	+-----+-----------+-----------+---------+
 *	|PDPTE| directory |   table   | offset  |	4 KiB pages
 *	+-----+-----------+-----------+---------+
 *	|PDPTE| directory |       offset        |	2 MiB pages
 *	+-----+-----------+---------------------+
 */
#include "x86/entry.h"

/* clang-format off */

/* Tables 4-9 to 4-11: bits 62:MAXPHYADDR are reserved, and MAXPHYADDR is at most 52. */
#define PAE_HIGH WS_BITS(62, 52)

const struct ws_format ws_format_i386_pae = {
	.name = "i386-pae", .title = "PAE paging",
	.entry_log2 = 3, .va_bits = 32, .root_mask = WS_BITS(31, 5), .present = X86_P,
	.touched = X86_A | X86_D, .uncached = X86_PCD | X86_PWT, .no_execute = X86_XD, .pa_bits = 52, .nlevels = 3,
	.level = {
		/*
		 * Table 4-8: PDPTEs carry no rights; bits 2:1, 8:5 and 63:52 must be 0.
		 * TCG walks them as it walks the rest, and sets A (QEMU
		 * target/i386/tcg/sysemu/excp_helper.c, mmu_translate()).
		 */
		{ "page-directory-pointer table", "PDPTE", 30, 2, {
			{ X86_P, X86_P, WS_ROW_TABLE, 0, {{ WS_BITS(51, 12), 0 }},
			  WS_BITS(2, 1) | WS_BITS(8, 5) | WS_BITS(63, 52), NULL,
			  x86_table_attributes, X86_A } } },
		X86_PDE_LEVEL(PAE_HIGH),
		X86_PTE_LEVEL(PAE_HIGH),
	},
};
