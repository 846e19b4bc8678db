/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chooses columns by name, as lsblk's -o does. */
#include "report/columns.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "report/wrap.h"
#include "util/cleanup.h"
#include "util/text.h"

bool columns_has(const struct column *column)
{
	return column->key && column->kind != COLUMN_LINES && column->kind != COLUMN_ROWS;
}

static void add(struct column_list *columns, size_t at)
{
	if (!memchr(columns->at, (int)at, columns->n))
		columns->at[columns->n++] = (uint8_t)at;
}

void columns_default(struct column_list *columns, const struct table *table, bool text)
{
	columns->n = 0;
	for (size_t i = 0; i < table->n; i++)
		if (text ? table->columns[i].title != NULL
			 : columns_has(&table->columns[i]))
			add(columns, i);
}

static bool add_named(struct column_list *columns, const struct table *table,
		      const char *name, size_t n)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = &table->columns[i];

		if (!columns_has(column) || strlen(column->key) != n ||
		    strncasecmp(column->key, name, n) != 0)
			continue;
		add(columns, i);
		return true;
	}
	return false;
}

const char *columns_choose(struct column_list *columns, const struct table *table,
			   bool text, const char *names, size_t *n)
{
	columns->n = 0;
	if (*names == '+') {
		columns_default(columns, table, text);
		if (!columns->n) /* text has another table instead */
			columns_default(columns, table, false);
		names++;
	}
	for (;;) {
		*n = strcspn(names, ",");
		if (!add_named(columns, table, names, *n))
			return names;
		if (!names[*n])
			return NULL;
		names += *n + 1;
	}
}

void columns_list(FILE *out, const struct table *table)
{
	const char *comma = "";

	for (size_t i = 0; i < table->n; i++) {
		if (!columns_has(&table->columns[i]))
			continue;
		fprintf(out, "%s%s", comma, table->columns[i].key);
		comma = ", ";
	}
}

void columns_describe(FILE *out, const struct table *table, size_t width)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = &table->columns[i];
		ws_autofree char *line = NULL;

		if (!columns_has(column))
			continue;
		line = ws_text_of("  %-15s  %s", column->key, column->about);
		if (line)
			wrap_print(out, width, wrap_hang(line), line, "", "");
	}
}

const char *column_title(const struct column *column, char title[static COLUMN_TITLE])
{
	size_t n = 0;

	if (column->title)
		return column->title;
	for (; column->key[n] && n + 1 < COLUMN_TITLE; n++)
		title[n] = column->key[n] == '_'
				   ? ' '
				   : (char)toupper((unsigned char)column->key[n]);
	title[n] = '\0';
	return title;
}
