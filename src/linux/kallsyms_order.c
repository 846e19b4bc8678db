/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of kallsyms is believed: a page of it that was overwritten is seen by its
 * neighbours.
 *
 * Addresses ascend (sort_symbols(), scripts/kallsyms.c). A page whose own do not is
 * damaged, and so is one that is a byte over and over. Of the others the most that are in
 * order with each other are believed; but where leaving out one or the other leaves as
 * many, neither is: a copy of the page beside it is as good as the original.
 *
 * Names do not say how many they are. The markers do, every 256.
 */
#include "linux/kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"

/* ---- addresses -------------------------------------------------------------------- */

static unsigned width_of(const struct ws_system *system, const struct ws_kallsyms *tables)
{
	return tables->words ? system->layout.word : 4;
}

struct page {
	uint64_t first, last; /* addresses */
	uint32_t before,
		after; /* the longest row of pages in order that ends, begins here */
	bool sound;
};

struct order {
	struct page *page;
	uint32_t n, longest;
};

/*
 * Thousands of names may have one address (__kstrtabns_*), but not that of the very
 * first: `_text` has four at most. A page that is one byte over and over gives all of its
 * names one address, which at the table's beginning is in order: it is that of `_text`.
 */
#define ALIKE_MIN 8

static bool is_fill(const uint8_t *bytes, size_t len)
{
	return !memcmp(bytes, bytes + 1, len - 1);
}

static void judge_page(const struct ws_system *system, const struct ws_kallsyms *tables,
		       const uint8_t *raw, uint32_t i, uint32_t end, struct page *page)
{
	uint64_t last = ws_kallsyms_address(system, tables, raw, i);
	unsigned width = width_of(system, tables);

	*page = (struct page){ .first = last, .sound = true };
	for (uint32_t s = i + 1; s < end; s++) {
		uint64_t va = ws_kallsyms_address(system, tables, raw, s);

		page->sound &= va >= last;
		last = va;
	}
	page->last = last;
	page->sound &= end - i < ALIKE_MIN ||
		       !is_fill(raw + (size_t)width * i, (size_t)width * (end - i));
}

static bool are_in_order(const struct order *order, uint32_t a, uint32_t b)
{
	return a < b ? order->page[a].last <= order->page[b].first
		     : order->page[b].last <= order->page[a].first;
}

static void measure_before(struct order *order, uint32_t i)
{
	struct page *page = &order->page[i];

	for (uint32_t j = 0; j < i && page->sound; j++)
		if (order->page[j].before > page->before && are_in_order(order, j, i))
			page->before = order->page[j].before;
	page->before += page->sound;
}

static void measure_after(struct order *order, uint32_t i)
{
	struct page *page = &order->page[i];

	for (uint32_t j = i + 1; j < order->n && page->sound; j++)
		if (order->page[j].after > page->after && are_in_order(order, j, i))
			page->after = order->page[j].after;
	page->after += page->sound;
}

static bool is_in_longest(const struct order *order, uint32_t i)
{
	const struct page *page = &order->page[i];

	return page->sound && page->before + page->after - 1 == order->longest;
}

/* Whether every longest row has it. */
static bool is_believed(const struct order *order, uint32_t i)
{
	if (!is_in_longest(order, i))
		return false;
	for (uint32_t j = 0; j < order->n; j++)
		if (j != i && is_in_longest(order, j) && !are_in_order(order, i, j))
			return false;
	return true;
}

static void measure(struct order *order)
{
	for (uint32_t i = 0; i < order->n; i++) {
		measure_before(order, i);
		if (order->page[i].before > order->longest)
			order->longest = order->page[i].before;
	}
	for (uint32_t i = order->n; i--;)
		measure_after(order, i);
}

uint32_t ws_kallsyms_page(const struct ws_system *system,
			  const struct ws_kallsyms *tables, uint32_t symbol)
{
	uint64_t at = tables->addresses % WS_FRAME_SIZE +
		      (uint64_t)width_of(system, tables) * symbol;

	return (uint32_t)(at / WS_FRAME_SIZE);
}

