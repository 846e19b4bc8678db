/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end.
 *
 * i386 (arch/x86/include/asm/pgtable_32_areas.h), from PAGE_OFFSET up; what is not fixed
 * follows from the direct map's end and from the IDT, which lies first in the
 * cpu_entry_area:
 *
 *	direct map | 8 MiB | vmalloc and modules | pkmap | LDT remap | cpu_entry_area |
 *fixmap
 *
 * x86-64 (Documentation/arch/x86/x86_64/mm.rst): fixed but for the three that KASLR
 * moves: the direct map, vmalloc and vmemmap.
 */
#include "audit/region.h"

#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

/* clang-format off */
static const struct ws_kernel_region fixed_4level[] = {
	{ "LDT remap",      UINT64_C(0xffff880000000000), UINT64_C(0xffff887fffffffff) },
	{ "cpu_entry_area", UINT64_C(0xfffffe0000000000), UINT64_C(0xfffffe7fffffffff) },
	{ "espfix",         UINT64_C(0xffffff0000000000), UINT64_C(0xffffff7fffffffff) },
	{ "EFI",            UINT64_C(0xffffffef00000000), UINT64_C(0xfffffffeffffffff) },
	{ "fixmap",         UINT64_C(0xffffffffff000000), UINT64_C(0xffffffffffffffff) },
};

static const struct ws_kernel_region fixed_5level[] = {
	{ "LDT remap",      UINT64_C(0xff90000000000000), UINT64_C(0xff90ffffffffffff) },
	{ "cpu_entry_area", UINT64_C(0xfffffe0000000000), UINT64_C(0xfffffe7fffffffff) },
	{ "espfix",         UINT64_C(0xffffff0000000000), UINT64_C(0xffffff7fffffffff) },
	{ "EFI",            UINT64_C(0xffffffef00000000), UINT64_C(0xfffffffeffffffff) },
	{ "fixmap",         UINT64_C(0xffffffffff000000), UINT64_C(0xffffffffffffffff) },
};

/* The three that move: where they are without KASLR, the variable that says, their size. */
static const struct moving {
	const char *name, *symbol;
	uint64_t base_4level, size_4level, base_5level, size_5level;
} moving[] = {
	{ "vmalloc", "vmalloc_base", UINT64_C(0xffffc90000000000), 32 * TIB,
	  UINT64_C(0xffa0000000000000), 12800 * TIB },
	{ "vmemmap", "vmemmap_base", UINT64_C(0xffffea0000000000), 1 * TIB,
	  UINT64_C(0xffd4000000000000), 512 * TIB },
};
/* clang-format on */

static enum ws_status add(struct ws_region_map *map, struct ws_system *system,
			  const char *name, uint64_t first, uint64_t last)
{
	struct ws_kernel_region *row;

	if (first > last)
		return WS_OK;
	row = ws_vec_push(&map->rows);
	if (!row)
		return ws_fail_memory(system->ctx);
	*row = (struct ws_kernel_region){ name, first, last };
	return WS_OK;
}

/* The direct map's last byte: it is a run of its own from PAGE_OFFSET. */
struct direct_map {
	uint64_t page_offset, last;
};

static bool stretch(void *arg, const struct ws_run *run)
{
	struct direct_map *map = arg;

	if (run->pa != run->va - map->page_offset)
		return false;
	map->last = run->last;
	return true;
}

/* i386: lowmem is one run. */
static enum ws_status direct_map_i386(struct ws_region_map *map, struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	struct direct_map direct = { layout->page_offset, layout->page_offset };
	enum ws_status status =
		ws_range(&system->paging, layout->reference, layout->page_offset,
			 UINT32_MAX, WS_RANGE_PHYSICAL, 0, stretch, &direct);

	if (status != WS_OK)
		return ws_fail(system->ctx, status,
			       "the direct map's tables have no end");
	return add(map, system, "direct map", layout->page_offset, direct.last);
}

/* x86-64: it has holes where memory has, and ends where memory does. */
static enum ws_status direct_map_x86_64(struct ws_region_map *map,
					struct ws_system *system)
{
	const struct ws_target *target = system->target;
	const struct ws_extent *last = &target->extents.v[target->extents.n - 1];
	uint64_t page_offset = system->layout.page_offset;

	return add(map, system, "direct map", page_offset,
		   page_offset + last->pa + last->len - 1);
}

static enum ws_status image(struct ws_region_map *map, struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;

	if (!layout->image_last)
		return WS_OK;
	return add(map, system, "kernel image", layout->image_first, layout->image_last);
}

