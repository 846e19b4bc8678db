/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory all of which will be written to: in huge pages, where it is large and the kernel
 * gives them. One page fault then does for 512, which are dear in virtual machines, 0.25 to
 * 2 us each, and one entry of the TLB.
 */
#ifndef WS_UTIL_HUGE_H
#define WS_UTIL_HUGE_H

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WS_HUGE_PAGE ((size_t)2 << 20)

/* To be freed. It is not zeroed. */
static inline void *ws_huge_alloc(size_t size)
{
	void *memory;

	if (size < WS_HUGE_PAGE)
		return malloc(size ? size : 1);
	if (size > (size_t)-1 - WS_HUGE_PAGE)
		return NULL;
	size = (size + WS_HUGE_PAGE - 1) & -WS_HUGE_PAGE;
	memory = aligned_alloc(WS_HUGE_PAGE, size);
	if (memory)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

#endif
