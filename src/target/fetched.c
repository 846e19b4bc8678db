/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/fetched.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/pread.h"

const struct ws_fetched ws_fetched_none = { .look = UINT_MAX, .spool = { .fd = -1 } };

void ws_fetched_release(struct ws_fetched *fetched)
{
	if (fetched->spool.fd >= 0)
		close(fetched->spool.fd);
	free(fetched->has);
	free(fetched->piece);
	*fetched = ws_fetched_none;
}

/* What copy has by one: the target, and whose messages. */
struct fetch {
	struct ws_target *target;
	struct ws_context *ctx;
	struct ws_fetched *to;
	ws_fetch_fn *fn;
};

static bool has_frames(const struct ws_fetched *fetched, uint64_t ordinal, size_t n)
{
	for (uint64_t i = ordinal; i < ordinal + n; i++)
		if (!(fetched->has[i / 8] >> i % 8 & 1))
			return false;
	return true;
}

static enum ws_status spool_failed(const struct fetch *f)
{
	return ws_spool_fail(f->ctx, f->target->named, &f->to->spool);
}

static enum ws_status allocate(const struct fetch *f, size_t size)
{
	struct ws_fetched *to = f->to;

	if (!to->piece)
		to->piece = malloc(WS_FETCH_FRAMES * WS_FRAME_SIZE);
	if (!to->has)
		to->has = malloc(size);
	if (!to->piece || !to->has)
		return ws_fail_memory(f->ctx);
	return to->spool.fd >= 0 ? WS_OK
				 : ws_spool_open(f->ctx, f->target->named, &to->spool);
}

/* Once memory is settled; and again whenever it is to be looked at anew. */
static enum ws_status begin(const struct fetch *f)
{
	size_t size = f->target->nframes / 8 + 1;
	enum ws_status status = allocate(f, size);

	if (status)
		return status;
	memset(f->to->has, 0, size);
	f->to->look = f->target->looks;
	/* Emptied, for a page that is zero is not written. */
	return ftruncate(f->to->spool.fd, 0) ||
			       !ws_spool_end(&f->to->spool,
					     f->target->nframes * WS_FRAME_SIZE)
		       ? spool_failed(f)
		       : WS_OK;
}

static enum ws_status fetch_piece(const struct fetch *f, uint64_t ordinal, uint64_t pa,
				  size_t n)
{
	enum ws_status status = f->fn(f->target, pa, n, f->to->piece);

	if (status)
		return status;
	if (!ws_spool_write(&f->to->spool, ordinal * WS_FRAME_SIZE, f->to->piece,
			    n * WS_FRAME_SIZE))
		return spool_failed(f);
	for (uint64_t i = ordinal; i < ordinal + n; i++)
		f->to->has[i / 8] |= (uint8_t)(1 << i % 8);
	return WS_OK;
}

/* The pieces that frames are in, each once. */
static enum ws_status want(const struct fetch *f, uint64_t ordinal, size_t n)
{
	uint64_t pa, first, many;
	const struct ws_piece_of_memory *memory =
		ws_target_piece_of(f->target, ordinal, &pa);
	uint64_t base = memory->first_frame;
	uint64_t start = (memory->at.pa + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;
	uint64_t end = base + (memory->at.pa + memory->at.len - start) / WS_FRAME_SIZE;
	enum ws_status status = f->to->look == f->target->looks ? WS_OK : begin(f);

	for (uint64_t at = ordinal; !status && at < ordinal + n; at = first + many) {
		first = at - (at - base) % WS_FETCH_FRAMES;
		many = end - first < WS_FETCH_FRAMES ? end - first : WS_FETCH_FRAMES;
		if (!has_frames(f->to, first, many))
			status = fetch_piece(
				f, first, start + (first - base) * WS_FRAME_SIZE, many);
	}
	return status;
}

enum ws_evidence ws_fetched_copy(struct ws_target *target, struct ws_context *ctx,
				 struct ws_fetched *fetched, ws_fetch_fn *fn,
				 uint64_t ordinal, size_t n, uint8_t *frames, size_t *got)
{
	const struct fetch f = { target, ctx, fetched, fn };
	size_t len = n * WS_FRAME_SIZE;
	enum ws_status status = fetched->failed ? WS_ERR_SYSTEM : want(&f, ordinal, n);

	if (!status &&
	    !ws_pread_all(fetched->spool.fd, frames, len, ordinal * WS_FRAME_SIZE))
		status = ws_fail_errno(ctx, "%s: reading what was kept of it",
				       target->named);
	if (status && !fetched->failed)
		target->why = ws_error(ctx, 0);
	fetched->failed |= status != WS_OK;
	*got = status ? 0 : n;
	return status ? WS_FAILED : WS_READ;
}
