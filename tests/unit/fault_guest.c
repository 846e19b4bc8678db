/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault_guest.h"
#include "common/memory.h"
#include "util/bits.h"
#include "x86/registers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SDM vol. 3A, tables 4-5 to 4-20. */
#define P 1u
#define RW 2u

/* Frames of the small guest's memory that nothing else is in. */
#define PA_ENTRY_AREA (12u << 20)
#define PA_STACKS (13u << 20)
/* In its image's text, and from the image's first byte on. */
#define PA_IMAGE (4u << 20)
#define TEXT_ENTRY 0x10000
#define TEXT_C 0x20000
#define TEXT_EARLY 0x30000

/* The cpu_entry_area, page by page; what is between two stacks is not mapped. */
enum { PAGE_IDT, PAGE_GDT, PAGE_ENTRY_STACK = 3, PAGE_TSS, PAGE_DF = 6, PAGE_NMI = 8 };

#define STACK_OFFSET (-0x1f8) /* of task_struct.stack, from comm */
#define STACK_END_MAGIC 0x57ac6e9d
#define NTASKS(fault) ((fault)->guest->ntasks)

/* Selectors as Linux has them (arch/x86/include/asm/segment.h). */
#define KERNEL_CS_32 0x60
#define KERNEL_DS_32 0x68
#define KERNEL_CS_64 0x10
#define TSS_SELECTOR_32 0x80
#define TSS_SELECTOR_64 0x40
#define DF_TSS_SELECTOR 0xf8

static bool is_wide(const struct fault_guest *fault)
{
	return fault->guest->word == 8;
}

/* ---- memory ----------------------------------------------------------------------- */

static void copy_private_entry(struct guest *guest, uint64_t from, uint64_t to,
			       uint64_t va)
{
	memcpy(guest->memory + guest_private_entry(guest, to, va),
	       guest->memory + guest_private_entry(guest, from, va),
	       guest->kind->format->entry_log2 == 3 ? 8 : 4);
}

/*
 * In init_mm, whose tables all share; and with PTI in its user half, whose private entry
 * for va all user halves get (pti_clone_user_shared(), arch/x86/mm/pti.c).
 */
static void map_everywhere(struct fault_guest *fault, uint64_t va, uint64_t pa,
			   uint64_t rights)
{
	struct guest *guest = fault->guest;
	uint64_t user = guest->swapper + WS_FRAME_SIZE;

	guest_map(guest, guest->swapper, va, pa, rights);
	if (!guest->kind->pti)
		return;
	guest_map(guest, user, va, pa, rights);
	for (unsigned i = 0; i < NTASKS(fault); i++)
		if (guest->task[i].root)
			copy_private_entry(guest, user,
					   guest->task[i].root + WS_FRAME_SIZE, va);
}

static struct place entry_area(struct fault_guest *fault, unsigned page, uint64_t rights)
{
	uint64_t offset = (uint64_t)page * WS_FRAME_SIZE;
	struct place place = { fault->guest->kind->cpu_entry + offset,
			       PA_ENTRY_AREA + offset };

	map_everywhere(fault, place.va, place.pa, rights);
	return place;
}

static struct place in_text(const struct fault_guest *fault, uint64_t offset)
{
	return (struct place){ fault->guest->kind->image + offset, PA_IMAGE + offset };
}

static void put64(struct fault_guest *fault, uint64_t pa, uint64_t value)
{
	put_little(fault->guest->memory + pa, sizeof(value), value);
}

/* ---- descriptors ------------------------------------------------------------------- */

/* SDM 6.11, figure 6-2; 6.14.1, figure 6-8. */
static void put_gate(struct fault_guest *fault, unsigned vector, uint16_t selector,
		     unsigned type, unsigned ist, uint64_t target)
{
	uint64_t low = (target & 0xffff) | (uint64_t)selector << 16 |
		       (uint64_t)ist << 32 | (uint64_t)type << 40 | UINT64_C(1) << 47 |
		       (target >> 16 & 0xffff) << 48;
	uint64_t pa = fault->idt.pa + vector * (is_wide(fault) ? 16u : 8u);

	put64(fault, pa, low);
	if (is_wide(fault))
		put64(fault, pa + 8, target >> 32);
}

void fault_guest_set_gate(struct fault_guest *fault, unsigned vector, uint64_t va)
{
	unsigned ist = !is_wide(fault) ? 0 : vector == 8 ? 1 : vector == 2 ? 2 : 0;

	put_gate(fault, vector, is_wide(fault) ? KERNEL_CS_64 : KERNEL_CS_32, 0xe, ist,
		 va);
}

