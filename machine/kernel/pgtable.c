/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables, written as the kernel writes them: through the direct map, where they
 * always are. Nothing about them is kept elsewhere, so what a stray store did to them is
 * what the next walk finds.
 */
#include "machine/kernel/pgtable.h"

unsigned pgtable_shift(const struct kernel *kernel, unsigned level)
{
	return kernel->layout.entry_size == 4 ? 2 + 10 * level : 3 + 9 * level;
}

uint64_t pgtable_read(struct kernel *kernel, uint64_t entry_pa)
{
	return pa_get(kernel, entry_pa, kernel->layout.entry_size);
}

void pgtable_write(struct kernel *kernel, uint64_t entry_pa, uint64_t entry)
{
	pa_put(kernel, entry_pa, kernel->layout.entry_size, entry);
}

bool pgtable_large(uint64_t entry, unsigned level)
{
	return level == 2 && entry & ENTRY_PS;
}

uint64_t pgtable_frame(const struct kernel *kernel, uint64_t entry, unsigned level)
{
	unsigned low = pgtable_large(entry, level) ? kernel->layout.large_shift : 12;

	return entry & BITS(kernel->layout.entry_size == 4 ? 31 : 51, low);
}

static unsigned index_of(const struct kernel *kernel, uint64_t va, unsigned level)
{
	unsigned bits = kernel->layout.entry_size == 4 ? 10 : 9;

	if (kernel->layout.word == 4 && level == 3)
		bits = 2;
	return (unsigned)(va >> pgtable_shift(kernel, level) & (BIT(bits) - 1));
}

static uint64_t entry_at(const struct kernel *kernel, uint64_t table, uint64_t va,
			 unsigned level)
{
	return table + index_of(kernel, va, level) * kernel->layout.entry_size;
}

struct pgtable_walk pgtable_walk(struct kernel *kernel, uint64_t root, uint64_t va)
{
	struct pgtable_walk walk = { .pa = NO_PA, .level = kernel->layout.levels };
	uint64_t table = root;

	for (;; walk.level--) {
		bool leaf;

		walk.entry_pa = entry_at(kernel, table, va, walk.level);
		walk.entry = pgtable_read(kernel, walk.entry_pa);
		if (!(walk.entry & ENTRY_P))
			return walk;
		leaf = walk.level == 1 || pgtable_large(walk.entry, walk.level);
		table = pgtable_frame(kernel, walk.entry, walk.level);
		if (!leaf)
			continue;
		walk.pa = table | (va & (BIT(pgtable_shift(kernel, walk.level)) - 1));
		return walk;
	}
}

/* An empty table below the entry; false: no memory. */
static bool make_table(struct kernel *kernel, uint64_t entry_pa, unsigned level)
{
	uint64_t table = pages_take(kernel, 1, PAGE_TABLE);
	/* SDM table 4-8: a PDPTE has no rights, and reserved bits in their place. */
	bool pdpte = kernel->layout.word == 4 && level == 3;

	if (table)
		pgtable_write(kernel, entry_pa, table | (pdpte ? ENTRY_P : TABLE));
	return table;
}

uint64_t pgtable_entry(struct kernel *kernel, uint64_t root, uint64_t va, unsigned level)
{
	uint64_t table = root, at, entry;

	for (unsigned l = kernel->layout.levels;; l--) {
		at = entry_at(kernel, table, va, l);
		if (l == level)
			return at;
		if (!(pgtable_read(kernel, at) & ENTRY_P) && !make_table(kernel, at, l))
			return 0;
		entry = pgtable_read(kernel, at);
		if (pgtable_large(entry, l))
			return 0;
		table = pgtable_frame(kernel, entry, l);
	}
}

/* ---- init_mm's ---- */

static void private_entry_changed(struct kernel *kernel, uint64_t va, uint64_t before)
{
	unsigned slot = slot_of(kernel, va);
	uint64_t now = pgtable_read(kernel, slot_pa(kernel, kernel->swapper, slot));

	if (now != before && kernel->sync->added)
		kernel->sync->added(kernel, slot);
}

bool pgtable_map(struct kernel *kernel, uint64_t va, uint64_t pa, unsigned shift,
		 uint64_t flags)
{
	uint64_t private = slot_pa(kernel, kernel->swapper, slot_of(kernel, va));
	uint64_t before = pgtable_read(kernel, private);
	uint64_t at = pgtable_entry(kernel, kernel->swapper, va, shift == 12 ? 1 : 2);

	if (at)
		pgtable_write(kernel, at, pa | flags | (shift == 12 ? 0 : ENTRY_PS));
	private_entry_changed(kernel, va, before);
	return at;
}

