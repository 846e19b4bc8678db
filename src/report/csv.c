/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CSV as in RFC 4180: the last table alone, since a CSV file has but one header.
 *
 * A spreadsheet takes a cell that begins with one of = + - @ for a formula, and runs what
 * a process was called. Text that begins so gets a ' before it, and so does text that
 * begins with ': who reads the file takes one ' off. Numbers and addresses stay as they
 * are. A tab or CR, which do the same, are never printed.
 */
#include "report/report.h"

#include <string.h>

static void print_field(FILE *out, const char *mark, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(out, "%s%s", mark, text);
		return;
	}
	fprintf(out, "\"%s", mark);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static bool is_formula(const struct column *column, const char *text)
{
	return (column->kind == COLUMN_TEXT || column->kind == COLUMN_ASCII) && *text &&
	       strchr("=+-@'", *text);
}

static void print_header(const struct report *report)
{
	const char *comma = "";

	for (size_t i = 0; i < report->shown.n; i++) {
		fprintf(report->out, "%s%s", comma,
			report->table->columns[report->shown.at[i]].key);
		comma = ",";
	}
	fputs("\r\n", report->out);
}

static void csv_table(struct report *report, report_rows_fn *rows, void *arg)
{
	if (report->table->prose)
		return;
	print_header(report);
	rows(arg, report);
}

static void csv_row(struct report *report, const struct value *values)
{
	const char *comma = "";
	char cell[REPORT_CELL];

	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];
		const struct column *column = &report->table->columns[at];

		fputs(comma, report->out);
		comma = ",";
		if (!values[at].known)
			continue;
		report_plain(report, column, &values[at], cell);
		print_field(report->out, is_formula(column, cell) ? "'" : "", cell);
	}
	fputs("\r\n", report->out);
}

static void csv_note(struct report *report, const char *note)
{
	report_text.note(report, note);
}

const struct report_ops report_csv = {
	.table = csv_table,
	.row = csv_row,
	.note = csv_note,
};
