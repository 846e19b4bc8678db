/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts in sentences: "2,001 processes", "1 page table". */
#ifndef WS_UTIL_COUNT_H
#define WS_UTIL_COUNT_H

#include <stdint.h>

/* Room for any number and a noun of 60 letters; a longer one is cut. */
#define WS_COUNT_WORDS 96

/* "2,001": with a comma before each three digits. Returns words. */
const char *ws_count_words(uint64_t n, char words[static WS_COUNT_WORDS]);

/*
 * The same and a noun: "1 process", "2,001 processes", "0 entries". The noun is given in
 * the singular, and has a regular plural. Returns words.
 */
const char *ws_count_of(uint64_t n, const char *noun, char words[static WS_COUNT_WORDS]);

/* Both, as an argument: what they return lasts as long as the block that they are in. */
#define WS_COUNT(n) ws_count_words((n), (char[WS_COUNT_WORDS]){ 0 })
#define WS_COUNT_OF(n, noun) ws_count_of((n), (noun), (char[WS_COUNT_WORDS]){ 0 })

#endif
