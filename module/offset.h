/* SPDX-License-Identifier: GPL-2.0 */
/*
 * p4d_offset() and pud_offset() where they are functions of the kernel's that it does not
 * export: made of what its headers have inline.
 */
#ifndef WHOSEES_OFFSET_H
#define WHOSEES_OFFSET_H

#include <linux/pgtable.h>

#if defined(CONFIG_RISCV) && defined(CONFIG_64BIT)

#undef p4d_offset
#define p4d_offset(pgd, address) \
	(pgtable_l5_enabled ? pgd_pgtable(*(pgd)) + p4d_index(address) : (p4d_t *)(pgd))
#undef pud_offset
#define pud_offset(p4d, address) \
	(pgtable_l4_enabled ? p4d_pgtable(*(p4d)) + pud_index(address) : (pud_t *)(p4d))

#endif

#endif
