/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mm_struct.owner (CONFIG_MEMCG): the way back from an mm to its task, where the dump
 * lacks that part of the task which names the mm. It is found by those tasks that name
 * theirs:
 *
 *	task_struct <--owner-- mm_struct
 *	  comm          at one distance behind what owner leads to, in all of them
 */
#include "linux/tasks.h"

/* So many show it as well as all do; and so many mms are asked where it might be. */
#define VOTERS 64
#define PROPOSERS 4
/* One may lead to anything. */
#define VOTES_MIN 2

/* Three of four: a task with another's mm (CLONE_VM) is not its owner. */
static bool is_owner(struct ws_system *system, const struct ws_mm_owner *owner)
{
	unsigned voters = 0, votes = 0;
	uint64_t word, mm = 0;

	ws_vec_each(&system->tasks, task) {
		if (voters == VOTERS)
			break;
		if (!task->mm || task->kernel_thread || task->leader_exited ||
		    task->mm == mm ||
		    ws_kernel_word(system, task->mm + owner->offset, &word) != WS_READ)
			continue;
		mm = task->mm;
		voters++;
		votes += task->comm_va - word == owner->comm;
	}
	return votes >= VOTES_MIN && votes * 4 >= voters * 3;
}

/* Whether the task's mm shows it: by a word that leads to somewhere before comm. */
static bool propose(struct ws_system *system, const struct ws_task *task,
		    struct ws_mm_owner *owner)
{
	uint64_t word;

	for (owner->offset = 0; owner->offset < WS_MM_SIZE;
	     owner->offset += system->layout.word) {
		if (ws_kernel_word(system, task->mm + owner->offset, &word) != WS_READ)
			continue;
		owner->comm = task->comm_va - word;
		if (owner->comm && owner->comm < WS_TASK_REACH && is_owner(system, owner))
			return true;
	}
	return false;
}

bool ws_find_mm_owner(struct ws_system *system, struct ws_mm_owner *owner)
{
	unsigned asked = 0;

	ws_vec_each(&system->tasks, task) {
		if (!task->mm || task->kernel_thread)
			continue;
		if (propose(system, task, owner))
			return true;
		if (++asked == PROPOSERS)
			break;
	}
	return false;
}

bool ws_mm_owner(struct ws_system *system, const struct ws_mm_owner *owner, uint64_t mm,
		 uint64_t *comm_va)
{
	uint64_t named;

	if (ws_kernel_word(system, mm + owner->offset, comm_va) != WS_READ ||
	    !ws_is_kernel_va(system, *comm_va))
		return false;
	*comm_va += owner->comm;
	return ws_kernel_word(system, *comm_va + system->fields.mm, &named) == WS_ABSENT;
}
