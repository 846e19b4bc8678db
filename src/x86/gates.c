/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the gates of an IDT lead to. */
#include <stdio.h>
#include <string.h>

#include "audit/code.h"
#include "audit/doubt.h"
#include "audit/lack.h"
#include "linux/symtab.h"
#include "paging/format.h"
#include "util/bits.h"
#include "x86/faultpath.h"

#define CR0_NE WS_BIT(5)
#define CR0_AM WS_BIT(18)
#define CR4_MCE WS_BIT(6)
#define CR4_OSXMMEXCPT WS_BIT(10)
#define CR4_CET WS_BIT(23)

/*
 * Vectors that the processor itself raises (SDM 6.15; AMD APM vol. 2, 8.2, from 28 on),
 * and what it weighs if such a gate's handler is not there. #PF and #DF have rules of
 * their own. An NMI cannot wait, and the IRET of the page fault on its handler ends the
 * blocking of further NMIs (SDM 6.7.1); a machine check during another shuts the
 * processor down (SDM vol. 3B, 15.3.1.2): fatal. With all others the page fault on the
 * handler is handled like any: it heals, or ends in an oops.
 *
 * What raises them. Linux keeps the gates of early boot for what it does not use: they
 * lead to init text that is free memory by now (arch/x86/kernel/idt.c:
 * early_idt_handler_array stays where def_idts has no row; #MC without CONFIG_X86_MCE).
 *
 *	a bit of CR0 or CR4	while it is clear the processor does something else: it
 *				shuts down in place of #MC, raises #UD for #XM, and an
 *				interrupt for #MF
 *	a hypervisor, an MSR	no register of a dump says: looked at only where init_mm
 *				can reach the handler. #AC is among them while CR0.AM is
 *				clear: split locks raise it too (MSR_TEST_CTRL, bit 29)
 *	nothing			reserved; 9 is raised by no processor since the 386
 */
enum raised { ALWAYS, BY_CR0, BY_CR4, BY_OTHERS, BY_NOTHING };

static const struct vector {
	const char *name;
	enum ws_severity severity;
	enum raised raised;
	uint64_t bit;         /* of CR0 or CR4 */
	enum raised if_clear; /* what raises it then */
} vectors[32] = {
	[0] = { "#DE", WS_ERROR },
	[1] = { "#DB", WS_ERROR },
	[2] = { "NMI", WS_FATAL },
	[3] = { "#BP", WS_ERROR },
	[4] = { "#OF", WS_ERROR },
	[5] = { "#BR", WS_ERROR },
	[6] = { "#UD", WS_ERROR },
	[7] = { "#NM", WS_ERROR },
	[8] = { "#DF", WS_FATAL },
	[9] = { "coprocessor overrun", WS_ERROR, BY_NOTHING },
	[10] = { "#TS", WS_ERROR },
	[11] = { "#NP", WS_ERROR },
	[12] = { "#SS", WS_ERROR },
	[13] = { "#GP", WS_ERROR },
	[14] = { "#PF", WS_FATAL },
	[15] = { "reserved", WS_ERROR, BY_NOTHING },
	[16] = { "#MF", WS_ERROR, BY_CR0, CR0_NE, BY_NOTHING },
	[17] = { "#AC", WS_ERROR, BY_CR0, CR0_AM, BY_OTHERS },
	[18] = { "#MC", WS_FATAL, BY_CR4, CR4_MCE, BY_NOTHING },
	[19] = { "#XM", WS_ERROR, BY_CR4, CR4_OSXMMEXCPT, BY_NOTHING },
	[20] = { "#VE", WS_ERROR, BY_OTHERS },
	[21] = { "#CP", WS_ERROR, BY_CR4, CR4_CET, BY_NOTHING },
	[22] = { "reserved", WS_ERROR, BY_NOTHING },
	[23] = { "reserved", WS_ERROR, BY_NOTHING },
	[24] = { "reserved", WS_ERROR, BY_NOTHING },
	[25] = { "reserved", WS_ERROR, BY_NOTHING },
	[26] = { "reserved", WS_ERROR, BY_NOTHING },
	[27] = { "reserved", WS_ERROR, BY_NOTHING },
	[28] = { "#HV", WS_ERROR, BY_OTHERS },
	[29] = { "#VC", WS_ERROR, BY_OTHERS },
	[30] = { "#SX", WS_ERROR, BY_OTHERS },
	[31] = { "reserved", WS_ERROR, BY_NOTHING },
};

