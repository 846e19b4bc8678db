// SPDX-License-Identifier: GPL-2.0
/*
 * Harm done to page tables, of one space where it can be:
 *
 *   area              map memory that fills a private entry of its own: the word "area"
 *   block             allocate as much from the direct map: the word "block"
 *   change PID HALF WHERE CLEAR SET [page]
 *                     change the bits of the entry that maps WHERE in one space, and of
 *                     those above it as far as rights go; with `page` a large page is
 *                     split first. HALF: kernel, or with PTI user
 *   keep PID WHERE    unmap WHERE's private entry in every space but PID's
 *   open-text         make the page of lab_answer() writable, for everyone
 *
 * Tables below a private entry are shared: whoever must differ gets copies of his own,
 * which are never freed: the guest ends with its scenario.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/page.h>
#include <asm/pgtable.h>

#include "lab.h"

/* As much as a private entry of 32 bits' tables maps; rights that hold on every level. */
#define ENTRY_SIZE PMD_SIZE
#define EVERY_LEVEL (_PAGE_USER | _PAGE_RW)
#define FRAME ((pgdval_t)PTE_PFN_MASK)

/* The levels of this kernel's tables, top first, and the first that a space owns. */
static const struct {
	unsigned int shift, bits;
} levels[] = {
#if defined(CONFIG_X86_64)
	{ 39, 9 },
	{ 30, 9 },
	{ 21, 9 },
	{ 12, 9 },
#elif defined(CONFIG_X86_PAE)
	{ 30, 2 },
	{ 21, 9 },
	{ 12, 9 },
#else
	{ 22, 10 },
	{ 12, 10 },
#endif
};
#define LEVELS ARRAY_SIZE(levels)
/* With PAE spaces share the kernel's tables below the top if there is no PTI. */
#ifdef CONFIG_X86_PAE
#define PRIVATE_LEVEL (boot_cpu_has(X86_FEATURE_PTI) ? 1 : 0)
#else
#define PRIVATE_LEVEL 0
#endif

/* What was done, for the truth. pid 0: to everyone. */
#define MAX_PLANTED 8
static struct planted {
	pid_t pid;
	const char *half;
	unsigned long address;
	unsigned int level;
	pgdval_t was, *entry;
} planted[MAX_PLANTED];
static unsigned int nplanted;

static void *area;
static unsigned long block;

static int note(pid_t pid, const char *half, unsigned long address, unsigned int level,
		pgdval_t was, pgdval_t *entry)
{
	if (nplanted == MAX_PLANTED)
		return -ENOSPC;
	planted[nplanted++] = (struct planted){ pid, half, address, level, was, entry };
	return 0;
}

void say_planted(void)
{
	unsigned int i;

	for (i = 0; i < nplanted; i++)
		say("planted %d %s %lx %u %llx %llx %llx\n", planted[i].pid,
		    planted[i].half, planted[i].address, planted[i].level,
		    (u64)__pa(planted[i].entry), (u64)planted[i].was,
		    (u64)*planted[i].entry);
}

int where_is_ours(const char *word, unsigned long *address)
{
	if (area && sysfs_streq(word, "area"))
		*address = ALIGN((unsigned long)area, ENTRY_SIZE);
	else if (block && sysfs_streq(word, "block"))
		*address = block;
	else if (sysfs_streq(word, "answer"))
		*address = (unsigned long)lab_answer;
	else
		return -ENOENT;
	return 0;
}

/* One page many times over: twice what an entry maps, so that it holds a whole one. */
static int make_area(void)
{
	unsigned int i, n = 2 * ENTRY_SIZE / PAGE_SIZE;
	struct page *page = alloc_page(GFP_KERNEL);
	struct page **pages = kmalloc_array(n, sizeof(*pages), GFP_KERNEL);

	if (page && pages && !area) {
		strscpy(page_address(page), "memory of the lab", PAGE_SIZE);
		for (i = 0; i < n; i++)
			pages[i] = page;
		area = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	}
	kfree(pages);
	return area ? 0 : -ENOMEM;
}

static int make_block(void)
{
	block = __get_free_pages(GFP_KERNEL, get_order(ENTRY_SIZE));
	if (!block)
		return -ENOMEM;
	strscpy((char *)block, "memory of the lab", PAGE_SIZE);
	return 0;
}

/* ---- one space made to differ ------------------------------------------------------ */

/* The table below *entry as a copy of its own, a large page split into one. */
static pgdval_t *own_table(pgdval_t *entry, unsigned int level)
{
	pgdval_t *table = (pgdval_t *)get_zeroed_page(GFP_KERNEL);
	unsigned int i, n = 1u << levels[level + 1].bits;
	pgdval_t step = (pgdval_t)1 << levels[level + 1].shift;
	pgdval_t leaf = *entry;

	if (!table)
		return NULL;
	if (!(leaf & _PAGE_PSE)) {
		memcpy(table, __va(leaf & FRAME), PAGE_SIZE);
		WRITE_ONCE(*entry, __pa(table) | (leaf & ~FRAME));
		return table;
	}
	if (level + 1 == LEVELS - 1)
		leaf &= ~(pgdval_t)_PAGE_PSE;
	for (i = 0; i < n; i++)
		table[i] = leaf + i * step;
	/* the pages keep their rights, and the table grants whatever they have */
	WRITE_ONCE(*entry, __pa(table) | _KERNPG_TABLE_NOENC | (leaf & _PAGE_USER));
	return table;
}

