/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test stand: one processor on 64 MiB of RAM, with page tables, GDT, IDT and TSS where
 * a test can say in a line what it needs. Every address of the low 16 MiB is mapped to
 * itself for supervisors; what a test maps lies above.
 */
#ifndef TESTS_MACHINE_STAND_H
#define TESTS_MACHINE_STAND_H

#include "machine/machine.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STAND_RAM (UINT64_C(64) << 20)
#define STAND_IDENTITY (UINT64_C(16) << 20)

/* Physical, and by identity linear, addresses of what the stand builds. */
#define STAND_GDT 0x10000u
#define STAND_IDT 0x11000u
#define STAND_TSS 0x12000u
#define STAND_STACK 0x20000u /* the top of a stack page */
#define STAND_INNER 0x28000u /* ESP0, RSP0 */
#define STAND_IST 0x2c000u   /* IST1 */
#define STAND_HANDLER 0x30000u

#define STAND_KERNEL_CS 0x08
#define STAND_KERNEL_DS 0x10
#define STAND_USER_CS 0x1b
#define STAND_USER_DS 0x23
#define STAND_TR 0x28 /* two slots in IA-32e mode */
#define STAND_FREE 0x38

enum stand_mode { STAND_32BIT, STAND_PAE, STAND_4LEVEL, STAND_5LEVEL };

#define P UINT64_C(1)
#define RW UINT64_C(2)
#define US UINT64_C(4)
#define A UINT64_C(0x20)
#define D UINT64_C(0x40)
#define PS UINT64_C(0x80)
#define G UINT64_C(0x100)
#define XD (UINT64_C(1) << 63)

#define CR0_WP UINT64_C(0x10000)
#define CR4_PSE UINT64_C(0x10)
#define CR4_PGE UINT64_C(0x80)
#define CR4_SMEP (UINT64_C(1) << 20)
#define CR4_SMAP (UINT64_C(1) << 21)
#define EFER_NXE UINT64_C(0x800)
#define FLAGS_IF UINT64_C(0x200)
#define FLAGS_AC (UINT64_C(1) << 18)
#define FLAGS_RF (UINT64_C(1) << 16)

struct stand {
	enum stand_mode mode;
	struct machine_memory *memory;
	struct machine_cpu cpu;
	uint64_t next_table; /* where stand_map() takes tables from */
	uint64_t root;
};

/* Paging is on, everything identity-mapped, GDT, IDT and TSS loaded, CPL 0. */
void stand_open(struct stand *stand, enum stand_mode mode,
		const struct machine_model *model);
void stand_close(struct stand *stand);

uint64_t stand_get(struct stand *stand, uint64_t pa, unsigned size);
void stand_put(struct stand *stand, uint64_t pa, unsigned size, uint64_t value);

/* Where the entry lies that maps va at a level, tables above it made as needed. */
uint64_t stand_entry(struct stand *stand, uint64_t va, unsigned level);
/* Writes that entry. */
void stand_map(struct stand *stand, uint64_t va, unsigned level, uint64_t entry);
uint64_t stand_mapped(struct stand *stand, uint64_t va, unsigned level);

/* Registers as they are with changes; the TLB is emptied. */
void stand_set(struct stand *stand, void (*change)(struct machine_registers *r));
void stand_control(struct stand *stand, uint64_t cr0, uint64_t cr4, uint64_t efer);
void stand_user(struct stand *stand);

/* An interrupt gate (type 14) or another type to a handler. */
void stand_gate(struct stand *stand, unsigned vector, unsigned type, uint16_t selector,
		uint64_t handler, unsigned dpl, unsigned ist);
void stand_descriptor(struct stand *stand, uint16_t selector, uint64_t raw);

/* Fails the test unless the access goes through, or raises what is said. */
void stand_goes(struct stand *stand, uint64_t va, unsigned access, uint64_t pa);
void stand_faults(struct stand *stand, uint64_t va, unsigned access, unsigned vector,
		  uint32_t error);

#endif
