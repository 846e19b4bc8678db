// SPDX-License-Identifier: GPL-2.0
/*
 * Every mm there is: of processes, of kernel threads that use one, and what processors have
 * loaded of a process that is gone.
 *
 * A task's mm is safe to take under task_lock(). Each is held by mmgrab(): that keeps mm_struct
 * and its top-level table, which is all that a walk for kernel addresses needs of it, and keeps
 * no user's memory alive.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>

#include "kmod.h"

/* ---- a task's ------------------------------------------------------------------------- */

static void put_space(struct held_space *space, struct mm_struct *mm,
		      struct task_struct *task, u32 flags)
{
	mmgrab(mm);
	*space = (struct held_space){
		.mm = mm,
		.table = kernel_table(mm),
		.said = { .mm = (unsigned long)mm,
			  .root = virt_to_phys(mm->pgd),
			  .flags = flags },
	};
	if (task) {
		space->said.pid = task_tgid_nr(task);
		strscpy(space->said.comm, task->comm, sizeof(space->said.comm));
	}
}

/*
 * Threads share their process's; its leader may be gone before them. True: it was counted, and
 * taken where there is room.
 */
static bool take_process(struct spaces *spaces, struct task_struct *process)
{
	struct task_struct *thread;
	bool taken = false;

	for_each_thread(process, thread)
	{
		task_lock(thread);
		if (thread->mm) {
			if (spaces->n < spaces->room)
				put_space(&spaces->v[spaces->n], thread->mm, process,
					  thread->flags & PF_KTHREAD
						  ? WHOSEES_SPACE_KERNEL
						  : 0);
			spaces->n++;
			taken = true;
		}
		task_unlock(thread);
		if (taken)
			break;
	}
	return taken;
}

/* n becomes how many there are, room or not. */
static void take_processes(struct spaces *spaces)
{
	struct task_struct *process;

	spaces->n = 0;
	rcu_read_lock();
	for_each_process(process) take_process(spaces, process);
	rcu_read_unlock();
}

/* ---- a processor's -------------------------------------------------------------------- */

/* What a processor has loaded, held, by its number. */
static void hold_loaded(void *mms)
{
	struct mm_struct *mm = current->active_mm;

	if (!mm)
		return;
	mmgrab(mm);
	((struct mm_struct **)mms)[raw_smp_processor_id()] = mm;
}

static bool is_held(const struct spaces *spaces, const struct mm_struct *mm)
{
	size_t i;

	for (i = 0; i < spaces->n; i++)
		if (spaces->v[i].mm == mm)
			return true;
	return false;
}

/* There is room for one more of each processor. */
static int take_loaded(struct spaces *spaces)
{
	struct mm_struct **mms = kvcalloc(nr_cpu_ids, sizeof(*mms), GFP_KERNEL);
	unsigned int cpu;

	if (!mms)
		return -ENOMEM;
	on_each_cpu(hold_loaded, mms, true);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!mms[cpu])
			continue;
		if (!is_held(spaces, mms[cpu]) && spaces->n < spaces->room)
			put_space(&spaces->v[spaces->n++], mms[cpu], NULL,
				  WHOSEES_SPACE_LAZY);
		mmdrop(mms[cpu]);
	}
	kvfree(mms);
	return 0;
}

/* ---- all ------------------------------------------------------------------------------- */

void release_spaces(struct spaces *spaces)
{
	size_t i;

	for (i = 0; i < spaces->n && i < spaces->room; i++)
		mmdrop(spaces->v[i].mm);
	kvfree(spaces->v);
	*spaces = (struct spaces){ 0 };
}

/* As many processes may begin while memory is taken for those that were counted. */
#define MORE 64
#define ATTEMPTS 8

int hold_spaces(struct spaces *spaces)
{
	int error, attempt;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct spaces counted = { 0 };

		take_processes(&counted);
		*spaces = (struct spaces){ .room = counted.n + counted.n / 8 + MORE +
						   nr_cpu_ids };
		spaces->v = kvcalloc(spaces->room, sizeof(*spaces->v), GFP_KERNEL);
		if (!spaces->v)
			return -ENOMEM;
		take_processes(spaces);
		if (spaces->n + nr_cpu_ids <= spaces->room) {
			error = take_loaded(spaces);
			if (error)
				release_spaces(spaces);
			return error;
		}
		release_spaces(spaces);
		cond_resched();
	}
	return -EAGAIN;
}

int copy_spaces(const struct spaces *spaces, struct whosees_list *list)
{
	struct whosees_space __user *to = pointer_of(list->at);
	size_t i;

	list->n = spaces->n;
	for (i = 0; i < spaces->n && i < list->room; i++)
		if (copy_to_user(to + i, &spaces->v[i].said, sizeof(*to)))
			return -EFAULT;
	return 0;
}

long answer_spaces(struct whosees_list __user *to)
{
	struct whosees_list list;
	struct spaces spaces;
	long error;

	if (copy_from_user(&list, to, sizeof(list)))
		return -EFAULT;
	error = hold_spaces(&spaces);
	if (error)
		return error;
	error = copy_spaces(&spaces, &list);
	release_spaces(&spaces);
	if (!error && copy_to_user(to, &list, sizeof(list)))
		error = -EFAULT;
	return error;
}
