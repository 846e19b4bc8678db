/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A temporary file for what cannot be read in place: it has no name, so that nothing is
 * left of it whatever ends the program, and what is zero takes no room in it.
 */
#ifndef WS_TARGET_SPOOL_H
#define WS_TARGET_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "context.h"

struct ws_spool {
	int fd;
	const char *folder; /* $TMPDIR, or /var/tmp */
	uint64_t written;   /* bytes that take room; atomic */
	uint64_t checked; /* of these, when it was last looked how much is free; atomic */
	int error;        /* errno of what failed first; 0: none; atomic */
};

enum ws_status ws_spool_open(struct ws_context *ctx, const char *path,
			     struct ws_spool *spool) WS_MUST_CHECK;
/* Safe in several threads; false: see ws_spool_fail(). */
bool ws_spool_write(struct ws_spool *spool, uint64_t offset, const uint8_t *bytes,
		    size_t size) WS_MUST_CHECK;
/* It ends there: what was not written is zero. */
bool ws_spool_end(struct ws_spool *spool, uint64_t size) WS_MUST_CHECK;
/* Why path could not be put into it, and what helps. */
enum ws_status ws_spool_fail(struct ws_context *ctx, const char *path,
			     const struct ws_spool *spool);

/* Copies a pipe into a spool as far as it goes. */
enum ws_status ws_spool_pipe(struct ws_context *ctx, const char *path, int pipe,
			     int *fd) WS_MUST_CHECK;

#endif
