/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the page tables are called that all others are compared with. */
#ifndef WS_UTIL_REFERENCE_H
#define WS_UTIL_REFERENCE_H

#include "whosees.h"

/*
 * The pa under which a synthetic consensus root answers. It survives every format's
 * root mask, and no page table lies there: a PC's reset vector does. The frames below
 * it are the kernel PMDs that a PAE consensus may need: at most four PDPTEs, and one
 * that leads to user memory needs none.
 */
#define WS_CONSENSUS_ROOT UINT64_C(0xfffff000)
#define WS_CONSENSUS_FRAMES 4

/*
 * Which of the synthetic frames pa lies in, downwards; WS_CONSENSUS_FRAMES or more: none.
 */
static inline uint64_t ws_consensus_frame(uint64_t pa)
{
	return (WS_CONSENSUS_ROOT + WS_FRAME_SIZE - 1 - pa) / WS_FRAME_SIZE;
}

/* Whether a table at pa is one that was made up: it has no address in the target. */
static inline bool ws_is_made_up(const struct ws_layout *layout, uint64_t pa)
{
	return layout->consensus && ws_consensus_frame(pa) < WS_CONSENSUS_FRAMES;
}

/* "present in init_mm", "present in most other processes' tables". */
static inline const char *ws_reference_words(const struct ws_layout *layout)
{
	return layout->consensus ? "most other processes' tables" : "init_mm";
}

#endif
