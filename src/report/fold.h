/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of text that are alike, on one line: how many they are, and the first of them. */
#ifndef WS_REPORT_FOLD_H
#define WS_REPORT_FOLD_H

#include "report/report.h"

struct cells {
	bool alarm[REPORT_MAX_COLUMNS]; /* by their columns' places in the table */
	char text[REPORT_MAX_COLUMNS][REPORT_CELL];
};

/* Whether alike rows of the table at hand are folded. */
bool fold_wanted(const struct report *report);

/* NULL when memory is short. */
struct fold *fold_create(void);
void fold_destroy(struct fold *fold);

/* Counts a row among those that are alike. False: memory is short. */
bool fold_count(const struct report *report, const struct cells *cells);
/*
 * What to print of a row, once all are counted: the row itself where few are alike; of
 * many the first alone, into whose cells goes what is said of all. *shown: whether
 * anything. False: memory is short.
 */
bool fold_row(const struct report *report, struct cells *cells, bool *shown);

#endif
