/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/words.h"
#include "util/cleanup.h"
#include "util/text.h"

static const struct column columns[] = {
	{ "line", NULL, COLUMN_TEXT, NULL },
};
const struct table lines_table = { "lines", TABLE_COLUMNS(columns), .prose = true };

bool prose_line(struct report *report, bool alarm, const char *fmt, ...)
{
	ws_autofree char *line = NULL;
	struct value row;
	va_list ap;

	va_start(ap, fmt);
	line = ws_text_of_args(fmt, ap);
	va_end(ap);
	row = report_text_or_short(report, line);
	row.alarm = alarm;
	return report_row(report, &row);
}

void prose_lines(struct report *report, const char *indent, const char *text)
{
	while (text) {
		size_t n = strcspn(text, "\n");

		if (!prose_line(report, false, "%s%.*s", indent, (int)n, text))
			return;
		text = text[n] ? text + n + 1 : NULL;
	}
}

void prose_who(struct report *report, const struct ws_space *spaces, size_t n)
{
	char who[WHO_WORDS];

	prose_line(report, false, "%s", who_counts(spaces, n, who));
}
