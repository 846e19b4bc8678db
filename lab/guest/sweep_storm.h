/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storms: a page fault whose handler cannot be fetched, on a stack of random pages: RAM,
 * the tables that map the stack, the table that was to map the handler, nothing. The
 * guest (sweep_storm.c) lets QEMU's processor run into each and looks at what is left
 * once #DF ends it; tests/machine/storm_replay.c lets ours. Both build the space from
 * this file, by the number of the case.
 */
#ifndef LAB_GUEST_SWEEP_STORM_H
#define LAB_GUEST_SWEEP_STORM_H

#include "sweep.h"

#define STORM_CASES 1000u /* of each mode */

/* ---- where things lie ---- */

#define STORM_PAGES 24u
#define STORM_ARENA 0x600000u /* as many frames of RAM */
/*
 * QEMU's TLB is direct-mapped, of 64 entries or more, and ours never evicts: so what the
 * end of a storm needs lies where no stack page takes its place, page 0x20 and up of 64.
 */
#define STORM_GDT 0x720000u
#define STORM_IDT 0x721000u
#define STORM_TSS 0x722000u
#define STORM_DF_TSS 0x723000u
#define STORM_DF_STACK 0x725000u /* the top */
/* A large page that holds the tables, and where a stack in it begins: above them. */
#define STORM_LARGE_PAGE 0x800000u
#define STORM_LARGE_TOP 0x90a000u
#define STORM_LOW 0u          /* the frame that broken entries lead to */
#define STORM_LOW_RF 0x10000u /* the same of flags in which RF is set */
#define STORM_HANDLER_TABLE 0x905000u
#define STORM_OWN 0x910000u /* what maps the guest itself, one to one */
#define STORM_OWN_BYTES 0x1000000u

#define STORM_STACK32 UINT64_C(0x80400000)
#define STORM_STACK64 UINT64_C(0xffff908080400000)
#define STORM_HANDLER UINT64_C(0xa0000000)
#define STORM_TOUCHED UINT64_C(0xa8000000) /* whose absence is the first fault */

#define STORM_KERNEL_CS 0x08
#define STORM_KERNEL_DS 0x10
#define STORM_USER_CS 0x1b
#define STORM_USER_DS 0x23
#define STORM_TR 0x28
#define STORM_DF_TR 0x38

/* ---- the case, by its number ---- */

enum storm_handler {
	STORM_NO_TABLE,    /* no directory entry */
	STORM_NO_PAGE,     /* a directory entry, no page */
	STORM_USER_HANDLER /* a user page, which SMEP forbids: the error code has P */
};

struct storm {
	uint64_t pte[STORM_PAGES];
	uint32_t offset; /* of the first stack pointer below the top, in bytes */
	uint32_t flags;
	uint32_t handler_low; /* of the handler's address: frames make entries of it */
	enum storm_handler handler;
	bool user, trap_gate, wp;
	bool tame;  /* keeps away from the tables above the handler */
	bool large; /* the stack is one large page, in which its own tables lie */
};

static inline uint32_t storm_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A stack page: mostly RAM; 8 in 100 are tables, 2 are not there, 1 is read-only. */
static inline uint64_t storm_pte(const struct storm *storm, uint32_t *state)
{
	static const uint32_t tables[] = { SWEEP_TABLE(1), SWEEP_TABLE(2), SWEEP_TABLE(3),
					   STORM_HANDLER_TABLE };
	uint32_t frame = STORM_ARENA + 4096 * (storm_next(state) % STORM_PAGES);
	uint32_t kind = storm_next(state) % 100;
	uint64_t flags = storm_next(state) & (SWEEP_A | SWEEP_D | SWEEP_US);

	if (kind < 2)
		return 0;
	if (kind < 10)
		frame = tables[storm->tame ? 0 : storm_next(state) % 4];
	return frame | flags | SWEEP_P | (kind == 99 ? 0 : SWEEP_RW);
}

