/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ARM's page tables that no task has, and what they have to map. */
#ifndef WS_ARM_SPECIAL_H
#define WS_ARM_SPECIAL_H

#include "audit/special.h"

extern const struct ws_special_root arm_special_roots[];
extern const struct ws_special arm_specials[];

#endif
