// SPDX-License-Identifier: GPL-2.0
/* What is RISC-V's of the lab module (privileged spec, "Supervisor-Level ISA"). */
#include <linux/bits.h>
#include <linux/mm.h>
#include <asm/csr.h>

#include "view.h"

#define READ(name, csr)               \
	static u64 get_##name(void)   \
	{                             \
		return csr_read(csr); \
	}
READ(satp, CSR_SATP)
READ(stvec, CSR_STVEC)
READ(sstatus, CSR_STATUS)
READ(sscratch, CSR_SCRATCH)

const struct machine_register machine_registers[] = {
	{ "satp", get_satp },
	{ "stvec", get_stvec },
	{ "sstatus", get_sstatus },
	{ "sscratch", get_sscratch },
	{},
};

#define SV39 8
#define SV57 10

static const struct machine_level levels[] = {
	{ 48, 9 }, { 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 }
};

const struct machine_level *machine_top(void)
{
	unsigned int mode = get_satp() >> 60;

	return &levels[SV57 - clamp(mode, SV39 + 0u, SV57 + 0u)];
}

/* Valid, and neither readable, writable nor executable. */
u64 machine_table(u64 entry)
{
	return (entry & 15) == 1 ? (entry >> 10 & GENMASK_ULL(43, 0)) << PAGE_SHIFT : 0;
}

u64 machine_root(const struct mm_struct *mm, unsigned long address)
{
	return __pa(mm->pgd);
}
