/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes: fork, exec, exit. */
#include "machine/kernel/run.h"
#include "machine/kernel/say.h"

#include <stdlib.h>
#include <string.h>

/* ---- by pid ---- */

static size_t places(const struct kernel *kernel)
{
	return (size_t)1 << kernel->hash_log2;
}

static struct process **place(const struct kernel *kernel, int pid)
{
	return &kernel->hash[(unsigned)pid & (places(kernel) - 1)];
}

struct process *process_find(const struct kernel *kernel, int pid)
{
	struct process *p = kernel->hash ? *place(kernel, pid) : NULL;

	while (p && p->pid != pid)
		p = p->next_in_hash;
	return p;
}

static bool grow_hash(struct kernel *kernel)
{
	unsigned log2 = kernel->hash ? kernel->hash_log2 + 1 : 6;
	struct process **hash = host_allocate(kernel, sizeof(*hash) << log2);

	if (!hash)
		return false;
	free(kernel->hash);
	kernel->hash = hash;
	kernel->hash_log2 = log2;
	processes_each(kernel, p)
	{
		p->next_in_hash = *place(kernel, p->pid);
		*place(kernel, p->pid) = p;
	}
	return true;
}

/* Pids only rise, so the list is in order when new ones come last. */
static bool list_add(struct kernel *kernel, struct process *p)
{
	if ((!kernel->hash || kernel->nprocesses >= places(kernel)) && !grow_hash(kernel))
		return false;
	p->next_in_hash = *place(kernel, p->pid);
	*place(kernel, p->pid) = p;
	p->before = kernel->last_process;
	if (p->before)
		p->before->after = p;
	else
		kernel->first_process = p;
	kernel->last_process = p;
	kernel->nprocesses++;
	return true;
}

static void list_remove(struct kernel *kernel, struct process *p)
{
	struct process **at = place(kernel, p->pid);

	while (*at != p)
		at = &(*at)->next_in_hash;
	*at = p->next_in_hash;
	if (p->before)
		p->before->after = p->after;
	else
		kernel->first_process = p->after;
	if (p->after)
		p->after->before = p->before;
	else
		kernel->last_process = p->before;
	kernel->nprocesses--;
}

struct process *process_of_root(const struct kernel *kernel, uint64_t root)
{
	const struct processor *end = kernel->processor + kernel->options.cpus;

	/* Most often one that runs. */
	for (const struct processor *p = kernel->processor; p < end; p++) {
		struct process *process = current(kernel, p);

		if (process && process->root == root)
			return process;
	}
	if (root == kernel->swapper)
		return NULL;
	processes_each(kernel, p) if (p->root == root) return p;
	return NULL;
}

/* ---- one process ---- */

static void set_comm(struct process *p, const char *comm)
{
	memset(p->comm, 0, COMM);
	strncpy(p->comm, comm, COMM - 1);
}

void process_discard(struct process *p)
{
	files_release(p);
	vmas_release(p);
	free(p);
}

/* What it has; it is in no list. */
static void release(struct kernel *kernel, struct process *p)
{
	if (p->task)
		linux_task_remove(kernel, p);
	if (p->root) {
		user_clear(kernel, p);
		sched_abandon(kernel, p->root);
		space_destroy(kernel, p->root);
	}
	if (p->stack)
		pages_give(kernel, p->stack - kernel->layout.page_offset,
			   (unsigned)(kernel->layout.stack_size / PAGE));
	process_discard(p);
}

void process_remove(struct kernel *kernel, struct process *p)
{
	list_remove(kernel, p);
	release(kernel, p);
}

static struct process *create(struct kernel *kernel, int parent, const char *comm)
{
	struct process *p = host_allocate(kernel, sizeof(*p));
	uint64_t stack;

	if (!p)
		return NULL;
	p->pid = kernel->next_pid;
	p->parent = parent;
	set_comm(p, comm);
	p->root = space_create(kernel);
	stack = pages_take(kernel, (unsigned)(kernel->layout.stack_size / PAGE),
			   PAGE_STACK);
	if (stack)
		p->stack = direct(kernel, stack);
	p->sp = stack_top(kernel, p);
	if (p->root && stack)
		return p;
	release(kernel, p);
	return NULL;
}

/* Into the lists, Linux's own last; false: no memory, and p is gone. */
static bool publish(struct kernel *kernel, struct process *p)
{
	if (!linux_task_add(kernel, p)) {
		release(kernel, p);
		return false;
	}
	if (!list_add(kernel, p)) {
		release(kernel, p);
		return false;
	}
	kernel->next_pid++;
	return true;
}

