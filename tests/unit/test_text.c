/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of text: what is broken, left out and folded, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/columns.h"
#include "report/report.h"
#include "util/cleanup.h"
#include "util/text.h"

enum { NAME, AT, COUNT, WORDS };

static const struct column columns[] = {
	[NAME] = { "name", "NAME", COLUMN_TEXT, "who", .fold = FOLD_NAMES },
	[AT] = { "at_all", NULL, COLUMN_ADDRESS, "where" },
	[COUNT] = { "count", "COUNT", COLUMN_COUNT, "how many", .optional = 1,
		    .fold = FOLD_ANY },
	[WORDS] = { "words", "WORDS", COLUMN_TEXT, "why" },
};
static const struct table table = { "rows", TABLE_COLUMNS(columns), .fold = "things" };

/* A row for each character of names. */
struct rows {
	const char *names, *words;
	uint64_t first;
	unsigned step;
};

static void say(void *arg, struct report *report)
{
	const struct rows *rows = arg;

	for (size_t i = 0; rows->names[i]; i++) {
		char name[] = { rows->names[i], '\0' };
		struct value row[] = {
			[NAME] = value_text(name),
			[AT] = value_number(0x1000),
			[COUNT] = value_number(rows->first + i * rows->step),
			[WORDS] = value_text(rows->words),
		};

		if (!report_row(report, row))
			return;
	}
}

/* What is printed of them on lines of width; choice: NULL, or names of columns. */
static char *printed(enum report_format format, size_t width, const char *choice,
		     bool unfolded, struct rows rows)
{
	struct column_list list;
	struct report report;
	struct ws_text text;
	FILE *out = ws_text_open(&text);
	char *bytes;
	size_t n;

	assert_non_null(out);
	report_open(&report, format, "test", 1, NULL, out);
	report.width = width;
	report.unfolded = unfolded;
	if (choice) {
		assert_null(
			columns_choose(&list, &table, format == REPORT_TEXT, choice, &n));
		report_choose(&report, &table, &list, *choice != '+');
	}
	report_table(&report, &table, say, &rows);
	assert_true(report_close(&report));
	bytes = ws_text_close(&text, NULL);
	assert_non_null(bytes);
	return bytes;
}

#define assert_printed(text, ...)                             \
	do {                                                  \
		ws_autofree char *got = printed(__VA_ARGS__); \
		assert_string_equal(got, text);               \
	} while (0)

/* 4 + 2 + 5 + 2 + 30 columns. */
static const char thirty[] = "thirty letters, all in 5 words";

static void test_widths(void **state)
{
	const struct rows one = { "a", thirty, 7, 0 };

	(void)state;
	assert_printed("NAME  COUNT  WORDS\n"
		       "a         7  thirty letters, all in 5 words\n",
		       REPORT_TEXT, 43, NULL, false, one);
	assert_printed("NAME  COUNT  WORDS\n"
		       "a         7  thirty letters, all in 5\n"
		       "             words\n",
		       REPORT_TEXT, 42, NULL, false, one);
	/* 24 columns is what words want at least while another column can go */
	assert_printed("NAME  COUNT  WORDS\n"
		       "a         7  thirty letters, all in 5\n"
		       "             words\n",
		       REPORT_TEXT, 37, NULL, false, one);
	assert_printed("NAME  WORDS\n"
		       "a     thirty letters, all in 5 words\n",
		       REPORT_TEXT, 36, NULL, false, one);
	/* what must be there is broken down to its longest word, and no further */
	assert_printed("NAME  WORDS\n"
		       "a     thirty\n"
		       "      letters,\n"
		       "      all in 5\n"
		       "      words\n",
		       REPORT_TEXT, 5, NULL, false, one);
}

/* What was asked for by name is there, and nothing else; after a +, the usual, too. */
static void test_chosen(void **state)
{
	const struct rows one = { "a", "no words", 7, 0 };

	(void)state;
	assert_printed("COUNT  AT ALL      NAME\n"
		       "    7  0x00001000  a\n",
		       REPORT_TEXT, 5, "Count,AT_ALL,name", false, one);
	assert_printed("NAME  COUNT  WORDS     AT ALL\n"
		       "a         7  no words  0x00001000\n",
		       REPORT_TEXT, 80, "+at_all,name", false, one);
	assert_printed("count,name\r\n7,a\r\n", REPORT_CSV, 80, "count,name", false, one);
	assert_printed("name,at_all,count,words\r\na,0x00001000,7,no words\r\n",
		       REPORT_CSV, 80, "+count", false, one);
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = { "",      ",", "nam",       "name,names",
					     "name,", "+", "count name" };
	static const char *const at[] = { "", ",", "nam", "names", "", "", "count name" };
	struct column_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		size_t n;
		const char *from = columns_choose(&list, &table, true, wrong[i], &n);

		assert_non_null(from);
		assert_string_equal(from, at[i]);
	}
}

static void test_folded(void **state)
{
	(void)state;
	/* three are not many */
	assert_printed("NAME  COUNT  WORDS\n"
		       "a         7  w\n"
		       "b         7  w\n"
		       "c         7  w\n",
		       REPORT_TEXT, 80, NULL, false, (struct rows){ "abc", "w", 7, 0 });
	assert_printed("NAME                    COUNT  WORDS\n"
		       "4 things: a, b, c, ...      7  w\n",
		       REPORT_TEXT, 80, NULL, false, (struct rows){ "abcd", "w", 7, 0 });
	assert_printed("NAME                    COUNT  WORDS\n"
		       "4 things: a, b, c, ...    ...  w\n",
		       REPORT_TEXT, 80, NULL, false, (struct rows){ "abcd", "w", 7, 1 });
	assert_printed("NAME  COUNT  WORDS\n"
		       "a         7  w\n"
		       "b         7  w\n"
		       "c         7  w\n"
		       "d         7  w\n",
		       REPORT_TEXT, 80, NULL, true, (struct rows){ "abcd", "w", 7, 0 });
	/* nor are those whose columns were chosen, or what machines read */
	assert_printed("NAME\na\nb\nc\nd\n", REPORT_TEXT, 80, "name", false,
		       (struct rows){ "abcd", "w", 7, 0 });
	assert_printed("name\r\na\r\nb\r\nc\r\nd\r\n", REPORT_CSV, 80, "name", false,
		       (struct rows){ "abcd", "w", 7, 0 });
}

/* A column that is left out still folds: rows are alike or not at any width. */
static void test_folded_narrow(void **state)
{
	(void)state;
	assert_printed("NAME           WORDS\n"
		       "4 things: a,   word\n"
		       "b, c, ...\n",
		       REPORT_TEXT, 20, NULL, false,
		       (struct rows){ "abcd", "word", 7, 1 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),        cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_wrong),         cmocka_unit_test(test_folded),
		cmocka_unit_test(test_folded_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
