// SPDX-License-Identifier: GPL-2.0
/*
 * A processor that is behind with its TLB:
 *
 *   behind PID   one CPU uses PID's memory with its interrupts off, and another unmaps a
 *                page that the first has used, and waits until it has flushed
 *
 * Both go on so: the guest ends with its scenario. All else is kept off the two.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "lab.h"

enum step { NOTHING, MAPPED, COUNTED, HELD };

static struct {
	struct mm_struct *mm;
	pid_t pid;
	char __user *page;
	enum step step;
	int cpu; /* that is held */
	int error;
} lag = { .cpu = -1 };

/* How many CPUs cannot be parked, and need not be. */
int held_cpus(void)
{
	return lag.cpu >= 0;
}

void say_behind(void)
{
	if (lag.cpu >= 0)
		say("behind %d %d\n", lag.cpu, lag.pid);
}

static void wait_for(enum step step)
{
	while (smp_load_acquire(&lag.step) < step)
		cpu_relax();
}

/* The byte is read for the TLB to have the page. */
static int hold(void *unused)
{
	char byte;

	kthread_use_mm(lag.mm);
	wait_for(COUNTED);
	local_irq_disable();
	pagefault_disable();
	lag.error = get_user(byte, lag.page);
	note_this_cpu();
	lag.cpu = smp_processor_id();
	smp_store_release(&lag.step, HELD);
	for (;;)
		cpu_relax();
	return 0;
}

static int unmap_behind(void *unused)
{
	unsigned long page;

	kthread_use_mm(lag.mm);
	page = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	lag.page = (char __user *)page;
	if (IS_ERR_VALUE(page) || put_user(1, lag.page))
		lag.error = -ENOMEM;
	smp_store_release(&lag.step, MAPPED);
	wait_for(HELD);
	vm_munmap(page, PAGE_SIZE);
	return 0;
}

static int start(int (*life)(void *), const char *name, int cpu)
{
	struct task_struct *task = kthread_create(life, NULL, "%s", name);

	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	wake_up_process(task);
	return 0;
}

/* The other two of three CPUs; whoever asks, and his children, stay on his own. */
int behind(pid_t pid)
{
	int own = get_cpu(), holder, other, error;
	s64 before;

	put_cpu();
	holder = cpumask_any_but(cpu_online_mask, own);
	for_each_online_cpu(other) if (other != own && other != holder) break;
	if (lag.mm || holder >= nr_cpu_ids || other >= nr_cpu_ids)
		return -EBUSY;
	error = set_cpus_allowed_ptr(current, cpumask_of(own));
	lag.mm = error ? NULL : mm_of_pid(pid);
	if (!lag.mm)
		return error ?: -ESRCH;
	lag.pid = pid;
	error = start(unmap_behind, "lab-unmap", other)
			?: start(hold, "lab-hold", holder);
	if (error)
		return error;
	wait_for(MAPPED);
	before = atomic64_read(&lag.mm->context.tlb_gen);
	smp_store_release(&lag.step, COUNTED);
	wait_for(HELD);
	while (!lag.error && atomic64_read(&lag.mm->context.tlb_gen) == before)
		msleep(20);
	msleep(1000); /* for the one that waits to have flushed itself */
	return lag.error;
}
