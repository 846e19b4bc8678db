/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The threads of each thread group. The task list has leaders only; one that has exited
 * stays on it, without an mm, for as long as a thread of its group lives. Somewhere near
 * each leader's name lies a list_head that links its threads in a ring, all of them at
 * the same distance from a name, all with the leader's pid as their tgid:
 *
 *	thread_group	tasks alone; since 2.6.17, gone with 8e1f385104ac (6.7)
 *	thread_node	and a head in their signal_struct; since 0c740d0afc3b (3.14)
 *
 * Most groups have one thread, and any empty list looks like such a ring. Where no group
 * has more, nothing shows which list it is, and nothing is lost by that.
 */
#include "linux/tasks.h"

#include <stdlib.h>

#include "util/cleanup.h"

/* PID_MAX_LIMIT is 4 Mi (include/linux/threads.h): no group has more threads. */
#define THREADS_MAX (4u << 20)

struct threads {
	struct ws_system *system;
	int32_t offset; /* from comm to the list_head */
	uint64_t steps; /* how many are left, for all groups */
};

/* One ring, as far as it was gone along. */
struct group {
	uint64_t head; /* va of the leader's list_head */
	uint32_t tgid;
	size_t threads;   /* nodes that are threads of this group, the leader apart */
	size_t strangers; /* nodes that are something else */
};

/* Called with the comm of each thread of the group but the leader. */
typedef void thread_fn(void *arg, uint64_t comm_va);

/* What lies around a node: where it cannot be read, nothing speaks against it. */
enum member { MEMBER, STRANGER, UNREAD };

static enum member member_at(const struct threads *t, const struct group *group,
			     uint64_t comm_va)
{
	const struct ws_task_fields *fields = &t->system->fields;
	uint32_t pid, tgid;

	if (ws_kernel_u32(t->system, comm_va + fields->pid, &pid) != WS_READ ||
	    ws_kernel_u32(t->system, comm_va + fields->tgid, &tgid) != WS_READ)
		return UNREAD;
	return tgid == group->tgid && pid && pid != tgid && pid <= WS_PID_MAX ? MEMBER
									      : STRANGER;
}

/* The signal_struct's head is a stranger that may be met once. */
#define STRANGERS_MAX 1

/* True: the ring is closed. */
static bool go_along(struct threads *t, struct group *group, bool back, thread_fn *fn,
		     void *arg)
{
	uint64_t node = group->head;

	while (t->steps && ws_list_step(t->system, node, back, &node)) {
		enum member member;

		t->steps--;
		if (node == group->head)
			return true; /* most lists are empty */
		member = member_at(t, group, node - t->offset);
		group->strangers += member == STRANGER;
		group->threads += member == MEMBER;
		if (group->strangers > STRANGERS_MAX)
			return false;
		if (member == MEMBER && fn)
			fn(arg, node - t->offset);
	}
	return false;
}

/* A ring that is cut has two ends. */
static void go_round(struct threads *t, struct group *group, thread_fn *fn, void *arg)
{
	if (!go_along(t, group, false, fn, arg) && group->strangers <= STRANGERS_MAX)
		go_along(t, group, true, fn, arg);
}

/* ---- which list it is ------------------------------------------------------------- */

/* A list that it may be, and what goes round it. */
struct candidate {
	int32_t offset;
	size_t threads, odd; /* odd: groups with more strangers than there can be */
};

/* Whether some task has a list_head there; most words are none. */
static bool may_be_list(struct threads *t)
{
	unsigned looked_at = 0;
	uint64_t next;

	ws_vec_each(&t->system->tasks, task) {
		if (ws_list_step(t->system, task->comm_va + t->offset, false, &next))
			return true;
		if (++looked_at == 4) /* who is damaged is not damaged alone */
			break;
	}
	return false;
}

/*
 * The list of children links tasks as well, but each of a group of its own: of what it
 * joins nearly all are strangers. One group in eight may be overwritten.
 */
