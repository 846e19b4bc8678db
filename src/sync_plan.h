/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan is to those who make one and carry it out. */
#ifndef WS_SYNC_PLAN_H
#define WS_SYNC_PLAN_H

#include "linux/roots.h"
#include "util/vec.h"
#include "whosees.h"

struct ws_sync_plan {
	WS_VEC(struct ws_sync_entry) entries;
};

/* Whether a processor keeps such entries while the root is loaded, whatever lies in memory. */
static inline bool ws_is_read_once(const struct ws_format *format, unsigned level)
{
	return level < ws_private_level(format) &&
	       ws_root_kind(format) == WS_ROOT_LEADS_TO_IT;
}

#endif
