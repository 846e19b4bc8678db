/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "context.h"
#include "util/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 16

/*
 * Invariant: chain[0..depth) are owned messages, oldest first. When the chain is full
 * the newest is replaced: the oldest name the cause and must not be lost.
 */
struct ws_context {
	char *chain[CHAIN_MAX];
	unsigned depth;
	bool short_of_memory; /* ws_short_of_memory() */
	ws_progress_fn *progress;
	void *progress_arg;
};

struct ws_context *ws_context_create(void)
{
	return calloc(1, sizeof(struct ws_context));
}

void ws_context_destroy(struct ws_context *ctx)
{
	if (!ctx)
		return;
	ws_error_clear(ctx);
	free(ctx);
}

void ws_context_set_progress(struct ws_context *ctx, ws_progress_fn *fn, void *arg)
{
	ctx->progress = fn;
	ctx->progress_arg = arg;
}

void ws_progress(struct ws_context *ctx, const char *what, double done)
{
	if (ctx->progress)
		ctx->progress(ctx->progress_arg, what, done);
}

const char *ws_error(const struct ws_context *ctx, unsigned depth)
{
	return depth < ctx->depth ? ctx->chain[ctx->depth - 1 - depth] : NULL;
}

void ws_error_clear(struct ws_context *ctx)
{
	while (ctx->depth)
		free(ctx->chain[--ctx->depth]);
}

static void chain_push(struct ws_context *ctx, char *message)
{
	if (!message)
		return;
	if (ctx->depth == CHAIN_MAX)
		free(ctx->chain[--ctx->depth]);
	ctx->chain[ctx->depth++] = message;
}

enum ws_status ws_fail(struct ws_context *ctx, enum ws_status status, const char *fmt,
		       ...)
{
	char *message;
	va_list ap;

	va_start(ap, fmt);
	message = ws_text_of_args(fmt, ap);
	va_end(ap);
	chain_push(ctx, message);
	ctx->short_of_memory |= !message;
	return message ? status : WS_ERR_SYSTEM; /* memory is short, whatever else is */
}

enum ws_status ws_fail_errno(struct ws_context *ctx, const char *fmt, ...)
{
	int saved = errno;
	char *what, *message;
	va_list ap;

	va_start(ap, fmt);
	what = ws_text_of_args(fmt, ap);
	va_end(ap);
	message = ws_text_of("%s: %s", what ? what : "?", strerror(saved));
	free(what);
	chain_push(ctx, message);
	ctx->short_of_memory |= !message;
	return WS_ERR_SYSTEM;
}

bool ws_short_of_memory(const struct ws_context *ctx)
{
	return ctx->short_of_memory;
}

void ws_begin(struct ws_context *ctx)
{
	ctx->short_of_memory = false;
}

enum ws_status ws_fail_memory(struct ws_context *ctx)
{
	ctx->short_of_memory = true;
	return ws_fail(ctx, WS_ERR_SYSTEM, "out of memory");
}
