/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From nothing to init on processor 0: the first tables, IDT, GDT, TSS. */
#include "machine/kernel/gates.h"
#include "machine/kernel/modules.h"
#include "machine/kernel/say.h"

#include <stdio.h>
#include <stdlib.h>

#define CODE_AREA (4 * PAGE) /* of the image, at its beginning */
#define VECTORS 256u

uint64_t image_take(struct kernel *kernel, uint64_t size, uint64_t align)
{
	uint64_t va = (kernel->image_end + align - 1) & ~(align - 1);
	uint64_t end = kernel->layout.image + kernel->layout.image_size;

	if (size > end - kernel->layout.image || va > end - size)
		return 0;
	kernel->image_end = va + size;
	return va;
}

static uint64_t image_pa(const struct kernel *kernel, uint64_t va)
{
	return va - kernel->layout.image + kernel->layout.image_pa;
}

/* ---- tables ---- */

/* swapper_pg_dir, and what of it each space copies, are in the image. */
static bool make_swapper(struct kernel *kernel)
{
	bool x86_64 = kernel->layout.word == 8;
	uint64_t va = image_take(kernel, PAGE, PAGE), pmd;

	kernel->swapper = image_pa(kernel, va);
	if (!symbol_add(kernel, NULL, x86_64 ? "init_top_pgt" : "swapper_pg_dir", va,
			PAGE, 'D'))
		return false;
	if (kernel->options.format != KERNEL_I386_PAE)
		return true;
	pmd = image_take(kernel, PAGE, PAGE);
	pgtable_write(kernel, kernel->swapper + 3 * 8, image_pa(kernel, pmd) | ENTRY_P);
	return true;
}

static bool map_boot(struct kernel *kernel, uint64_t va, uint64_t pa, unsigned level)
{
	uint64_t at = pgtable_entry(kernel, kernel->swapper, va, level);

	if (at)
		pgtable_write(kernel, at, pa | KERNEL_LEAF | (level == 2 ? ENTRY_PS : 0));
	return at;
}

static bool map_small_pages(struct kernel *kernel, uint64_t pa, uint64_t end)
{
	for (; pa < end; pa += PAGE) {
		bool there = !kernel->options.debug_pagealloc ||
			     pages_use(kernel, pa) != PAGE_FREE;

		if (!map_boot(kernel, direct(kernel, pa), pa, 1))
			return false;
		/* Making the table may have taken this very frame. */
		if (!there && pages_use(kernel, pa) == PAGE_FREE)
			pgtable_direct(kernel, pa, 1, false);
	}
	return true;
}

static bool map_memory(struct kernel *kernel)
{
	uint64_t large = BIT(kernel->layout.large_shift), ram = kernel->options.ram, pa;

	for (pa = 0; !kernel->options.debug_pagealloc && pa + large <= ram; pa += large)
		if (!map_boot(kernel, direct(kernel, pa), pa, 2))
			return false;
	return map_small_pages(kernel, pa, ram);
}

static bool map_image(struct kernel *kernel)
{
	const struct layout *l = &kernel->layout;

	if (l->image == direct(kernel, l->image_pa))
		return true;
	for (uint64_t at = 0; at < l->image_size; at += BIT(l->large_shift))
		if (!map_boot(kernel, l->image + at, l->image_pa + at, 2))
			return false;
	return true;
}

/* ---- IDT (SDM 6.11, 6.14.1) ---- */

static void make_gates(struct kernel *kernel)
{
	/* SDM table 6-1: vectors with an error code. */
	const uint32_t with_error = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 |
				    1 << 14 | 1 << 17 | 1 << 21;

	for (unsigned v = 0; v < 32; v++)
		gate_write(kernel, v,
			   code_va(kernel, with_error >> v & 1 ? CODE_EXCEPTION_WITH_ERROR
							       : CODE_EXCEPTION),
			   0);
	for (unsigned i = 0; i < KERNEL_IRQS; i++)
		gate_write(kernel, KERNEL_IRQ_FIRST + i,
			   code_va(kernel, CODE_INTERRUPT) + i * CODE_SIZE, 0);
	gate_write(kernel, MACHINE_PF, code_va(kernel, CODE_PAGE_FAULT), 0);
	gate_write(kernel, 0x80, code_va(kernel, CODE_SYSTEM_CALL), 3);
	if (kernel->layout.double_fault_tss)
		gate_put(kernel, MACHINE_DF, TYPE_TASK_GATE,
			 kernel->layout.double_fault_tss, 0, 0, 0);
	else
		gate_put(kernel, MACHINE_DF, TYPE_INTERRUPT, kernel->layout.kernel_cs,
			 code_va(kernel, CODE_DOUBLE_FAULT), 0, 1);
}

