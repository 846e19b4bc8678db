/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the records of the kernel's log gather, and how all ways to it read memory. */
#include "linux/log.h"

#include <stdlib.h>
#include <string.h>

/* ---- records ---------------------------------------------------------------------- */

static bool has_room(struct ws_log_store *store, size_t more)
{
	size_t room = store->room ? store->room : WS_FRAME_SIZE;
	char *grown;

	while (room < store->len + more)
		room *= 2;
	if (room == store->room)
		return true;
	grown = realloc(store->texts, room);
	if (!grown)
		return false;
	store->texts = grown;
	store->room = room;
	return true;
}

/* Messages are text; what no message has was written over one. */
static bool is_damaged(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!ws_log_is_text(text[i]))
			return true;
	return false;
}

static void copy_text(struct ws_log_store *store, const uint8_t *text, size_t len)
{
	if (len)
		memcpy(store->texts + store->len, text, len);
	store->len += len;
	store->texts[store->len++] = '\0';
}

bool ws_log_add(struct ws_log_store *store, const struct ws_log_record *record,
		const uint8_t *text, size_t len)
{
	size_t visible = len ? strnlen((const char *)text, len) : 0;
	struct ws_log_record *added = ws_vec_push(&store->records);
	size_t *offset = added ? ws_vec_push(&store->offsets) : NULL;

	if (!offset || !has_room(store, visible + 1)) {
		store->short_of_memory = true;
		return false;
	}
	*added = *record;
	added->damaged |= is_damaged(text, len);
	*offset = store->len;
	copy_text(store, text, visible);
	return true;
}

void ws_log_clear(struct ws_log_store *store)
{
	ws_vec_release(&store->records);
	ws_vec_release(&store->offsets);
	free(store->texts);
	*store = (struct ws_log_store){ 0 };
}

/* ---- memory ----------------------------------------------------------------------- */

static size_t npages(const struct ws_log_bytes *bytes)
{
	return (bytes->va % WS_FRAME_SIZE + bytes->len + WS_FRAME_SIZE - 1) /
	       WS_FRAME_SIZE;
}

static void read_pages(struct ws_system *system, struct ws_log_bytes *bytes)
{
	size_t n;

	for (size_t at = 0; at < bytes->len; at += n) {
		uint64_t va = bytes->va + at;

		n = WS_FRAME_SIZE - va % WS_FRAME_SIZE;
		if (n > bytes->len - at)
			n = bytes->len - at;
		if (ws_system_read(system, va, bytes->v + at, n) == WS_READ)
			bytes->is_there[(bytes->va % WS_FRAME_SIZE + at) /
					WS_FRAME_SIZE] = 1;
		else
			bytes->absent += n;
	}
}

/* A capture lacks nearly all memory, and some of the log may have been filtered out. */
#define SHARE_MAX 16u

bool ws_log_read(struct ws_system *system, uint64_t va, uint64_t len,
		 struct ws_log_bytes *bytes)
{
	*bytes = (struct ws_log_bytes){ .va = va, .len = len };
	if (!len || len > WS_LOG_MAX || va + len < va ||
	    len / WS_FRAME_SIZE > SHARE_MAX * system->target->nframes)
		return false;
	bytes->v = calloc(1, len);
	bytes->is_there = calloc(1, npages(bytes));
	if (!bytes->v || !bytes->is_there) {
		(void)!ws_fail_memory(system->ctx);
		return false;
	}
	read_pages(system, bytes);
	return true;
}

void ws_log_release(struct ws_log_bytes *bytes)
{
	free(bytes->v);
	free(bytes->is_there);
	*bytes = (struct ws_log_bytes){ 0 };
}

bool ws_log_is_there(const struct ws_log_bytes *bytes, size_t at, size_t len)
{
	size_t skew = bytes->va % WS_FRAME_SIZE;

	if (at > bytes->len || len > bytes->len - at)
		return false;
	if (!bytes->absent || !len)
		return true;
	for (size_t page = (skew + at) / WS_FRAME_SIZE;
	     page <= (skew + at + len - 1) / WS_FRAME_SIZE; page++)
		if (!bytes->is_there[page])
			return false;
	return true;
}

/* ---- stretches of pages that look like a log -------------------------------------- */

struct stretch {
	ws_log_page_fn *fn;
	unsigned word;
	uint64_t va, last; /* of the pages that are looked at; last: the next one's va */
	uint64_t best, best_len;
};

/* Messages as long as a page, or overwritten, may lie between two that look right. */
#define GAP_PAGES 4u

static bool stretch_page(void *arg, uint64_t va, const uint8_t *page)
{
	struct stretch *stretch = arg;

	if (!stretch->fn(stretch->word, page))
		return true;
	if (!stretch->last || va - stretch->last > GAP_PAGES * WS_FRAME_SIZE)
		stretch->va = va;
	stretch->last = va + WS_FRAME_SIZE;
	if (stretch->last - stretch->va > stretch->best_len) {
		stretch->best = stretch->va;
		stretch->best_len = stretch->last - stretch->va;
	}
	return true;
}

/* Its first and last messages lie in pages that have few. */
bool ws_log_stretch(struct ws_system *system, uint64_t first, uint64_t last,
		    ws_log_page_fn *fn, uint64_t *va, uint64_t *len)
{
	struct stretch stretch = { .fn = fn, .word = system->layout.word };

	if (ws_search(system, first, last, WS_SEARCH_NO_HOLES, stretch_page, &stretch) !=
		    WS_OK ||
	    !stretch.best_len)
		return false;
	*va = stretch.best;
	*len = stretch.best_len;
	if (*va - WS_FRAME_SIZE >= first) {
		*va -= WS_FRAME_SIZE;
		*len += WS_FRAME_SIZE;
	}
	if (*va + *len + WS_FRAME_SIZE - 1 <= last)
		*len += WS_FRAME_SIZE;
	return true;
}