/* Those reported one by one; the others together, by the page that they lead to. */
static const uint8_t weighed_apart[] = { 1, 2, WS_VECTOR_DF, 13, WS_VECTOR_PF, 18 };

/*
 * What the handler of a page fault calls before anything can be done about the fault: C
 * code beyond the entry text, under the names of the last twenty years (entry_32.S,
 * entry_64.S, arch/x86/mm/fault.c).
 */
static const char *const pf_callees[] = {
	"error_entry",        "exc_page_fault",     "do_page_fault",   "__do_page_fault",
	"do_user_addr_fault", "do_kern_addr_fault", "handle_mm_fault",
};

const char *ws_vector_name(unsigned vector)
{
	return vector < WS_ARRAY_SIZE(vectors) ? vectors[vector].name : NULL;
}

static enum raised what_raises(const struct x86_fault_cpu *cpu, unsigned vector)
{
	const struct vector *row = &vectors[vector];
	uint64_t set = row->raised == BY_CR0 ? cpu->cr0 : cpu->cr4;

	if (row->raised != BY_CR0 && row->raised != BY_CR4)
		return row->raised;
	if (!cpu->has_control)
		return BY_OTHERS;
	return set & row->bit ? ALWAYS : row->if_clear;
}

enum x86_vector_use x86_vector_use(const struct x86_fault_cpu *cpu, unsigned vector)
{
	if (vector >= WS_ARRAY_SIZE(vectors) || cpu->idt.gate[vector].dpl == 3)
		return X86_VECTOR_USED;
	switch (what_raises(cpu, vector)) {
	case BY_NOTHING:
		return X86_VECTOR_UNUSED;
	case BY_OTHERS:
		return X86_VECTOR_MAYBE;
	default:
		return X86_VECTOR_USED;
	}
}

static bool is_weighed_apart(unsigned vector)
{
	return memchr(weighed_apart, (int)vector, sizeof(weighed_apart));
}

/* ---- handlers --------------------------------------------------------------------- */

static const struct ws_rule *rule_of(unsigned vector)
{
	if (vector == WS_VECTOR_PF)
		return &x86_fault_rules[X86_RULE_PF_TARGET];
	if (vector == WS_VECTOR_DF)
		return &x86_fault_rules[X86_RULE_DF_TARGET];
	return &x86_fault_rules[X86_RULE_GATE_TARGET];
}

static enum ws_severity severity_of(unsigned vector)
{
	return vector < WS_ARRAY_SIZE(vectors) ? vectors[vector].severity : WS_ERROR;
}

static struct ws_need need_of_target(const struct x86_fault_cpu *cpu, unsigned vector,
				     uint64_t va, uint64_t last)
{
	return (struct ws_need){ .rule = rule_of(vector),
				 .severity = severity_of(vector),
				 .cpu = cpu->cpu,
				 .va = va,
				 .last = last,
				 .halves = WS_HALF_BOTH,
				 .rights = WS_KERNEL_EXECUTE,
				 .refused = cpu->code_user,
				 .if_reference = x86_vector_use(cpu, vector) ==
						 X86_VECTOR_MAYBE };
}

static bool leads_to_code(const struct ws_gate *gate)
{
	return gate->present &&
	       (gate->type == WS_GATE_INTERRUPT || gate->type == WS_GATE_TRAP);
}

/* To an address that some page table could map, when something raises it. */
static bool leads_somewhere(const struct ws_audit *audit, const struct x86_fault_cpu *cpu,
			    unsigned vector)
{
	const struct ws_gate *gate = &cpu->idt.gate[vector];

	return leads_to_code(gate) && x86_vector_use(cpu, vector) != X86_VECTOR_UNUSED &&
	       ws_translatable(audit->system->paging.format, gate->target);
}

static void need_handler(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			 unsigned vector)
{
	uint64_t va = cpu->idt.gate[vector].target;
	struct ws_need need =
		need_of_target(cpu, vector, va, ws_code_last(needs->audit, va));
	char name[WS_NAME_SIZE];

	ws_need_add(needs, &need, "gate %u (%s) leads to %s", vector,
		    ws_vector_name(vector), ws_name_address(needs->audit, va, name));
}

/* Gates whose handlers begin in the same page, and weigh the same. */
struct bunch {
	uint64_t page;
	struct ws_need need;
	bool has[WS_VECTORS];
};

/* "0, 3 to 7, 32 to 255" */
static void list_vectors(const struct bunch *bunch, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned v = 0, last; v < WS_VECTORS && n < size; v = last + 1) {
		last = v;
		if (!bunch->has[v])
			continue;
		while (last + 1 < WS_VECTORS && bunch->has[last + 1])
			last++;
		n += (size_t)snprintf(text + n, size - n, "%s%u", n ? ", " : "", v);
		if (last > v && n < size)
			n += (size_t)snprintf(text + n, size - n, " to %u", last);
	}
}

