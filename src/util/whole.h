/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that appears whole or not at all: it is written without a name, or under another
 * one beside its own where the file system cannot, and renamed when every byte is there.
 *
 *	if (!ws_whole_open(&whole, path))
 *		return ...ws_whole_why(errno)...;
 *	written = write_it(whole.file);
 *	if (!ws_whole_close(&whole, written))
 *		return ...ws_whole_why(errno)...;
 *
 * The path "-" is standard output, which has no name to give and keeps what it got.
 */
#ifndef WS_UTIL_WHOLE_H
#define WS_UTIL_WHOLE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct ws_whole {
	char *path;    /* with links followed */
	char *beside;  /* the name it has until it is whole */
	mode_t mode;   /* of the file that had the name; 0: none had */
	bool nameless; /* it has not even that one yet */
	bool standard; /* it is standard output: nothing is named and nothing removed */
	FILE *file;
};

/*
 * False, with errno, where no file can be made there: EISDIR for a directory, EOPNOTSUPP
 * for a device, a pipe or a socket, and ENOLINK for a symbolic link that leads nowhere:
 * to write there would replace the link, or make a file that nobody named.
 */
bool ws_whole_open(struct ws_whole *whole, const char *path);

/*
 * Gives the file its name if it was written and the disk agrees. False, with errno,
 * otherwise; then nothing is left of it, and what had the name before still has it.
 */
bool ws_whole_close(struct ws_whole *whole, bool written);

/* What errno says after either of the two, in words. */
const char *ws_whole_why(int error);

/* Whether path means standard output; and what to call it in a message. */
bool ws_whole_is_standard(const char *path);
const char *ws_whole_name(const char *path);

/*
 * Whether to write path would replace the file that is read as input, whatever the two
 * are called: links of both kinds included. For standard output: whether it is that file.
 */
bool ws_whole_replaces(const char *path, const char *input);

#endif
