/* SPDX-License-Identifier: GPL-2.0 */
/* What view.c asks of an architecture. */
#ifndef WHOSEES_LAB_VIEW_H
#define WHOSEES_LAB_VIEW_H

#include "lab.h"

/* Ends with one that has no name. */
struct machine_register {
	const char *name;
	u64 (*read)(void);
};
extern const struct machine_register machine_registers[];

/* The levels of tables go on, each after its upper one, to pages. */
struct machine_level {
	unsigned int shift, bits;
};
const struct machine_level *machine_top(void);

#if defined(CONFIG_ARM) && !defined(CONFIG_ARM_LPAE)
typedef u32 machine_entry_t;
#else
typedef u64 machine_entry_t;
#endif
/* Physical address of the table that an entry above the last level leads to, or 0. */
u64 machine_table(u64 entry);
/* Of the root by which a process sees a kernel address. */
u64 machine_root(const struct mm_struct *mm, unsigned long address);

#ifdef CONFIG_ARM
int take(unsigned long handler);
int take_cause(unsigned long handler);
#endif

#endif
