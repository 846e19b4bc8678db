/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bits of registers, entries and descriptors by the manual's names. */
#ifndef MACHINE_X86_H
#define MACHINE_X86_H

#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))
/* Bits high..low, both included: the manual's way of writing a field. */
#define BITS(high, low) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))

/* SDM 2.5. */
#define CR0_PE BIT(0)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_WP BIT(16)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)
#define CR4_PGE BIT(7)
#define CR4_LA57 BIT(12)
#define CR4_PCIDE BIT(17)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
/* Kept but without effect here: VME..DE, MCE, PCE..UMIP, FSGSBASE, OSXSAVE. */
#define CR4_OTHER (BITS(3, 0) | BIT(6) | BITS(11, 8) | BIT(16) | BIT(18))

/* SDM 2.2.1. */
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

/* SDM 2.3. */
#define FLAGS_FIXED BIT(1)
#define FLAGS_TF BIT(8)
#define FLAGS_IF BIT(9)
#define FLAGS_NT BIT(14)
#define FLAGS_RF BIT(16)
#define FLAGS_VM BIT(17)
#define FLAGS_AC BIT(18)

/* Paging-structure entries, SDM tables 4-4 to 4-20. */
#define ENTRY_P BIT(0)
#define ENTRY_RW BIT(1)
#define ENTRY_US BIT(2)
#define ENTRY_A BIT(5)
#define ENTRY_D BIT(6)
#define ENTRY_PS BIT(7)
#define ENTRY_G BIT(8)
#define ENTRY_XD BIT(63)

/* A descriptor's second doubleword, SDM figure 3-8 and table 3-2. */
#define DESC_A BIT(8)   /* code and data */
#define DESC_W BIT(9)   /* data: writable; code: readable */
#define DESC_CE BIT(10) /* code: conforming; data: expand-down */
#define DESC_CODE BIT(11)
#define DESC_S BIT(12) /* code or data, not system */
#define DESC_P BIT(15)
#define DESC_L BIT(21)
#define DESC_DB BIT(22)
#define DESC_G BIT(23)
#define DESC_TYPE(attributes) ((attributes) >> 8 & 15)
#define DESC_DPL(attributes) ((attributes) >> 13 & 3)
#define TSS_BUSY BIT(9)

/* System types, SDM table 3-2. */
enum {
	TYPE_TSS16 = 1,
	TYPE_LDT = 2,
	TYPE_TASK_GATE = 5,
	TYPE_INTERRUPT16 = 6,
	TYPE_TRAP16 = 7,
	TYPE_TSS = 9,
	TYPE_INTERRUPT = 14,
	TYPE_TRAP = 15,
};

/* A selector without its RPL: null if 0. As an error code's index and table bits. */
#define SELECTOR_INDEX(selector) ((uint32_t)(selector)&0xfffcu)
#define SELECTOR_TI 4u

#endif
