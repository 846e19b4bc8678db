/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that are too long: the last column of words is broken into lines down to a width
 * at which it still reads well; then columns that may be missing are; then every column
 * of words is broken, the widest first, down to its longest word. What is still too long stays so.
 */
#include "report/widths.h"

#include <string.h>

#define BETWEEN 2 /* columns */
/* Words in a column that is narrower than this are a list of words. */
#define READABLE 24

void layout_begin(struct report *report)
{
	memset(report->fit, 0, sizeof(report->fit));
}

void layout_measure(struct report *report, size_t at, const char *text)
{
	struct fit *fit = &report->fit[at];
	size_t width = strlen(text);

	if (width > fit->natural)
		fit->natural = (unsigned)width;
	while (*(text += strspn(text, " "))) {
		size_t word = strcspn(text, " ");

		if (word > fit->word)
			fit->word = (unsigned)word;
		text += word;
	}
}

static size_t excess(const struct report *report)
{
	size_t width = report->fitting.n ? (report->fitting.n - 1) * BETWEEN : 0;

	for (size_t i = 0; i < report->fitting.n; i++)
		width += report->fit[report->fitting.at[i]].width;
	return width > report->width ? width - report->width : 0;
}

static bool has_words(const struct report *report, size_t at)
{
	return report->table->columns[at].kind == COLUMN_TEXT;
}

/* Takes from a column what there is too much, but leaves it as wide as reads well. */
static void narrow(struct report *report, size_t at)
{
	unsigned least = READABLE;
	struct fit *fit = &report->fit[at];
	size_t much = excess(report);

	if (least < fit->word)
		least = fit->word;
	if (fit->width <= least)
		return;
	fit->width -= much < fit->width - least ? (unsigned)much : fit->width - least;
}

/* The last column of words, and the one that has the names of what is folded. */
static void narrow_first(struct report *report)
{
	bool last = true;

	for (size_t i = report->fitting.n; i-- > 0;) {
		size_t at = report->fitting.at[i];
		bool names =
			report->fold && report->table->columns[at].fold == FOLD_NAMES;

		if (!has_words(report, at) || !(last || names))
			continue;
		narrow(report, at);
		last = false;
	}
}

/* Makes the widest column of words one narrower. False: all are but a word wide. */
static bool narrow_widest(struct report *report)
{
	struct fit *widest = NULL;

	for (size_t i = 0; i < report->fitting.n; i++) {
		size_t at = report->fitting.at[i];
		struct fit *fit = &report->fit[at];

		if (has_words(report, at) && fit->width > fit->word &&
		    (!widest || fit->width >= widest->width))
			widest = fit;
	}
	if (widest)
		widest->width--;
	return widest;
}

/* False: all that are left have to be there. */
static bool leave_out(struct report *report)
{
	struct column_list *fitting = &report->fitting;
	size_t worst = 0;

	for (size_t i = 1; i < fitting->n; i++)
		if (report->table->columns[fitting->at[i]].optional >
		    report->table->columns[fitting->at[worst]].optional)
			worst = i;
	if (!fitting->n || !report->table->columns[fitting->at[worst]].optional)
		return false;
	fitting->n--;
	memmove(&fitting->at[worst], &fitting->at[worst + 1], fitting->n - worst);
	return true;
}

void layout_fit(struct report *report)
{
	report->fitting = report->shown;
	do {
		for (size_t i = 0; i < report->shown.n; i++)
			report->fit[report->shown.at[i]].width =
				report->fit[report->shown.at[i]].natural;
		narrow_first(report);
	} while (excess(report) && report->table != report->chosen && leave_out(report));
	while (excess(report) && narrow_widest(report))
		;
}
