/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The texts of printk's ring by their own shape: a word with the id of a descriptor, and
 * the text; the next word that has the id after it begins the next. Times, levels and the
 * exact length lie elsewhere.
 */
#include "linux/log.h"

#include <string.h>

#include "util/bits.h"

/* Two letters of text behind a word: an id that means something is no more than that. */
static bool is_begin(const struct ws_log_bytes *bytes, size_t at, unsigned word)
{
	return at + word + 2 <= bytes->len && ws_log_is_there(bytes, at, word + 2u) &&
	       ws_log_is_text(bytes->v[at + word]) &&
	       (ws_log_is_text(bytes->v[at + word + 1]) || !bytes->v[at + word + 1]);
}

static void end_blocks(ws_log_block_vec *blocks, size_t end, unsigned word)
{
	for (size_t i = 0; i < blocks->n; i++) {
		size_t next = i + 1 < blocks->n ? blocks->v[i + 1].at - word : end;

		blocks->v[i].max = next - blocks->v[i].at;
		if (blocks->v[i].max > WS_LOG_TEXT_MAX)
			blocks->v[i].max = WS_LOG_TEXT_MAX;
	}
}

bool ws_log_find_blocks(const struct ws_log_bytes *bytes, unsigned word, uint64_t first,
			uint64_t last, ws_log_block_vec *blocks)
{
	uint64_t mask = WS_BITS(8 * word - 3, 0);

	for (size_t at = 0; at + word <= bytes->len; at += word) {
		uint64_t id = ws_le_word(bytes->v + at, word);
		struct ws_log_block *block;

		if (id & ~mask || !ws_log_is_between(id, first, last, mask) ||
		    !is_begin(bytes, at, word))
			continue;
		block = ws_vec_push(blocks);
		if (!block)
			return false;
		*block = (struct ws_log_block){ .id = id, .at = at + word };
	}
	end_blocks(blocks, bytes->len, word);
	return true;
}

/*
 * printk_sprint() prints the level's two characters, the text and a newline, and then
 * moves the text to the front: its last two characters stand twice.
 */
size_t ws_log_block_text(const struct ws_log_bytes *bytes,
			 const struct ws_log_block *block)
{
	const uint8_t *text = bytes->v + block->at;
	size_t n = ws_log_text_run(text, block->max);

	if (n && text[n - 1] == '\n') {
		n--;
		if (n >= 4 && !memcmp(text + n - 2, text + n - 4, 2))
			n -= 2;
	}
	return n;
}

/* ---- a ring of which nothing else is left ----------------------------------------- */

/* Ids begin a little below 0, of 32 bits, and rise by one with each message. */
#define IDS_MAX (UINT32_C(1) << 26)

static bool is_id(uint64_t id, uint64_t mask)
{
	const uint32_t first = UINT32_MAX - IDS_MAX + 1;

	return !(id & ~mask) && ((id - (first & mask)) & mask) < 2 * IDS_MAX;
}

/* What stands at a message's beginning: letters, and nothing of other alphabets. */
#define LETTERS 8u

