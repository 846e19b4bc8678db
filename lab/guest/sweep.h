/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sweep: page tables bit by bit, times kinds of access. The bare-metal guest
 * (sweep.c) does each case on QEMU's processor, tests/machine/sweep_replay.c does it on
 * ours; this file is all that the two share, so that both have the same tables.
 *
 * A sweep is the product of its axes: each one flips bits of one entry or of the control
 * state. Case n is: axis i is flipped where bit i of n is set, and above the axes' bits
 * n counts the kinds of access.
 */
#ifndef LAB_GUEST_SWEEP_H
#define LAB_GUEST_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

/* ---- where things lie ---- */

#define SWEEP_TABLE(level) (0x900000u + 0x1000u * (level)) /* of the test address */
#define SWEEP_PDPT (SWEEP_TABLE(3) + 0x20)                 /* PAE: 32 bytes, aligned so */
/* The page that all cases reach: at this offset of every large page, and its own. */
#define SWEEP_FRAME 0xd23000u
#define SWEEP_PAGE_4M 0xc00000u /* and of 2 MiB */
/* Added to that by PSE-36, bit 13 of the entry. */
#define SWEEP_HIGH (UINT64_C(1) << 32)

/* Addresses of that page: one for 32 bits, one for 64. */
#define SWEEP_VA32 UINT32_C(0x80d23000)
#define SWEEP_VA64 UINT64_C(0xffff908080d23000)

/* What lies in the page. */
#define SWEEP_CODE 0x00 /* mov $marker, %eax; int $SWEEP_DONE */
#define SWEEP_DATA 0x20 /* the marker */
#define SWEEP_STORE 0x30
#define SWEEP_ACCESSED 0x40   /* a data descriptor whose accessed flag is set */
#define SWEEP_UNACCESSED 0x48 /* and one whose is not */
#define SWEEP_MARKER 0x5eedbeefu
#define SWEEP_HIGH_MARKER 0x5eedcafeu
#define SWEEP_STORED 0x0ddba11u
/* Flat data, DPL 3, not accessed. */
#define SWEEP_DESCRIPTOR UINT64_C(0x00cff2000000ffff)
#define SWEEP_DONE 0x81

/* ---- what is done ---- */

enum sweep_kind {
	SWEEP_READ,
	SWEEP_WRITE,
	SWEEP_FETCH,
	SWEEP_LOAD_SEGMENT, /* reads the descriptor: an implicit supervisor access */
	SWEEP_MARK_SEGMENT, /* the same, and sets its accessed flag */
	SWEEP_KINDS
};

/* A kind at a privilege level; what a sweep counts above its axes. */
#define SWEEP_ACCESSES (2 * SWEEP_KINDS)
#define SWEEP_KIND(access) ((enum sweep_kind)((access) / 2))
#define SWEEP_USER(access) ((access) % 2)

/* Offset in the page that the access goes to. */
static inline uint32_t sweep_offset(enum sweep_kind kind)
{
	static const uint8_t offset[SWEEP_KINDS] = { SWEEP_DATA, SWEEP_STORE, SWEEP_CODE,
						     SWEEP_ACCESSED, SWEEP_UNACCESSED };

	return offset[kind];
}

enum sweep_control {
	SWEEP_WP = 1 << 0,
	SWEEP_NXE = 1 << 1,
	SWEEP_SMEP = 1 << 2,
	SWEEP_SMAP = 1 << 3,
	SWEEP_AC = 1 << 4,
	SWEEP_PSE = 1 << 5,
};

/* ---- the sweeps ---- */

enum sweep_mode { SWEEP_2LEVEL, SWEEP_PAE, SWEEP_4LEVEL };

#define SWEEP_LEVELS 4
#define SWEEP_CONTROL 0 /* an axis of the control state; else the level of the entry */
#define SWEEP_MAX_AXES 14

struct sweep_axis {
	uint8_t where;
	uint64_t bits;
};

struct sweep {
	const char *name;
	enum sweep_mode mode;
	uint64_t entry[SWEEP_LEVELS + 1]; /* by level, 1 the page table; without axes */
	uint32_t control;
	unsigned naxes;
	struct sweep_axis axis[SWEEP_MAX_AXES];
};

struct sweep_case {
	uint64_t entry[SWEEP_LEVELS + 1];
	uint32_t control;
	unsigned access;
};

/* clang-format off */

