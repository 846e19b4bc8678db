/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an AMD processor encrypts memory (SME; APM vol. 2, 7.10), one bit of each entry
 * and of CR3, the C bit, says so and is no part of the address. CPUID says which, and no
 * dump holds that; but VMCOREINFO has it as sme_mask, and a CR3 shows it: it lies
 * beyond all memory, and without that bit it does not.
 */
#include "linux/linux.h"
#include "x86/linux.h"

/* CPUID 8000001F, EBX 5:0: 47 or 51 so far. */
#define C_BIT_FIRST 32
#define C_BIT_LAST 51

static uint64_t of_vmcoreinfo(const struct ws_system *system)
{
	uint64_t mask;

	return ws_vmcoreinfo(system, "NUMBER", "sme_mask", &mask) &&
			       mask & WS_BITS(C_BIT_LAST, C_BIT_FIRST) &&
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

uint64_t x86_encryption(const struct ws_system *system)
{
	if (system->format->va_bits == 32)
		return 0;
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t cr3,
			bit = ws_cpu_root(cpu, &cr3) ? of_cr3(system->target, cr3) : 0;

		if (bit)
			return bit;
	}
	return of_vmcoreinfo(system);
}
