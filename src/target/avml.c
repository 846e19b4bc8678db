/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AVML, also called LiME version 2: the file is a row of blocks of at most 16 MiB, each a
 * header, its memory in snappy's framing format, and how many bytes that took. All is
 * little-endian (avml src/image.rs, snappy framing_format.txt):
 *
 *	 0  u32 magic 0x4C4D5641   8  u64 first byte's pa   24  u64 reserved, 0
 *	 4  u32 version, 2	  16  u64 last byte's pa
 *	32  chunks: u8 type, u24 length, and so many bytes:
 *		0xff		"sNaPpY"
 *		0x00, 0x01	u32 checksum; memory, packed by snappy or as it is
 *		0x80 to 0xfe	to be passed over
 *	    u64 length of the chunks
 *
 * Blocks that are all zero are not written: what no block is of is absent.
 *
 * Where a chunk belongs follows from the sizes of those before it. So that no damaged size
 * moves what follows, all chunks of a block but its last must be of one size, as they are
 * (64 KiB); the first that is not ends what is read of the block. Whether a chunk's bytes
 * are whole its checksum says once it is unpacked. The next block is then looked for: its
 * header and the chunk "sNaPpY" together are no chance.
 */
#include "target/target.h"

#include <errno.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/crc32c.h"

#define AVML_MAGIC 0x4C4D5641
#define AVML_VERSION 2
#define AVML_HEADER 32
#define AVML_RESERVED 24
#define AVML_TRAILER 8

#define CHUNK_HEADER 4
#define CHUNK_PACKED 0x00
#define CHUNK_PLAIN 0x01
#define CHUNK_PADDING 0x80
#define CHUNK_STREAM 0xff
#define CHUNK_SUM 4
#define CHUNK_MAX 65536u    /* of memory */
#define PACKED_MAX 76490u   /* snappy_max_compressed_length() of that */
#define PACKED_LENGTH_MAX 5 /* bytes of the number at the front of packed ones */
#define STREAM "\xff\x06\0\0sNaPpY"
#define STREAM_SIZE 10

/* Memory as the file has it: in size bytes at offset at, which unpack to len. */
struct chunk {
	uint64_t at;
	uint32_t size, len, sum;
	bool packed;
};

/* A block's chunks are of one length, but for its last. */
struct block {
	size_t first; /* of its chunks */
	uint64_t pa;
	uint32_t len; /* of its first chunk */
};

/* A chunk that was unpacked. */
struct unpacked {
	uint8_t *memory;
	const struct chunk *chunk; /* what is in memory; NULL: nothing */
};

/*
 * What one thread unpacks with, and what it has unpacked last. Who passes over memory comes to
 * a chunk once; who reads frames by address comes back to some, and has a place for more.
 */
#define PLACES 64u
struct reader {
	uint8_t *packed;
	struct unpacked place[PLACES];
};

struct avml {
	WS_VEC(struct chunk) chunks;
	WS_VEC(struct block) blocks; /* by number, which a piece of memory has */
	struct reader readers[WS_READERS];
	struct ws_crc32c crc;
};

/* Where reading the file has come to. */
struct cursor {
	struct ws_target *target;
	struct avml *avml;
	uint64_t at, number;             /* of the block whose header is next */
	uint64_t nlengths, first_length; /* damaged ones behind blocks: how many, where */
};

static bool avml_probe(const struct ws_file *file)
{
	return file->size >= 4 && ws_le32(file->data) == AVML_MAGIC;
}

static enum ws_status read_failed(struct ws_target *target)
{
	return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s", target->file.path,
		       strerror(target->file.error ? target->file.error : ENOMEM));
}

/* What other blocks there were, nobody knows. */
static void more_followed(struct ws_target *target)
{
	target->cut_more = true;
	ws_target_reaches(target, WS_PHYSICAL_END);
}

/* ---- headers ---------------------------------------------------------------------- */

