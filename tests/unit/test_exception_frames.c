/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exception frames at every place of a piece of memory, beside each other and at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/autopsy.h"
#include "util/bits.h"

#define BYTES 1224u /* some blocks, and a part of one */

static const struct {
	struct ws_frame_rules rules;
	unsigned size, words;
	uint64_t frame[6];
} forms[] = {
	{ { 4, 0xc0000000 }, 16, 4, { 0, 0xc1000000, 0x60, 0x246 } },
	{ { 4, 0xc0000000 }, 16, 4, { 0, 0xc1000000, 0x20000060, 0x2 } },
	{ { 4, 0xc0000000 }, 24, 6, { 6, 0x8049000, 0x73, 0x202, 0xbf000000, 0x7b } },
	{ { 8, 0xffff800000000000 },
	  48,
	  6,
	  { 0, 0xffffffff81000000, 0x10, 0x246, 0xffffc90000004000, 0x18 } },
	{ { 8, 0xffff800000000000 },
	  48,
	  6,
	  { 4, 0x401000, 0x33, 0x202, 0x7ffc00000000, 0x2b } },
	{ { 8, 0xffff800000000000 },
	  48,
	  6,
	  { 4, 0x401000, 0x23, 0x202, 0xff000000, 0x2b } },
};

static void put(uint8_t *bytes, size_t form, size_t at)
{
	unsigned word = forms[form].rules.word;

	for (unsigned i = 0; i < forms[form].words; i++)
		for (unsigned byte = 0; byte < word; byte++)
			bytes[at + i * word + byte] =
				(uint8_t)(forms[form].frame[i] >> 8 * byte);
}

static void test_everywhere(void **state)
{
	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++) {
		const struct ws_frame_rules *rules = &forms[form].rules;

		for (size_t at = 0; at + forms[form].size <= BYTES; at += rules->word)
			for (size_t from = 0; from <= at; from += 7 * rules->word) {
				uint8_t bytes[BYTES] = { 0 };
				struct ws_exception_frame frame;
				size_t found = from;

				put(bytes, form, at);
				assert_true(x86_next_frame(rules, bytes, BYTES, &found,
							   &frame));
				assert_int_equal(found, at);
				assert_int_equal(frame.ip, forms[form].frame[1]);
				assert_int_equal(frame.size, forms[form].size);
				found += rules->word;
				assert_false(x86_next_frame(rules, bytes, BYTES, &found,
							    &frame));
			}
	}
}

/* As many as there is room for, one behind the other. */
static void test_all(void **state)
{
	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++) {
		uint8_t bytes[BYTES] = { 0 };
		struct ws_exception_frame frame;
		size_t n = 0, at = 0;

		for (; (n + 1) * forms[form].size <= BYTES; n++)
			put(bytes, form, n * forms[form].size);
		for (size_t i = 0; i < n; i++, at += forms[form].size) {
			assert_true(x86_next_frame(&forms[form].rules, bytes, BYTES, &at,
						   &frame));
			assert_int_equal(at, i * forms[form].size);
		}
	}
}

/* A selector with no frame around it, and one whose frame is cut off. */
static void test_none(void **state)
{
	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++) {
		unsigned word = forms[form].rules.word;
		uint8_t bytes[BYTES] = { 0 };
		struct ws_exception_frame frame;
		size_t at = 0;

		for (size_t i = 0; i < BYTES; i += word)
			bytes[i] = (uint8_t)forms[form].frame[2];
		assert_false(
			x86_next_frame(&forms[form].rules, bytes, BYTES, &at, &frame));
		memset(bytes, 0, sizeof(bytes));
		put(bytes, form, BYTES - forms[form].size);
		at = 0;
		assert_false(x86_next_frame(&forms[form].rules, bytes, BYTES - word, &at,
					    &frame));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("exception_frames", tests, NULL, NULL);
}
