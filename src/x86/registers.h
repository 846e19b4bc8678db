/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers that dumps keep of an x86 processor, and the bits that are asked for. */
#ifndef WS_X86_REGISTERS_H
#define WS_X86_REGISTERS_H

#include "arch/arch.h"

/* In QEMU's order (QEMUCPUState); a segment takes four numbers. */
enum x86_register {
	X86_AX,
	X86_BX,
	X86_CX,
	X86_DX,
	X86_SI,
	X86_DI,
	X86_SP,
	X86_BP,
	X86_R8,
	X86_R9,
	X86_R10,
	X86_R11,
	X86_R12,
	X86_R13,
	X86_R14,
	X86_R15,
	X86_IP,
	X86_FLAGS,
	X86_GENERAL, /* how many these are */

	X86_CR0 = X86_GENERAL,
	X86_CR2,
	X86_CR3,
	X86_CR4,

	X86_CS,
	X86_DS = X86_CS + WS_SEGMENT_PARTS,
	X86_ES = X86_DS + WS_SEGMENT_PARTS,
	X86_FS = X86_ES + WS_SEGMENT_PARTS,
	X86_GS = X86_FS + WS_SEGMENT_PARTS,
	X86_SS = X86_GS + WS_SEGMENT_PARTS,
	X86_LDT = X86_SS + WS_SEGMENT_PARTS,
	X86_TR = X86_LDT + WS_SEGMENT_PARTS,
	X86_GDT = X86_TR + WS_SEGMENT_PARTS,
	X86_IDT = X86_GDT + WS_SEGMENT_PARTS,
	X86_SEGMENTS_END = X86_IDT + WS_SEGMENT_PARTS,

	X86_EFER = X86_SEGMENTS_END, /* not in QEMU's notes; --regime can give it */
	X86_REGISTERS,
};

/* SDM vol. 3A, 2.5. */
#define X86_CR0_PE WS_BIT(0)
#define X86_CR0_WP WS_BIT(16)
#define X86_CR0_PG WS_BIT(31)
#define X86_CR4_PSE WS_BIT(4)
#define X86_CR4_PAE WS_BIT(5)
#define X86_CR4_LA57 WS_BIT(12)
#define X86_CR4_PCIDE WS_BIT(17)
#define X86_CR4_SMEP WS_BIT(20)
#define X86_CR4_SMAP WS_BIT(21)
#define X86_CR4_FRED WS_BIT(32)
#define X86_EFER_LMA WS_BIT(10)
#define X86_EFER_NXE WS_BIT(11)

/* A segment register or a descriptor-table register, hidden part included. */
struct x86_segment {
	uint32_t selector;
	uint32_t limit;
	uint32_t flags; /* as the second word of a descriptor */
	uint64_t base;
};

static inline struct x86_segment x86_segment(const struct ws_cpu *cpu,
					     enum x86_register segment)
{
	const uint64_t *part = &cpu->reg[segment];

	return (struct x86_segment){ .selector = (uint32_t)part[WS_SEGMENT_SELECTOR],
				     .limit = (uint32_t)part[WS_SEGMENT_LIMIT],
				     .flags = (uint32_t)part[WS_SEGMENT_FLAGS],
				     .base = part[WS_SEGMENT_BASE] };
}

static inline void x86_set_segment(struct ws_cpu *cpu, enum x86_register segment,
				   const struct x86_segment *value)
{
	ws_cpu_set(cpu, segment + WS_SEGMENT_SELECTOR, value->selector);
	ws_cpu_set(cpu, segment + WS_SEGMENT_LIMIT, value->limit);
	ws_cpu_set(cpu, segment + WS_SEGMENT_FLAGS, value->flags);
	ws_cpu_set(cpu, segment + WS_SEGMENT_BASE, value->base);
}

static inline uint64_t x86_base(const struct ws_cpu *cpu, enum x86_register segment)
{
	return cpu->reg[segment + WS_SEGMENT_BASE];
}

/* PRSTATUS keeps neither control registers nor more than a segment's selector. */
static inline bool x86_has_control(const struct ws_cpu *cpu)
{
	return ws_cpu_knows(cpu, X86_CR0);
}

/*
 * And some that keep control registers keep no more: where the descriptor tables and the
 * TSS lie is then unknown.
 */
static inline bool x86_has_tables(const struct ws_cpu *cpu)
{
	return x86_has_control(cpu) && ws_cpu_knows(cpu, X86_IDT + WS_SEGMENT_BASE) &&
	       ws_cpu_knows(cpu, X86_GDT + WS_SEGMENT_BASE) &&
	       ws_cpu_knows(cpu, X86_TR + WS_SEGMENT_BASE);
}

struct ws_target;

#define X86_LACKING 64
/*
 * Which registers are missing without which no fault is delivered, of the processor that has
 * the most of them: "GDTR and TR". False: none is.
 */
bool x86_lacks_tables(const struct ws_target *target, char words[static X86_LACKING]);

#define X86_FLAGS_VM (UINT64_C(1) << 17)

/* The privilege level is that of CS (SDM vol. 3A, 5.5), and 3 in virtual-8086 mode (20.1). */
static inline bool x86_in_user_mode(const struct ws_cpu *cpu)
{
	return (cpu->reg[X86_CS] & 3) == 3 ||
	       (ws_cpu_knows(cpu, X86_FLAGS) && cpu->reg[X86_FLAGS] & X86_FLAGS_VM);
}

const struct ws_register *x86_registers(unsigned word, unsigned *n);

/* Whether a processor can have such registers; what is read at a wrong place looks wild. */
bool x86_is_plausible(const struct ws_cpu *cpu);
#define X86_KVM_SIZE 456
/* As KVM gives them, X86_KVM_SIZE bytes: false where no processor has such. */
bool x86_read_kvm(struct ws_cpu *cpu, const uint8_t *regs);

/* NULL where the control registers are unknown or paging is off (SDM table 4-1). */
const struct ws_format *x86_format_of_cpu(const struct ws_cpu *cpu, bool wide);
const struct ws_format *x86_format_of_vmcoreinfo(const char *text);

extern const struct ws_prstatus x86_prstatuses[];
extern const struct ws_qemu_note x86_qemu_note;
extern const struct ws_monitor_note x86_monitor_notes[];
extern const struct ws_monitor_register x86_monitor_registers[];
extern const struct ws_kvm_part x86_kvm_parts[];
extern const struct ws_qemu_state x86_qemu_state;
extern const struct ws_qemu_machine x86_qemu_machines[];
extern const struct ws_ram_map x86_ram_maps[];
extern const struct ws_term x86_terms[];

#endif
