/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where memory is encrypted, one bit of each entry says whose key it has, and is no part
 * of the address. CPUID says which, and no dump holds that.
 *
 * AMD's C bit (SME, SEV; APM vol. 2, 7.10 and 15.34) is 1 where memory is encrypted, in
 * CR3 too. VMCOREINFO has it as sme_mask, and a CR3 shows it: it lies beyond all memory,
 * and without that bit it does not.
 *
 * The shared bit of Intel's TDX is 1 where memory is not: what a guest's devices reach. It
 * is bit 47 or 51, by the width of the guest's addresses (tdx_parse_tdinfo(),
 * arch/x86/coco/tdx/tdx.c), and in no CR3. The direct map shows it: its entries lead to
 * where they stand, but for that bit. swiotlb, whose 64 MiB below 4 GiB are shared in each
 * such guest, is mapped there by large pages (kernel/dma/swiotlb.c).
 */
#include "linux/linux.h"
#include "x86/entry.h"
#include "x86/linux.h"

#define C_BIT_FIRST 32
#define C_BIT_LAST 51

#define SHARED_BITS (WS_BIT(47) | WS_BIT(51))
/* So many entries of the direct map have it, of 31 whole ones in 64 MiB: a bit that
 * flipped is not in that many. */
#define SHARED_ENTRIES 8
#define LOW_MEMORY (UINT64_C(4) << 30)
#define TABLE_SPAN (UINT64_C(1) << 30)
#define PAGE_SPAN (UINT64_C(1) << 21)

static uint64_t of_vmcoreinfo(const struct ws_system *system)
{
	uint64_t mask;

	return ws_vmcoreinfo(system, "NUMBER", "sme_mask", &mask) && mask & X86_C_BITS &&
			       !(mask & (mask - 1))
		       ? mask
		       : 0;
}

static uint64_t of_cr3(struct ws_target *target, uint64_t cr3)
{
	for (unsigned bit = C_BIT_LAST; bit >= C_BIT_FIRST; bit--)
		if (cr3 & WS_BIT(bit))
			return WS_BIT(bit) >= target->memory_end &&
					       ws_target_piece(target,
							       cr3 & WS_BITS(bit - 1, 12))
				       ? WS_BIT(bit)
				       : 0;
	return 0;
}

static uint64_t c_bit(const struct ws_system *system)
{
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t cr3,
			bit = ws_cpu_root(cpu, &cr3) ? of_cr3(system->target, cr3) : 0;

		if (bit)
			return bit;
	}
	return of_vmcoreinfo(system);
}

/* The page directory of the direct map that maps [pa, pa + TABLE_SPAN); NULL: none. */
static const uint8_t *directory(const struct ws_system *system, uint64_t pa)
{
	const struct ws_paging *paging = &system->paging;
	unsigned level = paging->format->nlevels - 2u;
	struct ws_trail trail;
	const uint8_t *table;

	ws_walk(paging, system->layout.reference, ws_direct_va(system, pa), &trail);
	if (trail.nsteps <= level || !ws_step_is_read(&trail, level) ||
	    paging->frame(paging->opaque, trail.step[level].table, &table) != WS_READ)
		return NULL;
	return table;
}

/* Whether an entry for the page at pa leads there but for one bit; which. */
static uint64_t stray_bit(uint64_t entry, uint64_t pa)
{
	uint64_t bits = (entry & WS_BITS(51, 21)) ^ pa;

	return (entry & (X86_P | X86_PS)) == (X86_P | X86_PS) && bits & SHARED_BITS &&
			       !(bits & (bits - 1))
		       ? bits
		       : 0;
}

static uint64_t shared_bit(const struct ws_system *system)
{
	unsigned seen[2] = { 0 };

	for (uint64_t pa = 0; pa < LOW_MEMORY; pa += TABLE_SPAN) {
		const uint8_t *table = directory(system, pa);

		for (unsigned i = 0; table && i < TABLE_SPAN / PAGE_SPAN; i++) {
			uint64_t bit =
				stray_bit(ws_entry(system, table, i), pa + i * PAGE_SPAN);

			if (bit && ++seen[bit == WS_BIT(51)] >= SHARED_ENTRIES)
				return bit;
		}
	}
	return 0;
}

struct ws_attribute x86_encryption(const struct ws_system *system)
{
	uint64_t bit;

	if (system->format->va_bits == 32)
		return (struct ws_attribute){ 0 };
	bit = c_bit(system);
	if (bit)
		return (struct ws_attribute){ bit, "C" };
	bit = system->layout.word ? shared_bit(system) : 0;
	return (struct ws_attribute){ bit, bit ? "shared" : NULL };
}
