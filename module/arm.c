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

/* With long descriptors a page of the second level, which begins among user addresses. */
unsigned int own_level(unsigned long *size)
{
	*size = PMD_SIZE;
	return IS_ENABLED(CONFIG_ARM_LPAE) ? 2 : 1;
}

#ifndef CONFIG_ARM_LPAE
/* Short descriptors go by pairs (arch/arm/include/asm/pgtable-2level.h): both are written. */
static bool is_other_lost(const pmd_t *entry, const pmd_t *theirs)
{
	unsigned long half = (unsigned long)entry & sizeof(*entry);
	const pmd_t *other = half ? entry - 1 : entry + 1;
	const pmd_t *like = half ? theirs - 1 : theirs + 1;

	return pmd_val(*other) && pmd_val(*other) != pmd_val(*like);
}
#else
static bool is_other_lost(const pmd_t *entry, const pmd_t *theirs)
{
	return false;
}
#endif

int write_entry(void *entry, const void *theirs, u64 value)
{
	unsigned long mask = PMD_SIZE > SECTION_SIZE ? 2 * sizeof(pmd_t) - 1 : 0;
	pmd_t *to = (pmd_t *)((unsigned long)entry & ~mask);
	const pmd_t *from = (const pmd_t *)((unsigned long)theirs & ~mask);

	if (is_other_lost(entry, theirs))
		return -EBUSY;
	if (value)
		copy_pmd(to, from);
	else
		pmd_clear(to);
	return 0;
}

void flush_translations(void *unused)
{
	local_flush_tlb_all();
}
