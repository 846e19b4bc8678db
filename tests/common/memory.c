/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <stdlib.h>

#define OFFSET_MASK (WS_FRAME_SIZE - 1)

static struct sparse_frame *find(const struct sparse *memory, uint64_t pa)
{
	for (size_t i = 0; i < memory->n; i++)
		if (memory->frame[i]->pa == (pa & ~(uint64_t)OFFSET_MASK))
			return memory->frame[i];
	return NULL;
}

/* A test without memory has nothing to say: give up at once. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

uint8_t *sparse_at(struct sparse *memory, uint64_t pa)
{
	struct sparse_frame *frame = find(memory, pa);

	if (!frame) {
		frame = must(calloc(1, sizeof(*frame)));
		frame->pa = pa & ~(uint64_t)OFFSET_MASK;
		memory->frame = must(
			realloc(memory->frame, (memory->n + 1) * sizeof(*memory->frame)));
		memory->frame[memory->n++] = frame;
	}
	return frame->bytes + (pa & OFFSET_MASK);
}

void sparse_release(struct sparse *memory)
{
	for (size_t i = 0; i < memory->n; i++)
		free(memory->frame[i]);
	free(memory->frame);
	*memory = (struct sparse){ 0 };
}

enum ws_evidence sparse_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	const struct sparse_frame *found = find(opaque, pa);

	return frame_lend(found ? found->bytes : NULL, frame);
}

struct arena arena_create(uint64_t frames)
{
	return (struct arena){ must(calloc(frames, WS_FRAME_SIZE)), frames };
}

void arena_release(struct arena *arena)
{
	free(arena->bytes);
	*arena = (struct arena){ 0 };
}

enum ws_evidence arena_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	return frame_lend(arena_lend(opaque, pa), frame);
}

const uint8_t *arena_lend(void *opaque, uint64_t pa)
{
	const struct arena *arena = opaque;
	uint64_t frame = pa / WS_FRAME_SIZE;

	return frame < arena->frames ? arena->bytes + frame * WS_FRAME_SIZE : NULL;
}

static uint64_t random_entry(const struct arena *arena, struct random *random)
{
	uint64_t entry = random_next(random);

	if (random_percent(random, 90))
		entry = (entry & ~UINT64_C(0x000ffffffffff000)) |
			random_below(random, arena->frames) * WS_FRAME_SIZE;
	entry &= ~UINT64_C(0x81);
	if (random_percent(random, 90))
		entry |= 1;
	if (random_below(random, 8) == 0)
		entry |= 0x80;
	return entry;
}

static void put(struct arena *arena, uint64_t at, unsigned entry_log2, uint64_t entry)
{
	memcpy(arena->bytes + at, &entry, (size_t)1 << entry_log2);
}

void arena_fill(struct arena *arena, unsigned entry_log2, struct random *random)
{
	uint64_t bytes = arena->frames * WS_FRAME_SIZE;

	for (uint64_t at = 0; at < bytes; at += UINT64_C(1) << entry_log2)
		put(arena, at, entry_log2, random_entry(arena, random));
}

void arena_fill_orderly(struct arena *arena, unsigned entry_log2, struct random *random)
{
	static const uint64_t steps[] = { 0x1000, 0x1000, 0x200000, 0x400000,
					  0x40000000 };
	uint64_t bytes = arena->frames * WS_FRAME_SIZE, entry = 0, step = 0;

	for (uint64_t at = 0; at < bytes; at += UINT64_C(1) << entry_log2) {
		entry += step;
		if (random_percent(random, 15)) {
			entry = random_entry(arena, random);
			step = random_percent(random, 20)
				       ? 0
				       : steps[random_below(random, 5)];
		}
		put(arena, at, entry_log2, entry);
	}
}

unsigned format_entry_log2(const struct ws_format *format)
{
	const struct ws_step second = { .index = 1 };

	return ws_step_entry_pa(format, &second) == 8 ? 3 : 2;
}

uint64_t random_va(const struct ws_format *format, struct random *random)
{
	unsigned unused = 64 - ws_format_va_bits(format);
	uint64_t va = random_next(random);

	if (random_percent(random, 1))
		return va;
	return unused == 32 ? va >> 32 : (uint64_t)((int64_t)va >> unused);
}
