/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handle: where errors gather and progress is reported. */
#ifndef WS_CONTEXT_H
#define WS_CONTEXT_H

#include "whosees.h"

/*
 * Puts a message on top of the chain and returns status, so that failing is one line:
 *	return ws_fail(ctx, WS_ERR_MALFORMED, "%s: note at %#jx ends past ...", ...);
 * A caller that can add what it was trying to do calls it again on the way out.
 */
enum ws_status ws_fail(struct ws_context *ctx, enum ws_status status, const char *fmt,
		       ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends strerror(errno). WS_ERR_SYSTEM. */
enum ws_status ws_fail_errno(struct ws_context *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* WS_ERR_SYSTEM, and remembered: whoever gets it and goes on has no answer all the same. */
enum ws_status ws_fail_memory(struct ws_context *ctx);
/* Whether memory was short since ws_begin(), which a target's opening calls. */
bool ws_short_of_memory(const struct ws_context *ctx);
void ws_begin(struct ws_context *ctx);

void ws_progress(struct ws_context *ctx, const char *what, double done);

#endif