/* ---- GDT and TSS ---- */

#define GDT_SIZE 256u
#define TSS_LIMIT 0x67u

/* In the image, one for each processor: "gdt_page", "gdt_page.1". */
static uint64_t variable(struct kernel *kernel, const struct processor *p,
			 const char *name, uint64_t size, uint64_t align)
{
	uint64_t va = image_take(kernel, size, align);
	char numbered[64];

	snprintf(numbered, sizeof(numbered), p->number ? "%s.%u" : "%s", name, p->number);
	return va && symbol_add(kernel, NULL, numbered, va, (uint32_t)size, 'D') ? va : 0;
}

static uint64_t tss_descriptor(uint64_t base)
{
	return TSS_LIMIT | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56 |
	       UINT64_C(0x89) << 40;
}

static void make_gdt(struct kernel *kernel, const struct processor *p)
{
	const struct layout *l = &kernel->layout;
	bool wide = l->word == 8;

	va_put(kernel, p->gdt + (l->kernel_cs & ~7u), 8,
	       wide ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
	va_put(kernel, p->gdt + (l->kernel_ds & ~7u), 8, 0x00cf93000000ffff);
	va_put(kernel, p->gdt + (l->user_cs & ~7u), 8,
	       wide ? 0x00affb000000ffff : 0x00cffb000000ffff);
	va_put(kernel, p->gdt + (l->user_ds & ~7u), 8, 0x00cff3000000ffff);
	va_put(kernel, p->gdt + l->tss, 8, tss_descriptor(p->tss));
	if (wide)
		va_put(kernel, p->gdt + l->tss + 8, 8, p->tss >> 32);
}

/* SDM figure 8-2: a task of its own, in init_mm's space (Linux's doublefault_32.c). */
static bool make_double_fault_task(struct kernel *kernel, const struct processor *p,
				   uint64_t stack)
{
	const struct layout *l = &kernel->layout;
	uint64_t tss = variable(kernel, p, "double_fault_tss", 128, 128);

	if (!tss)
		return false;
	va_put(kernel, p->gdt + l->double_fault_tss, 8, tss_descriptor(tss));
	va_put(kernel, tss + 0x04, 4, stack);
	va_put(kernel, tss + 0x08, 4, l->kernel_ds);
	va_put(kernel, tss + 0x1c, 4, kernel->swapper);
	va_put(kernel, tss + 0x20, 4, code_va(kernel, CODE_DOUBLE_FAULT));
	va_put(kernel, tss + 0x24, 4, FLAGS_FIXED);
	va_put(kernel, tss + 0x38, 4, stack);
	va_put(kernel, tss + 0x48, 4, l->user_ds);
	va_put(kernel, tss + 0x4c, 4, l->kernel_cs);
	va_put(kernel, tss + 0x50, 4, l->kernel_ds);
	va_put(kernel, tss + 0x54, 4, l->user_ds);
	return true;
}

static bool make_descriptors(struct kernel *kernel, struct processor *p)
{
	uint64_t stack;

	p->gdt = variable(kernel, p, "gdt_page", GDT_SIZE, GDT_SIZE);
	p->tss = variable(kernel, p, "cpu_tss", 128, 128);
	stack = variable(kernel, p, "double_fault_stack", PAGE, PAGE);
	if (!p->gdt || !p->tss || !stack)
		return false;
	stack += PAGE;
	make_gdt(kernel, p);
	if (kernel->layout.double_fault_tss)
		return make_double_fault_task(kernel, p, stack);
	va_put(kernel, p->tss + 36, 8, stack); /* IST1, SDM figure 8-11 */
	return true;
}

/* ---- processors ---- */

#define EVERYDAY_CR0 (CR0_PE | BIT(1) | CR0_ET | BIT(5) | CR0_WP | BIT(18) | CR0_PG)

static void set_registers(struct kernel *kernel, struct processor *p)
{
	const struct layout *l = &kernel->layout;
	struct machine_registers r = { .cr0 = EVERYDAY_CR0, .cr3 = kernel->swapper };

	r.cr4 = CR4_PSE | CR4_PGE | (l->entry_size == 8 ? CR4_PAE : 0);
	if (l->entry_size == 8)
		r.efer = EFER_NXE | (l->word == 8 ? EFER_LME | EFER_LMA | EFER_SCE : 0);
	r.gdtr = (struct machine_table){ p->gdt, GDT_SIZE - 1 };
	r.idtr = (struct machine_table){ kernel->idt,
					 (uint16_t)(VECTORS * 2 * l->word - 1) };
	r.tr = machine_descriptor(l->tss, tss_descriptor(p->tss) | BIT(41));
	r.tr.base = p->tss;
	machine_cpu_load(&p->cpu, &r);
	machine_cpu_read_pdptes(&p->cpu);
}

static bool make_processor(struct kernel *kernel, unsigned number)
{
	struct processor *p = &kernel->processor[number];
	struct machine_model model = { .features = MACHINE_HAS_PSE36 | MACHINE_HAS_NX,
				       .departures = kernel->options.departures,
				       .maxphyaddr = 36,
				       .tlb = kernel->options.tlb };
	uint64_t stack = pages_take(kernel, (unsigned)(kernel->layout.stack_size / PAGE),
				    PAGE_STACK);

	p->number = number;
	if (!stack || !make_descriptors(kernel, p))
		return false;
	if (kernel->layout.word == 8) {
		model.features = MACHINE_HAS_ALL & ~MACHINE_HAS_LA57;
		model.maxphyaddr = 46;
	}
	p->idle_stack = direct(kernel, stack);
	machine_cpu_init(&p->cpu, &model, kernel->memory);
	set_registers(kernel, p);
	sched_switch(kernel, p, NULL);
	return true;
}

/* ---- the whole ---- */

static bool make_data(struct kernel *kernel)
{
	const struct layout *l = &kernel->layout;

	kernel->idt = image_take(kernel, VECTORS * 2 * l->word, PAGE);
	kernel->irq_desc = image_take(kernel, KERNEL_IRQS * l->word, 64);
	kernel->modules_operations = image_take(kernel, 8 * OPERATIONS, 64);
	va_put(kernel, kernel->modules_operations + 8 * OPERATION_READ, l->word,
	       code_va(kernel, CODE_MODULES_READ));
	make_gates(kernel);
	return symbol_add(kernel, NULL, "idt_table", kernel->idt, VECTORS * 2 * l->word,
			  'D') &&
	       symbol_add(kernel, NULL, "irq_desc", kernel->irq_desc,
			  KERNEL_IRQS * l->word, 'D') &&
	       symbol_add(kernel, NULL, "modules_operations", kernel->modules_operations,
			  8 * OPERATIONS, 'D');
}

/* As Linux's linker script has them. */
static bool add_borders(struct kernel *kernel)
{
	uint64_t first = kernel->layout.image, data = first + CODE_AREA;
	uint64_t end = first + kernel->layout.image_size;

	return symbol_add(kernel, NULL, "_text", first, 0, 'T') &&
	       symbol_add(kernel, NULL, "_stext", first, 0, 'T') &&
	       symbol_add(kernel, NULL, "_etext", data, 0, 'T') &&
	       symbol_add(kernel, NULL, "__bss_start", data, 0, 'B') &&
	       symbol_add(kernel, NULL, "__bss_stop", end, 0, 'B') &&
	       symbol_add(kernel, NULL, "_end", end, 0, 'B');
}

static bool make_linux(struct kernel *kernel)
{
	for (unsigned use = 0; use < PAGE_USES; use++)
		kernel->linux_pages[use] = -pages_used(kernel, use);
	if (!linux_create(kernel) || !linux_vmcoreinfo_create(kernel))
		return false;
	for (unsigned use = 0; use < PAGE_USES; use++)
		kernel->linux_pages[use] += pages_used(kernel, use);
	return true;
}

static bool boot(struct kernel *kernel)
{
	kernel->image_end = kernel->layout.image + CODE_AREA;
	if (!pages_create(kernel) || !add_borders(kernel) || !make_swapper(kernel) ||
	    !map_memory(kernel) || !map_image(kernel) || !code_create(kernel) ||
	    !make_data(kernel))
		return false;
	for (unsigned i = 0; i < kernel->options.cpus; i++)
		if (!make_processor(kernel, i))
			return false;
	if (kernel->sync->boot && !kernel->sync->boot(kernel))
		return false;
	if (!make_linux(kernel))
		return false;
	if (!process_init(kernel) || machine_memory_failed(kernel->memory))
		return false;
	sched_switch(kernel, &kernel->processor[0], kernel->first_process);
	return true;
}

static bool sensible(struct kernel *kernel, const char **why)
{
	struct kernel_options *o = &kernel->options;

	o->cpus = o->cpus ? o->cpus : 1;
	o->ram = o->ram ? o->ram : 64 * MIB;
	*why = NULL;
	if (o->format > KERNEL_X86_64)
		*why = "there is no such format";
	else if (o->sync >= KERNEL_SYNCS)
		*why = "there is no such strategy";
	else if (o->tlb > MACHINE_TLB_TCG)
		*why = "there is no such TLB";
	else if (o->departures & ~(uint32_t)MACHINE_TCG)
		*why = "there is no such departure";
	else if (o->cpus > KERNEL_CPUS)
		*why = "that is more processors than there can be";
	else if (!layout_of(o->format, o->ram, &kernel->layout))
		*why = "memory is whole MiB, from 24 MiB to 896 MiB, with x86_64 to 64 GiB";
	return !*why;
}

void *host_allocate(struct kernel *kernel, size_t size)
{
	void *memory = calloc(1, size);

	kernel->host_is_short |= !memory;
	return memory;
}

bool kernel_host_is_short(const struct kernel *kernel)
{
	return kernel->host_is_short ||
	       (kernel->memory && machine_memory_failed(kernel->memory));
}

struct kernel *kernel_create(const struct kernel_options *options, const char **why)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	const char *reason = NULL;

	if (!kernel)
		goto out;
	kernel->options = *options;
	kernel->options.say = NULL;
	if (!sensible(kernel, &reason))
		goto out;
	reason = "no memory";
	kernel->sync = &syncs[kernel->options.sync];
	kernel->memory = machine_memory_create(NULL, kernel->options.ram);
	kernel->host_is_short |= !kernel->memory;
	if (!kernel->memory || !boot(kernel))
		goto out;
	kernel->options.say = options->say;
	say(kernel, NULL, VOICE_KERNEL,
	    "a kernel boots: %s, %" PRIu64 " MiB, %u processor%s, strategy %s",
	    kernel->layout.name, kernel->options.ram / MIB, kernel->options.cpus,
	    kernel->options.cpus > 1 ? "s" : "",
	    kernel_strategies[kernel->options.sync].name);
	return kernel;
out:
	if (why)
		*why = kernel && kernel_host_is_short(kernel) ? NULL : reason;
	kernel_destroy(kernel);
	return NULL;
}

static void processes_release(struct kernel *kernel)
{
	for (struct process *p = kernel->first_process, *after; p; p = after) {
		after = p->after;
		process_discard(p);
	}
	free(kernel->hash);
}

void kernel_destroy(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->books)
		linux_release(kernel);
	processes_release(kernel);
	modules_release(kernel);
	areas_release(kernel);
	for (unsigned i = 0; i < kernel->options.cpus && i < KERNEL_CPUS; i++)
		machine_cpu_release(&kernel->processor[i].cpu);
	pages_release(kernel);
	machine_memory_destroy(kernel->memory);
	free(kernel->symbols);
	free(kernel);
}
