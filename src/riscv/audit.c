/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit asks of RISC-V: its contract with Linux, and its fault path. */
#include "riscv/audit.h"

#include "audit/trap.h"
#include "riscv/jump.h"
#include "riscv/special.h"

/*
 * A process has the top-level entries of the kernel's half to itself, copied when its
 * root is made (sync_kernel_mappings(), arch/riscv/include/asm/pgalloc.h); all below is
 * shared. Until 6.5 a fault copied those of vmalloc and module memory, inlined into its
 * handler; since 7d3332be011e init_mm's are all there from the start, and lead to empty
 * tables (preallocate_pgd_pages_range(), arch/riscv/mm/init.c). What is new there is not
 * made known to other processors since 503638e0babf (6.12): the entry code sees by a bit
 * in new_vmalloc that a fault may be of a stale TLB entry, and needs no table for that.
 */
#define BY_FAULT(area)                                                                 \
	{                                                                              \
		.function = "do_page_fault",                                           \
		.repair = { "lazy fault handler", "at the first access" },             \
		.region = area, .then = "faults once and goes on",                     \
		.works = "that page fault can be handled: all that handling it needs " \
			 "(stvec, stack, handler) is mapped here",                     \
		.unless = "preallocate_pgd_pages_range"                                \
	}

static const struct ws_mending mendings[] = {
	BY_FAULT("vmalloc"),
	BY_FAULT("modules"),
	{ .function = NULL },
};

/* arch/riscv/kernel/entry.S, arch/riscv/mm/fault.c */
static const struct ws_trap_part parts[] = {
	{ "ret_from_exception", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "excp_vect_table", "excp_vect_table_end", 8, WS_TRAP_REACH, 0, false },
	{ "do_page_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "handle_page_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "handle_mm_fault", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "do_irq", NULL, 0, WS_TRAP_REACH, WS_KERNEL_EXECUTE, false },
	{ "new_vmalloc", NULL, 8, WS_TRAP_REACH, WS_KERNEL_WRITE, false },
	{ "handle_kernel_stack_overflow", NULL, 0, WS_TRAP_LAST_RESORT, WS_KERNEL_EXECUTE,
	  false },
	{ "handle_bad_stack", NULL, 0, WS_TRAP_LAST_RESORT, WS_KERNEL_EXECUTE, false },
	{ "overflow_stack", NULL, WS_FRAME_SIZE, WS_TRAP_LAST_RESORT, WS_KERNEL_WRITE,
	  true },
	{ NULL },
};

/* stvec's two lowest bits are its mode (Privileged Architecture 12.1.2). */
static const struct ws_trap trap = {
	.vector_register = "stvec",
	.vector_mask = ~UINT64_C(3),
	.vector_symbol = "handle_exception",
	.vectors = (const char *const[]){ "trap", NULL },
	.parts = parts,
	.data_refused = WS_USER_READ,
	.loop = "its fetch of what stvec leads to faults, and the hart traps to stvec again",
	.overflow = "the frames of the faults fill the task's stack, and the entry code "
		    "stops at its end (handle_bad_stack())",
};

static const struct ws_fault_path fault_path = WS_TRAP_FAULT_PATH(&trap);

const struct ws_arch_audit riscv_audit = {
	.jumps = riscv_jumps,
	.specials = riscv_specials,
	.fault_path = &fault_path,
	.mendings = mendings,
	.user_page = "is a user page, which the kernel may not touch without SUM",
	.user_pages = "are user pages, which the kernel may not touch without SUM",
};

/* Once for all processors. */
void riscv_tour(struct ws_system *system, const struct ws_cpu *cpu)
{
	if (cpu != system->target->cpus.v)
		return;
	ws_trap_tour(system);
	ws_jumps_tour(system);
}