/*
 * Frames become entries where the stack runs through tables. Whatever of a frame looks
 * like an entry that is present must have U/S set, so that SMEP keeps the processor from
 * running what it maps: PF is set in the flags, bit 2 in the handler's address. An error
 * code with P and the selectors of user mode have no such bit, so those storms leave the
 * tables above the handler alone.
 */
static inline void storm_case(enum sweep_mode mode, uint32_t n, struct storm *storm)
{
	static const uint32_t lows[] = { 0, 4, 5, 7, 0x87, 0x600005, 0x601007, 0x600087 };
	uint32_t state = 0x9e3779b9u * (n + 1) + mode,
		 word = mode == SWEEP_4LEVEL ? 8 : 4;

	for (unsigned i = 0; i < 8; i++)
		storm_next(&state);
	storm->offset = storm_next(&state) % (4096 / word) * word;
	/* CF, AF, ZF, SF and OF */
	storm->flags = 6 | (storm_next(&state) & 0x8d1);
	storm->handler_low = lows[storm_next(&state) % 8];
	storm->handler = (enum storm_handler)(storm_next(&state) % 3);
	storm->user = storm_next(&state) % 4 == 0;
	storm->trap_gate = storm_next(&state) % 4 == 0;
	storm->wp = storm_next(&state) % 2;
	storm->tame = storm->user || storm->handler == STORM_USER_HANDLER;
	storm->large = !storm->tame && storm_next(&state) % 3 == 0;
	if (storm->large) { /* no frame maps another large page: it ends in the tables */
		storm->flags &= ~(uint32_t)SWEEP_PS;
		storm->handler_low &= ~(uint32_t)SWEEP_PS;
	}
	for (unsigned i = 0; i < STORM_PAGES; i++)
		storm->pte[i] = storm_pte(storm, &state);
}

static inline uint64_t storm_stack(enum sweep_mode mode)
{
	return mode == SWEEP_4LEVEL ? STORM_STACK64 : STORM_STACK32;
}

static inline uint64_t storm_sp(enum sweep_mode mode, const struct storm *storm)
{
	uint32_t top =
		storm->large ? STORM_LARGE_TOP - STORM_LARGE_PAGE : 4096 * STORM_PAGES;

	return storm_stack(mode) + top - storm->offset;
}

static inline uint64_t storm_handler(const struct storm *storm)
{
	return STORM_HANDLER + storm->handler_low;
}

/* ---- building it ---- */

/* Stores size bytes (4 or 8) at pa. */
typedef void storm_put_fn(void *arg, uint32_t pa, uint64_t value, unsigned size);

struct storm_builder {
	enum sweep_mode mode;
	storm_put_fn *put;
	void *arg;
	uint64_t df_handler; /* where #DF leads */
};

static inline unsigned storm_entry_size(enum sweep_mode mode)
{
	return mode == SWEEP_2LEVEL ? 4 : 8;
}

/* An entry of the table that translates va at a level. */
static inline void storm_entry(const struct storm_builder *b, uint32_t table, uint64_t va,
			       unsigned level, uint64_t entry)
{
	unsigned size = storm_entry_size(b->mode);
	unsigned shift = 12 + (size == 4 ? 10 : 9) * (level - 1);
	uint64_t mask = size == 4 ? 1023 : b->mode == SWEEP_PAE && level == 3 ? 3 : 511;

	b->put(b->arg, table + (uint32_t)(va >> shift & mask) * size, entry, size);
}

static inline void storm_clear(const struct storm_builder *b, uint32_t pa, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += 4)
		b->put(b->arg, pa + i, 0, 4);
}

#define STORM_USED (SWEEP_ALL | SWEEP_A)

