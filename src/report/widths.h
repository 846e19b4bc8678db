/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How wide the columns of a table of text are, so that its rows fit on lines. */
#ifndef WS_REPORT_WIDTHS_H
#define WS_REPORT_WIDTHS_H

#include "report/report.h"

/* Before any measuring. */
void layout_begin(struct report *report);
/* That text is to stand in the column at. */
void layout_measure(struct report *report, size_t at, const char *text);
/* Once all is measured, decides which columns are fitting, and how wide. */
void layout_fit(struct report *report);

#endif
