/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file of symbols says of places that memory does not show. */
#ifndef WS_LINUX_HINTS_H
#define WS_LINUX_HINTS_H

#include "linux/linux.h"

/*
 * Reads the files in options for ws_hint(). One that is not shown to be of this kernel
 * gives no hints; it is refused with words when symbols are loaded.
 */
enum ws_status ws_hints_load(struct ws_system *system) WS_MUST_CHECK;
/* Where the running kernel has that symbol; false where no file says so. */
bool ws_hint(const struct ws_system *system, const char *name, uint64_t *va);

#endif