/* What is wrong with a header; NULL: nothing, and *range is what it says. */
static const char *header_flaw(const uint8_t *header, struct ws_extent *range)
{
	uint64_t first = ws_le64(header + 8), last = ws_le64(header + 16);

	*range = (struct ws_extent){ first, last - first + 1 };
	if (ws_le32(header) != AVML_MAGIC)
		return "no AVML magic";
	if (ws_le32(header + 4) != AVML_VERSION)
		return "a version that is unknown";
	if (last < first || last >= WS_PHYSICAL_END)
		return "a range that makes no sense";
	if (first % WS_FRAME_SIZE)
		return "a range that begins within a page";
	return ws_le64(header + AVML_RESERVED) ? "a reserved field that is not 0" : NULL;
}

static bool is_block(const uint8_t *bytes)
{
	struct ws_extent range;

	return !header_flaw(bytes, &range) &&
	       !memcmp(bytes + AVML_HEADER, STREAM, STREAM_SIZE);
}

/* The first block from offset *at on; the file's end where there is none. */
static enum ws_evidence block_find(struct ws_target *target, uint64_t *at)
{
	const size_t whole = AVML_HEADER + STREAM_SIZE;
	ws_autofree uint8_t *buffer = malloc(WS_SCAN_CHUNK + whole);
	enum ws_evidence evidence = buffer ? WS_READ : WS_FAILED;
	size_t room = WS_FILE_BLOCK, got = 0; /* where there is one, it is mostly near */

	for (uint64_t from = *at; evidence != WS_FAILED && from < target->file.size;
	     from += room, room = WS_SCAN_CHUNK) {
		evidence = ws_file_read(&target->file, from, buffer, room + whole, &got);
		for (size_t i = 0; i + whole <= got && i < room; i++) {
			if (ws_le32(buffer + i) != AVML_MAGIC || !is_block(buffer + i))
				continue;
			*at = from + i;
			return WS_READ;
		}
	}
	*at = target->file.size;
	return evidence == WS_FAILED ? WS_FAILED : WS_ABSENT;
}

/* ---- chunks ----------------------------------------------------------------------- */

/* How many bytes a packed chunk says it unpacks to (a varint); 0: it makes no sense. */
static uint32_t packed_length(const uint8_t *bytes, size_t size)
{
	uint64_t length = 0;

	for (unsigned i = 0; i < size && i < PACKED_LENGTH_MAX; i++) {
		length |= (uint64_t)(bytes[i] & 0x7f) << 7 * i;
		if (!(bytes[i] & 0x80))
			return length <= CHUNK_MAX ? (uint32_t)length : 0;
	}
	return 0;
}

/* Of a block as it is read. */
struct progress {
	struct ws_extent range;
	struct block block;
	uint64_t at, have; /* the next chunk, and the memory of those before it */
	const char *flaw;  /* of the next chunk; NULL: none */
	bool cut;          /* the file ends in it */
};

/* What is wrong with a chunk of memory, for its place in its block; NULL: nothing. */
static const char *chunk_flaw(const struct progress *p, const struct chunk *chunk)
{
	if (!chunk->len || chunk->len > CHUNK_MAX || chunk->size > PACKED_MAX)
		return "a length that makes no sense";
	if (chunk->len > p->range.len - p->have)
		return "more memory than its block";
	if (p->have + chunk->len < p->range.len && chunk->len % WS_FRAME_SIZE)
		return "memory that is not of whole pages";
	if (p->have && chunk->len > p->block.len)
		return "more memory than the chunks before it";
	if (p->have && chunk->len < p->block.len && p->have + chunk->len < p->range.len)
		return "less memory than the chunks before it";
	return NULL;
}

static enum ws_status chunk_add(struct cursor *c, struct progress *p,
				const struct chunk *chunk)
{
	struct chunk *added;

	p->flaw = chunk_flaw(p, chunk);
	if (p->flaw)
		return WS_OK;
	p->cut = chunk->size > c->target->file.size - chunk->at;
	if (p->cut)
		return WS_OK;
	added = ws_target_push(c->target, &c->avml->chunks);
	if (!added)
		return ws_fail_memory(c->target->ctx);
	*added = *chunk;
	if (!p->have)
		p->block.len = chunk->len;
	p->have += chunk->len;
	return WS_OK;
}

