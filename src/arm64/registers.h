/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of an AArch64 processor, and the fields of them that are asked for. */
#ifndef WS_ARM64_REGISTERS_H
#define WS_ARM64_REGISTERS_H

#include "arch/arch.h"

/*
 * In the order of struct user_pt_regs (Linux arch/arm64/include/uapi/asm/ptrace.h); those
 * of EL1 behind it are in no note that is known.
 */
enum arm64_register {
	ARM64_X0,
	ARM64_X30 = ARM64_X0 + 30,
	ARM64_SP,
	ARM64_PC,
	ARM64_PSTATE,
	ARM64_GENERAL, /* how many these are */

	ARM64_TTBR0 = ARM64_GENERAL,
	ARM64_TTBR1,
	ARM64_TCR,
	ARM64_SCTLR,
	ARM64_VBAR,
	ARM64_SP_EL0, /* in the kernel, its `current` */
	ARM64_REGISTERS,
};

#define ARM64_PSTATE_EL WS_BITS(3, 2) /* Arm ARM C5.2.18, SPSR_EL1.M */
#define ARM64_PSTATE_AARCH32 WS_BIT(4)

/* D24.2.200 */
#define ARM64_TTBR_BADDR WS_BITS(47, 1)

#define ARM64_SCTLR_M WS_BIT(0)

const struct ws_register *arm64_registers(unsigned word, unsigned *n);

/* Those that TTBR0 and TTBR1 translate by; NULL: none has such a granule and width. */
const struct ws_format *arm64_low_format(uint64_t tcr);
const struct ws_format *arm64_high_format(uint64_t tcr);

/* NULL where TCR_EL1 is unknown, or no format has its granule and width. */
const struct ws_format *arm64_format_of_cpu(const struct ws_cpu *cpu, bool wide);
bool arm64_has_paging_off(const struct ws_cpu *cpu);
bool arm64_root(const struct ws_cpu *cpu, uint64_t *root);
bool arm64_kernel_sp(const struct ws_cpu *cpu, uint64_t *sp);
const struct ws_format *arm64_format_of_vmcoreinfo(const char *text);

extern const struct ws_prstatus arm64_prstatuses[];
extern const struct ws_qemu_state arm64_qemu_state;
extern const struct ws_qemu_machine arm64_qemu_machines[];

#endif