/*
 * The read-only IDT is the cpu_entry_area's first page, and the area begins where a
 * page directory's entry does (CPU_ENTRY_AREA_BASE, since 92a0f81d8957, 4.15).
 */
static uint64_t entry_area_i386(struct ws_system *system, uint64_t pmd_size)
{
	ws_vec_each(&system->target->cpus, cpu)
		if (cpu->has_control && cpu->idt.base % pmd_size == 0 &&
		    cpu->idt.base >= UINT64_C(0xfe000000) && cpu->idt.base <= UINT32_MAX)
			return cpu->idt.base;
	return 0;
}

static enum ws_status areas_i386(struct ws_region_map *map, struct ws_system *system)
{
	bool pae = system->paging.format == &ws_format_i386_pae;
	uint64_t pmd = pae ? 2 * MIB : 4 * MIB;
	uint64_t low_last = map->rows.v[0].last; /* the direct map's, which came first */
	uint64_t vmalloc = (low_last + 1 + 8 * MIB) & ~(8 * MIB - 1);
	uint64_t area = entry_area_i386(system, pmd), ldt, pkmap;
	enum ws_status status;

	if (!area)
		return add(map, system, "vmalloc", vmalloc, UINT64_C(0xfeffffff));
	ldt = (area - 1) & ~(pmd - 1);
	pkmap = (ldt - 1) & ~(pmd - 1);
	status = add(map, system, "vmalloc", vmalloc, pkmap - 1);
	if (status == WS_OK)
		status = add(map, system, "pkmap", pkmap, ldt - 1);
	if (status == WS_OK)
		status = add(map, system, "LDT remap", ldt, area - 1);
	if (status == WS_OK)
		status = add(map, system, "cpu_entry_area", area, area + 4 * MIB - 1);
	if (status == WS_OK)
		status = add(map, system, "fixmap", area + 4 * MIB, UINT32_MAX);
	return status;
}

/* A base that KASLR moved is where the kernel's own variable says. */
static uint64_t moved_base(struct ws_system *system, const char *name, uint64_t base)
{
	struct ws_symbol symbol;
	uint64_t value;

	if (ws_symbol_find(system, name, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return base;
	}
	return ws_kread_word(system, symbol.va, &value) && value % GIB == 0 &&
			       ws_is_kernel_va(system, value)
		       ? value
		       : base;
}

static enum ws_status areas_x86_64(struct ws_region_map *map, struct ws_system *system)
{
	bool la57 = system->paging.format == &ws_format_x86_64_la57;
	const struct ws_kernel_region *fixed = la57 ? fixed_5level : fixed_4level;
	enum ws_status status = add(map, system, "modules", system->layout.image_last + 1,
				    UINT64_C(0xfffffffffeffffff));

	for (size_t i = 0; i < WS_ARRAY_SIZE(fixed_4level) && status == WS_OK; i++)
		status = add(map, system, fixed[i].name, fixed[i].first, fixed[i].last);
	for (size_t i = 0; i < WS_ARRAY_SIZE(moving) && status == WS_OK; i++) {
		const struct moving *m = &moving[i];
		uint64_t base = la57 ? m->base_5level : m->base_4level;
		uint64_t size = la57 ? m->size_5level : m->size_4level;

		base = moved_base(system, m->symbol, base);
		status = add(map, system, m->name, base, base + size - 1);
	}
	return status;
}

enum ws_status ws_region_map_init(struct ws_region_map *map, struct ws_system *system)
{
	bool wide = system->layout.word == 8;
	enum ws_status status =
		wide ? direct_map_x86_64(map, system) : direct_map_i386(map, system);

	if (status == WS_OK)
		status = wide ? areas_x86_64(map, system) : areas_i386(map, system);
	if (status == WS_OK)
		status = image(map, system);
	return status;
}

void ws_region_map_release(struct ws_region_map *map)
{
	ws_vec_release(&map->rows);
}

/* The smallest that holds it: the image lies inside i386's direct map. */
const char *ws_region_name(const struct ws_region_map *map, uint64_t va)
{
	const struct ws_kernel_region *best = NULL;

	ws_vec_each(&map->rows, row)
		if (va >= row->first && va <= row->last &&
		    (!best || row->last - row->first < best->last - best->first))
			best = row;
	if (best)
		return best->name;
	return va < map->rows.v[0].first ? "user" : "kernel";
}
