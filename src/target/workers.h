/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many threads look at one target at once. */
#ifndef WS_TARGET_WORKERS_H
#define WS_TARGET_WORKERS_H

#include <unistd.h>

#define WS_SCAN_WORKERS 8
/* Who reads frames by address, here and there, has a number of its own. */
#define WS_BY_ADDRESS WS_SCAN_WORKERS
#define WS_READERS (WS_SCAN_WORKERS + 1)

/* One a processor, as far as that goes. */
static inline unsigned ws_workers(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : online > WS_SCAN_WORKERS ? WS_SCAN_WORKERS : online;
}

#endif
