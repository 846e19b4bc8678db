/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AArch64, Arm ARM (DDI 0487) D8.2 and D8.3: tables of one granule, 4, 16 or 64 KiB, in
 * eight-byte entries; the top one is smaller where fewer bits are left for it.
 *
 *	 51    48 47    39 38    30 29    21 20    12 11      0
 *	+--------+--------+--------+--------+--------+---------+
 *	|   -1   |   0    |   1    |   2    |   3    | offset  |	4 KiB granule
 *	+--------+--------+--------+--------+--------+---------+
 *	          512 GiB  1 GiB    2 MiB    4 KiB
 *	 51     47 46     36 35     25 24     14 13        0
 *	+---------+---------+---------+---------+-----------+
 *	|    0    |    1    |    2    |    3    |  offset   |	16 KiB granule
 *	+---------+---------+---------+---------+-----------+
 *	           64 GiB    32 MiB    16 KiB
 *	 51         42 41        29 28        16 15        0
 *	+-------------+------------+------------+-----------+
 *	|      1      |     2      |     3      |  offset   |	64 KiB granule
 *	+-------------+------------+------------+-----------+
 *	 4 TiB         512 MiB      64 KiB
 *
 * The widths are those that a Linux kernel can be built for (ARM64_VA_BITS in
 * arch/arm64/Kconfig), but for 36 bits, which EXPERT hides: 39, 48 and 52 with 4 KiB, 47,
 * 48 and 52 with 16 KiB, 42, 48 and 52 with 64 KiB. A processor without LPA2 runs a
 * kernel for 52 bits with 48.
 *
 * A root covers one half: TTBR0's is the lower, TTBR1's the upper, and either half of the
 * addresses is translated by any root here. Top bits that TCR.TBI ignores must be those
 * of the half.
 *
 * An access to an entry without AF faults, unless the processor sets it (TCR.HA). One
 * with DBM and AP[2] becomes writable by the write (TCR.HD); it is read-only here.
 */
#include "arm64/entry.h"

/* clang-format off */

#define VALID WS_BIT(0)
#define TYPE WS_BITS(1, 0)
#define TYPE_BLOCK VALID /* reserved, as good as invalid, where no block is possible */
#define TYPE_TABLE TYPE  /* at level 3: a page */
#define AP1 WS_BIT(6)
#define AP2 WS_BIT(7)
#define AF WS_BIT(10)
#define PXN WS_BIT(53)
#define UXN WS_BIT(54)
#define PXN_TABLE WS_BIT(59)
#define UXN_TABLE WS_BIT(60)
#define AP_TABLE0 WS_BIT(61)
#define AP_TABLE1 WS_BIT(62)

/*
 * D8.4: bits that are RES0 are ignored, so none is reserved; an address wider than
 * TCR.IPS is refused. User mode may execute what it may not read, and the kernel nothing
 * that user mode may write, after all levels.
 */
static const struct ws_denial table_denials[] = {
	{ AP_TABLE0, AP_TABLE0, WS_USER_READ | WS_USER_WRITE },
	{ AP_TABLE1, AP_TABLE1, WS_ACCESS_WRITE },
	{ UXN_TABLE, UXN_TABLE, WS_USER_EXECUTE },
	{ PXN_TABLE, PXN_TABLE, WS_KERNEL_EXECUTE }, { 0, 0, 0 },
};

static const struct ws_denial leaf_denials[] = {
	{ AP1, 0, WS_USER_READ | WS_USER_WRITE }, { AP2, AP2, WS_ACCESS_WRITE },
	{ AP1 | AP2, AP1, WS_KERNEL_EXECUTE, WS_USER_WRITE },
	{ UXN, UXN, WS_USER_EXECUTE }, { PXN, PXN, WS_KERNEL_EXECUTE }, { 0, 0, 0 },
};

static const struct ws_attribute table_attributes[] = {
	{ PXN_TABLE, "PXNTable" }, { UXN_TABLE, "UXNTable" }, { AP_TABLE0, "APTable[0]" },
	{ AP_TABLE1, "APTable[1]" }, { WS_BIT(63), "NSTable" }, { 0, NULL },
};

/* With LPA2 shareability is TCR's, and its bits hold an address. */
#define LOW_ATTRIBUTES \
	{ WS_BIT(2), "Attr[0]" }, { WS_BIT(3), "Attr[1]" }, { WS_BIT(4), "Attr[2]" }, \
	{ WS_BIT(5), "NS" }, { AP1, "AP[1]" }, { AP2, "AP[2]" }
#define SHAREABLE { WS_BIT(8), "SH[0]" }, { WS_BIT(9), "SH[1]" }
#define HIGH_ATTRIBUTES \
	{ AF, "AF" }, { WS_BIT(11), "nG" }, { WS_BIT(50), "GP" }, { WS_BIT(51), "DBM" }, \
	{ WS_BIT(52), "Contiguous" }, { PXN, "PXN" }, { UXN, "UXN" }, { 0, NULL }

static const struct ws_attribute leaf_attributes[] = {
	LOW_ATTRIBUTES, SHAREABLE, HIGH_ATTRIBUTES,
};

static const struct ws_attribute lpa2_attributes[] = { LOW_ATTRIBUTES, HIGH_ATTRIBUTES };

/* A row's address: 48 bits; 52 as LPA has them with 64 KiB; 52 as LPA2 has them. */
#define PA_48(low) {{ WS_BITS(47, low), 0 }}
#define PA_LPA(low) {{ WS_BITS(47, low), 0 }, { WS_BITS(15, 12), 36 }}
#define PA_LPA2(low) {{ WS_BITS(49, low), 0 }, { WS_BITS(9, 8), 42 }}

