/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the handler of a fault touches and no symbol says where it lies: it may be in any
 * part of the image or the direct map that a space lacks.
 */
#include "arm/faultpath.h"
#include "audit/lack.h"
#include "linux/roots.h"

/* A part of it that init_mm has and this space has not, in the regime that is audited. */
static bool has_hole(const struct ws_system *system, const struct ws_space *space,
		     uint64_t first, uint64_t last)
{
	const struct ws_format *format = system->paging.format;
	uint64_t step = WS_BIT(format->level[ws_private_level(format)].shift);
	struct ws_trail here, there;
	struct ws_eye init;

	ws_root_eye(system, system->layout.reference, true, &init);
	for (uint64_t va = first & -step; va <= last; va += step) {
		ws_space_walk(system, space, va, &here);
		ws_eye_walk(&system->paging, &init, va, &there);
		if (here.end == WS_END_HOLE &&
		    here.nsteps < there.nsteps + (there.end == WS_END_PAGE))
			return true;
	}
	return false;
}

/*
 * The stack of abort mode, init_mm, tasks and per-CPU data: all that the handler touches
 * lies in the image or in the direct map, but where there few symbols say.
 */
static void lack_place(struct ws_audit *audit, uint32_t space, bool knows_modes)
{
	const struct ws_system *system = audit->system;
	const struct ws_kernel_region *direct = &system->regions.v[0];

	if (has_hole(system, &system->spaces.v[space], direct->first, direct->last))
		ws_lack_fact_of(
			audit, space,
			"where %stasks and per-CPU data lie, which no symbol says: they "
			"may be in what is not mapped here of the kernel's image and "
			"direct map",
			knows_modes ? "" : "the stack of abort mode, ");
}

void arm_lack_places(struct ws_audit *audit, bool knows_modes)
{
	for (uint32_t i = 0; i < audit->system->spaces.n; i++)
		if (ws_has_tables(audit, i))
			lack_place(audit, i, knows_modes);
}
