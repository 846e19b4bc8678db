/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's 32-bit ARM machines, as a migration stream has them: the fields of a processor's
 * state (QEMU target/arm/machine.c, vmstate_arm_cpu), and where memory lies (hw/arm/virt.c).
 * Coprocessor registers stand in two arrays, of keys and of values. Most are kept, and have
 * their keys, as the AArch64 register that they are part of (Linux <asm/kvm.h>,
 * ARM64_SYS_REG): TTBCR is there alone.
 */
#include "arm/registers.h"

/* clang-format off */

#define VALUES "cpreg_vmstate_values"
#define SYSTEM(number, crn, op2) \
	{ VALUES, NULL, 0, number, true, \
	  UINT64_C(0x603000000013c000) | (crn) << 7 | (op2) }
#define DACR_KEY UINT64_C(0x40200000200f1800) /* cp15, c3, c0, not secure */
#define R(i) { "env.regs", NULL, i, ARM_R0 + (i), false }

static const struct ws_qemu_field fields[] = {
	R(0), R(1), R(2), R(3), R(4), R(5), R(6), R(7), R(8), R(9), R(10), R(11), R(12),
	R(13), R(14), R(15),
	{ "cpsr", NULL, 0, ARM_CPSR, false },
	SYSTEM(ARM_SCTLR, 1, 0), SYSTEM(ARM_TTBR0, 2, 0), SYSTEM(ARM_TTBR1, 2, 1),
	SYSTEM(ARM_TTBCR, 2, 2), SYSTEM(ARM_VBAR, 12, 0),
	{ VALUES, NULL, 0, ARM_DACR, true, DACR_KEY },
	{ 0 },
};

/* clang-format on */

#define CPSR_AARCH32 \
	WS_BIT(4) /* Arm ARM C5.2.18, SPSR_EL1.M[4]; one in every mode here */

/* One in AArch64 state is described by the same fields. */
static bool is_aarch32(const struct ws_cpu *cpu)
{
	return cpu->reg[ARM_CPSR] & CPSR_AARCH32;
}

const struct ws_qemu_state arm_qemu_state = { .fields = fields,
					      .keys = "cpreg_vmstate_indexes",
					      .is = is_aarch32 };

const struct ws_qemu_machine arm_qemu_machines[] = {
	{ "virt", "mach-virt.ram", UINT64_C(1) << 30, 0, 0, { 0 } },
	{ 0 },
};
