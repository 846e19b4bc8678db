/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Linux on RISC-V has the parts of its address space
 * (Documentation/arch/riscv/vm-layout.rst):
 *
 *	the lower half    user
 *	...               fixmap, PCI I/O, vmemmap, vmalloc: up to PAGE_OFFSET
 *	PAGE_OFFSET       direct map
 *	...               KASAN's shadow
 *	ffffffff00000000  modules, to the end of the image at most
 *	ffffffff80000000  kernel image
 */
#include "linux/linux.h"
#include "riscv/entry.h"
#include "riscv/linux.h"

/* clang-format off */

/*
 * The direct map begins with memory, wherever a machine has that: no higher than
 * MEMORY_FIRST_MAX. Of Sv39 PAGE_OFFSET was ffffffe000000000 before 5.17, and
 * ffffffd800000000 before 6.12; the differences of the image are not among those.
 */
#define MEMORY_FIRST_MAX (UINT64_C(1) << 42)
#define PMD_SIZE (UINT64_C(2) << 20)
#define ROW(paging, first, last, last_offset) \
	{ .format = paging, .word = 8, .root = WS_ROOT_HOLDS_KERNEL, \
	  .memory_end = WS_BIT(56), \
	  .direct_first = first, .direct_last = last, \
	  .delta_first = first - MEMORY_FIRST_MAX, .delta_last = last_offset, \
	  .delta_step = PMD_SIZE, \
	  .image_first = RISCV_KERNEL_MAP, .image_last = UINT64_MAX, \
	  .anchor = RISCV_KERNEL_MAP, .root_maps_image = true, .image_head = true, \
	  .modules_first = UINT64_C(0xffffffff00000000), .modules_last = UINT64_MAX }

const struct ws_linux_layout riscv_linux_layouts[] = {
	ROW(&ws_format_riscv_sv39, UINT64_C(0xffffffd600000000),
	    UINT64_C(0xfffffffeffffffff), UINT64_C(0xffffffe000000000)),
	ROW(&ws_format_riscv_sv48, UINT64_C(0xffffaf8000000000),
	    UINT64_C(0xffffef7fffffffff), UINT64_C(0xffffaf8000000000)),
	ROW(&ws_format_riscv_sv57, UINT64_C(0xff60000000000000),
	    UINT64_C(0xffdeffffffffffff), UINT64_C(0xff60000000000000)),
	{ 0 },
};

/* clang-format on */

/*
 * va_kernel_pa_offset is in VMCOREINFO since 6.5 (fbe7d19d2b7f); before, the image lay
 * where a loader put it: 2 MiB into memory, behind OpenSBI, or at its beginning.
 */
bool riscv_swappers(struct ws_system *system, uint64_t va,
		    uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n)
{
	uint64_t offset, ram;

	if (ws_vmcoreinfo(system, "NUMBER", "va_kernel_pa_offset", &offset)) {
		pa[0] = va - offset;
		*n = 1;
		return true;
	}
	if (!ws_vmcoreinfo(system, "NUMBER", "phys_ram_base", &ram))
		return false;
	pa[0] = va - RISCV_KERNEL_MAP + ram;
	pa[1] = pa[0] + PMD_SIZE;
	*n = 2;
	return true;
}
