/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers on their way out: a table of columns drives text, JSON, NDJSON and CSV alike,
 * so that every format says the same.
 *
 * A report is a few tables, each printed row by row by a callback, so that millions of
 * rows need no memory. Text is printed twice: once to measure, once to print; and before
 * that once more where alike rows are folded.
 *
 *	report_open(&report, REPORT_JSON, "spaces", 1, target, stdout);
 *	report_table(&report, &table, print_rows, arg);
 *	if (!report_close(&report)) ...
 *
 * Strings may come from a dump, which is nobody's friend: whatever is not printable
 * ASCII leaves as \xNN and a backslash as two, in every format, so that two names that
 * differ are printed differently.
 *
 * How to add a format: one file with one struct report_ops, and a row in report.c.
 */
#ifndef WS_REPORT_REPORT_H
#define WS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/table.h"

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_NDJSON,
	REPORT_CSV,
	REPORT_SARIF, /* no tables: sarif.h */
};

/* How wide a column of text is; widths.c. */
struct fit {
	unsigned natural; /* its widest cell */
	unsigned word;    /* its widest word */
	unsigned width;   /* what it gets */
};

enum text_pass { PASS_FOLD, PASS_MEASURE, PASS_PRINT };

struct report_ops {
	void (*begin)(struct report *report);
	void (*table)(struct report *report, report_rows_fn *rows, void *arg);
	void (*row)(struct report *report, const struct value *values);
	void (*heading)(struct report *report, const char *heading); /* or NULL */
	void (*note)(struct report *report, const char *note); /* after all tables */
	void (*end)(struct report *report);
	/* begin and end may be NULL */
};

/* The fields are the formats' business, not the caller's. */
struct report {
	const struct report_ops *ops;
	const char *command;
	const char *target;
	FILE *out;
	bool colour;
	bool failed;
	unsigned schema;
	unsigned address_digits;    /* at least so many hex digits */
	const struct table *table;  /* the one being printed */
	size_t tables, rows, notes; /* printed so far; rows of this table */
	bool after_rows;            /* text: the last that it printed is a table's row */
	size_t width;               /* of a line of text */
	struct column_list shown;   /* of this table, in text and CSV */
	struct column_list fitting; /* those of them that text has room for */
	const struct table *chosen; /* the table whose columns were chosen, or NULL */
	struct column_list choice;
	bool alone;    /* what was chosen is all that text shows */
	bool unfolded; /* each row is on its own line */
	enum text_pass pass;
	struct fit fit[REPORT_MAX_COLUMNS];
	struct fold *fold; /* of this table, while it is being printed */
	void *nested;      /* where the rows of a cell are gathered */
};

/*
 * schema: the version of the command's JSON. command and target (NULL: none) must outlive
 * the report; out stays the caller's.
 */
void report_open(struct report *report, enum report_format format, const char *command,
		 unsigned schema, const char *target, FILE *out);
/*
 * Of table, show these columns; columns.h has how to choose. alone: in text show nothing
 * but table, which must outlive the report.
 */
void report_choose(struct report *report, const struct table *table,
		   const struct column_list *choice, bool alone);
void report_table(struct report *report, const struct table *table, report_rows_fn *rows,
		  void *arg);
/* A line between rows, which says what those after it have in common: of text alone. */
void report_heading(struct report *report, const char *heading);
/* values has one for each column. False when there is no use in going on. */
bool report_row(struct report *report, const struct value *values);
void report_note(struct report *report, const char *note);
/*
 * What was to be printed is not there, for memory was short: report_close() will say so.
 */
void report_short(struct report *report);
/* The same where text is NULL; the value of text. */
struct value report_text_or_short(struct report *report, const char *text);
/* Ends and flushes; false when anything was not written (errno says why). */
bool report_close(struct report *report);

/*
 * Copies text with whatever is not printable ASCII as \xNN, and \ as \\; no byte takes
 * more than four. False: it did not fit.
 */
bool report_clean(char *clean, size_t size, const char *text);

/* Room for any value once written; longer text is cut, and says so. */
#define REPORT_CELL 4096

/* "12 KiB": in the largest unit in which it comes out even. Returns cell. */
const char *report_size(uint64_t bytes, char cell[static REPORT_CELL]);

/* A value as machines read it, or as people do. Returns cell. */
const char *report_plain(const struct report *report, const struct column *column,
			 const struct value *value, char cell[static REPORT_CELL]);
const char *report_human(const struct report *report, const struct column *column,
			 const struct value *value, char cell[static REPORT_CELL]);

extern const struct report_ops report_text, report_json, report_ndjson, report_csv;

#endif
