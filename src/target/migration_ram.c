/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a migration stream has of memory (QEMU migration/ram.c): words of eight bytes, whose
 * lowest twelve bits say what each is.
 *
 *	0x04  the blocks that there are, so many bytes together: u8 length, name, u64 length,
 *	      then words that depend on how QEMU was told to write, all of them whole pages
 *	0x02  page of a block, all of whose bytes are the one that follows (0)
 *	0x08  page of a block, and its bytes
 *	0x40  page of a block, by its difference to what it was
 *	0x100 page of a block, u32 length, so many bytes by zlib
 *	0x10  the end of this section;  0x200 and 0x80: for other channels
 *
 * A page's block is that of the page before (0x20), or its name follows: u8 length, name. A
 * page that was changed meanwhile is written again.
 *
 * With mapped-ram (QEMU 9) each block has a header behind its length, and its pages lie in the
 * file at their own places:
 *
 *	u32 1, u64 page size, u64 offset of a bitmap of the pages that are not zero, u64
 *	offset of the pages; the stream goes on behind them
 */
#include "target/migration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define FLAGS (WS_FRAME_SIZE - 1)
#define ZERO 0x02u
#define BLOCKS 0x04u
#define PAGE 0x08u
#define END 0x10u
#define SAME_BLOCK 0x20u
#define DIFFERENCE 0x40u
#define HOOK 0x80u
#define PACKED 0x100u
#define CHANNELS 0x200u

/* No machine has a tenth of them. */
#define BLOCKS_MAX 4096u
#define PACKED_MAX (2 * WS_FRAME_SIZE)

/* ---- blocks ------------------------------------------------------------------------ */

