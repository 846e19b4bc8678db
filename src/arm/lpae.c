/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ARM long descriptors (LPAE), ARM DDI 0406C B3.6: a 32-byte table of four entries, then
 * two levels of 512 eight-byte entries. This is the table of TTBCR.T0SZ = 0; with other
 * sizes a TTBR leads to a part of it, or right to a second level.
 *
 *	 31 30 29       21 20       12 11      0
 *	+-----+-----------+-----------+---------+
 *	|  1  |     2     |     3     | offset  |	4 KiB pages
 *	+-----+-----------+-----------+---------+
 *	|  1  |     2     |       offset        |	2 MiB blocks
 *	+-----+-----------+---------------------+
 *	|  1  |            offset               |	1 GiB blocks
 *	+-----+---------------------------------+
 */
#include "arm/entry.h"

/* clang-format off */

#define VALID WS_BIT(0)
#define TYPE WS_BITS(1, 0)
#define TYPE_BLOCK VALID /* reserved, as good as invalid, at the third level */
#define TYPE_TABLE TYPE  /* at the third level: a page */
#define AP1 WS_BIT(6)
#define AP2 WS_BIT(7)
#define AF WS_BIT(10)
#define PXN WS_BIT(53)
#define XN WS_BIT(54)
#define PXN_TABLE WS_BIT(59)
#define XN_TABLE WS_BIT(60)
#define AP_TABLE0 WS_BIT(61)
#define AP_TABLE1 WS_BIT(62)

/*
 * Output addresses have 40 bits. ARMv7 says that bits 47:40 should be zero, and ARMv8
 * faults where they are not (DDI 0487, AArch32 address size fault). Other bits that
 * should be zero are ignored.
 */
#define TOO_WIDE WS_BITS(47, 40)

/* B3.6.3: what an entry above takes away, no entry below gives back. */
static const struct ws_denial table_denials[] = {
	{ AP_TABLE0, AP_TABLE0, WS_USER_ALL },
	{ AP_TABLE1, AP_TABLE1, WS_ACCESS_WRITE },
	{ XN_TABLE, XN_TABLE, WS_ACCESS_EXECUTE },
	{ PXN_TABLE, PXN_TABLE, WS_KERNEL_EXECUTE }, { 0, 0, 0 },
};

/* Table B3-9, AP[2:1]; a fetch needs the right to read (B3.7.2). */
static const struct ws_denial leaf_denials[] = {
	{ AP1, 0, WS_USER_ALL }, { AP2, AP2, WS_ACCESS_WRITE },
	{ XN, XN, WS_ACCESS_EXECUTE }, { PXN, PXN, WS_KERNEL_EXECUTE }, { 0, 0, 0 },
};

static const struct ws_attribute table_attributes[] = {
	{ PXN_TABLE, "PXNTable" }, { XN_TABLE, "XNTable" }, { AP_TABLE0, "APTable[0]" },
	{ AP_TABLE1, "APTable[1]" }, { WS_BIT(63), "NSTable" }, { 0, NULL },
};

static const struct ws_attribute leaf_attributes[] = {
	{ WS_BIT(2), "Attr[0]" }, { WS_BIT(3), "Attr[1]" }, { WS_BIT(4), "Attr[2]" },
	{ WS_BIT(5), "NS" }, { AP1, "AP[1]" }, { AP2, "AP[2]" }, { WS_BIT(8), "SH[0]" },
	{ WS_BIT(9), "SH[1]" }, { AF, "AF" }, { WS_BIT(11), "nG" },
	{ WS_BIT(52), "Contiguous" }, { PXN, "PXN" }, { XN, "XN" }, { 0, NULL },
};

#define TABLE_ROW \
	{ TYPE, TYPE_TABLE, WS_ROW_TABLE, 0, {{ WS_BITS(39, 12), 0 }}, TOO_WIDE, \
	  table_denials, table_attributes }
#define LEAF_ROW(type, shift) \
	{ TYPE, type, WS_ROW_LEAF, shift, {{ WS_BITS(39, shift), 0 }}, TOO_WIDE, \
	  leaf_denials, leaf_attributes }

#define SECOND_AND_THIRD \
	{ "second-level table", "L2 entry", 21, 9, \
	  { TABLE_ROW, LEAF_ROW(TYPE_BLOCK, 21) } }, \
	{ "third-level table", "L3 entry", 12, 9, { LEAF_ROW(TYPE, 12) } }

const struct ws_format ws_format_arm_lpae = {
	.name = "arm-lpae", .title = "ARM long descriptors",
	.entry_log2 = 3, .va_bits = 32, .root_mask = WS_BITS(39, 5), .present = VALID,
	.touched = AF, .pa_bits = 40, .nlevels = 3,
	.level = {
		{ "first-level table", "L1 entry", 30, 2,
		  { TABLE_ROW, LEAF_ROW(TYPE_BLOCK, 30) } },
		SECOND_AND_THIRD,
	},
};

const struct ws_format ws_format_arm_lpae_second = {
	.name = "arm-lpae", .title = "ARM long descriptors, from the second level on",
	.entry_log2 = 3, .va_bits = 32, .root_mask = WS_BITS(39, 12), .present = VALID,
	.touched = AF, .pa_bits = 40, .nlevels = 2, .level = { SECOND_AND_THIRD },
};
