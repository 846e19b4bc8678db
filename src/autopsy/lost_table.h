/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of the direct map that was overwritten, as a processor's last fault shows it. */
#ifndef WS_AUTOPSY_LOST_TABLE_H
#define WS_AUTOPSY_LOST_TABLE_H

#include "autopsy/autopsy.h"

struct ws_lost_table {
	uint32_t cpu;   /* whose last fault it was */
	uint64_t fault; /* at that address */
	uint64_t table; /* its pa */
	unsigned level;
	unsigned left, entries; /* how many are as they should be, of how many */
};

/* Of the first processor whose last fault is explained by one. */
bool ws_find_lost_table(const struct ws_autopsy *autopsy, struct ws_lost_table *lost);

/* Adds the fault, and what is left of the table. */
void ws_clue_lost_table(struct ws_autopsy *autopsy, const struct ws_lost_table *lost);

#endif
