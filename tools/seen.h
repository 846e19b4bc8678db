/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which results were counted, so that a run that was resumed counts none twice: 8 bytes
 * each, of up to SEEN_MAX.
 */
#ifndef WHOSEES_SEEN_H
#define WHOSEES_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX ((size_t)1 << 22)

/* Zeroed: empty. */
struct seen {
	uint64_t *slots; /* a power of two of them, half of them empty */
	size_t nslots, n;
};

/* What came of one, the better known the higher: of two results of a dump the higher stands. */
enum seen_as {
	SEEN_FAILED, /* there was no answer */
	SEEN_CLEAN,
	SEEN_UNKNOWN,
	SEEN_FOUND,
	SEEN_NOT,   /* it was not there before */
	SEEN_FULL,  /* not known: there is no room for more */
	SEEN_SHORT, /* memory is short */
};

/* What was known of it before; as is one of the first four. */
enum seen_as seen_put(struct seen *seen, uint64_t id, enum seen_as as);
void seen_release(struct seen *seen);

#endif
