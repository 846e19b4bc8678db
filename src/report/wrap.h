/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines that are broken at blanks, so that no terminal breaks them within a word. */
#ifndef WS_REPORT_WRAP_H
#define WS_REPORT_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* Characters to a line of out: the terminal's, or $COLUMNS, or 80. */
size_t wrap_width(FILE *out);

/*
 * How many bytes of text, which is one line, go on a line of width: as many words as fit,
 * and one at least, however long. Blanks at the end are not among them.
 */
size_t wrap_fit(const char *text, size_t width);

/* What is left of text after n bytes, from its next word on. */
const char *wrap_rest(const char *text, size_t n);

/*
 * Where a line's continuation is indented to: under what follows its label, if it begins
 * with one that two blanks end, and otherwise deeper than the line itself.
 */
size_t wrap_hang(const char *text);

/*
 * Prints text, and what does not fit on lines below it, indented by hang, but by no more
 * than half of width. Each line stands between begin and end, which have no width.
 */
void wrap_print(FILE *out, size_t width, size_t hang, const char *text, const char *begin,
		const char *end);

/*
 * Prints label and text, which is continued under its own beginning; where the label is
 * but an indentation, deeper than that.
 */
void wrap_labelled(FILE *out, const char *label, const char *text);

#endif
