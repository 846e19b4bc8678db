/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/count.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *ws_count_words(uint64_t n, char words[static WS_COUNT_WORDS])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			words[at++] = ',';
		words[at++] = digits[i];
	}
	words[at] = '\0';
	return words;
}

static bool ends_in(const char *noun, const char *end)
{
	size_t length = strlen(noun), n = strlen(end);

	return length >= n && !strcmp(noun + length - n, end);
}

/* What the plural ends in, in place of the last *cut letters. */
static const char *plural_end(const char *noun, int *cut)
{
	static const char *const sibilants[] = { "s", "x", "ch", "sh" };
	size_t length = strlen(noun);

	*cut = 0;
	for (size_t i = 0; i < sizeof(sibilants) / sizeof(*sibilants); i++)
		if (ends_in(noun, sibilants[i]))
			return "es";
	if (length < 2 || !ends_in(noun, "y") || strchr("aeiou", noun[length - 2]))
		return "s";
	*cut = 1;
	return "ies";
}

const char *ws_count_of(uint64_t n, const char *noun, char words[static WS_COUNT_WORDS])
{
	size_t at = strlen(ws_count_words(n, words));
	int cut = 0;
	const char *end = n == 1 ? "" : plural_end(noun, &cut);

	snprintf(words + at, WS_COUNT_WORDS - at, " %.*s%s", (int)strlen(noun) - cut,
		 noun, end);
	return words;
}
