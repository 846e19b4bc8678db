/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables that the kernel does not make: it is the memory that is in doubt, and no space
 * is judged by what lies there (docs/fault-path.md).
 */
#ifndef WS_AUDIT_DAMAGED_H
#define WS_AUDIT_DAMAGED_H

#include "audit/rule.h"

/*
 * Whether init_mm's own user half, which nobody runs on, can be what all user halves are
 * held against. One that was overwritten would make all of them differ from it: then
 * audit->no_user_reference is set, with a note.
 */
void ws_weigh_user_reference(struct ws_audit *audit);

/* Records as lacking what a space's root held before it was overwritten. */
void ws_lack_root(struct ws_audit *audit, uint32_t space);

/* Whether the table there is all zeros: in use or not, nothing says that it was. */
bool ws_is_erased(const struct ws_paging *paging, uint64_t table);

#endif
