/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies at a kernel address: its region, its module, the symbol at or below it. */
#include "linux/region.h"

/* Takes the region's part of the answer, and up to where it holds. */
static void find_region(const struct ws_system *system, uint64_t va,
			struct ws_place *place)
{
	place->region = ws_region_name(system, va);
	ws_vec_each(&system->regions, row) {
		if (row->first > va && row->first - 1 < place->last)
			place->last = row->first - 1;
		if (row->last >= va && row->last < place->last)
			place->last = row->last;
	}
}

static void find_module(const struct ws_system *system, uint64_t va,
			struct ws_place *place)
{
	ws_vec_each(&system->modules, module)
		for (unsigned r = 0; r < module->nregions; r++) {
			uint64_t first = module->region[r].va;
			uint64_t last = first + (module->region[r].len - 1);

			if (!module->region[r].len || last < first)
				continue;
			if (first > va && first - 1 < place->last)
				place->last = first - 1;
			if (va < first || va > last)
				continue;
			place->module = module;
			if (last < place->last)
				place->last = last;
		}
}

enum ws_status ws_place_at(struct ws_system *system, uint64_t va, struct ws_place *place)
{
	const struct ws_module *modules;
	size_t n;
	enum ws_status status = ws_regions_find(system);

	*place = (struct ws_place){ .last = UINT64_MAX };
	if (status == WS_OK)
		status = ws_system_modules(system, &modules, &n);
	if (status != WS_OK)
		return status;
	find_region(system, va, place);
	find_module(system, va, place);
	return WS_OK;
}
