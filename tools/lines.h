/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prose on its way out: a table of one column, a row a line. */
#ifndef WHOSEES_LINES_H
#define WHOSEES_LINES_H

#include "report/report.h"
#include "whosees.h"

extern const struct table lines_table;

/* False when there is no use in going on, as report_row() says. */
bool prose_line(struct report *report, bool alarm, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Each line of text, with indent before it; NULL: none. */
void prose_lines(struct report *report, const char *indent, const char *text);

/* Who is in and who is out (report/words.h), after a sentence that counts spaces. */
void prose_who(struct report *report, const struct ws_space *spaces, size_t n);

#endif
