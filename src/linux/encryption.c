/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an AMD processor encrypts memory (SME; APM vol. 2, 7.10), one bit of each entry
 * and of CR3, the C bit, says so and is no part of the address. CPUID tells which, and no
 * dump holds that; but VMCOREINFO tells it as sme_mask, and a CR3 shows it: it lies
 * beyond all memory, and without that bit it does not. A format is data, so what is
 * walked is a copy of it without that bit.
 */
#include "linux/linux.h"

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

static uint64_t find_bit(const struct ws_system *system)
{
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t bit = cpu->has_control ? of_cr3(system->target, cpu->cr3) : 0;

		if (bit)
			return bit;
	}
	return of_vmcoreinfo(system);
}

static void leave_bit(struct ws_format *format, uint64_t bit)
{
	format->root_mask &= ~bit;
	for (unsigned l = 0; l < format->nlevels; l++)
		for (struct ws_row *row = format->level[l].row; row->kind != WS_ROW_NONE;
		     row++)
			for (unsigned i = 0; i < WS_ARRAY_SIZE(row->address); i++)
				row->address[i].mask &= ~bit;
}

void ws_set_format(struct ws_system *system, const struct ws_format *format)
{
	system->format = system->paging.format = format;
	system->encryption = format && format->va_bits > 32 ? find_bit(system) : 0;
	if (!system->encryption)
		return;
	system->encrypted = *format;
	leave_bit(&system->encrypted, system->encryption);
	system->paging.format = &system->encrypted;
}