static void add_to_bunch(struct ws_audit *audit, const struct x86_fault_cpu *cpu,
			 unsigned vector, struct bunch *bunches, unsigned *n)
{
	uint64_t va = cpu->idt.gate[vector].target, last = ws_code_last(audit, va);
	struct ws_need need = need_of_target(cpu, vector, va, last);
	uint64_t page = va / WS_FRAME_SIZE;
	unsigned i = 0;

	while (i < *n && (bunches[i].page != page ||
			  bunches[i].need.if_reference != need.if_reference))
		i++;
	if (i == *n)
		bunches[(*n)++] = (struct bunch){ .page = page, .need = need };
	bunches[i].has[vector] = true;
	if (va < bunches[i].need.va)
		bunches[i].need.va = va;
	if (last > bunches[i].need.last)
		bunches[i].need.last = last;
}

static void need_bunch(struct ws_needs *needs, const struct bunch *bunch)
{
	char list[WS_VECTORS * 5], name[WS_NAME_SIZE];
	struct ws_need need = bunch->need;

	list_vectors(bunch, list, sizeof(list));
	need.many = strspn(list, "0123456789") < strlen(list);
	ws_need_add(needs, &need,
		    need.many ? "the handlers of gates %s, from %s on"
			      : "the handler of gate %s, %s",
		    list, ws_name_address(needs->audit, bunch->need.va, name));
}

static void need_other_handlers(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	struct bunch *bunches = calloc(WS_VECTORS, sizeof(*bunches));
	unsigned n = 0;

	if (!bunches) {
		needs->audit->short_of_memory = true;
		return;
	}
	for (unsigned v = 0; v < cpu->idt.n; v++)
		if (leads_somewhere(needs->audit, cpu, v) && !is_weighed_apart(v))
			add_to_bunch(needs->audit, cpu, v, bunches, &n);
	for (unsigned i = 0; i < n; i++)
		need_bunch(needs, &bunches[i]);
	free(bunches);
}

/* ---- what a handler reaches ------------------------------------------------------- */

/* An address outside the image is damage to kallsyms, and nothing that a fault reaches. */
static bool is_in_kernel(struct ws_audit *audit, const struct ws_symbol *symbol)
{
	if (!audit->system->layout.image_last || ws_in_image(audit->system, symbol->va))
		return true;
	ws_lack_fact(
		audit, true,
		"where %s is: %#jx, its address by the kernel's symbols, is outside the "
		"kernel image",
		symbol->name, symbol->va);
	return false;
}

static void need_callees(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	struct ws_audit *audit = needs->audit;

	for (size_t i = 0; i < WS_ARRAY_SIZE(pf_callees); i++) {
		struct ws_need need = { .rule = &x86_fault_rules[X86_RULE_PF_REACH],
					.cpu = -1,
					.halves = WS_HALF_KERNEL,
					.rights = WS_KERNEL_EXECUTE,
					.refused = cpu->code_user,
					.if_reference = true };
		struct ws_symbol symbol;

		if (ws_symbol_lookup(audit->system, pf_callees[i], &symbol) != WS_OK) {
			ws_error_clear(audit->ctx);
			continue;
		}
		if (symbol.module || !is_in_kernel(audit, &symbol))
			continue;
		need.va = symbol.va;
		need.last = ws_code_last(audit, symbol.va);
		ws_need_add(needs, &need, "%s at %#jx, which the page-fault path calls",
			    symbol.name, symbol.va);
	}
}

/* Of a handler in a module: its other code and data, in whatever pages they lie. */
static void need_module(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			unsigned vector, const struct ws_module *module)
{
	for (unsigned r = 0; r < module->nregions; r++) {
		const struct ws_region *region = &module->region[r];
		struct ws_need need = {
			.rule = vector == WS_VECTOR_PF
					? &x86_fault_rules[X86_RULE_PF_REACH]
					: rule_of(vector),
			.severity = severity_of(vector),
			.cpu = cpu->cpu,
			.va = region->va,
			.halves = WS_HALF_KERNEL,
			.if_reference = true
		};

		if (!region->len)
			continue;
		need.last = ws_last_of(region->va, region->len);
		ws_need_add(needs, &need,
			    "module %s at %#jx, which the handler of gate %u is part of",
			    module->name, region->va, vector);
	}
}

