/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lzop's format: a header, then blocks of LZO1X with checksums, and a length of 0 at the
 * end; all numbers are big-endian (lzop's doc/, src/conf.h and src/lzop.c; no RFC has it).
 *
 *	89 4c 5a 4f 00 0d 0a 1a 0a
 *	u16 version, library's, needed to extract; u8 method, level; u32 flags
 *	u32 mode, mtime low, mtime high; u8 length of the name, name; u32 checksum
 *
 *	u32 unpacked (0: the end), packed; of each a checksum if flags say so, of what is
 *	packed only if it is smaller; bytes
 */
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "target/codec.h"
#include "util/bits.h"

#define MAGIC_SIZE 9u
#define NAME_LENGTH 33u /* its place */
#define VERSION_MIN 0x0940u
#define METHOD_MAX 3u /* all of LZO1X; zlib's is 128 */

enum flags {
	ADLER32_PLAIN = 1 << 0,
	ADLER32_PACKED = 1 << 1,
	EXTRA_FIELD = 1 << 6,
	CRC32_PLAIN = 1 << 8,
	CRC32_PACKED = 1 << 9,
	MULTIPART = 1 << 10,
	FILTER = 1 << 11,
	CRC32_HEADER = 1 << 12,
};

/* Neither is written by default; what follows would be misread. */
#define NOT_READ (EXTRA_FIELD | MULTIPART | FILTER)

struct block {
	uint32_t plain, packed;    /* sizes */
	uint32_t adler[2], crc[2]; /* of what is plain, of what is packed */
	bool has_adler[2], has_crc[2];
};

struct lzop {
	uint32_t flags;
	bool headed;
	uint64_t window;
	struct block block;
	uint8_t *packed, *plain; /* of the block in work; NULL: none is */
	size_t taken, given;     /* of each */
};

/* The length of a header that is read here, and its flags; 0: it is none. */
static size_t header_of(const uint8_t *p, size_t size, uint32_t *flags)
{
	static const uint8_t magic[MAGIC_SIZE] = "\x89LZO\0\r\n\x1a\n";
	size_t end;
	uint32_t sum;

	if (size <= NAME_LENGTH || memcmp(p, magic, MAGIC_SIZE) != 0 ||
	    ws_be16(p + 9) < VERSION_MIN || !p[15] || p[15] > METHOD_MAX)
		return 0;
	*flags = ws_be32(p + 17);
	end = NAME_LENGTH + 1 + p[NAME_LENGTH];
	if (*flags & NOT_READ || size < end + 4)
		return 0;
	p += MAGIC_SIZE;
	sum = *flags & CRC32_HEADER
		      ? (uint32_t)crc32(0, p, (unsigned)(end - MAGIC_SIZE))
		      : (uint32_t)adler32(1, p, (unsigned)(end - MAGIC_SIZE));
	return sum == ws_be32(p + end - MAGIC_SIZE) ? end + 4 : 0;
}

static bool lzop_probe(const uint8_t *bytes, size_t size)
{
	uint32_t flags;

	return header_of(bytes, size, &flags);
}

static void *lzop_begin(unsigned how, uint64_t window)
{
	struct lzop *z = calloc(1, sizeof(*z));

	(void)how;
	if (z)
		z->window = window;
	return z;
}

static void block_end(struct lzop *z)
{
	free(z->packed);
	free(z->plain);
	z->packed = z->plain = NULL;
	z->taken = z->given = 0;
}

static void take(struct ws_codec_stream *s, size_t n)
{
	s->in += n;
	s->nin -= n;
}

/* Blocks are checked one by one: of those before, all is right. */
static enum ws_flow flawed(struct ws_codec_stream *s)
{
	s->sure = s->made;
	return WS_FLOW_DAMAGED;
}

/* Its size; 0: it is not all there yet. */
static size_t block_header(uint32_t flags, const uint8_t *p, size_t size, struct block *b)
{
	static const uint32_t adler[] = { ADLER32_PLAIN, ADLER32_PACKED };
	static const uint32_t crc[] = { CRC32_PLAIN, CRC32_PACKED };
	size_t at = 8;

	if (size < at)
		return 0;
	*b = (struct block){ .plain = ws_be32(p), .packed = ws_be32(p + 4) };
	for (unsigned which = 0; which < 2 && (!which || b->packed < b->plain); which++) {
		b->has_adler[which] = flags & adler[which];
		b->has_crc[which] = flags & crc[which];
		if (size < at + 4 * (b->has_adler[which] + b->has_crc[which]))
			return 0;
		if (b->has_adler[which])
			b->adler[which] = ws_be32(p + at);
		at += 4 * b->has_adler[which];
		if (b->has_crc[which])
			b->crc[which] = ws_be32(p + at);
		at += 4 * b->has_crc[which];
	}
	return at;
}

static enum ws_flow block_begin(struct lzop *z, struct ws_codec_stream *s)
{
	size_t size;

	if (s->nin >= 4 && !ws_be32(s->in)) {
		take(s, 4);
		return WS_FLOW_END;
	}
	size = block_header(z->flags, s->in, s->nin, &z->block);
	if (!size)
		return WS_FLOW_ON;
	if (!z->block.packed || z->block.packed > z->block.plain)
		return flawed(s);
	if (z->block.plain > z->window / 2)
		return WS_FLOW_TOO_BIG;
	take(s, size);
	z->packed = malloc(z->block.packed);
	z->plain = malloc(z->block.plain);
	return z->packed && z->plain ? WS_FLOW_ON : WS_FLOW_MEMORY;
}

static bool is_right(const struct block *b, unsigned which, const uint8_t *bytes,
		     uint32_t size)
{
	return (!b->has_adler[which] || adler32(1, bytes, size) == b->adler[which]) &&
	       (!b->has_crc[which] || crc32(0, bytes, size) == b->crc[which]);
}

static bool block_unpack(struct lzop *z)
{
	const struct block *b = &z->block;
	lzo_uint size = b->plain;

	if (!is_right(b, 1, z->packed, b->packed))
		return false;
	if (b->packed == b->plain)
		memcpy(z->plain, z->packed, b->plain);
	else if (lzo1x_decompress_safe(z->packed, b->packed, z->plain, &size, NULL) !=
			 LZO_E_OK ||
		 size != b->plain)
		return false;
	return is_right(b, 0, z->plain, b->plain);
}

/* The block in work: its bytes are gathered, unpacked, and put out. */
static enum ws_flow block_step(struct lzop *z, struct ws_codec_stream *s)
{
	size_t n = z->block.packed - z->taken;

	if (n) {
		n = n < s->nin ? n : s->nin;
		memcpy(z->packed + z->taken, s->in, n);
		take(s, n);
		z->taken += n;
		if (z->taken == z->block.packed && !block_unpack(z))
			return flawed(s);
		return WS_FLOW_ON;
	}
	n = z->block.plain - z->given;
	n = n < s->nout ? n : s->nout;
	memcpy(s->out, z->plain + z->given, n);
	s->out += n;
	s->nout -= n;
	s->made += n;
	z->given += n;
	if (z->given == z->block.plain)
		block_end(z);
	return WS_FLOW_ON;
}

static enum ws_flow lzop_step(void *state, struct ws_codec_stream *s)
{
	struct lzop *z = state;

	if (!z->headed) {
		take(s, header_of(s->in, s->nin, &z->flags));
		z->headed = true;
	}
	return z->packed ? block_step(z, s) : block_begin(z, s);
}

static void lzop_end(void *state)
{
	block_end(state);
	free(state);
}

const struct ws_codec ws_codec_lzop = { "lzop", lzop_probe, lzop_begin, lzop_step,
					lzop_end };
