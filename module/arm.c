// SPDX-License-Identifier: GPL-2.0
/* Which registers decide what a 32-bit ARM processor reaches: Arm ARM (ARMv7-A), B3.17 and B4.1. */
#include <linux/kconfig.h>

#include "kmod.h"

#define CP15(op1, crn, crm, op2)                                                \
	({                                                                      \
		u32 value;                                                      \
		asm volatile("mrc p15, " #op1 ", %0, " #crn ", " #crm ", " #op2 \
			     : "=r"(value));                                    \
		value;                                                          \
	})
#define CP15_64(op1, crm)                                                          \
	({                                                                         \
		u64 value;                                                         \
		asm volatile("mrrc p15, " #op1 ", %Q0, %R0, " #crm : "=r"(value)); \
		value;                                                             \
	})

void read_registers(struct register_set *set)
{
#ifdef CONFIG_ARM_LPAE
	put_register(set, "ttbr0", CP15_64(0, c2));
	put_register(set, "ttbr1", CP15_64(1, c2));
#else
	put_register(set, "ttbr0", CP15(0, c2, c0, 0));
	put_register(set, "ttbr1", CP15(0, c2, c0, 1));
#endif
	put_register(set, "ttbcr", CP15(0, c2, c0, 2));
	put_register(set, "sctlr", CP15(0, c1, c0, 0));
	put_register(set, "dacr", CP15(0, c3, c0, 0));
	put_register(set, "vbar", CP15(0, c12, c0, 0));
}

unsigned long kernel_first(void)
{
	return TASK_SIZE;
}

/* Which TTBCR may keep from being used: the entries are there all the same. */
pgd_t *kernel_table(struct mm_struct *mm)
{
	return mm->pgd;
}
