/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blocks.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#include "target/kdump.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define LEN_MAX 65536u

static uint8_t *room_for(struct bench_blocks *blocks, const struct bench_block *block)
{
	struct bench_block *added = ws_vec_push(&blocks->all);
	uint64_t end = blocks->bytes.n + block->size;
	uint8_t *grown = blocks->bytes.v;

	if (added && end > blocks->bytes.cap) {
		blocks->bytes.cap = 2 * end;
		grown = realloc(grown, blocks->bytes.cap);
	}
	if (!added || !grown)
		return NULL;
	*added = *block;
	added->at = blocks->bytes.n;
	blocks->bytes.v = grown;
	blocks->bytes.n = end;
	return grown + added->at;
}

/* ---- kdump ------------------------------------------------------------------------ */

static bool block_take(struct bench_blocks *blocks, struct kdump *kdump,
		       const struct kdump_part *part, const struct kdump_descriptor *d)
{
	const struct bench_block block = { .size = d->size,
					   .len = (uint32_t)kdump->block,
					   .flags = d->flags };
	uint8_t *room = room_for(blocks, &block);

	return room && ws_kdump_file_read(part->image, &kdump->readers[0].frames,
					  d->offset, room, d->size) == WS_READ;
}

/* Frames that share their bytes are copied, and not unpacked. */
static bool kdump_take(struct bench_blocks *blocks, struct ws_target *target)
{
	struct kdump *kdump = target->priv;
	bool good = true;

	for (uint64_t i = 0; i < kdump->nblocks && good; i++) {
		const struct kdump_part *part = ws_kdump_part_of(kdump, i);
		struct kdump_descriptor d;

		kdump_reader_turn(&kdump->readers[0], part);
		if (ws_kdump_descriptor(kdump, part, &kdump->readers[0].descriptors,
					i - part->first, &d) == WS_READ &&
		    !(part->common && d.offset == part->shared.offset))
			good = block_take(blocks, kdump, part, &d);
	}
	return good;
}

/* ---- AVML: see src/target/avml.c ---------------------------------------------------- */

#define AVML_HEADER 32u
#define AVML_TRAILER 8u
#define CHUNK_HEADER 8u
#define STREAM 10u

static bool avml_take(struct bench_blocks *blocks, struct ws_target *target)
{
	uint64_t at = 0, have = 0, size = 0;
	uint8_t header[AVML_HEADER];

	while (at < target->file.size) {
		struct bench_block block = { .len = LEN_MAX };
		uint8_t *room;

		if (have == size) {
			at += size ? AVML_TRAILER : 0;
			if (ws_file_read(&target->file, at, header, AVML_HEADER, NULL))
				break;
			size = ws_le64(header + 16) - ws_le64(header + 8) + 1;
			have = 0;
			at += AVML_HEADER + STREAM;
		}
		if (ws_file_read(&target->file, at, header, CHUNK_HEADER, NULL))
			return false;
		block.size = (ws_le32(header) >> 8) - 4;
		block.flags = !header[0];
		room = room_for(blocks, &block);
		if (!room || ws_file_read(&target->file, at + CHUNK_HEADER, room,
					  block.size, NULL))
			return false;
		at += CHUNK_HEADER + block.size;
		have += size - have < LEN_MAX ? size - have : LEN_MAX;
	}
	return true;
}

bool bench_blocks_take(struct bench_blocks *blocks, struct ws_target *target)
{
	blocks->avml = target->ops == &ws_target_avml;
	return blocks->avml ? avml_take(blocks, target) : kdump_take(blocks, target);
}

bool bench_blocks_unpack(const struct bench_blocks *blocks)
{
	struct ws_unpacker unpacker = { 0 };
	ws_autofree uint8_t *out = malloc(LEN_MAX);
	bool good = out;

	for (size_t i = 0; i < blocks->all.n && good; i++) {
		const struct bench_block *block = &blocks->all.v[i];
		const uint8_t *bytes = blocks->bytes.v + block->at;
		size_t len = block->len;

		if (!blocks->avml)
			good = ws_unpack(&unpacker, block->flags, bytes, block->size, out,
					 len) == WS_READ;
		else if (block->flags)
			good = snappy_uncompress((const char *)bytes, block->size,
						 (char *)out, &len) == SNAPPY_OK;
	}
	ws_unpacker_release(&unpacker);
	return good;
}

void bench_blocks_release(struct bench_blocks *blocks)
{
	ws_vec_release(&blocks->bytes);
	ws_vec_release(&blocks->all);
}
