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

enum seen_before {
	SEEN_NOT,
	SEEN_FAILED, /* there was no answer that time */
	SEEN_ANSWERED,
	SEEN_FULL,  /* not known: there is no room for more */
	SEEN_SHORT, /* memory is short */
};

/* What was known of it before; an answer is not forgotten for a failure that comes after. */
enum seen_before seen_put(struct seen *seen, uint64_t id, bool answered);
void seen_release(struct seen *seen);

#endif
