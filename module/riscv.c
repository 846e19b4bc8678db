// SPDX-License-Identifier: GPL-2.0
/* Which registers decide what a RISC-V hart reaches in S-mode: privileged architecture, 12.1. */
#include <asm/csr.h>

#include "kmod.h"

void read_registers(struct register_set *set)
{
	put_register(set, "satp", csr_read(CSR_SATP));
	put_register(set, "stvec", csr_read(CSR_TVEC));
	put_register(set, "sstatus", csr_read(CSR_STATUS));
}

unsigned long kernel_first(void)
{
	return ~0UL << (VA_BITS - 1);
}

pgd_t *kernel_table(struct mm_struct *mm)
{
	return mm->pgd;
}

unsigned int own_level(unsigned long *size)
{
	*size = PGDIR_SIZE;
	return 1;
}

int write_entry(void *entry, const void *theirs, u64 value)
{
	set_pgd(entry, __pgd(value));
	return 0;
}

void flush_translations(void *unused)
{
	local_flush_tlb_all();
}
