/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which spaces rules look at, and what they are held against. */
#include <string.h>

#include "audit/rule.h"
#include "linux/linux.h"

uint64_t ws_reference_of(const struct ws_audit *audit, const struct ws_space *space)
{
	const struct ws_layout *layout = &audit->system->layout;

	if (space->kind != WS_SPACE_USER)
		return layout->reference;
	return layout->consensus || audit->no_user_reference
		       ? space->root
		       : layout->reference + WS_FRAME_SIZE;
}

bool ws_audited(const struct ws_audit *audit, uint32_t index)
{
	const struct ws_space *space = &audit->system->spaces.v[index];

	return space->counts || space->kind == WS_SPACE_USER;
}

bool ws_has_tables(const struct ws_audit *audit, uint32_t index)
{
	return ws_audited(audit, index) && !audit->system->spaces.v[index].looks_damaged;
}

uint64_t ws_memory_end(const struct ws_audit *audit)
{
	const struct ws_system *system = audit->system;
	uint64_t mapped = ws_direct_pa(system, system->regions.v[0].last + 1);

	return mapped > system->target->memory_end ? mapped : system->target->memory_end;
}

uint32_t ws_init_space(const struct ws_audit *audit)
{
	for (uint32_t i = 0; i < audit->system->spaces.n; i++)
		if (audit->system->spaces.v[i].kind == WS_SPACE_INIT)
			return i;
	return 0;
}

uint32_t ws_space_of_root(const struct ws_audit *audit, uint64_t root)
{
	const struct ws_system *system = audit->system;

	root &= system->paging.format->root_mask;
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root)
			return i;
	return WS_NO_SPACE;
}

bool ws_lies_in(const struct ws_audit *audit, uint64_t va, const char *const *names)
{
	const char *region = ws_region_name(audit->system, va);

	while (*names && strcmp(region, *names))
		names++;
	return *names;
}
