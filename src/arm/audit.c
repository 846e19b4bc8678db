/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit asks of 32-bit ARM: its contract with Linux, and its fault path. */
#include "arm/faultpath.h"
#include "arm/jump.h"
#include "arm/special.h"
#include "arm/vmalloc_seq.h"
#include "audit/trap.h"

/*
 * A process has the kernel's part of the first-level table to itself, or, with LPAE, the
 * directory that maps modules and pkmap (pgd_alloc(), arch/arm/mm/pgd.c); vmalloc and
 * all above is then shared. Two things bring it up to date:
 *
 * A fault. do_translation_fault() (arch/arm/mm/fault.c) copies the pair of first-level
 * entries, or the L2 entry, from init_mm, whatever kernel address it is for; with LPAE the
 * L1 entry before, where that is empty: the space then has init_mm's directory.
 *
 * A switch. check_vmalloc_seq() (asm/mmu_context.h) lets __check_vmalloc_seq()
 * (arch/arm/mm/ioremap.c) copy all of vmalloc's entries whenever a processor is about to
 * run in a space whose vmalloc_seq is not init_mm's (vmalloc_seq.c). Module memory is not
 * among them.
 */
static const struct ws_mending mendings[] = {
	{ .function = ARM_CHECK_VMALLOC_SEQ,
	  .repair = { "switch of address spaces", "before anything runs there" },
	  .region = "vmalloc",
	  .count = arm_vmalloc_seq,
	  .then = "will not even fault, unless a processor is there already" },
	{ .function = "do_translation_fault",
	  .copies_above = true,
	  .repair = { "translation fault handler", "at the first access" },
	  .then = "faults once and goes on",
	  .works =
		  "that fault can be handled: all that handling it needs (vectors, stubs, "
		  "abort handlers) is mapped here" },
	{ .function = NULL },
};

static const struct ws_fault_path fault_path = {
	.family = &arm_faultpath,
	.is_last_resort = ws_trap_is_last_resort,
	.hangs = arm_hangs,
	.print_death = arm_print_death,
	.nesting = { "exception",
		     "an exception cannot be handled: each causes the next, without "
		     "an end or until the kernel stack has run over" },
};

/*
 * set_memory_ro() and the like change the mapping that they are given, and no other
 * (arch/arm/mm/pageattr.c): lowmem is mapped by sections and stays as it is.
 */
static const struct ws_meant meant[] = {
	{ "protection-code-alias", 4, "direct map", 0, 0,
	  ": lowmem is mapped by sections, which the kernel does not split" },
	{ NULL },
};

const struct ws_arch_audit arm_audit = {
	.jumps = arm_jumps,
	.specials = arm_specials,
	.fault_path = &fault_path,
	.meant = meant,
	.mendings = mendings,
	.user_page = "is a user page that PAN refuses",
	.user_pages = "are user pages that PAN refuses",
};
