/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of a RISC-V hart, and the fields of them that are asked for. */
#ifndef WS_RISCV_REGISTERS_H
#define WS_RISCV_REGISTERS_H

#include "arch/arch.h"

/*
 * In the order of struct user_regs_struct (Linux arch/riscv/include/uapi/asm/ptrace.h);
 * the CSRs behind it are in no note that is known.
 */
enum riscv_register {
	RISCV_PC,
	RISCV_RA,
	RISCV_SP,
	RISCV_GP,
	RISCV_TP, /* the kernel's `current` */
	RISCV_T0,
	RISCV_T1,
	RISCV_T2,
	RISCV_S0,
	RISCV_S1,
	RISCV_A0,
	RISCV_A7 = RISCV_A0 + 7,
	RISCV_S2,
	RISCV_S11 = RISCV_S2 + 9,
	RISCV_T3,
	RISCV_T6 = RISCV_T3 + 3,
	RISCV_GENERAL, /* how many these are */

	RISCV_SATP = RISCV_GENERAL,
	RISCV_STVEC,
	RISCV_SSCRATCH,
	RISCV_REGISTERS,
};

/* Privileged Architecture 12.1.11, satp on RV64. */
#define RISCV_SATP_PPN WS_BITS(43, 0)
#define RISCV_SATP_MODE_SHIFT 60

const struct ws_register *riscv_registers(unsigned word, unsigned *n);

/* NULL where satp is unknown, or its mode is Bare. */
const struct ws_format *riscv_format_of_cpu(const struct ws_cpu *cpu, bool wide);
bool riscv_has_paging_off(const struct ws_cpu *cpu);
bool riscv_root(const struct ws_cpu *cpu, uint64_t *root);
bool riscv_kernel_sp(const struct ws_cpu *cpu, uint64_t *sp);
const struct ws_format *riscv_format_of_vmcoreinfo(const char *text);

extern const struct ws_prstatus riscv_prstatuses[];
extern const struct ws_qemu_state riscv_qemu_state;
extern const struct ws_qemu_machine riscv_qemu_machines[];

#endif
