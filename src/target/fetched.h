/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is dear to ask for: it is fetched a piece of many frames at a time, and kept in
 * a temporary file without a name until it is to be looked at anew.
 */
#ifndef WS_TARGET_FETCHED_H
#define WS_TARGET_FETCHED_H

#include "target/spool.h"
#include "target/target.h"

struct ws_fetched {
	uint8_t *has;  /* a bit a frame that is there */
	unsigned look; /* since which look: target->looks; UINT_MAX: there is none */
	struct ws_spool spool; /* where they are, by ordinal */
	uint8_t *piece;        /* on the way there */
	bool failed; /* once: there is no answer then, and nobody is asked any more */
};

extern const struct ws_fetched ws_fetched_none;
void ws_fetched_release(struct ws_fetched *fetched);

#define WS_FETCH_FRAMES 256u /* at most, at once */

/* Gets n frames from pa on, all of them; what failed is said in the context. */
typedef enum ws_status ws_fetch_fn(struct ws_target *target, uint64_t pa, size_t n,
				   uint8_t *frames);

/*
 * ops->copy_frames(), for one thread at a time. ctx: for messages, of which target->why
 * becomes one.
 */
enum ws_evidence ws_fetched_copy(struct ws_target *target, struct ws_context *ctx,
				 struct ws_fetched *fetched, ws_fetch_fn *fetch,
				 uint64_t ordinal, size_t n, uint8_t *frames,
				 size_t *got);

#endif
