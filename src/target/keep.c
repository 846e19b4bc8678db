/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/keep.h"

#include <stdlib.h>

#include "util/cleanup.h"

/*
 * As much as KEEP_MIN and so many times the file. Page tables, which are what is looked at,
 * compress to a sixtieth at best, but no dump consists of them alone; a hostile one can
 * hold 170 times its size.
 */
#define KEEP_MIN (UINT64_C(64) << 20)
#define KEEP_TIMES 16

bool ws_may_keep(struct ws_target *target, uint64_t bytes)
{
	uint64_t size = target->file.size;

	for (size_t i = 0; i < target->nothers; i++)
		size += target->others[i].size;
	if (bytes <= KEEP_MIN + KEEP_TIMES * size)
		return true;
	target->why = "its page tables would take more memory than any dump of its size "
		      "may need: it is damaged, or made to exhaust memory";
	return false;
}

enum ws_evidence ws_keep_frame(struct ws_target *target, struct ws_keep *keep,
			       uint64_t ordinal, const uint8_t **frame)
{
	ws_autofree uint8_t *new = NULL;
	enum ws_evidence evidence;

	if (!keep->frames)
		keep->frames = calloc(target->nframes, sizeof(*keep->frames));
	if (!keep->frames)
		return WS_FAILED;
	*frame = keep->frames[ordinal];
	if (*frame)
		return WS_READ;
	if (!ws_may_keep(target, keep->n * WS_FRAME_SIZE) ||
	    !(new = malloc(WS_FRAME_SIZE)))
		return WS_FAILED;
	evidence = target->ops->copy_frame(target, 0, ordinal, new);
	if (evidence != WS_READ)
		return evidence;
	keep->n++;
	*frame = keep->frames[ordinal] = ws_steal(new);
	return WS_READ;
}

void ws_keep_release(const struct ws_target *target, struct ws_keep *keep)
{
	for (uint64_t i = 0; keep->frames && i < target->nframes; i++)
		free(keep->frames[i]);
	free(keep->frames);
}
