/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical memory for tests, in two kinds: frames that appear where something is
 * written (sparse), and a block that starts at 0 (arena), which random page tables
 * fill.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include "frames.h"
#include "random.h"
#include "whosees.h"

#include <string.h>

struct sparse_frame {
	uint64_t pa;
	uint8_t bytes[WS_FRAME_SIZE];
};

/* Zeroed: empty. sparse_release() when done. */
struct sparse {
	struct sparse_frame **frame;
	size_t n;
};

/* The bytes at pa, up to the end of its frame; the frame appears, zeroed. */
uint8_t *sparse_at(struct sparse *memory, uint64_t pa);

/* A number of size bytes as machines have it whose memory is read: little-endian. */
void put_little(uint8_t *at, unsigned size, uint64_t value);
void sparse_release(struct sparse *memory);
/* opaque is a struct sparse. */
ws_frame_fn sparse_frame;

/* Owns frames * WS_FRAME_SIZE bytes; pa 0 is bytes[0]. */
struct arena {
	uint8_t *bytes;
	uint64_t frames;
};

struct arena arena_create(uint64_t frames);
void arena_release(struct arena *arena);
/* opaque is a struct arena. */
ws_frame_fn arena_frame;
/* The same for a struct machine_backing. */
const uint8_t *arena_lend(void *opaque, uint64_t pa);

/*
 * Fills the arena with entries of the format that serve as tables of every level: nine in
 * ten lead into the arena, most are present, some map a large page where that is possible
 * (entries.c has the percents); every other bit is random.
 */
void arena_fill(struct arena *arena, const struct ws_format *format,
		struct random *random);

/*
 * The same, but most entries go on where the one before them ended, as an operating
 * system lays them out: so that runs form.
 */
void arena_fill_orderly(struct arena *arena, const struct ws_format *format,
			struct random *random);

/* log2 of an entry's size in format. */
unsigned format_entry_log2(const struct ws_format *format);

/* A random address: mostly translatable, sometimes not canonical. */
uint64_t random_va(const struct ws_format *format, struct random *random);

#endif
