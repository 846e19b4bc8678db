/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storm ran over, by what the rest of memory still says of these frames. */
#include "autopsy/autopsy.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* 1 GiB: no storm is longer, and so much is counted in no time. */
#define FRAMES_MAX (UINT64_C(1) << 18)

static size_t take_frames(struct ws_target *target, const struct ws_storm *storm,
			  struct ws_frame_run *frames, uint64_t n)
{
	uint64_t pa = storm->pa & -(uint64_t)WS_FRAME_SIZE;
	size_t taken = 0;

	for (uint64_t i = 0; i < n; i++, pa += WS_FRAME_SIZE)
		if (ws_target_piece(target, pa))
			frames[taken++].pa = pa;
	return taken;
}

/* "3,000 page frames (free), 12 page frames (page table)": the most first. */
static char *count_uses(const struct ws_frame_run *frames, size_t n)
{
	uint64_t count[WS_FRAME_USES] = { 0 };
	struct ws_text text;
	FILE *to = ws_text_open(&text);
	const char *comma = "";

	if (!to)
		return NULL;
	for (size_t i = 0; i < n; i++)
		count[frames[i].use]++;
	for (;;) {
		unsigned most = 0;

		for (unsigned use = 1; use < WS_FRAME_USES; use++)
			if (count[use] > count[most])
				most = use;
		if (!count[most])
			break;
		fprintf(to, "%s%s (%s)", comma, WS_COUNT_OF(count[most], "page frame"),
			ws_frame_use_name(most));
		count[most] = 0;
		comma = ", ";
	}
	return ws_text_close(&text, NULL);
}

char *ws_overwritten_words(struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	uint64_t n = (storm->last_pa / WS_FRAME_SIZE) - (storm->pa / WS_FRAME_SIZE) + 1;
	ws_autofree struct ws_frame_run *frames = NULL;
	enum ws_status status;
	char *words = NULL;
	size_t taken;

	if (n > FRAMES_MAX)
		return NULL;
	frames = calloc(n, sizeof(*frames));
	if (!frames) {
		autopsy->short_of_memory = true;
		return NULL;
	}
	taken = take_frames(autopsy->system->target, storm, frames, n);
	status = ws_system_frame_uses(autopsy->system, frames, taken);
	if (status == WS_OK)
		words = count_uses(frames, taken);
	else
		ws_error_clear(autopsy->system->ctx);
	autopsy->short_of_memory |=
		status == WS_ERR_SYSTEM || (status == WS_OK && !words);
	return words;
}
