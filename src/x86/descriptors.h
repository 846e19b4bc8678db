/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables by which a processor finds its handlers and its stacks: IDT, GDT and TSS,
 * read as it reads them (SDM vol. 3A, ch. 3, 6 and 7), through init_mm's eyes.
 */
#ifndef WS_X86_DESCRIPTORS_H
#define WS_X86_DESCRIPTORS_H

#include "linux/linux.h"
#include "x86/registers.h"

#define WS_VECTORS 256
#define WS_VECTOR_DF 8
#define WS_VECTOR_PF 14

/* A gate's type, of those that Linux uses (SDM 3.5, table 3-2). */
enum ws_gate_type {
	WS_GATE_TASK = 0x5, /* i386 only */
	WS_GATE_INTERRUPT = 0xe,
	WS_GATE_TRAP = 0xf,
};

struct ws_gate {
	bool present;
	uint8_t type;
	uint8_t dpl; /* 3: user mode raises it by INT n */
	uint8_t ist; /* x86-64: which of the TSS's stacks it switches to; 0: none */
	uint16_t selector;
	uint64_t target; /* means nothing in a task gate */
};

struct ws_idt {
	uint64_t base, last; /* its bytes, as far as there are vectors */
	unsigned n;          /* gates that lie inside its limit */
	struct ws_gate gate[WS_VECTORS];
};

/* What a fault needs of a TSS: its first WS_TSS_SIZE bytes (SDM 7.2.1, 7.7). */
#define WS_TSS_SIZE 104
#define WS_TSS_STACKS 7
struct ws_tss {
	uint64_t sp0; /* the stack of a fault in user mode */
	uint64_t sp1; /* no processor uses it: some kernels keep the task's stack there */
	uint64_t ist[WS_TSS_STACKS + 1]; /* x86-64: [1] to [7] */
	uint16_t ss0;                    /* i386: its segment */
	uint64_t cr3, ip, sp;            /* i386: what a switch to this task loads */
};

/* base, last and n are set even where its bytes are not WS_READ. */
enum ws_evidence ws_idt_read(struct ws_system *system, const struct x86_segment *idtr,
			     struct ws_idt *idt) WS_MUST_CHECK;

/*
 * For a target without registers: the IDT that Linux has put first in the
 * cpu_entry_area, or else behind the symbol idt_table, by its shape. False: no such.
 */
bool ws_idt_search(struct ws_system *system, struct x86_segment *idtr);

enum ws_evidence ws_tss_read(struct ws_system *system, uint64_t base,
			     struct ws_tss *tss) WS_MUST_CHECK;

/*
 * The descriptor that a selector names in the GDT: WS_READ, and 0 where it is in the LDT
 * (bit 2), null, or beyond the limit, which is 16 bits wide.
 */
enum ws_evidence ws_descriptor_read(struct ws_system *system,
				    const struct x86_segment *gdtr, uint16_t selector,
				    uint64_t *descriptor) WS_MUST_CHECK;

/*
 * Where the TSS lies that a selector in the GDT names: WS_READ, and *names says whether
 * it names one.
 */
enum ws_evidence ws_tss_of_selector(struct ws_system *system,
				    const struct x86_segment *gdtr, uint16_t selector,
				    bool *names, uint64_t *base) WS_MUST_CHECK;

#endif
