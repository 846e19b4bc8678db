/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each task's parent. In task_struct two pointers follow pid and tgid, after a stack
 * canary where the kernel was built with one (include/linux/sched.h; so since 2.6.0):
 *
 *	pid  tgid  [stack_canary]  real_parent  parent
 *
 * They lead to the beginnings of task_structs, while a task is known by its comm. How far
 * that lies behind the beginning init_task says, which is its own parent; and pid 1 and
 * kthreadd are its children. Who forked may have been a thread, so a parent's pid is the
 * tgid that is read there. With RANDSTRUCT they lie elsewhere, and are not found.
 */
#include "linux/pids.h"
#include "linux/tasks.h"

struct parents {
	struct ws_system *system;
	struct ws_pids pids;
	uint64_t init;  /* va of init_task's comm */
	int32_t offset; /* from comm to real_parent */
	uint64_t base;  /* from a task_struct's beginning to its comm */
};

/* Whether a task lies there that is a leader or one of its threads, and whose. */
static bool is_task(const struct parents *p, uint64_t comm_va, uint32_t *tgid)
{
	const struct ws_task_fields *fields = &p->system->fields;
	const struct ws_task *leader;
	uint32_t pid;

	*tgid = 0;
	if (comm_va == p->init)
		return true;
	if (comm_va % p->system->layout.word ||
	    ws_kernel_u32(p->system, comm_va + fields->pid, &pid) != WS_READ ||
	    ws_kernel_u32(p->system, comm_va + fields->tgid, tgid) != WS_READ || !pid ||
	    !*tgid)
		return false;
	leader = ws_pids_find(&p->pids, *tgid);
	return leader &&
	       (leader->comm_va == comm_va || leader->leader_exited || pid != *tgid);
}

enum answer { RIGHT, WRONG, UNREAD };

/* Of both pointers of one task; *ppid: what real_parent says. */
static enum answer ask(const struct parents *p, const struct ws_task *task,
		       uint32_t *ppid)
{
	uint64_t at = task->comm_va + p->offset, real_parent, parent;
	uint32_t tracer;

	*ppid = WS_NO_PID;
	if (ws_kernel_word(p->system, at, &real_parent) != WS_READ ||
	    ws_kernel_word(p->system, at + p->system->layout.word, &parent) != WS_READ)
		return UNREAD;
	if (real_parent + p->base == task->comm_va ||
	    !is_task(p, real_parent + p->base, ppid) ||
	    !is_task(p, parent + p->base, &tracer)) {
		*ppid = WS_NO_PID;
		return WRONG;
	}
	/* nobody else begot these two (rest_init(), init/main.c) */
	return task->pid <= 2 && *ppid ? WRONG : RIGHT;
}

/* What init_task says of itself. */
static bool find_base(struct parents *p)
{
	const struct ws_task_fields *fields = &p->system->fields;
	uint64_t at = p->init + p->offset, real_parent, parent;
	int64_t base;

	if (ws_kernel_word(p->system, at, &real_parent) != WS_READ ||
	    ws_kernel_word(p->system, at + p->system->layout.word, &parent) != WS_READ ||
	    real_parent != parent || real_parent % p->system->layout.word)
		return false;
	p->base = p->init - real_parent;
	base = (int64_t)p->base;
	return base > 0 && base < WS_TASK_REACH && base + p->offset > 0 &&
	       base + fields->tasks > 0;
}

/*
 * One task in so many may be overwritten. Measured on Debian 12's kernels (686, 686-pae,
 * amd64; 64 to 2053 tasks): all tasks agree on the right offset. On the other of the two
 * init_task is not its own parent twice, so it is not even asked of the others.
 */
#define ODD_SHARE 8

static bool is_agreed(const struct parents *p)
{
	size_t asked = 0, odd = 0;
	bool witness = false;

	ws_vec_each(&p->system->tasks, task) {
		uint32_t ppid;
		enum answer answer;

		if (task->comm_va == p->init)
			continue;
		answer = ask(p, task, &ppid);
		asked += answer != UNREAD;
		odd += answer == WRONG;
		witness |= answer == RIGHT && task->pid <= 2;
	}
	return witness && odd * ODD_SHARE <= asked;
}

static bool find_offset(struct parents *p)
{
	const struct ws_task_fields *fields = &p->system->fields;
	int32_t word = (int32_t)p->system->layout.word;

	for (unsigned canary = 0; canary < 2; canary++) {
		p->offset = fields->tgid + 4 + (int32_t)canary * word;
		if ((p->init + p->offset) % word == 0 && find_base(p) && is_agreed(p))
			return true;
	}
	return false;
}

static void take_parents(struct parents *p)
{
	if (!find_offset(p))
		return;
	ws_vec_each(&p->system->tasks, task)
		if (task->comm_va != p->init)
			ask(p, task, &task->ppid);
}

enum ws_status ws_find_parents(struct ws_system *system)
{
	struct parents p = { .system = system };

	ws_vec_each(&system->tasks, task) {
		task->ppid = WS_NO_PID;
		if (!p.init && !task->pid)
			p.init = task->comm_va;
	}
	if (!p.init || system->fields.tgid == WS_NO_FIELD)
		return WS_OK;
	if (!ws_pids_make(&p.pids, system->tasks.v, system->tasks.n))
		return ws_fail_memory(system->ctx);
	take_parents(&p);
	ws_pids_release(&p.pids);
	return WS_OK;
}