#define SWEEP_BIT(n) (UINT64_C(1) << (n))
#define SWEEP_P SWEEP_BIT(0)
#define SWEEP_RW SWEEP_BIT(1)
#define SWEEP_US SWEEP_BIT(2)
#define SWEEP_A SWEEP_BIT(5)
#define SWEEP_D SWEEP_BIT(6)
#define SWEEP_PS SWEEP_BIT(7)
#define SWEEP_XD SWEEP_BIT(63)
#define SWEEP_ALL (SWEEP_P | SWEEP_RW | SWEEP_US)

#define SWEEP_TO(level) (SWEEP_TABLE(level) | SWEEP_ALL)
#define SWEEP_PAGE (SWEEP_FRAME | SWEEP_ALL)
#define SWEEP_LARGE (SWEEP_PAGE_4M | SWEEP_ALL | SWEEP_PS)
#define SWEEP_GIGABYTE (SWEEP_ALL | SWEEP_PS)

#define AXIS(level, bits) { level, bits }
#define RIGHTS(level) AXIS(level, SWEEP_P), AXIS(level, SWEEP_RW), AXIS(level, SWEEP_US)
#define WP_SMEP_SMAP AXIS(SWEEP_CONTROL, SWEEP_WP), AXIS(SWEEP_CONTROL, SWEEP_SMEP), \
	AXIS(SWEEP_CONTROL, SWEEP_SMAP), AXIS(SWEEP_CONTROL, SWEEP_AC)
#define NXE AXIS(SWEEP_CONTROL, SWEEP_NXE)

