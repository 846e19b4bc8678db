/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where init_mm's table is not known, the majority of all roots stands in for it: entry
 * by entry, in tables of our own that answer under addresses where no table lies.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/roots.h"
#include "util/cleanup.h"

/* The tables that vote: of each the frame with the entries that it is about. */
struct election {
	struct ws_system *system;
	const uint8_t **table;
	size_t n;
};

/* The frame of our own that stands for the one with the root's entry at slot. */
static uint8_t *own_part(const struct ws_system *system, unsigned slot)
{
	const struct ws_format *format = system->paging.format;
	uint64_t frames = ws_root_size(format) / WS_FRAME_SIZE;

	return system->consensus +
	       (frames - 1 - slot / ws_slots_in_part(format)) * WS_FRAME_SIZE;
}

/*
 * The entry that most of the tables that have one hold at slot (Boyer and Moore's
 * majority vote); who has none does not vote: all entries come from init_mm, while an
 * absent one may be what is wrong. What the processor sets by itself is no difference.
 * *votes: how many hold it.
 */
static uint64_t elect(const struct election *e, unsigned slot, size_t *votes)
{
	const struct ws_format *format = e->system->paging.format;
	const uint64_t mask = ~format->touched;
	uint64_t elected = 0;
	size_t lead = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t entry = ws_entry(e->system, e->table[i], slot);

		if (!ws_is_present(format, entry))
			continue;
		if (!lead)
			elected = entry;
		if ((entry & mask) == (elected & mask))
			lead++;
		else
			lead--;
	}
	*votes = 0;
	for (size_t i = 0; i < e->n; i++)
		*votes += elected &&
			  !((ws_entry(e->system, e->table[i], slot) ^ elected) & mask);
	return elected;
}

static void put_entry(const struct ws_system *system, uint8_t *table, unsigned slot,
		      uint64_t entry)
{
	uint8_t bytes[8], log2 = system->paging.format->entry_log2;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(entry >> 8 * i);
	memcpy(table + ((size_t)slot << log2) % WS_FRAME_SIZE, bytes, (size_t)1 << log2);
}

/* Who lives has user memory; freed roots are out of date, so they do not vote. */
static void gather_voters(struct election *e, unsigned slot)
{
	struct ws_system *system = e->system;

	e->n = 0;
	for (int pass = 0; pass < 2 && !e->n; pass++)
		ws_vec_each(&system->roots, root) {
			const uint8_t *table = ws_root_part(system, *root, slot);

			if (table && (pass || !ws_user_half_is_empty(system, *root)))
				e->table[e->n++] = table;
		}
}

/* Replaces the voters by the tables that their entry at slot leads to. */
static void descend(struct election *e, unsigned slot)
{
	const struct ws_format *format = e->system->paging.format;
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t entry = ws_entry(e->system, e->table[i], slot);
		const uint8_t *table = NULL;

		if (ws_is_present(format, entry) &&
		    e->system->paging.frame(e->system,
					    entry & ws_address_bits(&format->level[0]),
					    &table) == WS_READ)
			e->table[n++] = table;
	}
	e->n = n;
}

/* In the table that slot leads to: what lies below it there is the user's. */
static unsigned first_kernel_entry(const struct ws_system *system, unsigned slot)
{
	const struct ws_format *format = system->paging.format;
	uint64_t first = (uint64_t)slot << format->level[0].shift;
	uint64_t kernel = system->layout.kernel_first;

	return kernel > first ? (unsigned)ws_level_index(&format->level[1], kernel) : 0;
}

/*
 * Where every process has a table of its own for a part of the kernel's addresses (PAE's
 * page directories, ARM LPAE's for modules), a synthetic one takes the place of theirs:
 * frame number `frame` below the root.
 */
static uint64_t elect_directory(const struct election *e, unsigned slot, unsigned frame,
				const uint8_t **scratch)
{
	struct election below = { e->system, scratch, e->n };
	const struct ws_level *level = &e->system->paging.format->level[1];
	uint8_t *directory = e->system->consensus + (size_t)frame * WS_FRAME_SIZE;
	size_t votes;

	memcpy(scratch, e->table, e->n * sizeof(*scratch));
	descend(&below, slot);
	for (unsigned i = first_kernel_entry(e->system, slot); i < 1u << level->bits; i++)
		put_entry(e->system, directory, i, elect(&below, i, &votes));
	return (WS_CONSENSUS_ROOT - (uint64_t)frame * WS_FRAME_SIZE) |
	       e->system->paging.format->level[0].row[0].value; /* the row of tables */
}

static void elect_all(struct election *e, const uint8_t **scratch)
{
	struct ws_system *system = e->system;
	const struct ws_format *format = system->paging.format;
	unsigned frame = 1, first = ws_first_kernel_slot(system);
	size_t votes;

	for (unsigned slot = first; slot < 1u << format->level[0].bits; slot++) {
		uint64_t entry;

		if (slot == first || slot % ws_slots_in_part(format) == 0)
			gather_voters(e, slot);
		entry = elect(e, slot, &votes);

		if (ws_private_level(format) && entry && votes * 2 <= e->n &&
		    frame < WS_CONSENSUS_FRAMES)
			entry = elect_directory(e, slot, frame++, scratch);
		put_entry(system, own_part(system, slot), slot, entry);
	}
}

enum ws_status ws_find_consensus(struct ws_system *system)
{
	size_t n = system->roots.n + 1;
	ws_autofree const uint8_t **voters = calloc(n, sizeof(*voters));
	ws_autofree const uint8_t **scratch = calloc(n, sizeof(*scratch));
	struct election e = { system, voters, 0 };
	uint8_t *consensus = calloc(WS_CONSENSUS_FRAMES, WS_FRAME_SIZE);

	if (!voters || !scratch || !consensus) {
		free(consensus);
		return ws_fail_memory(system->ctx);
	}
	system->consensus = consensus;
	elect_all(&e, scratch);
	system->layout.consensus = true;
	ws_set_reference(system, WS_CONSENSUS_ROOT + WS_FRAME_SIZE -
					 ws_root_size(system->paging.format));
	return WS_OK;
}
