// SPDX-License-Identifier: GPL-2.0
/* Which registers decide what an x86 processor reaches: SDM vol. 3A, 2.4 and 2.5. */
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "kmod.h"

/* The descriptor that the task register names is in the GDT: it says where the TSS lies. */
static void put_task(struct register_set *set, const struct desc_ptr *gdt)
{
	const struct ldttss_desc *tss;
	unsigned long tr = 0, base;

	asm volatile("str %0" : "=r"(tr));
	put_register(set, "tr", tr & 0xffff);
	if ((tr & 0xfff8) + sizeof(*tss) > gdt->size + 1u || !(tr & 0xfff8) || tr & 4)
		return;
	tss = (const struct ldttss_desc *)(gdt->address + (tr & 0xfff8));
	base = tss->base0 | tss->base1 << 16 | (unsigned long)tss->base2 << 24;
#ifdef CONFIG_X86_64
	base |= (unsigned long)tss->base3 << 32;
#endif
	put_register(set, "tr.base", base);
	put_register(set, "tr.limit", tss->limit0 | tss->limit1 << 16);
}

#define CR(n)                                                     \
	({                                                        \
		unsigned long value;                              \
		asm volatile("mov %%cr" #n ", %0" : "=r"(value)); \
		value;                                            \
	})

void read_registers(struct register_set *set)
{
	struct desc_ptr gdt, idt;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	put_register(set, "cr0", CR(0));
	put_register(set, "cr2", CR(2));
	put_register(set, "cr3", CR(3));
	put_register(set, "cr4", CR(4));
	if (boot_cpu_has(X86_FEATURE_NX) || IS_ENABLED(CONFIG_X86_64)) {
		u32 low, high;

		asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
		put_register(set, "efer", low | (u64)high << 32);
	}
	put_register(set, "gdt.base", gdt.address);
	put_register(set, "gdt.limit", gdt.size);
	put_register(set, "idt.base", idt.address);
	put_register(set, "idt.limit", idt.size);
	put_task(set, &gdt);
}

unsigned long kernel_first(void)
{
#ifdef CONFIG_X86_64
	return ~0UL << __VIRTUAL_MASK_SHIFT;
#else
	return TASK_SIZE_MAX;
#endif
}

pgd_t *kernel_table(struct mm_struct *mm)
{
	return mm->pgd;
}

/*
 * i386: the page directory's. With PAE the second level's, if it is not shared: the processor
 * reads the first when CR3 is loaded. x86-64: the top level's.
 */
unsigned int own_level(unsigned long *size)
{
#ifdef CONFIG_X86_PAE
	*size = PMD_SIZE;
#ifdef SHARED_KERNEL_PMD
	return SHARED_KERNEL_PMD ? 0 : 2;
#else
	return 2;
#endif
#else
	*size = PGDIR_SIZE;
	return 1;
#endif
}

int write_entry(void *entry, const void *theirs, u64 value)
{
#if !defined(CONFIG_X86_64)
	set_pmd(entry, __pmd(value));
#elif defined(CONFIG_PARAVIRT_XXL)
	/* by the hypervisor, where the tables are not the kernel's to write (Xen) */
	set_pgd(entry, __pgd(value));
#else
	/* set_pgd() cares for user addresses besides, by a function that is not exported */
	WRITE_ONCE(*(pgd_t *)entry, __pgd(value));
#endif
	return 0;
}

/* Global ones too, of all PCIDs: SDM vol. 3A, 4.10.4.1. */
void flush_translations(void *unused)
{
	unsigned long cr3 = CR(3), cr4;

	if (!boot_cpu_has(X86_FEATURE_PGE)) {
		asm volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
		return;
	}
	cr4 = CR(4);
	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}
