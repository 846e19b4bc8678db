// SPDX-License-Identifier: GPL-2.0
/*
 * What is ARM's of the lab module (Arm ARM for ARMv7-A, B3 and B4), and a hand in the way
 * of aborts:
 *
 *   control  take ADDRESS  the tables in the vectors' stubs that send exceptions to ADDRESS
 *                          (arch/arm/kernel/entry-armv.S, vector_stub) send them through
 *                          this module's memory first
 *
 *            take-cause ADDRESS  the same, of the tables by which an abort's handler is
 *                          chosen for its cause (arch/arm/mm/fault.c, struct fsr_info)
 *
 * A process whose tables lack the module cannot get to the first kind. The second is asked
 * when the registers have been saved, and the abort on the module's memory can be handled.
 */
#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/signal.h>
#include <linux/vmalloc.h>
#include <asm/cacheflush.h>

#include "view.h"

#define READ(name, where)                                             \
	static u64 get_##name(void)                                   \
	{                                                             \
		u32 value;                                            \
		asm volatile("mrc p15, 0, %0, " where : "=r"(value)); \
		return value;                                         \
	}
READ(sctlr, "c1, c0, 0")
READ(ttbcr, "c2, c0, 2")
READ(dacr, "c3, c0, 0")
READ(vbar, "c12, c0, 0")
READ(contextidr, "c13, c0, 1")
READ(mair0, "c10, c2, 0") /* PRRR without LPAE */
READ(mair1, "c10, c2, 1") /* NMRR */

#ifdef CONFIG_ARM_LPAE
#define READ_ROOT(name, opc)                                                   \
	static u64 get_##name(void)                                            \
	{                                                                      \
		u64 value;                                                     \
		asm volatile("mrrc p15, " opc ", %Q0, %R0, c2" : "=r"(value)); \
		return value;                                                  \
	}
READ_ROOT(ttbr0, "0")
READ_ROOT(ttbr1, "1")
#else
READ(ttbr0, "c2, c0, 0")
READ(ttbr1, "c2, c0, 1")
#endif

const struct machine_register machine_registers[] = {
	{ "SCTLR", get_sctlr },
	{ "TTBR0", get_ttbr0 },
	{ "TTBR1", get_ttbr1 },
	{ "TTBCR", get_ttbcr },
	{ "DACR", get_dacr },
	{ "VBAR", get_vbar },
	{ "CONTEXTIDR", get_contextidr },
	{ "MAIR0", get_mair0 },
	{ "MAIR1", get_mair1 },
	{},
};

static const struct machine_level levels[] = {
#ifdef CONFIG_ARM_LPAE
	{ 30, 2 }, { 21, 9 }, { 12, 9 }
#else
	{ 20, 12 }, { 12, 8 }
#endif
};

const struct machine_level *machine_top(void)
{
	return levels;
}

u64 machine_table(u64 entry)
{
#ifdef CONFIG_ARM_LPAE
	return (entry & 3) == 3 ? entry & GENMASK_ULL(39, 12) : 0;
#else
	return (entry & 3) == 1 ? entry & GENMASK(31, 10) : 0;
#endif
}

u64 machine_root(const struct mm_struct *mm, unsigned long address)
{
	return __pa(mm->pgd);
}

/* ---- in the way of aborts ---------------------------------------------------------- */

#define STUBS 0xffff1000ul
#define MAX_TAKEN 4

/* Each loads pc from its own word, and changes no register. */
extern u32 lab_taken[MAX_TAKEN][2];
asm(".pushsection .text\n"
    ".balign 32\n"
    ".globl lab_taken\n"
    "lab_taken:\n"
    "\t.rept 4\n"
    "\tldr pc, [pc, #-4]\n"
    "\t.word 0\n"
    "\t.endr\n"
    ".popsection");

static unsigned int ntaken;

/* The kernel's text and its stubs are read-only where they are used. */
static u32 *writable(const void *address)
{
	struct page *page = vmalloc_to_page(address);
	void *alias = page ? vmap(&page, 1, VM_MAP, PAGE_KERNEL) : NULL;

	return alias ? alias + offset_in_page(address) : NULL;
}

static void let_go(u32 *alias)
{
	flush_kernel_vmap_range((void *)((unsigned long)alias & PAGE_MASK), PAGE_SIZE);
	vunmap((void *)((unsigned long)alias & PAGE_MASK));
}

/* A stub of its own for a handler, or 0. */
static u32 stub_for(unsigned long handler)
{
	u32 *mine = lab_taken[ntaken], *word;

	word = ntaken < MAX_TAKEN ? writable(&mine[1]) : NULL;
	if (!word)
		return 0;
	*word = handler;
	let_go(word);
	flush_icache_range((unsigned long)mine, (unsigned long)(mine + 2));
	ntaken++;
	return (u32)(unsigned long)mine;
}

int take(unsigned long handler)
{
	u32 *stubs = writable((void *)STUBS), stub = stub_for(handler);
	unsigned int i, found = 0;

	if (!stubs || !stub)
		return -ENOMEM;
	for (i = 0; i < PAGE_SIZE / sizeof(*stubs); i++)
		if (stubs[i] == handler) {
			stubs[i] = stub;
			found++;
		}
	let_go(stubs);
	return found ? 0 : -ENOENT;
}

/* The tables have no name that a module could find: they are known by what is in them. */
int take_cause(unsigned long handler)
{
	u32 *at = (u32 *)PAGE_OFFSET, *end = (u32 *)high_memory - 3, stub;
	unsigned int found = 0;

	stub = stub_for(handler);
	if (!stub)
		return -ENOMEM;
	for (; at < end; at++)
		if (at[0] == handler && at[1] == SIGSEGV &&
		    (at[2] == SEGV_MAPERR || at[2] == SEGV_ACCERR)) {
			at[0] = stub;
			found++;
		}
	return found ? 0 : -ENOENT;
}
