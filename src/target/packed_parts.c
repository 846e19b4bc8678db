/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 *	bgzip	a member's header has its size in an extra field "BC", and its last four
 *		bytes how long it is unpacked (SAM specification, 4.1; RFC 1952)
 *	zstd	a frame's header may have its content's size; its blocks say how long each
 *		is, up to the last (RFC 8878, 3.1.1)
 *	xz	an index at the end has all of its blocks
 *
 * Each is held against the file before it is believed: a part lies inside, and what it
 * unpacks to is checked when that is done.
 */
#include "target/packed_parts.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"

/* Members that are small make one part, for a thread's turn is to be worth it. */
#define PART_MIN (UINT64_C(1) << 20)

static bool part_add(struct ws_parts *parts, const struct ws_part *next, bool joins)
{
	struct ws_part *last = parts->all.n ? &parts->all.v[parts->all.n - 1] : NULL;

	if (next->out_size > UINT64_MAX - parts->out)
		return true;
	if (joins && last && last->out_size < PART_MIN) {
		last->in_size += next->in_size;
		last->out_size += next->out_size;
	} else if (!(last = ws_vec_push(&parts->all))) {
		return false;
	} else {
		*last = *next;
		last->out = parts->out;
	}
	parts->in = next->in + next->in_size;
	parts->out += next->out_size;
	return true;
}

/* Where nothing follows that makes a part: WS_ABSENT. */
typedef enum ws_evidence next_fn(struct ws_file *file, struct ws_file_window *window,
				 struct ws_part *part);

static void window_end(struct ws_file_window *window)
{
	ws_file_window_release(window);
}

static enum ws_evidence walk(struct ws_file *file, struct ws_parts *parts, next_fn *next)
{
	ws_cleanup(window_end) struct ws_file_window window = { 0 };
	enum ws_evidence evidence;

	for (;;) {
		struct ws_part part = { .in = parts->in };

		evidence = next(file, &window, &part);
		if (evidence != WS_READ)
			return evidence == WS_FAILED ? WS_FAILED : WS_READ;
		if (part.in_size > file->size - part.in)
			return WS_READ;
		if (!part_add(parts, &part, true))
			return WS_FAILED;
	}
}

/* ---- bgzip ------------------------------------------------------------------------ */

#define BGZIP_HEADER 18u
#define GZIP_TRAILER 8u

static enum ws_evidence bgzip_next(struct ws_file *file, struct ws_file_window *window,
				   struct ws_part *part)
{
	static const uint8_t begin[] = { 0x1f, 0x8b, 8, 4 };
	static const uint8_t extra[] = { 6, 0, 'B', 'C', 2, 0 };
	uint8_t p[BGZIP_HEADER], size[4];
	enum ws_evidence evidence =
		ws_file_window_read(file, window, part->in, p, sizeof(p));

	if (evidence != WS_READ)
		return evidence;
	part->in_size = ws_le16(p + 16) + UINT64_C(1);
	if (memcmp(p, begin, sizeof(begin)) != 0 ||
	    memcmp(p + 10, extra, sizeof(extra)) != 0 ||
	    part->in_size < BGZIP_HEADER + GZIP_TRAILER)
		return WS_ABSENT;
	evidence = ws_file_read(file, part->in + part->in_size - sizeof(size), size,
				sizeof(size), NULL);
	part->out_size = ws_le32(size);
	return evidence;
}

/* ---- zstd ------------------------------------------------------------------------- */

#define ZSTD_HEADER_MAX 14u
#define ZSTD_SKIP_HEADER 8u

struct zstd_header {
	size_t size;
	uint64_t content;
	bool has_content, has_checksum;
};

/* The frame's header in p. */
static struct zstd_header zstd_header(const uint8_t *p)
{
	static const uint8_t ids[] = { 0, 1, 2, 4 }, contents[] = { 0, 2, 4, 8 };
	bool single = p[4] & 0x20;
	unsigned size = contents[p[4] >> 6];
	struct zstd_header h = { .size = 5u + !single + ids[p[4] & 3],
				 .has_checksum = p[4] & 4 };

	if (!size && single)
		size = 1;
	for (unsigned i = 0; i < size; i++)
		h.content |= (uint64_t)p[h.size + i] << 8 * i;
	if (size == 2)
		h.content += 256;
	h.size += size;
	h.has_content = size;
	return h;
}

static enum ws_evidence zstd_next(struct ws_file *file, struct ws_file_window *window,
				  struct ws_part *part)
{
	uint8_t p[ZSTD_HEADER_MAX + 4] = { 0 };
	enum ws_evidence evidence =
		ws_file_window_read(file, window, part->in, p, ZSTD_SKIP_HEADER);
	struct zstd_header h;
	uint32_t block = 0;
	uint64_t at;

