/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks' kernel stacks. Each must be there in its own task's space. And as a switch of
 * tasks changes CR3 first and the stack after (5beda7d54eaf), or does not change CR3 at
 * all (kernel threads borrow a space), all of them must be there in every space. Below
 * the private level spaces share their tables, so one stack speaks for all those in the
 * same private entry.
 */
#include "linux/stacks.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit/lack.h"
#include "audit/needs.h"
#include "linux/roots.h"

static struct ws_need need_of_stack(const struct ws_need *like, uint64_t va,
				    uint64_t size)
{
	struct ws_need need = *like;

	need.va = va;
	need.last = ws_last_of(va, size);
	return need;
}

static void check_own(struct ws_needs *needs, const struct ws_need *like,
		      const struct ws_stack *stack)
{
	const struct ws_system *system = needs->audit->system;
	const struct ws_task *task = &system->tasks.v[stack->task];
	struct ws_need need = need_of_stack(like, stack->va, stack->size);
	char what[96];

	if (task->space == WS_NO_SPACE)
		return;
	snprintf(what, sizeof(what), "the kernel stack of %u %s at %#jx", task->pid,
		 task->comm, stack->va);
	need.what = what;
	ws_need_check(needs, &need, task->space);
}

static int by_va(const void *left, const void *right)
{
	const struct ws_stack *a = left, *b = right;

	return (a->va > b->va) - (a->va < b->va);
}

static void need_shared(struct ws_needs *needs, const struct ws_need *like,
			const ws_stack_vec *stacks)
{
	const struct ws_system *system = needs->audit->system;
	const struct ws_format *format = system->paging.format;
	unsigned shift = format->level[ws_private_level(format)].shift;
	uint64_t slot = 0;

	for (size_t i = 0; i < stacks->n; i++) {
		const struct ws_stack *stack = &stacks->v[i];
		const struct ws_task *task = &system->tasks.v[stack->task];
		struct ws_need need = need_of_stack(like, stack->va, WS_FRAME_SIZE);

		need.many = true;
		if (i && stack->va >> shift == slot)
			continue;
		slot = stack->va >> shift;
		ws_need_add(needs, &need,
			    "kernel stacks of other tasks, like that of %u %s at %#jx",
			    task->pid, task->comm, stack->va);
	}
}

enum ws_status ws_needs_of_stacks(struct ws_needs *needs, const struct ws_need *like)
{
	ws_stack_vec stacks = { 0 };
	enum ws_status status;

	/* Tasks that were found one by one may share a word that is no stack's address. */
	if (needs->audit->system->no_task_list) {
		ws_lack_fact(needs->audit, true,
			     "the task list: where the tasks' kernel stacks lie");
		return WS_OK;
	}
	status = ws_find_stacks(needs->audit->system, &stacks);

	if (status == WS_OK && stacks.n) {
		ws_vec_each(&stacks, stack)
			check_own(needs, like, stack);
		qsort(stacks.v, stacks.n, sizeof(*stacks.v), by_va);
		need_shared(needs, like, &stacks);
	}
	ws_vec_release(&stacks);
	return status;
}
