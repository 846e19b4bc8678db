/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Translation: the walk, the rights it ends with, and what the TLB keeps of it. */
#ifndef MACHINE_MMU_H
#define MACHINE_MMU_H

#include "memory.h"

/* ---- mmu.c ---- */

struct level {
	uint8_t shift;     /* lowest bit of the index in the linear address */
	uint8_t bits;      /* width of the index */
	uint8_t may_map;   /* a page of this level's size, where PS is set */
	uint8_t grants;    /* the entry has R/W, U/S and XD */
	uint64_t reserved; /* whatever the processor: in any entry that is present */
};

struct machine_paging {
	const char *name;
	uint8_t levels;
	uint8_t entry_size;
	uint8_t va_unused; /* bits of an address that repeat the one below (canonical) */
	bool pdpte_registers; /* the top level is in the processor */
	uint64_t root_mask;
	struct level level[MACHINE_LEVELS + 1]; /* [0] is not used */
};

/* What the registers ask for (SDM 4.1.1), and all that follows from it. */
void mmu_settle(struct machine_cpu *cpu);

/* SDM vol. 1, 3.3.7.1: the bits that are not translated repeat the top one that is. */
static inline bool mmu_canonical(const struct machine_cpu *cpu, uint64_t va)
{
	return (uint64_t)((int64_t)(va << cpu->va_unused) >> cpu->va_unused) == va;
}

bool mmu_pae(const struct machine_cpu *cpu);
/*
 * SDM 4.6.1: whether user-mode addresses are out of a supervisor access's reach.
 * EFLAGS.AC lifts that for explicit accesses; in QEMU also for implicit ones, while CPL
 * is below 3.
 */
static inline bool mmu_smap(const struct machine_cpu *cpu, unsigned access)
{
	if (likely(!(cpu->r.cr4 & CR4_SMAP)))
		return false;
	if (!(cpu->r.flags & FLAGS_AC))
		return true;
	return access & MACHINE_IMPLICIT &&
	       (cpu->r.cpl == 3 || !departs(cpu, MACHINE_IMPLICIT_HONOURS_AC));
}

static inline const struct machine_rule *mmu_rule(const struct machine_cpu *cpu,
						  unsigned access)
{
	return &cpu->rule[mmu_smap(cpu, access)][access & 15];
}

/* Whether the rights, dirty flag and all, let the access through as they are. */
static inline bool mmu_allows(const struct machine_rule *rule, unsigned rights)
{
	return rule->allowed >> (rights & 31) & 1;
}

/* The walk alone; va is canonical, and paging is on. */
bool mmu_walk(struct machine_cpu *cpu, uint64_t va, unsigned access,
	      struct machine_translation *translation, struct machine_event *event);
/* SDM 4.4.1: reads the PDPTEs that cr3 points to; false where one is malformed. */
bool mmu_pdptes(struct machine_cpu *cpu, uint64_t cr3, uint64_t pdpte[4]);

/* ---- tlb.c ---- */

/* QEMU's mmu index; smap: the access is under SMAP. */
unsigned tlb_index(const struct machine_cpu *cpu, unsigned access, bool smap);

/* Page number, mmu index at bit 56, page size at 58. Never 0. */
static inline uint64_t tlb_tag(uint64_t va, unsigned page_shift, unsigned index)
{
	return va >> page_shift | (uint64_t)index << 56 | (uint64_t)page_shift << 58;
}

static inline unsigned tlb_tag_index(uint64_t tag)
{
	return tag >> 56 & 3;
}

static inline unsigned tlb_tag_page_shift(uint64_t tag)
{
	return (unsigned)(tag >> 58);
}

static inline bool tlb_global(const struct machine_tlb_entry *entry)
{
	return entry->rights / MACHINE_GLOBAL & 1;
}

static inline bool tlb_live(const struct machine_tlb *tlb,
			    const struct machine_tlb_entry *entry)
{
	return entry->generation == tlb->generation[tlb_global(entry)];
}

/* Where the tag's slot would be, if no other one is in its way. */
static inline struct machine_tlb_entry *tlb_place(const struct machine_tlb *tlb,
						  uint64_t tag)
{
	return &tlb->slot[HASH(tag, tlb->hash_shift)];
}

/* For a page of any size; NULL: none. */
const struct machine_tlb_entry *tlb_find(const struct machine_tlb *tlb, uint64_t va,
					 unsigned index);
void tlb_insert(struct machine_cpu *cpu, uint64_t va, unsigned index,
		const struct machine_translation *translation);
void tlb_drop(struct machine_cpu *cpu, uint64_t va);
/* A CR3 write: all but global pages, as the kind has it. */
void tlb_flush_local(struct machine_cpu *cpu);

/* ---- access.c ---- */

/* machine_store(), of a word in which only flags differ from what is there. */
bool access_store_flags(struct machine_cpu *cpu, uint64_t va, unsigned size,
			unsigned access, uint64_t value, struct machine_event *event);

#endif
