/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies of /proc/kcore, by which Linux shows its own memory as an ELF core (fs/proc/kcore.c).
 * Its segments are ranges of kernel virtual addresses:
 *
 *	the direct map		all of memory that the kernel has an address for
 *	the image		the same memory once more (x86-64)
 *	vmalloc, modules, ...	the same once more, in an order that page tables have
 *
 * p_paddr is where a segment of the first two lies, and -1 in the others; before 4.11
 * (464920104bf7) it is 0 in all.
 */
#ifndef WS_TARGET_KCORE_H
#define WS_TARGET_KCORE_H

#include "target/target.h"

/* A PT_LOAD of a core; UINT64_MAX is p_paddr's -1, whatever the class. */
struct ws_kcore_segment {
	uint64_t va, pa, len;
};

struct ws_kcore {
	WS_VEC(struct ws_kcore_segment) segments; /* all, in any order */
	bool is;       /* it is one: p_paddr says so, or the notes */
	bool unplaced; /* p_paddr is 0 in all; then these: */
	uint64_t base; /* where the direct map begins, */
	uint64_t end;  /* and ends */
	uint64_t ndirect, nimage, nvirtual;
};

void ws_kcore_release(struct ws_kcore *kcore);

/* Once all segments are there. WS_ERR_UNSUPPORTED: where memory lies cannot be known. */
enum ws_status ws_kcore_look(struct ws_target *target,
			     struct ws_kcore *kcore) WS_MUST_CHECK;

/*
 * Where a segment's memory lies; false: that is not known, or it is there already. *flaw is
 * why it cannot lie there, or NULL.
 */
bool ws_kcore_place(const struct ws_target *target, const struct ws_kcore *kcore,
		    const struct ws_kcore_segment *segment, uint64_t *pa,
		    const char **flaw);

/* Of the kernel that runs here: what its processors have in registers, if a module says it. */
enum ws_status ws_kernel_registers(struct ws_target *target) WS_MUST_CHECK;

/* And entries that it writes, if a module does it: ops->sync. */
enum ws_status ws_kernel_sync(struct ws_target *target,
			      struct ws_sync_entry *const *entries, size_t n,
			      uint64_t reference) WS_MUST_CHECK;

/* What is said of it, once all is added. */
enum ws_status ws_kcore_note(struct ws_target *target,
			     const struct ws_kcore *kcore) WS_MUST_CHECK;

#endif
