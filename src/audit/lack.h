/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What decides about a space and could not be read: the reason of the verdict unknown. */
#ifndef WS_AUDIT_LACK_H
#define WS_AUDIT_LACK_H

#include "audit/rule.h"

/*
 * Records that the table or frame at pa is not in the target, and so what it decides is
 * not known. space: WS_NO_SPACE where it decides in every space. fmt: what it is, "the
 * IDT at 0xff400000". The same frame is recorded once for each space.
 */
void ws_lack_frame(struct ws_audit *audit, uint32_t space, uint64_t pa, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/* The same of a table that maps user memory. */
void ws_lack_user_table(struct ws_audit *audit, uint32_t space, uint64_t pa,
			const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * The same where kernel memory at [va, va + len) could not be read; nothing is recorded
 * where that was read, or where init_mm does not map it, which is known.
 */
void ws_lack_kernel(struct ws_audit *audit, uint64_t va, uint64_t len, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));

/*
 * Records what is not known for another reason than a missing frame. where_different: it
 * decides only in spaces that differ from init_mm; in the others it changes nothing,
 * since the kernel has been running on the same tables.
 */
void ws_lack_fact(struct ws_audit *audit, bool where_different, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The lacks that count for a space; differs: something was found about it. */
uint32_t ws_lacks_count(const struct ws_audit *audit, uint32_t space, bool differs);
/* The first of these, what decides about faults before what does not; or NULL. */
const struct ws_lack *ws_lacks_first(const struct ws_audit *audit, uint32_t space,
				     bool differs);

/* The same of one space. */
void ws_lack_fact_of(struct ws_audit *audit, uint32_t space, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, of what was read and is damaged, in a sentence of its own. */
void ws_lack_damaged(struct ws_audit *audit, uint32_t space, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same of what no target holds and this build does not know, where spaces differ. */
void ws_lack_knowledge(struct ws_audit *audit, const char *sentence);

/* Whether some were recorded of that space alone. */
bool ws_lacks_of(const struct ws_audit *audit, uint32_t space);
/* Forgets those of single spaces of which keeps() says false. */
enum ws_status ws_lacks_keep(struct ws_audit *audit,
			     bool (*keeps)(void *arg, uint32_t space),
			     void *arg) WS_MUST_CHECK;

void ws_lacks_release(struct ws_audit *audit);

#endif
