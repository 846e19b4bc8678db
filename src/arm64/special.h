/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AArch64's page tables that no task has, and what they have to map. */
#ifndef WS_ARM64_SPECIAL_H
#define WS_ARM64_SPECIAL_H

#include "audit/special.h"

extern const struct ws_special_root arm64_special_roots[];
extern const struct ws_special arm64_specials[];

#endif
