/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What layout.c and candidates.c share: what shows that a root holds together. */
#ifndef WS_LINUX_LAYOUT_H
#define WS_LINUX_LAYOUT_H

#include "linux/linux.h"

/* How the walk from a root to itself, through the direct map, ends: WS_END_PAGE if
 * there, WS_END_HOLE if it leads to another page. */
enum ws_end ws_maps_itself(const struct ws_paging *paging, uint64_t root, uint64_t delta);
/* Makes root the reference; delta: va - pa in the direct map. */
void ws_layout_adopt(struct ws_system *system, uint64_t root, uint64_t delta);

#endif
