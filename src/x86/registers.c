/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What registers are called, and where notes keep them: QEMU target/i386/arch_dump.c for
 * its own note, Linux arch/x86/include/asm/user_{32,64}.h for PRSTATUS.
 */
#include "x86/registers.h"
#include "x86/entry.h"

#include <stdio.h>

#include "target/target.h"
#include "util/line.h"

/* ---- names ---- */

#define GENERAL(name)                     \
	{                                 \
		name, WS_REGISTER_GENERAL \
	}
#define CONTROL(name)                     \
	{                                 \
		name, WS_REGISTER_CONTROL \
	}
#define SEGMENT(name)                                \
	{ name, WS_REGISTER_SEGMENT }, { 0 }, { 0 }, \
	{                                            \
		0                                    \
	}

/* clang-format off */

#define CONTROLS_AND_SEGMENTS \
	CONTROL("cr0"), CONTROL("cr2"), CONTROL("cr3"), CONTROL("cr4"), \
	SEGMENT("cs"), SEGMENT("ds"), SEGMENT("es"), SEGMENT("fs"), SEGMENT("gs"), \
	SEGMENT("ss"), SEGMENT("ldt"), SEGMENT("tr"), SEGMENT("gdt"), SEGMENT("idt"), \
	CONTROL("efer")

static const struct ws_register registers_32[X86_REGISTERS] = {
	GENERAL("eax"), GENERAL("ebx"), GENERAL("ecx"), GENERAL("edx"),
	GENERAL("esi"), GENERAL("edi"), GENERAL("esp"), GENERAL("ebp"),
	{ 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 },
	GENERAL("eip"), GENERAL("eflags"), CONTROLS_AND_SEGMENTS,
};

static const struct ws_register registers_64[X86_REGISTERS] = {
	GENERAL("rax"), GENERAL("rbx"), GENERAL("rcx"), GENERAL("rdx"),
	GENERAL("rsi"), GENERAL("rdi"), GENERAL("rsp"), GENERAL("rbp"),
	GENERAL("r8"), GENERAL("r9"), GENERAL("r10"), GENERAL("r11"),
	GENERAL("r12"), GENERAL("r13"), GENERAL("r14"), GENERAL("r15"),
	GENERAL("rip"), GENERAL("rflags"), CONTROLS_AND_SEGMENTS,
};

/* clang-format on */

_Static_assert(X86_REGISTERS <= WS_REGISTERS_MAX, "a struct ws_cpu has room for them");

const struct ws_register *x86_registers(unsigned word, unsigned *n)
{
	*n = X86_REGISTERS;
	return word == 8 ? registers_64 : registers_32;
}

/* ---- PRSTATUS ---- */

const struct ws_prstatus x86_prstatuses[] = {
	{ .size = 144,
	  .registers = 72,
	  .word = 4,
	  .index = { [X86_BX] = 1,
		     [X86_CX] = 2,
		     [X86_DX] = 3,
		     [X86_SI] = 4,
		     [X86_DI] = 5,
		     [X86_BP] = 6,
		     [X86_AX] = 7,
		     [X86_IP] = 13,
		     [X86_CS] = 14,
		     [X86_FLAGS] = 15,
		     [X86_SP] = 16,
		     [X86_SS] = 17 } },
	{ .size = 336,
	  .registers = 112,
	  .word = 8,
	  .index = { [X86_R15] = 1, [X86_R14] = 2,    [X86_R13] = 3, [X86_R12] = 4,
		     [X86_BP] = 5,  [X86_BX] = 6,     [X86_R11] = 7, [X86_R10] = 8,
		     [X86_R9] = 9,  [X86_R8] = 10,    [X86_AX] = 11, [X86_CX] = 12,
		     [X86_DX] = 13, [X86_SI] = 14,    [X86_DI] = 15, [X86_IP] = 17,
		     [X86_CS] = 18, [X86_FLAGS] = 19, [X86_SP] = 20, [X86_SS] = 21 } },
	{ 0 },
};

