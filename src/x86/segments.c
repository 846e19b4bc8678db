/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Segments that gates, and on i386 the TSS, name and the GDT has not. No machine runs so
 * (audit/doubt.h).
 */
#include <stdio.h>

#include "audit/doubt.h"
#include "audit/lack.h"
#include "util/bits.h"
#include "x86/faultpath.h"

/* SDM vol. 3A, 3.4.5.1, table 3-1; of a code segment in 64-bit mode, 5.2.1. */
#define SEGMENT_PRESENT WS_BIT(47)
#define SEGMENT_DPL WS_BITS(46, 45)
#define SEGMENT_NO_SYSTEM WS_BIT(44)
#define SEGMENT_CODE WS_BIT(43)
#define SEGMENT_WRITABLE WS_BIT(41)
#define SEGMENT_LONG WS_BIT(53)
#define SEGMENT_BIG WS_BIT(54)

static const struct segment_use {
	const char *name;
	uint64_t mask, value;
} code_64 = { "64-bit code segment of the kernel",
	      SEGMENT_PRESENT | SEGMENT_DPL | SEGMENT_NO_SYSTEM | SEGMENT_CODE |
		      SEGMENT_LONG | SEGMENT_BIG,
	      SEGMENT_PRESENT | SEGMENT_NO_SYSTEM | SEGMENT_CODE | SEGMENT_LONG },
  code_32 = { "code segment of the kernel",
	      SEGMENT_PRESENT | SEGMENT_DPL | SEGMENT_NO_SYSTEM | SEGMENT_CODE,
	      SEGMENT_PRESENT | SEGMENT_NO_SYSTEM | SEGMENT_CODE },
  stack_32 = { "stack segment of the kernel",
	       SEGMENT_PRESENT | SEGMENT_DPL | SEGMENT_NO_SYSTEM | SEGMENT_CODE |
		       SEGMENT_WRITABLE,
	       SEGMENT_PRESENT | SEGMENT_NO_SYSTEM | SEGMENT_WRITABLE };

static enum ws_evidence descriptor_of(struct ws_needs *needs,
				      const struct x86_fault_cpu *cpu, uint16_t selector,
				      uint64_t *descriptor)
{
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	enum ws_evidence evidence =
		ws_descriptor_read(needs->audit->system, &gdt, selector, descriptor);

	if (evidence != WS_READ)
		ws_lack_kernel(needs->audit, gdt.base + (selector & ~7u),
			       sizeof(*descriptor),
			       "the descriptor of selector %#x in the GDT at %#jx",
			       selector, gdt.base);
	return evidence;
}

/* decides: whether every fault goes through it. */
static void check_segment(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			  uint16_t selector, const struct segment_use *use,
			  const char *who, bool decides)
{
	const struct x86_segment gdt = x86_segment(cpu->registers, X86_GDT);
	uint64_t va = gdt.base + (selector & ~7u), descriptor;
	char text[192];

	if (descriptor_of(needs, cpu, selector, &descriptor) != WS_READ ||
	    (descriptor & use->mask) == use->value)
		return;
	snprintf(text, sizeof(text),
		 "%s names selector %#x, which is no %s in the GDT at %#jx (%#jx)", who,
		 selector, use->name, gdt.base, descriptor);
	ws_found_doubtful(needs->audit, cpu->cpu, &x86_fault_rules[X86_RULE_SEGMENT], va,
			  ws_last_of(va, 8), text);
	if (decides)
		ws_doubt(needs->audit, cpu->cpu, text);
}

static bool is_in_use(const struct x86_fault_cpu *cpu, unsigned vector)
{
	const struct ws_gate *gate = &cpu->idt.gate[vector];

	return gate->present && gate->type != WS_GATE_TASK &&
	       x86_vector_use(cpu, vector) == X86_VECTOR_USED;
}

/* That of gate 14, and each other that some gate names. */
void x86_doubt_segments(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	const bool wide = needs->audit->system->layout.word == 8;
	const uint16_t common = cpu->idt.gate[WS_VECTOR_PF].selector;
	bool asked[1 << 13] = { false };
	char who[24];

	for (unsigned i = 0; i <= cpu->idt.n; i++) {
		unsigned v = i ? i - 1 : WS_VECTOR_PF;
		uint16_t selector = cpu->idt.gate[v].selector;

		if (!is_in_use(cpu, v) || asked[selector >> 3])
			continue;
		asked[selector >> 3] = true;
		snprintf(who, sizeof(who), "gate %u", v);
		check_segment(needs, cpu, selector, wide ? &code_64 : &code_32, who,
			      selector == common);
	}
}

void x86_doubt_stack_segment(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			     const struct ws_tss *tss)
{
	if (needs->audit->system->layout.word == 4)
		check_segment(needs, cpu, tss->ss0, &stack_32, "the TSS", true);
}
