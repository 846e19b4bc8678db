// SPDX-License-Identifier: GPL-2.0
/*
 * Bring a space up to date: copy an entry that it lacks from init_mm's page table, as the
 * kernel's own code does (vmalloc_fault() and arch_sync_kernel_mappings() of x86,
 * do_translation_fault() of ARM); and take such a copy back.
 *
 * What it needs, and why nothing else can be written:
 * - init_mm is not exported. Where its table lies the kernel says in its note for crash dumps
 *   (VMCOREINFO), which nobody but the kernel writes; and it is believed only if it leads to
 *   the very entry by which this code runs. The caller gives no table and no value to write: its
 *   `reference` and `then` are what its plan was made by, and held against what is there.
 * - The space is looked for among those that are held, its entry by the kernel's own walk. A
 *   table that init_mm has too is everybody's, and is not written to; neither is an entry that
 *   is for user addresses, nor the user half of page-table isolation, which no walk begins in.
 * - mm->page_table_lock is what arch_sync_kernel_mappings() holds meanwhile. Whoever holds it may
 *   wait for other processors to flush their TLBs: it is taken with interrupts on.
 * - Nothing that is present is overwritten: an entry becomes init_mm's if it is empty, and empty
 *   if it is init_mm's. No table is freed, so a walk that is under way stays right.
 * - An empty entry that is filled is in no TLB, but for RISC-V, which may have it there as
 *   empty; one that is emptied may be in any. So all processors flush at the end.
 * - Emptied is none of a space that a processor has loaded, nor one that leads to the stack of
 *   a thread that has it: who needs it next might be the page-fault handler. That is looked at
 *   before the lock is taken, which keeps no processor from loading the space after it: whoever
 *   does meets the same as who loads it once the entry is empty.
 */
#include <linux/capability.h>
#include <linux/elfcore.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#if __has_include(<linux/vmcore_info.h>) /* split off in 443cbaf9e2fd */
#include <linux/vmcore_info.h>
#else
#include <linux/crash_core.h>
#endif

#include "kmod.h"

/* Not to be set later: who may load no module may not have one write, either. */
static bool allow_sync;
module_param(allow_sync, bool, 0444);
MODULE_PARM_DESC(allow_sync,
		 "answer WHOSEES_SYNC: copy entries of init_mm's to other page tables");

bool may_sync(void)
{
	return allow_sync;
}

struct sync {
	pgd_t *reference;   /* init_mm's top-level table */
	unsigned int level; /* whose entries are a space's own */
	unsigned long size; /* of what one is for */
	struct spaces spaces;
	unsigned int filled, emptied;
};

/* ---- init_mm's own table --------------------------------------------------------------- */

#if IS_ENABLED(CONFIG_VMCORE_INFO) || IS_ENABLED(CONFIG_CRASH_CORE)
#define KEY "SYMBOL(swapper_pg_dir)="

static pgd_t *noted_table(void)
{
	const struct elf_note *note = phys_to_virt(paddr_vmcoreinfo_note());
	const char *text = (const char *)(note + 1) + ALIGN(note->n_namesz, 4);
	const char *found = strnstr(text, KEY, min_t(u32, note->n_descsz, PAGE_SIZE));

	return found ? (pgd_t *)simple_strtoul(found + strlen(KEY), NULL, 16) : NULL;
}
#else
static pgd_t *noted_table(void)
{
	return NULL;
}
#endif

/* Both tables lead to this code by the same entry. */
static bool is_the_kernels(pgd_t *table)
{
	struct walked by_it = { 0 }, own = { 0 };
	unsigned long code = (unsigned long)is_the_kernels, flags;

	local_irq_save(flags);
	walk(table, code, &by_it);
	walk(kernel_table(current->active_mm), code, &own);
	local_irq_restore(flags);
	return by_it.end == WHOSEES_END_PAGE && by_it.n == own.n &&
	       by_it.step[by_it.n - 1].entry == own.step[own.n - 1].entry;
}

static int find_reference(struct sync *sync, u64 given)
{
	pgd_t *table = noted_table();

	if (!table || !is_the_kernels(table))
		return -EOPNOTSUPP;
	if (virt_to_phys(table) != given)
		return -EINVAL;
	sync->reference = table;
	return 0;
}

/* ---- who needs what is to be taken away -------------------------------------------------- */

struct use {
	const struct mm_struct *mm;
	bool loaded;
};

static void find_loaded(void *at)
{
	struct use *use = at;

	if (current->active_mm == use->mm)
		WRITE_ONCE(use->loaded, true);
}

static bool is_stack_in(const struct mm_struct *mm, unsigned long first,
			unsigned long size)
{
	struct task_struct *process, *thread;
	bool found = false;

	rcu_read_lock();
	for_each_process_thread(process, thread)
	{
		if (thread->mm != mm && thread->active_mm != mm)
			continue;
		found |= (unsigned long)task_stack_page(thread) - first < size;
	}
	rcu_read_unlock();
	return found;
}

static int refuse_in_use(const struct sync *sync, const struct held_space *space,
			 unsigned long address)
{
	struct use use = { .mm = space->mm };

	if (use.mm == current->active_mm ||
	    is_stack_in(use.mm, round_down(address, sync->size), sync->size))
		return -EDEADLK;
	on_each_cpu(find_loaded, &use, true);
	return use.loaded ? -EAGAIN : 0;
}

