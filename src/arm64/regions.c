/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end
 * (Documentation/arch/arm64/memory.rst). VMCOREINFO has most of them since 5.18
 * (2369f171d5c5); without, the beginning of vmalloc memory follows from PAGE_END
 * (arch/arm64/include/asm/memory.h), and nothing else is named.
 *
 *	direct map | modules | vmalloc, and the kernel image in it | vmemmap | fixmap ...
 */
#include "arm64/linux.h"
#include "linux/region.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Before 6.5 modules had 128 MiB there, now 2 GiB (3e35d303ab7d). */
#define MODULES_MAX (2 * GIB)

static enum ws_status add(struct ws_system *system, const char *name, const char *first,
			  const char *end)
{
	uint64_t from, to;

	if (!ws_vmcoreinfo(system, "NUMBER", first, &from) ||
	    !ws_vmcoreinfo(system, "NUMBER", end, &to) || to <= from)
		return WS_OK;
	return ws_region_add(system, name, from, to - 1);
}

/*
 * With KASLR the kernel and its modules lie together anywhere in vmalloc memory
 * (arch/arm64/kernel/kaslr.c, module.c): each module where its own region is.
 */
static enum ws_status add_modules(struct ws_system *system)
{
	const struct ws_module *modules;
	uint64_t first = UINT64_MAX, last = 0;
	enum ws_status status;
	size_t n;

	status = ws_system_modules(system, &modules, &n);
	if (status != WS_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		for (unsigned r = 0; r < modules[i].nregions; r++) {
			const struct ws_region *region = &modules[i].region[r];

			if (region->va < first)
				first = region->va;
			if (region->va + region->len - 1 > last)
				last = region->va + region->len - 1;
		}
	if (last < first || last - first >= MODULES_MAX)
		return WS_OK;
	return ws_region_add(system, "modules", first, last);
}

enum ws_status arm64_regions(struct ws_system *system)
{
	const struct ws_linux_layout *row = ws_linux_layout_of(system->format);
	uint64_t vmalloc;
	enum ws_status status;

	status = ws_vmcoreinfo(system, "NUMBER", "VMALLOC_END", &vmalloc)
			 ? add(system, "vmalloc", "VMALLOC_START", "VMALLOC_END")
			 : ws_region_add(system, "vmalloc", row->image_first, UINT64_MAX);
	if (status == WS_OK)
		status = add(system, "vmemmap", "VMEMMAP_START", "VMEMMAP_END");
	if (status == WS_OK)
		status = add(system, "modules", "MODULES_VADDR", "MODULES_END");
	return status == WS_OK ? add_modules(system) : status;
}