bool ws_kallsyms_believe(const struct ws_system *system, const struct ws_kallsyms *tables,
			 const uint8_t *raw, uint8_t **believed)
{
	struct order order = { .n = ws_kallsyms_page(system, tables, tables->num - 1) +
				    1 };

	*believed = calloc(order.n, 1);
	order.page = calloc(order.n, sizeof(*order.page));
	for (uint32_t i = 0, end; *believed && order.page && i < tables->num; i = end) {
		uint32_t page = ws_kallsyms_page(system, tables, i);

		end = i + 1;
		while (end < tables->num && ws_kallsyms_page(system, tables, end) == page)
			end++;
		judge_page(system, tables, raw, i, end, &order.page[page]);
	}
	if (order.page)
		measure(&order);
	for (uint32_t p = 0; *believed && order.page && p < order.n; p++)
		(*believed)[p] = is_believed(&order, p);
	free(order.page);
	return *believed && order.page;
}

/* ---- names ------------------------------------------------------------------------ */

/* A length and a token at least, and two bytes of length and 511 tokens at most. */
#define NAME_SIZE_MIN 2
#define NAME_SIZE_MAX 514

static enum ws_evidence load(struct ws_system *system, uint64_t va, unsigned width,
			     uint64_t *value)
{
	uint32_t narrow;
	enum ws_evidence evidence;

	if (width != 4)
		return ws_kernel_word(system, va, value);
	evidence = ws_kernel_u32(system, va, &narrow);
	*value = narrow;
	return evidence;
}

static bool are_markers(struct ws_system *system, const struct ws_kallsyms *tables,
			uint64_t va, unsigned width)
{
	uint64_t last = 0, value;

	for (uint32_t n = 0; n < tables->num; n += 256) {
		if (load(system, va + n / 256 * width, width, &value) != WS_READ)
			return false;
		if (n ? value - last < 256 * NAME_SIZE_MIN ||
				    value - last > 256 * NAME_SIZE_MAX
		      : value)
			return false;
		last = value;
	}
	return last < va - tables->names;
}

/*
 * Tables are aligned to 8 bytes at most: so much is between two of them at the end of
 * each. Only the model kernel (docs/model-kernel.md) begins a page for each.
 */
#define PADDING_MAX 16

static unsigned most_padding(const struct ws_kallsyms *tables)
{
	return tables->token_table % WS_FRAME_SIZE ? PADDING_MAX : WS_FRAME_SIZE;
}

/*
 * They lie before the token table, or before kallsyms_seqs_of_names there: three bytes a
 * symbol, from 60443c88f3a8 (6.2) until 404bad70fcf7 (6.4).
 */
bool ws_kallsyms_markers(struct ws_system *system, const struct ws_kallsyms *tables,
			 struct ws_kallsyms_markers *markers)
{
	const unsigned widths[] = { 4, system->layout.word };
	uint64_t count = (tables->num + UINT64_C(255)) / 256;

	for (unsigned way = 0; way < 4; way++)
		for (unsigned padding = 0; padding <= most_padding(tables);
		     padding += 4) {
			uint64_t behind = way / 2 * UINT64_C(3) * tables->num + padding;
			uint64_t end = (tables->token_table - behind) & -UINT64_C(4);

			markers->width = widths[way % 2];
			markers->va = end - count * markers->width;
			if (markers->va > tables->names && markers->va < end &&
			    are_markers(system, tables, markers->va, markers->width))
				return true;
		}
	return false;
}

bool ws_kallsyms_marks(struct ws_system *system,
		       const struct ws_kallsyms_markers *markers, uint32_t symbol,
		       uint64_t at)
{
	uint64_t value;

	return load(system, markers->va + symbol / 256 * markers->width, markers->width,
		    &value) == WS_READ &&
	       value == at;
}

bool ws_kallsyms_ends(const struct ws_system *system, const struct ws_kallsyms *tables,
		      uint64_t names_end)
{
	const unsigned widths[] = { 4, system->layout.word };
	uint64_t count = (tables->num + UINT64_C(255)) / 256;

	for (unsigned way = 0; way < 4; way++) {
		uint64_t len =
			count * widths[way % 2] + way / 2 * UINT64_C(3) * tables->num;

		if (tables->token_table - names_end - len <= most_padding(tables))
			return true;
	}
	return false;
}