/* ---- one entry ---------------------------------------------------------------------------- */

static int check_entry(const struct sync *sync, const struct whosees_sync_entry *entry)
{
	if (!entry->level || entry->level > LEVELS_MAX || !entry->now == !entry->then ||
	    !is_kernel_address(entry->address))
		return -EINVAL;
	if (entry->level != sync->level ||
	    round_down((unsigned long)entry->address, sync->size) < kernel_first())
		return -EOPNOTSUPP;
	return 0;
}

static const struct held_space *find_space(const struct sync *sync, u64 mm)
{
	size_t i;

	for (i = 0; i < sync->spaces.n; i++)
		if (sync->spaces.v[i].said.mm == mm)
			return &sync->spaces.v[i];
	return NULL;
}

/* But for what the processor sets in an entry that is present. */
static bool is_same(u64 one, u64 other)
{
	return one && other ? !((one ^ other) & ~MARKS) : one == other;
}

static bool is_present(const struct walked *walked, unsigned int level)
{
	return walked->n > level ||
	       (walked->n == level && walked->end == WHOSEES_END_PAGE);
}

/* Under the lock. */
static int put_entry(const struct sync *sync, const struct held_space *space,
		     const struct whosees_sync_entry *entry)
{
	struct walked theirs = { 0 }, own = { 0 };
	unsigned int at = sync->level - 1;
	void *to;

	walk(sync->reference, entry->address, &theirs);
	walk(space->table, entry->address, &own);
	if (!is_present(&theirs, sync->level) ||
	    !is_same(theirs.step[at].value, entry->then ?: entry->now))
		return -ESTALE;
	if (own.n < sync->level || own.end == WHOSEES_END_UNREADABLE)
		return -ENOENT;
	to = (void *)own.step[at].entry;
	if (is_same(own.step[at].value, entry->then))
		return WHOSEES_SYNC_WAS_SO;
	if (to == theirs.step[at].entry)
		return -EOPNOTSUPP;
	if (!is_same(own.step[at].value, entry->now))
		return -EBUSY;
	return write_entry(to, theirs.step[at].entry,
			   entry->then ? theirs.step[at].value : 0);
}

static int sync_entry(struct sync *sync, const struct whosees_sync_entry *entry)
{
	const struct held_space *space;
	unsigned long flags;
	int error = check_entry(sync, entry);

	if (error)
		return error;
	space = find_space(sync, entry->mm);
	if (!space)
		return -ESRCH;
	if (!entry->then)
		error = refuse_in_use(sync, space, entry->address);
	if (error)
		return error;
	spin_lock(&space->mm->page_table_lock);
	local_irq_save(flags);
	error = put_entry(sync, space, entry);
	local_irq_restore(flags);
	spin_unlock(&space->mm->page_table_lock);
	if (!error)
		*(entry->then ? &sync->filled : &sync->emptied) += 1;
	return error;
}

/* ---- all -------------------------------------------------------------------------------- */

static void sync_entries(struct sync *sync, struct whosees_sync_entry *entries, u32 n)
{
	u32 i;

	for (i = 0; i < n && !fatal_signal_pending(current); i++) {
		entries[i].came_to = sync_entry(sync, &entries[i]);
		cond_resched(); /* to take one back all threads are looked at */
	}
	if (!sync->filled && !sync->emptied)
		return;
	on_each_cpu(flush_translations, NULL, true);
	pr_notice_ratelimited(
		"whosees: %s (%d) copied %u entries of init_mm's, and took %u back\n",
		current->comm, task_tgid_nr(current), sync->filled, sync->emptied);
}

static int begin_sync(struct sync *sync, u64 reference)
{
	int error;

	sync->level = own_level(&sync->size);
	if (!sync->level)
		return -EOPNOTSUPP;
	error = find_reference(sync, reference);
	return error ?: hold_spaces(&sync->spaces);
}

/* What came of each is put where it was found to be writable before anything was done. */
static int answer_entries(const struct whosees_sync *asked, struct sync *sync)
{
	void __user *at = pointer_of(asked->at);
	size_t size = asked->n * sizeof(struct whosees_sync_entry);
	struct whosees_sync_entry *entries = memdup_user(at, size);
	int error;
	u32 i;

	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (i = 0; i < asked->n; i++)
		entries[i].came_to = -ECANCELED;
	error = copy_to_user(at, entries, size) ? -EFAULT
						: begin_sync(sync, asked->reference);
	if (error)
		goto out;
	sync_entries(sync, entries, asked->n);
	release_spaces(&sync->spaces);
	if (copy_to_user(at, entries, size))
		error = -EFAULT;
out:
	kfree(entries);
	return error;
}

long answer_sync(const struct file *file, const struct whosees_sync __user *from)
{
	struct whosees_sync asked;
	struct sync sync = { 0 };

	if (!allow_sync || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&asked, from, sizeof(asked)))
		return -EFAULT;
	if (asked.reserved || !asked.n)
		return -EINVAL;
	if (asked.n > WHOSEES_SYNC_MAX)
		return -E2BIG;
	return answer_entries(&asked, &sync);
}