/* Axes that change most often come first: control registers cost more than entries. */
static const struct sweep sweeps[] = {
	/* SDM 4.3. */
	{ "2-level, 4 KiB: rights", SWEEP_2LEVEL, { 0, SWEEP_PAGE, SWEEP_TO(1) },
	  SWEEP_PSE, 11,
	  { RIGHTS(1), RIGHTS(2), AXIS(1, SWEEP_D), WP_SMEP_SMAP } },
	{ "2-level, 4 KiB: accessed and dirty", SWEEP_2LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1) }, SWEEP_PSE, 9,
	  { AXIS(1, SWEEP_A), AXIS(1, SWEEP_D), AXIS(2, SWEEP_A), AXIS(1, SWEEP_P),
	    AXIS(1, SWEEP_RW), AXIS(1, SWEEP_US), AXIS(2, SWEEP_RW), AXIS(2, SWEEP_US),
	    AXIS(SWEEP_CONTROL, SWEEP_WP) } },
	{ "2-level, CR4.PSE clear: PS is ignored", SWEEP_2LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1) }, 0, 8,
	  { AXIS(2, SWEEP_PS), AXIS(2, SWEEP_D), AXIS(1, SWEEP_PS), RIGHTS(2),
	    AXIS(SWEEP_CONTROL, SWEEP_WP), AXIS(SWEEP_CONTROL, SWEEP_SMEP) } },
	{ "2-level, 4 MiB: rights and flags", SWEEP_2LEVEL, { 0, 0, SWEEP_LARGE },
	  SWEEP_PSE, 9,
	  { RIGHTS(2), AXIS(2, SWEEP_A), AXIS(2, SWEEP_D), WP_SMEP_SMAP } },
	{ "2-level, 4 MiB: PSE-36 and bit 21", SWEEP_2LEVEL, { 0, 0, SWEEP_LARGE },
	  SWEEP_PSE, 8,
	  { AXIS(2, SWEEP_BIT(13)), AXIS(2, SWEEP_BIT(21)), RIGHTS(2), AXIS(2, SWEEP_A),
	    AXIS(SWEEP_CONTROL, SWEEP_WP), AXIS(SWEEP_CONTROL, SWEEP_SMEP) } },
	{ "2-level, 4 MiB: address bits above MAXPHYADDR", SWEEP_2LEVEL,
	  { 0, 0, SWEEP_LARGE }, SWEEP_PSE, 5,
	  { AXIS(2, SWEEP_BIT(17)), AXIS(2, SWEEP_BIT(20)), RIGHTS(2) } },
	/* SDM 4.4. */
	{ "PAE, 4 KiB: rights", SWEEP_PAE,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TABLE(2) | SWEEP_P }, 0, 13,
	  { RIGHTS(1), AXIS(1, SWEEP_XD), RIGHTS(2), AXIS(2, SWEEP_XD), WP_SMEP_SMAP,
	    NXE } },
	{ "PAE, 4 KiB: accessed and dirty", SWEEP_PAE,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TABLE(2) | SWEEP_P }, SWEEP_NXE, 10,
	  { AXIS(1, SWEEP_A), AXIS(1, SWEEP_D), AXIS(2, SWEEP_A), AXIS(2, SWEEP_D),
	    AXIS(1, SWEEP_P), AXIS(1, SWEEP_RW), AXIS(1, SWEEP_US), AXIS(2, SWEEP_US),
	    AXIS(1, SWEEP_XD), AXIS(SWEEP_CONTROL, SWEEP_WP) } },
	{ "PAE, 4 KiB: reserved bits", SWEEP_PAE,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TABLE(2) | SWEEP_P }, 0, 10,
	  { AXIS(1, SWEEP_BIT(51)), AXIS(1, SWEEP_BIT(52)), AXIS(1, SWEEP_BIT(62)),
	    AXIS(1, SWEEP_XD), AXIS(2, SWEEP_BIT(51)), AXIS(2, SWEEP_BIT(52)),
	    AXIS(2, SWEEP_XD), AXIS(1, SWEEP_P), AXIS(2, SWEEP_US), NXE } },
	{ "PAE, 2 MiB: rights, flags and reserved bits", SWEEP_PAE,
	  { 0, 0, SWEEP_LARGE, SWEEP_TABLE(2) | SWEEP_P }, 0, 13,
	  { RIGHTS(2), AXIS(2, SWEEP_XD), AXIS(2, SWEEP_A), AXIS(2, SWEEP_D),
	    AXIS(2, SWEEP_BIT(13)), AXIS(2, SWEEP_BIT(52)), WP_SMEP_SMAP, NXE } },
	{ "PAE, page-directory-pointer table", SWEEP_PAE,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TABLE(2) | SWEEP_P }, 0, 9,
	  { AXIS(3, SWEEP_P), AXIS(3, SWEEP_BIT(1)), AXIS(3, SWEEP_BIT(2)),
	    AXIS(3, SWEEP_A), AXIS(3, SWEEP_BIT(8)), AXIS(3, SWEEP_BIT(51)),
	    AXIS(3, SWEEP_BIT(52)), AXIS(3, SWEEP_XD), NXE } },
	/* SDM 4.5. */
	{ "4-level, 4 KiB: rights below", SWEEP_4LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TO(2), SWEEP_TO(3) }, 0, 13,
	  { RIGHTS(1), AXIS(1, SWEEP_XD), RIGHTS(2), AXIS(2, SWEEP_XD), WP_SMEP_SMAP,
	    NXE } },
	{ "4-level, 4 KiB: rights above", SWEEP_4LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TO(2), SWEEP_TO(3) }, 0, 13,
	  { RIGHTS(3), AXIS(3, SWEEP_XD), RIGHTS(4), AXIS(4, SWEEP_XD), WP_SMEP_SMAP,
	    NXE } },
	{ "4-level, 4 KiB: accessed and dirty", SWEEP_4LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TO(2), SWEEP_TO(3) }, SWEEP_NXE, 10,
	  { AXIS(1, SWEEP_A), AXIS(1, SWEEP_D), AXIS(2, SWEEP_A), AXIS(3, SWEEP_A),
	    AXIS(4, SWEEP_A), AXIS(1, SWEEP_P), AXIS(1, SWEEP_RW), AXIS(2, SWEEP_US),
	    AXIS(3, SWEEP_XD), AXIS(SWEEP_CONTROL, SWEEP_WP) } },
	{ "4-level, 4 KiB: reserved bits", SWEEP_4LEVEL,
	  { 0, SWEEP_PAGE, SWEEP_TO(1), SWEEP_TO(2), SWEEP_TO(3) }, 0, 11,
	  { AXIS(1, SWEEP_BIT(51)), AXIS(1, SWEEP_BIT(52)), AXIS(1, SWEEP_XD),
	    AXIS(2, SWEEP_BIT(51)), AXIS(3, SWEEP_BIT(51)), AXIS(3, SWEEP_XD),
	    AXIS(4, SWEEP_BIT(51)), AXIS(4, SWEEP_PS), AXIS(1, SWEEP_P), AXIS(4, SWEEP_P),
	    NXE } },
	{ "4-level, 2 MiB: rights, flags and reserved bits", SWEEP_4LEVEL,
	  { 0, 0, SWEEP_LARGE, SWEEP_TO(2), SWEEP_TO(3) }, 0, 13,
	  { RIGHTS(2), AXIS(2, SWEEP_XD), AXIS(2, SWEEP_A), AXIS(2, SWEEP_D),
	    AXIS(2, SWEEP_BIT(13)), AXIS(2, SWEEP_BIT(51)), WP_SMEP_SMAP, NXE } },
	{ "4-level, 1 GiB: rights, flags and reserved bits", SWEEP_4LEVEL,
	  { 0, 0, 0, SWEEP_GIGABYTE, SWEEP_TO(3) }, 0, 13,
	  { RIGHTS(3), AXIS(3, SWEEP_XD), AXIS(3, SWEEP_A), AXIS(3, SWEEP_D),
	    AXIS(3, SWEEP_BIT(13)), AXIS(3, SWEEP_BIT(51)), WP_SMEP_SMAP, NXE } },
};

