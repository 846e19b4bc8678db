/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end.
 *
 * i386 (arch/x86/include/asm/pgtable_32_areas.h), from PAGE_OFFSET up; what is not fixed
 * follows from the direct map's end and from the IDT, which lies first in the
 * cpu_entry_area:
 *
 *	direct map | 8 MiB | vmalloc and modules | pkmap | LDT remap |
 *	cpu_entry_area | fixmap
 *
 * x86-64 (Documentation/arch/x86/x86_64/mm.rst): fixed but for the three that KASLR
 * moves: the direct map, vmalloc and vmemmap.
 */
#include "audit/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

/* clang-format off */
static const struct ws_kernel_region fixed_4level[] = {
	/* since d52888aa2753 (4.20), and before: LDT_PGD_ENTRY << PGDIR_SHIFT */
	{ "LDT remap",      UINT64_C(0xffff880000000000), UINT64_C(0xffff887fffffffff) },
	{ "LDT remap",      UINT64_C(0xfffffe8000000000), UINT64_C(0xfffffeffffffffff) },
	{ "cpu_entry_area", UINT64_C(0xfffffe0000000000), UINT64_C(0xfffffe7fffffffff) },
	{ "espfix",         UINT64_C(0xffffff0000000000), UINT64_C(0xffffff7fffffffff) },
	{ "EFI",            UINT64_C(0xffffffef00000000), UINT64_C(0xfffffffeffffffff) },
	{ "fixmap",         UINT64_C(0xffffffffff000000), UINT64_C(0xffffffffffffffff) },
};

static const struct ws_kernel_region fixed_5level[] = {
	{ "LDT remap",      UINT64_C(0xff10000000000000), UINT64_C(0xff10ffffffffffff) },
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

/* What is mapped at one va - pa, and its last byte. */
struct stretch {
	uint64_t delta, last;
};

static bool stretch(void *arg, const struct ws_run *run)
{
	struct stretch *map = arg;

	if (run->pa != run->va - map->delta)
		return false;
	map->last = run->last;
	return true;
}

/*
 * It has holes where memory has, and ends where memory does, or, on i386, where lowmem
 * does: from there on what is mapped lies elsewhere than its va says. A target may hold
 * less than the machine had, so it is not asked.
 */
static enum ws_status direct_map(struct ws_region_map *map, struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	struct stretch direct = { layout->page_offset, layout->page_offset };
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * layout->word);
	enum ws_status status =
		ws_range(&system->paging, layout->reference, layout->page_offset, last,
			 WS_RANGE_PHYSICAL, 0, stretch, &direct);

	if (status != WS_OK)
		return ws_fail(system->ctx, status,
			       "the direct map's tables have no end");
	return add(map, system, "direct map", layout->page_offset, direct.last);
}

static enum ws_status image(struct ws_region_map *map, struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;

	if (!layout->image_last)
		return WS_OK;
	return add(map, system, "kernel image", layout->image_first, layout->image_last);
}

/*
 * x86-64: the map of the image goes on behind the bss, to the end of a large page: there
 * lies the brk, and in it early page tables (cleanup_highmap(), arch/x86/mm/init_64.c).
 */
#define BRK_MAX (64 * MIB)

static uint64_t brk_last(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	struct stretch brk = { layout->image_delta, layout->image_last };

	if (layout->image_last < UINT64_MAX - BRK_MAX &&
	    ws_range(&system->paging, layout->reference, layout->image_last + 1,
		     layout->image_last + BRK_MAX, WS_RANGE_PHYSICAL, 0, stretch,
		     &brk) != WS_OK)
		return layout->image_last;
	return brk.last;
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
	bool pae = system->format == &ws_format_i386_pae;
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
	return ws_kernel_word(system, symbol.va, &value) == WS_READ && value % GIB == 0 &&
			       ws_is_kernel_va(system, value)
		       ? value
		       : base;
}

/* Behind the image: the rest of its map, and modules. */
static enum ws_status behind_image(struct ws_region_map *map, struct ws_system *system)
{
	uint64_t last = system->layout.image_last ? brk_last(system) : WS_KERNEL_MAP;
	enum ws_status status = WS_OK;

	if (system->layout.image_last)
		status = add(map, system, "brk", system->layout.image_last + 1, last);
	if (status != WS_OK)
		return status;
	return add(map, system, "modules", last + 1, UINT64_C(0xfffffffffeffffff));
}

/* KASAN keeps the rest from being moved: kaslr_memory_enabled(), asm/setup.h. */
static enum ws_status kasan_shadow(struct ws_region_map *map, struct ws_system *system,
				   bool la57)
{
	uint64_t unmoved =
		la57 ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	uint64_t first =
		la57 ? UINT64_C(0xffdf000000000000) : UINT64_C(0xffffec0000000000);

	if (system->layout.page_offset != unmoved)
		return WS_OK;
	return add(map, system, "KASAN shadow", first, UINT64_C(0xfffffbffffffffff));
}

/* What else begins where an old kernel's direct map does, it does not have. */
static enum ws_status fixed_areas(struct ws_region_map *map, struct ws_system *system,
				  const struct ws_kernel_region *rows, size_t n)
{
	uint64_t page_offset = system->layout.page_offset;
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < n && status == WS_OK; i++)
		if (page_offset < rows[i].first || page_offset > rows[i].last)
			status = add(map, system, rows[i].name, rows[i].first,
				     rows[i].last);
	return status;
}

static enum ws_status areas_x86_64(struct ws_region_map *map, struct ws_system *system)
{
	bool la57 = system->format == &ws_format_x86_64_la57;
	enum ws_status status = behind_image(map, system);

	if (status == WS_OK)
		status = kasan_shadow(map, system, la57);
	if (status == WS_OK)
		status = la57 ? fixed_areas(map, system, fixed_5level,
					    WS_ARRAY_SIZE(fixed_5level))
			      : fixed_areas(map, system, fixed_4level,
					    WS_ARRAY_SIZE(fixed_4level));
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
	enum ws_status status = direct_map(map, system);

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
	return va < map->rows.v[0].first && !(va >> 63) ? "user" : "kernel";
}

/* ---- modules ---------------------------------------------------------------------- */

static bool has_part(const struct ws_module *module, uint64_t va, uint64_t last)
{
	for (unsigned i = 0; i < module->nregions; i++) {
		const struct ws_region *region = &module->region[i];

		if (region->va <= last && va <= region->va + (region->len - 1))
			return true;
	}
	return false;
}

#define MODULES_TOLD 4

void ws_modules_there(struct ws_system *system, uint64_t va, uint64_t last,
		      char text[WS_MODULES_TEXT])
{
	const char *name[MODULES_TOLD];
	const struct ws_module *modules;
	size_t n, told = 0, at;
	bool more = false;

	text[0] = '\0';
	if (ws_system_modules(system, &modules, &n) != WS_OK) {
		ws_error_clear(system->ctx);
		return;
	}
	for (size_t i = 0; i < n && !more; i++) {
		if (!has_part(&modules[i], va, last))
			continue;
		more = told == MODULES_TOLD;
		if (!more)
			name[told++] = modules[i].name;
	}
	at = told ? (size_t)sprintf(text, "; there lie%s",
				    told > 1 ? " modules" : "s module")
		  : 0;
	for (size_t i = 0; i < told; i++)
		at += (size_t)snprintf(text + at, WS_MODULES_TEXT - at, "%s %s",
				       i ? "," : "", name[i]);
	if (more)
		snprintf(text + at, WS_MODULES_TEXT - at, " and others");
}
