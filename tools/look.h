/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One look at a target: its audit, counted, and the facts that another look is held against. */
#ifndef WHOSEES_LOOK_H
#define WHOSEES_LOOK_H

#include "facts.h"
#include "session.h"

/* Zeroed: empty. The facts outlive the session, and the rest does not. */
struct look {
	struct ws_audit *audit;
	struct digest digest;
	struct facts facts;
	const struct ws_module *modules;
	size_t nmodules;
};

/* side: before the keys of what is in one of two targets alone. */
enum exit_status look_take(struct session *session, enum pairing pairing,
			   const char *side, struct look *look);
/* All but the facts: what has to be gone before the session is. */
void look_end(struct look *look);
void look_release(struct look *look);

#endif
