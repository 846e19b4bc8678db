/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of the direct map that was overwritten. */
#ifndef WS_AUTOPSY_LOST_TABLE_H
#define WS_AUTOPSY_LOST_TABLE_H

#include "autopsy/autopsy.h"

struct ws_lost_table {
	bool by_fault; /* the last fault of a processor shows it; else it is one of all */
	uint32_t cpu;  /* whose last fault it was, if by_fault */
	uint64_t fault; /* at that address; else one that it should map */
	uint64_t table; /* its pa */
	unsigned level;
	uint64_t first;         /* the lowest address that it maps */
	unsigned left, entries; /* how many are as they should be, of how many */
	unsigned foreign;       /* how many of the others hold something */
};

/* Of the first processor whose last fault is explained by one, or else the first there is. */
bool ws_find_lost_table(const struct ws_autopsy *autopsy, struct ws_lost_table *lost);

/* The death is by that: how sure, of which processor, and what is left of the table. */
void ws_put_lost_table(struct ws_autopsy *autopsy, struct ws_death *death,
		       const struct ws_lost_table *lost);

#endif
