/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables that Linux on RISC-V has for purposes of its own.
 *
 * trampoline_pg_dir: the superpage that the image begins with, through which a processor
 * that comes up gets to its virtual addresses (setup_vm(), arch/riscv/mm/init.c). Whether
 * the code is there, the jumps say (jump.c).
 *
 * efi_mm, where there is EFI: firmware is called in it. It is made as a process's, with the
 * kernel's top-level entries (efi_virtmap_init(), drivers/firmware/efi/riscv-runtime.c).
 */
#include "riscv/special.h"

#include "audit/code.h"

enum { TRAMPOLINE, EFI };

const struct ws_special_root riscv_special_roots[] = {
	[TRAMPOLINE] = { .name = "trampoline_pg_dir",
			 .symbol = { "trampoline_pg_dir" },
			 .by = WS_SPECIAL_TABLE },
	[EFI] = { .name = "efi_mm", .symbol = { "efi_mm" }, .by = WS_SPECIAL_MM },
	{ .name = NULL },
};

static const struct ws_special_duty trampoline[] = {
	{ .what = WS_SPECIAL_MAY, .first = "_start", .size = 1 },
	{ .what = WS_SPECIAL_NOTHING_ELSE,
	  .severity = WS_WARNING,
	  .then = "a processor that comes up has more of memory mapped than the code that "
		  "it runs there" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty efi[] = {
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_ERROR,
	  .by_mendings = true,
	  .then = "a call into firmware, or what interrupts it, faults" },
	{ .what = WS_SPECIAL_NO_USER,
	  .severity = WS_ERROR,
	  .then = "kernel memory can be accessed from user mode" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

const struct ws_special riscv_specials[] = {
	{ &riscv_special_roots[TRAMPOLINE], trampoline },
	{ &riscv_special_roots[EFI], efi },
	{ .root = NULL },
};
