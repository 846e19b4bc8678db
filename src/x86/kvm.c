/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An x86 processor as KVM gives it to user space (Linux arch/x86/include/uapi/asm/kvm.h):
 * struct kvm_regs, and behind it here struct kvm_sregs.
 */
#include "x86/registers.h"

/* ---- by name ---- */

#define WORD(name, place)             \
	{                             \
		name, 8 * (place), 8, \
	}
#define SEGMENT_SIZE 24
#define SEGMENT(name, place)                                            \
	{                                                               \
		name, SEGMENT_SIZE *(place), SEGMENT_SIZE, kvm_segment, \
	}
#define TABLES (8 * SEGMENT_SIZE)
#define TABLE_SIZE 16
#define CONTROLS (TABLES + 2 * TABLE_SIZE)
#define CONTROL(name, place)                     \
	{                                        \
		name, CONTROLS + 8 * (place), 8, \
	}
#define REGS_SIZE 144
#define SREGS_SIZE 312

/* In a segment: */
enum {
	BASE = 0,
	LIMIT = 8,
	SELECTOR = 12,
	TYPE = 14,
	PRESENT,
	DPL,
	DB,
	S,
	L,
	G,
	AVL,
	UNUSABLE
};
/* In what describes a table: */
#define TABLE_LIMIT 8

static const struct ws_kvm_part kvm_segment[] = {
	{ "base", BASE, 8 },
	{ "limit", LIMIT, 4 },
	{ "selector", SELECTOR, 2 },
	{ "type", TYPE, 1 },
	{ "type_", TYPE, 1 },
	{ "present", PRESENT, 1 },
	{ "dpl", DPL, 1 },
	{ "db", DB, 1 },
	{ "s", S, 1 },
	{ "l", L, 1 },
	{ "g", G, 1 },
	{ "avl", AVL, 1 },
	{ "unusable", UNUSABLE, 1 },
	{ 0 },
};
static const struct ws_kvm_part kvm_dtable[] = {
	{ "base", 0, 8 },
	{ "limit", TABLE_LIMIT, 2 },
	{ 0 },
};
static const struct ws_kvm_part kvm_regs[] = {
	WORD("rax", 0),  WORD("rbx", 1),     WORD("rcx", 2),  WORD("rdx", 3),
	WORD("rsi", 4),  WORD("rdi", 5),     WORD("rsp", 6),  WORD("rbp", 7),
	WORD("r8", 8),   WORD("r9", 9),      WORD("r10", 10), WORD("r11", 11),
	WORD("r12", 12), WORD("r13", 13),    WORD("r14", 14), WORD("r15", 15),
	WORD("rip", 16), WORD("rflags", 17), { 0 },
};
static const struct ws_kvm_part kvm_sregs[] = {
	SEGMENT("cs", 0),
	SEGMENT("ds", 1),
	SEGMENT("es", 2),
	SEGMENT("fs", 3),
	SEGMENT("gs", 4),
	SEGMENT("ss", 5),
	SEGMENT("tr", 6),
	SEGMENT("ldt", 7),
	{ "gdt", TABLES, TABLE_SIZE, kvm_dtable },
	{ "idt", TABLES + TABLE_SIZE, TABLE_SIZE, kvm_dtable },
	CONTROL("cr0", 0),
	CONTROL("cr2", 1),
	CONTROL("cr3", 2),
	CONTROL("cr4", 3),
	CONTROL("efer", 5),
	{ 0 },
};

const struct ws_kvm_part x86_kvm_parts[] = {
	{ "regs", 0, REGS_SIZE, kvm_regs },
	{ "sregs", REGS_SIZE, SREGS_SIZE, kvm_sregs },
	{ 0 },
};

/* ---- as registers ---- */

/* In the structs' order. */
static const uint8_t general[] = {
	X86_AX, X86_BX,  X86_CX,  X86_DX,  X86_SI,  X86_DI,  X86_SP,  X86_BP, X86_R8,
	X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15, X86_IP, X86_FLAGS,
};
static const uint8_t segments[] = { X86_CS, X86_DS, X86_ES, X86_FS,
				    X86_GS, X86_SS, X86_TR, X86_LDT };
/* X86_REGISTERS: CR8, the priority of tasks, which nobody asks for. */
static const uint8_t controls[] = { X86_CR0, X86_CR2,       X86_CR3,
				    X86_CR4, X86_REGISTERS, X86_EFER };

/* As the second word of a descriptor (SDM vol. 3A, 3.4.5). */
static uint32_t flags_of(const uint8_t *p)
{
	if (p[UNUSABLE])
		return 0;
	return (p[TYPE] & 15u) << 8 | (p[S] & 1u) << 12 | (p[DPL] & 3u) << 13 |
	       (p[PRESENT] & 1u) << 15 | (p[AVL] & 1u) << 20 | (p[L] & 1u) << 21 |
	       (p[DB] & 1u) << 22 | (p[G] & 1u) << 23;
}

static void read_segment(struct ws_cpu *cpu, enum x86_register number, const uint8_t *p)
{
	x86_set_segment(cpu, number,
			&(struct x86_segment){ .selector = ws_le16(p + SELECTOR),
					       .limit = ws_le32(p + LIMIT),
					       .flags = flags_of(p),
					       .base = ws_le64(p + BASE) });
}

static void read_table(struct ws_cpu *cpu, enum x86_register number, const uint8_t *p)
{
	x86_set_segment(cpu, number,
			&(struct x86_segment){ .limit = ws_le16(p + TABLE_LIMIT),
					       .base = ws_le64(p) });
}

bool x86_read_kvm(struct ws_cpu *cpu, const uint8_t *regs)
{
	const uint8_t *sregs = regs + REGS_SIZE;

	for (size_t i = 0; i < WS_ARRAY_SIZE(general); i++)
		ws_cpu_set(cpu, general[i], ws_le64(regs + 8 * i));
	for (size_t i = 0; i < WS_ARRAY_SIZE(segments); i++)
		read_segment(cpu, segments[i], sregs + SEGMENT_SIZE * i);
	read_table(cpu, X86_GDT, sregs + TABLES);
	read_table(cpu, X86_IDT, sregs + TABLES + TABLE_SIZE);
	for (size_t i = 0; i < WS_ARRAY_SIZE(controls); i++)
		if (controls[i] != X86_REGISTERS)
			ws_cpu_set(cpu, controls[i], ws_le64(sregs + CONTROLS + 8 * i));
	return x86_is_plausible(cpu);
}
