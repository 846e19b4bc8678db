/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init_mm maps in one target, against what it maps in another. */
#ifndef WHOSEES_MAPPINGS_H
#define WHOSEES_MAPPINGS_H

#include "session.h"
#include "util/vec.h"

/*
 * Runs of the kernel's half, in order of address: pages, and what the target lacks the
 * tables of. Zeroed: empty.
 */
typedef WS_VEC(struct ws_run) run_vec;

enum exit_status mappings_gather(struct session *session, run_vec *runs);

/*
 * A range of which the same is true; NULL is what does not map it. Return false to stop.
 */
typedef bool mappings_fn(void *arg, uint64_t va, uint64_t last,
			 const struct ws_run *before, const struct ws_run *after);

/* The bytes of which the mapping is unknown. */
uint64_t mappings_unknown(const run_vec *runs);

/*
 * Every range that is known to differ, in order; neighbours with the same change are one.
 */
void mappings_compare(const run_vec *before, const run_vec *after, mappings_fn *fn,
		      void *arg);

/*
 * Why a mapping differs between two boots: the first says something, the others follow
 * from where each boot has put what.
 */
enum mapping_kind {
	MAPPING_OTHER,
	MAPPING_FRAMES, /* the same rights, other frames */
	MAPPING_ALIAS, /* direct map: the rights of modules' frames follow the modules' */
	MAPPING_VMALLOC, /* where vmalloc() and the module loader found room */
	MAPPING_KINDS
};
const char *mapping_kind_name(enum mapping_kind kind);

/* What it takes to say so. Zeroed: empty. */
struct placement {
	const struct ws_kernel_region *regions; /* the direct map's first */
	size_t nregions;
	WS_VEC(struct ws_region) frames; /* pa: that modules lie in, in either target */
};

/* Adds one target's modules; all of them added, placement_seal(). False: no memory. */
bool placement_add(struct placement *placement, const run_vec *runs,
		   const struct ws_module *modules, size_t n);
void placement_seal(struct placement *placement);
void placement_release(struct placement *placement);

enum mapping_kind mapping_kind(const struct placement *placement, uint64_t va,
			       uint64_t last, const struct ws_run *before,
			       const struct ws_run *after);

#endif
