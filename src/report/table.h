/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a table is: its columns, the values of a row, and which columns are chosen. */
#ifndef WS_REPORT_TABLE_H
#define WS_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_kind {
	COLUMN_TEXT,
	COLUMN_ASCII, /* bytes as one printable character each, made so by who prints them */
	COLUMN_COUNT,
	COLUMN_ADDRESS, /* hex; a string in JSON, whose numbers are doubles to many */
	COLUMN_SIZE,    /* bytes; text says KiB, MiB ... where they come out even */
	COLUMN_SHARE,   /* millionths; text says per cent */
	COLUMN_YES,
	COLUMN_LINES, /* text of several lines: an array of strings in JSON, and */
	COLUMN_ROWS,  /* a table in a cell: an array of objects; nowhere but in JSON */
};

/* What becomes of a column's cells where alike rows are folded into one. */
enum column_fold {
	FOLD_ALIKE, /* rows with the same in all such columns are alike */
	FOLD_NAMES, /* how many rows there are, and what the first of them have here */
	FOLD_ANY,   /* what all rows have; "..." where they differ */
};

struct column {
	const char *key;   /* in JSON and CSV; NULL: they do without the column */
	const char *title; /* in text; NULL: text does without it */
	enum column_kind kind;
	const char *about;
	const struct table *table; /* of COLUMN_ROWS */
	/* Where lines are short text leaves it out, the highest first; 0: never. */
	uint8_t optional;
	enum column_fold fold;
};

struct table {
	const char *name; /* JSON's member; NDJSON's "record" */
	const struct column *columns;
	size_t n;
	bool prose; /* text prints the first column alone, a line each, no titles */
	/* What its rows are, where text folds those that are alike: "spaces"; or NULL. */
	const char *fold;
};

#define REPORT_MAX_COLUMNS 24
/* One name for the array and its length. */
#define TABLE_COLUMNS(array) .columns = (array), .n = sizeof(array) / sizeof(*(array))

struct report;

/* Prints all rows with report_row(); stops when that returns false. */
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

/* Some of a table's columns, in an order, by their places in it. */
struct column_list {
	uint8_t at[REPORT_MAX_COLUMNS];
	size_t n;
};

#endif
