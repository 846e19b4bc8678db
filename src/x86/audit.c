/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit asks of x86: its contract with Linux, and its fault path. */
#include "x86/faultpath.h"
#include "x86/special.h"
#include "x86/tlb_state.h"

/*
 * vmalloc_fault() copies the entry from init_mm at the first touch (arch/x86/mm/fault.c).
 * i386 has it, but for a time in 2020; x86-64 had it until 7f0a002b5a21 (5.8). It leaves
 * alone all that is not in vmalloc, a module's memory on x86-64 too.
 */
static const struct ws_mending mendings[] = {
	{ .function = "vmalloc_fault",
	  .repair = { "lazy fault handler", "at the first access" },
	  .region = "vmalloc",
	  .then = "faults once and goes on",
	  .works =
		  "that page fault can be handled: all that handling it needs (IDT, stack, "
		  "handler) is mapped here" },
	{ .function = NULL },
};

static const struct ws_fault_path fault_path = {
	.family = &x86_faultpath,
	.task_stack = &x86_fault_rules[X86_RULE_TASK_STACK],
	.is_last_resort = x86_is_last_resort,
	.hangs = x86_hangs,
	.print_death = x86_print_death,
	.nesting = { "page fault",
		     "page faults cannot reach their handler: each causes the next, "
		     "until an exception frame cannot be written" },
};

static const struct ws_meant meant[] = {
	/* "required and is not a result of an accidental oversight": c200dac78fec (2018) */
	{ "protection-wx", 4, NULL, 0xa0000, 0xfffff,
	  ": the PCI BIOS, which the kernel calls" },
	{ NULL },
};

/*
 * What PTI copies (arch/x86/mm/pti.c): the cpu_entry_area, espfix, the LDT, entry text,
 * of the image no more than what is read-only (pti_clone_kernel_text()), and on x86-64 a
 * page of each processor's TSS, which the cpu_entry_area has too. Each mm maps its own LDT,
 * and none maps init_mm's: there is none (map_ldt_struct(), arch/x86/kernel/ldt.c).
 */
static const char *const whole[] = { "cpu_entry_area", "espfix", "LDT remap", NULL };
static const char *const own[] = { "LDT remap", NULL };
static const struct ws_isolation isolation = { "cpu_entry_area", whole, own };

const struct ws_arch_audit x86_audit = {
	.fault_path = &fault_path,
	.flushes = x86_flushes,
	.mendings = mendings,
	.tries_again = true, /* spurious_kernel_fault() (arch/x86/mm/fault.c) */
	.user_page = "is a user page that SMEP or SMAP refuses",
	.user_pages = "are user pages that SMEP or SMAP refuses",
	.meant = meant,
	.specials = x86_specials,
	.isolation = &isolation,
	.reads_past_holes = true,   /* Documentation/admin-guide/hw-vuln/l1tf.rst */
	.first_frame_unused = true, /* the BIOS's: trim_bios_range() */
};
