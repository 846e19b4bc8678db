// SPDX-License-Identifier: GPL-2.0
/*
 * The question that started it: for every space, where does the walk for an address stop? And
 * the tables on the way.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kmod.h"

/* ---- probe ----------------------------------------------------------------------------- */

/* As many walks with interrupts off. */
#define AT_ONCE 256

struct asked {
	struct whosees_probe probe;
	u64 address[WHOSEES_ADDRESSES_MAX];
	size_t spaces; /* of which outcomes are wanted */
	struct whosees_outcome outcome[AT_ONCE];
};

static int read_probe(struct asked *asked, const struct whosees_probe __user *from)
{
	struct whosees_probe *probe = &asked->probe;
	u32 i;

	if (copy_from_user(probe, from, sizeof(*probe)))
		return -EFAULT;
	if (probe->reserved || !probe->naddresses)
		return -EINVAL;
	if (probe->naddresses > WHOSEES_ADDRESSES_MAX)
		return -E2BIG;
	if (copy_from_user(asked->address, pointer_of(probe->addresses),
			   probe->naddresses * sizeof(*asked->address)))
		return -EFAULT;
	for (i = 0; i < probe->naddresses; i++)
		if (!is_kernel_address(asked->address[i]))
			return -EINVAL;
	return 0;
}

static bool is_same(const pgd_t *top, const pgd_t *before)
{
	const unsigned long *a = (const unsigned long *)top;
	const unsigned long *b = (const unsigned long *)before;
	size_t i;

	for (i = 0; i < sizeof(*top) / sizeof(*a); i++)
		if (READ_ONCE(a[i]) != READ_ONCE(b[i]))
			return false;
	return true;
}

/*
 * Outcomes from the one of that number on, each address's spaces after the other's. One that
 * has the same top-level entry as the space before has the same outcome.
 */
static void fill_outcomes(struct asked *asked, const struct held_space *spaces,
			  size_t first, size_t n)
{
	const u64 *address = asked->address + first / asked->spaces;
	size_t space = first % asked->spaces, i;
	struct whosees_outcome *outcome = asked->outcome;
	const pgd_t *top, *before = NULL;
	struct walked walked = { 0 };
	unsigned long flags;

	local_irq_save(flags);
	for (i = 0; i < n; i++, before = top) {
		top = pgd_offset_pgd(spaces[space].table, *address);
		if (!before || !is_same(top, before))
			walk(spaces[space].table, *address, &walked);
		outcome[i] = (struct whosees_outcome){
			.entry = walked.step[walked.n - 1].value,
			.end = walked.end,
			.level = walked.n,
		};
		if (++space < asked->spaces)
			continue;
		space = 0;
		address++;
		top = NULL;
		walked.n = 0;
	}
	local_irq_restore(flags);
}

static int probe_spaces(struct asked *asked, const struct held_space *spaces)
{
	struct whosees_outcome __user *to = pointer_of(asked->probe.outcomes);
	size_t all = asked->spaces * asked->probe.naddresses, at, some;

	for (at = 0; at < all; at += some) {
		some = min_t(size_t, all - at, AT_ONCE);
		fill_outcomes(asked, spaces, at, some);
		if (copy_to_user(to + at, asked->outcome, some * sizeof(*to)))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

long answer_probe(struct whosees_probe __user *to)
{
	struct asked *asked = kmalloc(sizeof(*asked), GFP_KERNEL);
	struct spaces spaces;
	long error;

	if (!asked)
		return -ENOMEM;
	error = read_probe(asked, to);
	if (error)
		goto out_asked;
	error = hold_spaces(&spaces);
	if (error)
		goto out_asked;
	asked->spaces = min_t(size_t, spaces.n, asked->probe.spaces.room);
	error = probe_spaces(asked, spaces.v);
	if (!error)
		error = copy_spaces(&spaces, &asked->probe.spaces);
	if (!error && copy_to_user(to, &asked->probe, sizeof(asked->probe)))
		error = -EFAULT;
	release_spaces(&spaces);
out_asked:
	kfree(asked);
	return error;
}

/* ---- one table --------------------------------------------------------------------------- */

/* A top-level table may be less than a page, and its page other tables' too. */
static size_t table_size(u32 level)
{
	return level == 1 ? min_t(size_t, PAGE_SIZE, PTRS_PER_PGD * sizeof(pgd_t))
			  : PAGE_SIZE;
}

/* The page is a table's: the walk has just come by it. */
static int copy_table(pgd_t *top, struct whosees_table *table, void *page)
{
	size_t size = table_size(table->level);
	struct walked walked = { 0 };
	unsigned long flags;
	const void *lies;
	int error = -ENOENT;

	local_irq_save(flags);
	walk(top, table->address, &walked);
	if (table->level <= walked.n) {
		lies = (const void *)round_down(
			(unsigned long)walked.step[table->level - 1].entry, size);
		table->pa = virt_to_phys((void *)lies);
		if (!copy_from_kernel_nofault(page, lies, size))
			error = 0;
	}
	local_irq_restore(flags);
	return error;
}

static int find_table(struct whosees_table *table, void *page)
{
	struct spaces spaces;
	int error = hold_spaces(&spaces);
	size_t i;

	if (error)
		return error;
	error = -ESRCH;
	for (i = 0; i < spaces.n; i++)
		if (spaces.v[i].said.mm == table->mm) {
			error = copy_table(spaces.v[i].table, table, page);
			break;
		}
	release_spaces(&spaces);
	return error;
}

long answer_table(struct whosees_table __user *to)
{
	struct whosees_table table;
	void *page;
	long error;

	if (copy_from_user(&table, to, sizeof(table)))
		return -EFAULT;
	if (table.reserved || !table.level || table.level > LEVELS_MAX ||
	    !is_kernel_address(table.address))
		return -EINVAL;
	page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	error = find_table(&table, page);
	if (!error && (copy_to_user(pointer_of(table.at), page, PAGE_SIZE) ||
		       copy_to_user(to, &table, sizeof(table))))
		error = -EFAULT;
	kfree(page);
	return error;
}
