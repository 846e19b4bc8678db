/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes of it that a space does not map what init_mm maps: the audit's own word. */
#ifndef WHOSEES_CONSEQUENCE_H
#define WHOSEES_CONSEQUENCE_H

#include "session.h"

/*
 * A line for each verdict on these spaces, as audit has it. Of text alone: it takes a
 * whole audit, some times as long as a probe.
 */
enum exit_status consequence_print(struct session *session, struct report *report,
				   const struct ws_space *spaces, size_t n);

#endif
