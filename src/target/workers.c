/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/workers.h"

#include <stdbool.h>
#include <unistd.h>

unsigned ws_workers(void)
{
	static unsigned kept; /* 0: nobody has asked */
	unsigned n = __atomic_load_n(&kept, __ATOMIC_RELAXED), first = 0;
	long online;

	if (n)
		return n;
	online = sysconf(_SC_NPROCESSORS_ONLN);
	n = online < 1                 ? 1
	    : online > WS_SCAN_WORKERS ? WS_SCAN_WORKERS
				       : (unsigned)online;
	return __atomic_compare_exchange_n(&kept, &first, n, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED)
		       ? n
		       : first;
}
