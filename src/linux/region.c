/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of the kernel's address space begin and end: the direct map and the
 * image as they are mapped, the others as the architecture has them.
 */
#include "linux/region.h"

#include "linux/symtab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ws_status ws_region_add(struct ws_system *system, const char *name, uint64_t first,
			     uint64_t last)
{
	struct ws_kernel_region *row;

	if (first > last)
		return WS_OK;
	row = ws_vec_push(&system->regions);
	if (!row)
		return ws_fail_memory(system->ctx);
	*row = (struct ws_kernel_region){ name, first, last };
	return WS_OK;
}

/* What is mapped at one va - pa, and its last byte. */
struct stretch {
	uint64_t delta, last;
};

static bool stretch(void *arg, const struct ws_run *run)
{
	struct stretch *map = arg;

	if (run->pa != run->va - map->delta)
		return false;
	map->last = run->last;
	return true;
}

enum ws_status ws_stretch(struct ws_system *system, uint64_t delta, uint64_t first,
			  uint64_t most, uint64_t *last)
{
	struct stretch map = { delta, *last };
	enum ws_status status = ws_range(&system->paging, system->layout.reference, first,
					 most, WS_RANGE_PHYSICAL, 0, stretch, &map);

	*last = map.last;
	return status;
}

/*
 * It has holes where memory has, and ends where memory does, or, of a 32-bit kernel, where
 * lowmem does: from there on what is mapped lies elsewhere than its va says. A target may hold
 * less than the machine had, so it is not asked.
 */
static enum ws_status direct_map(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	uint64_t last = layout->page_offset;
	enum ws_status status =
		ws_stretch(system, layout->direct_delta, layout->page_offset,
			   ws_last_va(system), &last);

	if (status != WS_OK)
		return ws_fail(system->ctx, status,
			       "the direct map's tables have no end");
	return ws_region_add(system, "direct map", layout->page_offset, last);
}

static enum ws_status image(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;

	if (!layout->image_last)
		return WS_OK;
	return ws_region_add(system, "kernel image", layout->image_first,
			     layout->image_last);
}

static enum ws_status find_regions(struct ws_system *system)
{
	enum ws_status status = direct_map(system);

	if (status == WS_OK)
		status = ws_on_linux(system)->regions(system);
	return status == WS_OK ? image(system) : status;
}

enum ws_status ws_regions_find(struct ws_system *system)
{
	enum ws_status status = WS_OK;

	if (system->regions.n)
		return WS_OK;
	status = find_regions(system);
	if (status != WS_OK)
		system->regions.n = 0; /* whole or not at all */
	return status;
}

/* The smallest that holds it: the image may lie inside the direct map. */
const char *ws_region_name(const struct ws_system *system, uint64_t va)
{
	const struct ws_kernel_region *best = NULL;

	ws_vec_each(&system->regions, row)
		if (va >= row->first && va <= row->last &&
		    (!best || row->last - row->first < best->last - best->first))
			best = row;
	if (best)
		return best->name;
	return va < system->regions.v[0].first && va < system->layout.kernel_first &&
			       !(va >> 63)
		       ? "user"
		       : "kernel";
}

/* ---- modules ---------------------------------------------------------------------- */

static bool has_part(const struct ws_module *module, uint64_t va, uint64_t last)
{
	for (unsigned i = 0; i < module->nregions; i++) {
		const struct ws_region *region = &module->region[i];

		if (region->va <= last && va <= region->va + (region->len - 1))
			return true;
	}
	return false;
}

#define MODULES_NAMED 4

void ws_modules_there(struct ws_system *system, uint64_t va, uint64_t last,
		      char text[WS_MODULES_TEXT])
{
	const char *name[MODULES_NAMED];
	const struct ws_module *modules;
	size_t n, named = 0, at;
	bool more = false;

	text[0] = '\0';
	if (ws_system_modules(system, &modules, &n) != WS_OK) {
		ws_error_clear(system->ctx);
		return;
	}
	for (size_t i = 0; i < n && !more; i++) {
		if (!has_part(&modules[i], va, last))
			continue;
		more = named == MODULES_NAMED;
		if (!more)
			name[named++] = modules[i].name;
	}
	at = named ? (size_t)sprintf(text, "; module%s", named > 1 ? "s" : "") : 0;
	for (size_t i = 0; i < named; i++)
		at += (size_t)snprintf(text + at, WS_MODULES_TEXT - at, "%s %s",
				       i ? "," : "", name[i]);
	if (more)
		snprintf(text + at, WS_MODULES_TEXT - at, " and others");
}