struct process *process_init(struct kernel *kernel)
{
	struct process *p;

	kernel->next_pid = 1;
	p = create(kernel, 0, "init");
	if (!p || !publish(kernel, p))
		return NULL;
	kernel->next_pid = 3; /* 2 is kthreadd */
	return p;
}

/* ---- fork, exec, exit ---- */

enum kernel_outcome kernel_fork(struct kernel *kernel, int parent, const char *comm,
				int *pid)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct process *from, *to;

	if (outcome != KERNEL_OK)
		return outcome;
	from = process_find(kernel, parent);
	if (!from || kernel->next_pid == INT32_MAX)
		return KERNEL_INVALID;
	to = create(kernel, parent, comm ? comm : from->comm);
	if (!to)
		return KERNEL_NO_MEMORY;
	to->cpu = from->cpu;
	if (!vmas_copy(kernel, from, to) || !user_copy(kernel, from, to) ||
	    !files_copy(kernel, from, to)) {
		release(kernel, to);
		return KERNEL_NO_MEMORY;
	}
	if (!publish(kernel, to))
		return KERNEL_NO_MEMORY;
	if (pid)
		*pid = to->pid;
	say(kernel, &kernel->processor[to->cpu], VOICE_KERNEL,
	    "%s (pid %d) forks %s (pid %d): a new top-level table at %08" PRIx64
	    ", with the kernel's entries of this moment",
	    from->comm, parent, to->comm, to->pid, to->root);
	return KERNEL_OK;
}

/* The old space goes only when the new one is loaded. */
static void replace_space(struct kernel *kernel, struct process *p, uint64_t root)
{
	uint64_t old = p->root;
	struct processor *processor = &kernel->processor[p->cpu];

	user_clear(kernel, p);
	vmas_release(p);
	p->root = root;
	linux_task_change(kernel, p);
	sched_abandon(kernel, old);
	space_destroy(kernel, old);
	p->in_fault = false;
	p->preempt_next = 0;
	p->sp = stack_top(kernel, p);
	if (processor->current == p->pid)
		sched_switch(kernel, processor, p);
}

enum kernel_outcome kernel_exec(struct kernel *kernel, int pid, const char *comm)
{
	struct processor *processor;
	struct process *p;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &p, &processor);
	uint64_t root;

	if (outcome != KERNEL_OK)
		return outcome;
	root = space_create(kernel);
	if (!root)
		return KERNEL_NO_MEMORY;
	if (comm)
		set_comm(p, comm);
	replace_space(kernel, p, root);
	say(kernel, processor, VOICE_KERNEL,
	    "pid %d is %s from now on, in a space of this moment", pid, p->comm);
	return kernel->ending.end == KERNEL_RUNS ? KERNEL_OK : KERNEL_STOPPED;
}

enum kernel_outcome kernel_exit(struct kernel *kernel, int pid)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct process *p;

	if (outcome != KERNEL_OK)
		return outcome;
	p = process_find(kernel, pid);
	if (!p || pid == 1)
		return KERNEL_INVALID;
	say(kernel, &kernel->processor[p->cpu], VOICE_KERNEL, "%s (pid %d) exits",
	    p->comm, pid);
	if (kernel->processor[p->cpu].current == pid)
		sched_switch(kernel, &kernel->processor[p->cpu], NULL);
	process_remove(kernel, p);
	return KERNEL_OK;
}

/* ---- looking ---- */

enum kernel_outcome kernel_process(const struct kernel *kernel, int pid,
				   struct kernel_process *process)
{
	const struct process *p = process_find(kernel, pid);

	if (!p)
		return KERNEL_INVALID;
	*process = (struct kernel_process){
		.pid = pid,
		.parent = p->parent && !process_find(kernel, p->parent) ? 1 : p->parent,
		.comm = p->comm,
		.root = p->root,
		.cpu = p->cpu,
		.running = kernel->processor[p->cpu].current == pid,
		.in_fault = p->in_fault,
	};
	return KERNEL_OK;
}

int kernel_next_pid(const struct kernel *kernel, int pid)
{
	const struct process *p = process_find(kernel, pid);

	if (p)
		return p->after ? p->after->pid : 0;
	/* One that is gone: the list is in order. */
	for (p = kernel->first_process; p && p->pid <= pid;)
		p = p->after;
	return p ? p->pid : 0;
}

size_t kernel_processes(const struct kernel *kernel)
{
	return kernel->nprocesses;
}
