/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A large page held against a table that another space has in its place: which pages of
 * the table, and of the tables below it, lead to something else, or grant something else.
 */
#ifndef WS_AUDIT_SPLIT_H
#define WS_AUDIT_SPLIT_H

#include "audit/rule.h"
#include "util/hash.h"

/* What of a page in the table is not as in the large page; of several, the first. */
enum ws_split_what {
	WS_SPLIT_ALIKE,
	WS_SPLIT_HOLE,       /* nothing is mapped */
	WS_SPLIT_ELSEWHERE,  /* another page frame */
	WS_SPLIT_RIGHTS,     /* with all that the tables above take away */
	WS_SPLIT_ATTRIBUTES, /* caching, G */
};

/* Neighbours in one table that differ in the same way. */
struct ws_split_run {
	enum ws_split_what what;
	unsigned level;
	unsigned first, last; /* indices in the table */
	uint64_t va, va_last;
	uint64_t entry, pa; /* the first's; pa: of a page */
};

/* An entry that maps a page, one that leads to a table, and where both stand. */
struct ws_split_key {
	uint64_t level, va, page, table;
};

struct ws_split {
	struct ws_split_key key;
	WS_VEC(struct ws_split_run) runs; /* none, and nothing below: all is alike */
	bool unread;                      /* some table was not read: unread_pa is one, */
	uint64_t unread_pa;
	bool limited; /* or not gone into: WS_SPLIT_TABLES were */
	UT_hash_handle hh;
};

/*
 * A kernel has at most 1,536 entries at the level that spaces have to themselves (PAE
 * with 3 GiB): twice as many, and more, where all spaces but init_mm's differ in two
 * ways.
 */
#define WS_SPLIT_TABLES (1u << 12)

/* Zeroed but for the first; ws_splits_release() when done. */
struct ws_splits {
	struct ws_audit *audit;
	uint64_t ntables;
	struct ws_split *seen;
};

/*
 * Each pair is compared once, in however many spaces it stands: the work is bounded by
 * the tables. The answer is the splits' own. NULL: memory is short.
 */
const struct ws_split *ws_split_of(struct ws_splits *splits, unsigned level, uint64_t va,
				   uint64_t page, uint64_t table);
void ws_splits_release(struct ws_splits *splits);

#endif
