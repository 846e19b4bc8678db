/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/members.h"

#include <string.h>

#include "util/bits.h"

/* Larger than any struct of the kernel. */
#define OFFSET_MAX (1u << 20)

const struct ws_member_row ws_member_rows[WS_MEMBERS] = {
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
	[WS_TLB_ASID] = { "tlb_state", "loaded_mm_asid" },
	[WS_TLB_CTXS] = { "tlb_state", "ctxs" },
	[WS_TLB_IS_LAZY] = { "tlb_state", "is_lazy" },
	[WS_MM_CONTEXT] = { "mm_struct", "context" },
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
		if (!strcmp(ws_member_rows[i].type, type))
			return true;
	return false;
}

void ws_members_take(struct ws_members *members, const char *type, const char *name,
		     uint64_t bits)
{
	for (size_t i = 0; i < WS_MEMBERS; i++)
		if (members->offset[i] == WS_NO_MEMBER && bits / 8 < OFFSET_MAX &&
		    !strcmp(ws_member_rows[i].type, type) &&
		    !strcmp(ws_member_rows[i].name, name))
			members->offset[i] = (int32_t)(bits / 8);
}

/* A kernel has core_layout or mem in struct module, never both. */
bool ws_members_complete(const struct ws_members *members)
{
	unsigned missing = 0;

	for (size_t i = 0; i < WS_INFERRED_MEMBERS; i++)
		missing += members->offset[i] == WS_NO_MEMBER;
	return missing <= 1;
}
