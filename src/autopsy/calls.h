/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that a page of a stack holds, by the frame pointers that they saved. */
#ifndef WS_AUTOPSY_CALLS_H
#define WS_AUTOPSY_CALLS_H

#include "linux/linux.h"

/*
 * Where in the page at va, of the direct map, a chain of calls begins that leads on out of it,
 * upward; 0: it is no stack's, or of a kernel without frame pointers.
 */
uint64_t ws_find_calls(const struct ws_system *system, uint64_t va);

#endif