/* The guest's own entries at the top; the tables below them are never changed. */
static inline void storm_map_own(const struct storm_builder *b)
{
	uint32_t pages = STORM_OWN + 0x2000;
	unsigned n = STORM_OWN_BYTES / 4096 * storm_entry_size(b->mode) / 4096;
	uint32_t directory = b->mode == SWEEP_2LEVEL ? SWEEP_TABLE(2) : STORM_OWN;

	for (unsigned i = 0; i < n; i++)
		b->put(b->arg, directory + i * storm_entry_size(b->mode),
		       (pages + 4096 * i) | STORM_USED, storm_entry_size(b->mode));
	if (b->mode == SWEEP_PAE)
		b->put(b->arg, SWEEP_PDPT, STORM_OWN | SWEEP_P, 8);
	if (b->mode != SWEEP_4LEVEL)
		return;
	b->put(b->arg, SWEEP_TABLE(4), (STORM_OWN + 0x1000) | STORM_USED, 8);
	b->put(b->arg, STORM_OWN + 0x1000, STORM_OWN | STORM_USED, 8);
}

/* From the top down to the page directory, for the stack or the handler. */
static inline void storm_map_above(const struct storm_builder *b, uint64_t va)
{
	if (b->mode == SWEEP_PAE)
		storm_entry(b, SWEEP_PDPT, va, 3, SWEEP_TABLE(2) | SWEEP_P);
	if (b->mode != SWEEP_4LEVEL)
		return;
	storm_entry(b, SWEEP_TABLE(4), va, 4, SWEEP_TABLE(3) | SWEEP_ALL);
	storm_entry(b, SWEEP_TABLE(3), va, 3, SWEEP_TABLE(2) | SWEEP_ALL);
}

static inline void storm_map_handler(const struct storm_builder *b,
				     const struct storm *storm)
{
	uint64_t va = storm_handler(storm);

	if (b->mode == SWEEP_4LEVEL) {
		/* among the guest's own addresses: under its PDPT */
		storm_entry(b, STORM_OWN + 0x1000, va, 3, SWEEP_TABLE(2) | SWEEP_ALL);
	} else {
		storm_map_above(b, va);
	}
	storm_entry(b, SWEEP_TABLE(2), va, 2,
		    storm->handler == STORM_NO_TABLE ? 0
						     : STORM_HANDLER_TABLE | SWEEP_ALL);
	storm_entry(b, STORM_HANDLER_TABLE, va, 1,
		    storm->handler == STORM_USER_HANDLER ? STORM_ARENA | SWEEP_ALL : 0);
}

static inline void storm_map_stack(const struct storm_builder *b,
				   const struct storm *storm)
{
	uint64_t va = storm_stack(b->mode);

	storm_map_above(b, va);
	storm_entry(b, SWEEP_TABLE(2), va, 2,
		    storm->large ? STORM_LARGE_PAGE | SWEEP_ALL | SWEEP_PS
				 : SWEEP_TABLE(1) | SWEEP_ALL);
	for (unsigned i = 0; i < STORM_PAGES; i++)
		storm_entry(b, SWEEP_TABLE(1), va + 4096 * i, 1, storm->pte[i]);
}

