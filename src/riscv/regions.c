/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end
 * (Documentation/arch/riscv/vm-layout.rst). VMCOREINFO has them since 6.2 (649d6b1019a2);
 * without, they follow from PAGE_OFFSET (arch/riscv/include/asm/pgtable.h):
 *
 *	PCI I/O | vmemmap | vmalloc | direct map | KASAN shadow | modules | kernel image
 */
#include "linux/region.h"
#include "riscv/linux.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* What lies at both ends of the upper half: its width is the format's. */
struct areas {
	uint64_t vmalloc, vmalloc_end, vmemmap, vmemmap_end, modules, modules_end;
};

/*
 * KERN_VIRT_SIZE is a quarter of all addresses, VMALLOC_SIZE half of that; of vmemmap
 * there are 64 bytes for each page of the direct map's greatest extent.
 */
static struct areas by_page_offset(const struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	unsigned va_bits = system->format->va_bits;
	uint64_t offset = layout->page_offset & -GIB;
	uint64_t vmalloc = offset - (UINT64_C(1) << (va_bits - 3));
	uint64_t image_last =
		layout->image_last ? layout->image_last : RISCV_KERNEL_MAP + GIB;

	return (struct areas){
		.vmalloc = vmalloc,
		.vmalloc_end = offset,
		.vmemmap = vmalloc - (UINT64_C(1) << (va_bits - 12 - 1 + 6)),
		.vmemmap_end = vmalloc,
		.modules = image_last + 1 - 2 * GIB,
		.modules_end =
			layout->image_last ? layout->image_first : RISCV_KERNEL_MAP,
	};
}

static void by_vmcoreinfo(const struct ws_system *system, struct areas *areas)
{
	ws_vmcoreinfo(system, "NUMBER", "VMALLOC_START", &areas->vmalloc);
	ws_vmcoreinfo(system, "NUMBER", "VMALLOC_END", &areas->vmalloc_end);
	ws_vmcoreinfo(system, "NUMBER", "VMEMMAP_START", &areas->vmemmap);
	ws_vmcoreinfo(system, "NUMBER", "VMEMMAP_END", &areas->vmemmap_end);
	ws_vmcoreinfo(system, "NUMBER", "MODULES_VADDR", &areas->modules);
	ws_vmcoreinfo(system, "NUMBER", "MODULES_END", &areas->modules_end);
}

/* FIXADDR_TOP is where PCI I/O begins; the fixmap ends a page directory's entry below. */
#define PCI_IO (16 * MIB)
#define FIXMAP (6 * MIB)

enum ws_status riscv_regions(struct ws_system *system)
{
	struct areas a = by_page_offset(system);
	enum ws_status status;
	uint64_t pci;

	by_vmcoreinfo(system, &a);
	pci = a.vmemmap - PCI_IO;
	status = ws_region_add(system, "vmalloc", a.vmalloc, a.vmalloc_end - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "vmemmap", a.vmemmap, a.vmemmap_end - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "modules", a.modules, a.modules_end - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "PCI I/O", pci, a.vmemmap - 1);
	if (status == WS_OK)
		status = ws_region_add(system, "fixmap", pci - FIXMAP, pci - 1);
	return status;
}