static void make_idt(struct fault_guest *fault)
{
	fault->idt = entry_area(fault, PAGE_IDT, P);
	for (unsigned v = 0; v < 256; v++)
		fault_guest_set_gate(fault, v, fault->entry_text.va + v * 16);
	for (unsigned v = 20; v < 32; v++)
		fault_guest_set_gate(fault, v, fault->early_text.va + v * 9);
	fault_guest_set_gate(fault, 2, fault->nmi_handler.va);
	fault_guest_set_gate(fault, 8, fault->df_handler.va);
	fault_guest_set_gate(fault, 13, fault->gp_handler.va);
	fault_guest_set_gate(fault, 14, fault->pf_handler.va);
	if (is_wide(fault)) /* #VC has an IST that only some machines map a stack for */
		put_gate(fault, 29, KERNEL_CS_64, 0xe, 5, fault->entry_text.va + 29 * 16);
	else
		put_gate(fault, 8, DF_TSS_SELECTOR, 5, 0, 0);
}

/* SDM 3.4.5, figure 3-8: flat code and data; 7.2.2, figure 7-3: an available TSS. */
#define CODE_32 UINT64_C(0x00cf9b000000ffff)
#define DATA_32 UINT64_C(0x00cf93000000ffff)
#define CODE_64 UINT64_C(0x00af9b000000ffff)

#define TSS_BUSY (UINT64_C(1) << 41)

