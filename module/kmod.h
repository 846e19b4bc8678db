/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the module know of each other. */
#ifndef WHOSEES_KMOD_H
#define WHOSEES_KMOD_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "whosees_uapi.h"

/* What a caller gave as a pointer: one that this kernel has no bits for is nobody's. */
static inline void __user *pointer_of(u64 at)
{
	return (void __user *)(unsigned long)min_t(u64, at, ULONG_MAX);
}

/* ---- registers.c, and a file for each architecture ------------------------------------ */

#define REGISTERS_MAX 24

struct register_set {
	unsigned int n;
	struct whosees_register v[REGISTERS_MAX];
};

void put_register(struct register_set *set, const char *name, u64 value);
/* On this processor, with interrupts off. */
void read_registers(struct register_set *set);

/* Where the kernel's addresses begin; and the top-level table that leads to them. */
unsigned long kernel_first(void);
pgd_t *kernel_table(struct mm_struct *mm);

long answer_registers(struct whosees_list __user *to);

/* ---- spaces.c --------------------------------------------------------------------------- */

/* Every mm that is found, held by a reference of its own, so that its tables stay. */
struct held_space {
	struct mm_struct *mm;
	pgd_t *table; /* that leads to the kernel's addresses */
	struct whosees_space said;
};

struct spaces {
	struct held_space *v;
	size_t n, room;
};

int hold_spaces(struct spaces *spaces);
void release_spaces(struct spaces *spaces);
int copy_spaces(const struct spaces *spaces, struct whosees_list *list);

long answer_spaces(struct whosees_list __user *to);

/* ---- walk.c ------------------------------------------------------------------------------- */

#define LEVELS_MAX 5

/*
 * A walk for a kernel address: the entries that it comes by. It begins as {}, and may be used
 * again for the same address in another table: what both share is walked once. Interrupts are off
 * from the first of these walks to the last.
 */
struct walked {
	unsigned int n; /* levels */
	struct {
		const void *entry;
		u64 value;
	} step[LEVELS_MAX];
	u8 end;
};

void walk(pgd_t *table, unsigned long address, struct walked *walked);
bool is_kernel_address(u64 address);
unsigned int levels(void);

/* What the processor sets in an entry by using it. */
#ifdef _PAGE_ACCESSED
#define MARKS ((u64)_PAGE_ACCESSED | _PAGE_DIRTY)
#else
#define MARKS 0
#endif

/* ---- look.c ------------------------------------------------------------------------------- */

long answer_probe(struct whosees_probe __user *to);
long answer_table(struct whosees_table __user *to);

/* ---- sync.c, and a file for each architecture -------------------------------------------- */

bool may_sync(void);
long answer_sync(const struct file *file, const struct whosees_sync __user *from);

/*
 * The level at which each space has a table of its own for the kernel's addresses, and how many
 * one entry there is for. 0: at none.
 */
unsigned int own_level(unsigned long *size);
/*
 * Makes the entry of a space that of init_mm's, which holds the value; 0: empties it. -EBUSY:
 * another is written with it, which is neither empty nor init_mm's.
 */
int write_entry(void *entry, const void *theirs, u64 value);
/* On this processor, with interrupts off: the kernel's, and those of all spaces. */
void flush_translations(void *unused);

#endif
