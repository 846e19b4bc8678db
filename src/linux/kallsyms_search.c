/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kallsyms by its shape, for kernels whose VMCOREINFO does not say where it lies
 * (before 6.0) or whose VMCOREINFO is lost.
 *
 * The token table begins with what every name is made of, the characters themselves:
 * ten strings "0" to "9" follow each other there and nowhere else. Its index follows;
 * the names are what can be read with these tokens from start to end and is confirmed
 * by the markers behind them; the addresses lie at one of a few places around.
 */
#include "linux/kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"

#define DIGITS_LEN 20
static const uint8_t digits[DIGITS_LEN] =
	"0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

#define HITS_MAX 16

/* All tables together take 20 bytes a symbol: this holds 400 thousand on either side. */
#define WINDOW_REACH (UINT64_C(8) << 20)

/* What follows the digits in the token table: up to 198 tokens. */
#define TOKENS_AFTER_DIGITS 8192

/* Names looked at in all, so that hostile memory cannot keep the search busy. */
#define STEPS_MAX (UINT64_C(1) << 26)

/* ---- a window of the image -------------------------------------------------------- */

/* bytes[0..len) are kernel memory from va on, zeros where there is none. */
struct window {
	uint64_t va;
	uint8_t *bytes;
	size_t len;
	unsigned word;
	unsigned align; /* of each table: a word, or 4 since a081b5789255 (2026) */
	uint64_t steps;
};

static enum ws_status window_fill(struct ws_system *system, uint64_t hit,
				  struct window *window)
{
	const struct ws_layout *layout = &system->layout;
	uint64_t first = layout->image_first, last = layout->image_last;

	if (hit - first > WINDOW_REACH)
		first = hit - WINDOW_REACH;
	if (last - hit > WINDOW_REACH)
		last = hit + WINDOW_REACH;
	window->va = first & -(uint64_t)WS_FRAME_SIZE;
	window->len = last - window->va + 1;
	window->bytes = calloc(1, window->len);
	if (!window->bytes)
		return ws_fail_memory(system->ctx);
	return ws_search_copy(system, window->va, window->bytes, window->len);
}

static size_t align(const struct window *window, size_t at)
{
	return (at + window->align - 1) & -(size_t)window->align;
}

static bool holds(const struct window *window, size_t at, uint64_t len)
{
	return at <= window->len && len <= window->len - at;
}

static uint64_t word_at(const struct window *window, size_t at, unsigned width)
{
	return ws_le_word(window->bytes + at, width);
}

/* ---- the tables in the window ----------------------------------------------------- */

/* Offsets into the window. */
struct shape {
	size_t token_table, token_index;
	size_t num, names, names_end;
	uint32_t nsyms;
	struct ws_kallsyms_tokens tokens;
};

static bool find_tokens(const struct window *window, size_t digits_at,
			struct shape *shape)
{
	size_t index = align(window, digits_at + DIGITS_LEN);

	for (; index < digits_at + TOKENS_AFTER_DIGITS; index += window->align) {
		size_t before;

		if (!holds(window, index, 2 * WS_KALLSYMS_TOKENS))
			return false;
		before = ws_le16(window->bytes + index + 2 * '0');
		if (before > digits_at)
			continue;
		shape->token_table = digits_at - before;
		shape->token_index = index;
		if (ws_kallsyms_tokens(&shape->tokens, window->bytes + shape->token_table,
				       index - shape->token_table, window->bytes + index))
			return true;
	}
	return false;
}

/* Reads shape->nsyms names from shape->names on; false as soon as one is none. */
static bool names_parse(struct window *window, struct shape *shape)
{
	size_t at = shape->names, len, head;

	for (uint32_t i = 0; i < shape->nsyms; i++) {
		if (!window->steps)
			return false;
		window->steps--;
		head = ws_kallsyms_name_len(window->bytes + at, shape->token_table - at,
					    &len);
		if (!head)
			return false;
		at += head;
		if (!ws_kallsyms_begins_name(&shape->tokens, window->bytes[at]))
			return false;
		at += len;
	}
	shape->names_end = at;
	return true;
}