/* The bytes are as many of the chunk as tell what it is, or as the file has. */
static enum ws_status chunk_take(struct cursor *c, struct progress *p,
				 const uint8_t *bytes, size_t got)
{
	uint32_t size = ws_le32(bytes) >> 8;
	uint8_t type = bytes[0];
	struct chunk chunk = { .at = p->at + CHUNK_HEADER + CHUNK_SUM,
			       .size = size - CHUNK_SUM,
			       .sum = ws_le32(bytes + CHUNK_HEADER),
			       .packed = type == CHUNK_PACKED };
	enum ws_status status = WS_OK;

	p->cut = got < CHUNK_HEADER;
	if (p->cut)
		return WS_OK;
	if (type == CHUNK_PACKED || type == CHUNK_PLAIN) {
		p->cut = got < CHUNK_HEADER + CHUNK_SUM + (type == CHUNK_PACKED);
		if (p->cut)
			return WS_OK;
		if (size <= CHUNK_SUM)
			chunk.size = 0;
		chunk.len = type == CHUNK_PLAIN
				    ? chunk.size
				    : packed_length(bytes + CHUNK_HEADER + CHUNK_SUM,
						    got - CHUNK_HEADER - CHUNK_SUM);
		status = chunk_add(c, p, &chunk);
	} else if (type < CHUNK_PADDING ||
		   (type == CHUNK_STREAM && size != STREAM_SIZE - CHUNK_HEADER)) {
		p->flaw = "a type that is unknown";
	} else {
		p->cut = size > c->target->file.size - p->at - CHUNK_HEADER;
	}
	if (!p->flaw && !p->cut)
		p->at += CHUNK_HEADER + size;
	return status;
}

static enum ws_status chunks_read(struct cursor *c, struct progress *p)
{
	enum ws_status status = WS_OK;

	while (!status && !p->flaw && !p->cut && p->have < p->range.len) {
		uint8_t bytes[CHUNK_HEADER + CHUNK_SUM + PACKED_LENGTH_MAX] = { 0 };
		size_t got = 0;

		if (ws_file_read(&c->target->file, p->at, bytes, sizeof(bytes), &got) ==
		    WS_FAILED)
			return read_failed(c->target);
		status = chunk_take(c, p, bytes, got);
	}
	return status;
}

/* ---- blocks ----------------------------------------------------------------------- */

static enum ws_status cut_in_header(struct cursor *c)
{
	uint64_t at = c->at;

	c->at = c->target->file.size;
	more_followed(c->target);
	return ws_target_add_note(c->target,
				  "the dump is cut off in the AVML header at file offset "
				  "%#jx: what followed is unknown, and how much it was",
				  at);
}

/* With the first header bad and no other found it is no AVML, or not one for us. */
static enum ws_status refuse(struct ws_target *target, const uint8_t *header,
			     const char *flaw)
{
	enum ws_status status = ws_le32(header) != AVML_MAGIC         ? WS_ERR_UNREADABLE
				: ws_le32(header + 4) != AVML_VERSION ? WS_ERR_UNSUPPORTED
								      : WS_ERR_MALFORMED;

	return ws_fail(target->ctx, status,
		       "%s: AVML header at file offset 0 (version %u, range %#jx..%#jx) "
		       "has %s",
		       target->file.path, ws_le32(header + 4), ws_le64(header + 8),
		       ws_le64(header + 16), flaw);
}

