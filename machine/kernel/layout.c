/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things lie, as in Linux's arch/x86/include/asm/page_types.h,
 * pgtable_32_areas.h and Documentation/arch/x86/x86_64/mm.rst; selectors as in
 * asm/segment.h.
 *
 * Kernel memory is executable in all formats, as it was before CONFIG_DEBUG_RODATA and
 * its like: a handler in kmalloc() memory was something that worked.
 *
 * With PAE each space has a page-middle directory of its own for the kernel's gigabyte,
 * as Linux has under page-table isolation, and always since 2025. When all shared one,
 * the format could not have the bug that this kernel is about.
 */
#include "machine/kernel/internal.h"

/* vmalloc.h: a hole after the direct map, so that a stray pointer past it is caught. */
#define VMALLOC_OFFSET (8 * MIB)

/* clang-format off */
static const struct layout layouts[] = {
	[KERNEL_I386] = {
		.name = "i386",
		.page_offset = 0xc0000000,
		.image = 0xc1000000, .image_pa = 0x1000000, .image_size = 4 * MIB,
		.vmalloc_last = 0xff7fffff, .modules_last = 0xff7fffff,
		.user_first = 0x08048000, .user_last = 0xbfffffff,
		.stack_size = 0x2000, .most_ram = 896 * MIB,
		.levels = 2, .entry_size = 4, .word = 4,
		.private_level = 2, .large_shift = 22,
		.kernel_cs = 0x60, .kernel_ds = 0x68, .user_cs = 0x73, .user_ds = 0x7b,
		.tss = 0x80, .double_fault_tss = 0xf8,
	},
	[KERNEL_I386_PAE] = {
		.name = "i386-pae",
		.page_offset = 0xc0000000,
		.image = 0xc1000000, .image_pa = 0x1000000, .image_size = 4 * MIB,
		.vmalloc_last = 0xff7fffff, .modules_last = 0xff7fffff,
		.user_first = 0x08048000, .user_last = 0xbfffffff,
		.stack_size = 0x2000, .most_ram = 896 * MIB,
		.levels = 3, .entry_size = 8, .word = 4,
		.private_level = 2, .large_shift = 21,
		.kernel_cs = 0x60, .kernel_ds = 0x68, .user_cs = 0x73, .user_ds = 0x7b,
		.tss = 0x80, .double_fault_tss = 0xf8,
	},
	[KERNEL_X86_64] = {
		.name = "x86_64",
		.page_offset = 0xffff888000000000,
		.image = 0xffffffff81000000, .image_pa = 0x1000000, .image_size = 4 * MIB,
		.vmalloc_first = 0xffffc90000000000, .vmalloc_last = 0xffffe8ffffffffff,
		.modules_first = 0xffffffffa0000000, .modules_last = 0xfffffffffeffffff,
		.user_first = 0x400000, .user_last = 0x7fffffffefff,
		.stack_size = 0x4000, .most_ram = 64 * 1024 * MIB,
		.levels = 4, .entry_size = 8, .word = 8,
		.private_level = 4, .large_shift = 21,
		.kernel_cs = 0x10, .kernel_ds = 0x18, .user_cs = 0x33, .user_ds = 0x2b,
		.tss = 0x40,
	},
};
/* clang-format on */

bool layout_of(enum kernel_format format, uint64_t ram, struct layout *layout)
{
	if (format > KERNEL_X86_64)
		return false;
	*layout = layouts[format];
	if (ram % MIB || ram > layout->most_ram ||
	    ram < layout->image_pa + layout->image_size + 4 * MIB)
		return false;
	if (!layout->vmalloc_first) {
		layout->vmalloc_first =
			(layout->page_offset + ram + 2 * VMALLOC_OFFSET - 1) &
			~(VMALLOC_OFFSET - 1);
		layout->modules_first = layout->vmalloc_first;
	}
	return true;
}
