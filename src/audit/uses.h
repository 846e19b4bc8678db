/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a frame is used for. Several things can be true of one (a page table is slab memory
 * on some kernels): each is claimed, and the strongest evidence is kept.
 *
 *	tables, user pages   a tour of the spaces' page tables
 *	stacks               task_struct's pointer to them
 *	image, modules       the layout, and the module list
 *	slab, free, cache    struct page, where VMCOREINFO says what it looks like
 *
 * What else is known of the frames, as what a processor needs, its own claims may say.
 */
#ifndef WS_AUDIT_USES_H
#define WS_AUDIT_USES_H

#include "audit/rule.h"
#include "linux/stacks.h"

struct ws_uses {
	struct ws_audit *audit;      /* that counts the work; of a tour's, the system */
	struct ws_frame_run *frames; /* by pa, each whole frames; use unknown at first */
	size_t n;
	/*
	 * Of each, while they are found: user mode may write it. So it is no part of the
	 * image any more, which gives back what it needs to start (free_initmem()).
	 */
	bool *is_written;
};

/* All of the frames that [pa, last] meets are what claim says, if nothing stronger is. */
void ws_uses_claim(struct ws_uses *uses, uint64_t pa, uint64_t last,
		   const struct ws_frame_run *claim);
/* The same for what init_mm maps at va. */
void ws_uses_claim_va(struct ws_uses *uses, uint64_t va, uint64_t last,
		      const struct ws_frame_run *claim);

/* The first four of the above. stacks: of all tasks, as ws_find_stacks() has them. */
enum ws_status ws_uses_find(struct ws_uses *uses,
			    const ws_stack_vec *stacks) WS_MUST_CHECK;
/* And the last, of those of which nothing is known by then. */
void ws_uses_by_page(struct ws_uses *uses);

#endif
