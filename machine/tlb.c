/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The translation lookaside buffer: SDM 4.10, or QEMU's accel/tcg/cputlb.c.
 *
 * It never runs full, so that what is remembered depends on the program alone. An entry
 * lives while its generation is the one its kind has now: a flush is an increment.
 */
#include "mmu.h"

#include <stdlib.h>

#define FIRST_LOG2 6
#define DEAD 0 /* no generation is 0 */

static size_t slots(const struct machine_tlb *tlb)
{
	return tlb->slot ? (size_t)1 << (64 - tlb->hash_shift) : 0;
}

/*
 * QEMU 7.2, target/i386/cpu.h, cpu_mmu_index() and cpu_mmu_index_kernel(): user;
 * supervisor under SMAP; supervisor without. One for all where the manual rules.
 */
unsigned tlb_index(const struct machine_cpu *cpu, unsigned access, bool smap)
{
	if (cpu->tlb.kind != MACHINE_TLB_TCG || access & MACHINE_USER)
		return 0;
	return smap ? 1 : 2;
}

static unsigned indexes(const struct machine_tlb *tlb)
{
	return tlb->kind == MACHINE_TLB_TCG ? MACHINE_TLB_INDEXES : 1;
}

/* The slot that has the tag, or the never used one where it belongs. */
static struct machine_tlb_entry *slot_of(const struct machine_tlb *tlb, uint64_t tag)
{
	const struct machine_tlb_entry *end = tlb->slot + slots(tlb);
	struct machine_tlb_entry *slot = tlb_place(tlb, tag);

	while (slot->tag != tag && slot->tag)
		if (++slot == end)
			slot = tlb->slot;
	return slot;
}

const struct machine_tlb_entry *tlb_find(const struct machine_tlb *tlb, uint64_t va,
					 unsigned index)
{
	for (uint32_t sizes = tlb->sizes; sizes; sizes &= sizes - 1) {
		unsigned page_shift = (unsigned)__builtin_ctz(sizes);
		const struct machine_tlb_entry *entry =
			slot_of(tlb, tlb_tag(va, page_shift, index));

		if (tlb_live(tlb, entry))
			return entry;
	}
	return NULL;
}

/* ---- filling ---- */

static size_t count_live(const struct machine_tlb *tlb)
{
	size_t n = 0;

	for (size_t i = 0; i < slots(tlb); i++)
		n += tlb->slot[i].tag && tlb_live(tlb, &tlb->slot[i]);
	return n;
}

/* Moves what is alive to a table with room for as much again. */
static bool rebuild(struct machine_tlb *tlb)
{
	struct machine_tlb old = *tlb;
	size_t n = count_live(&old);
	unsigned log2 = FIRST_LOG2;

	while ((size_t)1 << log2 < 4 * n)
		log2++;
	tlb->hash_shift = (uint8_t)(64 - log2);
	tlb->slot = calloc((size_t)1 << log2, sizeof(*tlb->slot));
	if (!tlb->slot) {
		*tlb = old;
		return false;
	}
	tlb->used = 0;
	for (size_t i = 0; i < slots(&old); i++) {
		if (!old.slot[i].tag || !tlb_live(&old, &old.slot[i]))
			continue;
		*slot_of(tlb, old.slot[i].tag) = old.slot[i];
		tlb->used++;
	}
	free(old.slot);
	return true;
}

/* QEMU's tlb_add_large_page(): one region for all large pages of a mmu index. */
static void cover_large_page(struct machine_tlb *tlb, unsigned index, uint64_t va,
			     unsigned page_shift)
{
	uint64_t first = tlb->large[index].va, mask = ~(BIT(page_shift) - 1);

	if (first == ~UINT64_C(0)) {
		first = va;
	} else {
		mask &= tlb->large[index].mask;
		while ((first ^ va) & mask)
			mask <<= 1;
	}
	tlb->large[index].va = first & mask;
	tlb->large[index].mask = mask;
}

