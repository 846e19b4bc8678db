/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An x86 processor as machine monitors other than QEMU write it down: VirtualBox
 * (include/VBox/vmm/dbgfcorefmt.h, struct DBGFCORECPU) and Xen (xen/include/public/arch-x86,
 * struct vcpu_guest_context of 64 bit).
 */
#include "x86/registers.h"

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
	return x86_is_plausible(cpu);
}

/* ---- Xen ---- */

#define XEN_REGISTERS 520 /* after the floating point's, and flags */
#define XEN_CS 656
#define XEN_SS 680
#define XEN_CONTROLS 4984 /* CR0 to CR7 */
#define XEN_FS_BASE 5144
#define XEN_GS_BASE 5152 /* the kernel's */
#define XEN_SIZE 5168

/* By their place among the registers, in words; X86_REGISTERS: none of these. */
static const uint8_t xen_general[] = {
	X86_R15, X86_R14,       X86_R13, X86_R12,       X86_BP,    X86_BX, X86_R11,
	X86_R10, X86_R9,        X86_R8,  X86_AX,        X86_CX,    X86_DX, X86_SI,
	X86_DI,  X86_REGISTERS, X86_IP,  X86_REGISTERS, X86_FLAGS, X86_SP,
};
static const struct {
	uint8_t number, place;
} xen_controls[] = { { X86_CR0, 0 }, { X86_CR2, 2 }, { X86_CR3, 3 }, { X86_CR4, 4 } };

/*
 * Of a domain that Xen translates for, the control registers are the guest's own (Xen
 * arch/x86/domctl.c, arch_get_info_guest()). Descriptor tables are in it only of others.
 */
static bool xen_read(struct ws_cpu *cpu, const uint8_t *p)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(xen_general); i++)
		if (xen_general[i] != X86_REGISTERS)
			ws_cpu_set(cpu, xen_general[i],
				   ws_le64(p + XEN_REGISTERS + 8 * i));
	ws_cpu_set(cpu, X86_CS, ws_le16(p + XEN_CS));
	ws_cpu_set(cpu, X86_SS, ws_le16(p + XEN_SS));
	for (size_t i = 0; i < WS_ARRAY_SIZE(xen_controls); i++)
		ws_cpu_set(cpu, xen_controls[i].number,
			   ws_le64(p + XEN_CONTROLS + 8 * xen_controls[i].place));
	ws_cpu_set(cpu, X86_FS + WS_SEGMENT_BASE, ws_le64(p + XEN_FS_BASE));
	ws_cpu_set(cpu, X86_GS + WS_SEGMENT_BASE, ws_le64(p + XEN_GS_BASE));
	return x86_is_plausible(cpu);
}

const struct ws_monitor_note x86_monitor_notes[] = {
	{ "VBCPU", 0xb01, VBOX_SIZE, vbox_read },
	{ ".xen_prstatus", 0, XEN_SIZE, xen_read },
	{ "KVM", 0, X86_KVM_SIZE, x86_read_kvm },
	{ 0 },
};

/* ---- VMware, and what QEMU's monitor and gdbstub call others than the manual ---- */

#define IDT_BASE (X86_IDT + WS_SEGMENT_BASE)

/* crash's vmware_vmss.c; of IDTR the first part is the limit. */
const struct ws_monitor_register x86_monitor_registers[] = {
	{ "rax", -1, X86_AX, 0 },
	{ "rbx", -1, X86_BX, 0 },
	{ "rcx", -1, X86_CX, 0 },
	{ "rdx", -1, X86_DX, 0 },
	{ "rsi", -1, X86_SI, 0 },
	{ "rdi", -1, X86_DI, 0 },
	{ "rsp", -1, X86_SP, 0 },
	{ "rbp", -1, X86_BP, 0 },
	{ "r8", -1, X86_R8, 0 },
	{ "r9", -1, X86_R9, 0 },
	{ "r10", -1, X86_R10, 0 },
	{ "r11", -1, X86_R11, 0 },
	{ "r12", -1, X86_R12, 0 },
	{ "r13", -1, X86_R13, 0 },
	{ "r14", -1, X86_R14, 0 },
	{ "r15", -1, X86_R15, 0 },
	{ "rip", -1, X86_IP, 0 },
	{ "eflags", -1, X86_FLAGS, 0 },
	{ "CR64", 0, X86_CR0, 0 },
	{ "CR64", 2, X86_CR2, 0 },
	{ "CR64", 3, X86_CR3, 0 },
	{ "CR64", 4, X86_CR4, 0 },
	{ "IDTR", 1, IDT_BASE, 0 },
	{ "IDTR", 2, IDT_BASE, 32 },
	{ "rfl", -1, X86_FLAGS, 0 },
	{ "efl", -1, X86_FLAGS, 0 },
	{ "fs_base", -1, X86_FS + WS_SEGMENT_BASE, 0 },
	{ "gs_base", -1, X86_GS + WS_SEGMENT_BASE, 0 },
	{ 0 },
};
