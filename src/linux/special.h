/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Roots that the kernel has for a purpose of its own, and no task: which one is which. The
 * rows are the architecture's (struct ws_special_root).
 */
#ifndef WS_LINUX_SPECIAL_H
#define WS_LINUX_SPECIAL_H

#include "linux/linux.h"

/* The row of a root by its place, or by what lies there; NULL: none of them. */
const struct ws_special_root *ws_special_by_place(struct ws_system *system,
						  uint64_t root);

/* Adds those of a known place that the pass over memory cannot tell from other frames. */
enum ws_status ws_special_add_roots(struct ws_system *system) WS_MUST_CHECK;

/* Fills system->specials, once, by symbols too, and names their spaces. */
enum ws_status ws_specials_find(struct ws_system *system) WS_MUST_CHECK;

/* What of them the space is; NULL: none. Once they were found. */
const struct ws_special_found *ws_special_of(const struct ws_system *system,
					     uint32_t space);

#endif
