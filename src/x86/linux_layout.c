/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Linux on x86 has the parts of its address space.
 *
 *	i386, PAE                            x86-64
 *	0            user                    0                 user
 *	PAGE_OFFSET  direct map (lowmem)     kernel_first      (guard, LDT)
 *	...          vmalloc, modules,       PAGE_OFFSET       direct map; KASLR moves it
 *	             fixmap                  ...               vmalloc, vmemmap, ...
 *	                                     ffffffff80000000  kernel image, modules
 */
#include "linux/linux.h"
#include "x86/entry.h"
#include "x86/linux.h"

/* clang-format off */

/*
 * Below 1 MiB lies the table by which a processor leaves real mode (trampoline_pgd,
 * realmode_init(), arch/x86/realmode/init.c).
 */
#define REAL_MODE_END UINT64_C(0x100000)

/*
 * Linux sets only P in a PDPTE (pud_populate(), arch/x86/include/asm/pgalloc.h); bit 5 is
 * reserved (SDM 4.4.1), but QEMU's TCG sets it as it sets A elsewhere.
 */
#define PDPTE .root = WS_ROOT_LEADS_TO_IT, .table_value = X86_P, .table_ignored = X86_A

/*
 * Vmalloc begins VMALLOC_OFFSET behind lowmem at least, and what the firmware takes out of
 * that is less (arch/x86/include/asm/pgtable_32_areas.h). In x86-64 it begins at the next
 * TiB (kaslr.c), or 64 TiB from PAGE_OFFSET on; devices have addresses below 4 GiB.
 */
#define VMALLOC_OFFSET (UINT64_C(8) << 20)
#define DEVICES_MAX (UINT64_C(4) << 30)

/*
 * No more memory than 64 GiB (MAXMEM, arch/x86/include/asm/setup.h).
 * The VMSPLIT choices of arch/x86/Kconfig are multiples of a page directory entry's 4 MiB
 * from 1 GiB up.
 */
#define ROW_32(paging, ...) \
	{ .format = paging, __VA_ARGS__, .word = 4, .from_zero = true, \
	  .direct_gap = VMALLOC_OFFSET, \
	  .anchor = UINT32_MAX, .memory_end = WS_BIT(36), \
	  .low_roots_end = REAL_MODE_END, .sections_static = true, \
	  .direct_first = UINT64_C(0x40000000), .direct_last = UINT64_C(0xffffffff), \
	  .delta_first = UINT64_C(0x40000000), .delta_last = UINT64_C(0xffffffff), \
	  .delta_step = UINT64_C(4) << 20 }

/*
 * KASLR moves the direct map in steps of a PUD entry (arch/x86/mm/kaslr.c), always below
 * the kernel image (Documentation/arch/x86/x86_64/mm.rst). The image lies in the GiB from
 * __START_KERNEL_map on; with KASLR modules begin 1 GiB above that, and lie in the last 2
 * GiB in any case: their code reaches the kernel by 32-bit signed displacements.
 */
#define ROW_64(paging) \
	{ .format = paging, .word = 8, .root = WS_ROOT_HOLDS_KERNEL, .anchor = UINT64_MAX, \
	  .memory_end = WS_BIT(52), .low_roots_end = REAL_MODE_END, .from_zero = true, \
	  .direct_gap = DEVICES_MAX, \
	  .encryption_bits = X86_C_BITS, .encryption_name = "C", \
	  .direct_first = UINT64_C(1) << 63, .direct_last = X86_KERNEL_MAP - 1, \
	  .delta_first = UINT64_C(1) << 63, .delta_last = X86_KERNEL_MAP - 1, \
	  .delta_step = UINT64_C(1) << 30, \
	  .image_first = X86_KERNEL_MAP, \
	  .image_last = X86_KERNEL_MAP + (UINT64_C(1) << 30) - 1, \
	  .modules_first = X86_KERNEL_MAP, .modules_last = UINT64_MAX }

const struct ws_linux_layout x86_linux_layouts[] = {
	ROW_32(&ws_format_i386, .root = WS_ROOT_HOLDS_KERNEL),
	ROW_32(&ws_format_i386_nopse, .root = WS_ROOT_HOLDS_KERNEL),
	ROW_32(&ws_format_i386_pae, PDPTE),
	ROW_64(&ws_format_x86_64), ROW_64(&ws_format_x86_64_la57),
	{ 0 },
};

/* clang-format on */

/* ---- VMCOREINFO's swapper_pg_dir -------------------------------------------------- */

/* In the direct map, by each PAGE_OFFSET that arch/x86/Kconfig has. */
static void swappers_32(const struct ws_system *system, uint64_t va, uint64_t *pa,
			unsigned *n)
{
	static const uint32_t splits[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000,
					   0x40000000 };

	*n = 0;
	for (unsigned i = 0; i < WS_ARRAY_SIZE(splits); i++)
		if (va >= splits[i] &&
		    (!system->layout.word || system->layout.direct_delta == splits[i]))
			pa[(*n)++] = va - splits[i];
}

/* A number since 401721ecd1dc (4.10); before, where it lies. */
static bool phys_base_of(struct ws_system *system, uint64_t *phys_base)
{
	uint64_t va;

	return ws_vmcoreinfo(system, "NUMBER", "phys_base", phys_base) ||
	       (system->layout.word &&
		ws_vmcoreinfo(system, "SYMBOL", "phys_base", &va) &&
		ws_kernel_word(system, va, phys_base) == WS_READ);
}

bool x86_swappers(struct ws_system *system, uint64_t va,
		  uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n)
{
	uint64_t phys_base;

	if (system->paging.format->va_bits == 32) {
		swappers_32(system, va, pa, n);
		return true;
	}
	if (!phys_base_of(system, &phys_base))
		return false;
	pa[0] = va - X86_KERNEL_MAP + phys_base;
	*n = 1;
	return true;
}
