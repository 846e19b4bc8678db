/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Linux on 32-bit ARM has the parts of its address space
 * (Documentation/arch/arm/memory.rst).
 *
 *	0                     user
 *	PAGE_OFFSET - 16 MiB  modules (TASK_SIZE is where they begin)
 *	PAGE_OFFSET - 2 MiB   pkmap
 *	PAGE_OFFSET           direct map (lowmem): from PHYS_OFFSET on, which only a
 *	                      running kernel knows (ARM_PATCH_PHYS_VIRT)
 *	...                   8 MiB, vmalloc
 *	0xff800000            the device tree, fixmap
 *	0xffff0000            vectors, and behind them their stubs
 */
#include "arm/entry.h"
#include "arm/linux.h"
#include "linux/linux.h"

#define MIB (UINT64_C(1) << 20)

/* clang-format off */

/*
 * Text begins with a section, since it is write-protected by sections (vmlinux.lds.S,
 * STRICT_KERNEL_RWX); the head, with the first page tables before it, does not.
 */
/* VMSPLIT_1G to VMSPLIT_3G (arch/arm/Kconfig); LPAE has 40 bits of physical address. */
#define VECTORS UINT64_C(0xffff0000) /* mapped by every root */
#define ROW(paging, step, ...) \
	{ .format = paging, __VA_ARGS__, .word = 4, .below = 16 * MIB, \
	  .direct_first = UINT64_C(0x40000000), .direct_last = UINT64_C(0xffffffff), \
	  .delta_first = -(UINT64_C(1) << 40), .delta_last = UINT64_C(0xffffffff), \
	  .delta_step = step, .memory_end = WS_BIT(40), \
	  .anchor = VECTORS, .sections_static = true, .image_head_max = 2 * MIB, \
	  .data_holds_bss = true, .sp_in_thread_info = true }

/* root_before_image: PG_DIR_SIZE (arch/arm/kernel/head.S), the same since 2.6 and 3.3 */
const struct ws_linux_layout arm_linux_layouts[] = {
	ROW(&ws_format_arm, MIB, .root = WS_ROOT_HOLDS_KERNEL,
	    .root_before_image = 0x4000),
	/* L_PGD_SWAPPER (asm/pgtable-3level.h) says that the table is init_mm's */
	ROW(&ws_format_arm_lpae, 2 * MIB, .root = WS_ROOT_LEADS_TO_IT,
	    .table_value = WS_BITS(1, 0), .table_ignored = WS_BIT(55),
	    .root_before_image = 0x5000),
	{ 0 },
};

/* clang-format on */

/* ---- VMCOREINFO's swapper_pg_dir -------------------------------------------------- */

/* Where RAM begins, as far as the target holds it; most boards have one piece. */
static void add_swappers(const struct ws_system *system, uint64_t va, uint64_t split,
			 uint64_t *pa, unsigned *n)
{
	ws_vec_each(&system->target->memory, piece)
		if (va >= split && *n < WS_SWAPPERS_MAX)
			pa[(*n)++] = va - split + (piece->at.pa & -MIB);
}

/*
 * The kernel takes the first of RAM that it is loaded into for PHYS_OFFSET, whatever
 * VMCOREINFO says, which has no number for it.
 */
bool arm_swappers(struct ws_system *system, uint64_t va,
		  uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n)
{
	/* arch/arm/Kconfig, PAGE_OFFSET, the most usual first */
	static const uint32_t splits[] = { 0xc0000000, 0x80000000, 0xb0000000,
					   0x40000000 };

	*n = 0;
	if (system->layout.word)
		pa[(*n)++] = va - system->layout.direct_delta;
	for (size_t i = 0; i < WS_ARRAY_SIZE(splits) && !system->layout.word; i++)
		add_swappers(system, va, splits[i], pa, n);
	return true;
}
