/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The storm once more, on a simulated processor. */
#ifndef WS_AUTOPSY_RERUN_H
#define WS_AUTOPSY_RERUN_H

#include "autopsy/reach.h"

/*
 * Whether the story, whose frames are the storm's, ended as the machine did, as far as that
 * left a trace: if not, replay_differs has it in words.
 */
void ws_compare_ends(struct ws_autopsy *autopsy, struct ws_death *death,
		     const struct ws_storm *storm, uint32_t space);

/*
 * Simulates it in the space that it was in, or in the only one that it may have been in, and
 * says what came of that. True: the same storm, to the frame; and the death is REPRODUCED,
 * unless the machine is known to have ended in another way.
 */
bool ws_replay(struct ws_autopsy *autopsy, struct ws_death *death,
	       const struct ws_storm *storm, const struct ws_blind *blind);

#endif
