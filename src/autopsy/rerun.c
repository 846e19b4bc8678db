/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autopsy/rerun.h"

#include "util/count.h"

static void clue_replay(struct ws_autopsy *autopsy)
{
	const struct ws_death *death = &autopsy->death;
	const struct ws_story *story = &death->story;
	uint64_t pushed = story->nested ? story->nested - 1 : 0;

	if (ws_is_replayed(death->storm, story))
		ws_clue(autopsy, "replay",
			"%s: a simulated processor that takes the first fault over this "
			"memory, with the storm taken off, pushes %s as well before it cannot "
			"push the next",
			death->replay_differs ? "the frames agree"
					      : "reproduced to the frame",
			WS_COUNT_OF(pushed, "frame"));
	else
		ws_clue(autopsy, "replay",
			"not reproduced to the frame: a simulated processor that takes the "
			"first fault over this memory, with the storm taken off, pushes %s, "
			"and memory has %s",
			WS_COUNT_OF(pushed, "frame"),
			WS_COUNT_OF(death->storm->frames, "frame"));
	if (death->replay_differs)
		ws_clue(autopsy, "replay", "%s", death->replay_differs);
}

/* For want of memory the run fails as a whole; of another bound the chain says so. */
static void clue_failure(struct ws_autopsy *autopsy, enum ws_status status)
{
	struct ws_context *ctx = autopsy->system->ctx;

	autopsy->short_of_memory |= status == WS_ERR_SYSTEM;
	ws_clue(autopsy, "replay", "it was not simulated: %s",
		ws_error(ctx, 0) ? ws_error(ctx, 0) : "a bound on the work was reached");
	ws_error_clear(ctx);
}

bool ws_replay(struct ws_autopsy *autopsy, struct ws_death *death,
	       const struct ws_storm *storm, const struct ws_blind *blind)
{
	enum ws_status status;

	if (!autopsy->arch->replay || blind->first == WS_NO_SPACE ||
	    (blind->n != 1 && !blind->suspect_is))
		return false;
	status =
		autopsy->arch->replay(autopsy->audit, blind->first, storm, &death->story);
	if (status != WS_OK) {
		clue_failure(autopsy, status);
		return false;
	}
	death->has_story = true;
	if (ws_is_replayed(storm, &death->story))
		ws_compare_ends(autopsy, death, storm, blind->first);
	clue_replay(autopsy);
	if (!ws_is_replayed(storm, &death->story))
		return false;
	if (!death->replay_differs)
		death->certainty = WS_CERTAINTY_REPRODUCED;
	return true;
}
