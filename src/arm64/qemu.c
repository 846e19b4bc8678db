/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's AArch64 machines, as a migration stream has them: the fields of a processor's state
 * (QEMU target/arm/machine.c, vmstate_arm_cpu), and where memory lies (hw/arm/virt.c). System
 * registers stand in two arrays, of keys as KVM has them (Linux <asm/kvm.h>, ARM64_SYS_REG)
 * and of values. SP_EL0 is not taken: where it is the stack pointer that runs, its own field
 * is out of date.
 */
#include "arm64/registers.h"

/* clang-format off */

#define KEY(op0, op1, crn, crm, op2) \
	(UINT64_C(0x6030000000130000) | (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define SYSTEM(number, crn, crm, op2) \
	{ "cpreg_vmstate_values", NULL, 0, number, true, KEY(3, 0, crn, crm, op2) }
#define X(i) { "env.xregs", NULL, i, ARM64_X0 + (i), false }

static const struct ws_qemu_field fields[] = {
	X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12),
	X(13), X(14), X(15), X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24),
	X(25), X(26), X(27), X(28), X(29), X(30),
	{ "env.xregs", NULL, 31, ARM64_SP, false },
	{ "env.pc", NULL, 0, ARM64_PC, false },
	{ "cpsr", NULL, 0, ARM64_PSTATE, false },
	SYSTEM(ARM64_TTBR0, 2, 0, 0), SYSTEM(ARM64_TTBR1, 2, 0, 1),
	SYSTEM(ARM64_TCR, 2, 0, 2), SYSTEM(ARM64_SCTLR, 1, 0, 0),
	SYSTEM(ARM64_VBAR, 12, 0, 0),
	{ 0 },
};

/* clang-format on */

/* A processor in AArch32 state is described by the same fields. */
static bool is_aarch64(const struct ws_cpu *cpu)
{
	return !(cpu->reg[ARM64_PSTATE] & ARM64_PSTATE_AARCH32);
}

const struct ws_qemu_state arm64_qemu_state = { .fields = fields,
						.keys = "cpreg_vmstate_indexes",
						.is = is_aarch64 };

const struct ws_qemu_machine arm64_qemu_machines[] = {
	{ "virt", "mach-virt.ram", UINT64_C(1) << 30, 0, 0, { 0 } },
	{ 0 },
};
