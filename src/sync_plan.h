/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan is to those who make one and carry it out. */
#ifndef WS_SYNC_PLAN_H
#define WS_SYNC_PLAN_H

#include "util/vec.h"
#include "whosees.h"

struct ws_sync_plan {
	WS_VEC(struct ws_sync_entry) entries;
};

#endif
