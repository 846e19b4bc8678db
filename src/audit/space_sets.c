/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/space_sets.h"

#include <string.h>

#include "util/bits.h"

#define SLOTS_MIN 256

void ws_space_sets_release(struct ws_space_sets *sets)
{
	ws_vec_release(&sets->sets);
	ws_vec_release(&sets->spans);
	free(sets->slots);
	sets->slots = NULL;
	sets->nslots = 0;
}

void ws_space_sets_add_to(const struct ws_space_sets *sets, uint32_t set, uint64_t *bits)
{
	const struct ws_space_set *from = &sets->sets.v[set];

	for (uint32_t s = 0; s < from->n; s++) {
		const struct ws_space_span *span = &sets->spans.v[from->first + s];

		for (uint32_t i = span->first; i <= span->last; i++)
			bits[i / 64] |= WS_BIT(i % 64);
	}
}

/* ---- the spans of bits -------------------------------------------------------------- */

static bool push_span(struct ws_space_sets *sets, struct ws_space_set *set, uint32_t i)
{
	struct ws_space_span *span;

	set->nspaces++;
	if (set->n && sets->spans.v[sets->spans.n - 1].last + 1 == i) {
		sets->spans.v[sets->spans.n - 1].last = i;
		return true;
	}
	span = sets->spans.n < WS_SPANS_MAX ? ws_vec_push(&sets->spans) : NULL;
	if (!span)
		return false;
	*span = (struct ws_space_span){ i, i };
	set->n++;
	return true;
}

static bool push_spans(struct ws_space_sets *sets, struct ws_space_set *set,
		       const uint64_t *bits, size_t words)
{
	*set = (struct ws_space_set){ .first = (uint32_t)sets->spans.n };
	for (size_t w = 0; w < words; w++)
		for (uint64_t left = bits[w]; left; left &= left - 1)
			if (!push_span(
				    sets, set,
				    (uint32_t)(w * 64 + (unsigned)__builtin_ctzll(left))))
				return false;
	return true;
}

/* ---- each once ---------------------------------------------------------------------- */

static size_t hash_of(const struct ws_space_sets *sets, const struct ws_space_set *set)
{
	uint64_t hash = set->n;

	for (uint32_t s = 0; s < set->n; s++) {
		const struct ws_space_span *span = &sets->spans.v[set->first + s];

		hash = (hash ^ span->first) * UINT64_C(0x9e3779b97f4a7c15);
		hash = (hash ^ span->last ^ hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	}
	return (size_t)(hash ^ hash >> 32);
}

static bool is_same(const struct ws_space_sets *sets, const struct ws_space_set *a,
		    const struct ws_space_set *b)
{
	return a->n == b->n && !memcmp(&sets->spans.v[a->first], &sets->spans.v[b->first],
				       a->n * sizeof(*sets->spans.v));
}

/* Where the set is, or would be. */
static uint32_t *slot_of(const struct ws_space_sets *sets, const struct ws_space_set *set)
{
	size_t at = hash_of(sets, set) & (sets->nslots - 1);

	while (sets->slots[at] && !is_same(sets, &sets->sets.v[sets->slots[at] - 1], set))
		at = (at + 1) & (sets->nslots - 1);
	return &sets->slots[at];
}

/* Half of the slots stay free. */
static bool grow(struct ws_space_sets *sets)
{
	size_t n = sets->nslots ? 2 * sets->nslots : SLOTS_MIN;
	uint32_t *slots;

	if (2 * (sets->sets.n + 1) <= sets->nslots)
		return true;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	free(sets->slots);
	sets->slots = slots;
	sets->nslots = n;
	for (uint32_t i = 0; i < sets->sets.n; i++)
		*slot_of(sets, &sets->sets.v[i]) = i + 1;
	return true;
}

static uint32_t keep(struct ws_space_sets *sets, const struct ws_space_set *set)
{
	struct ws_space_set *kept;
	uint32_t *slot;

	if (!grow(sets))
		return UINT32_MAX;
	slot = slot_of(sets, set);
	if (*slot) {
		sets->spans.n = set->first; /* it is there already */
		return *slot - 1;
	}
	kept = ws_vec_push(&sets->sets);
	if (!kept)
		return UINT32_MAX;
	*kept = *set;
	*slot = (uint32_t)sets->sets.n;
	return *slot - 1;
}

uint32_t ws_space_sets_of(struct ws_space_sets *sets, const uint64_t *bits, size_t words)
{
	struct ws_space_set set;

	return push_spans(sets, &set, bits, words) ? keep(sets, &set) : UINT32_MAX;
}

bool ws_space_sets_begin(struct ws_space_sets *sets, uint32_t nspaces)
{
	for (uint32_t i = 0; i < nspaces; i++) {
		struct ws_space_set set = { .first = (uint32_t)sets->spans.n };

		if (!push_span(sets, &set, i) || keep(sets, &set) != i)
			return false;
	}
	return true;
}
