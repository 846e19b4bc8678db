/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON as one document, and NDJSON as one object a line. Jansson makes each row; the
 * document around the rows is written by hand, so that it need not fit into memory.
 */
#include "report/report.h"

#include <jansson.h>
#include <string.h>

#include "util/cleanup.h"

static const struct report_ops gather_rows;

/* Prints object, which is consumed; NULL means that memory was short. */
static void print_object(struct report *report, json_t *object)
{
	if (!object || json_dumpf(object, report->out, JSON_COMPACT | JSON_ENCODE_ANY))
		report->failed = true;
	json_decref(object);
}

static json_t *clean_string(const struct report *report, const char *text)
{
	static const struct column column = { .kind = COLUMN_TEXT };
	const struct value value = value_text(text);
	char cell[REPORT_CELL];

	return json_string(report_plain(report, &column, &value, cell));
}

static json_t *json_lines(const struct report *report, const char *text)
{
	json_t *lines = json_array();

	while (lines && text) {
		const char *end = strchr(text, '\n');
		ws_autofree char *line =
			end ? strndup(text, (size_t)(end - text)) : strdup(text);

		if (!line || json_array_append_new(lines, clean_string(report, line))) {
			json_decref(lines);
			return NULL;
		}
		text = end ? end + 1 : NULL;
	}
	return lines;
}

/* The rows of one cell: printed to a report of their own, which keeps them. */
static json_t *json_rows(const struct report *report, const struct column *column,
			 const struct value *value)
{
	struct report inner = { .ops = &gather_rows,
				.out = report->out,
				.address_digits = report->address_digits,
				.table = column->table,
				.nested = json_array() };

	if (inner.nested)
		value->rows(value->arg, &inner);
	if (!inner.failed)
		return inner.nested;
	json_decref(inner.nested);
	return NULL;
}

static json_t *json_value(const struct report *report, const struct column *column,
			  const struct value *value)
{
	char cell[REPORT_CELL];

	if (!value->known)
		return column->kind == COLUMN_LINES ? json_array() : json_null();
	switch (column->kind) {
	case COLUMN_TEXT:
	case COLUMN_ASCII:
	case COLUMN_ADDRESS:
		return json_string(report_plain(report, column, value, cell));
	case COLUMN_YES:
		return json_boolean(value->number);
	case COLUMN_LINES:
		return json_lines(report, value->text);
	case COLUMN_ROWS:
		return json_rows(report, column, value);
	default:
		return json_integer((json_int_t)value->number);
	}
}

static bool add_values(const struct report *report, json_t *object,
		       const struct value *values)
{
	for (size_t i = 0; i < report->table->n; i++) {
		const struct column *column = &report->table->columns[i];

		if (column->key &&
		    json_object_set_new_nocheck(object, column->key,
						json_value(report, column, &values[i])))
			return false;
	}
	return true;
}

static void gather_row(struct report *report, const struct value *values)
{
	json_t *object = json_object();

	if (!object || !add_values(report, object, values))
		report->failed = true;
	if (json_array_append_new(report->nested, object))
		report->failed = true;
}

static const struct report_ops gather_rows = {
	.row = gather_row,
};

static void print_values(struct report *report, json_t *object,
			 const struct value *values)
{
	if (!object || !add_values(report, object, values))
		report->failed = true;
	print_object(report, object);
}

static json_t *schema(const struct report *report)
{
	return json_sprintf("whosees/%s/%u", report->command, report->schema);
}

static void json_begin(struct report *report)
{
	fputs("{\n\"schema\": ", report->out);
	print_object(report, schema(report));
	if (!report->target)
		return;
	fputs(",\n\"target\": ", report->out);
	print_object(report, clean_string(report, report->target));
}

static void json_table(struct report *report, report_rows_fn *rows, void *arg)
{
	fprintf(report->out, ",\n\"%s\": [", report->table->name);
	rows(arg, report);
	fputs(report->rows ? "\n]" : "]", report->out);
}

static void json_row(struct report *report, const struct value *values)
{
	fputs(report->rows ? ",\n  " : "\n  ", report->out);
	print_values(report, json_object(), values);
}

static void json_note(struct report *report, const char *note)
{
	fputs(report->notes ? ",\n  " : ",\n\"notes\": [\n  ", report->out);
	print_object(report, clean_string(report, note));
}

static void json_end(struct report *report)
{
	fputs(report->notes ? "\n]\n}\n" : ",\n\"notes\": []\n}\n", report->out);
}

const struct report_ops report_json = {
	.begin = json_begin,
	.table = json_table,
	.row = json_row,
	.note = json_note,
	.end = json_end,
};

static void ndjson_line(struct report *report, json_t *object)
{
	print_object(report, object);
	fputc('\n', report->out);
}

static void ndjson_begin(struct report *report)
{
	json_t *object =
		json_pack("{s:s, s:o}", "record", "report", "schema", schema(report));

	if (object && report->target &&
	    json_object_set_new(object, "target", clean_string(report, report->target)))
		report->failed = true;
	ndjson_line(report, object);
}

static void ndjson_table(struct report *report, report_rows_fn *rows, void *arg)
{
	rows(arg, report);
}

static void ndjson_row(struct report *report, const struct value *values)
{
	print_values(report, json_pack("{s:s}", "record", report->table->name), values);
	fputc('\n', report->out);
}

static void ndjson_note(struct report *report, const char *note)
{
	ndjson_line(report, json_pack("{s:s, s:o}", "record", "note", "note",
				      clean_string(report, note)));
}

const struct report_ops report_ndjson = {
	.begin = ndjson_begin,
	.table = ndjson_table,
	.row = ndjson_row,
	.note = ndjson_note,
};
