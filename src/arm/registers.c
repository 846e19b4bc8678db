/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What registers are called, and where PRSTATUS keeps them: Linux
 * arch/arm/include/uapi/asm/ptrace.h (struct pt_regs).
 */
#include "arm/registers.h"

#define GENERAL(name)                     \
	{                                 \
		name, WS_REGISTER_GENERAL \
	}
#define CONTROL(name)                     \
	{                                 \
		name, WS_REGISTER_CONTROL \
	}

/* clang-format off */
static const struct ws_register registers[ARM_REGISTERS] = {
	GENERAL("r0"), GENERAL("r1"), GENERAL("r2"), GENERAL("r3"),
	GENERAL("r4"), GENERAL("r5"), GENERAL("r6"), GENERAL("r7"),
	GENERAL("r8"), GENERAL("r9"), GENERAL("r10"), GENERAL("r11"), GENERAL("r12"),
	GENERAL("sp"), GENERAL("lr"), GENERAL("pc"), GENERAL("cpsr"),
	CONTROL("sctlr"), CONTROL("ttbr0"), CONTROL("ttbr1"), CONTROL("ttbcr"),
	CONTROL("dacr"), CONTROL("vbar"),
};

const struct ws_register *arm_registers(unsigned word, unsigned *n)
{
	(void)word;
	*n = ARM_REGISTERS;
	return registers;
}

const struct ws_prstatus arm_prstatuses[] = {
	{ .size = 148, .registers = 72, .word = 4,
	  .index = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		     [ARM_CPSR] = 17 } },
	{ 0 },
};

/* As QEMU's monitor calls them (QEMU target/arm/cpu.c, aarch32_cpu_dump_state()). */
const struct ws_monitor_register arm_monitor_registers[] = {
	{ "r13", -1, ARM_SP, 0 }, { "r14", -1, ARM_LR, 0 }, { "r15", -1, ARM_PC, 0 },
	{ "psr", -1, ARM_CPSR, 0 },
	{ 0 },
};
/* clang-format on */
