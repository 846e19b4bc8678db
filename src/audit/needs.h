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

/* In which halves of a space, where PTI gives it two: the one that CR3 holds in user
 * mode too, or only the one that the entry code changes to. */
enum ws_half {
	WS_HALF_KERNEL = 1 << 0,
	WS_HALF_USER = 1 << 1,
	WS_HALF_BOTH = WS_HALF_KERNEL | WS_HALF_USER,
};

struct ws_need {
	const struct ws_rule *rule;
	enum ws_severity severity; /* 0: the rule's */
	int cpu;                   /* -1: every processor's */
	uint64_t va, last;
	uint8_t halves;    /* enum ws_half bits */
	uint8_t rights;    /* WS_WRITE, WS_EXECUTE: beyond reading */
	uint8_t refused;   /* WS_USER, where SMEP or SMAP refuses a user's page */
	bool if_reference; /* of no use to a kernel whose init_mm does not have it */
	char *what;        /* "the IDT of cpu 0 at 0xff400000" */
};

struct ws_needs {
	struct ws_audit *audit;
	WS_VEC(struct ws_need) v;
	uint64_t unreadable; /* walks that left the memory */
};

void ws_needs_release(struct ws_needs *needs);

/* Copies need; its words are those of fmt. A short memory is put down in the audit. */
void ws_need_add(struct ws_needs *needs, const struct ws_need *need, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Finds every piece of need that the space of that index does not serve. */
void ws_need_check(struct ws_needs *needs, const struct ws_need *need, uint32_t space);

/* The same for every need that was added, in every space that is audited. */
enum ws_status ws_needs_check(struct ws_needs *needs) WS_MUST_CHECK;

/* The last of size bytes from va on; a hostile va does not make it wrap. */
static inline uint64_t ws_last_of(uint64_t va, uint64_t size)
{
	return va + (size - 1) < va ? UINT64_MAX : va + (size - 1);
}

#endif
