/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames for tests, which mostly ask only whether there is one. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include "whosees.h"

/* What a frame function comes to that has, or has not, got a frame. */
static inline enum ws_evidence frame_lend(const uint8_t *bytes, const uint8_t **frame)
{
	*frame = bytes;
	return bytes ? WS_READ : WS_ABSENT;
}

/* The frame of a paging's memory, or of a target; NULL where there is none. */
static inline const uint8_t *paging_frame(const struct ws_paging *paging, uint64_t pa)
{
	const uint8_t *frame;

	(void)paging->frame(paging->opaque, pa, &frame);
	return frame;
}

static inline const uint8_t *target_frame(struct ws_target *target, uint64_t pa)
{
	const uint8_t *frame;

	return ws_target_frame(target, pa, &frame) == WS_READ ? frame : NULL;
}

#endif
