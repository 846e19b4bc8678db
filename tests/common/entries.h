/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What page-table entries look like, a row a family of formats: enough to make random
 * tables that lead somewhere. Written from the manuals; nothing of src/paging is in it.
 */
#ifndef TESTS_ENTRIES_H
#define TESTS_ENTRIES_H

#include "whosees.h"

#define ENTRIES_KINDS 7

struct entries {
	const char *prefix; /* of the formats' names */
	unsigned size;      /* of an entry */
	unsigned page;      /* log2 of the smallest page */
	unsigned stride;    /* bits of an address that the lowest table takes */
	uint64_t address;   /* an entry's bits that hold a physical address, */
	unsigned shift;     /* which is moved right by so much */
	uint64_t table,
		leaf;    /* one that leads to a table, and a page at the last level */
	uint64_t rights; /* bits that give rights to such a leaf */
	/* What entries are, in percent; the rest is left as it is. */
	struct {
		unsigned percent;
		uint64_t mask, value;
	} kind[ENTRIES_KINDS];
};

const struct entries *entries_of(const struct ws_format *format);

/* An entry's bits for a table or a page at pa. */
uint64_t entries_address(const struct entries *entries, uint64_t pa);

#endif
