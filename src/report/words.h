/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What spaces, ends of walks and rights are called: the same in every command. */
#ifndef WS_REPORT_WORDS_H
#define WS_REPORT_WORDS_H

#include "whosees.h"

/* Room for any of these; longer text is cut. */
#define WORDS 96

/* "init_mm", "83 waiter", "83 waiter (user half)", "root 0x2c9b000 (freed)". */
const char *space_words(const struct ws_space *space, char words[static WORDS]);

/*
 * A kind in the words of sentences: "process", "used by no task"; JSON has its short
 * name.
 */
const char *kind_words(uint8_t kind);

/* Whose it is, without its pid or root: "init_mm", "waiter", "used by no task". */
const char *space_owner_words(const struct ws_space *space, char words[static WORDS]);

/* Whether it is a process's, or a process's user half. */
bool space_has_pid(const struct ws_space *space);

#define WHO_WORDS 256

/*
 * Who is in and who is out, wherever spaces are counted: "counted: init_mm, 18 processes
 * (18 with user halves); not counted: 2 lone, 1 freed".
 */
const char *who_counts(const struct ws_space *spaces, size_t n,
		       char words[static WHO_WORDS]);

/* What comes of a verdict, mildest first. */
enum verdict_class {
	VERDICT_FINE,     /* nothing */
	VERDICT_REPAIRED, /* nothing that lasts: the kernel mends it */
	VERDICT_UNKNOWN,  /* the target lacks what decides */
	VERDICT_WRONG,    /* one access fails, or goes to the wrong place */
	VERDICT_LEAK,     /* user mode gets at what is the kernel's */
	VERDICT_CRASH,    /* the machine goes down */
};

enum verdict_class verdict_class(enum ws_verdict verdict);

/*
 * A judgement as what will happen: what "1 of 18 processes" (many: "2 of 18 processes") is
 * followed by. Of VERDICT_UNKNOWN it is what nobody knows whether they do it.
 */
#define VERDICT_WORDS 192
const char *judgement_words(const struct ws_judgement *judgement, bool many,
			    char words[static VERDICT_WORDS]);

/*
 * About what a space was found to be, in a sentence: the rule's own, or that nothing is.
 */
const char *what_to_do(const struct ws_judgement *judgement);

/* Why a space has the verdict, in half a sentence. */
const char *judgement_meaning(const struct ws_judgement *judgement,
			      char words[static VERDICT_WORDS]);

/* How many are in. */
size_t count_everyone(const struct ws_space *spaces, size_t n);

/* Of a space that looks damaged: "0x21ca000 does not look like a page directory". */
const char *damaged_words(const struct ws_format *format, const struct ws_space *space,
			  char words[static WORDS]);

/* What follows a count of n where there may be more than were found; or "". */
const char *that_were_found(const struct ws_system *system, size_t n);

/* "page", "hole at page directory", "malformed PDE", "page table not in the target". */
const char *end_words(const struct ws_format *format, enum ws_end end, unsigned level,
		      char words[static WORDS]);

/* "rwx user", "r-x kernel". */
const char *access_words(uint8_t access, char words[static WORDS]);

#endif
