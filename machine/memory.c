/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical memory: a table of the frames that were touched. A frame is looked up in the
 * backing once, and copied the first time it is written. Nested faults write frame after
 * frame from one end to the other: what is written before it is read is not fetched until
 * somebody reads it, which mostly nobody does.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GENERATION BIT(40)
#define FIRST_LOG2 8

/*
 * Most stories write a few frames; after these, blocks of a huge page. A page fault for
 * each frame would cost more than what is simulated.
 */
#define FIRST_FRAMES 32
#define BLOCK_FRAMES 512
#define BLOCK_SIZE ((size_t)BLOCK_FRAMES * MACHINE_FRAME_SIZE)

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

/* One that is not there yet, at its place; NULL: memory is short. */
static struct frame *add_frame(struct machine_memory *memory, uint64_t key)
{
	struct frame *frame;

	if (2 * memory->nframes >= places(memory) && !grow_table(memory))
		return NULL;
	frame = find_place(memory, key);
	*frame = (struct frame){ .key = key };
	memory->nframes++;
	return frame;
}

struct frame *memory_find(struct machine_memory *memory, uint64_t key)
{
	struct frame *frame = find_place(memory, key);

	if (frame->key == key)
		return frame;
	frame = add_frame(memory, key);
	if (!frame)
		return lose(memory);
	borrow(memory, frame);
	return frame;
}

/* ---- frames of one's own ---- */

static bool add_block(struct copies *copies)
{
	size_t n = copies->nblocks;
	uint8_t **grown = realloc(copies->block, (n + 1) * sizeof(*copies->block));

	if (!grown)
		return false;
	copies->block = grown;
	grown[n] = n ? aligned_alloc(BLOCK_SIZE, BLOCK_SIZE)
		     : malloc((size_t)FIRST_FRAMES * MACHINE_FRAME_SIZE);
	if (!grown[n])
		return false;
	if (n) { /* each may fail, which makes it slower */
		madvise(grown[n], BLOCK_SIZE, MADV_HUGEPAGE);
		madvise(grown[n], BLOCK_SIZE, MADV_POPULATE_WRITE);
	}
	copies->nblocks++;
	return true;
}

/* Its bytes are anybody's. */
static uint8_t *take_copy(struct machine_memory *memory)
{
	struct copies *copies = &memory->copies;

	if (copies->used == (copies->current ? BLOCK_FRAMES : FIRST_FRAMES)) {
		copies->current++;
		copies->used = 0;
	}
	if (copies->current == copies->nblocks && !add_block(copies)) {
		memory->failed = true;
		return NULL;
	}
	return copies->block[copies->current] + MACHINE_FRAME_SIZE * copies->used++;
}

/* The rest of a part comes from the backing. */
static void complete(const struct machine_memory *memory, struct frame *frame)
{
	const struct machine_backing *backing = &memory->backing;
	const uint8_t *bytes = backing->frame(backing->opaque, address_of(frame));
	const uint8_t *from = bytes ? bytes : zeroes;

	memcpy(frame->bytes, from, frame->low);
	memcpy(frame->bytes + frame->high, from + frame->high,
	       MACHINE_FRAME_SIZE - frame->high);
	frame->kind = FRAME_OWN;
	frame->unknown = !bytes;
}

static bool make_copy(struct machine_memory *memory, struct frame *frame)
{
	uint8_t *copy = take_copy(memory);

	if (!copy)
		return false;
	memcpy(copy, frame->bytes, MACHINE_FRAME_SIZE);
	frame->bytes = copy;
	frame->kind = FRAME_OWN;
	return true;
}

uint8_t *memory_own(struct machine_memory *memory, struct frame *frame,
		    enum machine_write_reason reason)
{
	if (frame->kind == FRAME_HOLE)
		return NULL;
	if (frame->kind == FRAME_PART)
		complete(memory, frame);
	if (unlikely(frame->kind != FRAME_OWN) && !make_copy(memory, frame))
		return NULL;
	frame->written |= (uint8_t)reason;
	return frame->bytes;
}

/* ---- parts ---- */

void memory_wrote_below(struct frame *frame, unsigned low)
{
	if (frame->kind != FRAME_PART)
		return;
	frame->low = (uint16_t)low;
	if (low || frame->high != MACHINE_FRAME_SIZE)
		return;
	frame->kind = FRAME_OWN;
	frame->unknown = false;
}

