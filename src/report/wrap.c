/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Breaks lines at blanks. What is printed is ASCII: a byte is a column. */
#include "report/wrap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"

#define USUAL_WIDTH 80
#define WIDEST 65535
/* Deeper than the lines that may follow and belong to this one. */
#define HANG 4

size_t wrap_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 &&
	    size.ws_col)
		return size.ws_col;
	if (columns && ws_number(columns, WS_DECIMAL, WIDEST, &width) && width)
		return (size_t)width;
	return USUAL_WIDTH;
}

static size_t skip_word(const char *text, size_t n)
{
	n += strspn(text + n, " ");
	return n + strcspn(text + n, " ");
}

size_t wrap_fit(const char *text, size_t width)
{
	size_t n = skip_word(text, 0);

	for (;;) {
		size_t next = skip_word(text, n);

		if (next == n || next > width || text[next - 1] == ' ')
			return n;
		n = next;
	}
}

const char *wrap_rest(const char *text, size_t n)
{
	return text + n + strspn(text + n, " ");
}

size_t wrap_hang(const char *text)
{
	size_t indent = strspn(text, " ");
	size_t label = indent + strcspn(text + indent, " ");
	size_t gap = strspn(text + label, " ");

	return gap >= 2 ? label + gap : indent + HANG;
}

void wrap_print(FILE *out, size_t width, size_t hang, const char *text, const char *begin,
		const char *end)
{
	size_t indent = 0;

	if (hang > width / 2)
		hang = width / 2;
	do {
		size_t n = wrap_fit(text, width - indent);

		fprintf(out, "%*s%s%.*s%s\n", (int)indent, "", begin, (int)n, text, end);
		text = wrap_rest(text, n);
		indent = hang;
	} while (*text);
}

void wrap_labelled(FILE *out, const char *label, const char *text)
{
	bool blank = !label[strspn(label, " ")];
	size_t hang = blank ? wrap_hang(label) : strlen(label);
	ws_autofree char *line = NULL;
	int error = errno; /* may be what is to be said next */

	line = ws_text_of("%s%s", label, text);
	if (!line)
		fputs(label, out);
	wrap_print(out, wrap_width(out), hang, line ? line : text, "", "");
	errno = error;
}
