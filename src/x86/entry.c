/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "x86/entry.h"

/* clang-format off */

/* SDM 4.6.1: a right holds only if every entry of the walk grants it. */
const struct ws_denial x86_denials[] = {
	{ X86_RW, 0, WS_ACCESS_WRITE },
	{ X86_US, 0, WS_USER_ALL },
	{ 0, 0, 0 },
};

const struct ws_denial x86_xd_denials[] = {
	{ X86_RW, 0, WS_ACCESS_WRITE },
	{ X86_US, 0, WS_USER_ALL },
	{ X86_XD, X86_XD, WS_ACCESS_EXECUTE },
	{ 0, 0, 0 },
};

const struct ws_attribute x86_table_attributes[] = {
	{ X86_P, "P" }, { X86_RW, "R/W" }, { X86_US, "U/S" }, { X86_PWT, "PWT" },
	{ X86_PCD, "PCD" }, { X86_A, "A" }, { X86_XD, "XD" },
	{ 0, NULL },
};

const struct ws_attribute x86_large_attributes[] = {
	{ X86_P, "P" }, { X86_RW, "R/W" }, { X86_US, "U/S" }, { X86_PWT, "PWT" },
	{ X86_PCD, "PCD" }, { X86_A, "A" }, { X86_D, "D" }, { X86_PS, "PS" },
	{ X86_G, "G" }, { X86_LEAF_PAT, "PAT" }, { X86_XD, "XD" },
	{ 0, NULL },
};

const struct ws_attribute x86_pte_attributes[] = {
	{ X86_P, "P" }, { X86_RW, "R/W" }, { X86_US, "U/S" }, { X86_PWT, "PWT" },
	{ X86_PCD, "PCD" }, { X86_A, "A" }, { X86_D, "D" }, { X86_PTE_PAT, "PAT" },
	{ X86_G, "G" }, { X86_XD, "XD" },
	{ 0, NULL },
};
