/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a processor can still do where it stands. */
#ifndef WS_AUTOPSY_STATES_H
#define WS_AUTOPSY_STATES_H

#include "autopsy/reach.h"

/*
 * Whether it can take no exception in that space, not even a double fault, as the simulated
 * processor has it, and has come to need one: after that a processor shuts down (SDM vol. 3A,
 * 6.15, interrupt 8). False where that is not known.
 */
bool ws_has_shut_down(struct ws_autopsy *autopsy, uint32_t space,
		      const struct ws_standing *standing);

/* Whether what faulted last was a push right below its stack pointer. */
bool ws_failed_to_push(const struct ws_autopsy *autopsy, uint32_t space,
		       const struct ws_standing *standing);

/* By the log and its stack: the kernel has panicked, and this processor waits for a reset. */
bool ws_waits_in_panic(struct ws_autopsy *autopsy, const struct ws_standing *standing);

#endif
