/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of the kernel's half that user mode is meant to see. */
#ifndef WS_LINUX_USERS_PAGES_H
#define WS_LINUX_USERS_PAGES_H

#include "linux/linux.h"

/*
 * Whether user mode is meant to see the 4 KiB page that entry, of the last level, maps at
 * va from pa: by its place, by what lies there, and by the kernel's version where that is
 * known. That it may not write it, who asks looks at.
 */
bool ws_is_users_page(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry);

/* Looks at what init_mm has at all such places, as ws_is_users_page() does. */
void ws_users_pages_tour(struct ws_system *system);

#endif
