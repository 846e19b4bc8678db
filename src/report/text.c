/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for people: sentences, and tables of aligned columns, no wider than the line. */
#include "report/report.h"

#include <string.h>
#include <unistd.h>

#include "report/columns.h"
#include "report/fold.h"
#include "report/widths.h"
#include "report/wrap.h"

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define PLAIN "\033[m"

/* ---- sentences -------------------------------------------------------------------- */

static void print_sentence(struct report *report, const struct value *value)
{
	bool coloured = value->alarm && report->colour;
	char cell[REPORT_CELL];

	report_human(report, &report->table->columns[0], value, cell);
	if (report->after_rows && *cell)
		fputc('\n', report->out);
	report->after_rows = false;
	wrap_print(report->out, report->width, wrap_hang(cell), cell, coloured ? RED : "",
		   coloured ? PLAIN : "");
}

/* Not part of the answer, so not where the answer goes. */
static void text_note(struct report *report, const char *note)
{
	char cell[REPORT_CELL];

	fflush(report->out);
	report_plain(report, &(struct column){ .kind = COLUMN_TEXT },
		     &(struct value){ .known = true, .text = note }, cell);
	wrap_labelled(stderr, "note: ", cell);
}

/* ---- tables ----------------------------------------------------------------------- */

static bool right_aligned(const struct column *column)
{
	return column->kind == COLUMN_COUNT || column->kind == COLUMN_SIZE ||
	       column->kind == COLUMN_SHARE;
}

/* n characters of a cell, where gap blanks before it are still due; returns what is then. */
static size_t print_piece(const struct report *report, size_t at, const char *text,
			  size_t n, const char *colour, size_t gap)
{
	size_t width = report->fit[at].width;
	size_t pad = width > n ? width - n : 0;
	bool right = right_aligned(&report->table->columns[at]);
	bool coloured = colour && report->colour;

	if (!n)
		return gap + width;
	fprintf(report->out, "%*s%s%.*s%s", (int)(gap + (right ? pad : 0)), "",
		coloured ? colour : "", (int)n, text, coloured ? PLAIN : "");
	return right ? 0 : pad;
}

/* One line of a row: what of each cell's rest fits in its column. */
static bool print_line(const struct report *report, const char **rest,
		       const char *const *colours)
{
	bool more = false;
	size_t gap = 0;

	for (size_t i = 0; i < report->fitting.n; i++) {
		size_t at = report->fitting.at[i];
		size_t n = strlen(rest[at]);

		if (n > report->fit[at].width)
			n = wrap_fit(rest[at], report->fit[at].width);
		gap = print_piece(report, at, rest[at], n, colours[at], gap) + 2;
		rest[at] = wrap_rest(rest[at], n);
		more |= *rest[at] != '\0';
	}
	fputc('\n', report->out);
	return more;
}

static void print_titles(const struct report *report)
{
	char titles[REPORT_MAX_COLUMNS][COLUMN_TITLE];
	const char *rest[REPORT_MAX_COLUMNS], *colours[REPORT_MAX_COLUMNS];

	for (size_t i = 0; i < report->fitting.n; i++) {
		size_t at = report->fitting.at[i];

		rest[at] = column_title(&report->table->columns[at], titles[at]);
		colours[at] = BOLD;
	}
	while (print_line(report, rest, colours))
		;
}

static void print_cells(const struct report *report, const struct cells *cells)
{
	const char *rest[REPORT_MAX_COLUMNS], *colours[REPORT_MAX_COLUMNS];

	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];

		rest[at] = cells->text[at];
		colours[at] = cells->alarm[at] ? RED : NULL;
	}
	while (print_line(report, rest, colours))
		;
}

static void text_cells(struct report *report, struct cells *cells)
{
	bool shown = true;

	if (report->pass == PASS_FOLD) {
		if (!fold_count(report, cells))
			report_short(report);
		return;
	}
	if (report->fold && !fold_row(report, cells, &shown))
		report_short(report);
	if (!shown)
		return;
	if (report->pass == PASS_PRINT) {
		print_cells(report, cells);
		return;
	}
	for (size_t i = 0; i < report->shown.n; i++)
		layout_measure(report, report->shown.at[i],
			       cells->text[report->shown.at[i]]);
}

static void text_row(struct report *report, const struct value *values)
{
	struct cells cells;

	if (report->table->prose) {
		print_sentence(report, values);
		return;
	}
	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];

		report_human(report, &report->table->columns[at], &values[at],
			     cells.text[at]);
		cells.alarm[at] = values[at].alarm;
	}
	text_cells(report, &cells);
}

static void measure(struct report *report, report_rows_fn *rows, void *arg)
{
	char title[COLUMN_TITLE];

	layout_begin(report);
	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];

		layout_measure(report, at,
			       column_title(&report->table->columns[at], title));
	}
	report->pass = PASS_MEASURE;
	rows(arg, report);
}

/*
 * Which columns are not there, by the names that --columns knows them by. Only somebody who
 * looks at a terminal is notified: in a pipe it would be noise.
 */
static void note_left(struct report *report)
{
	const struct column_list *fitting = &report->fitting;
	size_t left = report->shown.n - fitting->n, n = 0;
	char note[REPORT_CELL];

	for (size_t i = 0; left && i < report->shown.n && n < sizeof(note); i++) {
		size_t at = report->shown.at[i];

		if (!memchr(fitting->at, (int)at, fitting->n))
			n += (size_t)snprintf(note + n, sizeof(note) - n, "%s%s",
					      n ? ", " : "",
					      report->table->columns[at].key);
	}
	if (!left || n >= sizeof(note) || !isatty(fileno(report->out)))
		return;
	snprintf(note + n, sizeof(note) - n, ": no room for %s; --columns shows %s",
		 left == 1 ? "this column" : "these columns", left == 1 ? "it" : "them");
	text_note(report, note);
}

static void print_table(struct report *report, report_rows_fn *rows, void *arg)
{
	measure(report, rows, arg);
	if (!report->rows)
		return;
	layout_fit(report);
	if (report->tables && !report->alone)
		fputc('\n', report->out);
	print_titles(report);
	report->pass = PASS_PRINT;
	rows(arg, report);
	report->after_rows = true;
	note_left(report);
}

static void text_table(struct report *report, report_rows_fn *rows, void *arg)
{
	if (report->alone && report->table != report->chosen)
		return;
	if (report->table->prose) {
		rows(arg, report);
		return;
	}
	if (!report->shown.n)
		return;
	if (fold_wanted(report)) {
		report->pass = PASS_FOLD;
		report->fold = fold_create();
		if (report->fold)
			rows(arg, report);
		else
			report_short(report);
	}
	print_table(report, rows, arg);
	fold_destroy(report->fold);
	report->fold = NULL;
}

static void text_heading(struct report *report, const char *heading)
{
	if (report->pass == PASS_PRINT)
		fprintf(report->out, "---[ %s ]---\n", heading);
}

const struct report_ops report_text = {
	.table = text_table,
	.row = text_row,
	.heading = text_heading,
	.note = text_note,
};