	if (evidence != WS_READ)
		return evidence;
	part->in_size = ZSTD_SKIP_HEADER + (uint64_t)ws_le32(p + 4);
	if ((ws_le32(p) & 0xfffffff0) == 0x184d2a50)
		return WS_READ;
	if (!ws_codec_zstd.probe(p, 4))
		return WS_ABSENT;
	evidence = ws_file_window_read(file, window, part->in, p, sizeof(p));
	if (evidence != WS_READ)
		return evidence;
	h = zstd_header(p);
	if (!h.has_content)
		return WS_ABSENT;
	for (at = part->in + h.size; !(block & 1); at += 3) {
		evidence = ws_file_window_read(file, window, at, p, 3);
		if (evidence != WS_READ)
			return evidence;
		block = p[0] | p[1] << 8 | (uint32_t)p[2] << 16;
		at += (block >> 1 & 3) == 1 ? 1 : block >> 3; /* 1: of one byte, again */
	}
	part->in_size = at + 4 * h.has_checksum - part->in;
	part->out_size = h.content;
	return WS_READ;
}

/* ---- xz --------------------------------------------------------------------------- */

#define XZ_INDEX_MEMORY (UINT64_C(512) << 20)
#define XZ_BLOCK ((size_t)64 << 10)

static void index_end(lzma_index **index)
{
	lzma_index_end(*index, NULL);
}

/* LZMA_STREAM_END: *index is all of them. The decoder says where it wants to read. */
static lzma_ret index_decode(struct ws_file *file, uint64_t offset, lzma_stream *z)
{
	ws_autofree uint8_t *bytes = malloc(XZ_BLOCK);
	uint64_t at = 0, size = file->size - offset;
	lzma_ret r = bytes ? LZMA_OK : LZMA_MEM_ERROR;

	for (uint64_t turns = size / XZ_BLOCK * 2 + 1024; r == LZMA_OK && turns;
	     turns--) {
		size_t want = size - at < XZ_BLOCK ? size - at : XZ_BLOCK, got = 0;

		if (!z->avail_in) {
			if (ws_file_read(file, offset + at, bytes, want, &got) ==
			    WS_FAILED)
				return LZMA_PROG_ERROR;
			z->next_in = bytes;
			z->avail_in = got;
			at += got;
		}
		r = lzma_code(z, z->avail_in ? LZMA_RUN : LZMA_FINISH);
		if (r != LZMA_SEEK_NEEDED)
			continue;
		r = z->seek_pos <= size ? LZMA_OK : LZMA_DATA_ERROR;
		at = z->seek_pos;
		z->avail_in = 0;
	}
	return r;
}

static enum ws_evidence xz_parts(struct ws_file *file, uint64_t offset,
				 struct ws_parts *parts)
{
	ws_cleanup(index_end) lzma_index *index = NULL;
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_index_iter iter;
	lzma_ret r;

	r = lzma_file_info_decoder(&z, &index, XZ_INDEX_MEMORY, file->size - offset);
	if (r == LZMA_OK)
		r = index_decode(file, offset, &z);
	lzma_end(&z);
	if (r == LZMA_MEM_ERROR || r == LZMA_PROG_ERROR)
		return WS_FAILED;
	if (r != LZMA_STREAM_END)
		return WS_READ; /* it is read from its beginning, as far as it goes */
	parts->codec = &ws_codec_xz_block;
	lzma_index_iter_init(&iter, index);
	while (!lzma_index_iter_next(&iter, LZMA_INDEX_ITER_NONEMPTY_BLOCK)) {
		const struct ws_part part = {
			.in = offset + iter.block.compressed_file_offset,
			.in_size = iter.block.total_size,
			.out_size = iter.block.uncompressed_size,
			.how = iter.stream.flags->check,
		};

		if (!part_add(parts, &part, false))
			return WS_FAILED;
	}
	parts->in = file->size;
	return WS_READ;
}

/* ---- all of them ------------------------------------------------------------------ */

enum ws_evidence ws_parts_find(struct ws_file *file, uint64_t offset,
			       const struct ws_codec *codec, struct ws_parts *parts)
{
	*parts = (struct ws_parts){ .codec = codec, .in = offset };
	if (codec == &ws_codec_gzip)
		return walk(file, parts, bgzip_next);
	if (codec == &ws_codec_zstd)
		return walk(file, parts, zstd_next);
	return codec == &ws_codec_xz ? xz_parts(file, offset, parts) : WS_READ;
}
