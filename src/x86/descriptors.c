/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "x86/descriptors.h"

#include "linux/symtab.h"
#include "x86/linux.h"
#include "x86/tlb_state.h"

#include <string.h>

#include "util/bits.h"

/*
 * A gate (SDM 6.11, figure 6-2; 6.14.1, figure 6-8):
 *
 *	 63          48 47  46 45 44 43  40 39 35 34 32 31      16 15         0
 *	| target 31:16 | P | DPL | 0 | type |  0  | IST | selector | target 15:0 |
 *
 * and in 64-bit mode a second word with bits 63:32 of the target.
 */
static struct ws_gate decode_gate(const uint8_t *bytes, bool wide)
{
	uint64_t low = ws_le64(bytes);
	struct ws_gate gate = {
		.present = low & WS_BIT(47),
		.type = low >> 40 & 0x1f,
		.dpl = low >> 45 & 3,
		.ist = wide ? low >> 32 & 7 : 0,
		.selector = (uint16_t)(low >> 16),
		.target = (low & WS_BITS(15, 0)) | (low & WS_BITS(63, 48)) >> 32,
	};

	if (wide)
		gate.target |= (uint64_t)ws_le32(bytes + 8) << 32;
	return gate;
}

enum ws_evidence ws_idt_read(struct ws_system *system, const struct x86_segment *idtr,
			     struct ws_idt *idt)
{
	bool wide = system->layout.word == 8;
	unsigned size = wide ? 16 : 8;
	uint64_t n = ((uint64_t)idtr->limit + 1) / size;
	uint8_t bytes[WS_VECTORS * 16];
	enum ws_evidence evidence;

	memset(idt, 0, sizeof(*idt));
	idt->n = n < WS_VECTORS ? (unsigned)n : WS_VECTORS;
	idt->base = idtr->base;
	idt->last = idtr->base + (idt->n ? idt->n * size - 1 : 0);
	evidence = ws_system_read(system, idtr->base, bytes, (size_t)idt->n * size);
	for (unsigned v = 0; v < idt->n && evidence == WS_READ; v++)
		idt->gate[v] = decode_gate(bytes + v * size, wide);
	return evidence;
}

/* ---- where there are no registers -------------------------------------------------- */

/* Exceptions 0 to 14 lead into the kernel image; 9 is of no use, 8 may be a task. */
static bool looks_like_idt(struct ws_system *system, const struct ws_idt *idt)
{
	for (unsigned v = 0; v <= WS_VECTOR_PF; v++) {
		const struct ws_gate *gate = &idt->gate[v];

		if (v == 9 || (v == WS_VECTOR_DF && gate->type == WS_GATE_TASK))
			continue;
		if (!gate->present || (gate->type & ~1) != WS_GATE_INTERRUPT ||
		    !ws_is_kernel_va(system, gate->target))
			return false;
	}
	return ws_in_image(system, idt->gate[0].target);
}

/* WS_READ: there is one; WS_NOT_MAPPED: there is none; else it cannot be known. */
static enum ws_evidence find_idt_at(struct ws_system *system, uint64_t va,
				    struct x86_segment *idtr)
{
	uint32_t size = system->layout.word == 8 ? 16 : 8;
	enum ws_evidence evidence;
	struct ws_idt idt;

	*idtr = (struct x86_segment){ .base = va, .limit = WS_VECTORS * size - 1 };
	evidence = ws_idt_read(system, idtr, &idt);
	if (evidence == WS_READ && !looks_like_idt(system, &idt))
		evidence = WS_NOT_MAPPED;
	return evidence;
}

/*
 * CPU_ENTRY_AREA_RO_IDT (arch/x86/include/asm/cpu_entry_area.h): fixed on x86-64; on
 * i386 where a page directory's entry begins, near the top of memory.
 */
static enum ws_evidence idt_in_entry_area(struct ws_system *system,
					  struct x86_segment *idtr)
{
	const uint64_t step = 2u << 20;
	enum ws_evidence none = WS_NOT_MAPPED;

	if (system->layout.word == 8)
		return find_idt_at(system, UINT64_C(0xfffffe0000000000), idtr);
	for (uint64_t va = 0xfe000000; va <= UINT32_MAX; va += step) {
		enum ws_evidence evidence = find_idt_at(system, va, idtr);

		if (evidence == WS_READ)
			return WS_READ;
		if (evidence != WS_NOT_MAPPED)
			none = evidence;
	}
	return none;
}

bool ws_idt_search(struct ws_system *system, struct x86_segment *idtr)
{
	enum ws_evidence evidence = idt_in_entry_area(system, idtr);
	struct ws_symbol symbol;

	/* What is absent there may be the one that is in use: another copy is not it. */
	if (evidence != WS_NOT_MAPPED)
		return evidence == WS_READ;
	if (ws_symbol_lookup(system, "idt_table", &symbol) == WS_OK)
		return find_idt_at(system, symbol.va, idtr) == WS_READ;
	ws_error_clear(system->ctx);
	return false;
}

/* ---- TSS --------------------------------------------------------------------------- */

/* SDM 7.2.1, figure 7-2; 7.7, figure 7-11. */
enum ws_evidence ws_tss_read(struct ws_system *system, uint64_t base, struct ws_tss *tss)
{
	uint8_t bytes[WS_TSS_SIZE];
	enum ws_evidence evidence = ws_system_read(system, base, bytes, sizeof(bytes));

