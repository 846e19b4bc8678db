/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where init_mm's table is not known, the majority of all roots stands in for it: entry
 * by entry, in tables of our own that answer under addresses where no table lies.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/roots.h"
#include "paging/x86.h"
#include "util/cleanup.h"

/* The tables that vote, and the entries that it is about. */
struct election {
	struct ws_system *system;
	const uint8_t **table;
	size_t n;
};

/*
 * The entry that most of the tables that have one hold at slot (Boyer and Moore's
 * majority vote); who has none does not vote: all entries come from init_mm, while an
 * absent one may be what is wrong. A and D are the processor's (SDM 4.8), no difference.
 * *votes: how many hold it.
 */
static uint64_t elect(const struct election *e, unsigned slot, size_t *votes)
{
	const uint64_t mask = ~(X86_A | X86_D);
	uint64_t elected = 0;
	size_t lead = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t entry = ws_entry(e->system, e->table[i], slot);

		if (!(entry & X86_P))
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
	uint8_t bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(entry >> 8 * i);
	memcpy(table + ((size_t)slot << system->paging.format->entry_log2), bytes,
	       (size_t)1 << system->paging.format->entry_log2);
}

/* Who lives has user memory; freed roots are out of date, so they do not vote. */
static void gather_voters(struct election *e)
{
	struct ws_system *system = e->system;

	for (int pass = 0; pass < 2 && !e->n; pass++)
		ws_vec_each(&system->roots, root) {
			const uint8_t *table = ws_root_table(system, *root);

			if (table && (pass || !ws_user_half_is_empty(system, *root)))
				e->table[e->n++] = table;
		}
}

/* Replaces the voters by the tables that their entry at slot leads to. */
static void descend(struct election *e, unsigned slot)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t entry = ws_entry(e->system, e->table[i], slot);
		const uint8_t *table = NULL;

		if (entry & X86_P &&
		    e->system->paging.frame(e->system, entry & WS_BITS(51, 12), &table) ==
			    WS_READ)
			e->table[n++] = table;
	}
	e->n = n;
}

/*
 * PAE: where every process has a kernel page directory of its own, a synthetic one takes
 * the place of theirs: frame number `frame` below the root.
 */
static uint64_t elect_directory(const struct election *e, unsigned slot, unsigned frame,
				const uint8_t **scratch)
{
	struct election below = { e->system, scratch, e->n };
	uint8_t *directory = e->system->consensus + (size_t)frame * WS_FRAME_SIZE;
	size_t votes;

	memcpy(scratch, e->table, e->n * sizeof(*scratch));
	descend(&below, slot);
	for (unsigned i = 0; i < 512; i++)
		put_entry(e->system, directory, i, elect(&below, i, &votes));
	return (WS_CONSENSUS_ROOT - (uint64_t)frame * WS_FRAME_SIZE) | X86_P;
}

static void elect_all(const struct election *e, const uint8_t **scratch)
{
	struct ws_system *system = e->system;
	const struct ws_format *format = system->paging.format;
	unsigned frame = 1;
	size_t votes;

	for (unsigned slot = ws_first_kernel_slot(system);
	     slot < 1u << format->level[0].bits; slot++) {
		uint64_t entry = elect(e, slot, &votes);

		if (ws_private_level(format) && entry && votes * 2 <= e->n &&
		    frame < WS_CONSENSUS_FRAMES)
			entry = elect_directory(e, slot, frame++, scratch);
		put_entry(system, system->consensus, slot, entry);
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
	gather_voters(&e);
	system->consensus = consensus;
	elect_all(&e, scratch);
	system->layout.consensus = true;
	ws_set_reference(system, WS_CONSENSUS_ROOT);
	return WS_OK;
}
