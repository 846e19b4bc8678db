/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user half of a space. Its tables lie in the simulated memory, where anything may
 * have happened to them: every tour has a budget of tables, and frames are given back
 * only if they are what they should be.
 */
#include "machine/kernel/run.h"

bool user_map(struct kernel *kernel, struct process *process, uint64_t va,
	      unsigned protection)
{
	uint64_t flags = ENTRY_P | ENTRY_US, at, pa;

	if (protection & KERNEL_PROT_WRITE)
		flags |= ENTRY_RW;
	if (kernel->layout.entry_size == 8 && !(protection & KERNEL_PROT_EXEC))
		flags |= ENTRY_XD;
	process->had_tables = true;
	at = pgtable_entry(kernel, process->root, va, 1);
	if (!at)
		return false;
	if (pgtable_read(kernel, at) & ENTRY_P)
		return true;
	pa = pages_take(kernel, 1, PAGE_USER);
	if (!pa)
		return false;
	pgtable_write(kernel, at, pa | flags);
	process->mapped++;
	return true;
}

/* ---- tours ---- */

struct tour {
	struct kernel *kernel;
	uint64_t first, last; /* addresses */
	uint64_t tables;      /* how many more may be looked at */
	bool give_tables;
	/* A page that is there; false: enough. */
	bool (*page)(struct tour *tour, uint64_t va, uint64_t entry_pa, uint64_t entry);
	struct process *process, *other;
};

static bool tour_table(struct tour *tour, uint64_t table, unsigned level, uint64_t base);

static bool tour_entry(struct tour *tour, uint64_t at, unsigned level, uint64_t va)
{
	struct kernel *kernel = tour->kernel;
	uint64_t entry = pgtable_read(kernel, at), table;
	bool ours;

	if (!(entry & ENTRY_P) || pgtable_large(entry, level))
		return true;
	if (level == 1)
		return tour->page(tour, va, at, entry);
	table = pgtable_frame(kernel, entry, level);
	ours = pages_use(kernel, table) == PAGE_TABLE;
	if (!ours || !tour->tables)
		return true;
	tour->tables--;
	if (!tour_table(tour, table, level - 1, va))
		return false;
	/* PAE's page directories stay as long as the root. */
	if (!tour->give_tables || (kernel->layout.word == 4 && level == 3))
		return true;
	pgtable_write(kernel, at, 0);
	pages_give(kernel, table, 1);
	return true;
}

static bool tour_table(struct tour *tour, uint64_t table, unsigned level, uint64_t base)
{
	const struct layout *l = &tour->kernel->layout;
	uint64_t step = BIT(pgtable_shift(tour->kernel, level));
	unsigned n = l->word == 4 && level == 3 ? 4 : PAGE / l->entry_size;
	unsigned i = tour->first > base ? (unsigned)((tour->first - base) / step) : 0;

	for (; i < n && base + i * step <= tour->last; i++)
		if (!tour_entry(tour, table + i * l->entry_size, level, base + i * step))
			return false;
	return true;
}

static bool tour(struct tour *tour)
{
	tour->tables = pages_used(tour->kernel, PAGE_TABLE);
	return tour_table(tour, tour->process->root, tour->kernel->layout.levels, 0);
}

/* ---- copies ---- */

/* Linux would share the page until one of the two writes to it. */
static bool copy_page(struct tour *tour, uint64_t va, uint64_t entry_pa, uint64_t entry)
{
	struct kernel *kernel = tour->kernel;
	uint64_t from = pgtable_frame(kernel, entry, 1), at;
	uint8_t bytes[PAGE];
	const struct vma *vma = vma_find(tour->process, va);

	(void)entry_pa;
	if (!vma || tour->other->mapped >= tour->process->mapped)
		return true;
	if (!user_map(kernel, tour->other, va, vma->protection))
		return false;
	at = pgtable_walk(kernel, tour->other->root, va).pa;
	machine_memory_read(kernel->memory, from, bytes, PAGE);
	machine_memory_write(kernel->memory, at, bytes, PAGE);
	return true;
}

bool user_copy(struct kernel *kernel, struct process *from, struct process *to)
{
	struct tour t = { .kernel = kernel,
			  .last = kernel->layout.user_last,
			  .page = copy_page,
			  .process = from,
			  .other = to };

	return !from->mapped || tour(&t);
}

static bool unmap_page(struct tour *tour, uint64_t va, uint64_t entry_pa, uint64_t entry)
{
	struct kernel *kernel = tour->kernel;
	uint64_t pa = pgtable_frame(kernel, entry, 1);

	pgtable_write(kernel, entry_pa, 0);
	tlb_forget_user_page(kernel, tour->process->root, va);
	if (pages_use(kernel, pa) == PAGE_USER)
		pages_give(kernel, pa, 1);
	if (tour->process->mapped)
		tour->process->mapped--;
	return true;
}

void user_unmap(struct kernel *kernel, struct process *process, uint64_t first,
		uint64_t last)
{
	struct tour t = { .kernel = kernel,
			  .first = first,
			  .last = last,
			  .page = unmap_page,
			  .process = process };

	if (process->mapped)
		tour(&t);
}

/*
 * A process that never had a page has no tables. One that had some keeps the tables of
 * pages that are gone until this moment; Linux's free_pgtables() is quicker.
 */
void user_clear(struct kernel *kernel, struct process *process)
{
	struct tour t = { .kernel = kernel,
			  .last = kernel->layout.user_last,
			  .give_tables = true,
			  .page = unmap_page,
			  .process = process };

	if (process->had_tables)
		tour(&t);
	process->mapped = 0;
	process->had_tables = false;
}
