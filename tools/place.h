/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies at an address, in words: the same wherever one is printed. */
#ifndef WHOSEES_PLACE_H
#define WHOSEES_PLACE_H

#include "session.h"

/* Longer than any symbol's name with its module's, an offset and a region. */
#define PLACE_WORDS 640

/* What is known of an address: what is not has its has_X false. */
struct place {
	struct ws_symbol symbol; /* at it or next below it */
	struct ws_place at;
	bool has_symbol, has_place;
};
void place_find(struct session *session, uint64_t va, struct place *place);

/* "whosees_lab:lab_page_fault+0x10"; "" without a symbol. */
#define PLACE_SYMBOL 600
const char *place_symbol(const struct place *place, uint64_t va,
			 char words[static PLACE_SYMBOL]);

/*
 * "whosees_lab:lab_page_fault+0x10, vmalloc"; where no symbol is known "module whosees_lab,
 * vmalloc", or the region alone. named: a symbol or module that the reader has named it by,
 * which is left out, or NULL. What cannot be found is left out too: it is a name, and no answer.
 */
const char *place_words(struct session *session, uint64_t va, const char *named,
			char words[static PLACE_WORDS]);

#endif
