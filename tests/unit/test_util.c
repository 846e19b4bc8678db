/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text printed into memory is whole or not there; a file replaces no input; counts. */
#include <stddef.h>
#include <stdlib.h>

static unsigned left; /* so many times there is memory */

static void *short_realloc(void *old, size_t size)
{
	return left && left-- ? realloc(old, size) : NULL;
}

#define realloc short_realloc
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/sorted.h"
#include "util/text.h"
#undef realloc

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/bom.h"
#include "util/count.h"
#include "util/crc32c.h"
#include "util/number.h"
#include "util/whole.h"

/* ---- numbers ------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		enum ws_base base;
		uint64_t max, value;
	} good[] = {
		{ "0", WS_DECIMAL, 0, 0 },
		{ "007", WS_DECIMAL, 7, 7 },
		{ "2147483647", WS_DECIMAL, INT32_MAX, INT32_MAX },
		{ "18446744073709551615", WS_DECIMAL, UINT64_MAX, UINT64_MAX },
		{ "18446744073709551615", WS_DECIMAL_OR_HEX, UINT64_MAX, UINT64_MAX },
		{ "ffffffffffffffff", WS_HEX, UINT64_MAX, UINT64_MAX },
		{ "0xFFFFffffFFFFffff", WS_HEX, UINT64_MAX, UINT64_MAX },
		{ "0X00000000000000000000a", WS_HEX, 10, 10 },
		{ "010", WS_DECIMAL_OR_HEX, 10, 10 },
		{ "0x10", WS_DECIMAL_OR_HEX, 16, 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t value = 1;

		assert_true(ws_number(good[i].text, good[i].base, good[i].max, &value));
		assert_int_equal(value, good[i].value);
	}
}

static void test_no_numbers(void **state)
{
	static const struct {
		const char *text;
		enum ws_base base;
		uint64_t max;
	} bad[] = {
		{ "", WS_DECIMAL, 9 },
		{ " 5", WS_DECIMAL, 9 },
		{ "5 ", WS_DECIMAL, 9 },
		{ "+5", WS_DECIMAL, 9 },
		{ "-5", WS_DECIMAL, 9 },
		{ "5\n", WS_DECIMAL, 9 },
		{ "0x5", WS_DECIMAL, 9 },
		{ "a", WS_DECIMAL, 99 },
		{ "1", WS_DECIMAL, 0 },
		{ "2147483648", WS_DECIMAL, INT32_MAX },
		{ "18446744073709551616", WS_DECIMAL, UINT64_MAX },
		{ "99999999999999999999999", WS_DECIMAL, UINT64_MAX },
		{ "", WS_HEX, 9 },
		{ "0x", WS_HEX, 9 },
		{ "x5", WS_HEX, 9 },
		{ "0x 5", WS_HEX, 9 },
		{ "0x-5", WS_HEX, 9 },
		{ "00x5", WS_HEX, 9 },
		{ "g", WS_HEX, 99 },
		{ "@", WS_HEX, 99 },
		{ "`", WS_HEX, 99 },
		{ "10000000000000000", WS_HEX, UINT64_MAX },
		{ "f", WS_DECIMAL_OR_HEX, 99 },
		{ "0x", WS_DECIMAL_OR_HEX, 99 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ws_number(bad[i].text, bad[i].base, bad[i].max, &value))
			fail_msg("'%s' is taken for a number", bad[i].text);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "7K", 7 << 10 },
		{ "7k", 7 << 10 },
		{ "64M", 64 << 20 },
		{ "3G", UINT64_C(3) << 30 },
		{ "16777215T", UINT64_C(16777215) << 40 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = { "",
					   "K",
					   "-1",
					   "1 ",
					   "1KK",
					   "1B",
					   "0x10",
					   "1.5G",
					   "16777216T",
					   "1\x6b\x01",
					   "18446744073709551616",
					   "999999999999999999999999999" };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(ws_size(good[i].text, &value));
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ws_size(bad[i], &value))
			fail_msg("'%s' is taken for a size", bad[i]);
}

static void test_byte_order_mark(void **state)
{
	(void)state;
	assert_int_equal(ws_bom("\xef\xbb\xbf", 3), 3);
	assert_int_equal(ws_bom("\xef\xbb\xbfx", 4), 3);
	assert_int_equal(ws_bom("\xef\xbb\xbf", 2), 0);
	assert_int_equal(ws_bom("\xef\xbb\xbe", 3), 0);
	assert_int_equal(ws_bom("", 0), 0);
}

/* ---- text ---------------------------------------------------------------------------- */

