/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's RISC-V machines, as a migration stream has them: the fields of a hart's state (QEMU
 * target/riscv/machine.c, vmstate_riscv_cpu), and where memory lies (hw/riscv/virt.c).
 */
#include "riscv/registers.h"

/* clang-format off */

/* x1 to x31 are the registers behind pc. */
#define X(i) { "env.gpr", NULL, i, RISCV_PC + (i), false }

static const struct ws_qemu_field fields[] = {
	X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13),
	X(14), X(15), X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25),
	X(26), X(27), X(28), X(29), X(30), X(31),
	{ "env.pc", NULL, 0, RISCV_PC, false },
	{ "env.satp", NULL, 0, RISCV_SATP, false },
	{ "env.stvec", NULL, 0, RISCV_STVEC, false },
	{ "env.sscratch", NULL, 0, RISCV_SSCRATCH, false },
	{ 0 },
};

/* clang-format on */

const struct ws_qemu_state riscv_qemu_state = { .fields = fields };

const struct ws_qemu_machine riscv_qemu_machines[] = {
	{ "virt", "riscv_virt_board.ram", UINT64_C(2) << 30, 0, 0, { 0 } },
	{ 0 },
};
