/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* idmap_pgd: the page table with the identity map (arch/arm/mm/idmap.c). */
#ifndef WS_ARM_IDMAP_H
#define WS_ARM_IDMAP_H

#include "linux/linux.h"

/* Its root, by the kernel's variable. False: what is known does not lead to it. */
bool arm_idmap_root(struct ws_system *system, uint64_t *root);

#endif
