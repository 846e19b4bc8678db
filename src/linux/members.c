/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/members.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"

/* Larger than any struct of the kernel. */
#define OFFSET_MAX (1u << 20)

static const struct {
	const char *type, *name;
} wanted[WS_MEMBERS] = {
	[WS_TASK_COMM] = { "task_struct", "comm" },
	[WS_TASK_TASKS] = { "task_struct", "tasks" },
	[WS_TASK_PID] = { "task_struct", "pid" },
	[WS_TASK_FLAGS] = { "task_struct", "flags" },
	[WS_TASK_MM] = { "task_struct", "mm" },
	[WS_TASK_ACTIVE_MM] = { "task_struct", "active_mm" },
	[WS_MM_PGD] = { "mm_struct", "pgd" },
	[WS_MODULE_LIST] = { "module", "list" },
	[WS_MODULE_NAME] = { "module", "name" },
	[WS_MODULE_CORE_LAYOUT] = { "module", "core_layout" },
	[WS_MODULE_MEM] = { "module", "mem" },
};

void ws_members_init(struct ws_members *members)
{
	members->source = NULL;
	for (size_t i = 0; i < WS_MEMBERS; i++)
		members->offset[i] = WS_NO_MEMBER;
}

bool ws_members_want(const char *type)
{
	for (size_t i = 0; i < WS_MEMBERS; i++)
		if (!strcmp(wanted[i].type, type))
			return true;
	return false;
}

void ws_members_tell(struct ws_members *members, const char *type, const char *name,
		     uint64_t bits)
{
	for (size_t i = 0; i < WS_MEMBERS; i++)
		if (members->offset[i] == WS_NO_MEMBER && bits / 8 < OFFSET_MAX &&
		    !strcmp(wanted[i].type, type) && !strcmp(wanted[i].name, name))
			members->offset[i] = (int32_t)(bits / 8);
}

/* A kernel has core_layout or mem in struct module, never both. */
bool ws_members_complete(const struct ws_members *members)
{
	unsigned missing = 0;

	for (size_t i = 0; i < WS_MEMBERS; i++)
		missing += members->offset[i] == WS_NO_MEMBER;
	return missing <= 1;
}

/* What is told, asked once: a file goes before memory, for somebody chose it. */
static enum ws_status members_of(struct ws_system *system,
				 const struct ws_members **members)
{
	struct ws_members *told;
	enum ws_status status = WS_OK;

	if (!system->members) {
		told = malloc(sizeof(*told));
		if (!told)
			return ws_fail_memory(system->ctx);
		ws_members_init(told);
		if (system->options.vmlinux)
			status = ws_dwarf_members(system->ctx, system->options.vmlinux,
						  told);
		if (!status && !told->source)
			status = ws_btf_members(system, told);
		if (status) {
			free(told);
			return status;
		}
		system->members = told;
	}
	*members = system->members;
	return WS_OK;
}

/* A member's offset from another's, or from its struct's start, against the inferred. */
struct comparison {
	enum ws_member member;
	int from; /* enum ws_member, or WS_NO_MEMBER */
	int32_t found;
};

static void compare(struct ws_system *system, const struct ws_members *members,
		    const struct comparison *c)
{
	int32_t told = members->offset[c->member];
	int32_t from = c->from == WS_NO_MEMBER ? 0 : members->offset[c->from];

	if (told == WS_NO_MEMBER || from == WS_NO_MEMBER || told - from == c->found)
		return;
	if (c->found == WS_NO_FIELD)
		ws_note(system, "%s has %s.%s at %d%s%s, which was not found in memory",
			members->source, wanted[c->member].type, wanted[c->member].name,
			told - from, from ? " from " : "",
			from ? wanted[c->from].name : "");
	else
		ws_note(system, "%s has %s.%s at %d%s%s, but memory looks like %d",
			members->source, wanted[c->member].type, wanted[c->member].name,
			told - from, from ? " from " : "",
			from ? wanted[c->from].name : "", c->found);
}

enum ws_status ws_cross_check_tasks(struct ws_system *system)
{
	const struct ws_task_fields *fields = &system->fields;
	const struct comparison comparisons[] = {
		{ WS_TASK_TASKS, WS_TASK_COMM, fields->tasks },
		{ WS_TASK_PID, WS_TASK_COMM, fields->pid },
		{ WS_TASK_FLAGS, WS_TASK_COMM, fields->flags },
		{ WS_TASK_MM, WS_TASK_COMM, fields->mm },
		{ WS_TASK_ACTIVE_MM, WS_TASK_COMM, fields->active_mm },
		{ WS_MM_PGD, WS_NO_MEMBER, fields->mm_pgd },
	};
	const struct ws_members *members;
	enum ws_status status;

	if (!system->tasks.n)
		return WS_OK;
	status = members_of(system, &members);
	for (size_t i = 0; !status && i < WS_ARRAY_SIZE(comparisons); i++)
		compare(system, members, &comparisons[i]);
	return status;
}

enum ws_status ws_cross_check_modules(struct ws_system *system)
{
	int32_t word = system->layout.word;
	int32_t regions = system->module_fields.regions;
	const struct comparison comparisons[] = {
		{ WS_MODULE_LIST, WS_NO_MEMBER, word },
		{ WS_MODULE_NAME, WS_NO_MEMBER, 3 * word },
		{ WS_MODULE_CORE_LAYOUT, WS_NO_MEMBER, regions ? regions : WS_NO_FIELD },
		{ WS_MODULE_MEM, WS_NO_MEMBER, regions ? regions : WS_NO_FIELD },
	};
	const struct ws_members *members;
	enum ws_status status;

	if (!system->modules.n)
		return WS_OK;
	status = members_of(system, &members);
	for (size_t i = 0; !status && i < WS_ARRAY_SIZE(comparisons); i++)
		compare(system, members, &comparisons[i]);
	return status;
}
