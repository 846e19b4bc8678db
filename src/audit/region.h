/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a kernel's address space, by name. */
#ifndef WS_AUDIT_REGION_H
#define WS_AUDIT_REGION_H

#include "linux/linux.h"

/* The direct map is the first row; a va may lie in several: the smallest names it. */
struct ws_region_map {
	WS_VEC(struct ws_kernel_region) rows;
};

enum ws_status ws_region_map_init(struct ws_region_map *map,
				  struct ws_system *system) WS_MUST_CHECK;
void ws_region_map_release(struct ws_region_map *map);
const char *ws_region_name(const struct ws_region_map *map, uint64_t va);

/*
 * Writes what to add to a sentence about [va, last]: "; there lie modules a, b", four
 * names at most; nothing where no module has a part there.
 */
#define WS_MODULES_TEXT 320
void ws_modules_there(struct ws_system *system, uint64_t va, uint64_t last,
		      char text[WS_MODULES_TEXT]);

#endif
