/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spans of physical memory, beside a table of every page. */
#include "audit/spans.h"
#include "common/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096u
#define PAGES 256u
#define ROUNDS 2000

static void spans_that_go_on_are_one(void **state)
{
	ws_spans spans = { 0 };

	(void)state;
	assert_true(ws_spans_add(&spans, 0x1000, 0x1fff, 0xc0001000));
	assert_true(ws_spans_add(&spans, 0x2000, 0x3fff, 0xc0002000));
	assert_int_equal(spans.n, 1);
	assert_true(ws_spans_add(&spans, 0x4000, 0x4fff, 0xd0004000)); /* elsewhere */
	assert_int_equal(spans.n, 2);
	ws_spans_sort(&spans);
	assert_int_equal(spans.n, 2);
	assert_null(ws_spans_meet(&spans, 0, 0xfff));
	assert_int_equal(ws_spans_meet(&spans, 0, 0x1000)->va, 0xc0001000);
	assert_int_equal(ws_spans_meet(&spans, 0x3fff, 0x9fff)->va, 0xc0001000);
	assert_int_equal(ws_spans_meet(&spans, 0x4000, 0x4000)->va, 0xd0004000);
	assert_null(ws_spans_meet(&spans, 0x5000, UINT64_MAX));
	ws_vec_release(&spans);
}

static void none(void **state)
{
	ws_spans spans = { 0 };

	(void)state;
	ws_spans_sort(&spans);
	assert_null(ws_spans_meet(&spans, 0, UINT64_MAX));
}

/* The lowest page of [first, last] that is in the set, or PAGES. */
static unsigned lowest(const bool *in, unsigned first, unsigned last)
{
	while (first <= last && !in[first])
		first++;
	return first <= last ? first : PAGES;
}

/* Where a span is mapped says which page is meant: va - pa is the same all along it. */
static void spans_are_the_pages_added(void **state)
{
	struct random random = { random_seed() };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		bool in[PAGES] = { false };
		ws_spans spans = { 0 };

		for (unsigned n = random_below(&random, 24); n--;) {
			unsigned first = random_below(&random, PAGES - 16);
			unsigned last = first + random_below(&random, 16);

			memset(in + first, true, last - first + 1);
			assert_true(ws_spans_add(&spans, (uint64_t)first * PAGE,
						 (uint64_t)last * PAGE + PAGE - 1,
						 ((random_next(&random) & 7) << 32) +
							 (uint64_t)first * PAGE));
		}
		ws_spans_sort(&spans);
		for (size_t i = 0; i < spans.n; i++) {
			assert_true(spans.v[i].pa <= spans.v[i].last);
			assert_true(!i || spans.v[i - 1].last < spans.v[i].pa);
			assert_int_equal((uint32_t)spans.v[i].va, spans.v[i].pa);
		}
		for (unsigned probe = 0; probe < 32; probe++) {
			unsigned first = random_below(&random, PAGES - 16);
			unsigned last = first + random_below(&random, 16);
			unsigned page = lowest(in, first, last);
			const struct ws_span *span =
				ws_spans_meet(&spans, (uint64_t)first * PAGE,
					      (uint64_t)last * PAGE + PAGE - 1);

			assert_int_equal(span != NULL, page != PAGES);
			if (span)
				assert_true(span->pa <= (uint64_t)page * PAGE &&
					    span->last >= (uint64_t)page * PAGE);
		}
		ws_vec_release(&spans);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_that_go_on_are_one),
		cmocka_unit_test(none),
		cmocka_unit_test(spans_are_the_pages_added),
	};

	return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