struct change {
	pid_t pid;
	unsigned long address;
	pgdval_t clear, set;
	bool page;
};

static pgdval_t *entry_of(pgdval_t *table, unsigned int level, unsigned long address)
{
	unsigned long index = address >> levels[level].shift;

	return &table[index & ((1ul << levels[level].bits) - 1)];
}

static int change_leaf(const struct change *change, const char *half, pgdval_t *entry,
		       unsigned int level)
{
	pgdval_t was = *entry;

	WRITE_ONCE(*entry, (was & ~change->clear) | change->set);
	return note(change->pid, half, change->address, level, was, entry);
}

static int change_below(const struct change *change, const char *half, pgdval_t *table)
{
	pgdval_t *entry;
	unsigned int level;

	for (level = 0; table && level < LEVELS; level++) {
		entry = entry_of(table, level, change->address);
		if (!(*entry & _PAGE_PRESENT))
			return -ENOENT;
		if (level == LEVELS - 1 ||
		    ((*entry & _PAGE_PSE) && level >= PRIVATE_LEVEL && !change->page))
			return change_leaf(change, half, entry, level);
		if (level < PRIVATE_LEVEL)
			table = __va(*entry & FRAME);
		else
			table = own_table(entry, level);
		if (level >= PRIVATE_LEVEL)
			WRITE_ONCE(*entry, *entry | (change->set & EVERY_LEVEL));
	}
	return -ENOMEM;
}

static int change_space(const struct change *change, const char *half)
{
	bool user = !strcmp(half, "user");
	struct mm_struct *mm;
	pgdval_t *table;
	int error;

	if (user && !boot_cpu_has(X86_FEATURE_PTI))
		return -EOPNOTSUPP;
	if (!user && strcmp(half, "kernel"))
		return -EINVAL;
	mm = mm_of_pid(change->pid);
	if (!mm)
		return -ESRCH;
	table = (pgdval_t *)mm->pgd;
	if (user) /* kernel_to_user_pgdp() is for built-in code only */
		table = (pgdval_t *)((unsigned long)table + PAGE_SIZE);
	error = change_below(change, user ? "user" : "kernel", table);
	mmput(mm);
	return error;
}

/* ---- all but one space made to differ ---------------------------------------------- */

static void clear_in(pgd_t *pgd, unsigned long address)
{
	pgdval_t *entry = (pgdval_t *)pgd;
	unsigned int level;

	for (level = 0; level < PRIVATE_LEVEL; level++)
		entry = __va(*entry_of(entry, level, address) & FRAME);
	WRITE_ONCE(*entry_of(entry, PRIVATE_LEVEL, address), 0);
}

/* What 3f8fd02b1bf1 mended: an unmapping that is not reported to everybody. */
static int keep(pid_t pid, unsigned long address)
{
	struct mm_struct *mine = mm_of_pid(pid);
	unsigned long swapper = swapper_pg_dir_address(), size;
	pgdval_t *entry;
	struct task_struct *process;
	int error = -ESRCH;

	if (!mine)
		return error;
	error = -EOPNOTSUPP;
	entry = private_entry(mine, address, &size);
	if (!entry || !swapper)
		goto out;
	rcu_read_lock();
	for_each_process(process) if (process->mm && process->mm != mine)
		clear_in(process->mm->pgd, address);
	rcu_read_unlock();
	clear_in((pgd_t *)swapper, address);
	error = note(pid, "kernel", address, PRIVATE_LEVEL, *entry, entry);
out:
	mmput(mine);
	return error;
}

static int open_text(void)
{
	unsigned long address = (unsigned long)lab_answer;
	unsigned int level;
	pte_t *pte = lookup_address(address, &level);
	pgdval_t was;

	if (!pte || level != PG_LEVEL_4K)
		return -EOPNOTSUPP;
	was = pte_val(*pte);
	set_pte(pte, __pte(was | _PAGE_RW));
	return note(0, "kernel", address, LEVELS - 1, was, (pgdval_t *)pte);
}

static int change(const char *command)
{
	char half[8], where[MAX_WHERE], page[8] = "";
	struct change change = {};
	u64 clear, set;
	int error;

	if (sscanf(command, "change %d %7s %31s %llx %llx %7s", &change.pid, half, where,
		   &clear, &set, page) < 5)
		return -EINVAL;
	error = where_is(where, &change.address);
	if (error)
		return error;
	change.clear = (pgdval_t)clear;
	change.set = (pgdval_t)set;
	change.page = !strcmp(page, "page");
	return change_space(&change, half);
}

/* Where the block is, for who must know it in user mode. */
void plant_files(struct dentry *dir)
{
	debugfs_create_xul("block", 0400, dir, &block);
}

int plant(const char *command)
{
	char where[MAX_WHERE];
	unsigned long address;
	pid_t pid;

	if (sysfs_streq(command, "area"))
		return make_area();
	if (sysfs_streq(command, "block"))
		return make_block();
	if (sysfs_streq(command, "open-text"))
		return open_text();
	if (sscanf(command, "keep %d %31s", &pid, where) == 2)
		return where_is(where, &address) ?: keep(pid, address);
	if (str_has_prefix(command, "change "))
		return change(command);
	return -ENOTTY;
}