void pgtable_direct(struct kernel *kernel, uint64_t pa, unsigned n, bool there)
{
	for (; n; n--, pa += PAGE) {
		uint64_t va = direct(kernel, pa);
		struct pgtable_walk walk = pgtable_walk(kernel, kernel->swapper, va);

		if (walk.level != 1) /* before the direct map is built */
			continue;
		pgtable_write(kernel, walk.entry_pa, there ? pa | KERNEL_LEAF : 0);
		if (!there)
			tlb_forget_page(kernel, va);
	}
}

void tlb_forget_page(struct kernel *kernel, uint64_t va)
{
	for (unsigned i = 0; i < kernel->options.cpus; i++)
		machine_invlpg(&kernel->processor[i].cpu, va);
}

void tlb_forget_user_page(struct kernel *kernel, uint64_t root, uint64_t va)
{
	for (unsigned i = 0; i < kernel->options.cpus; i++)
		if (kernel->processor[i].cpu.r.cr3 == root)
			machine_invlpg(&kernel->processor[i].cpu, va);
}

/* ---- private entries ---- */

bool is_kernel_va(const struct kernel *kernel, uint64_t va)
{
	return va > kernel->layout.user_last;
}

static unsigned entries(const struct kernel *kernel)
{
	return PAGE / kernel->layout.entry_size;
}

unsigned slot_first(const struct kernel *kernel)
{
	static const unsigned first[] = { [KERNEL_I386] = 768, [KERNEL_X86_64] = 256 };

	return first[kernel->options.format];
}

unsigned slot_end(const struct kernel *kernel)
{
	return entries(kernel);
}

unsigned slot_of(const struct kernel *kernel, uint64_t va)
{
	return index_of(kernel, va, kernel->layout.private_level);
}

uint64_t slot_va(const struct kernel *kernel, unsigned slot)
{
	const struct layout *l = &kernel->layout;
	uint64_t va = (uint64_t)slot << pgtable_shift(kernel, l->private_level);

	if (l->word == 8)
		return va | BITS(63, 48);
	return kernel->options.format == KERNEL_I386_PAE ? va | l->page_offset : va;
}

uint64_t slot_pa(struct kernel *kernel, uint64_t root, unsigned slot)
{
	uint64_t table = root;

	if (kernel->options.format == KERNEL_I386_PAE)
		table = pgtable_frame(kernel, pgtable_read(kernel, root + 3 * 8), 3);
	return table + slot * kernel->layout.entry_size;
}

uint64_t pgtable_top(struct kernel *kernel, uint64_t root, uint64_t va)
{
	uint64_t table = root;

	if (kernel->options.format == KERNEL_I386_PAE) {
		uint64_t pdpte = pgtable_read(kernel, entry_at(kernel, root, va, 3));

		if (!(pdpte & ENTRY_P))
			return 0;
		table = pgtable_frame(kernel, pdpte, 3);
	}
	return entry_at(kernel, table, va, kernel->layout.private_level);
}

/* ---- spaces ---- */

/*
 * All four page-middle directories at once: the processor reads the PDPTEs when CR3 is
 * loaded, and would not see one that came later (Linux's preallocate_pmds()).
 */
static bool make_pmds(struct kernel *kernel, uint64_t root)
{
	for (unsigned i = 0; i < 4; i++)
		if (!make_table(kernel, root + 8 * i, 3))
			return false;
	return true;
}

/* Linux's pgd_ctor(): clone_pgd_range() of the kernel's part. */
static void copy_kernel_entries(struct kernel *kernel, uint64_t root)
{
	uint8_t bytes[PAGE];
	unsigned first = slot_first(kernel);
	size_t len = (slot_end(kernel) - first) * kernel->layout.entry_size;

	machine_memory_read(kernel->memory, slot_pa(kernel, kernel->swapper, first),
			    bytes, len);
	machine_memory_write(kernel->memory, slot_pa(kernel, root, first), bytes, len);
}

uint64_t space_create(struct kernel *kernel)
{
	uint64_t root = pages_take(kernel, 1, PAGE_TABLE);

	if (!root)
		return 0;
	if (kernel->options.format == KERNEL_I386_PAE && !make_pmds(kernel, root)) {
		space_destroy(kernel, root);
		return 0;
	}
	if (kernel->swapper)
		copy_kernel_entries(kernel, root);
	return root;
}

void space_destroy(struct kernel *kernel, uint64_t root)
{
	if (kernel->options.format == KERNEL_I386_PAE)
		for (unsigned i = 0; i < 4; i++) {
			uint64_t pdpte = pgtable_read(kernel, root + 8 * i);
			uint64_t table = pgtable_frame(kernel, pdpte, 3);

			if (pdpte & ENTRY_P && pages_use(kernel, table) == PAGE_TABLE)
				pages_give(kernel, table, 1);
		}
	if (pages_use(kernel, root) == PAGE_TABLE)
		pages_give(kernel, root, 1);
}