/* ---- QEMU's note ---- */

/* QEMUCPUState: version, size, registers, segments, CR0 to CR4, kernel_gs_base. */
#define REGISTERS 8
#define SEGMENTS (REGISTERS + 8 * X86_GENERAL)
#define SEGMENT_SIZE 24
#define NSEGMENTS ((X86_SEGMENTS_END - X86_CS) / WS_SEGMENT_PARTS)
#define CONTROLS (SEGMENTS + SEGMENT_SIZE * NSEGMENTS)
#define SIZE (CONTROLS + 8 * 5)

static const enum x86_register controls[] = { X86_CR0, X86_REGISTERS, X86_CR2, X86_CR3,
					      X86_CR4 }; /* there is no CR1 */

static void read_note(struct ws_cpu *cpu, const uint8_t *note)
{
	for (unsigned i = 0; i < X86_GENERAL; i++)
		ws_cpu_set(cpu, i, ws_le64(note + REGISTERS + 8 * i));
	for (unsigned i = 0; i < NSEGMENTS; i++) {
		const uint8_t *p = note + SEGMENTS + SEGMENT_SIZE * i;

		x86_set_segment(cpu, X86_CS + WS_SEGMENT_PARTS * i,
				&(struct x86_segment){ .selector = ws_le32(p),
						       .limit = ws_le32(p + 4),
						       .flags = ws_le32(p + 8),
						       .base = ws_le64(p + 16) });
	}
	for (unsigned i = 0; i < WS_ARRAY_SIZE(controls); i++)
		if (controls[i] != X86_REGISTERS)
			ws_cpu_set(cpu, controls[i], ws_le64(note + CONTROLS + 8 * i));
}