static int name_order(const void *left, const void *right)
{
	const struct ws_ram_block *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static struct ws_ram_block *block_find(struct ws_migration *m, const char *name)
{
	struct ws_ram_block key;

	strcpy(key.name, name);
	return m->blocks.n
		       ? bsearch(&key, m->blocks.v, m->blocks.n, sizeof(key), name_order)
		       : NULL;
}

/* So many pages are not in the file and zero, or are: n of them, from at on. */
static enum ws_status pages_add(struct ws_target *target, struct ws_migration *m,
				struct ws_page_run run, uint64_t n)
{
	enum ws_status status = WS_OK;

	while (n && !status) {
		run.n = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		status = ws_run_add(target, &m->runs, &run);
		run.first += run.n;
		run.at += (uint64_t)run.n * WS_FRAME_SIZE;
		n -= run.n;
	}
	return status;
}

/* Pages that lie at places of their own, by the bits of bytes[0..n). */
static enum ws_status bits_take(struct ws_target *target, struct ws_migration *m,
				const uint8_t *bytes, uint64_t first, uint64_t n,
				uint64_t at)
{
	enum ws_status status = WS_OK;
	uint64_t from, i = 0;

	while (i < n && !status) {
		bool there = bytes[i / 8] >> i % 8 & 1;

		for (from = i; i < n && (bytes[i / 8] >> i % 8 & 1) == there;)
			i++;
		status = pages_add(target, m,
				   (struct ws_page_run){ .first = first + from,
							 .at = at + from * WS_FRAME_SIZE,
							 .kind = there ? WS_RUN_MAPPED
								       : WS_RUN_ZERO },
				   i - from);
	}
	return status;
}

static enum ws_status bitmap_read(struct ws_stream *s, struct ws_migration *m,
				  const struct ws_ram_block *block, uint64_t bitmap,
				  uint64_t pages)
{
	const uint64_t chunk = WS_SCAN_CHUNK * 8;
	ws_autofree uint8_t *bytes = malloc(WS_SCAN_CHUNK);
	uint64_t n = block->len / WS_FRAME_SIZE;
	enum ws_status status = bytes ? WS_OK : ws_fail_memory(s->target->ctx);

	for (uint64_t i = 0; i < n && !status && !ws_stream_ends(s); i += chunk) {
		uint64_t some = n - i < chunk ? n - i : chunk;
		enum ws_evidence evidence = ws_file_read(&s->target->file, bitmap + i / 8,
							 bytes, (some + 7) / 8, NULL);

		s->failed |= evidence == WS_FAILED;
		s->cut |= evidence == WS_ABSENT;
		if (!ws_stream_ends(s))
			status = bits_take(s->target, m, bytes, block->first + i, some,
					   pages + i * WS_FRAME_SIZE);
	}
	return status;
}

/* The header of a block whose pages lie at places of their own; offsets 0: they do not. */
static enum ws_status mapped_read(struct ws_stream *s, struct ws_migration *m,
				  const struct ws_ram_block *block)
{
	uint64_t at = s->at, bitmap, pages, base;
	const uint8_t *header = ws_stream_take(s, 28);

	if (!header)
		return WS_OK;
	if (ws_be32(header) != 1 || ws_be64(header + 4) != WS_FRAME_SIZE) {
		ws_stream_flaw(s, at,
			       "no header of mapped-ram of version 1 with pages of "
			       "4 KiB");
		return WS_OK;
	}
	bitmap = ws_be64(header + 12);
	pages = ws_be64(header + 20);
	if (!bitmap && !pages)
		return WS_OK;
	base = s->at - bitmap; /* of a file that begins with something else */
	if (bitmap > s->at || pages < bitmap || pages > s->target->file.size ||
	    pages - bitmap < block->len / WS_FRAME_SIZE / 8) {
		ws_stream_flaw(s, at, "offsets of mapped-ram that make no sense");
		return WS_OK;
	}
	pages += base;
	s->at = pages;
	ws_stream_skip(s, block->len);
	return bitmap_read(s, m, block, bitmap + base, pages);
}

/* Words behind a block's length are whole pages; those of what follows the list are not. */
static void words_skip(struct ws_stream *s)
{
	const uint8_t *word;

	while ((word = ws_stream_peek(s, 8)) && !(ws_be64(word) & FLAGS))
		s->at += 8;
}

static enum ws_status block_read(struct ws_stream *s, struct ws_migration *m)
{
	uint64_t at = s->at;
	struct ws_ram_block block = { .first = m->npages };
	const uint8_t *len;
	struct ws_ram_block *added;

	if (!ws_stream_name(s, block.name) || !(len = ws_stream_take(s, 8)))
		return WS_OK;
	block.len = ws_be64(len);
	if (!*block.name || block.len > WS_PHYSICAL_END ||
	    m->npages > WS_PHYSICAL_END / WS_FRAME_SIZE || m->blocks.n == BLOCKS_MAX) {
		ws_stream_flaw(
			s, at,
			"a block of memory that no machine has: it has no name, is "
			"too long, or is one too many");
		return WS_OK;
	}
	m->npages += (block.len + WS_FRAME_SIZE - 1) / WS_FRAME_SIZE;
	added = ws_target_push(s->target, &m->blocks);
	if (!added)
		return ws_fail_memory(s->target->ctx);
	*added = block;
	if (m->mapped)
		return mapped_read(s, m, &block);
	/* An ignored block has a word, and so have huge pages of one that can be fetched. */
	const uint8_t *next = ws_stream_peek(s, 1);

	if (next && !*next)
		words_skip(s);
	return WS_OK;
}

static void blocks_sort(struct ws_stream *s, struct ws_migration *m, uint64_t at)
{
	if (m->blocks.n)
		qsort(m->blocks.v, m->blocks.n, sizeof(*m->blocks.v), name_order);
	for (size_t i = 1; i < m->blocks.n; i++)
		if (!strcmp(m->blocks.v[i - 1].name, m->blocks.v[i].name))
			ws_stream_flaw(s, at, "two blocks of one name");
}

static enum ws_status blocks_read(struct ws_stream *s, struct ws_migration *m,
				  uint64_t total)
{
	uint64_t at = s->at, sum = 0;
	enum ws_status status = WS_OK;

	if (m->blocks.n) {
		ws_stream_flaw(s, at, "a second list of blocks");
		return WS_OK;
	}
	while (sum < total && !status && !ws_stream_ends(s)) {
		status = block_read(s, m);
		if (!status && !ws_stream_ends(s))
			sum += m->blocks.v[m->blocks.n - 1].len;
	}
	if (!ws_stream_ends(s) && sum != total)
		ws_stream_flaw(s, at, "blocks that are longer than all together");
	blocks_sort(s, m, at);
	m->last = m->blocks.n;
	return status;
}

/* ---- pages ------------------------------------------------------------------------- */

/* Reads which block a page is of; NULL: it makes no sense, or the stream ends. */
static const struct ws_ram_block *page_block(struct ws_stream *s, struct ws_migration *m,
					     uint64_t word, uint64_t at)
{
	char name[WS_STREAM_NAME + 1];
	const struct ws_ram_block *block;

	if (!(word & SAME_BLOCK)) {
		if (!ws_stream_name(s, name))
			return NULL;
		block = block_find(m, name);
		m->last = block ? (size_t)(block - m->blocks.v) : m->blocks.n;
	}
	if (m->last >= m->blocks.n) {
		ws_stream_flaw(s, at, "a page of a block that is not listed");
		return NULL;
	}
	block = &m->blocks.v[m->last];
	if ((word & -(uint64_t)WS_FRAME_SIZE) < block->len)
		return block;
	ws_stream_flaw(s, at, "a page past the end of its block");
	return NULL;
}

/* Passes over n bytes of a page that is at that place; false: the file ends in them. */
static bool body_skip(struct ws_stream *s, uint64_t n)
{
	uint64_t size = s->target->file.size;

	s->cut |= s->at > size || n > size - s->at;
	return !s->cut && ws_stream_skip(s, n);
}

/* Passes over what a page has behind its word, and says what run it is. */
static bool page_body(struct ws_stream *s, uint64_t word, struct ws_page_run *page)
{
	const uint8_t *bytes;
	uint64_t len;

	if (word & ZERO) {
		bytes = ws_stream_take(s, 1);
		page->kind = bytes && *bytes ? WS_RUN_LOST : WS_RUN_ZERO;
		return bytes;
	}
	page->at = s->at;
	if (word & PAGE) {
		page->kind = WS_RUN_PAGES;
		return body_skip(s, WS_FRAME_SIZE);
	}
	if (word & PACKED) {
		page->kind = WS_RUN_PACKED;
		bytes = ws_stream_take(s, 4);
		len = bytes ? ws_be32(bytes) : 0;
		return bytes &&
		       (len <= PACKED_MAX || ws_stream_flaw(s, page->at,
							    "a packed page that is "
							    "longer than two")) &&
		       body_skip(s, len);
	}
	page->kind = WS_RUN_LOST;
	bytes = ws_stream_take(s, 3);
	return bytes && body_skip(s, (uint64_t)bytes[1] << 8 | bytes[2]);
}

static enum ws_status page_read(struct ws_stream *s, struct ws_migration *m,
				uint64_t word, uint64_t at)
{
	const struct ws_ram_block *block = page_block(s, m, word, at);
	struct ws_page_run page = { .at = at, .n = 1 };

	if (!block || !page_body(s, word, &page))
		return WS_OK;
	page.first = block->first + word / WS_FRAME_SIZE;
	return ws_run_add(s->target, &m->runs, &page);
}

enum ws_status ws_migration_ram(struct ws_stream *s, struct ws_migration *m)
{
	enum ws_status status = WS_OK;

	while (!status && !ws_stream_ends(s)) {
		uint64_t at = s->at, word;
		const uint8_t *bytes = ws_stream_take(s, 8);

		if (!bytes)
			break;
		word = ws_be64(bytes);
		switch (word & FLAGS & ~SAME_BLOCK) {
		case END:
			return WS_OK;
		case BLOCKS:
			status = blocks_read(s, m, word & -(uint64_t)WS_FRAME_SIZE);
			break;
		case CHANNELS:
			m->channels = true;
			break;
		case ZERO:
		case PAGE:
		case DIFFERENCE:
		case PACKED:
			status = page_read(s, m, word, at);
			break;
		default:
			ws_stream_flaw(s, at,
				       word & HOOK ? "what RDMA sends, which is no page"
						   : "a word of no kind that is known");
		}
	}
	return status;
}

/* ---- frames ------------------------------------------------------------------------ */

/* Reads the word before it too: so reads follow one another. */
static enum ws_evidence page_copy(struct ws_target *target,
				  struct ws_migration_reader *reader, uint64_t at,
				  uint8_t *frame)
{
	enum ws_evidence evidence =
		ws_file_window_read(&target->file, &reader->window, at - 8,
				    reader->packed, 8 + WS_FRAME_SIZE);

	if (evidence == WS_READ)
		memcpy(frame, reader->packed + 8, WS_FRAME_SIZE);
	return evidence;
}

static enum ws_evidence page_unpack(struct ws_target *target,
				    struct ws_migration_reader *reader, uint64_t at,
				    uint8_t *frame)
{
	uint8_t len[4];
	enum ws_evidence evidence =
		ws_file_read(&target->file, at, len, sizeof(len), NULL);

	if (evidence == WS_READ)
		evidence = ws_file_read(&target->file, at + 4, reader->packed,
					ws_be32(len) % (PACKED_MAX + 1), NULL);
	return evidence == WS_READ
		       ? ws_unpack(&reader->unpacker, WS_UNPACK_ZLIB, reader->packed,
				   ws_be32(len) % (PACKED_MAX + 1), frame, WS_FRAME_SIZE)
		       : evidence;
}

enum ws_evidence ws_migration_page(struct ws_target *target, unsigned worker,
				   const struct ws_page_run *run, uint64_t page,
				   uint8_t *frame)
{
	struct ws_migration *m = target->priv;
	struct ws_migration_reader *reader = &m->readers[worker];
	uint64_t i = page - run->first;

	switch (run->kind) {
	case WS_RUN_ZERO:
		memset(frame, 0, WS_FRAME_SIZE);
		return WS_READ;
	case WS_RUN_PAGES:
		return page_copy(target, reader, run->at + i * (WS_FRAME_SIZE + 8),
				 frame);
	case WS_RUN_MAPPED:
		return ws_file_window_read(&target->file, &reader->window,
					   run->at + i * WS_FRAME_SIZE, frame,
					   WS_FRAME_SIZE);
	case WS_RUN_PACKED:
		return page_unpack(target, reader, run->at, frame);
	default:
		return WS_ABSENT;
	}
}
