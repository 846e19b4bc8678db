/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What spaces, ends of walks and rights are called: the same in every command. */
#ifndef WS_REPORT_WORDS_H
#define WS_REPORT_WORDS_H

#include "whosees.h"

/* Room for any of these; longer text is cut. */
#define WORDS 96

/* "init_mm", "83 victim", "83 victim (user half)", "freed root 0x2c9b000". */
const char *space_words(const struct ws_space *space, char words[static WORDS]);

/* Whether it is a process's, or a process's user half. */
bool space_has_pid(const struct ws_space *space);

#define WHO_WORDS 256

/*
 * Who is in and who is out, wherever spaces are counted: "counted: init_mm, 18 processes;
 * not counted: 2 lone, 1 freed". halves: user halves count as spaces of their own.
 */
const char *who_counts(const struct ws_space *spaces, size_t n, bool halves,
		       char words[static WHO_WORDS]);

/* "page", "hole at page directory", "malformed PDE", "page table not in the target". */
const char *end_words(const struct ws_format *format, enum ws_end end, unsigned level,
		      char words[static WORDS]);

/* "rwx user", "r-x kernel". */
const char *access_words(uint8_t access, char words[static WORDS]);

#endif
