/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manual pages, made from the tables that --help is made from. */
#ifndef WHOSEES_MAN_PAGE_H
#define WHOSEES_MAN_PAGE_H

#include "command.h"

/*
 * The page of a command (docs/man/command.1.in on stdin), or, where that is NULL, another
 * page whose template is on stdin.
 */
void manual_print(const struct command *command);

#endif
