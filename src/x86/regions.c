/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end on x86.
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
#include "linux/region.h"
#include "linux/symtab.h"
#include "x86/linux.h"
#include "x86/registers.h"

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

/*
 * x86-64: the map of the image goes on behind the bss, to the end of a large page: there
 * lies the brk, and in it early page tables (cleanup_highmap(), arch/x86/mm/init_64.c).
 */
#define BRK_MAX (64 * MIB)

static uint64_t brk_last(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	uint64_t last = layout->image_last;

	if (layout->image_last < UINT64_MAX - BRK_MAX &&
	    ws_stretch(system, layout->image_delta, layout->image_last + 1,
		       layout->image_last + BRK_MAX, &last) != WS_OK)
		return layout->image_last;
	return last;
}

/*
 * The read-only IDT is the cpu_entry_area's first page, and the area begins where a
 * page directory's entry does (CPU_ENTRY_AREA_BASE, since 92a0f81d8957, 4.15).
 */
static uint64_t entry_area_i386(struct ws_system *system, uint64_t pmd_size)
{
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t idt = x86_base(cpu, X86_IDT);

		if (x86_has_tables(cpu) && idt % pmd_size == 0 &&
		    idt >= UINT64_C(0xfe000000) && idt <= UINT32_MAX)
			return idt;
	}
	return 0;
}

static enum ws_status areas_i386(struct ws_system *system)
{
	bool pae = system->format->entry_log2 == 3;
	uint64_t pmd = pae ? 2 * MIB : 4 * MIB;
	uint64_t low_last =
		system->regions.v[0].last; /* the direct map's, which came first */
	uint64_t vmalloc = (low_last + 1 + 8 * MIB) & ~(8 * MIB - 1);
	uint64_t area = entry_area_i386(system, pmd), ldt, pkmap;
	enum ws_status status;

	if (!area)
		return ws_region_add(system, "vmalloc", vmalloc, UINT64_C(0xfeffffff));
	ldt = (area - 1) & ~(pmd - 1);
	pkmap = (ldt - 1) & ~(pmd - 1);
	status = ws_region_add(system, "vmalloc", vmalloc, pkmap - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "pkmap", pkmap, ldt - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "LDT remap", ldt, area - 1);
	if (status == WS_OK)
		status =
			ws_region_add(system, "cpu_entry_area", area, area + 4 * MIB - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "fixmap", area + 4 * MIB, UINT32_MAX);
	return status;
}

/* A base that KASLR moved is where the kernel's own variable says. */
static uint64_t moved_base(struct ws_system *system, const char *name, uint64_t base)
{
	struct ws_symbol symbol;
	uint64_t value;

	if (ws_symbol_lookup(system, name, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return base;
	}
	return ws_kernel_word(system, symbol.va, &value) == WS_READ && value % GIB == 0 &&
			       ws_is_kernel_va(system, value)
		       ? value
		       : base;
}

/* Behind the image: the rest of its map, and modules. */
static enum ws_status behind_image(struct ws_system *system)
{
	uint64_t last = system->layout.image_last ? brk_last(system) : X86_KERNEL_MAP;
	enum ws_status status = WS_OK;

	if (system->layout.image_last)
		status =
			ws_region_add(system, "brk", system->layout.image_last + 1, last);
	if (status != WS_OK)
		return status;
	return ws_region_add(system, "modules", last + 1, UINT64_C(0xfffffffffeffffff));
}

/* KASAN keeps the rest from being moved: kaslr_memory_enabled(), asm/setup.h. */
static enum ws_status kasan_shadow(struct ws_system *system, bool la57)
{
	uint64_t unmoved =
		la57 ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	uint64_t first =
		la57 ? UINT64_C(0xffdf000000000000) : UINT64_C(0xffffec0000000000);

	if (system->layout.page_offset != unmoved)
		return WS_OK;
	return ws_region_add(system, "KASAN shadow", first, UINT64_C(0xfffffbffffffffff));
}

/* What else begins where an old kernel's direct map does, it does not have. */
static enum ws_status fixed_areas(struct ws_system *system,
				  const struct ws_kernel_region *rows, size_t n)
{
	uint64_t page_offset = system->layout.page_offset;
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < n && status == WS_OK; i++)
		if (page_offset < rows[i].first || page_offset > rows[i].last)
			status = ws_region_add(system, rows[i].name, rows[i].first,
					       rows[i].last);
	return status;
}

static enum ws_status areas_x86_64(struct ws_system *system)
{
	bool la57 = system->format->nlevels == 5;
	enum ws_status status = behind_image(system);

	if (status == WS_OK)
		status = kasan_shadow(system, la57);
	if (status == WS_OK)
		status = la57 ? fixed_areas(system, fixed_5level,
					    WS_ARRAY_SIZE(fixed_5level))
			      : fixed_areas(system, fixed_4level,
					    WS_ARRAY_SIZE(fixed_4level));
	for (size_t i = 0; i < WS_ARRAY_SIZE(moving) && status == WS_OK; i++) {
		const struct moving *m = &moving[i];
		uint64_t base = la57 ? m->base_5level : m->base_4level;
		uint64_t size = la57 ? m->size_5level : m->size_4level;

		base = moved_base(system, m->symbol, base);
		status = ws_region_add(system, m->name, base, base + size - 1);
	}
	return status;
}

enum ws_status x86_regions(struct ws_system *system)
{
	return system->layout.word == 8 ? areas_x86_64(system) : areas_i386(system);
}
