/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that the caller has, and hands out by a function. It may be a debugger's, which knows
 * one thread only: so a pass over all memory stays in the caller's.
 */
#include "target/target.h"

#include <stdlib.h>
#include <string.h>

/* What is needed after it is opened. */
struct given {
	ws_given_fn *read;
	void *arg;
};

static enum ws_status add_extents(struct ws_target *target)
{
	const struct ws_given_memory *given = target->given;
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < given->nextents && !status; i++) {
		const struct ws_extent *extent = &given->extents[i];

		status = extent->len > WS_PHYSICAL_END ||
					 extent->pa > WS_PHYSICAL_END - extent->len
				 ? ws_target_leave(target, i, extent,
						   "no machine has memory there")
				 : ws_target_add_memory(target, extent->pa, extent->len,
							i);
	}
	return status;
}

static enum ws_status given_open(struct ws_target *target,
				 const struct ws_target_options *options)
{
	const struct ws_given_memory *given = target->given;
	struct given *kept = malloc(sizeof(*kept));
	enum ws_status status;

	(void)options;
	if (!kept)
		return ws_fail_memory(target->ctx);
	*kept = (struct given){ given->read, given->arg };
	target->priv = kept;
	status = add_extents(target);
	target->moving = given->moving;
	if (!status && given->moving)
		status = ws_target_add_note(target,
					    "%s: the machine runs on meanwhile, so what "
					    "is read may be of different moments",
					    target->named);
	if (!status && given->vmcoreinfo) {
		target->vmcoreinfo = strdup(given->vmcoreinfo);
		if (!target->vmcoreinfo)
			status = ws_fail_memory(target->ctx);
	}
	return status;
}

static enum ws_evidence read_frames(struct ws_target *target, uint64_t pa, size_t n,
				    uint8_t *frames)
{
	const struct given *given = target->priv;
	enum ws_evidence evidence =
		given->read(given->arg, pa, frames, n * WS_FRAME_SIZE);

	if (evidence == WS_READ || evidence == WS_ABSENT)
		return evidence;
	target->why = "whoever has its memory could not read it";
	return WS_FAILED;
}

/* All at once; or, if one is absent, up to that one. */
static enum ws_evidence given_copy_frames(struct ws_target *target, unsigned worker,
					  uint64_t ordinal, size_t n, uint8_t *frames,
					  size_t *got)
{
	enum ws_evidence evidence;
	uint64_t pa;

	(void)worker;
	ws_target_piece_of(target, ordinal, &pa);
	evidence = read_frames(target, pa, n, frames);
	*got = evidence == WS_READ ? n : 0;
	if (evidence != WS_ABSENT || n == 1)
		return evidence;
	for (; *got < n; ++*got, pa += WS_FRAME_SIZE, frames += WS_FRAME_SIZE) {
		evidence = read_frames(target, pa, 1, frames);
		if (evidence != WS_READ)
			break;
	}
	return evidence;
}

static void given_close(struct ws_target *target)
{
	free(target->priv);
}

const struct ws_target_ops ws_target_given = {
	.kind = "given",
	.title = "memory of the program that asks",
	.header = "extent",
	.one_thread = true,
	.open = given_open,
	.copy_frames = given_copy_frames,
	.close = given_close,
};