#define TABLE_ROW(address) \
	{ TYPE, TYPE_TABLE, WS_ROW_TABLE, 0, address, 0, table_denials, table_attributes }
#define LEAF_ROW(type, shift, address, attributes) \
	{ TYPE, type, WS_ROW_LEAF, shift, address(shift), 0, leaf_denials, attributes }

#define LEVEL(number, shift, bits, ...) \
	{ "level " #number " table", "level " #number " entry", shift, bits, { __VA_ARGS__ } }

/* Levels that lead to tables only, to a block as well, and to pages. */
#define TABLES(number, shift, bits, granule, address) \
	LEVEL(number, shift, bits, TABLE_ROW(address(granule)))
#define BLOCKS(number, shift, bits, granule, address, attributes) \
	LEVEL(number, shift, bits, TABLE_ROW(address(granule)), \
	      LEAF_ROW(TYPE_BLOCK, shift, address, attributes))
#define PAGES(shift, bits, address, attributes) \
	LEVEL(3, shift, bits, LEAF_ROW(TYPE, shift, address, attributes))

#define ARM64(va, pa, root_low, levels) \
	.entry_log2 = 3, .va_bits = (va) + 1, .canonical = true, \
	.root_mask = WS_BITS((pa) - 1, root_low), .present = VALID, .touched = AF, \
	.pa_bits = pa, .nlevels = levels

/* ---- 4 KiB ------------------------------------------------------------------------ */

#define LOWER_4K(address, attributes) \
	BLOCKS(1, 30, 9, 12, address, attributes), BLOCKS(2, 21, 9, 12, address, attributes), \
	PAGES(12, 9, address, attributes)

const struct ws_format ws_format_arm64_4k_39 = {
	.name = "arm64-4k-39", .title = "AArch64, 4 KiB granule, 39 bits", ARM64(39, 48, 12, 3),
	.level = { LOWER_4K(PA_48, leaf_attributes) },
};

const struct ws_format ws_format_arm64_4k_48 = {
	.name = "arm64-4k-48", .title = "AArch64, 4 KiB granule, 48 bits", ARM64(48, 48, 12, 4),
	.level = { TABLES(0, 39, 9, 12, PA_48), LOWER_4K(PA_48, leaf_attributes) },
};

const struct ws_format ws_format_arm64_4k_52 = {
	.name = "arm64-4k-52", .title = "AArch64, 4 KiB granule, 52 bits (LPA2)",
	ARM64(52, 52, 7, 5),
	.level = { TABLES(-1, 48, 4, 12, PA_LPA2),
		   BLOCKS(0, 39, 9, 12, PA_LPA2, lpa2_attributes),
		   LOWER_4K(PA_LPA2, lpa2_attributes) },
};

/* ---- 16 KiB ----------------------------------------------------------------------- */

#define LOWER_16K(address, attributes) \
	BLOCKS(2, 25, 11, 14, address, attributes), PAGES(14, 11, address, attributes)

const struct ws_format ws_format_arm64_16k_47 = {
	.name = "arm64-16k-47", .title = "AArch64, 16 KiB granule, 47 bits",
	ARM64(47, 48, 14, 3),
	.level = { TABLES(1, 36, 11, 14, PA_48), LOWER_16K(PA_48, leaf_attributes) },
};

const struct ws_format ws_format_arm64_16k_48 = {
	.name = "arm64-16k-48", .title = "AArch64, 16 KiB granule, 48 bits",
	ARM64(48, 48, 4, 4),
	.level = { TABLES(0, 47, 1, 14, PA_48), TABLES(1, 36, 11, 14, PA_48),
		   LOWER_16K(PA_48, leaf_attributes) },
};

const struct ws_format ws_format_arm64_16k_52 = {
	.name = "arm64-16k-52", .title = "AArch64, 16 KiB granule, 52 bits (LPA2)",
	ARM64(52, 52, 8, 4),
	.level = { TABLES(0, 47, 5, 14, PA_LPA2),
		   BLOCKS(1, 36, 11, 14, PA_LPA2, lpa2_attributes),
		   LOWER_16K(PA_LPA2, lpa2_attributes) },
};

/* ---- 64 KiB: bits 15:12 are zero where the processor has no LPA ------------------- */

#define LOWER_64K \
	BLOCKS(2, 29, 13, 16, PA_LPA, leaf_attributes), PAGES(16, 13, PA_LPA, leaf_attributes)

const struct ws_format ws_format_arm64_64k_42 = {
	.name = "arm64-64k-42", .title = "AArch64, 64 KiB granule, 42 bits",
	ARM64(42, 52, 16, 2),
	.level = { LOWER_64K },
};

const struct ws_format ws_format_arm64_64k_48 = {
	.name = "arm64-64k-48", .title = "AArch64, 64 KiB granule, 48 bits",
	ARM64(48, 52, 9, 3),
	.level = { BLOCKS(1, 42, 6, 16, PA_LPA, leaf_attributes), LOWER_64K },
};

const struct ws_format ws_format_arm64_64k_52 = {
	.name = "arm64-64k-52", .title = "AArch64, 64 KiB granule, 52 bits (LPA)",
	ARM64(52, 52, 13, 3),
	.level = { BLOCKS(1, 42, 10, 16, PA_LPA, leaf_attributes), LOWER_64K },
};
