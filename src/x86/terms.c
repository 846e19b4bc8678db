/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The glossary's words in Linux on x86, and in the Intel SDM, volume 3. */
#include "x86/registers.h"

/* clang-format off */
const struct ws_term x86_terms[] = {
	{ "target", NULL, "physical memory" },
	{ "root", NULL, "CR3 without its flags; page directory, PDPT or PML4 table" },
	{ "space", NULL, "linear-address space" },
	{ "kernel half", NULL, "supervisor-mode addresses" },
	{ "hole", NULL, "an entry whose P flag is 0" },
	{ "encryption bit", "_PAGE_ENC, cc_mkdec()", "C (AMD SME, SEV); shared (Intel TDX)" },
	{ "fault path", "asm_exc_page_fault, cpu_entry_area",
	  "exception delivery (chapter 6) by IDT, GDT and TSS" },
	{ "entry stack", "cpu_entry_stack, tss->sp0", "ESP0 or RSP0, IST" },
	{ "exception frame", NULL, "stack frame: error code, EIP, CS, EFLAGS" },
	{ "page frame", NULL, "4-KByte page" },
	{ "lazy fault", "vmalloc_fault()", NULL },
	{ "used by no task", "trampoline_pgd, real-mode tables", NULL },
	{ "verdict heals", "vmalloc_fault()", NULL },
	{ "verdict diverges", NULL, "#PF" },
	{ "verdict leaks", NULL, "U/S flag set in every entry" },
	{ "verdict nests", NULL, "#PF, at last #DF" },
	{ "verdict double-faults", NULL, "#DF, at last shutdown" },
	{ "fate survives", "exc_page_fault()", "#PF" },
	{ "fate panics", "exc_double_fault()", "#DF" },
	{ "fate triple fault", NULL, "shutdown" },
	{ NULL },
};
/* clang-format on */
