/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/kdump_file.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/sorted.h"

#define FLAT_MAGIC "makedumpfile\0\0\0" /* 16 bytes with the NUL */
#define FLAT_HEADER 4096
#define FLAT_TYPE 1
#define FLAT_VERSION 1
#define FLAT_CHUNK_HEADER 16
#define FLAT_END UINT64_MAX

bool ws_kdump_file_flattened(const struct ws_file *file)
{
	return file->size >= sizeof(FLAT_MAGIC) &&
	       !memcmp(file->data, FLAT_MAGIC, sizeof(FLAT_MAGIC));
}

static enum ws_status chunk_push(struct ws_target *target, struct ws_kdump_file *image,
				 struct ws_chunk chunk)
{
	struct ws_chunk *pushed = ws_target_push(target, &image->chunks);

	if (!pushed)
		return ws_fail_memory(target->ctx);
	*pushed = chunk;
	return WS_OK;
}

/* The file ends at offset at, and should not. */
static enum ws_status cut_off(struct ws_target *target, uint64_t at)
{
	return ws_target_add_note(
		target,
		"the flattened dump is cut off at file offset %#zx, in the "
		"chunk at %#jx: what followed is unknown",
		target->file.size, at);
}

/*
 * What follows cannot be found any more. It may as well be the size of the chunk before
 * that is wrong, and then some of that chunk's bytes are not its own.
 */
static enum ws_status damaged(struct ws_target *target, struct ws_kdump_file *image,
			      uint64_t at, const struct ws_chunk *chunk)
{
	if (image->chunks.n)
		image->chunks.n--;
	return ws_target_add_note(
		target,
		"the flattened dump is damaged at file offset %#jx: the chunk there has "
		"the offset %#jx and the size %#jx, which make no sense: what followed is "
		"unknown, and so is the chunk before it",
		at, chunk->offset, chunk->size);
}

/* Reads the chunk header at *at and moves *at past its bytes; FLAT_END: no more. */
static enum ws_status chunk_read(struct ws_target *target, struct ws_kdump_file *image,
				 uint64_t *at)
{
	uint8_t header[FLAT_CHUNK_HEADER];
	uint64_t here = *at, room;
	struct ws_chunk chunk;
	enum ws_status status = WS_OK;
	enum ws_evidence evidence;

	*at = FLAT_END;
	evidence = ws_file_read(image->file, here, header, sizeof(header), NULL);
	if (evidence == WS_FAILED)
		return ws_target_need(target, here, sizeof(header),
				      "flattened chunk header");
	if (evidence == WS_ABSENT)
		return cut_off(target, here);
	chunk.offset = ws_be64(header);
	chunk.size = ws_be64(header + 8);
	chunk.at = here + FLAT_CHUNK_HEADER;
	if (chunk.offset == FLAT_END)
		return WS_OK;
	if (chunk.offset > INT64_MAX || !chunk.size || chunk.size > INT64_MAX)
		return damaged(target, image, here, &chunk);
	room = target->file.size - chunk.at;
	if (chunk.size > room) {
		status = cut_off(target, here);
		chunk.size = room;
	} else {
		*at = chunk.at + chunk.size;
	}
	return status || !chunk.size ? status : chunk_push(target, image, chunk);
}

static enum ws_status chunks_read(struct ws_target *target, struct ws_kdump_file *image)
{
	const uint8_t *header = target->file.data;
	uint64_t at = FLAT_HEADER;
	enum ws_status status;

	if ((status = ws_target_need(target, 0, FLAT_HEADER, "flattened header")))
		return status;
	if (ws_be64(header + 16) != FLAT_TYPE || ws_be64(header + 24) != FLAT_VERSION)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: flattened header at file offset 0x10: type %ju "
			       "version %ju, not 1 and 1",
			       target->file.path, ws_be64(header + 16),
			       ws_be64(header + 24));
	while (!status && at != FLAT_END)
		status = chunk_read(target, image, &at);
	return status;
}

/* ---- later chunks overwrite earlier ones ------------------------------------------ */

/* Cuts what lies before offset off a chunk; false if nothing is left of it. */
static bool chunk_trim(struct ws_chunk *chunk, uint64_t offset)
{
	uint64_t cut = offset > chunk->offset ? offset - chunk->offset : 0;

	if (cut >= chunk->size)
		return false;
	chunk->offset += cut;
	chunk->at += cut;
	chunk->size -= cut;
	return true;
}

/*
 * Merges two lists, each sorted and without overlap, into out (room for twice their
 * number, for a chunk may be cut in two); where both have a byte, it is from newer.
 */
static size_t overlay(struct ws_chunk *older, size_t nolder, const struct ws_chunk *newer,
		      size_t nnewer, struct ws_chunk *out)
{
	size_t n = 0;

	while (nolder || nnewer) {
		if (!nolder || (nnewer && newer->offset <= older->offset)) {
			uint64_t end = newer->offset + newer->size;

			out[n++] = *newer++;
			nnewer--;
			while (nolder && !chunk_trim(older, end))
				older++, nolder--;
		} else {
			uint64_t room =
				nnewer ? newer->offset - older->offset : older->size;

			out[n] = *older;
			if (out[n].size > room)
				out[n].size = room;
			n++;
			if (!chunk_trim(older, out[n - 1].offset + out[n - 1].size))
				older++, nolder--;
		}
	}
	return n;
}

