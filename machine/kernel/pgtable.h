/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables in the simulated memory, and who is notified when the kernel's change.
 * Levels count from the leaf: 1 is the page table.
 *
 *	         i386              i386-pae               x86_64
 *	level 4                                           root: 256..511 the kernel's
 *	level 3                    root: 4 entries
 *	level 2  root: 768..1023   under the root's [3]:
 *	         the kernel's      all of it the kernel's
 *	level 1
 *
 * "Private entries" are those that each space has a copy of: the kernel's part of the
 * table at layout.private_level. A slot is the index of one in its table.
 */
#ifndef MACHINE_KERNEL_PGTABLE_H
#define MACHINE_KERNEL_PGTABLE_H

#include "machine/kernel/internal.h"

#define LEAF (ENTRY_P | ENTRY_A | ENTRY_D)
#define TABLE (ENTRY_P | ENTRY_RW | ENTRY_US | ENTRY_A | ENTRY_D) /* _PAGE_TABLE */
#define KERNEL_LEAF (LEAF | ENTRY_RW | ENTRY_G)

struct pgtable_walk {
	uint64_t entry_pa, entry; /* the last one looked at */
	unsigned level;           /* its level */
	uint64_t pa;              /* NO_PA: not mapped */
};

unsigned pgtable_shift(const struct kernel *kernel, unsigned level);
uint64_t pgtable_read(struct kernel *kernel, uint64_t entry_pa);
void pgtable_write(struct kernel *kernel, uint64_t entry_pa, uint64_t entry);
/* The frame that an entry of a level points to. */
uint64_t pgtable_frame(const struct kernel *kernel, uint64_t entry, unsigned level);
bool pgtable_large(uint64_t entry, unsigned level);

/* The tables alone, no TLB; leaves no trace. */
struct pgtable_walk pgtable_walk(struct kernel *kernel, uint64_t root, uint64_t va);
/*
 * Where va's entry at a level is, tables above it made as needed; 0: no memory, or a
 * large page is in the way. A private entry that is made is not copied to other spaces.
 */
uint64_t pgtable_entry(struct kernel *kernel, uint64_t root, uint64_t va, unsigned level);

/* Whether the frames' entries in the direct map are there; if not, in no TLB either. */
void pgtable_direct(struct kernel *kernel, uint64_t pa, unsigned n, bool there);

void tlb_forget_page(struct kernel *kernel, uint64_t va);
void tlb_forget_user_page(struct kernel *kernel, uint64_t root, uint64_t va);

/* ---- private entries ---- */

bool is_kernel_va(const struct kernel *kernel, uint64_t va);
unsigned slot_first(const struct kernel *kernel);
unsigned slot_end(const struct kernel *kernel);
unsigned slot_of(const struct kernel *kernel, uint64_t va);
uint64_t slot_va(const struct kernel *kernel, unsigned slot);
/* Where a space's copy is. */
uint64_t slot_pa(struct kernel *kernel, uint64_t root, unsigned slot);
/* Where va's entry at that level is, user half or kernel half; 0: there is no table. */
uint64_t pgtable_top(struct kernel *kernel, uint64_t root, uint64_t va);

/* ---- spaces ---- */

/* A root whose kernel entries are init_mm's of this moment; 0: no memory. */
uint64_t space_create(struct kernel *kernel);
/* The tables that space_create() made; no processor has it loaded any more. */
void space_destroy(struct kernel *kernel, uint64_t root);

/* ---- sync.c ---- */

/* A strategy: what is done when. NULL: nothing. */
struct sync {
	/* Once init_mm's tables stand; false: no memory. */
	bool (*boot)(struct kernel *kernel);
	/* A private entry of init_mm has come, or gone. */
	void (*added)(struct kernel *kernel, unsigned slot);
	void (*removed)(struct kernel *kernel, unsigned slot);
	/* A module is mapped and about to start. */
	void (*loaded)(struct kernel *kernel);
	/* A kernel address that is not there in the loaded space; true: now it is. */
	bool (*fault)(struct kernel *kernel, struct processor *processor, uint64_t va);
	bool stub_in_direct_map; /* the driver's page-fault stub, that is */
	bool loads_in_init_mm;   /* nothing else would let a driver be loaded */
	/* What other spaces' entries may be, held against init_mm's. */
	bool may_lack, may_be_stale;
};

extern const struct sync syncs[];

#endif