static void record_foreign(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			   unsigned vector)
{
	const struct ws_rule *rule = &x86_fault_rules[X86_RULE_FOREIGN_HANDLER];
	uint64_t va = cpu->idt.gate[vector].target;
	const struct ws_module *module = ws_code_module(needs->audit, va);
	const char *name = ws_vector_name(vector);
	struct ws_finding *finding;
	char text[WS_NAME_SIZE];

	finding = ws_found(needs->audit, rule, ws_init_space(needs->audit), va,
			   ws_code_last(needs->audit, va),
			   "gate %u (%s) leads to %s, outside the kernel image: %s%s",
			   vector, name ? name : "interrupt",
			   ws_name_address(needs->audit, va, text),
			   module ? "in module " : "in no module that is loaded",
			   module ? module->name : "");
	if (finding) {
		finding->cpu = cpu->cpu;
		finding->machine = true;
	}
	if (module && x86_vector_use(cpu, vector) != X86_VECTOR_UNUSED)
		need_module(needs, cpu, vector, module);
}

/* Without these no fault can be handled, whatever the tables say. */
static bool is_needed(const struct x86_fault_cpu *cpu, unsigned vector)
{
	return vector < WS_ARRAY_SIZE(vectors) &&
	       x86_vector_use(cpu, vector) == X86_VECTOR_USED;
}

#define WRONG_SIZE 80
/* What keeps a gate from being used, whatever is mapped; NULL: nothing. */
static const char *what_is_wrong(const struct ws_system *system,
				 const struct x86_fault_cpu *cpu, unsigned vector,
				 char text[WRONG_SIZE])
{
	const struct ws_gate *gate = &cpu->idt.gate[vector];
	bool code = leads_to_code(gate);

	text[0] = '\0';
	if (code && !ws_translatable(system->paging.format, gate->target))
		snprintf(text, WRONG_SIZE,
			 "leads to %#jx, which is no address that can be mapped",
			 gate->target);
	else if (!is_needed(cpu, vector) || code)
		return NULL;
	else if (vector >= cpu->idt.n)
		snprintf(text, WRONG_SIZE, "lies beyond the limit");
	else if (!gate->present)
		snprintf(text, WRONG_SIZE, "is not present");
	else if (gate->type != WS_GATE_TASK || system->layout.word != 4)
		snprintf(text, WRONG_SIZE, "has type %u", gate->type);
	return text[0] ? text : NULL;
}

/* doubted: the gate of page faults is none, and no machine runs with such an IDT. */
static void record_unusable(struct ws_needs *needs, const struct x86_fault_cpu *cpu,
			    unsigned vector, const char *why, bool doubted)
{
	uint64_t size = needs->audit->system->layout.word == 8 ? 16 : 8;
	uint64_t va = cpu->idt.base + vector * size;
	const char *name = ws_vector_name(vector);
	struct ws_finding *finding;

	finding = ws_found(needs->audit, rule_of(vector), ws_init_space(needs->audit), va,
			   ws_last_of(va, size), "gate %u (%s) of the IDT at %#jx %s",
			   vector, name ? name : "interrupt", cpu->idt.base, why);
	if (!finding)
		return;
	finding->cpu = cpu->cpu;
	finding->machine = true;
	finding->severity = doubted ? WS_WARNING : severity_of(vector);
	if (vector == WS_VECTOR_PF)
		ws_doubt(needs->audit, cpu->cpu, finding->text);
}

void x86_needs_of_gates(struct ws_needs *needs, const struct x86_fault_cpu *cpu)
{
	const struct ws_system *system = needs->audit->system;
	bool image_known = system->layout.image_last != 0;
	char of_pf[WRONG_SIZE];
	bool doubted = what_is_wrong(system, cpu, WS_VECTOR_PF, of_pf);

	for (unsigned v = 0; v < WS_VECTORS; v++) {
		const struct ws_gate *gate = &cpu->idt.gate[v];
		char text[WRONG_SIZE];
		const char *wrong = what_is_wrong(system, cpu, v, text);

		if (wrong && x86_vector_use(cpu, v) == X86_VECTOR_USED)
			record_unusable(needs, cpu, v, wrong, doubted);
		if (wrong || !leads_to_code(gate))
			continue;
		if (is_weighed_apart(v) && leads_somewhere(needs->audit, cpu, v))
			need_handler(needs, cpu, v);
		if (image_known && !ws_in_image(system, gate->target))
			record_foreign(needs, cpu, v);
	}
	need_other_handlers(needs, cpu);
	need_callees(needs, cpu);
}
