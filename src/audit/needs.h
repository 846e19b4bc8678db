/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a processor must be able to reach while it delivers a fault, and in which spaces
 * it cannot.
 *
 *	gather needs (faultpath.c, gates.c, stacks.c) -> ws_needs_check() -> findings
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

/* Finds every piece of need that the space of that index does not serve. */
void ws_need_check(struct ws_needs *needs, const struct ws_need *need, uint32_t space);

/* The same for every need that was added, in every space that is audited. */
enum ws_status ws_needs_check(struct ws_needs *needs) WS_MUST_CHECK;

/* The last address that a walk decides: of its page, or of what its last entry rules. */
uint64_t ws_trail_last(const struct ws_format *format, const struct ws_trail *trail);

/* The last of size bytes from va on; a hostile va does not make it wrap. */
static inline uint64_t ws_last_of(uint64_t va, uint64_t size)
{
	return va + (size - 1) < va ? UINT64_MAX : va + (size - 1);
}

#endif