/* clang-format on */

#define SWEEPS (sizeof(sweeps) / sizeof(*sweeps))

static inline uint32_t sweep_cases(const struct sweep *sweep)
{
	return (uint32_t)SWEEP_ACCESSES << sweep->naxes;
}

/* False: a case that is left out. */
static inline bool sweep_case(const struct sweep *sweep, uint32_t n, struct sweep_case *c)
{
	enum sweep_kind kind;

	for (unsigned l = 1; l <= SWEEP_LEVELS; l++)
		c->entry[l] = sweep->entry[l];
	c->control = sweep->control;
	c->access = n >> sweep->naxes;
	for (unsigned i = 0; i < sweep->naxes; i++) {
		if (!(n >> i & 1))
			continue;
		if (sweep->axis[i].where == SWEEP_CONTROL)
			c->control ^= (uint32_t)sweep->axis[i].bits;
		else
			c->entry[sweep->axis[i].where] ^= sweep->axis[i].bits;
	}
	kind = SWEEP_KIND(c->access);
	/* Without SMAP, AC is nobody's business. */
	if (c->control & SWEEP_AC && !(c->control & SWEEP_SMAP))
		return false;
	/*
	 * QEMU ends where code is fetched from no memory; and a descriptor's accessed
	 * flag is cleared again in the low page only.
	 */
	if (c->entry[2] & SWEEP_PS && c->entry[2] & (SWEEP_BIT(17) | SWEEP_BIT(20)) &&
	    sweep->mode == SWEEP_2LEVEL && kind != SWEEP_READ && kind != SWEEP_WRITE)
		return false;
	if (c->entry[2] & SWEEP_PS && c->entry[2] & SWEEP_BIT(13) &&
	    sweep->mode == SWEEP_2LEVEL && kind == SWEEP_MARK_SEGMENT)
		return false;
	return true;
}

/* Where the test address's entry of a level lies. */
static inline uint32_t sweep_entry_pa(enum sweep_mode mode, unsigned level)
{
	if (mode == SWEEP_2LEVEL)
		return SWEEP_TABLE(level) +
		       4 * (SWEEP_VA32 >> (level == 1 ? 12 : 22) & 1023);
	if (mode == SWEEP_PAE && level == 3)
		return SWEEP_PDPT + 8 * (SWEEP_VA32 >> 30);
	return SWEEP_TABLE(level) +
	       8 * (uint32_t)(SWEEP_VA64 >> (12 + 9 * (level - 1)) & 511);
}

static inline unsigned sweep_levels(enum sweep_mode mode)
{
	return mode == SWEEP_2LEVEL ? 2 : mode == SWEEP_PAE ? 3 : 4;
}

static inline uint32_t sweep_root(enum sweep_mode mode)
{
	return mode == SWEEP_PAE ? SWEEP_PDPT : SWEEP_TABLE(sweep_levels(mode));
}

/* ---- what came of it ---- */

/* Written as letter, then two, three and two hexadecimal digits. */
struct sweep_result {
	/* '.' nothing; 'P' #PF; 'G' another exception; 'C' #GP at the CR3 write */
	char outcome;
	/*
	 * '.': what was reached, 'l' the page, 'h' the one of PSE-36, 'n' none of them,
	 * '-' unknown; else ' '.
	 */
	char reached;
	uint8_t error;
	uint16_t cr2;  /* its offset in the page; 0xfff where it is in another one */
	uint8_t flags; /* two bits a level from the lowest: A and D were set */
};

/* Over what the tables held before the access: both must have had the same. */
static inline uint32_t sweep_hash(uint32_t hash, uint64_t value)
{
	for (unsigned half = 0; half < 2; half++) {
		hash = (hash ^ (uint32_t)(value >> 32 * half)) * 0x9e3779b1u;
		hash ^= hash >> 15;
	}
	return hash;
}

#define SWEEP_HASH_START 0x5eedu

#endif
