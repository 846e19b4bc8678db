/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Into the kernel, at its virtual addresses (arch/riscv/kernel/head.S):
 *
 *	relocate_enable_mmu  stvec leads to the virtual address of what follows
 *	satp = trampoline_pg_dir  the next fetch, at the physical address, traps there
 *	satp = swapper_pg_dir     the fetch of what follows that is translated alike
 *
 * So both have to map that code at its virtual address, to the same memory;
 * trampoline_pg_dir has only the superpage that the image begins with (setup_vm(),
 * arch/riscv/mm/init.c). A hart that resumes goes the same way, and back by swapper_pg_dir
 * to where it slept (kernel/suspend_entry.S).
 *
 * Out of it, kexec needs none of this: it has stvec lead to the physical address, and
 * turns translation off (kernel/kexec_relocate.S).
 */
#include "riscv/jump.h"

#include "linux/symtab.h"

static void set_root(const struct ws_system *system, const char *name, uint64_t root,
		     struct ws_jump_tables *tables)
{
	const struct ws_format *format = system->paging.format;

	*tables =
		(struct ws_jump_tables){ .name = name,
					 .root = root,
					 .format = format,
					 .eye = { 1,
						  { { 0, UINT64_MAX, root, format } } } };
}

static const char *by_trampoline(struct ws_system *system, const struct ws_jump *jump,
				 struct ws_jump_tables *tables)
{
	uint64_t va, root;

	(void)jump;
	if (!ws_jump_symbol(system, "trampoline_pg_dir", &va) ||
	    ws_kernel_translate(system, va, &root) != WS_READ)
		return "trampoline_pg_dir was not found";
	set_root(system, "trampoline_pg_dir", root, tables);
	return NULL;
}

static const char *by_swapper(struct ws_system *system, const struct ws_jump *jump,
			      struct ws_jump_tables *tables)
{
	(void)jump;
	if (system->layout.consensus)
		return "swapper_pg_dir was not found";
	set_root(system, "swapper_pg_dir", system->layout.reference, tables);
	return NULL;
}

#define RELOCATE(tables)                                                   \
	{                                                                  \
		"relocate_enable_mmu", "secondary_start_sbi", true, tables \
	}

const struct ws_jump riscv_jumps[] = {
	{ .what = "bringing up a processor",
	  .by = "smp_callin",
	  .step = { RELOCATE(by_trampoline), RELOCATE(by_swapper) } },
	{ .what = "resuming a processor",
	  .by = "__cpu_resume_enter",
	  .step = { RELOCATE(by_trampoline), RELOCATE(by_swapper) } },
	{ .what = NULL },
};
