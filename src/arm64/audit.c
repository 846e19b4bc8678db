/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit asks of AArch64: its contract with Linux, and its fault path. */
#include "arm64/audit.h"

#include "arm64/jump.h"
#include "arm64/special.h"
#include "audit/trap.h"

/*
 * No process has anything of the kernel's half: TTBR1 leads to swapper_pg_dir for all, so
 * that nothing can differ and nothing has to be brought up to date.
 */
static const struct ws_mending mendings[] = { { .function = NULL } };

/* arch/arm64/kernel/entry.S, entry-common.c, arch/arm64/mm/fault.c */
static const struct ws_trap_part parts[] = {
	{ "__entry_text_start", "__entry_text_end", 1, WS_TRAP_REACH, WS_KERNEL_EXECUTE,
	  false },
	{ "el1h_64_sync_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "el0t_64_sync_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "el1h_64_irq_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "el0t_64_irq_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "el1_sync_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "el0_sync_handler", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "do_mem_abort", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "do_translation_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "do_page_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "handle_mm_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "__bad_stack", NULL, 0, WS_TRAP_LAST_RESORT, WS_KERNEL_EXECUTE, false },
	{ "handle_bad_stack", NULL, 0, WS_TRAP_LAST_RESORT, WS_KERNEL_EXECUTE, false },
	{ "panic_bad_stack", NULL, 0, WS_TRAP_LAST_RESORT, WS_KERNEL_EXECUTE, false },
	{ "overflow_stack", NULL, WS_FRAME_SIZE, WS_TRAP_LAST_RESORT, WS_KERNEL_WRITE,
	  true },
	{ NULL },
};

/*
 * VBAR_EL1 (Arm ARM D24.2.202) leads to 16 vectors of 128 bytes. While user mode runs it is
 * what this_cpu_vector says: with mitigations of Spectre-BHB others (558c303c9734, 5.17),
 * with KPTI those of the trampoline, at TRAMP_VALIAS in the fixmap, which go on to the
 * kernel's own when they have changed TTBR1.
 */
static const char *const vectors[] = {
	"EL1 with SP_EL0, synchronous",
	"EL1 with SP_EL0, IRQ",
	"EL1 with SP_EL0, FIQ",
	"EL1 with SP_EL0, SError",
	"EL1, synchronous",
	"EL1, IRQ",
	"EL1, FIQ",
	"EL1, SError",
	"EL0, synchronous",
	"EL0, IRQ",
	"EL0, FIQ",
	"EL0, SError",
	"32-bit EL0, synchronous",
	"32-bit EL0, IRQ",
	"32-bit EL0, FIQ",
	"32-bit EL0, SError",
	NULL,
};

static const struct ws_trap trap = {
	.vector_register = "vbar_el1",
	.vector_mask = ~UINT64_C(0x7ff),
	.vector_symbol = "vectors",
	.user_variable = "this_cpu_vector",
	.vector_size = 0x800,
	.vectors = vectors,
	.vector_step = 0x80,
	.parts = parts,
	.loop = "its fetch of what VBAR_EL1 leads to is a fault, for which it fetches that "
		"again",
	.overflow =
		"the frames of the faults fill the task's stack, and the vectors go to "
		"the overflow stack at its end (__bad_stack)",
};

static const struct ws_fault_path fault_path = WS_TRAP_FAULT_PATH(&trap);

const struct ws_arch_audit arm64_audit = {
	.jumps = arm64_jumps,
	.specials = arm64_specials,
	.fault_path = &fault_path,
	.mendings = mendings,
	.user_page = "is a user page that PAN refuses",
	.user_pages = "are user pages that PAN refuses",
};

/* Once for all processors. */
void arm64_tour(struct ws_system *system, const struct ws_cpu *cpu)
{
	if (cpu != system->target->cpus.v)
		return;
	ws_trap_tour(system);
	ws_jumps_tour(system);
}
