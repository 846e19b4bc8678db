/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The distance between two names in typing errors, and the nearest of many names. */
#include "util/nearest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Row i of the table of distances: row[0][j] is that of a[0..i) and b[0..j), row[1] and
 * row[2] are the rows before. Returns the least of the row.
 */
static unsigned fill_row(unsigned row[3][WS_NEAREST_LENGTH + 1], const char *a, size_t i,
			 const char *b, size_t length)
{
	unsigned best = (unsigned)i;

	row[0][0] = (unsigned)i;
	for (size_t j = 1; j <= length; j++) {
		unsigned replaced = row[1][j - 1] + (a[i - 1] != b[j - 1]);

		row[0][j] = least(replaced, least(row[1][j], row[0][j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[0][j] = least(row[0][j], row[2][j - 2] + 1);
		best = least(best, row[0][j]);
	}
	return best;
}

unsigned ws_typing_errors(const char *a, const char *b, unsigned limit)
{
	size_t na = strnlen(a, WS_NEAREST_LENGTH + 1),
	       nb = strnlen(b, WS_NEAREST_LENGTH + 1);
	unsigned row[3][WS_NEAREST_LENGTH + 1], before = 0, best = 0;

	if (na > WS_NEAREST_LENGTH || nb > WS_NEAREST_LENGTH || na > nb + limit ||
	    nb > na + limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	/* an exchange goes back two rows: when two are past the limit, all others are */
	for (size_t i = 1; i <= na && (best <= limit || before <= limit); i++) {
		memcpy(row[2], row[1], sizeof(row[1]));
		memcpy(row[1], row[0], sizeof(row[0]));
		before = best;
		best = fill_row(row, a, i, b, nb);
	}
	return best > limit && before > limit ? limit + 1 : least(row[0][nb], limit + 1);
}

struct ws_nearest ws_nearest_to(const char *asked)
{
	size_t length = strnlen(asked, WS_NEAREST_LENGTH + 1);
	unsigned limit = (unsigned)length / WS_NEAREST_SHARE;

	if (!limit)
		limit = 1;
	limit = least(limit, WS_NEAREST_ERRORS);
	if (length < 2) /* every other letter is one typing error away */
		limit = 0;
	return (struct ws_nearest){ .asked = asked, .most = limit, .limit = limit };
}

static bool is_beginning(const char *asked, const char *name)
{
	size_t length = strlen(asked);

	return length >= WS_NEAREST_PREFIX && strncmp(asked, name, length) == 0 &&
	       strnlen(name, WS_NEAREST_LENGTH + 1) <= WS_NEAREST_LENGTH;
}

void ws_nearest_offer(struct ws_nearest *nearest, const char *name)
{
	unsigned errors;

	if (!nearest->limit)
		return;
	errors = ws_typing_errors(nearest->asked, name, nearest->limit);
	if (errors > nearest->limit && is_beginning(nearest->asked, name))
		errors = nearest->most;
	if (errors > nearest->limit || !errors)
		return;
	if (errors < nearest->limit) {
		nearest->limit = errors;
		nearest->n = 0;
	}
	for (unsigned i = 0; i < nearest->n; i++)
		if (strcmp(nearest->name[i], name) == 0)
			return;
	if (nearest->n < WS_NEAREST_NAMES)
		nearest->name[nearest->n++] = name;
}

const char *ws_nearest_words(const struct ws_nearest *nearest,
			     char words[static WS_NEAREST_WORDS])
{
	size_t at = 0;

	*words = '\0';
	for (unsigned i = 0; i < nearest->n; i++)
		at += (size_t)snprintf(words + at, WS_NEAREST_WORDS - at, "%s'%s'",
				       i == 0                 ? "; did you mean "
				       : i + 1u == nearest->n ? " or "
							      : ", ",
				       nearest->name[i]);
	if (nearest->n)
		snprintf(words + at, WS_NEAREST_WORDS - at, "?");
	return words;
}
