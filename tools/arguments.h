/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with a command line, said as all other errors are. */
#ifndef WHOSEES_ARGUMENTS_H
#define WHOSEES_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>

/* name: "whosees audit". Prints the error and where help is, and exits. */
_Noreturn void arguments_wrong(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Every option among the words, read as getopt_long() reads them: it is there, it is only
 * one, and it has a value where it takes one. Where it is not, arguments_wrong().
 * getopt() itself suggests nothing, and breaks no lines. in_order: up to the first other
 * word.
 */
void arguments_check(const char *name, char *const *words,
		     const struct argp_option *options, bool in_order);

#endif
