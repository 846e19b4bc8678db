/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RISC-V, Privileged Architecture 12.3 to 12.6 (Sv32, Sv39, Sv48, Sv57), and the
 * extensions Svnapot and Svpbmt. Any level can map; a level counts down to 0.
 *
 *	 56    48 47    39 38    30 29    21 20    12 11      0
 *	+--------+--------+--------+--------+--------+---------+
 *	| VPN[4] | VPN[3] | VPN[2] | VPN[1] | VPN[0] | offset  |	Sv57
 *	+--------+--------+--------+--------+--------+---------+
 *	 256 TiB  512 GiB  1 GiB    2 MiB    4 KiB
 *	                                     or 64 KiB: 16 entries with N
 *
 *	 31      22 21      12 11      0
 *	+----------+----------+---------+
 *	|  VPN[1]  |  VPN[0]  | offset  |	Sv32
 *	+----------+----------+---------+
 *	   4 MiB      4 KiB
 *
 * SUM and MXR of sstatus add to these rights and are not in them: without SUM the kernel
 * may not even read what is the user's.
 */
#include "riscv/entry.h"

/* clang-format off */

#define V WS_BIT(0)
#define R WS_BIT(1)
#define W WS_BIT(2)
#define X WS_BIT(3)
#define U WS_BIT(4)
#define A WS_BIT(6)
#define D WS_BIT(7)
#define PBMT WS_BITS(62, 61)
#define N WS_BIT(63)

/*
 * Must be zero (12.3.2, step 3): D, A and U where an entry leads to a table, and in
 * 64-bit entries the bits above the address. Of these 60:59 are software's with
 * Svrsw60t59b, which no dump records, and so they are not judged.
 */
#define TABLE_ZERO (U | A | D)
#define ZERO_64 WS_BITS(58, 54)

/* 12.3.1: no fetch from what is the user's, whatever SUM says. */
static const struct ws_denial leaf_denials[] = {
	{ R, 0, WS_KERNEL_READ | WS_USER_READ }, { W, 0, WS_ACCESS_WRITE },
	{ X, 0, WS_ACCESS_EXECUTE }, { U, 0, WS_USER_ALL },
	{ U, U, WS_KERNEL_EXECUTE }, { 0, 0, 0 },
};

static const struct ws_attribute attributes[] = {
	{ V, "V" }, { R, "R" }, { W, "W" }, { X, "X" }, { U, "U" }, { WS_BIT(5), "G" },
	{ A, "A" }, { D, "D" }, { WS_BIT(61), "NC" }, { WS_BIT(62), "IO" }, { N, "N" },
	{ 0, NULL },
};

/* Svpbmt: 1 is NC, 2 is IO, and 3 is reserved. */
static const struct ws_refusal leaf_refusals[] = { { PBMT, PBMT }, { 0, 0 } };

/*
 * The page number begins in bit 10. An entry with V alone leads to a table; one that can
 * be read or, without W, executed is a leaf. W without R is reserved, and no row takes
 * it.
 */
#define ADDRESS(high, low) {{ WS_BITS(high, (low) - 2), 2 }}
#define TABLE_ROW(high, zero) \
	{ V | R | W | X, V, WS_ROW_TABLE, 0, ADDRESS(high, 12), TABLE_ZERO | (zero), \
	  NULL, attributes }
#define LEAF_ROWS(mask, value, shift, high, zero, refusals) \
	{ V | R | (mask), V | R | (value), WS_ROW_LEAF, shift, ADDRESS(high, shift), zero, \
	  leaf_denials, attributes, 0, refusals }, \
	{ V | R | W | X | (mask), V | X | (value), WS_ROW_LEAF, shift, ADDRESS(high, shift), \
	  zero, leaf_denials, attributes, 0, refusals }

/* A large page's low page number bits must be zero: it is misaligned otherwise. */
#define LEVEL_64(number, shift) \
	{ "level-" #number " table", "L" #number " PTE", shift, 9, { \
		TABLE_ROW(53, N | PBMT | ZERO_64), \
		LEAF_ROWS(0, 0, shift, 53, N | ZERO_64 | WS_BITS((shift) - 3, 10), \
			  leaf_refusals) } }

/* Svnapot: with N, PPN[0] ends in 1000 and the page is of 64 KiB; else it is reserved. */
#define NAPOT (N | WS_BITS(13, 10))
#define NAPOT_64K (N | WS_BIT(13))
#define LEVEL_64_0 \
	{ "level-0 table", "L0 PTE", 12, 9, { \
		LEAF_ROWS(NAPOT, NAPOT_64K, 16, 53, ZERO_64, leaf_refusals), \
		LEAF_ROWS(N, 0, 12, 53, ZERO_64, leaf_refusals) } }

const struct ws_format ws_format_riscv_sv32 = {
	.name = "riscv-sv32", .title = "Sv32",
	.entry_log2 = 2, .va_bits = 32, .root_mask = WS_BITS(33, 12), .present = V,
	.touched = A | D, .pa_bits = 34, .nlevels = 2,
	.level = {
		{ "level-1 table", "L1 PTE", 22, 10, {
			TABLE_ROW(31, 0), LEAF_ROWS(0, 0, 22, 31, WS_BITS(19, 10), NULL) } },
		{ "level-0 table", "L0 PTE", 12, 10, { LEAF_ROWS(0, 0, 12, 31, 0, NULL) } },
	},
};

#define SV_64(bits, levels) \
	.entry_log2 = 3, .va_bits = bits, .canonical = true, .root_mask = WS_BITS(55, 12), \
	.present = V, .touched = A | D, .pa_bits = 56, .nlevels = levels

const struct ws_format ws_format_riscv_sv39 = {
	.name = "riscv-sv39", .title = "Sv39", SV_64(39, 3),
	.level = { LEVEL_64(2, 30), LEVEL_64(1, 21), LEVEL_64_0 },
};

const struct ws_format ws_format_riscv_sv48 = {
	.name = "riscv-sv48", .title = "Sv48", SV_64(48, 4),
	.level = { LEVEL_64(3, 39), LEVEL_64(2, 30), LEVEL_64(1, 21), LEVEL_64_0 },
};

const struct ws_format ws_format_riscv_sv57 = {
	.name = "riscv-sv57", .title = "Sv57", SV_64(57, 5),
	.level = { LEVEL_64(4, 48), LEVEL_64(3, 39), LEVEL_64(2, 30), LEVEL_64(1, 21),
		   LEVEL_64_0 },
};
