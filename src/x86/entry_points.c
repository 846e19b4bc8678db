/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gates of an IDT, one by one. */
#include "x86/descriptors.h"
#include "x86/linux.h"

/* SDM vol. 3A, 3.5, table 3-2: of all that a gate's type can be, the kernel uses these. */
static const struct {
	uint8_t type;
	const char *name;
} kinds[] = {
	{ WS_GATE_TASK, "task" },
	{ WS_GATE_INTERRUPT, "interrupt" },
	{ WS_GATE_TRAP, "trap" },
};

static const char *kind_of(const struct ws_gate *gate)
{
	if (!gate->present)
		return NULL;
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == gate->type)
			return kinds[i].name;
	return "other";
}

enum ws_evidence x86_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				 unsigned n, struct ws_entry_point *point)
{
	struct x86_segment idtr = x86_segment(cpu, X86_IDT);
	enum ws_evidence evidence;
	struct ws_idt idt;

	if (!x86_has_tables(cpu))
		return WS_ABSENT;
	evidence = ws_idt_read(system, &idtr, &idt);
	if (evidence == WS_READ && n >= idt.n)
		return WS_NOT_MAPPED;
	if (evidence != WS_READ)
		return evidence;
	point->name = ws_vector_name(n);
	point->kind = kind_of(&idt.gate[n]);
	point->is_code = point->kind && (idt.gate[n].type == WS_GATE_INTERRUPT ||
					 idt.gate[n].type == WS_GATE_TRAP);
	point->va = point->is_code ? idt.gate[n].target : 0;
	point->has_gate = point->kind;
	point->dpl = idt.gate[n].dpl;
	point->own_stack = idt.gate[n].ist;
	point->selector = idt.gate[n].selector;
	return WS_READ;
}
