/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AArch64's jumps (audit/jump.h). */
#ifndef WS_ARM64_JUMP_H
#define WS_ARM64_JUMP_H

#include "audit/jump.h"

extern const struct ws_jump arm64_jumps[]; /* ends with what NULL */

/*
 * The formats by which idmap_pg_dir may be read: T0SZ is its own. At most so many; the
 * last NULL.
 */
#define ARM64_IDMAP_FORMATS 3
/* Whether such a table maps the code of the jumps to itself. */
bool arm64_is_idmap(struct ws_system *system, uint64_t root);
/* The one of them that maps the code there to itself; the first where none does. */
const struct ws_format *arm64_idmap_format(struct ws_system *system, uint64_t root);
void arm64_idmap_formats(const struct ws_system *system,
			 const struct ws_format *formats[static ARM64_IDMAP_FORMATS]);

#endif
