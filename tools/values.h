/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words that an option's value may be: what is accepted, --help, the manual pages, the
 * completions and the errors take them from here.
 */
#ifndef WHOSEES_VALUES_H
#define WHOSEES_VALUES_H

#include <stdint.h>

/* The i-th word; NULL past the last. */
typedef const char *values_fn(unsigned i);

/* Of --type, --format, --fault, --tlb, --spaces. */
values_fn values_type, values_format, values_fault, values_tlb, values_perm;
values_fn values_type, values_format, values_fault, values_tlb, values_perm,
	values_spaces;
/* generate.c: of --generate. */
values_fn values_generate;

#define VALUES_NONE UINT32_MAX
/* Which of them text is; VALUES_NONE: none. */
unsigned values_find(values_fn *values, const char *text);

#define VALUES_WORDS 1024
/* "sdm, tcg or none", where between is ", " and last " or ". Returns words. */
const char *values_words(values_fn *values, const char *between, const char *last,
			 char words[static VALUES_WORDS]);

/* "; did you mean 'spaces'?", or "". Valid until the next call. */
const char *values_suggestion(values_fn *values, const char *text);

#endif
