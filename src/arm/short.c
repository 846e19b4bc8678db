/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ARM short descriptors, ARM DDI 0406C B3.5: a first-level table of 4096 four-byte
 * entries, 16 KiB, and second-level tables of 256, 1 KiB.
 *
 *	 31    24 23  20 19     16 15  12 11      0
 *	+--------+------+---------+------+---------+
 *	|      first    |     second     | offset  |	4 KiB small pages
 *	+--------+------+---------+------+---------+
 *	|      first    | second  |     offset     |	64 KiB large pages: 16 equal entries
 *	+--------+------+---------+----------------+
 *	|      first    |          offset          |	1 MiB sections
 *	+--------+------+--------------------------+
 *	| first  |              offset             |	16 MiB supersections: 16 equal entries
 *	+--------+---------------------------------+
 *
 * Rights are those of SCTLR.AFE = 0, as Linux runs: AP[2:0] says all, and AP[0] is no
 * access flag. What a walk cannot know is DACR: a domain that is *manager* there checks
 * no rights, and one with *no access* faults. The domain of an entry is among its
 * attributes. Bits that should be zero (SBZ) are ignored by the processor: none is
 * reserved.
 */
#include "arm/entry.h"

/* clang-format off */

/* The first level. PXN of a section is in bit 0, so that type 11 is a section too. */
#define TYPE WS_BITS(1, 0)
#define TYPE_TABLE WS_BIT(0)
#define TYPE_SECTION WS_BIT(1)
#define TABLE_PXN WS_BIT(2)
#define SECTION_PXN WS_BIT(0)
#define SECTION_XN WS_BIT(4)
#define SECTION_AP0 WS_BIT(10)
#define SECTION_AP1 WS_BIT(11)
#define SECTION_AP2 WS_BIT(15)
#define SUPER WS_BIT(18)

/*
 * The second level. XN of a small page is in bit 0, so that type 11 is a small page too.
 */
#define TYPE_LARGE WS_BIT(0)
#define TYPE_SMALL WS_BIT(1)
#define SMALL_XN WS_BIT(0)
#define LARGE_XN WS_BIT(15)
#define PAGE_AP0 WS_BIT(4)
#define PAGE_AP1 WS_BIT(5)
#define PAGE_AP2 WS_BIT(9)

/*
 * Table B3-8, AP[2:0]: 000 nothing, 001 kernel only, 010 user reads, 011 all, 100 is
 * reserved (nothing), 101 kernel reads, 110 and 111 both read. A fetch needs the right to
 * read (B3.7.2).
 */
#define AP_DENIALS(ap2, ap1, ap0) \
	{ (ap1) | (ap0), 0, WS_ACCESS_ALL }, { ap1, 0, WS_USER_ALL }, \
	{ (ap2) | (ap1) | (ap0), ap1, WS_USER_WRITE }, { ap2, ap2, WS_ACCESS_WRITE }
#define NO_DENIAL { 0, 0, 0 }

static const struct ws_denial table_denials[] = {
	{ TABLE_PXN, TABLE_PXN, WS_KERNEL_EXECUTE }, NO_DENIAL,
};

static const struct ws_denial section_denials[] = {
	AP_DENIALS(SECTION_AP2, SECTION_AP1, SECTION_AP0),
	{ SECTION_XN, SECTION_XN, WS_ACCESS_EXECUTE },
	{ SECTION_PXN, SECTION_PXN, WS_KERNEL_EXECUTE }, NO_DENIAL,
};

static const struct ws_denial large_denials[] = {
	AP_DENIALS(PAGE_AP2, PAGE_AP1, PAGE_AP0),
	{ LARGE_XN, LARGE_XN, WS_ACCESS_EXECUTE }, NO_DENIAL,
};

static const struct ws_denial small_denials[] = {
	AP_DENIALS(PAGE_AP2, PAGE_AP1, PAGE_AP0),
	{ SMALL_XN, SMALL_XN, WS_ACCESS_EXECUTE }, NO_DENIAL,
};

