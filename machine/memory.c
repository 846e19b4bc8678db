/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical memory: a table of the frames that were touched. A frame is looked up in the
 * backing once, and copied the first time it is written.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define GENERATION BIT(40)
#define FIRST_LOG2 8
#define BLOCK_FRAMES 256

static const uint8_t zeroes[MACHINE_FRAME_SIZE];

/* ---- the table of frames ---- */

static size_t places(const struct machine_memory *memory)
{
	return (size_t)1 << (64 - memory->hash_shift);
}

static bool is_live(const struct machine_memory *memory, const struct frame *frame)
{
	return (frame->key & ~BITS(39, 0)) == memory->generation;
}

/* Where the key is, or the free place where it belongs. */
static struct frame *find_place(const struct machine_memory *memory, uint64_t key)
{
	size_t mask = places(memory) - 1, i = HASH(key, memory->hash_shift);

	while (memory->frame[i].key != key && is_live(memory, &memory->frame[i]))
		i = (i + 1) & mask;
	return &memory->frame[i];
}

static bool grow_table(struct machine_memory *memory)
{
	struct frame *old = memory->frame;
	size_t n = places(memory);

	memory->frame = calloc(2 * n, sizeof(*old));
	if (!memory->frame) {
		memory->frame = old;
		return false;
	}
	memory->hash_shift--;
	for (size_t i = 0; i < n; i++)
		if (is_live(memory, &old[i]))
			*find_place(memory, old[i].key) = old[i];
	free(old);
	return true;
}

static uint64_t address_of(const struct frame *frame)
{
	return (frame->key & BITS(39, 0)) * MACHINE_FRAME_SIZE;
}

static void borrow(const struct machine_memory *memory, struct frame *frame)
{
	const struct machine_backing *backing = &memory->backing;
	uint64_t pa = address_of(frame);
	const uint8_t *bytes =
		backing->frame ? backing->frame(backing->opaque, pa) : NULL;

	frame->kind = bytes || pa < memory->ram  ? FRAME_BORROWED
		      : pa < backing->memory_end ? FRAME_ABSENT
						 : FRAME_HOLE;
	frame->unknown = frame->kind == FRAME_ABSENT;
	frame->bytes = (uint8_t *)(bytes ? bytes : zeroes);
}

static struct frame *lose(struct machine_memory *memory)
{
	memory->failed = true;
	return &memory->lost;
}

struct frame *memory_find(struct machine_memory *memory, uint64_t key)
{
	struct frame *frame = find_place(memory, key);

	if (frame->key == key)
		return frame;
	if (2 * memory->nframes >= places(memory)) {
		if (!grow_table(memory))
			return lose(memory);
		frame = find_place(memory, key);
	}
	*frame = (struct frame){ .key = key };
	borrow(memory, frame);
	memory->nframes++;
	return frame;
}

/* ---- copies ---- */

static uint8_t *take_copy(struct copies *copies)
{
	size_t block = copies->n / BLOCK_FRAMES, at = copies->n % BLOCK_FRAMES;

	if (block == copies->nblocks) {
		uint8_t **grown =
			realloc(copies->block, (block + 1) * sizeof(*copies->block));

		if (!grown)
			return NULL;
		copies->block = grown;
		copies->block[block] = malloc(BLOCK_FRAMES * MACHINE_FRAME_SIZE);
		if (!copies->block[block])
			return NULL;
		copies->nblocks++;
	}
	copies->n++;
	return copies->block[block] + at * MACHINE_FRAME_SIZE;
}

uint8_t *memory_own(struct machine_memory *memory, struct frame *frame,
		    enum machine_write_reason reason)
{
	uint8_t *copy;

	if (unlikely(frame->kind != FRAME_OWN)) {
		if (frame->kind == FRAME_HOLE)
			return NULL;
		copy = take_copy(&memory->copies);
		if (!copy) {
			memory->failed = true;
			return NULL;
		}
		memcpy(copy, frame->bytes, MACHINE_FRAME_SIZE);
		frame->bytes = copy;
		frame->kind = FRAME_OWN;
	}
	frame->written |= (uint8_t)reason;
	return frame->bytes;
}

/* ---- the memory as a whole ---- */

