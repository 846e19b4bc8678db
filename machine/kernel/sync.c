/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a space that exists learns of kernel entries made since. kernel.h names the
 * strategies; here is what each does.
 */
#include "machine/kernel/pgtable.h"
#include "machine/kernel/say.h"

/* clang-format off */
const struct kernel_strategy kernel_strategies[] = {
	[KERNEL_SYNC_NONE] = { "none",
		"a space that exists never learns of a new kernel entry",
		"nobody's: what is left when all the others are taken away" },
	[KERNEL_SYNC_LAZY] = { "lazy",
		"the page-fault handler copies the entry that was missing; removals reach no other space",
		"i386 up to 5.2, x86_64 up to 5.7: vmalloc_fault() in arch/x86/mm/fault.c" },
	[KERNEL_SYNC_EAGER] = { "eager",
		"each kernel entry that comes or goes is written to every space at once",
		"x86 in 5.8: arch_sync_kernel_mappings(), 2ba3e6947aed, 86cf69f1d893; no "
		"lazy faults, 7f0a002b5a21" },
	[KERNEL_SYNC_EAGER_ON_LOAD] = { "eager-on-load",
		"lazy, but loading a driver writes all entries to every space",
		"vmalloc_sync_all() in register_die_notifier(), 2006; what dtrace's repair "
		"calls" },
	[KERNEL_SYNC_PREALLOCATED] = { "preallocated",
		"every top-level entry of the vmalloc area gets its table at boot, so spaces "
		"never differ",
		"x86_64 since 5.9: preallocate_vmalloc_pages(), 6eb82f994026" },
	[KERNEL_SYNC_DIRECT_MAP] = { "direct-map handler",
		"the driver's handler lies in kmalloc() memory, which every space has always; "
		"else lazy, with removals made in all spaces",
		"what the author of dtrace asked for in 2012; removals as in 5.3, 3f8fd02b1bf1" },
	[KERNEL_SYNC_LAZY_EAGER] = { "lazy+eager",
		"written to every space at once, and copied by the page-fault handler where "
		"that came too late",
		"i386 since 5.9: vmalloc_fault() came back, 4819e15f740e" },
};
/* clang-format on */

/* Flags that processors set on their own do not make two entries differ. */
#define MEANING(entry) ((entry) & ~(ENTRY_A | ENTRY_D))

static void copy_entry(struct kernel *kernel, uint64_t root, unsigned slot)
{
	uint64_t from = pgtable_read(kernel, slot_pa(kernel, kernel->swapper, slot));
	uint64_t to = slot_pa(kernel, root, slot);

	if (MEANING(pgtable_read(kernel, to)) != MEANING(from))
		pgtable_write(kernel, to, from);
}

static void copy_to_all(struct kernel *kernel, unsigned slot)
{
	processes_each(kernel, p) copy_entry(kernel, p->root, slot);
	say(kernel, NULL, VOICE_KERNEL,
	    "the entry for %08" PRIx64 " is written to all spaces",
	    slot_va(kernel, slot));
}

/*
 * The part of the slots that a strategy is about: all but the direct map and the image.
 */
static void copy_all_to_all(struct kernel *kernel)
{
	unsigned last = slot_of(kernel, kernel->layout.vmalloc_last);

	for (unsigned s = slot_of(kernel, kernel->layout.vmalloc_first); s <= last; s++)
		processes_each(kernel, p) copy_entry(kernel, p->root, s);
	say(kernel, NULL, VOICE_KERNEL, "all kernel entries are written to all spaces");
}

/*
 * Linux's vmalloc_fault(): into the space that is loaded, whosever it is, from
 * swapper_pg_dir. Another entry that is there already is a BUG(), which oopses.
 */
static bool copy_one_lazily(struct kernel *kernel, struct processor *processor,
			    uint64_t va)
{
	uint64_t root = processor->cpu.r.cr3, to, from;
	unsigned slot = slot_of(kernel, va);

	if (va < kernel->layout.vmalloc_first || va > kernel->layout.vmalloc_last)
		return false;
	from = pgtable_read(kernel, slot_pa(kernel, kernel->swapper, slot));
	to = slot_pa(kernel, root, slot);
	if (!(from & ENTRY_P) || pgtable_walk(kernel, kernel->swapper, va).pa == NO_PA)
		return false;
	if (pgtable_read(kernel, to) & ENTRY_P)
		return MEANING(pgtable_read(kernel, to)) == MEANING(from);
	pgtable_write(kernel, to, from);
	say(kernel, processor, VOICE_KERNEL,
	    "vmalloc_fault() copies the entry for %08" PRIx64 " from swapper_pg_dir",
	    slot_va(kernel, slot));
	return true;
}

static bool make_all_tables(struct kernel *kernel)
{
	unsigned last = slot_of(kernel, kernel->layout.vmalloc_last);

	for (unsigned s = slot_of(kernel, kernel->layout.vmalloc_first); s <= last; s++)
		if (!pgtable_entry(kernel, kernel->swapper, slot_va(kernel, s),
				   kernel->layout.private_level - 1u))
			return false;
	return true;
}

/* clang-format off */
const struct sync syncs[] = {
	[KERNEL_SYNC_NONE] = { .loads_in_init_mm = true, .may_lack = true, .may_be_stale = true },
	[KERNEL_SYNC_LAZY] = { .fault = copy_one_lazily, .may_lack = true, .may_be_stale = true },
	[KERNEL_SYNC_EAGER] = { .added = copy_to_all, .removed = copy_to_all },
	[KERNEL_SYNC_EAGER_ON_LOAD] = { .fault = copy_one_lazily, .loaded = copy_all_to_all,
		.may_lack = true, .may_be_stale = true },
	[KERNEL_SYNC_PREALLOCATED] = { .boot = make_all_tables },
	[KERNEL_SYNC_DIRECT_MAP] = { .fault = copy_one_lazily, .removed = copy_to_all,
		.stub_in_direct_map = true, .may_lack = true },
	[KERNEL_SYNC_LAZY_EAGER] = { .added = copy_to_all, .removed = copy_to_all,
		.fault = copy_one_lazily },
};
/* clang-format on */