/* Goes on at the next block that there is. */
static enum ws_status block_leave(struct cursor *c, const uint8_t *header,
				  const struct ws_extent *range, const char *flaw)
{
	uint64_t here = c->at, from = here + 1;
	enum ws_status status;

	if (block_find(c->target, &from) == WS_FAILED)
		return read_failed(c->target);
	if (!here && from == c->target->file.size)
		return refuse(c->target, header, flaw);
	c->at = from;
	if (from == c->target->file.size)
		more_followed(c->target);
	status =
		ws_target_leave(c->target, c->number, range,
				"its header at file offset %#jx has %s, and the next one "
				"that is sound is at %#jx",
				here, flaw, from);
	c->number++;
	return status;
}

/* The rest of a block whose next chunk is cut off or damaged. */
static enum ws_status rest_leave(struct cursor *c, const struct progress *p)
{
	struct ws_extent rest = { p->range.pa + p->have, p->range.len - p->have };
	uint64_t from = p->at + 1;

	if (block_find(c->target, &from) == WS_FAILED)
		return read_failed(c->target);
	c->at = from;
	if (from == c->target->file.size)
		more_followed(c->target);
	if (p->cut && from == c->target->file.size) {
		ws_target_cut(c->target, rest.pa, rest.len);
		return WS_OK;
	}
	return ws_target_leave(c->target, c->number, &rest,
			       "the chunk at file offset %#jx has %s, and the next block "
			       "begins at %#jx",
			       p->at, p->cut ? "a length past the file's end" : p->flaw,
			       from);
}

/* It says nothing that is not known by now; where it is wrong, something else may be. */
static enum ws_status trailer_check(struct cursor *c, const struct progress *p)
{
	uint64_t length = p->at - c->at - AVML_HEADER;
	uint8_t bytes[AVML_TRAILER];
	enum ws_evidence evidence =
		ws_file_read(&c->target->file, p->at, bytes, sizeof(bytes), NULL);
	uint64_t here = p->at;

	if (evidence == WS_FAILED)
		return read_failed(c->target);
	c->at = p->at + AVML_TRAILER;
	if (evidence == WS_ABSENT) {
		more_followed(c->target);
		return ws_target_add_note(c->target,
					  "the dump is cut off at file offset %#jx, "
					  "behind the memory of AVML block %ju: what "
					  "followed is unknown, and how much it was",
					  here, c->number);
	}
	if (ws_le64(bytes) != length && !c->nlengths++)
		c->first_length = here;
	return WS_OK;
}

static enum ws_status lengths_note(const struct cursor *c)
{
	if (!c->nlengths)
		return WS_OK;
	return ws_target_add_note(
		c->target,
		"%s of AVML blocks differ from what is said behind them, the first at file "
		"offset %#jx: this is damaged, or the block is",
		WS_COUNT_OF(c->nlengths, "length"), c->first_length);
}

/* c->avml->blocks has one for each number, with chunks or without. */
static enum ws_status block_push(struct cursor *c, const struct block *block)
{
	while (c->avml->blocks.n <= c->number) {
		struct block *pushed = ws_target_push(c->target, &c->avml->blocks);

		if (!pushed)
			return ws_fail_memory(c->target->ctx);
		*pushed = *block;
	}
	return WS_OK;
}

static enum ws_status block_read(struct cursor *c, const struct ws_extent *range)
{
	struct progress p = { .range = *range,
			      .block = { .first = c->avml->chunks.n, .pa = range->pa },
			      .at = c->at + AVML_HEADER };
	enum ws_status status = chunks_read(c, &p);

	if (status || (status = block_push(c, &p.block)) ||
	    (status = ws_target_add_memory(c->target, range->pa, p.have, c->number)))
		return status;
	status = p.flaw || p.cut ? rest_leave(c, &p) : trailer_check(c, &p);
	c->number++;
	return status;
}

static enum ws_status block_add(struct cursor *c)
{
	struct ws_target *target = c->target;
	const uint8_t *header = target->file.data + c->at;
	struct ws_extent range;
	enum ws_status status;
	const char *flaw;

