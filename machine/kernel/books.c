/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The books against the memory. Every frame that is a table, a stack, a process's page or
 * vmalloc memory is found from where it is used, once, and nothing else has that use.
 */
#include "machine/kernel/modules.h"

#include <stdlib.h>

struct check {
	struct kernel *kernel;
	uint8_t *found; /* a byte a frame: it was reached */
	const char *wrong;
};

static bool wrong(struct check *c, const char *what)
{
	if (!c->wrong)
		c->wrong = what;
	return false;
}

/* n frames at pa have this use, and nobody else has them. */
static bool find(struct check *c, uint64_t pa, uint64_t n, enum page_use use)
{
	for (; n; n--, pa += PAGE) {
		if (pages_use(c->kernel, pa) != use)
			return wrong(c, "a frame is used as what it is not");
		if (pa / PAGE < c->kernel->options.ram / PAGE && c->found[pa / PAGE]++)
			return wrong(c, "a frame is used twice");
	}
	return true;
}

/* ---- spaces ---- */

/* Pages below a table's entries [first, end), and the tables; *mapped counts pages. */
static bool check_user(struct check *c, const struct process *p, uint64_t table,
		       unsigned level, uint64_t base, unsigned end, uint64_t *mapped)
{
	struct kernel *kernel = c->kernel;

	for (unsigned i = 0; i < end; i++) {
		uint64_t va = base + ((uint64_t)i << pgtable_shift(kernel, level));
		uint64_t entry =
			pgtable_read(kernel, table + i * kernel->layout.entry_size);
		uint64_t pa = pgtable_frame(kernel, entry, level);

		if (!(entry & ENTRY_P))
			continue;
		if (pgtable_large(entry, level))
			return wrong(c, "a large page in a user half");
		if (level > 1) {
			if (!find(c, pa, 1, PAGE_TABLE) ||
			    !check_user(c, p, pa, level - 1, va,
					PAGE / kernel->layout.entry_size, mapped))
				return false;
			continue;
		}
		if (!vma_find(p, va))
			return wrong(c, "a page where the process has no mapping");
		++*mapped;
		if (!find(c, pa, 1, PAGE_USER))
			return false;
	}
	return true;
}

/* The kernel's tables are init_mm's, and everybody's. */
static bool check_kernel_tables(struct check *c, uint64_t table, unsigned level,
				unsigned first)
{
	struct kernel *kernel = c->kernel;
	unsigned end = PAGE / kernel->layout.entry_size;

	for (unsigned i = first; i < end; i++) {
		uint64_t entry =
			pgtable_read(kernel, table + i * kernel->layout.entry_size);
		uint64_t pa = pgtable_frame(kernel, entry, level);

		if (!(entry & ENTRY_P) || pgtable_large(entry, level) || level == 1)
			continue;
		if (!find(c, pa, 1, PAGE_TABLE) ||
		    !check_kernel_tables(c, pa, level - 1, 0))
			return false;
	}
	return true;
}

static uint64_t meaning(uint64_t entry)
{
	return entry & ~(ENTRY_A | ENTRY_D);
}

/* One private entry of a space beside init_mm's, under the strategy's promise. */
static bool check_slot(struct check *c, uint64_t root, unsigned slot)
{
	struct kernel *kernel = c->kernel;
	const struct layout *l = &kernel->layout;
	uint64_t its = pgtable_read(kernel, slot_pa(kernel, root, slot));
	uint64_t reference = pgtable_read(kernel, slot_pa(kernel, kernel->swapper, slot));
	bool moves = slot >= slot_of(kernel, l->vmalloc_first) &&
		     slot <= slot_of(kernel, l->vmalloc_last);

	if (meaning(its) == meaning(reference))
		return true;
	if (!moves)
		return wrong(c, "a space differs from init_mm where no space ever may");
	if (!its && kernel->sync->may_lack)
		return true;
	if (its && kernel->sync->may_be_stale)
		return true;
	return wrong(c, "a space differs from init_mm where its strategy says none "
			"does");
}

static bool check_space(struct check *c, const struct process *p)
{
	struct kernel *kernel = c->kernel;
	const struct layout *l = &kernel->layout;
	bool pae = kernel->options.format == KERNEL_I386_PAE;
	uint64_t mapped = 0, kernels = slot_pa(kernel, p->root, 0);

	if (!find(c, p->root, 1, PAGE_TABLE) ||
	    (pae && !find(c, kernels, 1, PAGE_TABLE)) ||
	    !check_user(c, p, p->root, l->levels, 0, pae ? 3 : slot_first(kernel),
			&mapped))
		return false;
	if (mapped != p->mapped)
		return wrong(c, "a process's pages are not counted right");
	for (unsigned s = slot_first(kernel); s < slot_end(kernel); s++)
		if (!check_slot(c, p->root, s))
			return false;
	return true;
}

/* ---- processes ---- */

static bool check_lists(struct check *c, const struct process *p)
{
	const struct kernel *kernel = c->kernel;

	if (process_find(kernel, p->pid) != p ||
	    (p->after ? p->after->before != p : kernel->last_process != p))
		return wrong(c, "the list of processes is broken");
	if ((p->after && p->after->pid <= p->pid) || p->cpu >= kernel->options.cpus)
		return wrong(c, "a process is out of order");
	for (const struct vma *v = p->vmas; v; v = v->next)
		if (v->first > v->last || (v->next && v->next->first <= v->last))
			return wrong(c, "mappings overlap");
	return true;
}

