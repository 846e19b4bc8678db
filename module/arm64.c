// SPDX-License-Identifier: GPL-2.0
/* Which registers decide what an AArch64 processor reaches at EL1: Arm ARM, D8.2 and D19.2. */
#include <asm/sysreg.h>

#include "kmod.h"

void read_registers(struct register_set *set)
{
	put_register(set, "ttbr0_el1", read_sysreg(ttbr0_el1));
	put_register(set, "ttbr1_el1", read_sysreg(ttbr1_el1));
	put_register(set, "tcr_el1", read_sysreg(tcr_el1));
	put_register(set, "sctlr_el1", read_sysreg(sctlr_el1));
	put_register(set, "mair_el1", read_sysreg(mair_el1));
	put_register(set, "vbar_el1", read_sysreg(vbar_el1));
}

unsigned long kernel_first(void)
{
	return PAGE_OFFSET;
}

/* Every process's: a table of its own, and TTBR1 leads to it. */
pgd_t *kernel_table(struct mm_struct *mm)
{
	return phys_to_virt(read_sysreg(ttbr1_el1) & GENMASK_ULL(47, PAGE_SHIFT));
}

/* TTBR1 leads all to one table. */
unsigned int own_level(unsigned long *size)
{
	return 0;
}

int write_entry(void *entry, const void *theirs, u64 value)
{
	return -EOPNOTSUPP;
}

void flush_translations(void *unused)
{
}
