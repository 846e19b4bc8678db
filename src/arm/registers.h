/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registers of a 32-bit ARM processor. Dumps keep the general ones alone; those of
 * the system control coprocessor a debugger has.
 */
#ifndef WS_ARM_REGISTERS_H
#define WS_ARM_REGISTERS_H

#include "arch/arch.h"

enum arm_register {
	ARM_R0,
	ARM_SP = 13,
	ARM_LR,
	ARM_PC,
	ARM_CPSR,
	ARM_GENERAL, /* how many these are */

	ARM_SCTLR = ARM_GENERAL,
	ARM_TTBR0,
	ARM_TTBR1,
	ARM_TTBCR,
	ARM_DACR,
	ARM_VBAR,
	ARM_REGISTERS,
};

/* DDI 0406C, B1.3.3 and B4.1.130. */
#define ARM_MODE WS_BITS(4, 0)
#define ARM_MODE_USER 0x10u
#define ARM_SCTLR_M WS_BIT(0)
#define ARM_SCTLR_V WS_BIT(13) /* vectors at 0xffff0000, whatever VBAR says */

const struct ws_register *arm_registers(unsigned word, unsigned *n);
extern const struct ws_prstatus arm_prstatuses[];
extern const struct ws_monitor_register arm_monitor_registers[];
extern const struct ws_qemu_state arm_qemu_state;
extern const struct ws_qemu_machine arm_qemu_machines[];

#endif
