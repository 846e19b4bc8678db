// SPDX-License-Identifier: GPL-2.0
/*
 * A process that is hidden from others, as who takes over a kernel hides one:
 *
 *   conceal PID list  it is taken off the list of tasks
 *   conceal PID pid   its pid leads to nobody
 *   reveal            it is as it was before
 *
 * It sleeps meanwhile: what ends it would trip over what it is no part of.
 */
#include <linux/init_task.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/stop_machine.h>
#include <linux/string.h>

#include "lab.h"

static struct task_struct *concealed; /* NULL: none is */
static struct pid *pid;
static struct hlist_node *first; /* whom the pid led to; NULL: the list was changed */

/* All CPUs stand still, and none of them holds a spinlock. */
static int off_the_list(void *unused)
{
	list_del_init(&concealed->tasks);
	return 0;
}

static int onto_the_list(void *unused)
{
	list_add_tail(&concealed->tasks, &init_task.tasks);
	return 0;
}

static int to_nobody(void *unused)
{
	first = pid->tasks[PIDTYPE_PID].first;
	pid->tasks[PIDTYPE_PID].first = NULL;
	return 0;
}

static int to_its_task(void *unused)
{
	pid->tasks[PIDTYPE_PID].first = first;
	first = NULL;
	return 0;
}

void reveal(void)
{
	if (!concealed)
		return;
	stop_machine(first ? to_its_task : onto_the_list, NULL, NULL);
	put_task_struct(concealed);
	put_pid(pid);
	concealed = NULL;
}

int conceal(const char *command)
{
	char from[8];
	int number;

	if (sysfs_streq(command, "reveal")) {
		reveal();
		return 0;
	}
	if (sscanf(command, "conceal %d %7s", &number, from) != 2)
		return -ENOTTY;
	if (concealed)
		return -EBUSY;
	pid = find_get_pid(number);
	concealed = get_pid_task(pid, PIDTYPE_PID);
	if (!concealed) {
		put_pid(pid);
		return -ESRCH;
	}
	return stop_machine(!strcmp(from, "pid") ? to_nobody : off_the_list, NULL, NULL);
}
