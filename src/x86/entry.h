/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The x86 formats, and the bits that they share: SDM vol. 3A, tables 4-4 to 4-20. */
#ifndef WS_X86_ENTRY_H
#define WS_X86_ENTRY_H

#include "paging/format.h"

extern const struct ws_format ws_format_i386, ws_format_i386_nopse, ws_format_i386_pae,
	ws_format_x86_64, ws_format_x86_64_la57;

#define X86_P WS_BIT(0)
#define X86_RW WS_BIT(1)
#define X86_US WS_BIT(2)
#define X86_PWT WS_BIT(3)
#define X86_PCD WS_BIT(4)
#define X86_A WS_BIT(5)
#define X86_D WS_BIT(6)
#define X86_PS WS_BIT(7)
#define X86_PTE_PAT WS_BIT(7)
#define X86_G WS_BIT(8)
#define X86_LEAF_PAT WS_BIT(12) /* in entries that map a large page */
#define X86_XD WS_BIT(63)

extern const struct ws_denial x86_denials[];    /* R/W and U/S: every 32-bit entry */
extern const struct ws_denial x86_xd_denials[]; /* and XD: every 64-bit one but PDPTEs */
extern const struct ws_attribute x86_table_attributes[];
extern const struct ws_attribute x86_large_attributes[];
extern const struct ws_attribute x86_pte_attributes[];

/* clang-format off */

/*
 * The levels that PAE, 4-level and 5-level paging have in common (tables 4-9 to 4-20).
 * Bit 7 is PS where a large page is possible and must be 0 where it is not.
 */
#define X86_TABLE_ROW(must_be_zero) \
	{ X86_P, X86_P, WS_ROW_TABLE, 0, {{ WS_BITS(51, 12), 0 }}, must_be_zero, \
	  x86_xd_denials, x86_table_attributes }

#define X86_PTE_LEVEL(must_be_zero) \
	{ "page table", "PTE", 12, 9, { \
		{ X86_P, X86_P, WS_ROW_LEAF, 12, {{ WS_BITS(51, 12), 0 }}, \
		  must_be_zero, x86_xd_denials, x86_pte_attributes } } }

#define X86_PDE_LEVEL(must_be_zero) \
	{ "page directory", "PDE", 21, 9, { \
		{ X86_P | X86_PS, X86_P | X86_PS, WS_ROW_LEAF, 21, \
		  {{ WS_BITS(51, 21), 0 }}, WS_BITS(20, 13) | (must_be_zero), \
		  x86_xd_denials, x86_large_attributes }, \
		X86_TABLE_ROW(must_be_zero) } }

#define X86_PDPTE_LEVEL \
	{ "page-directory-pointer table", "PDPTE", 30, 9, { \
		{ X86_P | X86_PS, X86_P | X86_PS, WS_ROW_LEAF, 30, \
		  {{ WS_BITS(51, 30), 0 }}, WS_BITS(29, 13), \
		  x86_xd_denials, x86_large_attributes }, \
		X86_TABLE_ROW(0) } }

#define X86_PML4E_LEVEL \
	{ "PML4 table", "PML4E", 39, 9, { X86_TABLE_ROW(X86_PS) } }

#define X86_PML5E_LEVEL \
	{ "PML5 table", "PML5E", 48, 9, { X86_TABLE_ROW(X86_PS) } }

/* clang-format on */

#endif