	if (c->at && target->file.size - c->at < AVML_HEADER)
		return cut_in_header(c);
	if ((status = ws_target_need(target, c->at, AVML_HEADER, "AVML header")))
		return status;
	flaw = header_flaw(header, &range);
	return flaw ? block_leave(c, header, &range, flaw) : block_read(c, &range);
}

static enum ws_status avml_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	struct avml *avml = target->priv = calloc(1, sizeof(*avml));
	struct cursor cursor = { .target = target, .avml = avml };
	enum ws_status status = avml ? WS_OK : ws_fail_memory(target->ctx);

	(void)options;
	if (avml)
		ws_crc32c_init(&avml->crc);
	while (!status && cursor.at < target->file.size)
		status = block_add(&cursor);
	return status ? status : lengths_note(&cursor);
}

/* ---- frames ----------------------------------------------------------------------- */

static bool reader_ready(struct reader *reader, struct unpacked *place)
{
	if (!reader->packed)
		reader->packed = malloc(PACKED_MAX);
	if (!place->memory)
		place->memory = malloc(CHUNK_MAX);
	return reader->packed && place->memory;
}

/* As it is stored, so that what is all zero has a checksum that is not (framing_format). */
static uint32_t masked(uint32_t sum)
{
	return (sum >> 15 | sum << 17) + 0xa282ead8;
}

static enum ws_evidence chunk_unpack(struct ws_target *target, struct reader *reader,
				     const struct chunk *chunk, struct unpacked *place)
{
	const struct avml *avml = target->priv;
	enum ws_evidence evidence;
	size_t len = chunk->len;

	if (place->chunk == chunk)
		return WS_READ;
	if (!reader_ready(reader, place))
		return WS_FAILED;
	place->chunk = NULL;
	evidence = ws_file_read(&target->file, chunk->at,
				chunk->packed ? reader->packed : place->memory,
				chunk->size, NULL);
	if (evidence != WS_READ)
		return evidence;
	if (chunk->packed && snappy_uncompress((char *)reader->packed, chunk->size,
					       (char *)place->memory, &len) != SNAPPY_OK)
		return WS_ABSENT;
	if (len != chunk->len ||
	    masked(ws_crc32c(&avml->crc, place->memory, len)) != chunk->sum)
		return WS_ABSENT;
	place->chunk = chunk;
	return WS_READ;
}

static enum ws_evidence avml_copy_frame(struct ws_target *target, unsigned worker,
					uint64_t ordinal, uint8_t *frame)
{
	struct avml *avml = target->priv;
	struct reader *reader = &avml->readers[worker];
	const struct block *block;
	enum ws_evidence evidence;
	struct unpacked *place;
	uint64_t pa, offset;
	size_t chunk;

	block = &avml->blocks.v[ws_target_piece_of(target, ordinal, &pa)->header];
	offset = pa - block->pa;
	chunk = block->first + offset / block->len;
	place = &reader->place[worker == WS_BY_ADDRESS ? chunk % PLACES : 0];
	evidence = chunk_unpack(target, reader, &avml->chunks.v[chunk], place);
	if (evidence == WS_READ)
		memcpy(frame, place->memory + offset % block->len, WS_FRAME_SIZE);
	return evidence;
}

static void avml_close(struct ws_target *target)
{
	struct avml *avml = target->priv;

	if (!avml)
		return;
	for (unsigned i = 0; i < WS_READERS; i++) {
		free(avml->readers[i].packed);
		for (unsigned p = 0; p < PLACES; p++)
			free(avml->readers[i].place[p].memory);
	}
	ws_vec_release(&avml->chunks);
	ws_vec_release(&avml->blocks);
	free(avml);
}

const struct ws_target_ops ws_target_avml = {
	.kind = "avml",
	.title = "AVML",
	.about = "LiME version 2, compressed by snappy: avml --compress. It has "
		 "no registers.",
	.header = "AVML block",
	.probe = avml_probe,
	.open = avml_open,
	.copy_frame = avml_copy_frame,
	.close = avml_close,
};