static inline void storm_gate(const struct storm_builder *b, unsigned vector,
			      unsigned type, uint16_t selector, uint64_t handler,
			      unsigned ist)
{
	bool wide = b->mode == SWEEP_4LEVEL;
	uint32_t at = STORM_IDT + vector * (wide ? 16 : 8);

	b->put(b->arg, at,
	       (handler & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
		       (uint64_t)(0x80 | type) << 40 | (handler >> 16 & 0xffff) << 48,
	       8);
	if (wide)
		b->put(b->arg, at + 8, handler >> 32, 8);
}

/* An available or busy TSS of 0x68 bytes. */
static inline uint64_t storm_tss_descriptor(uint32_t base, unsigned type)
{
	return 0x67 | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
	       (uint64_t)(base >> 24) << 56;
}

static inline void storm_build_segments(const struct storm_builder *b,
					const struct storm *storm)
{
	bool wide = b->mode == SWEEP_4LEVEL;
	uint64_t sp = storm_sp(b->mode, storm);

	b->put(b->arg, STORM_GDT + STORM_KERNEL_CS,
	       wide ? 0x00af9b000000ffff : 0x00cf9b000000ffff, 8);
	b->put(b->arg, STORM_GDT + STORM_KERNEL_DS, 0x00cf93000000ffff, 8);
	b->put(b->arg, STORM_GDT + (STORM_USER_CS & ~7u),
	       wide ? 0x00affb000000ffff : 0x00cffb000000ffff, 8);
	b->put(b->arg, STORM_GDT + (STORM_USER_DS & ~7u), 0x00cff3000000ffff, 8);
	b->put(b->arg, STORM_GDT + STORM_TR, storm_tss_descriptor(STORM_TSS, 9), 8);
	b->put(b->arg, STORM_GDT + STORM_TR + 8, 0, 8);
	b->put(b->arg, STORM_GDT + STORM_DF_TR, storm_tss_descriptor(STORM_DF_TSS, 9), 8);
	b->put(b->arg, STORM_TSS + 4, sp, wide ? 8 : 4);
	if (wide)
		b->put(b->arg, STORM_TSS + 36, STORM_DF_STACK, 8);
	else
		b->put(b->arg, STORM_TSS + 8, STORM_KERNEL_DS, 4);
}

/* SDM figure 8-2: #DF as a task of its own, under a root that no storm reaches. */
static inline void storm_build_task(const struct storm_builder *b, uint32_t safe_root)
{
	b->put(b->arg, STORM_DF_TSS + 0x1c, safe_root, 4);
	b->put(b->arg, STORM_DF_TSS + 0x20, b->df_handler, 4);
	b->put(b->arg, STORM_DF_TSS + 0x24, 2, 4);
	b->put(b->arg, STORM_DF_TSS + 0x38, STORM_DF_STACK, 4);
	for (unsigned i = 0; i < 6; i++)
		b->put(b->arg, STORM_DF_TSS + 0x48 + 4 * i,
		       i == 1 ? STORM_KERNEL_CS : STORM_KERNEL_DS, 4);
}

/* All that the processor will read; the guest's own page tables aside. */
static inline void storm_build(const struct storm_builder *b, const struct storm *storm,
			       uint32_t safe_root)
{
	storm_clear(b, STORM_LOW, 4096);
	storm_clear(b, STORM_LOW_RF, 4096);
	storm_clear(b, SWEEP_TABLE(1), 5 * 4096);
	storm_clear(b, STORM_OWN, 0x2000);
	storm_clear(b, STORM_GDT, 4 * 4096);
	for (uint32_t i = 0; i < STORM_PAGES * 4096; i += 4)
		b->put(b->arg, STORM_ARENA + i, 0x5a5a0000u ^ i, 4);
	storm_map_own(b);
	storm_map_handler(b, storm);
	storm_map_stack(b, storm);
	storm_build_segments(b, storm);
	storm_gate(b, 14, storm->trap_gate ? 15 : 14, STORM_KERNEL_CS,
		   storm_handler(storm), 0);
	if (b->mode == SWEEP_4LEVEL) {
		storm_gate(b, 8, 14, STORM_KERNEL_CS, b->df_handler, 1);
	} else {
		storm_gate(b, 8, 5, STORM_DF_TR, 0, 0);
		storm_build_task(b, safe_root);
	}
}

/* Written to once under the case's root, in this order: so the TLB has them. */
static const uint32_t storm_touched[] = { STORM_GDT, STORM_IDT, STORM_TSS, STORM_DF_TSS,
					  STORM_DF_STACK - 8 };

/* What is compared: frames that a storm can reach. */
struct storm_range {
	uint32_t pa, frames;
};

static const struct storm_range storm_ranges[] = {
	{ STORM_LOW, 1 },
	{ STORM_LOW_RF, 1 },
	{ STORM_ARENA, STORM_PAGES },
	{ SWEEP_TABLE(1), 5 },
};

#endif