#define LINES 3000

/* Lines of six characters each, with memory for so many steps of growth. */
static char *print_lines(unsigned steps, size_t *size)
{
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	assert_non_null(to);
	left = steps;
	for (int i = 0; i < LINES; i++)
		fprintf(to, "%05d\n", i);
	return ws_text_close(&text, size);
}

static void test_text_is_whole_or_not_there(void **state)
{
	unsigned steps = 0;
	char *text = NULL, line[8];
	size_t size = 0;

	(void)state;
	for (; !text && steps < 100; steps++)
		text = print_lines(steps, &size);
	assert_in_range(steps, 3, 20); /* it did fail, at each step there is */
	assert_non_null(text);
	assert_int_equal(size, 6 * LINES);
	assert_int_equal(strlen(text), size);
	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "%05d\n", i);
		assert_memory_equal(text + 6 * i, line, 6);
	}
	free(text);
}

static void test_no_text(void **state)
{
	struct ws_text text;
	char *words;
	size_t size = 1;

	(void)state;
	left = 1;
	assert_non_null(ws_text_open(&text));
	words = ws_text_close(&text, &size);
	assert_string_equal(words, "");
	assert_int_equal(size, 0);
	free(words);
	left = 0;
	assert_non_null(ws_text_open(&text));
	assert_null(ws_text_close(&text, NULL));
}