static bool is_plain(const uint8_t *text)
{
	for (unsigned i = 0; i < LETTERS; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* A text that another block is as far behind as a message is long. */
#define BLOCK_MAX 1200u

/*
 * Where the id after that at `at` begins a text, no further than a text can reach; 0:
 * nowhere.
 */
static size_t next_block(const uint8_t *v, size_t len, size_t at, unsigned word)
{
	uint64_t mask = WS_BITS(8 * word - 3, 0), id = ws_le_word(v + at, word);

	for (size_t to = at + 2 * word; to + word + LETTERS <= len && to - at < BLOCK_MAX;
	     to += word)
		if (ws_le_word(v + to, word) == ((id + 1) & mask) &&
		    is_plain(v + to + word))
			return to;
	return 0;
}

/*
 * A block is as long as its text needs: to_blk_size() rounds up to a word, and one that was
 * continued may have had some characters more. What a table of names leaves free behind a
 * short one is more.
 */
static bool is_filled(const uint8_t *v, size_t at, size_t next, unsigned word)
{
	size_t len = next - at - word;

	return ws_log_text_run(v + at + word, len) + 2u * word >= len;
}

/*
 * Texts in a row by their ids, as many as make a log, and not all as long as each other.
 * Tables of numbers and pointers have rows like that, but their pointers are no letters;
 * tables of numbers and names have letters, but each row is as long as the last.
 */
static bool is_chain(const uint8_t *v, size_t len, size_t at, unsigned word)
{
	size_t next = at, stride = 0;
	unsigned changes = 0;

	if (at + word + LETTERS > len || !is_plain(v + at + word) ||
	    !is_id(ws_le_word(v + at, word), WS_BITS(8 * word - 3, 0)))
		return false;
	for (unsigned i = 1; i < WS_LOG_SHAPE_MIN; i++) {
		size_t here = next;

		next = next_block(v, len, here, word);
		if (!next || !is_filled(v, here, next, word))
			return false;
		changes += next - here != stride;
		stride = next - here;
	}
	return changes > 2;
}

static bool page_has_chain(unsigned word, const uint8_t *page)
{
	for (size_t at = 0; at + word + LETTERS <= WS_FRAME_SIZE; at += word)
		if (is_chain(page, WS_FRAME_SIZE, at, word))
			return true;
	return false;
}

struct range {
	bool known;
	uint64_t first, last;
};

static void widen(struct range *range, uint64_t id, uint64_t mask)
{
	if (!range->known)
		*range = (struct range){ true, id, id };
	else if (((id - range->last) & mask) < IDS_MAX)
		range->last = id;
	else if (((range->first - id) & mask) < IDS_MAX)
		range->first = id;
}

/* The ids that chains of texts have. */
static struct range find_range(const struct ws_log_bytes *bytes, unsigned word)
{
	uint64_t mask = WS_BITS(8 * word - 3, 0);
	struct range range = { 0 };

	for (size_t at = 0; at + word + LETTERS <= bytes->len; at += word) {
		if (!is_chain(bytes->v, bytes->len, at, word))
			continue;
		widen(&range, ws_le_word(bytes->v + at, word), mask);
		for (size_t next = at; next;
		     next = next_block(bytes->v, bytes->len, next, word)) {
			widen(&range, ws_le_word(bytes->v + next, word), mask);
			at = next;
		}
	}
	return range;
}

/* By id: the ring's end may lie anywhere. */
static bool add_in_order(struct ws_log_store *store, const struct ws_log_bytes *bytes,
			 const ws_log_block_vec *blocks, const struct range *range,
			 uint64_t mask)
{
	uint64_t n = ((range->last - range->first) & mask) + 1;
	uint32_t *at;

	if (n > 64 * (uint64_t)blocks->n + 4096)
		return false; /* these are no ids of one log */
	at = calloc(n, sizeof(*at));
	if (!at) {
		store->short_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < blocks->n; i++)
		at[(blocks->v[i].id - range->first) & mask] = (uint32_t)i + 1;
	for (uint64_t i = 0; i < n; i++) {
		struct ws_log_record record = { .damaged = true };
		const struct ws_log_block *block = at[i] ? &blocks->v[at[i] - 1] : NULL;

		if (block)
			ws_log_add(store, &record, bytes->v + block->at,
				   ws_log_block_text(bytes, block));
		else
			store->overwritten++;
	}
	free(at);
	return true;
}

enum ws_log_way ws_log_search_blocks(struct ws_system *system, uint64_t first,
				     uint64_t last, struct ws_log_store *store)
{
	unsigned word = system->layout.word;
	struct ws_log_bytes bytes = { 0 };
	ws_log_block_vec blocks = { 0 };
	struct range range;
	uint64_t va, len;

	store->log.kind = WS_LOG_RING;
	if (!ws_log_stretch(system, first, last, page_has_chain, &va, &len))
		return WS_LOG_NOT_HERE;
	if (ws_log_read(system, va, len, &bytes)) {
		range = find_range(&bytes, word);
		if (range.known &&
		    !ws_log_find_blocks(&bytes, word, range.first, range.last, &blocks))
			store->short_of_memory = true;
		if (blocks.n)
			(void)!add_in_order(store, &bytes, &blocks, &range,
					    WS_BITS(8 * word - 3, 0));
	}
	ws_vec_release(&blocks);
	ws_log_release(&bytes);
	return store->records.n ? WS_LOG_TAKEN : WS_LOG_NOT_HERE;
}
