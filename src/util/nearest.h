/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "Did you mean ...?": the names that come nearest to one that is not there.
 *
 *	struct ws_nearest nearest = ws_nearest_to("spces");
 *
 *	for (...)
 *		ws_nearest_offer(&nearest, name);
 *	words = ws_nearest_words(&nearest, words_of_so_many_bytes);
 */
#ifndef WS_UTIL_NEAREST_H
#define WS_UTIL_NEAREST_H

#include <stddef.h>

/* Longer names are not compared: the work for one name is bounded. */
#define WS_NEAREST_LENGTH 128
/* So many names are suggested at most. */
#define WS_NEAREST_NAMES 3
/* A name of n characters may have n / 3 typing errors, at least 1 and at most 4. */
#define WS_NEAREST_SHARE 3
#define WS_NEAREST_ERRORS 4
/* From so many characters on, the beginning of a name is suggested the whole name. */
#define WS_NEAREST_PREFIX 3

/*
 * How many typing errors make b of a: characters left out, added, replaced, and
 * neighbours exchanged (Damerau and Levenshtein; no character is part of two errors). More
 * than limit: limit + 1.
 */
unsigned ws_typing_errors(const char *a, const char *b, unsigned limit);

/* The names nearest to asked: n of them, all at the same distance. They must outlive it. */
struct ws_nearest {
	const char *asked;
	unsigned most;  /* typing errors that a suggestion may have */
	unsigned limit; /* the same, now that names are there; 0: none is near */
	unsigned n;
	const char *name[WS_NEAREST_NAMES];
};

struct ws_nearest ws_nearest_to(const char *asked);
void ws_nearest_offer(struct ws_nearest *nearest, const char *name);

/* Enough for every name that is compared. */
#define WS_NEAREST_WORDS (WS_NEAREST_NAMES * (WS_NEAREST_LENGTH + 6) + 32)

/* "; did you mean 'map' or 'read'?", or "" where no name is near. Returns words. */
const char *ws_nearest_words(const struct ws_nearest *nearest,
			     char words[static WS_NEAREST_WORDS]);

#endif
