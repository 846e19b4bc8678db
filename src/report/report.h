/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers on their way out: a table of columns drives text, JSON, NDJSON and CSV alike,
 * so that every format says the same.
 *
 * A report is a few tables, each told row by row by a callback, so that millions of
 * rows need no memory. Text is told twice: once to measure, once to print.
 *
 *	report_open(&report, REPORT_JSON, "spaces", 1, target, stdout);
 *	report_table(&report, &table, tell_rows, arg);
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

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_NDJSON,
	REPORT_CSV,
	REPORT_SARIF, /* no tables: sarif.h */
};

enum column_kind {
	COLUMN_TEXT,
	COLUMN_ASCII, /* bytes as one printable character each, made so by who tells them */
	COLUMN_COUNT,
	COLUMN_ADDRESS, /* hex; a string in JSON, whose numbers are doubles to many */
	COLUMN_SIZE,    /* bytes; text says KiB, MiB ... where they come out even */
	COLUMN_SHARE,   /* millionths; text says per cent */
	COLUMN_YES,
	COLUMN_LINES, /* text of several lines: an array of strings in JSON, and */
	COLUMN_ROWS,  /* a table in a cell: an array of objects; nowhere but in JSON */
};

struct column {
	const char *key;   /* in JSON and CSV; NULL: they do without the column */
	const char *title; /* in text; NULL: text does without it */
	enum column_kind kind;
	const char *about;
	const struct table *table; /* of COLUMN_ROWS */
};

struct table {
	const char *name; /* JSON's member; NDJSON's "record" */
	const struct column *columns;
	size_t n;
	bool prose; /* text prints the first column alone, a line each, no titles */
};

#define REPORT_MAX_COLUMNS 20
/* One name for the array and its length. */
#define TABLE_COLUMNS(array) .columns = (array), .n = sizeof(array) / sizeof(*(array))

struct report;

/* Tells all rows with report_row(); stops when that returns false. */
typedef void report_rows_fn(void *arg, struct report *report);

/* One cell. Text is the caller's and is copied at once. */
struct value {
	bool known; /* false: "-", null or nothing */
	bool alarm; /* what the reader should see first */
	const char *text;
	uint64_t number;
	report_rows_fn *rows; /* of COLUMN_ROWS, called at once */
	void *arg;
};

static inline struct value value_text(const char *text)
{
	return (struct value){ .known = text, .text = text };
}

static inline struct value value_number(uint64_t number)
{
	return (struct value){ .known = true, .number = number };
}

static inline struct value value_rows(report_rows_fn *rows, void *arg)
{
	return (struct value){ .known = true, .rows = rows, .arg = arg };
}

static inline struct value value_alarm(struct value value)
{
	value.alarm = true;
	return value;
}

struct report_ops {
	void (*begin)(struct report *report);
	void (*table)(struct report *report, report_rows_fn *rows, void *arg);
	void (*row)(struct report *report, const struct value *values);
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
	const struct table *table;  /* the one being told */
	size_t tables, rows, notes; /* told so far; rows of this table */
	bool measuring;
	unsigned width[REPORT_MAX_COLUMNS];
	void *nested; /* where the rows of a cell are gathered */
};

/*
 * schema: the version of the command's JSON. command and target (NULL: none) must outlive
 * the report; out stays the caller's.
 */
void report_open(struct report *report, enum report_format format, const char *command,
		 unsigned schema, const char *target, FILE *out);
void report_table(struct report *report, const struct table *table, report_rows_fn *rows,
		  void *arg);
/* values has one for each column. False when there is no use in going on. */
bool report_row(struct report *report, const struct value *values);
void report_note(struct report *report, const char *note);
/* What was to be told is not there, for memory was short: report_close() will say so. */
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
