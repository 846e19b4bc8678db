/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's PCs, as a migration stream has them: the fields of a processor's state (QEMU
 * target/i386/machine.c, vmstate_x86_cpu), and where memory lies (hw/i386/pc_piix.c,
 * pc_q35.c).
 */
#include "x86/registers.h"

/* clang-format off */

#define GENERAL(i, number) { "env.regs", NULL, i, number, false }
/* qemu-system-i386 has eight registers. */
#define LONG(i) { "env.regs", NULL, i, X86_R8 + (i) - 8, true }
#define SEGMENT(name, i, number) \
	{ name, "selector", i, (number) + WS_SEGMENT_SELECTOR, false }, \
	{ name, "limit", i, (number) + WS_SEGMENT_LIMIT, false }, \
	{ name, "flags", i, (number) + WS_SEGMENT_FLAGS, false }, \
	{ name, "base", i, (number) + WS_SEGMENT_BASE, false }

/* Registers in the order in which instructions have them (SDM vol. 2, table 2-2). */
static const struct ws_qemu_field fields[] = {
	GENERAL(0, X86_AX), GENERAL(1, X86_CX), GENERAL(2, X86_DX), GENERAL(3, X86_BX),
	GENERAL(4, X86_SP), GENERAL(5, X86_BP), GENERAL(6, X86_SI), GENERAL(7, X86_DI),
	LONG(8), LONG(9), LONG(10), LONG(11), LONG(12), LONG(13), LONG(14), LONG(15),
	{ "env.eip", NULL, 0, X86_IP, false },
	{ "env.eflags", NULL, 0, X86_FLAGS, false },
	{ "env.cr[0]", NULL, 0, X86_CR0, false },
	{ "env.cr[2]", NULL, 0, X86_CR2, false },
	{ "env.cr[3]", NULL, 0, X86_CR3, false },
	{ "env.cr[4]", NULL, 0, X86_CR4, false },
	{ "env.efer", NULL, 0, X86_EFER, true },
	SEGMENT("env.segs", 0, X86_ES), SEGMENT("env.segs", 1, X86_CS),
	SEGMENT("env.segs", 2, X86_SS), SEGMENT("env.segs", 3, X86_DS),
	SEGMENT("env.segs", 4, X86_FS), SEGMENT("env.segs", 5, X86_GS),
	SEGMENT("env.ldt", 0, X86_LDT), SEGMENT("env.tr", 0, X86_TR),
	SEGMENT("env.gdt", 0, X86_GDT), SEGMENT("env.idt", 0, X86_IDT),
	{ 0 },
};

/* clang-format on */

const struct ws_qemu_state x86_qemu_state = { .fields = fields };

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
/* The display's memory, and ROMs or what was copied from them, as the chipset is told. */
#define LEGACY                                         \
	{                                              \
		640 * (MIB / 1024), 384 * (MIB / 1024) \
	}

/* As QEMU 2.4 and later have them: types from before it do not say what they are. */
const struct ws_qemu_machine x86_qemu_machines[] = {
	{ "pc-q35-", "pc.ram", 0, 2816 * MIB, 2 * GIB, LEGACY },
	{ "pc-i440fx-", "pc.ram", 0, 3584 * MIB, 3 * GIB, LEGACY },
	{ 0 },
};
