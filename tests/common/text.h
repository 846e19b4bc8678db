/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers as text, in the words of the vectors in tests/spec/ (its README says which). */
#ifndef TESTS_TEXT_H
#define TESTS_TEXT_H

#include "whosees.h"

#include <stdio.h>

/* "page 5678 4K rwx/rwx", "hole at PTE", "noncanonical". */
void print_trail(FILE *out, const struct ws_format *format, const struct ws_trail *trail);
/* "40000000-401fffff hole at PDE". */
void print_run(FILE *out, const struct ws_format *format, const struct ws_run *run);
/* "bits 51:40,7 at PDE". */
void print_flaw(FILE *out, const struct ws_format *format, const struct ws_flaw *flaw);

#endif
