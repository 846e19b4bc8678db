/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that appears whole or not at all: it is written without a name, or under another
 * one beside its own where the file system cannot, and renamed when every byte is there.
 *
 *	if (!ws_whole_open(&whole, path))
 *		return ...errno...;
 *	written = write_it(whole.file);
 *	if (!ws_whole_close(&whole, written))
 *		return ...errno...;
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
	FILE *file;
};

/*
 * False, with errno, where no file can be made there: EISDIR for a directory, and
 * EOPNOTSUPP for a device, a pipe or a socket.
 */
bool ws_whole_open(struct ws_whole *whole, const char *path);

/*
 * Gives the file its name if it was written and the disk agrees. False, with errno,
 * otherwise; then nothing is left of it, and what had the name before still has it.
 */
bool ws_whole_close(struct ws_whole *whole, bool written);

#endif
