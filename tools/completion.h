/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Completions for three shells, from the tables of commands and options. What lies in the
 * target on the command line, pids and modules, the shell asks whosees for while somebody
 * waits: only of a file that is there, and not for long.
 */
#ifndef WHOSEES_COMPLETION_H
#define WHOSEES_COMPLETION_H

#include "command.h"

/* Seconds. */
#define COMPLETION_PATIENCE 2

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

/*
 * What the first word after the command is (0), and what those after it: "target",
 * "scenario", "file", "what" or "none".
 */
const char *completion_word(const struct command *command, unsigned nth);

/* The columns that -o knows, each after a blank; nothing where there is no table. */
void completion_columns(const struct command *command);

/*
 * What a target that is no file begins with, with or without a colon behind it, each of
 * them after a blank.
 */
void completion_schemes(bool colon);

/* Whether an option of that name stands before it in the table: another command's. */
bool completion_again(const struct option_row *option);

#endif