static void put(uint8_t *p, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static bool write_note(const struct ws_cpu *cpu, uint8_t *note)
{
	if (!x86_has_tables(cpu))
		return false;
	for (unsigned i = 0; i < X86_GENERAL; i++)
		put(note + REGISTERS + 8 * i, cpu->reg[i], 8);
	for (unsigned i = 0; i < NSEGMENTS; i++) {
		struct x86_segment segment =
			x86_segment(cpu, X86_CS + WS_SEGMENT_PARTS * i);
		uint8_t *p = note + SEGMENTS + SEGMENT_SIZE * i;

		put(p, segment.selector, 4);
		put(p + 4, segment.limit, 4);
		put(p + 8, segment.flags, 4);
		put(p + 16, segment.base, 8);
	}
	for (unsigned i = 0; i < WS_ARRAY_SIZE(controls); i++)
		if (controls[i] != X86_REGISTERS)
			put(note + CONTROLS + 8 * i, cpu->reg[controls[i]], 8);
	return true;
}

const struct ws_qemu_note x86_qemu_note = {
	.version = 1,
	.size = SIZE,
	.written = SIZE + 8,
	.read = read_note,
	.write = write_note,
};

/* ---- the format ---- */

#define DESCRIPTOR_L WS_BIT(21) /* in a descriptor's second word: 64-bit code */

/*
 * Where IA32_EFER is not known: descriptor tables, instructions, stacks and segments above
 * 4 GiB, and 64-bit code, exist in long mode only.
 */
static bool shows_long_mode(const struct ws_cpu *cpu, bool wide)
{
	uint64_t addresses = x86_base(cpu, X86_GDT) | x86_base(cpu, X86_IDT) |
			     cpu->reg[X86_IP] | cpu->reg[X86_SP] | x86_base(cpu, X86_GS);

	if (ws_cpu_knows(cpu, X86_EFER))
		return cpu->reg[X86_EFER] & X86_EFER_LMA;
	return wide || addresses >> 32 || x86_segment(cpu, X86_CS).flags & DESCRIPTOR_L;
}

const struct ws_format *x86_format_of_cpu(const struct ws_cpu *cpu, bool wide)
{
	uint64_t cr4 = cpu->reg[X86_CR4];

	if (!x86_has_control(cpu) || !(cpu->reg[X86_CR0] & X86_CR0_PG))
		return NULL;
	if (!(cr4 & X86_CR4_PAE))
		return cr4 & X86_CR4_PSE ? &ws_format_i386 : &ws_format_i386_nopse;
	if (!shows_long_mode(cpu, wide))
		return &ws_format_i386_pae;
	return cr4 & X86_CR4_LA57 ? &ws_format_x86_64_la57 : &ws_format_x86_64;
}

/*
 * Lines that arch_crash_save_vmcoreinfo() writes (Linux arch/x86/kernel/vmcore_info_*.c):
 * pgtable_l5_enabled is in every 64-bit kernel's since 4.17, X86_PAE in 32-bit ones'.
 */
const struct ws_format *x86_format_of_vmcoreinfo(const char *text)
{
	if (ws_line_after(text, "NUMBER(pgtable_l5_enabled)=1"))
		return &ws_format_x86_64_la57;
	if (ws_line_after(text, "NUMBER(pgtable_l5_enabled)=0"))
		return &ws_format_x86_64;
	if (ws_line_after(text, "CONFIG_X86_PAE=y"))
		return &ws_format_i386_pae;
	return NULL;
}

#define TABLE_LIMIT_MAX UINT64_C(0xffff) /* SDM vol. 3A, 2.4: limits have 16 bits */
#define FLAGS_FIXED WS_BIT(1)            /* is 1 (SDM vol. 1, 3.4.3) */
#define FLAGS_RESERVED (WS_BIT(3) | WS_BIT(5) | WS_BIT(15))

bool x86_is_plausible(const struct ws_cpu *cpu)
{
	uint64_t flags = cpu->reg[X86_FLAGS];

	return !(cpu->reg[X86_CR0] >> 32) && cpu->reg[X86_CR0] & X86_CR0_PE &&
	       flags & FLAGS_FIXED && !(flags & FLAGS_RESERVED) && !(flags >> 32) &&
	       cpu->reg[X86_IDT + WS_SEGMENT_LIMIT] <= TABLE_LIMIT_MAX &&
	       cpu->reg[X86_GDT + WS_SEGMENT_LIMIT] <= TABLE_LIMIT_MAX;
}

/* ---- what no processor has -------------------------------------------------------- */

/* What a fault goes by, and the part of it that says where it lies. */
static const struct {
	const char *name;
	unsigned number;
} fault_registers[] = {
	{ "control registers", X86_CR0 },
	{ "IDTR", X86_IDT + WS_SEGMENT_BASE },
	{ "GDTR", X86_GDT + WS_SEGMENT_BASE },
	{ "TR", X86_TR + WS_SEGMENT_BASE },
};
#define FAULT_REGISTERS WS_ARRAY_SIZE(fault_registers)

/* A bit for each that is missing. */
static unsigned missing_of(const struct ws_cpu *cpu)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < FAULT_REGISTERS; i++)
		if (!ws_cpu_knows(cpu, fault_registers[i].number))
			missing |= 1u << i;
	return missing;
}

bool x86_lacks_tables(const struct ws_target *target, char words[static X86_LACKING])
{
	unsigned missing = (1u << FAULT_REGISTERS) - 1;
	size_t at = 0;

	ws_vec_each(&target->cpus, cpu)
		if (__builtin_popcount(missing_of(cpu)) < __builtin_popcount(missing))
			missing = missing_of(cpu);
	for (unsigned i = 0, left = missing; i < FAULT_REGISTERS; i++) {
		if (!(left & 1u << i))
			continue;
		left &= ~(1u << i);
		at += (size_t)snprintf(words + at, X86_LACKING - at, "%s%s",
				       !at    ? ""
				       : left ? ", "
					      : " and ",
				       fault_registers[i].name);
	}
	return missing;
}
