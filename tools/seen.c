/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seen.h"

#include <stdlib.h>

/* The two lowest bits of a slot: enum seen_as. The next: it is taken. */
#define AS UINT64_C(3)
#define TAKEN UINT64_C(4)

/* ids are hashes, so that any of their bits do. */
static uint64_t *slot_of(const struct seen *seen, uint64_t id)
{
	size_t at = (size_t)(id >> 3) & (seen->nslots - 1);

	while (seen->slots[at] && (seen->slots[at] | AS) != (id | TAKEN | AS))
		at = (at + 1) & (seen->nslots - 1);
	return &seen->slots[at];
}

static bool grow(struct seen *seen)
{
	struct seen grown = { .nslots = seen->nslots ? 2 * seen->nslots : 1024,
			      .n = seen->n };

	grown.slots = calloc(grown.nslots, sizeof(*grown.slots));
	if (!grown.slots)
		return false;
	for (size_t i = 0; i < seen->nslots; i++)
		if (seen->slots[i])
			*slot_of(&grown, seen->slots[i]) = seen->slots[i];
	free(seen->slots);
	*seen = grown;
	return true;
}

enum seen_as seen_put(struct seen *seen, uint64_t id, enum seen_as as)
{
	uint64_t *slot, before;

	if (2 * (seen->n + 1) > seen->nslots && seen->n < SEEN_MAX && !grow(seen))
		return SEEN_SHORT;
	slot = slot_of(seen, id);
	before = *slot;
	if (!before && seen->n == SEEN_MAX)
		return SEEN_FULL;
	seen->n += !before;
	if (!before || as > (before & AS))
		*slot = ((id | TAKEN) & ~AS) | as;
	return before ? (enum seen_as)(before & AS) : SEEN_NOT;
}

void seen_release(struct seen *seen)
{
	free(seen->slots);
	*seen = (struct seen){ 0 };
}