static bool check_processes(struct check *c)
{
	struct kernel *kernel = c->kernel;
	uint64_t stack = kernel->layout.stack_size / PAGE;
	size_t n = 0;

	processes_each(kernel, p)
	{
		uint64_t pa = p->stack - kernel->layout.page_offset;

		n++;
		if (!check_lists(c, p) || !check_space(c, p) ||
		    !find(c, pa, stack, PAGE_STACK))
			return false;
	}
	return n == kernel->nprocesses || wrong(c, "processes are not counted right");
}

static bool check_processor(struct check *c, struct processor *processor)
{
	struct kernel *kernel = c->kernel;
	const struct process *p = current(kernel, processor);
	uint64_t root = processor->cpu.r.cr3;
	uint64_t idle = processor->idle_stack - kernel->layout.page_offset;

	if (!find(c, idle, kernel->layout.stack_size / PAGE, PAGE_STACK))
		return false;
	if (processor->current && (!p || &kernel->processor[p->cpu] != processor))
		return wrong(c, "a processor runs a process that is not its own");
	if (p ? p->root != root
	      : root != kernel->swapper && !process_of_root(kernel, root))
		return wrong(c, "a processor has a space loaded that is nobody's");
	if (va_get(kernel, processor->tss + 4, kernel->layout.word) !=
	    (p ? stack_top(kernel, p)
	       : processor->idle_stack + kernel->layout.stack_size))
		return wrong(c, "the TSS names another stack");
	return true;
}

/* ---- areas, modules, the direct map ---- */

static bool check_areas(struct check *c)
{
	struct kernel *kernel = c->kernel;

	for (const struct area *a = kernel->areas; a; a = a->next) {
		if (a->next && a->next->va < a->va + a->size + PAGE)
			return wrong(c, "vmalloc areas overlap");
		for (uint64_t at = 0; at < a->size; at += PAGE) {
			uint64_t va = a->va + at;
			uint64_t pa = pgtable_walk(kernel, kernel->swapper, va).pa;

			if (!find(c, pa, 1, PAGE_KERNEL))
				return false;
		}
	}
	return true;
}

static unsigned count_users(const struct kernel *kernel, const struct module *m)
{
	unsigned n = 0;

	processes_each(kernel, p) for (const struct open_file *file = p->files; file;
				       file = file->next) n += file->module == m;
	return n;
}

static bool check_modules(struct check *c)
{
	struct kernel *kernel = c->kernel;

	for (const struct module *m = kernel->modules; m; m = m->next) {
		uint64_t pa = m->stub - kernel->layout.page_offset;

		if (m->users != count_users(kernel, m))
			return wrong(c, "a module's open files are not counted right");
		if (m->stub && kernel->sync->stub_in_direct_map &&
		    !find(c, pa, 1, PAGE_KERNEL))
			return false;
	}
	return true;
}

static bool check_direct_map(struct check *c)
{
	struct kernel *kernel = c->kernel;

	for (uint64_t pa = 0; pa < kernel->options.ram; pa += PAGE) {
		bool free = pages_use(kernel, pa) == PAGE_FREE;
		uint64_t is =
			pgtable_walk(kernel, kernel->swapper, direct(kernel, pa)).pa;

		if (is != (free && kernel->options.debug_pagealloc ? NO_PA : pa))
			return wrong(c, "the direct map is not what it should be");
	}
	return true;
}

/* What nobody was found to use is linux.c's. */
static bool check_leaks(struct check *c)
{
	static const enum page_use found[] = { PAGE_TABLE, PAGE_STACK, PAGE_KERNEL,
					       PAGE_USER };
	struct kernel *kernel = c->kernel;
	uint64_t lost[PAGE_USES] = { 0 };

	for (uint64_t i = 0; i < kernel->options.ram / PAGE; i++)
		if (!c->found[i])
			lost[pages_use(kernel, i * PAGE)]++;
	for (unsigned i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (lost[found[i]] != kernel->linux_pages[found[i]])
			return wrong(c, "a frame is in use, and by nobody");
	return true;
}

const char *kernel_check(struct kernel *kernel)
{
	struct check c = { .kernel = kernel, .wrong = pages_check(kernel) };
	unsigned level = kernel->layout.private_level, first = slot_first(kernel);

	if (c.wrong)
		return c.wrong;
	c.found = host_allocate(kernel, kernel->options.ram / PAGE);
	if (!c.found)
		return "no memory to check with";
	if (check_kernel_tables(&c, slot_pa(kernel, kernel->swapper, 0), level, first) &&
	    check_processes(&c) && check_areas(&c) && check_modules(&c) &&
	    check_direct_map(&c)) {
		for (unsigned i = 0; i < kernel->options.cpus; i++)
			check_processor(&c, &kernel->processor[i]);
		if (!c.wrong)
			check_leaks(&c);
	}
	free(c.found);
	return c.wrong;
}
