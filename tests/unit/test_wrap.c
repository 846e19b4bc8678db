/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines are broken at blanks, never within a word, and never past the width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/wrap.h"
#include "util/cleanup.h"
#include "util/text.h"

static char *wrapped(size_t width, size_t hang, const char *text, const char *begin,
		     const char *end)
{
	struct ws_text lines;
	FILE *out = ws_text_open(&lines);

	assert_non_null(out);
	wrap_print(out, width, hang, text, begin, end);
	return ws_text_close(&lines, NULL);
}

static void test_lines(void **state)
{
	static const char twenty[] = "twelve bytes, eighty";
	static const struct {
		size_t width, hang;
		const char *text, *lines;
	} cases[] = {
		{ 20, 0, "", "\n" },
		{ 20, 0, twenty, "twelve bytes, eighty\n" }, /* exactly */
		{ 19, 0, twenty, "twelve bytes,\neighty\n" },
		{ 21, 0, twenty, "twelve bytes, eighty\n" },
		{ 19, 4, twenty, "twelve bytes,\n    eighty\n" },
		/* a word that is wider than the line is not cut */
		{ 6, 0, "a /path/of/many b", "a\n/path/of/many\nb\n" },
		{ 6, 2, "/path/of/many", "/path/of/many\n" },
		{ 20, 6, "  indented, and goes on below",
		  "  indented, and goes\n      on below\n" },
		/* the continuation has its indentation to fit in, too */
		{ 10, 4, "one two three four", "one two\n    three\n    four\n" },
		{ 9, 4, "one two three four", "one two\n    three\n    four\n" },
		{ 8, 4, "x four four", "x four\n    four\n" },
		/* indentation of more than half the width is as good as none */
		{ 10, 40, "one two three", "one two\n     three\n" },
		{ 10, 0, "              deep in", "              deep\nin\n" },
		/* blanks stay where they are within a line, and go where it ends */
		{ 20, 0, "a  table  of  blanks", "a  table  of  blanks\n" },
		{ 8, 0, "a  table   of", "a  table\nof\n" },
		{ 8, 0, "ends    ", "ends\n" },
		{ 1, 0, "a b", "a\nb\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ws_autofree char *lines =
			wrapped(cases[i].width, cases[i].hang, cases[i].text, "", "");

		assert_string_equal(lines, cases[i].lines);
	}
}

/* Each line has its own colour: a pager begins every line without any. */
static void test_coloured(void **state)
{
	ws_autofree char *lines = wrapped(8, 2, "red words go on", "<", ">");

	(void)state;
	assert_string_equal(lines, "<red>\n  <words>\n  <go on>\n");
}

static void test_hang(void **state)
{
	static const struct {
		const char *text;
		size_t hang;
	} cases[] = {
		{ "", 4 },
		{ "a sentence", 4 },
		{ "  a reason", 6 },
		{ "    kernel     it boots", 15 },
		{ "    processor  it faults", 15 },
		{ "label text", 4 }, /* one blank ends no label */
		{ "label  text", 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(wrap_hang(cases[i].text), cases[i].hang);
}

static void test_width(void **state)
{
	static const struct {
		const char *columns;
		size_t width;
	} cases[] = {
		{ "132", 132 }, { "1", 1 },   { "65535", 65535 }, { "65536", 80 },
		{ "0", 80 },    { "-5", 80 }, { "", 80 },         { "wide", 80 },
	};
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(setenv("COLUMNS", cases[i].columns, 1), 0);
		assert_int_equal(wrap_width(out), cases[i].width);
	}
	assert_int_equal(unsetenv("COLUMNS"), 0);
	assert_int_equal(wrap_width(out), 80);
	assert_int_equal(fclose(out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_coloured),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
