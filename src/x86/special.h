/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables that Linux on x86 has for purposes of its own, and what they have to map. */
#ifndef WS_X86_SPECIAL_H
#define WS_X86_SPECIAL_H

#include "audit/special.h"

extern const struct ws_special_root x86_special_roots[];
extern const struct ws_special x86_specials[];

#endif