static uint64_t tss_descriptor(uint64_t base)
{
	return (WS_TSS_SIZE - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
	       (base >> 24 & 0xff) << 56;
}

static void make_gdt(struct fault_guest *fault)
{
	fault->gdt = entry_area(fault, PAGE_GDT, is_wide(fault) ? P : P | RW);
	if (is_wide(fault)) {
		put64(fault, fault->gdt.pa + KERNEL_CS_64, CODE_64);
		return;
	}
	put64(fault, fault->gdt.pa + KERNEL_CS_32, CODE_32);
	put64(fault, fault->gdt.pa + KERNEL_DS_32, DATA_32);
	put64(fault, fault->gdt.pa + DF_TSS_SELECTOR, tss_descriptor(fault->df_tss.va));
}

/* SDM 7.2.1, figure 7-2; 7.7, figure 7-11. */
static void make_tss(struct fault_guest *fault)
{
	uint64_t size = WS_FRAME_SIZE;

	fault->tss = entry_area(fault, PAGE_TSS, is_wide(fault) ? P : P | RW);
	if (is_wide(fault)) {
		put64(fault, fault->tss.pa + 4, fault->entry_stack.va + size);
		put64(fault, fault->tss.pa + 36, fault->df_stack.va + size);
		put64(fault, fault->tss.pa + 44, fault->nmi_stack.va + size);
		put64(fault, fault->tss.pa + 68, UINT64_C(0xfffffe0000100000));
		return;
	}
	put64(fault, fault->gdt.pa + TSS_SELECTOR_32,
	      tss_descriptor(fault->tss.va) | TSS_BUSY);
	guest_put32(fault->guest, fault->tss.pa + 4,
		    (uint32_t)(fault->entry_stack.va + size));
	guest_put32(fault->guest, fault->tss.pa + 8, KERNEL_DS_32);
	for (unsigned at = 72; at < 96; at += 4) /* ES, CS, SS, DS, FS, GS */
		guest_put32(fault->guest, fault->df_tss.pa + at,
			    at == 76 ? KERNEL_CS_32 : KERNEL_DS_32);
	guest_put32(fault->guest, fault->df_tss.pa + 28, (uint32_t)fault->guest->swapper);
	guest_put32(fault->guest, fault->df_tss.pa + 32, (uint32_t)fault->df_handler.va);
	guest_put32(fault->guest, fault->df_tss.pa + 56, (uint32_t)fault->df_tss.va);
}

static void make_stacks_of_gates(struct fault_guest *fault)
{
	fault->entry_stack = entry_area(fault, PAGE_ENTRY_STACK, P | RW);
	fault->df_stack = entry_area(fault, PAGE_DF, P | RW);
	fault->nmi_stack = entry_area(fault, PAGE_NMI, P | RW);
	fault->df_tss = fault->df_stack;
	fault->df_tss.va += WS_FRAME_SIZE - WS_TSS_SIZE;
	fault->df_tss.pa += WS_FRAME_SIZE - WS_TSS_SIZE;
}

/* ---- text, stacks, registers ------------------------------------------------------- */

static void make_text(struct fault_guest *fault)
{
	fault->entry_text = in_text(fault, TEXT_ENTRY);
	fault->gp_handler = in_text(fault, TEXT_ENTRY + 0x1800);
	fault->nmi_handler = in_text(fault, TEXT_ENTRY + 0x1900);
	fault->df_handler = in_text(fault, TEXT_ENTRY + 0x1a00);
	fault->pf_handler = in_text(fault, TEXT_ENTRY + 0x2ff0);
	fault->exc_page_fault = in_text(fault, TEXT_C);
	fault->vmalloc_fault = in_text(fault, TEXT_C + 0x1000);
	fault->early_text = in_text(fault, TEXT_EARLY);
	for (unsigned page = 0; page < 4; page++) {
		struct place text = in_text(fault, TEXT_ENTRY + page * WS_FRAME_SIZE);

		map_everywhere(fault, text.va, text.pa, P);
	}
}

struct place fault_guest_stack(const struct fault_guest *fault, unsigned task)
{
	uint64_t offset = task * fault->stack_size;

	return (struct place){ fault->stacks.va + offset, fault->stacks.pa + offset };
}

uint64_t fault_guest_saved_sp(const struct fault_guest *fault, unsigned task)
{
	return fault_guest_stack(fault, task).va + fault->stack_size - 0x400 - 8 * task;
}

static void save_sp(struct fault_guest *fault, unsigned task, uint64_t sp)
{
	struct guest *guest = fault->guest;
	uint64_t comm = guest_pa(guest, guest_live_comm(guest, task));

	guest_put(guest, comm + FAULT_SAVED_SP, sp);
}

void fault_guest_save_sps(struct fault_guest *fault, uint64_t highest)
{
	for (unsigned i = 0; i < NTASKS(fault); i++)
		save_sp(fault, i,
			highest ? fault_guest_stack(fault, i).va + highest -
					  i % 4 * fault->guest->word
				: 0);
}

void fault_guest_make_stacks(struct fault_guest *fault, uint64_t size)
{
	memset(fault->guest->memory + PA_STACKS, 0, GUEST_MEMORY - PA_STACKS);
	fault->stack_size = size;
	fault->stacks =
		(struct place){ fault->guest->kind->page_offset + PA_STACKS, PA_STACKS };
	for (unsigned i = 0; i < NTASKS(fault); i++) {
		struct place stack = fault_guest_stack(fault, i);
		uint64_t comm = guest_pa(fault->guest, guest_live_comm(fault->guest, i));

		guest_put32(fault->guest, stack.pa, STACK_END_MAGIC);
		if (strcmp(fault->guest->task[i].comm, "zombie"))
			guest_put(fault->guest, comm + STACK_OFFSET, stack.va);
		/* a word like i386's thread.sp0, which is as deep in all stacks */
		guest_put(fault->guest, comm + FAULT_SAVED_SP - 16,
			  stack.va + fault->stack_size - 16);
		save_sp(fault, i, fault_guest_saved_sp(fault, i));
	}
}

struct ws_cpu *fault_guest_cpu(struct fault_guest *fault)
{
	return &fault->guest->target.cpus.v[0];
}

/* CR4 (SDM 2.5): PSE, PAE, LA57. */
static uint64_t paging_bits(const struct fault_guest *fault)
{
	const struct ws_format *format = fault->guest->kind->format;

	return (format->entry_log2 == 3 ? 1u << 5 : 1u << 4) |
	       (format->nlevels == 5 ? 1u << 12 : 0);
}

static void set_registers(struct fault_guest *fault)
{
	struct ws_cpu *cpu;

	guest_set_cr3(fault->guest, fault->guest->swapper);
	cpu = fault_guest_cpu(fault);
	cpu->reg[X86_CR0] = UINT64_C(0x80050033);
	/* SMEP, SMAP, OSXMMEXCPT, OSFXSR, MCE */
	cpu->reg[X86_CR4] = UINT64_C(0x300640) | paging_bits(fault);
	x86_set_segment(cpu, X86_IDT,
			&(struct x86_segment){ .base = fault->idt.va,
					       .limit = is_wide(fault) ? 0xfff : 0x7ff });
	x86_set_segment(cpu, X86_GDT,
			&(struct x86_segment){ .base = fault->gdt.va,
					       .limit = is_wide(fault) ? 0x7f : 0xff });
	x86_set_segment(cpu, X86_TR,
			&(struct x86_segment){ .selector = is_wide(fault)
								   ? TSS_SELECTOR_64
								   : TSS_SELECTOR_32,
					       .base = fault->tss.va,
					       .limit = 0x407b,
					       .flags = 0x8b00 });
}

/* The small guest's victim misses module memory; here nobody does at first. */
static void restore_module(struct fault_guest *fault)
{
	struct guest *guest = fault->guest;

	if (guest->kind->own_kernel)
		copy_private_entry(guest, guest->swapper, fault_guest_victim(fault),
				   guest->kind->module);
}

struct fault_guest *fault_guest_create(const struct guest_kind *kind)
{
	struct fault_guest *fault = calloc(1, sizeof(*fault));

	if (!fault)
		abort();
	fault->guest = guest_create(kind);
	restore_module(fault);
	make_text(fault);
	make_stacks_of_gates(fault);
	make_idt(fault);
	make_gdt(fault);
	make_tss(fault);
	fault_guest_make_stacks(fault, is_wide(fault) ? 16384 : 8192);
	set_registers(fault);
	return fault;
}

void fault_guest_destroy(struct fault_guest *fault)
{
	ws_audit_destroy(fault->audit);
	ws_system_close(fault->system);
	guest_destroy(fault->guest);
	free(fault);
}

/* ---- harm ------------------------------------------------------------------------- */

uint64_t fault_guest_victim(const struct fault_guest *fault)
{
	return fault->guest->task[fault->guest->victim].root;
}

void fault_guest_hide(struct fault_guest *fault, uint64_t root, uint64_t va)
{
	struct guest *guest = fault->guest;
	unsigned size = guest->kind->format->entry_log2 == 3 ? 8 : 4;

	memset(guest->memory + guest_private_entry(guest, root, va), 0, size);
}

void fault_guest_change_page(struct fault_guest *fault, uint64_t root, uint64_t va,
			     uint64_t set, uint64_t clear)
{
	struct guest *guest = fault->guest;
	unsigned size = guest->kind->format->entry_log2 == 3 ? 8 : 4;
	uint64_t pa = guest_own_entry(guest, root, va);
	uint64_t entry = ws_le_word(guest->memory + pa, size);

	put_little(guest->memory + pa, size, (entry & ~clear) | set);
}

void fault_guest_hide_page(struct fault_guest *fault, uint64_t root, uint64_t va)
{
	fault_guest_change_page(fault, root, va, 0, ~UINT64_C(0));
}

/* ---- the system ------------------------------------------------------------------- */

static void add_symbol(struct fault_guest *fault, const char *name, uint64_t va)
{
	struct ws_symtab_entry entry = { .va = va,
					 .module = WS_KERNEL_SYMBOL,
					 .type = 'T' };

	if (ws_symtab_add(fault->system->symtab, WS_FROM_KALLSYMS, &entry, name,
			  strlen(name)) != WS_OK)
		abort();
}

static void give_symbols(struct fault_guest *fault, enum fault_symbols symbols)
{
	struct ws_symtab *symtab = ws_symtab_create(fault->system->ctx);

	if (!symtab)
		abort();
	fault->system->symtab = symtab;
	fault->system->modules_done = true;
	if (symbols != FAULT_NO_SYMBOLS) {
		add_symbol(fault, "__entry_text_start", fault->entry_text.va);
		add_symbol(fault, "asm_common", fault->entry_text.va + 0x1000);
		add_symbol(fault, "asm_exc_general_protection", fault->gp_handler.va);
		add_symbol(fault, "asm_exc_nmi", fault->nmi_handler.va);
		add_symbol(fault, "asm_exc_double_fault", fault->df_handler.va);
		add_symbol(fault, "asm_exc_other", fault->df_handler.va + 0x20);
		add_symbol(fault, "asm_exc_page_fault", fault->pf_handler.va);
		add_symbol(fault, "asm_exc_last", fault->pf_handler.va + 0x20);
		add_symbol(fault, "__entry_text_end", fault->entry_text.va + 0x4000);
		add_symbol(fault, "exc_page_fault", fault->exc_page_fault.va);
		add_symbol(fault, "exc_other", fault->exc_page_fault.va + 0x100);
		add_symbol(fault, "early_idt_handler_array", fault->early_text.va);
		add_symbol(fault, "start_kernel", fault->early_text.va + 0x1000);
	}
	if (symbols == FAULT_LAZY)
		add_symbol(fault, "vmalloc_fault", fault->vmalloc_fault.va);
	if (ws_symtab_seal(symtab) != WS_OK)
		abort();
}

void fault_guest_open(struct fault_guest *fault, enum fault_symbols symbols)
{
	if (ws_system_open(&fault->guest->target, NULL, &fault->system) != WS_OK) {
		fprintf(stderr, "%s\n", ws_error(fault->guest->target.ctx, 0));
		abort();
	}
	give_symbols(fault, symbols);
}

void fault_guest_audit(struct fault_guest *fault, enum fault_symbols symbols)
{
	if (!fault->system)
		fault_guest_open(fault, symbols);
	ws_audit_destroy(fault->audit);
	if (ws_audit_run(fault->system, &fault->audit) != WS_OK)
		abort();
}