static void test_bytes_of_all_values(void **state)
{
	struct ws_text text;
	char *bytes;
	size_t size;
	FILE *to;

	(void)state;
	left = 100;
	to = ws_text_open(&text);
	assert_non_null(to);
	for (int i = 0; i < 1000; i++)
		fputc(i & 0xff, to);
	assert_int_equal(ftell(to), 1000);
	bytes = ws_text_close(&text, &size);
	assert_int_equal(size, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal((unsigned char)bytes[i], i & 0xff);
	free(bytes);
}

/* ---- whole files --------------------------------------------------------------------- */

static char home[] = "/tmp/whosees-util-XXXXXX";

static int enter(void **state)
{
	(void)state;
	return !mkdtemp(home) || chdir(home) != 0;
}

static int leave(void **state)
{
	static const char *const names[] = { "in", "hard", "soft", "other", "dangling" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	return chdir("/") != 0 || rmdir(home) != 0;
}

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void test_replaces(void **state)
{
	(void)state;
	make_file("in");
	make_file("other");
	assert_int_equal(link("in", "hard"), 0);
	assert_int_equal(symlink("in", "soft"), 0);
	assert_true(ws_whole_replaces("in", "in"));
	assert_true(ws_whole_replaces("./in", "in"));
	assert_true(ws_whole_replaces("hard", "in"));
	assert_true(ws_whole_replaces("soft", "in"));
	assert_true(ws_whole_replaces("in", "soft"));
	assert_false(ws_whole_replaces("other", "in"));
	assert_false(ws_whole_replaces("not there", "in"));
	assert_false(ws_whole_replaces("in", "not there"));
	/* what is no file cannot be replaced: both may be one terminal */
	assert_false(ws_whole_replaces("/dev/null", "/dev/null"));
}

static void test_no_file_in_the_place_of_a_link(void **state)
{
	struct ws_whole whole;
	char target[8] = "";

	(void)state;
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_false(ws_whole_open(&whole, "dangling"));
	assert_int_equal(errno, ENOLINK);
	assert_int_equal(readlink("dangling", target, sizeof(target)), 7);
	assert_memory_equal(target, "nowhere", 7);
	assert_int_equal(access("nowhere", F_OK), -1);
}

static void test_standard_output_stays_open(void **state)
{
	struct ws_whole whole;

	(void)state;
	assert_true(ws_whole_open(&whole, "-"));
	assert_true(fileno(whole.file) != STDOUT_FILENO);
	assert_true(ws_whole_close(&whole, true));
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	assert_true(ws_whole_open(&whole, "-"));
	assert_false(ws_whole_close(&whole, false));
	assert_int_equal(access("-", F_OK), -1);
}

static void test_count(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 123456, "123,456" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char words[WS_COUNT_WORDS];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(ws_count_words(cases[i].count, words), cases[i].text);
}

static void test_count_of(void **state)
{
	static const struct {
		uint64_t count;
		const char *noun, *text;
	} cases[] = {
		{ 1, "page table", "1 page table" },
		{ 2, "page table", "2 page tables" },
		{ 1, "process", "1 process" },
		{ 2001, "process", "2,001 processes" },
		{ 0, "empty entry", "0 empty entries" },
		{ 1, "entry", "1 entry" },
		{ 5, "way", "5 ways" },
		{ 2, "crash", "2 crashes" },
		{ 2, "address", "2 addresses" },
		{ 2, "branch", "2 branches" },
		{ 3, "y", "3 ys" },
		{ 3, "", "3 s" },
	};
	char words[WS_COUNT_WORDS], noun[2 * WS_COUNT_WORDS];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(ws_count_of(cases[i].count, cases[i].noun, words),
				    cases[i].text);
	memset(noun, 'a', sizeof(noun) - 1);
	noun[sizeof(noun) - 1] = '\0';
	assert_int_equal(strlen(ws_count_of(UINT64_MAX, noun, words)),
			 WS_COUNT_WORDS - 1);
}

static void test_words(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 0x88, 9 };

	(void)state;
	assert_true(ws_le_word(bytes, 4) == 0x04030201);
	assert_true(ws_le_word(bytes, 8) == 0x8807060504030201);
	assert_true(ws_le_word(bytes + 1, 4) == 0x05040302);
	assert_true(ws_le_word(bytes + 5, 4) == 0x09880706 && ws_le16(bytes) == 0x0201);
}

/* Each place in each length, just below and just above every element. */
static void test_lower_bound(void **state)
{
	static const unsigned sorted[] = { 10, 20, 20, 20, 30, 40, 50 };

	(void)state;
	for (size_t n = 0; n <= WS_ARRAY_SIZE(sorted); n++)
		for (unsigned key = 9; key <= 51; key++) {
			size_t below = 0, upto = 0;

			for (size_t i = 0; i < n; i++) {
				below += sorted[i] < key;
				upto += sorted[i] <= key;
			}
			assert_int_equal(ws_lower_bound(sorted, n, at, *at < key), below);
			assert_int_equal(ws_lower_bound(sorted, n, at, *at <= key), upto);
		}
	assert_int_equal(ws_lower_bound((const char *)NULL, 0, at, *at), 0);
}

static void test_text_of(void **state)
{
	ws_autofree char *empty = ws_text_of("%s", "");
	ws_autofree char *text = ws_text_of("%u of %s", 7u, "9");

	(void)state;
	assert_string_equal(empty, "");
	assert_string_equal(text, "7 of 9");
}

/* ---- checksums ----------------------------------------------------------------------- */

/* RFC 3720, appendix B.4, and the check value of the algorithm. */
static void test_crc32c(void **state)
{
	static const uint8_t zeroes[32];
	uint8_t ones[32], up[32];
	struct ws_crc32c crc;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < sizeof(up); i++)
		up[i] = (uint8_t)i;
	ws_crc32c_init(&crc);
	assert_int_equal(ws_crc32c(&crc, zeroes, 32), 0x8a9136aa);
	assert_int_equal(ws_crc32c(&crc, ones, 32), 0x62a8ab43);
	assert_int_equal(ws_crc32c(&crc, up, 32), 0x46dd794e);
	assert_int_equal(ws_crc32c(&crc, (const uint8_t *)"123456789", 9), 0xe3069283);
	assert_int_equal(ws_crc32c(&crc, zeroes, 0), 0);
}

/* The same bit by bit, of every length around that of a step. */
static void test_crc32c_lengths(void **state)
{
	uint8_t bytes[3 * WS_CRC32C_STEP];
	struct ws_crc32c crc;

	(void)state;
	ws_crc32c_init(&crc);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 73 + 5);
	for (unsigned size = 0; size <= sizeof(bytes); size++) {
		uint32_t value = UINT32_MAX;

		for (unsigned bit = 0; bit < 8 * size; bit++) {
			value ^= bytes[bit / 8] >> bit % 8 & 1;
			value = value >> 1 ^ (value & 1 ? 0x82f63b78 : 0);
		}
		assert_int_equal(ws_crc32c(&crc, bytes, size), ~value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_crc32c_lengths),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lower_bound),
		cmocka_unit_test(test_text_of),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_count_of),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_no_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_text_is_whole_or_not_there),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_bytes_of_all_values),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_no_file_in_the_place_of_a_link),
		cmocka_unit_test(test_standard_output_stays_open),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
