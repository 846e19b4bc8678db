/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a kernel's address space, by name. */
#ifndef WS_LINUX_REGION_H
#define WS_LINUX_REGION_H

#include "linux/linux.h"

/* Fills system->regions, once. The other functions here need it done. */
enum ws_status ws_regions_find(struct ws_system *system) WS_MUST_CHECK;
/* Adds one, where it does not end before it begins. name: a literal. */
enum ws_status ws_region_add(struct ws_system *system, const char *name, uint64_t first,
			     uint64_t last) WS_MUST_CHECK;
/*
 * *last: how far from first on, and up to most, the reference maps memory at va - pa =
 * delta; as it was where not even first is mapped so. What is not mapped at all, between,
 * does not end it.
 */
enum ws_status ws_stretch(struct ws_system *system, uint64_t delta, uint64_t first,
			  uint64_t most, uint64_t *last) WS_MUST_CHECK;
/* The smallest that holds va: they may lie in one another. */
const char *ws_region_name(const struct ws_system *system, uint64_t va);

/*
 * Writes what to add to a sentence about [va, last]: "; modules a, b", four
 * names at most; nothing where no module has a part there.
 */
#define WS_MODULES_TEXT 320
void ws_modules_there(struct ws_system *system, uint64_t va, uint64_t last,
		      char text[WS_MODULES_TEXT]);

#endif