/* Figures B3-4 and B3-5. A domain's number is the sum of what is named. */
#define DOMAIN \
	{ WS_BIT(5), "domain+1" }, { WS_BIT(6), "domain+2" }, { WS_BIT(7), "domain+4" }, \
	{ WS_BIT(8), "domain+8" }
#define SECTION_REST \
	{ SECTION_AP0, "AP[0]" }, { SECTION_AP1, "AP[1]" }, { WS_BIT(12), "TEX[0]" }, \
	{ WS_BIT(13), "TEX[1]" }, { WS_BIT(14), "TEX[2]" }, { SECTION_AP2, "AP[2]" }, \
	{ WS_BIT(16), "S" }, { WS_BIT(17), "nG" }, { SUPER, "super" }, { WS_BIT(19), "NS" }, \
	{ 0, NULL }
#define CACHED { WS_BIT(2), "B" }, { WS_BIT(3), "C" }
#define PAGE_AP { PAGE_AP0, "AP[0]" }, { PAGE_AP1, "AP[1]" }
#define PAGE_REST { PAGE_AP2, "AP[2]" }, { WS_BIT(10), "S" }, { WS_BIT(11), "nG" }

static const struct ws_attribute table_attributes[] = {
	{ TABLE_PXN, "PXN" }, { WS_BIT(3), "NS" }, DOMAIN, { 0, NULL },
};

static const struct ws_attribute section_attributes[] = {
	{ SECTION_PXN, "PXN" }, CACHED, { SECTION_XN, "XN" }, DOMAIN, SECTION_REST,
};

static const struct ws_attribute super_attributes[] = { /* their domain is 0 */
	{ SECTION_PXN, "PXN" }, CACHED, { SECTION_XN, "XN" }, SECTION_REST,
};

static const struct ws_attribute large_attributes[] = {
	CACHED, PAGE_AP, PAGE_REST, { WS_BIT(12), "TEX[0]" }, { WS_BIT(13), "TEX[1]" },
	{ WS_BIT(14), "TEX[2]" }, { LARGE_XN, "XN" }, { 0, NULL },
};

static const struct ws_attribute small_attributes[] = {
	{ SMALL_XN, "XN" }, CACHED, PAGE_AP, { WS_BIT(6), "TEX[0]" }, { WS_BIT(7), "TEX[1]" },
	{ WS_BIT(8), "TEX[2]" }, PAGE_REST, { 0, NULL },
};

const struct ws_format ws_format_arm = {
	.name = "arm", .title = "ARM short descriptors",
	.entry_log2 = 2, .va_bits = 32, .root_mask = WS_BITS(31, 14), .present = TYPE,
	.pa_bits = 40, .nlevels = 2,
	.level = {
		{ "first-level table", "L1 entry", 20, 12, {
			{ TYPE, TYPE_TABLE, WS_ROW_TABLE, 0, {{ WS_BITS(31, 10), 0 }}, 0,
			  table_denials, table_attributes },
			{ TYPE_SECTION | SUPER, TYPE_SECTION, WS_ROW_LEAF, 20,
			  {{ WS_BITS(31, 20), 0 }}, 0, section_denials, section_attributes },
			/* Figure B3-4: PA 35:32 are in 23:20, PA 39:36 in 8:5. */
			{ TYPE_SECTION | SUPER, TYPE_SECTION | SUPER, WS_ROW_LEAF, 24,
			  {{ WS_BITS(31, 24), 0 }, { WS_BITS(23, 20), 12 },
			   { WS_BITS(8, 5), 31 }}, 0, section_denials, super_attributes } } },
		{ "second-level table", "L2 entry", 12, 8, {
			{ TYPE, TYPE_LARGE, WS_ROW_LEAF, 16, {{ WS_BITS(31, 16), 0 }}, 0,
			  large_denials, large_attributes },
			{ TYPE_SMALL, TYPE_SMALL, WS_ROW_LEAF, 12, {{ WS_BITS(31, 12), 0 }}, 0,
			  small_denials, small_attributes } } },
	},
};
