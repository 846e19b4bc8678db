/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of spaces, each kept once: most that share tables share them with the same others. */
#ifndef WS_AUDIT_SPACE_SETS_H
#define WS_AUDIT_SPACE_SETS_H

#include "util/vec.h"
#include "whosees.h"

/* The spaces that it holds are n spans, from spans.v[first] on. */
struct ws_space_set {
	uint32_t first, n;
	uint32_t nspaces;
};

struct ws_space_sets {
	WS_VEC(struct ws_space_set) sets; /* the first are one space each, by its index */
	WS_VEC(struct ws_space_span) spans;
	uint32_t *slots; /* a hash table: a set's number plus 1, or 0 */
	size_t nslots;   /* a power of two */
};

/* With a set for each of so many spaces. False: memory is short. */
bool ws_space_sets_begin(struct ws_space_sets *sets, uint32_t nspaces);
void ws_space_sets_release(struct ws_space_sets *sets);

/* Words of bits, one a space. */
static inline size_t ws_space_words(size_t nspaces)
{
	return nspaces / 64 + 1;
}
void ws_space_sets_add_to(const struct ws_space_sets *sets, uint32_t set, uint64_t *bits);

/* The set that they are; UINT32_MAX: memory is short, or there are too many. */
#define WS_SPANS_MAX (UINT32_C(1) << 24)
uint32_t ws_space_sets_of(struct ws_space_sets *sets, const uint64_t *bits, size_t words);

#endif
