// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own walk for one of its addresses, in any mm, by the macros that its fault
 * handlers use: no format is written down here.
 *
 * Nothing keeps the kernel's own tables where they are: a huge mapping of vmalloc memory frees
 * the table it replaces. With interrupts off who frees one mostly waits, but not where TLBs are
 * flushed without interrupts. So each entry is read as memory that may be gone, an entry is
 * followed only as it was read, and only to memory that is RAM.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>

#include "kmod.h"
#include "offset.h"

#define WALK_ON 0xff

bool is_kernel_address(u64 address)
{
	return address >= kernel_first() && address <= ULONG_MAX;
}

unsigned int levels(void)
{
	return LEVELS_MAX - !!mm_p4d_folded(NULL) - !!mm_pud_folded(NULL) -
	       !!mm_pmd_folded(NULL);
}

/* The top-level table is held by who asks. */
static __always_inline bool copy_entry(void *value, const void *entry, size_t size,
				       bool top)
{
	if (!top)
		return !copy_from_kernel_nofault(value, entry, size);
	memcpy(value, entry, size);
	return true;
}

/* An entry of two words may change between them: it is read until it has not. */
static __always_inline bool read_entry(void *value, const void *entry, size_t size,
				       bool top)
{
	u64 again;

	do {
		barrier();
		if (!copy_entry(value, entry, size, top))
			return false;
		barrier();
		if (size <= sizeof(long))
			return true;
		if (!copy_entry(&again, entry, size, top))
			return false;
	} while (memcmp(value, &again, size));
	return true;
}

/*
 * True: the walk goes on below. Where the walk before found the same entry it led to the same
 * tables, and all that was found below stands.
 */
static bool step(struct walked *walked, unsigned int at, const void *entry, u64 value,
		 u8 end)
{
	bool is_same = at < walked->n && !((walked->step[at].value ^ value) & ~MARKS);

	walked->step[at].entry = entry;
	walked->step[at].value = value;
	if (is_same)
		return false;
	walked->n = at + 1;
	walked->end = end;
	return end == WALK_ON;
}

/*
 * Whether the processor takes an entry for present. pmd_present() and pte_present() say yes of
 * more: of pages that may not be accessed, and of ones that are being split.
 */
#ifdef _PAGE_PRESENT
#define IS_PRESENT(kind, value) (kind##_val(value) & _PAGE_PRESENT)
/* pmd_bad() of x86 takes for bad what the processor ignores: i386 with PTI has such tables. */
#define IS_BAD(kind, value) false
#else
#define IS_PRESENT(kind, value) kind##_present(value)
#define IS_BAD(kind, value) kind##_bad(value)
#endif

#define END_OF(kind, value)                                                \
	(kind##_none(value) || !IS_PRESENT(kind, value) ? WHOSEES_END_HOLE \
	 : kind##_leaf(value)                           ? WHOSEES_END_PAGE \
	 : IS_BAD(kind, value)                          ? WHOSEES_END_BAD  \
							: WALK_ON)

/*
 * From an entry to the one of the level below. Where that level is folded, at build or at boot,
 * both are the same entry, which is put down and judged as the lower one. That is the same in
 * every mm, so none is named.
 */
#define DOWN(upper, lower)                                                  \
	do {                                                                \
		upper##_t value;                                            \
                                                                            \
		if (mm_##lower##_folded(NULL)) {                            \
			lower = lower##_offset(upper, address);             \
			break;                                              \
		}                                                           \
		if (!read_entry(&value, upper, sizeof(value), !at)) {       \
			step(walked, at, upper, 0, WHOSEES_END_UNREADABLE); \
			return;                                             \
		}                                                           \
		if (!step(walked, at++, upper, (u64)upper##_val(value),     \
			  END_OF(upper, value)))                            \
			return;                                             \
		lower = lower##_offset_lockless(upper, value, address);     \
		if (!virt_addr_valid(lower)) {                              \
			walked->end = WHOSEES_END_BAD;                      \
			return;                                             \
		}                                                           \
	} while (0)

#define mm_pte_folded(mm) false
#define pte_offset(pmd, address) pte_offset_kernel(pmd, address)
#define pte_offset_lockless(pmd, value, address) pte_offset_kernel(&(value), address)

/* What the processor reads, where the kernel keeps entries of its own beside them. */
static pmd_t *hardware_pmd(pmd_t *pmd, unsigned long address)
{
#ifdef SECTION_SIZE
	if (SECTION_SIZE < PMD_SIZE && address & SECTION_SIZE)
		pmd++;
#endif
	return pmd;
}

#ifndef PTE_HWTABLE_PTRS
#define PTE_HWTABLE_PTRS 0 /* as <linux/kasan.h> has it, where that is included */
#endif
#if PTE_HWTABLE_PTRS
#define IS_PAGE(value) (pte_val(value) & PTE_TYPE_MASK)
#else
#define IS_PAGE(value) IS_PRESENT(pte, value)
#endif

static void last_step(struct walked *walked, unsigned int at, const pte_t *entry)
{
	pte_t value;

	if (!read_entry(&value, entry, sizeof(value), false))
		step(walked, at, entry, 0, WHOSEES_END_UNREADABLE);
	else
		step(walked, at, entry, (u64)pte_val(value),
		     IS_PAGE(value) ? WHOSEES_END_PAGE : WHOSEES_END_HOLE);
}

void walk(pgd_t *table, unsigned long address, struct walked *walked)
{
	pgd_t *pgd = pgd_offset_pgd(table, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pte_t *pte;
	unsigned int at = 0;

	if (walked->end == WHOSEES_END_UNREADABLE)
		walked->n = 0; /* the entry of the last step was not read */
	DOWN(pgd, p4d);
	DOWN(p4d, pud);
	DOWN(pud, pmd);
	pmd = hardware_pmd(pmd, address);
	DOWN(pmd, pte);
	last_step(walked, at, pte + PTE_HWTABLE_PTRS);
}
