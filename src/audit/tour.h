/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tour of page tables: every entry of every table of many spaces, each table once for
 * each way it is used. The spaces of one kernel share most of theirs, so the cost is
 * distinct tables, and not spaces x tables.
 */
#ifndef WS_AUDIT_TOUR_H
#define WS_AUDIT_TOUR_H

#include "audit/rule.h"
#include "paging/format.h"

/* One entry, present, where the tour met it first. */
struct ws_entry_at {
	const struct ws_entry_at
		*above; /* that led to its table; NULL: it is the root's */
	uint32_t space;
	uint8_t level;
	uint8_t access; /* what it and those above it grant */
	uint32_t index;
	uint64_t table;
	uint64_t va, last; /* what it rules */
	uint64_t entry;
	const struct ws_row *row; /* NULL: it means nothing */
	uint64_t address;         /* where it points */
};
typedef void ws_entry_fn(void *arg, const struct ws_entry_at *at);

struct ws_toured; /* tables that were seen */

/* Zeroed but for audit, fn and arg, and what of the next four is asked for; ws_tour_release() when done. */
struct ws_tour {
	struct ws_audit *audit;
	ws_entry_fn *fn;
	ws_entry_fn *hole; /* with what is not present and not 0; NULL: nobody asks */
	void *arg;
	uint8_t rights; /* inherited rights, enum ws_access, that make a way another */
	uint8_t way;    /* 0 or 1: what else does */
	uint64_t first; /* the lowest va of interest in the space that is toured */
	uint64_t ntables;
	struct ws_toured *toured;
};

/*
 * Calls fn with every entry of the space's tables, at and above tour->first, that the
 * tour has not met in the same way. A frame that cannot be read is not gone into. Work is
 * bounded by the tables that there are, and by WS_TOUR_TABLES of them.
 */
#define WS_TOUR_TABLES (1u << 22) /* 16 GiB of tables, some seconds */
void ws_tour_space(struct ws_tour *tour, uint32_t space);
void ws_tour_release(struct ws_tour *tour);

/* The va that the root's first entry rules: where each half has a root, by the half. */
uint64_t ws_tour_base(const struct ws_system *system, const struct ws_space *space);

#endif
