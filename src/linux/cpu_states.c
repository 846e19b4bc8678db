/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What runs on each processor, and in which space, as far as anything says so. */
#include "linux/tasks.h"
#include "util/count.h"

static uint32_t space_of_root(const struct ws_system *system, uint64_t root)
{
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root)
			return i;
	return WS_NO_SPACE;
}

/* A user half has the mm of the space before it, which comes first. */
static uint32_t space_of_mm(const struct ws_system *system, uint64_t mm)
{
	for (uint32_t i = 0; mm && i < system->spaces.n; i++)
		if (system->spaces.v[i].mm == mm)
			return i;
	return WS_NO_SPACE;
}

static uint32_t task_of_group(const struct ws_system *system, uint32_t tgid)
{
	for (uint32_t i = 0; i < system->tasks.n; i++)
		if (system->tasks.v[i].pid == tgid)
			return i;
	return WS_NO_TASK;
}

/* The thread whose comm lies there, and the group that it is of. */
static void take_thread(struct ws_system *system, uint64_t comm_va,
			struct ws_cpu_state *state)
{
	const struct ws_task_fields *fields = &system->fields;
	uint32_t tgid;

	state->has_thread = fields->pid != WS_NO_FIELD &&
			    ws_kernel_u32(system, comm_va + fields->pid,
					  &state->thread_pid) == WS_READ &&
			    ws_read_name(system, comm_va, state->thread_comm);
	if (fields->tgid != WS_NO_FIELD &&
	    ws_kernel_u32(system, comm_va + fields->tgid, &tgid) == WS_READ)
		state->task = task_of_group(system, tgid);
}

static void take_loaded_mm(struct ws_system *system, size_t cpu,
			   struct ws_cpu_state *state)
{
	const struct ws_arch_linux *on_linux = ws_on_linux(system);

	state->loaded_space = WS_NO_SPACE;
	if (!on_linux || !on_linux->loaded_mm)
		return;
	state->has_loaded_mm = on_linux->loaded_mm(system, cpu, &state->loaded_mm,
						   &state->loaded_by_shape);
	if (state->has_loaded_mm)
		state->loaded_space = space_of_mm(system, state->loaded_mm);
}

/*
 * What processors run is found when the system is opened only where tasks are missing. Where
 * none is, this finds no new one.
 */
static enum ws_status find_current(struct ws_system *system)
{
	size_t found;

	return system->current.n ? WS_OK : ws_find_cpu_tasks(system, &found);
}

enum ws_status ws_system_cpu_state(struct ws_system *system, size_t i,
				   struct ws_cpu_state *state)
{
	enum ws_status status;
	const struct ws_cpu *cpu = ws_target_cpu(system->target, i);

	*state = (struct ws_cpu_state){ .space = WS_NO_SPACE, .task = WS_NO_TASK };
	if (!cpu)
		return ws_fail(system->ctx, WS_ERR_NOT_FOUND,
			       "there is no processor %zu: the target keeps %s", i,
			       WS_COUNT_OF(system->target->cpus.n, "processor"));
	state->has_root = ws_system_cpu_root(system, cpu, &state->root);
	if (state->has_root)
		state->space = space_of_root(system, state->root);
	status = find_current(system);
	if (status != WS_OK)
		return status;
	if (i < system->current.n && system->current.v[i].comm_va)
		take_thread(system, system->current.v[i].comm_va, state);
	take_loaded_mm(system, i, state);
	return ws_target_looked(system->target, WS_OK);
}

enum ws_evidence ws_system_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				       unsigned n, struct ws_entry_point *point)
{
	const struct ws_arch_linux *on_linux = ws_on_linux(system);

	*point = (struct ws_entry_point){ .number = n };
	return on_linux && on_linux->entry_point
		       ? on_linux->entry_point(system, cpu, n, point)
		       : WS_ABSENT;
}