/*
 * Sorts v[0..n) in place, in a merge sort whose merge is overlay(). v and spare have
 * room for 2n. Returns how many there are then.
 */
static size_t chunks_order(struct ws_chunk *v, size_t n, struct ws_chunk *spare)
{
	size_t half = n / 2, nolder, nnewer, total;

	if (n < 2)
		return n;
	/* The newer half goes to the end of v's room first: it may grow, too. */
	memmove(v + 2 * half, v + half, (n - half) * sizeof(*v));
	nolder = chunks_order(v, half, spare);
	nnewer = chunks_order(v + 2 * half, n - half, spare);
	total = overlay(v, nolder, v + 2 * half, nnewer, spare);
	memcpy(v, spare, total * sizeof(*v));
	return total;
}

static bool chunks_ordered(const struct ws_kdump_file *image)
{
	for (size_t i = 1; i < image->chunks.n; i++) {
		const struct ws_chunk *before = &image->chunks.v[i - 1];

		if (before->offset + before->size > image->chunks.v[i].offset)
			return false;
	}
	return true;
}

static enum ws_status chunks_settle(struct ws_target *target, struct ws_kdump_file *image)
{
	ws_autofree struct ws_chunk *spare = NULL;
	size_t room = 2 * image->chunks.n;
	struct ws_chunk *grown;

	if (chunks_ordered(image))
		return WS_OK;
	grown = reallocarray(image->chunks.v, room, sizeof(*grown));
	if (grown) {
		image->chunks.v = grown;
		image->chunks.cap = room;
		spare = reallocarray(NULL, room, sizeof(*spare));
	}
	if (!spare)
		return ws_fail_memory(target->ctx);
	image->chunks.n = chunks_order(grown, image->chunks.n, spare);
	return WS_OK;
}

/* ---- the image -------------------------------------------------------------------- */

enum ws_status ws_kdump_file_open_plain(struct ws_target *target, struct ws_file *file,
					struct ws_kdump_file *image)
{
	image->file = file;
	return chunk_push(target, image, (struct ws_chunk){ .size = file->size });
}

enum ws_status ws_kdump_file_open(struct ws_target *target, struct ws_kdump_file *image)
{
	enum ws_status status;

	image->flattened = ws_kdump_file_flattened(&target->file);
	if (!image->flattened)
		return ws_kdump_file_open_plain(target, &target->file, image);
	image->file = &target->file;
	status = chunks_read(target, image);
	return status ? status : chunks_settle(target, image);
}

void ws_kdump_file_close(struct ws_kdump_file *image)
{
	ws_vec_release(&image->chunks);
}

/* The chunk that holds offset, or NULL. */
static const struct ws_chunk *chunk_find(const struct ws_kdump_file *image,
					 uint64_t offset)
{
	const struct ws_chunk *v = image->chunks.v;
	size_t i =
		ws_lower_bound(v, image->chunks.n, at,
			       at->offset <= offset && offset - at->offset >= at->size);

	return i < image->chunks.n && v[i].offset <= offset ? &v[i] : NULL;
}

/* How many of size bytes at offset, which chunk holds, lie in it. */
static size_t chunk_room(const struct ws_chunk *chunk, uint64_t offset, uint64_t size)
{
	uint64_t room = chunk->size - (offset - chunk->offset);

	return room < size ? room : size;
}

enum ws_evidence ws_kdump_file_read(const struct ws_kdump_file *image,
				    struct ws_file_window *window, uint64_t offset,
				    void *to, size_t size)
{
	enum ws_evidence evidence = WS_READ;
	size_t n;

	for (uint8_t *p = to; size && !evidence; p += n, offset += n, size -= n) {
		const struct ws_chunk *chunk = chunk_find(image, offset);
		uint64_t at;

		if (!chunk)
			return WS_ABSENT;
		n = chunk_room(chunk, offset, size);
		at = chunk->at + (offset - chunk->offset);
		evidence = window ? ws_file_window_read(image->file, window, at, p, n)
				  : ws_file_read(image->file, at, p, n, NULL);
	}
	return evidence;
}

bool ws_kdump_file_has(const struct ws_kdump_file *image, uint64_t offset, uint64_t size)
{
	while (size) {
		const struct ws_chunk *chunk = chunk_find(image, offset);
		size_t n = chunk ? chunk_room(chunk, offset, size) : 0;

		if (!n)
			return false;
		offset += n;
		size -= n;
	}
	return true;
}

uint64_t ws_kdump_file_at(const struct ws_kdump_file *image, uint64_t offset)
{
	const struct ws_chunk *chunk = chunk_find(image, offset);

	return chunk ? chunk->at + (offset - chunk->offset) : offset;
}
