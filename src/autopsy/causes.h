/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cause's row asks: whether it holds. If so it fills the death, adds clues, and says
 * the sentence; if not, it has done nothing.
 */
#ifndef WS_AUTOPSY_CAUSES_H
#define WS_AUTOPSY_CAUSES_H

#include "autopsy/autopsy.h"

typedef bool ws_cause_holds(struct ws_autopsy *autopsy, struct ws_death *death);

ws_cause_holds ws_is_unmapped, ws_is_short_user_half, ws_is_not_executable,
	ws_is_root_run_over, ws_is_delivery_failed, ws_is_stack_overflow,
	ws_is_foreign_root, ws_is_table_overwritten, ws_is_stale, ws_is_table_damaged,
	ws_is_handler_overwritten, ws_is_fetch_refused, ws_is_space_short;

/* Adds the storm to the chain: its frames, what they ran over, what the first interrupted. */
void ws_clue_storm(struct ws_autopsy *autopsy, const struct ws_storm *storm);

#endif
