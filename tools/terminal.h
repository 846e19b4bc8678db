/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The terminal as a screen: rows are drawn, keys are read, and it is as it was in the end.
 * What is meant for standard output and error meanwhile goes to a pipe.
 */
#ifndef WHOSEES_TERMINAL_H
#define WHOSEES_TERMINAL_H

#include "view.h"

/* Why no screen can be had: words for an error, to be freed; NULL: it can. */
char *terminal_unfit(void);

/* The fields are terminal.c's own. */
struct terminal {
	struct screen *screen; /* curses' own */
	FILE *out;
	int said; /* what others print, to be read */
	int stdout_before, stderr_before;
	bool colour;
	size_t width, height;
};

/* False, with errno: nothing was changed. */
bool terminal_begin(struct terminal *terminal);
/* As it was before, but what is said still goes to the pipe. */
void terminal_restore(struct terminal *terminal);
/* That, and what is said from here on is seen. */
void terminal_end(struct terminal *terminal);

/* Its size is another, or somebody else has written on it. */
void terminal_anew(struct terminal *terminal);
/* row[0 .. height). */
void terminal_draw(const struct terminal *terminal, const struct view_row *row);
/* The next key that was pressed, enum view_key or a character; -1: none was. */
int terminal_key(void);

/* As it was before, for as long as the process is stopped. */
void terminal_stop(struct terminal *terminal);

#endif
