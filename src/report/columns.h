/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a table's columns are shown, and which may be asked for by name. */
#ifndef WS_REPORT_COLUMNS_H
#define WS_REPORT_COLUMNS_H

#include <stdio.h>

#include "report/table.h"

/* Whether it can be asked for: it has a name, and fits into one cell. */
bool columns_has(const struct column *column);

/* What text or CSV shows of table unless it is asked for others. */
void columns_default(struct column_list *columns, const struct table *table, bool text);

/*
 * The columns that names names, by their keys with commas between, in any case; after a
 * +, those that are shown anyhow, and these. NULL when all is well; otherwise the first of
 * names that is no column, which goes on for *n bytes.
 */
const char *columns_choose(struct column_list *columns, const struct table *table,
			   bool text, const char *names, size_t *n);

/* Prints the keys of all that can be asked for, with commas between. */
void columns_list(FILE *out, const struct table *table);
/* The same, a line each with its meaning, wrapped to width. */
void columns_describe(FILE *out, const struct table *table, size_t width);

/* What stands above it in text: its title, or else its key in capitals. */
#define COLUMN_TITLE 32
const char *column_title(const struct column *column, char title[static COLUMN_TITLE]);

#endif
