/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for people: aligned columns, and sentences above them. */
#include "report/report.h"

#include <string.h>

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define PLAIN "\033[m"

static void print(const struct report *report, const char *colour, const char *text)
{
	bool coloured = colour && report->colour;

	fprintf(report->out, "%s%s%s", coloured ? colour : "", text,
		coloured ? PLAIN : "");
}

static bool right_aligned(const struct column *column)
{
	return column->kind == COLUMN_COUNT || column->kind == COLUMN_SIZE ||
	       column->kind == COLUMN_SHARE;
}

static bool last_shown(const struct table *table, size_t i)
{
	while (++i < table->n)
		if (table->columns[i].title)
			return false;
	return true;
}

static void print_cell(const struct report *report, size_t i, const char *text,
		       const char *colour)
{
	const struct column *column = &report->table->columns[i];
	int pad = (int)report->width[i] - (int)strlen(text);

	if (right_aligned(column))
		fprintf(report->out, "%*s", pad, "");
	print(report, colour, text);
	if (last_shown(report->table, i))
		fputc('\n', report->out);
	else
		fprintf(report->out, "%*s", right_aligned(column) ? 2 : pad + 2, "");
}

static void print_titles(const struct report *report)
{
	for (size_t i = 0; i < report->table->n; i++)
		if (report->table->columns[i].title)
			print_cell(report, i, report->table->columns[i].title, BOLD);
}

static void measure(struct report *report, size_t i, const char *text)
{
	size_t width = strlen(text);

	if (width > report->width[i])
		report->width[i] = (unsigned)width;
}

static void text_row(struct report *report, const struct value *values)
{
	char cell[REPORT_CELL];

	if (report->table->prose) {
		report_human(report, &report->table->columns[0], &values[0], cell);
		print(report, values[0].alarm ? RED : NULL, cell);
		fputc('\n', report->out);
		return;
	}
	for (size_t i = 0; i < report->table->n; i++) {
		const struct column *column = &report->table->columns[i];

		if (!column->title)
			continue;
		report_human(report, column, &values[i], cell);
		if (report->measuring)
			measure(report, i, cell);
		else
			print_cell(report, i, cell, values[i].alarm ? RED : NULL);
	}
}

static void measure_rows(struct report *report, report_rows_fn *rows, void *arg)
{
	for (size_t i = 0; i < report->table->n; i++) {
		report->width[i] = 0;
		if (report->table->columns[i].title)
			measure(report, i, report->table->columns[i].title);
	}
	report->measuring = true;
	rows(arg, report);
	report->measuring = false;
}

static void text_table(struct report *report, report_rows_fn *rows, void *arg)
{
	if (!report->table->prose) {
		measure_rows(report, rows, arg);
		if (!report->rows)
			return;
		if (report->tables)
			fputc('\n', report->out);
		print_titles(report);
	}
	rows(arg, report);
}

/* Not part of the answer, so not where the answer goes. */
static void text_note(struct report *report, const char *note)
{
	char cell[REPORT_CELL];

	fflush(report->out);
	report_plain(report, &(struct column){ .kind = COLUMN_TEXT },
		     &(struct value){ .known = true, .text = note }, cell);
	fprintf(stderr, "note: %s\n", cell);
}

const struct report_ops report_text = {
	.table = text_table,
	.row = text_row,
	.note = text_note,
};