struct machine_memory *machine_memory_create(const struct machine_backing *backing,
					     uint64_t ram)
{
	struct machine_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	if (backing)
		memory->backing = *backing;
	memory->ram = ram;
	memory->lost.bytes = (uint8_t *)zeroes;
	memory->hash_shift = 64 - FIRST_LOG2;
	memory->generation = GENERATION;
	memory->frame = calloc(places(memory), sizeof(*memory->frame));
	if (!memory->frame) {
		free(memory);
		return NULL;
	}
	return memory;
}

void machine_memory_destroy(struct machine_memory *memory)
{
	if (!memory)
		return;
	for (size_t i = 0; i < memory->copies.nblocks; i++)
		free(memory->copies.block[i]);
	free(memory->copies.block);
	free(memory->frame);
	free(memory);
}

/* A new generation frees every place; when they run out, the table is cleared. */
void machine_memory_reset(struct machine_memory *memory)
{
	memory->generation += GENERATION;
	if (!memory->generation) {
		memset(memory->frame, 0, places(memory) * sizeof(*memory->frame));
		memory->generation = GENERATION;
	}
	memory->nframes = memory->copies.n = 0;
	memory->failed = memory->hole_read = false;
}

void memory_note_hole(struct machine_memory *memory, uint64_t pa)
{
	if (!memory->hole_read)
		memory->hole_pa = pa;
	memory->hole_read = true;
}

bool machine_memory_hole_read(const struct machine_memory *memory, uint64_t *pa)
{
	*pa = memory->hole_pa;
	return memory->hole_read;
}

static const uint8_t *lend(void *opaque, uint64_t pa)
{
	const struct frame *frame = memory_frame(opaque, pa);

	return frame->kind == FRAME_HOLE || frame->unknown ? NULL : frame->bytes;
}

struct machine_backing machine_memory_backing(struct machine_memory *memory)
{
	return (struct machine_backing){ .frame = lend, .opaque = memory };
}

bool machine_memory_failed(const struct machine_memory *memory)
{
	return memory->failed;
}

static int by_address(const void *a, const void *b)
{
	const struct machine_written *x = a, *y = b;

	return (x->pa > y->pa) - (x->pa < y->pa);
}

bool machine_memory_written(const struct machine_memory *memory,
			    struct machine_written **written, size_t *n)
{
	*n = 0;
	*written = malloc((memory->nframes + 1) * sizeof(**written));
	if (!*written)
		return false;
	for (size_t i = 0; i < places(memory); i++) {
		const struct frame *frame = &memory->frame[i];

		if (is_live(memory, frame) && frame->written)
			(*written)[(*n)++] =
				(struct machine_written){ address_of(frame), frame->bytes,
							  frame->written };
	}
	qsort(*written, *n, sizeof(**written), by_address);
	return true;
}

/* ---- bytes ---- */

/* The part of [pa, pa + len) that lies in pa's frame. */
static size_t within_frame(uint64_t pa, size_t len)
{
	size_t rest = MACHINE_FRAME_SIZE - pa % MACHINE_FRAME_SIZE;

	return len < rest ? len : rest;
}

void machine_memory_read(struct machine_memory *memory, uint64_t pa, void *buf,
			 size_t len)
{
	uint8_t *to = buf;

	for (size_t n; len; pa += n, to += n, len -= n) {
		n = within_frame(pa, len);
		memcpy(to, memory_frame(memory, pa)->bytes + pa % MACHINE_FRAME_SIZE, n);
	}
}

void machine_memory_write(struct machine_memory *memory, uint64_t pa, const void *buf,
			  size_t len)
{
	const uint8_t *from = buf;

	for (size_t n; len; pa += n, from += n, len -= n) {
		uint8_t *bytes =
			memory_own(memory, memory_frame(memory, pa), MACHINE_WROTE_DATA);

		n = within_frame(pa, len);
		if (bytes)
			memcpy(bytes + pa % MACHINE_FRAME_SIZE, from, n);
	}
}

void machine_memory_lend(struct machine_memory *memory, uint64_t pa, const uint8_t *bytes)
{
	struct frame *frame = memory_frame(memory, pa);

	if (frame->kind == FRAME_OWN)
		memcpy(frame->bytes, bytes, MACHINE_FRAME_SIZE);
	else if (frame->kind == FRAME_BORROWED)
		frame->bytes = (uint8_t *)bytes;
	else
		return;
	frame->written |= MACHINE_WROTE_DATA;
}
