/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What types say of members, against what was found by evidence: a note where they differ. */
#include <stdlib.h>

#include "linux/members.h"
#include "util/bits.h"

enum ws_status ws_members_of(struct ws_system *system, const struct ws_members **members)
{
	struct ws_members *found;
	enum ws_status status = WS_OK;

	if (!system->members) {
		found = malloc(sizeof(*found));
		if (!found)
			return ws_fail_memory(system->ctx);
		ws_members_init(found);
		if (system->options.vmlinux)
			status = ws_dwarf_members(system->ctx, system->options.vmlinux,
						  found);
		if (!status && !found->source)
			status = ws_btf_members(system, found);
		if (status) {
			free(found);
			return status;
		}
		system->members = found;
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
	int32_t said = members->offset[c->member];
	int32_t from = c->from == WS_NO_MEMBER ? 0 : members->offset[c->from];

	if (said == WS_NO_MEMBER || from == WS_NO_MEMBER || said - from == c->found)
		return;
	if (c->found == WS_NO_FIELD)
		ws_note(system, "%s has %s.%s at %d%s%s, which was not found in memory",
			members->source, ws_member_rows[c->member].type,
			ws_member_rows[c->member].name, said - from, from ? " from " : "",
			from ? ws_member_rows[c->from].name : "");
	else
		ws_note(system, "%s has %s.%s at %d%s%s, but memory looks like %d",
			members->source, ws_member_rows[c->member].type,
			ws_member_rows[c->member].name, said - from, from ? " from " : "",
			from ? ws_member_rows[c->from].name : "", c->found);
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
	status = ws_members_of(system, &members);
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
	status = ws_members_of(system, &members);
	for (size_t i = 0; !status && i < WS_ARRAY_SIZE(comparisons); i++)
		compare(system, members, &comparisons[i]);
	return status;
}