#define ODD_SHARE 8

static bool is_odd(const struct ws_system *system, const struct candidate *list)
{
	return list->odd * ODD_SHARE > system->tasks.n;
}

static void go_round_once(struct threads *t, const struct ws_task *task,
			  struct candidate *list)
{
	struct group group = { .head = task->comm_va + list->offset, .tgid = task->pid };

	t->offset = list->offset;
	go_round(t, &group, NULL, NULL);
	list->threads += group.threads;
	list->odd += group.strangers > STRANGERS_MAX;
}

/* Task by task, for all lists of one lie together. */
static void go_round_all(struct threads *t, struct candidate *lists, size_t n)
{
	ws_vec_each(&t->system->tasks, task)
		for (size_t i = 0; task->pid && i < n; i++)
			if (!is_odd(t->system, &lists[i]))
				go_round_once(t, task, &lists[i]);
}

static size_t find_candidates(struct threads *t, struct candidate *lists)
{
	const struct ws_task_fields *fields = &t->system->fields;
	int32_t word = (int32_t)t->system->layout.word;
	size_t n = 0;

	for (t->offset = fields->first; t->offset <= fields->last - word;
	     t->offset += word)
		if (t->offset != fields->tasks && may_be_list(t))
			lists[n++].offset = t->offset;
	return n;
}

static void find_list(struct ws_system *system)
{
	struct ws_task_fields *fields = &system->fields;
	struct threads t = { .system = system, .steps = 4u * THREADS_MAX };
	int32_t reach = fields->last - fields->first;
	size_t room = reach > 0 ? (size_t)reach / system->layout.word : 0;
	ws_autofree struct candidate *lists = calloc(room + 1, sizeof(*lists));
	size_t best = 0, n;

	if (!lists) {
		(void)!ws_target_short(system->target);
		return;
	}
	n = find_candidates(&t, lists);
	go_round_all(&t, lists, n);
	for (size_t i = 0; i < n; i++) {
		if (lists[i].threads <= best || is_odd(system, &lists[i]))
			continue;
		best = lists[i].threads;
		fields->threads = lists[i].offset;
	}
}

/* ---- what the threads say --------------------------------------------------------- */

struct thread_groups {
	struct ws_system *system;
	struct ws_task *task;
};

static void count_thread(void *arg, uint64_t comm_va)
{
	const struct thread_groups *groups = arg;
	struct ws_system *system = groups->system;
	struct ws_task *task = groups->task;
	uint64_t mm;

	if (system->fields.mm == WS_NO_FIELD ||
	    ws_kernel_word(system, comm_va + system->fields.mm, &mm) != WS_READ || !mm)
		return;
	task->nthreads++;
	if (task->mm)
		return;
	task->leader_exited = true;
	task->kernel_thread = false; /* they have one thread each */
	task->comm_va = comm_va;
	task->mm = mm;
	if (system->fields.active_mm != WS_NO_FIELD)
		(void)!ws_kernel_word(system, comm_va + system->fields.active_mm,
				      &task->active_mm);
}

void ws_take_threads(struct ws_system *system, size_t first)
{
	struct threads t = { .system = system, .steps = 4u * THREADS_MAX };

	if (system->fields.tgid != WS_NO_FIELD && system->fields.threads == WS_NO_FIELD)
		find_list(system);
	t.offset = system->fields.threads;
	for (size_t i = first; i < system->tasks.n; i++) {
		struct ws_task *task = &system->tasks.v[i];
		struct thread_groups groups = { system, task };
		struct group group = { .head = task->comm_va + t.offset,
				       .tgid = task->pid };

		if (task->leader_exited) /* it is a thread that was found */
			continue;
		task->nthreads = task->mm != 0;
		if (t.offset != WS_NO_FIELD && task->pid)
			go_round(&t, &group, count_thread, &groups);
		if (!task->nthreads)
			task->nthreads = task->kernel_thread;
	}
}
