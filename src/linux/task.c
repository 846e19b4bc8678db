/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One task, of which it is known where its fields lie. */
#include <string.h>

#include "linux/tasks.h"

/* A user may name a process as he likes, so this is a hint, never a condition. */
bool ws_is_name(const char *comm)
{
	size_t n = strnlen(comm, WS_COMM_LEN);

	for (size_t i = 0; i < n; i++)
		if (comm[i] < 0x20 || comm[i] > 0x7e)
			return false;
	return n && n < WS_COMM_LEN;
}

bool ws_read_name(struct ws_system *system, uint64_t comm_va, char comm[17])
{
	comm[WS_COMM_LEN] = '\0';
	return ws_system_read(system, comm_va, comm, WS_COMM_LEN) == WS_READ;
}

bool ws_list_step(struct ws_system *system, uint64_t node, bool back, uint64_t *next)
{
	unsigned word = system->layout.word;
	unsigned there = back ? word : 0, here = back ? 0 : word;
	uint64_t facing;

	return ws_kernel_word(system, node + there, next) == WS_READ &&
	       ws_is_kernel_va(system, *next) && *next % word == 0 &&
	       ws_kernel_word(system, *next + here, &facing) == WS_READ && facing == node;
}

static void read_word_field(struct ws_system *system, const struct ws_task *task,
			    int32_t offset, uint64_t *value)
{
	if (offset == WS_NO_FIELD ||
	    ws_kernel_word(system, task->comm_va + offset, value) != WS_READ)
		*value = 0;
}

static void read_u32_field(struct ws_system *system, const struct ws_task *task,
			   int32_t offset, uint32_t *value)
{
	if (offset == WS_NO_FIELD ||
	    ws_kernel_u32(system, task->comm_va + offset, value) != WS_READ)
		*value = 0;
}

void ws_read_task(struct ws_system *system, struct ws_task *task)
{
	const struct ws_task_fields *fields = &system->fields;
	uint32_t flags;

	read_u32_field(system, task, fields->pid, &task->pid);
	read_u32_field(system, task, fields->flags, &flags);
	read_word_field(system, task, fields->mm, &task->mm);
	read_word_field(system, task, fields->active_mm, &task->active_mm);
	task->kernel_thread =
		fields->flags == WS_NO_FIELD ? !task->mm : flags & WS_PF_KTHREAD;
}
