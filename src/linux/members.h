/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What types say of members: from BTF in memory or by DWARF in a file. Those that the
 * inference has found by evidence are held against it; of the others types alone tell.
 */
#ifndef WS_LINUX_MEMBERS_H
#define WS_LINUX_MEMBERS_H

#include "linux/linux.h"

enum ws_member {
	WS_TASK_COMM,
	WS_TASK_TASKS,
	WS_TASK_PID,
	WS_TASK_FLAGS,
	WS_TASK_MM,
	WS_TASK_ACTIVE_MM,
	WS_MM_PGD,
	WS_MODULE_LIST,
	WS_MODULE_NAME,
	WS_MODULE_CORE_LAYOUT,
	WS_MODULE_MEM,
	WS_INFERRED_MEMBERS, /* so many are found by evidence too */
	/* per processor, where a kernel keeps account of its flushes: what it has loaded */
	WS_TLB_ASID = WS_INFERRED_MEMBERS,
	WS_TLB_CTXS,
	WS_TLB_IS_LAZY,
	WS_MM_CONTEXT,
	WS_MEMBERS
};

struct ws_member_row {
	const char *type, *name;
};
extern const struct ws_member_row ws_member_rows[WS_MEMBERS];

#define WS_NO_MEMBER (-1)

/* Byte offsets; WS_NO_MEMBER where the type has none or was not seen. */
struct ws_members {
	const char *source; /* "BTF", "DWARF"; NULL: none */
	int32_t offset[WS_MEMBERS];
};

void ws_members_init(struct ws_members *members);
/* Whether a struct of that name has members that are asked for. */
bool ws_members_want(const char *type);
/* A member at bit offset `bits` of the named struct; only the first mention counts. */
void ws_members_take(struct ws_members *members, const char *type, const char *name,
		     uint64_t bits);
/* Whether all that was inferred can be held against them. */
bool ws_members_complete(const struct ws_members *members);

/* The two sources; neither fails where it has nothing to say. */
enum ws_status ws_btf_members(struct ws_system *system,
			      struct ws_members *members) WS_MUST_CHECK;
enum ws_status ws_dwarf_members(struct ws_context *ctx, const char *path,
				struct ws_members *members) WS_MUST_CHECK;

/* What types say, asked once: a file goes before memory, for somebody chose it. */
enum ws_status ws_members_of(struct ws_system *system,
			     const struct ws_members **members) WS_MUST_CHECK;

/* The same as ws_cross_check_tasks(), once modules are known. */
enum ws_status ws_cross_check_modules(struct ws_system *system) WS_MUST_CHECK;

#endif
