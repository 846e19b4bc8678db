/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An x86 processor as machine monitors other than QEMU write it down: VirtualBox
 * (include/VBox/vmm/dbgfcorefmt.h, struct DBGFCORECPU).
 */
#include "x86/registers.h"

/* ---- what they have in common ---- */

#define TABLE_LIMIT_MAX UINT64_C(0xffff) /* SDM vol. 3A, 2.4: limits have 16 bits */
#define FLAGS_FIXED WS_BIT(1)            /* is 1 (SDM vol. 1, 3.4.3) */
#define FLAGS_RESERVED (WS_BIT(3) | WS_BIT(5) | WS_BIT(15))

/* Whether a processor can have such registers; what is read at a wrong place looks wild. */
static bool is_plausible(const struct ws_cpu *cpu)
{
	uint64_t flags = cpu->reg[X86_FLAGS];

	return !(cpu->reg[X86_CR0] >> 32) && cpu->reg[X86_CR0] & X86_CR0_PE &&
	       flags & FLAGS_FIXED && !(flags & FLAGS_RESERVED) && !(flags >> 32) &&
	       cpu->reg[X86_IDT + WS_SEGMENT_LIMIT] <= TABLE_LIMIT_MAX &&
	       cpu->reg[X86_GDT + WS_SEGMENT_LIMIT] <= TABLE_LIMIT_MAX;
}

/*
 * Access rights as VMX has them (SDM vol. 3C, table 24-2) are a descriptor's second word
 * without its lowest byte, and bit 16 says that the segment cannot be used.
 */
#define RIGHTS UINT32_C(0xf0ff)
#define UNUSABLE WS_BIT(16)

static uint32_t flags_of_rights(uint32_t rights)
{
	return rights & UNUSABLE ? 0 : (rights & RIGHTS) << 8;
}

/* ---- VirtualBox ---- */

#define VBOX_SEGMENTS 144 /* after 18 registers: six of 24 bytes */
#define VBOX_SEGMENT_SIZE 24
#define VBOX_CONTROLS 288 /* CR0, CR2, CR3, CR4 */
#define VBOX_GDTR 384
#define VBOX_IDTR 400
#define VBOX_LDTR 416
#define VBOX_TR 440
#define VBOX_EFER 488
#define VBOX_SIZE 496

static const uint8_t vbox_general[] = {
	X86_AX,  X86_BX,  X86_CX,  X86_DX,  X86_SI,  X86_DI, X86_R8, X86_R9, X86_R10,
	X86_R11, X86_R12, X86_R13, X86_R14, X86_R15, X86_IP, X86_SP, X86_BP, X86_FLAGS,
};
static const uint8_t vbox_segments[] = { X86_CS, X86_DS, X86_ES, X86_FS, X86_GS, X86_SS };
static const uint8_t vbox_controls[] = { X86_CR0, X86_CR2, X86_CR3, X86_CR4 };

static void vbox_segment(struct ws_cpu *cpu, enum x86_register number, const uint8_t *p)
{
	x86_set_segment(cpu, number,
			&(struct x86_segment){ .selector = ws_le16(p + 16),
					       .limit = ws_le32(p + 8),
					       .flags = flags_of_rights(ws_le32(p + 12)),
					       .base = ws_le64(p) });
}

static void vbox_table(struct ws_cpu *cpu, enum x86_register number, const uint8_t *p)
{
	x86_set_segment(
		cpu, number,
		&(struct x86_segment){ .limit = ws_le32(p + 8), .base = ws_le64(p) });
}

static bool vbox_read(struct ws_cpu *cpu, const uint8_t *note)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(vbox_general); i++)
		ws_cpu_set(cpu, vbox_general[i], ws_le64(note + 8 * i));
	for (size_t i = 0; i < WS_ARRAY_SIZE(vbox_segments); i++)
		vbox_segment(cpu, vbox_segments[i],
			     note + VBOX_SEGMENTS + VBOX_SEGMENT_SIZE * i);
	for (size_t i = 0; i < WS_ARRAY_SIZE(vbox_controls); i++)
		ws_cpu_set(cpu, vbox_controls[i], ws_le64(note + VBOX_CONTROLS + 8 * i));
	vbox_table(cpu, X86_GDT, note + VBOX_GDTR);
	vbox_table(cpu, X86_IDT, note + VBOX_IDTR);
	vbox_segment(cpu, X86_LDT, note + VBOX_LDTR);
	vbox_segment(cpu, X86_TR, note + VBOX_TR);
	ws_cpu_set(cpu, X86_EFER, ws_le64(note + VBOX_EFER));
	return is_plausible(cpu);
}

const struct ws_monitor_note x86_monitor_notes[] = {
	{ "VBCPU", 0xb01, VBOX_SIZE, vbox_read },
	{ 0 },
};
