/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct page: one a frame, in one array, from boot on. i386 has it as FLATMEM's
 * mem_map, x86-64 as SPARSEMEM's sections, which all lie in that array.
 */
#include "machine/kernel/linux.h"

#include <stdlib.h>

/* include/linux/page-flags.h */
#define PG_LRU BIT(4)
#define PG_SLAB BIT(9)
#define PG_RESERVED BIT(12)
#define PG_SWAPBACKED BIT(19)
#define TYPE_BUDDY (~UINT32_C(0x080))
#define TYPE_TABLE (~UINT32_C(0x200))
#define MAPPED_ONCE 0
#define NOT_MAPPED UINT32_MAX
#define MAPPING_ANON 1

/* x86-64: arch/x86/include/asm/sparsemem.h; mm/sparse.c, sparse_init_one_section(). */
#define SECTION_SIZE_BITS 27
#define SECTION_FLAGS 0xf
/* Bits of page.flags that hold the frame's section and its zone, without VMEMMAP. */
#define SECTIONS_SHIFT 45
#define ZONES_SHIFT 43
#define DMA32_END (UINT64_C(4) << 30)

/* _mapcount and page_type are one word. A free frame stands for itself: order 0. */
static const struct page_row {
	uint32_t flags, mapcount, refcount;
} page_rows[] = {
	[PAGE_RESERVED] = { PG_RESERVED, NOT_MAPPED, 1 },
	[PAGE_FREE] = { 0, TYPE_BUDDY, 0 },
	[PAGE_SLAB] = { PG_SLAB, NOT_MAPPED, 1 },
	[PAGE_TABLE] = { 0, TYPE_TABLE, 1 },
	[PAGE_STACK] = { 0, NOT_MAPPED, 1 },
	[PAGE_KERNEL] = { 0, NOT_MAPPED, 1 },
	[PAGE_USER] = { PG_LRU | PG_SWAPBACKED, MAPPED_ONCE, 1 },
	[PAGE_KMALLOC] = { PG_SLAB, NOT_MAPPED, 1 },
};

uint64_t linux_page_of(const struct kernel *kernel, uint64_t pa)
{
	return kernel->books->mem_map + pa / PAGE * linux_size(kernel, PAGE_STRUCT);
}

static uint64_t place_bits(const struct kernel *kernel, uint64_t pa)
{
	if (kernel->layout.word == 4)
		return 0;
	return pa >> SECTION_SIZE_BITS << SECTIONS_SHIFT | (uint64_t)(pa >= DMA32_END)
								   << ZONES_SHIFT;
}

void linux_page(struct kernel *kernel, uint64_t pa, unsigned n, enum page_use use)
{
	const struct page_row *row = &page_rows[use];
	uint64_t mapping = use == PAGE_USER ? kernel->books->anon_vma | MAPPING_ANON : 0;

	if (!kernel->books->mem_map)
		return;
	for (; n; n--, pa += PAGE) {
		uint64_t page = linux_page_of(kernel, pa);

		linux_put(kernel, page, PAGE_FLAGS, row->flags | place_bits(kernel, pa));
		linux_put(kernel, page, PAGE_MAPPING, mapping);
		linux_put(kernel, page, PAGE_MAPCOUNT, row->mapcount);
		linux_put(kernel, page, PAGE_REFCOUNT, row->refcount);
	}
}

/* ---- where it lies ---------------------------------------------------------------- */

/*
 * SPARSEMEM_EXTREME: a pointer to a table of pages full of sections. Each section's map
 * is moved so that a frame's number indexes it (sparse_encode_mem_map()): here that makes
 * all of them the same.
 */
static bool create_sections(struct kernel *kernel)
{
	struct linux_books *books = kernel->books;
	uint64_t ram = kernel->options.ram, size = linux_size(kernel, MEM_SECTION);
	uint64_t pointer = linux_variable(kernel, "mem_section", 8);
	uint64_t root = pages_take(kernel, 1, PAGE_KERNEL), per_page = PAGE / size;

	books->mem_section = direct(kernel, root);
	if (!pointer || !root)
		return false;
	va_put(kernel, pointer, 8, books->mem_section);
	for (uint64_t i = 0; i << SECTION_SIZE_BITS < ram; i++) {
		uint64_t slot = books->mem_section + 8 * (i / per_page);
		uint64_t page = i % per_page ? 0 : pages_take(kernel, 1, PAGE_KERNEL);

		if (i % per_page == 0 && !page)
			return false;
		if (page)
			va_put(kernel, slot, 8, direct(kernel, page));
		linux_put(kernel, va_get(kernel, slot, 8) + i % per_page * size,
			  SECTION_MEM_MAP, books->mem_map | SECTION_FLAGS);
	}
	return true;
}

static bool create_pointer(struct kernel *kernel)
{
	struct linux_books *books = kernel->books;

	books->mem_map_pointer = linux_variable(kernel, "mem_map", kernel->layout.word);
	if (!books->mem_map_pointer)
		return false;
	va_put(kernel, books->mem_map_pointer, kernel->layout.word, books->mem_map);
	return true;
}

bool linux_pages_create(struct kernel *kernel)
{
	uint64_t frames = kernel->options.ram / PAGE;
	uint64_t size = frames * linux_size(kernel, PAGE_STRUCT);
	uint64_t pa =
		pages_take(kernel, (unsigned)((size + PAGE - 1) / PAGE), PAGE_RESERVED);

	if (!pa)
		return false;
	kernel->books->mem_map = direct(kernel, pa);
	for (uint64_t i = 0; i < frames; i++)
		linux_page(kernel, i * PAGE, 1, pages_use(kernel, i * PAGE));
	return kernel->layout.word == 8 ? create_sections(kernel)
					: create_pointer(kernel);
}