/* One that is written before it is read; NULL: it has to be looked at. */
static struct frame *begin_part(struct machine_memory *memory, uint64_t pa)
{
	const struct machine_backing *backing = &memory->backing;
	struct frame *frame;
	uint8_t *copy;

	if (!backing->holds || !backing->holds(backing->opaque, pa) ||
	    !(copy = take_copy(memory)) ||
	    !(frame = add_frame(memory, PFN(pa) | memory->generation)))
		return NULL;
	frame->kind = FRAME_PART;
	frame->bytes = copy;
	frame->unknown = true;
	return frame;
}

static struct frame *frame_to_write(struct machine_memory *memory, uint64_t pa)
{
	uint64_t key = PFN(pa) | memory->generation;
	struct frame *frame = find_place(memory, key);

	if (frame->key != key)
		frame = begin_part(memory, pa);
	return frame ? frame : memory_frame(memory, pa);
}

/* Whether the part is one with these bytes too; they are its then. */
static bool extend_part(struct frame *frame, unsigned at, unsigned size)
{
	if (!frame->high)
		frame->low = frame->high = (uint16_t)(at + size);
	if (at + size == frame->low)
		memory_wrote_below(frame, at);
	else if (at < frame->low || at + size > frame->high)
		return false;
	return true;
}

void memory_store_slowly(struct machine_memory *memory, uint64_t pa, unsigned size,
			 uint64_t value, enum machine_write_reason reason)
{
	struct frame *frame = frame_to_write(memory, pa);
	unsigned at = pa % MACHINE_FRAME_SIZE;
	uint8_t *bytes;

	if (frame->kind == FRAME_PART && extend_part(frame, at, size)) {
		frame->written |= (uint8_t)reason;
		bytes = frame->bytes;
	} else {
		bytes = memory_own(memory, frame, reason);
	}
	if (bytes)
		store_le(bytes + at, size, value);
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
	memory->nframes = memory->copies.current = memory->copies.used = 0;
	memory->failed = memory->hole_read = false;
}

void memory_read_unknown(struct machine_memory *memory, struct frame *frame, uint64_t pa)
{
	if (frame->kind == FRAME_PART)
		complete(memory, frame);
	if (frame->kind != FRAME_HOLE && !frame->unknown)
		return;
	if (!memory->hole_read)
		memory->hole_pa = pa;
	memory->hole_read = true;
}

bool machine_memory_hole_read(const struct machine_memory *memory, uint64_t *pa)
{
	*pa = memory->hole_pa;
	return memory->hole_read;
}

/* With all of its bytes. */
static struct frame *whole_frame(struct machine_memory *memory, uint64_t pa)
{
	struct frame *frame = memory_frame(memory, pa);

	if (frame->kind == FRAME_PART)
		complete(memory, frame);
	return frame;
}

static const uint8_t *lend(void *opaque, uint64_t pa)
{
	const struct frame *frame = whole_frame(opaque, pa);

	return frame->kind == FRAME_HOLE || frame->unknown ? NULL : frame->bytes;
}

static bool can_lend(void *opaque, uint64_t pa)
{
	return lend(opaque, pa);
}

struct machine_backing machine_memory_backing(struct machine_memory *memory)
{
	return (struct machine_backing){ .frame = lend,
					 .holds = can_lend,
					 .opaque = memory };
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

bool machine_memory_written(struct machine_memory *memory,
			    struct machine_written **written, size_t *n)
{
	*n = 0;
	*written = malloc((memory->nframes + 1) * sizeof(**written));
	if (!*written)
		return false;
	for (size_t i = 0; i < places(memory); i++) {
		struct frame *frame = &memory->frame[i];

		if (!is_live(memory, frame) || !frame->written)
			continue;
		if (frame->kind == FRAME_PART)
			complete(memory, frame);
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
		memcpy(to, whole_frame(memory, pa)->bytes + pa % MACHINE_FRAME_SIZE, n);
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
	struct frame *frame = whole_frame(memory, pa);

	if (frame->kind == FRAME_OWN)
		memcpy(frame->bytes, bytes, MACHINE_FRAME_SIZE);
	else if (frame->kind == FRAME_BORROWED)
		frame->bytes = (uint8_t *)bytes;
	else
		return;
	frame->written |= MACHINE_WROTE_DATA;
}
