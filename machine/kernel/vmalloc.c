/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Areas of vmalloc and module memory: the lowest hole that holds one and a page behind it
 * that is left empty. Tables, once made, stay, as Linux's do.
 *
 * An area of a large page's size and more is mapped with large pages where it can be, as
 * ioremap() does. On the 32-bit formats those are top-level entries, which are cleared
 * again with the area: so it is here that spaces can come to hold *stale* entries, which
 * lead to memory that is somebody else's by now (3f8fd02b1bf1).
 */
#include "machine/kernel/run.h"
#include "machine/kernel/say.h"

#include <stdlib.h>

static uint64_t large_size(const struct kernel *kernel)
{
	return BIT(kernel->layout.large_shift);
}

/* ---- one area ---- */

static struct area **find_hole(struct kernel *kernel, uint64_t size, enum area_use use,
			       uint64_t *va)
{
	const struct layout *l = &kernel->layout;
	uint64_t first = use == AREA_MODULE ? l->modules_first : l->vmalloc_first;
	uint64_t last = use == AREA_MODULE ? l->modules_last : l->vmalloc_last;
	uint64_t align = use == AREA_VMALLOC && size >= large_size(kernel)
				 ? large_size(kernel)
				 : PAGE;
	struct area **at = &kernel->areas;

	*va = first;
	for (; *at; at = &(*at)->next) {
		uint64_t end = (*at)->va + (*at)->size + PAGE;

		if ((*at)->va >= *va && (*at)->va - *va >= size + PAGE)
			break;
		if (end > *va)
			*va = (end + align - 1) & ~(align - 1);
	}
	return *va <= last && last - *va >= size + PAGE - 1 ? at : NULL;
}

/* The entry must be empty: a table that is there may be in use. */
static bool map_large(struct kernel *kernel, uint64_t va)
{
	unsigned n = (unsigned)(large_size(kernel) / PAGE);
	uint64_t pa;

	if (pgtable_walk(kernel, kernel->swapper, va).level < 2)
		return false;
	pa = pages_take(kernel, n, PAGE_KERNEL);
	if (!pa)
		return false;
	if (pgtable_map(kernel, va, pa, kernel->layout.large_shift, KERNEL_LEAF))
		return true;
	pages_give(kernel, pa, n);
	return false;
}

static bool map_small(struct kernel *kernel, uint64_t va)
{
	uint64_t pa = pages_take(kernel, 1, PAGE_KERNEL);

	if (!pa)
		return false;
	if (pgtable_map(kernel, va, pa, 12, KERNEL_LEAF))
		return true;
	pages_give(kernel, pa, 1);
	return false;
}

static bool map_area(struct kernel *kernel, const struct area *area, uint64_t *mapped)
{
	uint64_t large = large_size(kernel), step;

	for (*mapped = 0; *mapped < area->size; *mapped += step) {
		uint64_t va = area->va + *mapped;
		bool fits = area->use == AREA_VMALLOC && va % large == 0 &&
			    area->size - *mapped >= large;

		step = fits && map_large(kernel, va) ? large : PAGE;
		if (step == PAGE && !map_small(kernel, va))
			return false;
	}
	return true;
}

/* Gives back what one entry maps; returns how much that was. */
static uint64_t unmap(struct kernel *kernel, uint64_t va)
{
	struct pgtable_walk walk = pgtable_walk(kernel, kernel->swapper, va);
	uint64_t size = walk.level == 2 && walk.pa != NO_PA ? large_size(kernel) : PAGE;

	if (walk.pa == NO_PA)
		return PAGE;
	pgtable_write(kernel, walk.entry_pa, 0);
	for (uint64_t i = 0; i < size; i += PAGE) {
		tlb_forget_page(kernel, va + i);
		if (pages_use(kernel, walk.pa + i) == PAGE_KERNEL)
			pages_give(kernel, walk.pa + i, 1);
	}
	if (walk.level == kernel->layout.private_level && kernel->sync->removed)
		kernel->sync->removed(kernel, slot_of(kernel, va));
	return size;
}

static void unmap_area(struct kernel *kernel, const struct area *area, uint64_t mapped)
{
	for (uint64_t done = 0; done < mapped;)
		done += unmap(kernel, area->va + done);
}

/* ---- areas ---- */

uint64_t area_create(struct kernel *kernel, uint64_t size, enum area_use use)
{
	struct area **at, *area = host_allocate(kernel, sizeof(*area));
	uint64_t va, mapped;

	if (!area || size > kernel->options.ram) {
		free(area);
		return 0;
	}
	size = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	at = find_hole(kernel, size, use, &va);
	if (!at) {
		free(area);
		return 0;
	}
	*area = (struct area){ va, size, use, *at };
	if (!map_area(kernel, area, &mapped)) {
		unmap_area(kernel, area, mapped);
		free(area);
		return 0;
	}
	*at = area;
	return va;
}

bool area_destroy(struct kernel *kernel, uint64_t va, enum area_use use)
{
	struct area **at = &kernel->areas, *area;

	while (*at && (*at)->va != va)
		at = &(*at)->next;
	area = *at;
	if (!area || area->use != use)
		return false;
	*at = area->next;
	unmap_area(kernel, area, area->size);
	free(area);
	return true;
}

void areas_release(struct kernel *kernel)
{
	while (kernel->areas) {
		struct area *area = kernel->areas;

		kernel->areas = area->next;
		free(area);
	}
}

/* ---- operations ---- */

enum kernel_outcome kernel_vmalloc(struct kernel *kernel, uint64_t size, uint64_t *va)
{
	enum kernel_outcome outcome = operation_begin(kernel);

	if (outcome != KERNEL_OK)
		return outcome;
	if (!size || !va)
		return KERNEL_INVALID;
	*va = area_create(kernel, size, AREA_VMALLOC);
	if (!*va)
		return KERNEL_NO_MEMORY;
	say(kernel, NULL, VOICE_KERNEL, "vmalloc() maps %" PRIu64 " bytes at %08" PRIx64,
	    size, *va);
	return KERNEL_OK;
}

enum kernel_outcome kernel_vfree(struct kernel *kernel, uint64_t va)
{
	enum kernel_outcome outcome = operation_begin(kernel);

	if (outcome != KERNEL_OK)
		return outcome;
	return area_destroy(kernel, va, AREA_VMALLOC) ? KERNEL_OK : KERNEL_INVALID;
}

/* A page of its own use, so that nothing else can be freed as one. */
enum kernel_outcome kernel_kmalloc(struct kernel *kernel, uint64_t *va)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	uint64_t pa;

	if (outcome != KERNEL_OK)
		return outcome;
	if (!va)
		return KERNEL_INVALID;
	pa = pages_take(kernel, 1, PAGE_KMALLOC);
	if (!pa)
		return KERNEL_NO_MEMORY;
	*va = direct(kernel, pa);
	return KERNEL_OK;
}

enum kernel_outcome kernel_kfree(struct kernel *kernel, uint64_t va)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	uint64_t pa = va - kernel->layout.page_offset;

	if (outcome != KERNEL_OK)
		return outcome;
	if (va < kernel->layout.page_offset || pa % PAGE ||
	    pages_use(kernel, pa) != PAGE_KMALLOC)
		return KERNEL_INVALID;
	pages_give(kernel, pa, 1);
	return KERNEL_OK;
}
