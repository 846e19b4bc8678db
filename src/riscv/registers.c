/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the registers of a RISC-V hart are called, where PRSTATUS keeps them, and what
 * they and VMCOREINFO say of paging.
 */
#include "riscv/registers.h"
#include "riscv/entry.h"

#include <stdlib.h>

#include "util/line.h"

/* ---- names ---- */

/* clang-format off */

#define GENERAL(name) { name, WS_REGISTER_GENERAL }
#define CONTROL(name) { name, WS_REGISTER_CONTROL }

static const struct ws_register registers[RISCV_REGISTERS] = {
	GENERAL("pc"), GENERAL("ra"), GENERAL("sp"), GENERAL("gp"), GENERAL("tp"),
	GENERAL("t0"), GENERAL("t1"), GENERAL("t2"), GENERAL("s0"), GENERAL("s1"),
	GENERAL("a0"), GENERAL("a1"), GENERAL("a2"), GENERAL("a3"), GENERAL("a4"),
	GENERAL("a5"), GENERAL("a6"), GENERAL("a7"), GENERAL("s2"), GENERAL("s3"),
	GENERAL("s4"), GENERAL("s5"), GENERAL("s6"), GENERAL("s7"), GENERAL("s8"),
	GENERAL("s9"), GENERAL("s10"), GENERAL("s11"), GENERAL("t3"), GENERAL("t4"),
	GENERAL("t5"), GENERAL("t6"),
	CONTROL("satp"), CONTROL("stvec"), CONTROL("sscratch"),
};

/* clang-format on */

const struct ws_register *riscv_registers(unsigned word, unsigned *n)
{
	(void)word;
	*n = RISCV_REGISTERS;
	return registers;
}

/* ---- PRSTATUS ---- */

const struct ws_prstatus riscv_prstatuses[] = {
	{ .size = 376,
	  .registers = 112,
	  .word = 8,
	  .index = { WS_IN_PLACE_8(0), WS_IN_PLACE_8(8), WS_IN_PLACE_8(16),
		     WS_IN_PLACE_8(24) } },
	{ 0 },
};

/* ---- paging ---- */

static const struct {
	unsigned mode, va_bits; /* Privileged Architecture, table 40 */
	const struct ws_format *format;
} modes[] = {
	{ 8, 39, &ws_format_riscv_sv39 },
	{ 9, 48, &ws_format_riscv_sv48 },
	{ 10, 57, &ws_format_riscv_sv57 },
};

const struct ws_format *riscv_format_of_cpu(const struct ws_cpu *cpu, bool wide)
{
	(void)wide;
	for (size_t i = 0; ws_cpu_knows(cpu, RISCV_SATP) && i < WS_ARRAY_SIZE(modes); i++)
		if (modes[i].mode == cpu->reg[RISCV_SATP] >> RISCV_SATP_MODE_SHIFT)
			return modes[i].format;
	return NULL;
}

bool riscv_has_paging_off(const struct ws_cpu *cpu)
{
	return ws_cpu_knows(cpu, RISCV_SATP) &&
	       !(cpu->reg[RISCV_SATP] >> RISCV_SATP_MODE_SHIFT);
}

bool riscv_root(const struct ws_cpu *cpu, uint64_t *root)
{
	*root = (cpu->reg[RISCV_SATP] & RISCV_SATP_PPN) << 12;
	return ws_cpu_knows(cpu, RISCV_SATP);
}

/* No note has the privilege level; but the kernel's half is the upper one. */
bool riscv_kernel_sp(const struct ws_cpu *cpu, uint64_t *sp)
{
	*sp = cpu->reg[RISCV_SP];
	return ws_cpu_knows(cpu, RISCV_PC) && cpu->reg[RISCV_PC] >> 63;
}

/*
 * arch_crash_save_vmcoreinfo() (Linux arch/riscv/kernel/vmcore_info.c, since 6.1) writes
 * VA_BITS, which is of the mode that runs, and phys_ram_base, which no other does.
 */
const struct ws_format *riscv_format_of_vmcoreinfo(const char *text)
{
	const char *bits = ws_line_after(text, "NUMBER(VA_BITS)=");

	if (!bits || !ws_line_after(text, "NUMBER(phys_ram_base)="))
		return NULL;
	for (size_t i = 0; i < WS_ARRAY_SIZE(modes); i++)
		if (modes[i].va_bits == strtoul(bits, NULL, 10))
			return modes[i].format;
	return NULL;
}
