/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include "entries.h"

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

/* Nine in ten lead into the arena; what they are is chosen by the family's percents. */
static uint64_t random_entry(const struct arena *arena, const struct entries *entries,
			     struct random *random)
{
	uint64_t entry = random_next(random);
	unsigned chosen = (unsigned)random_below(random, 100), k = 0;

	if (random_percent(random, 90))
		entry = (entry & ~entries->address) |
			entries_address(entries, random_below(random, arena->frames) *
							 WS_FRAME_SIZE);
	for (; k < ENTRIES_KINDS && chosen >= entries->kind[k].percent; k++)
		chosen -= entries->kind[k].percent;
	if (k < ENTRIES_KINDS)
		entry = (entry & ~entries->kind[k].mask) | entries->kind[k].value;
	return entry;
}

void put_little(uint8_t *at, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = value >> 8 * i;
}

void arena_fill(struct arena *arena, const struct ws_format *format,
		struct random *random)
{
	const struct entries *entries = entries_of(format);
	uint64_t bytes = arena->frames * WS_FRAME_SIZE;

	for (uint64_t at = 0; at < bytes; at += entries->size) {
		uint64_t entry = random_entry(arena, entries, random);

		put_little(arena->bytes + at, entries->size, entry);
	}
}

void arena_fill_orderly(struct arena *arena, const struct ws_format *format,
			struct random *random)
{
	static const uint64_t steps[] = { 0x1000, 0x10000, 0x200000, 0x400000,
					  0x40000000 };
	const struct entries *entries = entries_of(format);
	uint64_t page = UINT64_C(1) << entries->page, entry = 0, step = 0;

	for (uint64_t at = 0; at < arena->frames * WS_FRAME_SIZE; at += entries->size) {
		entry += step >> entries->shift;
		if (random_percent(random, 15)) {
			entry = random_entry(arena, entries, random);
			step = steps[random_below(random, 5)];
			step = random_percent(random, 20) ? 0 : step < page ? page : step;
		}
		put_little(arena->bytes + at, entries->size, entry);
	}
}

unsigned format_entry_log2(const struct ws_format *format)
{
	return entries_of(format)->size == 8 ? 3 : 2;
}

uint64_t random_va(const struct ws_format *format, struct random *random)
{
	unsigned unused = 64 - ws_format_va_bits(format);
	uint64_t va = random_next(random);

	if (random_percent(random, 1))
		return va;
	return unused == 32 ? va >> 32 : (uint64_t)((int64_t)va >> unused);
}