/* Markers are 32 bits wide since 80ffbaa5b1bd (4.20), words before. */
static bool markers_match(const struct window *window, const struct shape *shape,
			  unsigned width)
{
	size_t marker = align(window, shape->names_end), at = shape->names, len, head;

	if (!holds(window, marker, (shape->nsyms + UINT64_C(255)) / 256 * width))
		return false;
	for (uint32_t i = 0; i < shape->nsyms; i++) {
		if (i % 256 == 0 &&
		    word_at(window, marker + i / 256 * width, width) != at - shape->names)
			return false;
		head = ws_kallsyms_name_len(window->bytes + at, window->len - at, &len);
		at += head + len;
	}
	return true;
}

static bool find_names(struct window *window, struct shape *shape)
{
	for (size_t at = 0; at + 2 * window->align < shape->token_table;
	     at += window->align) {
		shape->num = at;
		shape->nsyms = ws_le32(window->bytes + at);
		shape->names = at + window->align;
		if (shape->nsyms < WS_KALLSYMS_MIN || shape->nsyms > WS_KALLSYMS_MAX)
			continue;
		if (names_parse(window, shape) &&
		    (markers_match(window, shape, 4) ||
		     markers_match(window, shape, window->word)))
			return true;
	}
	return false;
}

/*
 * Where the addresses lie: after token_index (with relative_base behind them), or
 * before num_syms (with relative_base between).
 */
static const struct place {
	bool words, has_base, after_index;
} places[] = {
	{ false, true, true },  /* 404bad70fcf7 (6.4) */
	{ false, true, false }, /* 2213e9a66bb8 (4.6) */
	{ false, false, true }, /* a081b5789255 (2026): no base any more */
	{ true, false, false }, /* before 4.6, or not base-relative */
	{ true, false, true },  /* the same in the newer order */
};

static bool place_fits(const struct ws_system *system, const struct window *window,
		       const struct shape *shape, const struct place *place,
		       struct ws_kallsyms *tables)
{
	uint64_t size = (uint64_t)shape->nsyms * (place->words ? window->word : 4);
	size_t padded = align(window, size), base = place->has_base ? window->word : 0;
	size_t at;

	if (place->after_index)
		at = align(window, shape->token_index + 2 * WS_KALLSYMS_TOKENS);
	else if (shape->num >= padded + base)
		at = shape->num - padded - base;
	else
		return false;
	if (!holds(window, at, padded + base))
		return false;
	*tables = (struct ws_kallsyms){
		.names = window->va + shape->names,
		.token_table = window->va + shape->token_table,
		.token_index = window->va + shape->token_index,
		.addresses = window->va + at,
		.base = base ? word_at(window, at + padded, window->word) : 0,
		.has_base = place->has_base,
		.words = place->words,
		.num = shape->nsyms,
	};
	return ws_kallsyms_encoding(system, tables, window->bytes + at);
}

static bool shape_search(const struct ws_system *system, struct window *window,
			 uint64_t hit, struct ws_kallsyms *tables)
{
	struct shape shape = { 0 };

	if (!find_tokens(window, hit - window->va, &shape) || !find_names(window, &shape))
		return false;
	for (size_t i = 0; i < WS_ARRAY_SIZE(places); i++)
		if (place_fits(system, window, &shape, &places[i], tables))
			return true;
	return false;
}

static bool window_search(const struct ws_system *system, struct window *window,
			  uint64_t hit, struct ws_kallsyms *tables)
{
	for (window->align = window->word; window->align >= 4; window->align /= 2)
		if (shape_search(system, window, hit, tables))
			return true;
	return false;
}

enum ws_status ws_kallsyms_search(struct ws_system *system, struct ws_kallsyms *tables)
{
	uint64_t steps = STEPS_MAX, hits[HITS_MAX];
	enum ws_status status;
	unsigned n;

	status = ws_search_bytes(system, system->layout.image_first,
				 system->layout.image_last, digits, DIGITS_LEN, hits,
				 HITS_MAX, &n);
	for (unsigned i = 0; i < n && !status; i++) {
		struct window window = { .word = system->layout.word, .steps = steps };
		bool found;

		status = window_fill(system, hits[i], &window);
		found = !status && window_search(system, &window, hits[i], tables);
		free(window.bytes);
		if (found)
			return WS_OK;
		steps = window.steps;
	}
	return status ? status : WS_ERR_NOT_FOUND;
}
