/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which names are suggested for one that is not there, and which no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/nearest.h"

static void test_typing_errors(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned limit, errors;
	} pairs[] = {
		{ "", "", 0, 0 },
		{ "map", "map", 0, 0 },
		{ "spces", "spaces", 1, 1 },   /* left out */
		{ "spaaces", "spaces", 1, 1 }, /* added */
		{ "spades", "spaces", 1, 1 },  /* replaced */
		{ "psaces", "spaces", 1, 1 },  /* exchanged: one error, not two */
		{ "spacse", "spaces", 1, 1 },  /* the same at the end */
		{ "ca", "abc", 3, 3 },         /* no character is part of two errors */
		{ "vfs_raed", "vfs_read", 4, 1 },
		{ "abcdef", "badcfe", 3, 3 },
		{ "abcdef", "badcfe", 2, 3 }, /* past the limit: the limit and 1 */
		{ "abcdefgh", "xxxxxxxx", 2, 3 },
		{ "", "ab", 2, 2 },
		{ "", "ab", 1, 2 },
		{ "ab", "", 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(ws_typing_errors(pairs[i].a, pairs[i].b, pairs[i].limit),
				 pairs[i].errors);
		assert_int_equal(ws_typing_errors(pairs[i].b, pairs[i].a, pairs[i].limit),
				 pairs[i].errors);
	}
}

/* The longest names that are compared, and one character more. */
static void test_length(void **state)
{
	char longest[WS_NEAREST_LENGTH + 1], longer[WS_NEAREST_LENGTH + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	memset(longer, 'x', sizeof(longer));
	longest[WS_NEAREST_LENGTH] = longer[WS_NEAREST_LENGTH + 1] = '\0';
	assert_int_equal(ws_typing_errors(longest, longest + 1, 1), 1);
	assert_int_equal(ws_typing_errors(longest, longer, 1), 2);
	assert_int_equal(ws_typing_errors(longer, longer, 1), 2);
}

static const char *suggest(const char *asked, const char *const *names, size_t n)
{
	static char words[WS_NEAREST_WORDS];
	struct ws_nearest nearest = ws_nearest_to(asked);

	for (size_t i = 0; i < n; i++)
		ws_nearest_offer(&nearest, names[i]);
	return ws_nearest_words(&nearest, words);
}

#define SUGGEST(asked, ...)                                  \
	suggest(asked, (const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* n / 3 errors, at least 1, at most 4: just within and just past each bound. */
static void test_thresholds(void **state)
{
	(void)state;
	assert_string_equal(SUGGEST("m", "n"), "");
	assert_string_equal(SUGGEST("mb", "ma"), "; did you mean 'ma'?");
	assert_string_equal(SUGGEST("mb", "nc"), "");
	assert_string_equal(SUGGEST("abcde", "abcdx"), "; did you mean 'abcdx'?");
	assert_string_equal(SUGGEST("abcde", "abcxy"), "");
	assert_string_equal(SUGGEST("abcdef", "abcdxy"), "; did you mean 'abcdxy'?");
	assert_string_equal(SUGGEST("abcdef", "abcxyz"), "");
	assert_string_equal(SUGGEST("abcdefghijkl", "abcdefgh1234"),
			    "; did you mean 'abcdefgh1234'?");
	assert_string_equal(SUGGEST("abcdefghijklmno", "abcdefghij12345"), "");
}

static void test_beginnings(void **state)
{
	(void)state;
	assert_string_equal(SUGGEST("mod", "modules"), "; did you mean 'modules'?");
	assert_string_equal(SUGGEST("mo", "modules"), "");
	assert_string_equal(SUGGEST("mod", "modules", "mid"), /* neither is better */
			    "; did you mean 'modules' or 'mid'?");
	assert_string_equal(SUGGEST("vfs_rea", "vfs_read", "vfs_readahead"),
			    "; did you mean 'vfs_read'?");
	assert_string_equal(SUGGEST("vfs_rea", "vfs_readahead", "vfs_read"),
			    "; did you mean 'vfs_read'?");
}

static void test_nearest_of_many(void **state)
{
	(void)state;
	assert_string_equal(SUGGEST("vfs_raed", "vfs_readv", "vfs_read", "vfs_reed"),
			    "; did you mean 'vfs_read' or 'vfs_reed'?");
	assert_string_equal(SUGGEST("abcd", "abce", "abcf", "abcg", "abch"),
			    "; did you mean 'abce', 'abcf' or 'abcg'?");
	assert_string_equal(SUGGEST("abcd", "abce", "abce"), "; did you mean 'abce'?");
	assert_string_equal(SUGGEST("map", "map"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typing_errors),   cmocka_unit_test(test_length),
		cmocka_unit_test(test_thresholds),      cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_nearest_of_many),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