	memset(tss, 0, sizeof(*tss));
	if (evidence != WS_READ)
		return evidence;
	if (system->layout.word == 8) {
		tss->sp0 = ws_le64(bytes + 4);
		tss->sp1 = ws_le64(bytes + 12);
		for (unsigned i = 1; i <= WS_TSS_STACKS; i++)
			tss->ist[i] = ws_le64(bytes + 28 + 8 * i);
		return WS_READ;
	}
	tss->sp0 = ws_le32(bytes + 4);
	tss->sp1 = ws_le32(bytes + 12);
	tss->ss0 = (uint16_t)ws_le32(bytes + 8);
	tss->cr3 = ws_le32(bytes + 28);
	tss->ip = ws_le32(bytes + 32);
	tss->sp = ws_le32(bytes + 56);
	return WS_READ;
}

/* ---- GDT --------------------------------------------------------------------------- */

enum ws_evidence ws_descriptor_read(struct ws_system *system,
				    const struct x86_segment *gdtr, uint16_t selector,
				    uint64_t *descriptor)
{
	uint32_t offset = selector & ~7u;
	uint8_t bytes[8];
	enum ws_evidence evidence;

	*descriptor = 0;
	if (selector & 4 || !offset || offset + 7 > (gdtr->limit & 0xffff))
		return WS_READ; /* the registers say enough */
	evidence = ws_system_read(system, gdtr->base + offset, bytes, sizeof(bytes));
	if (evidence == WS_READ)
		*descriptor = ws_le64(bytes);
	return evidence;
}

/* A TSS descriptor (SDM 7.2.2, figure 7-3): type 9 is available, 11 busy. */
enum ws_evidence ws_tss_of_selector(struct ws_system *system,
				    const struct x86_segment *gdtr, uint16_t selector,
				    bool *names, uint64_t *base)
{
	uint64_t descriptor;
	enum ws_evidence evidence =
		ws_descriptor_read(system, gdtr, selector, &descriptor);

	*names = false;
	if (evidence != WS_READ)
		return evidence;
	*base = (descriptor >> 16 & WS_BITS(23, 0)) |
		(descriptor >> 32 & WS_BITS(31, 24));
	*names = descriptor & WS_BIT(47) && (descriptor >> 40 & 0x1d) == 0x9;
	return WS_READ;
}

/* ---- what discovery asks ----------------------------------------------------------- */

/*
 * sp0 is the top of the current task's stack before 4.15; sp1 on x86-64 from then until
 * 5.13 (1591584e2e76), on i386 since 4.19 (45d7b255747c). What else they hold is no
 * task's stack.
 */
bool x86_stack_tops(struct ws_system *system, const struct ws_cpu *cpu,
		    uint64_t top[static WS_STACK_TOPS])
{
	struct ws_tss tss;

	if (!x86_has_tables(cpu) ||
	    ws_tss_read(system, x86_base(cpu, X86_TR), &tss) != WS_READ)
		return false;
	top[0] = tss.sp0;
	top[1] = tss.sp1;
	return true;
}

/* Their targets, under the names they have had (arch/x86/kernel/idt.c, traps.c). */
const struct ws_vector_handler x86_handlers[] = {
	{ 0, { "asm_exc_divide_error", "divide_error" } },
	{ 6, { "asm_exc_invalid_op", "invalid_op" } },
	{ 13, { "asm_exc_general_protection", "general_protection" } },
	{ 14, { "asm_exc_page_fault", "page_fault", "async_page_fault" } },
	{ 0 },
};

bool x86_handler_va(struct ws_system *system, const struct ws_cpu *cpu, unsigned vector,
		    uint64_t *va)
{
	const bool wide = system->layout.word == 8;
	const unsigned size = wide ? 16 : 8;
	uint8_t bytes[16] = { 0 };
	struct ws_gate gate;

	if (!x86_has_tables(cpu) ||
	    ws_system_read(system, x86_base(cpu, X86_IDT) + vector * size, bytes, size) !=
		    WS_READ)
		return false;
	gate = decode_gate(bytes, wide);
	*va = gate.target;
	return gate.present;
}

/* On i386 the double fault is a task, with a TSS that only the GDT names. */
static void tour_double_fault(struct ws_system *system, const struct ws_cpu *cpu)
{
	struct x86_segment idtr = x86_segment(cpu, X86_IDT),
			   gdtr = x86_segment(cpu, X86_GDT);
	struct ws_idt idt;
	struct ws_tss tss;
	uint64_t base;
	bool names;

	if (ws_idt_read(system, &idtr, &idt) == WS_READ &&
	    idt.gate[WS_VECTOR_DF].type == WS_GATE_TASK &&
	    ws_tss_of_selector(system, &gdtr, idt.gate[WS_VECTOR_DF].selector, &names,
			       &base) == WS_READ &&
	    names)
		(void)!ws_tss_read(system, base, &tss);
}

/* Without registers the audit looks for an IDT. */
static void tour_idt(struct ws_system *system)
{
	struct x86_segment idtr;

	if (ws_idt_search(system, &idtr))
		ws_kernel_tour(system, idtr.base, idtr.limit + 1);
}

/* The tables that a processor's registers point at: IDT, GDT and TSS. */
void x86_tour_registers(struct ws_system *system, const struct ws_cpu *cpu)
{
	static const enum x86_register tables[] = { X86_IDT, X86_GDT, X86_TR };

	if (cpu && cpu == system->target->cpus.v)
		x86_tour_flushes(system);
	if (!cpu || !x86_has_tables(cpu)) {
		tour_idt(system);
		return;
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(tables); i++) {
		struct x86_segment table = x86_segment(cpu, tables[i]);

		ws_kernel_tour(system, table.base, (table.limit & 0xffff) + 1);
	}
	tour_double_fault(system, cpu);
}
