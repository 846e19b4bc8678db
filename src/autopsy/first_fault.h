/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first fault that the log reports, beside its exception frame and its space. */
#ifndef WS_AUTOPSY_FIRST_FAULT_H
#define WS_AUTOPSY_FIRST_FAULT_H

#include "autopsy/oops.h"
#include "autopsy/reach.h"

struct ws_fault_told {
	struct ws_oops oops; /* with an instruction pointer */
	uint32_t space;      /* of the process that the log names; WS_NO_SPACE */
	const struct ws_pile *frame;
};

/*
 * False: the log reports none, memory has no frame that shows that it is read right, or the
 * kernel survived it, as far as the log goes.
 */
bool ws_died_of_fault(struct ws_autopsy *autopsy, struct ws_fault_told *fault);

/*
 * How an access to what was accessed comes out now, in that space; where that is not known, in
 * every one that it can have been, and WS_REACH_UNKNOWN where they differ.
 */
enum ws_reach ws_reach_told(const struct ws_autopsy *autopsy,
			    const struct ws_fault_told *fault, uint8_t right,
			    struct ws_trail *trail);

/* The death is by that fault: how sure, in which space, and where the frame lies. */
void ws_put_fault(struct ws_autopsy *autopsy, struct ws_death *death,
		  const struct ws_fault_told *fault);

#endif
