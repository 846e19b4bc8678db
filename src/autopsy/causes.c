/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The causes of death that are told apart, a row each, strongest traces first: the first row
 * that holds is the cause. A row holds only where a trace of the death and the page tables
 * say the same; memory in which a fault would kill, and did not, is the audit's business.
 */
#include "autopsy/causes.h"

struct row {
	struct ws_cause cause;
	ws_cause_holds *holds;
};

/* clang-format off */
static const struct row rows[] = {
	{ { "handler-unmapped", "a fault's handler was not mapped",
	    "The processor found the gate, pushed an exception frame, and could not fetch the "
	    "handler's first byte in the space that was loaded: that is a page fault, for which "
	    "it pushed the next frame and went to the same gate. The frames fill the stack and, "
	    "where no guard page ends it, the memory below.",
	    "A handler in a module: keep what a gate leads to in the kernel image, or bring every "
	    "space up to date before the gate is changed. One in the image, which every space has "
	    "from its beginning: find who cleared the entry for it." }, ws_is_unmapped },
	{ { "user-half-short", "a user half lacks the entry code",
	    "With page-table isolation user mode runs by a table of its own, which has only what "
	    "an entry to the kernel needs. Here it lacks a part of that, so the first fault in "
	    "user mode cannot be handled.",
	    "Map all of the entry text in user halves: what is cloned must go to its end." },
	  ws_is_short_user_half },
	{ { "handler-not-executable", "a fault's handler may not be executed",
	    "The gate leads to memory that is mapped, and that the tables or the processor's "
	    "control registers forbid to execute: data, or a page of user mode's. That is a page "
	    "fault, for which it goes to the same gate.",
	    "A hook belongs into module or kernel text, never into data or user memory." },
	  ws_is_not_executable },
	{ { "handler-unreached", "a storm ran over the page table it came from",
	    "Frames of one fault that came again and again run down through memory, and over "
	    "a page table of the very space that was loaded. What that table lacked cannot be "
	    "read any more; that it lacked something, the frames say.",
	    "Audit a dump from before the death, or another machine with the same modules." },
	  ws_is_root_run_over },
	{ { "handler-overwritten", "a fault's handler is no code any more",
	    "The gate leads to memory that is mapped and may be executed, and what lies there is no "
	    "instruction: that is an invalid opcode, whose handler, as it reports that, causes "
	    "a fault that needs the first handler again.",
	    "Find who wrote there: a hook that patches code, or a write by another mapping of the "
	    "page, since the kernel's own is read-only." }, ws_is_handler_overwritten },
	{ { "delivery-unmapped", "what a delivery needs was not mapped",
	    "To deliver an exception the processor reads its tables of handlers, segments and "
	    "stacks, and pushes to a stack, all through the loaded page table. Where one is missing, "
	    "delivery fails, which is a double fault; where that cannot be delivered either, the "
	    "processor shuts down.",
	    "Keep these in memory that every space shares from the beginning." },
	  ws_is_delivery_failed },
	{ { "stack-overflow", "a kernel stack ran over",
	    "A task's calls needed more than its kernel stack has. A guard page below turns that "
	    "into a page fault, which cannot be pushed on the same stack; without one the stack runs "
	    "over what lies there.",
	    "Find what calls itself, or has large local variables." }, ws_is_stack_overflow },
	{ { "root-not-a-table", "the loaded root is no page table",
	    "The register that holds the root points to memory that is no root any more, or never "
	    "was one. Nothing of the kernel is mapped by it, no handler either.",
	    "Find who wrote the register or the mm's pgd, or freed the table too early." },
	  ws_is_foreign_root },
	{ { "table-overwritten", "a page table was overwritten",
	    "What lies where a page table should be is no table: something wrote over it. The "
	    "processor takes these words for entries, and what they map is lost or strange.",
	    "Find who wrote there: a stray pointer, a device's DMA, a page that was freed too "
	    "early, or a kernel stack above it that no guard page ends." }, ws_is_table_overwritten },
	{ { "stale-translation", "a processor used a translation that is no more",
	    "The processor faulted where its page tables, as they are, give no reason to: its TLB "
	    "had kept an older translation. Tables may be changed at any time, but who takes a page "
	    "or a right away has to flush the TLB of every processor.",
	    "Find who changed the mapping without a flush (flush_tlb_kernel_range() and the "
	    "like), or with one on this processor alone." }, ws_is_stale },
	{ { "space-short", "a space lacked kernel memory that init_mm has",
	    "The kernel used memory of its own that init_mm maps, in a space whose page table has "
	    "no entry for it. Each space has its own copy of the uppermost entries, and this one "
	    "never got that one, or lost it.",
	    "Find who added the mapping to init_mm alone (see arch_sync_kernel_mappings()); "
	    "`whosees audit' has the other spaces that lack it." },
	  ws_is_space_short },
	{ { "fetch-refused", "the kernel jumped to memory it may not execute",
	    "The page is mapped, and the tables or the processor's control registers forbid to "
	    "execute it: it is for data, or user mode's.",
	    "Find who led it there: a function pointer that was overwritten, a hook in data, or "
	    "a mapping of code whose right to execute was taken away." }, ws_is_fetch_refused },
	{ { "tables-damaged", "the processor's own tables are damaged",
	    "A table of handlers, segments or stacks does not hold what a processor can use, in "
	    "every space alike.",
	    "Find what wrote there; a dump that is damaged looks the same." },
	  ws_is_table_damaged },
};
/* clang-format on */

const struct ws_cause *ws_cause_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(rows) ? &rows[i].cause : NULL;
}

void ws_cause_find(struct ws_autopsy *autopsy)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++)
		if (rows[i].holds(autopsy, &autopsy->death)) {
			autopsy->death.cause = &rows[i].cause;
			return;
		}
}
