/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Linux on AArch64 has the parts of its address space, since 5.4 (14c127c957c1;
 * Documentation/arch/arm64/memory.rst):
 *
 *	the lower half   user, by TTBR0: a root that each process has
 *	PAGE_OFFSET      direct map, by TTBR1 as all that follows: swapper_pg_dir, one for
 *	                 all; KASLR moves it inside the lower half of these addresses
 *	PAGE_END         modules, vmalloc with the kernel image in it, vmemmap, PCI I/O,
 *	                 fixmap; KASLR moves the image
 */
#include "arm64/entry.h"
#include "arm64/linux.h"
#include "linux/linux.h"

/* clang-format off */

/*
 * Addresses below PAGE_END are -1 << (bits - 1), where bits is the least that the kernel
 * may run with (VA_BITS_MIN, arch/arm64/include/asm/memory.h). PHYS_OFFSET is a multiple
 * of ARM64_MEMSTART_ALIGN (kernel-pgtable.h): a PUD's 1 GiB, 32 contiguous PMDs, which
 * are as much, or a PMD's 512 MiB. The image and modules lie below vmemmap, which has 64
 * bytes for each page of these addresses, or of half as many (memory.h). Of user tables
 * entries have PXNTable besides, since 5.13 (59511cfd08f3), and later kernels' an Access
 * flag (PMD_TABLE_AF in pgtable-hwdef.h), which processors without FEAT_HAFT ignore.
 */
#define MEMORY_FIRST_MAX (UINT64_C(1) << 44)
#define ROW(paging, bits, bits_min, granule, align) \
	{ .format = paging, .word = 8, .root = WS_ROOT_NO_KERNEL, .table_value = 3, \
	  .table_ignored = WS_BIT(59) | WS_BIT(10), .memory_end = WS_BIT(52), \
	  .direct_first = -(UINT64_C(1) << (bits)), \
	  .direct_last = -(UINT64_C(1) << ((bits_min) - 1)) - 1, \
	  .delta_first = -(UINT64_C(1) << (bits)) - MEMORY_FIRST_MAX, \
	  .delta_last = -(UINT64_C(1) << ((bits_min) - 1)) - 1, .delta_step = align, \
	  .image_first = -(UINT64_C(1) << ((bits_min) - 1)), \
	  .image_last = -(UINT64_C(1) << ((bits) - ((granule) - 6))) - 1, \
	  .image_anywhere = true, .root_maps_image = true, .image_head = true, \
	  .data_holds_bss = true, \
	  .modules_first = -(UINT64_C(1) << ((bits_min) - 1)), \
	  .modules_last = -(UINT64_C(1) << ((bits) - ((granule) - 6))) - 1 }
#define MIB_512 (UINT64_C(1) << 29)
#define GIB (UINT64_C(1) << 30)

const struct ws_linux_layout arm64_linux_layouts[] = {
	ROW(&ws_format_arm64_4k_39, 39, 39, 12, GIB),
	ROW(&ws_format_arm64_4k_48, 48, 48, 12, GIB),
	ROW(&ws_format_arm64_4k_52, 52, 48, 12, GIB),
	ROW(&ws_format_arm64_16k_47, 47, 47, 14, GIB),
	ROW(&ws_format_arm64_16k_48, 48, 48, 14, GIB),
	ROW(&ws_format_arm64_16k_52, 52, 47, 14, GIB),
	ROW(&ws_format_arm64_64k_42, 42, 42, 16, MIB_512),
	ROW(&ws_format_arm64_64k_48, 48, 48, 16, MIB_512),
	ROW(&ws_format_arm64_64k_52, 52, 48, 16, MIB_512),
	{ 0 },
};

/* clang-format on */

/* The difference at which the image lies is in every VMCOREINFO (20a166243328, 4.12). */
bool arm64_swappers(struct ws_system *system, uint64_t va,
		    uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n)
{
	uint64_t offset;

	if (!ws_vmcoreinfo(system, "NUMBER", "kimage_voffset", &offset))
		return false;
	pa[0] = va - offset;
	*n = 1;
	return true;
}
