// SPDX-License-Identifier: GPL-2.0
/* What is AArch64's of the lab module (Arm ARM, D13.2; the translation tables in D8). */
#include <linux/bits.h>
#include <linux/mm.h>
#include <asm/sysreg.h>

#include "view.h"

#define READ(name)                              \
	static u64 get_##name(void)             \
	{                                       \
		return read_sysreg(name##_el1); \
	}
READ(ttbr0)
READ(ttbr1)
READ(tcr)
READ(mair)
READ(sctlr)
READ(vbar)

const struct machine_register machine_registers[] = {
	{ "TTBR0_EL1", get_ttbr0 },
	{ "TTBR1_EL1", get_ttbr1 },
	{ "TCR_EL1", get_tcr },
	{ "MAIR_EL1", get_mair },
	{ "SCTLR_EL1", get_sctlr },
	{ "VBAR_EL1", get_vbar },
	{},
};

#define T1SZ(tcr) ((tcr) >> 16 & 63)
#define STRIDE (PAGE_SHIFT - 3)

static struct machine_level levels[5];

/* As the TCR of this boot has it: some kernels are built for more than they boot with. */
const struct machine_level *machine_top(void)
{
	unsigned int bits = 64 - T1SZ(get_tcr()), shift = PAGE_SHIFT,
		     n = ARRAY_SIZE(levels);

	for (; shift < bits; shift += STRIDE)
		levels[--n] =
			(struct machine_level){ shift, min(bits - shift, STRIDE + 0u) };
	return &levels[n];
}

u64 machine_table(u64 entry)
{
	return (entry & 3) == 3 ? entry & GENMASK_ULL(47, PAGE_SHIFT) : 0;
}

/* The kernel's half has one root for all; bits 47:1 of TTBR1 are its address. */
u64 machine_root(const struct mm_struct *mm, unsigned long address)
{
	return get_ttbr1() & GENMASK_ULL(47, 1);
}
