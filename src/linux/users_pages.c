/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What user mode reads, or calls, in the kernel's half. It lies at fixed places, which
 * other kernels use for other things. So the place alone does not make a page the user's.
 */
#include "linux/users_pages.h"

#include <stdlib.h>

static const struct ws_users_page *rows_of(const struct ws_system *system)
{
	return ws_on_linux(system)->users_pages;
}

/* 0 where it is not known: then the place and what lies there decide alone. */
static uint32_t version(const struct ws_system *system)
{
	size_t n;
	const char *text = ws_vmcoreinfo_line(system, "OSRELEASE", &n);
	char *end = NULL;
	unsigned long major = text ? strtoul(text, &end, 10) : 0;

	if (!text || end == text || *end != '.' || major > 1000)
		return 0;
	return (uint32_t)(major * 1000 + strtoul(end + 1, NULL, 10) % 1000);
}

bool ws_is_users_page(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry)
{
	for (const struct ws_users_page *row = rows_of(system); row && row->word; row++)
		if (row->word == system->layout.word && va >= row->first &&
		    va <= row->last && version(system) < row->until &&
		    row->is_it(system, va, pa, entry))
			return true;
	return false;
}

static void look_at(struct ws_system *system, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&system->paging, system->layout.reference, va, &trail);
	if (trail.end == WS_END_PAGE && trail.access & WS_USER_READ)
		(void)ws_is_users_page(system, va, trail.pa,
				       trail.step[trail.nsteps - 1].entry);
}

void ws_users_pages_tour(struct ws_system *system)
{
	for (const struct ws_users_page *row = rows_of(system); row && row->word; row++)
		for (uint64_t va = row->first;
		     row->word == system->layout.word && va < row->last;
		     va += WS_FRAME_SIZE)
			look_at(system, va);
}
