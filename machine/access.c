/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One access to a linear address: by the TLB, or by a walk. SDM 4.10.2. */
#include "mmu.h"

static bool bad_address(const struct machine_cpu *cpu, unsigned access,
			struct machine_event *event)
{
	bool stack = access & MACHINE_STACK && !departs(cpu, MACHINE_STACK_ADDRESS_IS_GP);

	return raise(event, stack ? MACHINE_SS : MACHINE_GP, 0);
}

static void translate_by(const struct machine_tlb_entry *entry, uint64_t va,
			 unsigned page_shift, struct machine_translation *translation)
{
	translation->pa = (uint64_t)entry->pfn << 12 | (va & (BIT(page_shift) - 1));
	translation->page_shift = (uint8_t)page_shift;
	translation->rights = entry->rights;
}

/* SDM 4.10.2: what no TLB entry allows, the tables decide. */
static bool translate_by_tables(struct machine_cpu *cpu, uint64_t va, unsigned access,
				struct machine_translation *translation,
				struct machine_event *event)
{
	if (!cpu->paging) {
		*translation = (struct machine_translation){
			va, 12, MACHINE_MAY_USER | MACHINE_MAY_WRITE | MACHINE_DIRTY
		};
		return true;
	}
	if (!mmu_canonical(cpu, va))
		return bad_address(cpu, access, event);
	if (!mmu_walk(cpu, va, access, translation, event)) {
		/* SDM 4.10.4.1: a page fault invalidates what would be used for va. */
		if (cpu->model.tlb == MACHINE_TLB_SDM)
			tlb_drop(cpu, va);
		return false;
	}
	if (cpu->model.tlb != MACHINE_TLB_NONE)
		tlb_insert(cpu, va, mmu_rule(cpu, access)->tlb_index, translation);
	return true;
}

static rare bool translate_slowly(struct machine_cpu *cpu, uint64_t va, unsigned access,
				  struct machine_translation *translation,
				  struct machine_event *event)
{
	const struct machine_rule *rule = mmu_rule(cpu, access);
	const struct machine_tlb_entry *entry = tlb_find(&cpu->tlb, va, rule->tlb_index);

	if (!entry || !mmu_allows(rule, entry->rights))
		return translate_by_tables(cpu, va, access, translation, event);
	translate_by(entry, va, tlb_tag_page_shift(entry->tag), translation);
	return true;
}

/* Most accesses hit a page of the smallest size there is, in the first slot tried. */
bool machine_translate(struct machine_cpu *cpu, uint64_t va, unsigned access,
		       struct machine_translation *translation,
		       struct machine_event *event)
{
	const struct machine_tlb *tlb = &cpu->tlb;
	const struct machine_rule *rule = mmu_rule(cpu, access);
	const struct machine_tlb_entry *entry;
	unsigned page_shift;
	uint64_t tag;

	va &= cpu->address_mask;
	if (unlikely(!tlb->sizes))
		return translate_slowly(cpu, va, access, translation, event);
	page_shift = (unsigned)__builtin_ctz(tlb->sizes);
	tag = tlb_tag(va, page_shift, rule->tlb_index);
	entry = tlb_place(tlb, tag);
	if (unlikely(entry->tag != tag || !tlb_live(tlb, entry) ||
		     !mmu_allows(rule, entry->rights)))
		return translate_slowly(cpu, va, access, translation, event);
	translate_by(entry, va, page_shift, translation);
	return true;
}

/* ---- data ---- */

/* An access of size bytes, whose page ends after the first n of them. */
struct span {
	uint64_t pa[2];
	unsigned n;
};

static bool translate_span(struct machine_cpu *cpu, uint64_t va, unsigned size,
			   unsigned access, struct span *span,
			   struct machine_event *event)
{
	struct machine_translation translation;
	unsigned rest = MACHINE_FRAME_SIZE - (unsigned)(va % MACHINE_FRAME_SIZE);

	if (!machine_translate(cpu, va, access, &translation, event))
		return false;
	span->pa[0] = translation.pa;
	span->n = size;
	if (likely(size <= rest))
		return true;
	if (!machine_translate(cpu, va + rest, access, &translation, event))
		return false;
	span->pa[1] = translation.pa;
	span->n = rest;
	return true;
}

bool machine_load(struct machine_cpu *cpu, uint64_t va, unsigned size, unsigned access,
		  uint64_t *value, struct machine_event *event)
{
	struct span span = { 0 };

	if (!translate_span(cpu, va, size, access, &span, event))
		return false;
	*value = memory_load(cpu->memory, span.pa[0], span.n);
	if (unlikely(span.n < size))
		*value |= memory_load(cpu->memory, span.pa[1], size - span.n)
			  << 8 * span.n;
	return true;
}

static void store_span(struct machine_cpu *cpu, const struct span *span, unsigned size,
		       uint64_t value, enum machine_write_reason reason)
{
	memory_store(cpu->memory, span->pa[0], span->n, value, reason);
	if (unlikely(span->n < size))
		memory_store(cpu->memory, span->pa[1], size - span->n,
			     value >> 8 * span->n, reason);
}

bool machine_store(struct machine_cpu *cpu, uint64_t va, unsigned size, unsigned access,
		   uint64_t value, struct machine_event *event)
{
	struct span span = { 0 };

	if (!translate_span(cpu, va, size, access, &span, event))
		return false;
	cpu->stored = span.pa[0];
	store_span(cpu, &span, size, value, MACHINE_WROTE_DATA);
	return true;
}

bool access_store_flags(struct machine_cpu *cpu, uint64_t va, unsigned size,
			unsigned access, uint64_t value, struct machine_event *event)
{
	struct span span = { 0 };

	if (!translate_span(cpu, va, size, access, &span, event))
		return false;
	store_span(cpu, &span, size, value, MACHINE_WROTE_FLAGS);
	return true;
}
