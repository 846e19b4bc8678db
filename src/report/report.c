/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/columns.h"
#include "report/wrap.h"

static const struct report_ops *const formats[] = {
	[REPORT_TEXT] = &report_text,
	[REPORT_JSON] = &report_json,
	[REPORT_NDJSON] = &report_ndjson,
	[REPORT_CSV] = &report_csv,
};

/* https://no-color.org: any value but an empty one says no. */
static bool wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

void report_open(struct report *report, enum report_format format, const char *command,
		 unsigned schema, const char *target, FILE *out)
{
	*report = (struct report){
		.ops = formats[format],
		.command = command,
		.schema = schema,
		.target = target,
		.out = out,
		.colour = format == REPORT_TEXT && wants_colour(out),
		.width = wrap_width(out),
		.address_digits = 8,
	};
	if (report->ops->begin)
		report->ops->begin(report);
}

void report_choose(struct report *report, const struct table *table,
		   const struct column_list *choice, bool alone)
{
	report->chosen = table;
	report->choice = *choice;
	report->alone = alone;
}

void report_table(struct report *report, const struct table *table, report_rows_fn *rows,
		  void *arg)
{
	report->table = table;
	report->rows = 0;
	if (table == report->chosen)
		report->shown = report->choice;
	else
		columns_default(&report->shown, table, report->ops == &report_text);
	report->ops->table(report, rows, arg);
	report->tables++;
}

void report_heading(struct report *report, const char *heading)
{
	if (report->ops->heading)
		report->ops->heading(report, heading);
}

bool report_row(struct report *report, const struct value *values)
{
	report->ops->row(report, values);
	report->rows++;
	return !report->failed && !ferror(report->out);
}

void report_note(struct report *report, const char *note)
{
	report->ops->note(report, note);
	report->notes++;
}

void report_short(struct report *report)
{
	report->failed = true;
}

struct value report_text_or_short(struct report *report, const char *text)
{
	if (!text)
		report_short(report);
	return value_text(text);
}

bool report_close(struct report *report)
{
	if (report->ops->end)
		report->ops->end(report);
	return !(fflush(report->out) || ferror(report->out) || report->failed);
}

/* One byte as it is printed: "a", "\\" or "\x1b". Returns its length. */
static size_t clean_byte(char clean[static 5], unsigned char byte)
{
	if (byte == '\\')
		return (size_t)sprintf(clean, "\\\\");
	if (byte < 0x20 || byte >= 0x7f)
		return (size_t)sprintf(clean, "\\x%02x", byte);
	return (size_t)sprintf(clean, "%c", byte);
}

bool report_clean(char *clean, size_t size, const char *text)
{
	bool fits = true;

	for (; *text && fits; text++) {
		char byte[5];
		size_t need = clean_byte(byte, (unsigned char)*text);

		fits = size > need;
		if (!fits)
			break;
		memcpy(clean, byte, need);
		clean += need;
		size -= need;
	}
	*clean = '\0';
	return fits;
}

static void clean_cell(char cell[static REPORT_CELL], const char *text)
{
	if (!report_clean(cell, REPORT_CELL, text))
		memcpy(cell + REPORT_CELL - 8, "...", 4);
}

const char *report_plain(const struct report *report, const struct column *column,
			 const struct value *value, char cell[static REPORT_CELL])
{
	switch (column->kind) {
	case COLUMN_TEXT:
		clean_cell(cell, value->text);
		break;
	case COLUMN_ASCII:
		snprintf(cell, REPORT_CELL, "%s", value->text);
		break;
	case COLUMN_ADDRESS:
		snprintf(cell, REPORT_CELL, "0x%0*" PRIx64, (int)report->address_digits,
			 value->number);
		break;
	case COLUMN_COUNT:
	case COLUMN_SIZE:
	case COLUMN_SHARE:
		snprintf(cell, REPORT_CELL, "%" PRIu64, value->number);
		break;
	case COLUMN_YES:
		snprintf(cell, REPORT_CELL, "%s", value->number ? "true" : "false");
		break;
	case COLUMN_LINES:
	case COLUMN_ROWS:
		*cell = '\0';
		break;
	}
	return cell;
}

const char *report_size(uint64_t bytes, char cell[static REPORT_CELL])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(*units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(cell, REPORT_CELL, "%" PRIu64 " %s", bytes, units[unit]);
	return cell;
}

const char *report_human(const struct report *report, const struct column *column,
			 const struct value *value, char cell[static REPORT_CELL])
{
	if (!value->known)
		return strcpy(cell, "-");
	switch (column->kind) {
	case COLUMN_SIZE:
		return report_size(value->number, cell);
	case COLUMN_SHARE:
		if (value->number && value->number < 1000)
			return strcpy(cell, "<0.1 %");
		snprintf(cell, REPORT_CELL, "%" PRIu64 ".%" PRIu64 " %%",
			 value->number / 10000, value->number % 10000 / 1000);
		return cell;
	case COLUMN_YES:
		return strcpy(cell, value->number ? "yes" : "no");
	default:
		return report_plain(report, column, value, cell);
	}
}
