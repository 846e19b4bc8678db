/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a processor must be able to reach while it delivers a fault, and in which spaces
 * it cannot.
 *
 *	gather needs (an architecture's fault path, stacks.c) -> ws_needs_check()
 *	-> findings
 */
#ifndef WS_AUDIT_NEEDS_H
#define WS_AUDIT_NEEDS_H

#include "audit/rule.h"

struct ws_needs {
	struct ws_audit *audit;
	ws_need_vec v;
};

/* Copies need; its words are those of fmt. A short memory is put down in the audit. */
void ws_need_add(struct ws_needs *needs, const struct ws_need *need, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Finds every piece of need that the space of that index does not serve; none where its
 * root is no table.
 */
void ws_need_check(struct ws_needs *needs, const struct ws_need *need, uint32_t space);

/*
 * What first stands between the need and that root, and the walk there; NULL: nothing, or
 * what is not in the target.
 */
const char *ws_need_complaint(struct ws_needs *needs, const struct ws_need *need,
			      uint64_t root, struct ws_trail *trail);

/* ws_need_check() for every need that was added, in every space that is audited. */
enum ws_status ws_needs_check(struct ws_needs *needs) WS_MUST_CHECK;

/*
 * Needs like that one: the stacks of all tasks in every space. Each task's own is checked
 * in its own space at once.
 */
enum ws_status ws_needs_of_stacks(struct ws_needs *needs,
				  const struct ws_need *like) WS_MUST_CHECK;

/* The last address that a walk decides: of its page, or of what its last entry rules. */
uint64_t ws_trail_last(const struct ws_format *format, const struct ws_trail *trail);

/* The last of size bytes from va on; a hostile va does not make it wrap. */
static inline uint64_t ws_last_of(uint64_t va, uint64_t size)
{
	return va + (size - 1) < va ? UINT64_MAX : va + (size - 1);
}

#endif