void tlb_insert(struct machine_cpu *cpu, uint64_t va, unsigned index,
		const struct machine_translation *translation)
{
	struct machine_tlb *tlb = &cpu->tlb;
	unsigned page_shift = translation->page_shift;
	bool global = translation->rights & MACHINE_GLOBAL;
	struct machine_tlb_entry *entry;
	uint64_t tag;

	if (tlb->kind == MACHINE_TLB_TCG) {
		if (page_shift > 12)
			cover_large_page(tlb, index, va & ~BITS(11, 0), page_shift);
		page_shift = 12;
	}
	if (2 * tlb->used >= slots(tlb) && !rebuild(tlb)) {
		cpu->memory->failed = true;
		return;
	}
	tlb->sizes |= UINT32_C(1) << page_shift;
	tag = tlb_tag(va, page_shift, index);
	entry = slot_of(tlb, tag);
	tlb->used += !entry->tag;
	*entry = (struct machine_tlb_entry){
		.tag = tag,
		.generation = tlb->generation[global],
		.rights = translation->rights,
		.pfn = PFN(translation->pa & ~(BIT(page_shift) - 1)),
	};
}

/* ---- forgetting ---- */

/* Drops all entries of a kind: one by one only where generations start over. */
static void next_generation(struct machine_tlb *tlb, bool global)
{
	if (++tlb->generation[global] != DEAD)
		return;
	for (size_t i = 0; i < slots(tlb); i++)
		if (tlb_global(&tlb->slot[i]) == global)
			tlb->slot[i].generation = DEAD;
	tlb->generation[global] = 1;
}

static void forget_large_pages(struct machine_tlb *tlb)
{
	for (unsigned i = 0; i < MACHINE_TLB_INDEXES; i++)
		tlb->large[i].va = tlb->large[i].mask = ~UINT64_C(0);
}

void machine_tlb_flush(struct machine_cpu *cpu)
{
	next_generation(&cpu->tlb, false);
	next_generation(&cpu->tlb, true);
	forget_large_pages(&cpu->tlb);
	cpu->tlb.sizes = 0;
}

/*
 * SDM 4.10.4.1, MOV to CR3 and task switches: all but global pages. QEMU's
 * cpu_x86_update_cr3() calls tlb_flush(), which knows no global pages.
 */
void tlb_flush_local(struct machine_cpu *cpu)
{
	if (cpu->tlb.kind == MACHINE_TLB_TCG)
		machine_tlb_flush(cpu);
	else
		next_generation(&cpu->tlb, false);
}

static void drop_index(struct machine_tlb *tlb, unsigned index)
{
	for (size_t i = 0; i < slots(tlb); i++)
		if (tlb_tag_index(tlb->slot[i].tag) == index)
			tlb->slot[i].generation = DEAD;
	tlb->large[index].va = tlb->large[index].mask = ~UINT64_C(0);
}

/*
 * SDM 4.10.4.1: every entry for the page number of va, global or not. QEMU's
 * tlb_flush_page_locked(): where a large page might be meant, the whole mmu index.
 */
void tlb_drop(struct machine_cpu *cpu, uint64_t va)
{
	struct machine_tlb *tlb = &cpu->tlb;

	for (unsigned index = 0; index < indexes(tlb); index++) {
		if (tlb->large[index].va ==
		    (va & ~BITS(11, 0) & tlb->large[index].mask)) {
			drop_index(tlb, index);
			continue;
		}
		for (uint32_t sizes = tlb->sizes; sizes; sizes &= sizes - 1) {
			unsigned page_shift = (unsigned)__builtin_ctz(sizes);

			slot_of(tlb, tlb_tag(va, page_shift, index))->generation = DEAD;
		}
	}
}

void machine_invlpg(struct machine_cpu *cpu, uint64_t va)
{
	tlb_drop(cpu, va & cpu->address_mask);
}
