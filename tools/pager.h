/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that shows text on a terminal page by page, as git has it. */
#ifndef WHOSEES_PAGER_H
#define WHOSEES_PAGER_H

#include <stdbool.h>

/*
 * If standard output is a terminal, sends it to $WHOSEES_PAGER, or $PAGER, or less, and
 * standard error with it if that is one, too. Without such a program all stays as it is.
 */
void pager_begin(void);

bool pager_is_on(void);

/*
 * Waits until the reader has finished; call it when standard output is closed. False:
 * there was no pager. What it did not read is nobody's error.
 */
bool pager_end(void);

#endif
