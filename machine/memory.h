/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Physical memory, frame by frame: the caller's until it is written. */
#ifndef MACHINE_MEMORY_H
#define MACHINE_MEMORY_H

#include <endian.h>
#include <string.h>

#include "event.h"

/* 1 to 8 bytes; the usual sizes become one instruction each. */
static inline uint64_t load_le(const uint8_t *p, unsigned size)
{
	uint64_t value = 0;

	switch (size) {
	case 8:
		memcpy(&value, p, 8);
		break;
	case 4:
		memcpy(&value, p, 4);
		break;
	default:
		memcpy(&value, p, size);
	}
	return le64toh(value);
}

static inline void store_le(uint8_t *p, unsigned size, uint64_t value)
{
	value = htole64(value);
	switch (size) {
	case 8:
		memcpy(p, &value, 8);
		break;
	case 4:
		memcpy(p, &value, 4);
		break;
	default:
		memcpy(p, &value, size);
	}
}

#define PFN(pa) ((pa) / MACHINE_FRAME_SIZE & BITS(39, 0)) /* MAXPHYADDR is at most 52 */
/* Fibonacci hashing (Knuth, vol. 3, 6.4): neighbours end up far apart. */
#define HASH(key, shift) (UINT64_C(0x9e3779b97f4a7c15) * (key) >> (shift))

enum frame_kind {
	FRAME_HOLE,     /* no memory */
	FRAME_ABSENT,   /* memory that the backing does not have: its bytes are unknown */
	FRAME_BORROWED, /* the backing's, a lent one, or zeroes: not written here */
	FRAME_PART, /* own as far as it was written; the backing has the rest, if any */
	FRAME_OWN,
};

/* A frame that was touched. It moves when another one is touched first. */
struct frame {
	uint64_t key;       /* its number under the table's generation; else: free */
	uint8_t *bytes;     /* read freely; write through memory_own() only */
	uint32_t stamp;     /* the memory's stamp when it was last read */
	uint16_t low, high; /* FRAME_PART: these bytes, [low, high), were written */
	uint8_t kind;       /* enum frame_kind */
	uint8_t written;    /* enum machine_write_reason bits */
	bool unknown; /* so much of it as was not written is: it was absent, or not asked for */
};

/* Frames written, allocated by the block so that their addresses stay. */
struct copies {
	uint8_t **block;
	size_t nblocks;
	size_t current, used; /* the block that is taken from, and how many were */
};

struct machine_memory {
	struct frame *frame; /* 1 << (64 - hash_shift) of them, by HASH of the key */
	unsigned hash_shift;
	uint32_t stamp;
	uint64_t generation; /* what a live key has above its frame number */
	size_t nframes;
	struct machine_backing backing;
	uint64_t ram;
	struct copies copies;
	bool failed;
	bool hole_read; /* and where first: */
	uint64_t hole_pa;
	struct frame lost; /* what is handed out when memory is short */
};

struct frame *memory_find(struct machine_memory *memory, uint64_t key);
/* The frame's bytes for writing, its own from now on; NULL for a hole. */
uint8_t *memory_own(struct machine_memory *memory, struct frame *frame,
		    enum machine_write_reason reason);

/* Never NULL: a frame that cannot be had is a hole. */
static inline struct frame *memory_frame(struct machine_memory *memory, uint64_t pa)
{
	uint64_t key = PFN(pa) | memory->generation;
	struct frame *frame = &memory->frame[HASH(key, memory->hash_shift)];

	return likely(frame->key == key) ? frame : memory_find(memory, key);
}

/* The same for size bytes, which lie in one frame: of a part no more need be known. */
void memory_store_slowly(struct machine_memory *memory, uint64_t pa, unsigned size,
			 uint64_t value, enum machine_write_reason reason);

/* Whether the bytes below `at` in the frame are written freely: it is own, or is so far. */
static inline bool memory_owns_below(const struct frame *frame, unsigned at)
{
	return frame->kind == FRAME_OWN ||
	       (frame->kind == FRAME_PART && frame->low == at);
}

/* They have been, from `low` on. */
void memory_wrote_below(struct frame *frame, unsigned low);

/* What is read is not known: fetches it, or puts down that it is in a hole. */
void memory_read_unknown(struct machine_memory *memory, struct frame *frame, uint64_t pa);

/* Marks the frame, which holds pa, as read: its bytes are all there from then on. */
static inline void memory_mark_read(struct machine_memory *memory, struct frame *frame,
				    uint64_t pa)
{
	frame->stamp = memory->stamp;
	if (unlikely(frame->kind == FRAME_HOLE || frame->unknown))
		memory_read_unknown(memory, frame, pa);
}

/* The entry or datum at pa, of size bytes within one frame; marks the frame as read. */
static inline uint64_t memory_load(struct machine_memory *memory, uint64_t pa,
				   unsigned size)
{
	struct frame *frame = memory_frame(memory, pa);

	memory_mark_read(memory, frame, pa);
	return load_le(frame->bytes + pa % MACHINE_FRAME_SIZE, size);
}

static inline void memory_store(struct machine_memory *memory, uint64_t pa, unsigned size,
				uint64_t value, enum machine_write_reason reason)
{
	uint64_t key = PFN(pa) | memory->generation;
	struct frame *frame = &memory->frame[HASH(key, memory->hash_shift)];

	if (likely(frame->key == key && frame->kind == FRAME_OWN)) {
		frame->written |= (uint8_t)reason;
		store_le(frame->bytes + pa % MACHINE_FRAME_SIZE, size, value);
	} else {
		memory_store_slowly(memory, pa, size, value, reason);
	}
}

#endif
