/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ARM's jumps (audit/jump.h). */
#ifndef WS_ARM_JUMP_H
#define WS_ARM_JUMP_H

#include "audit/jump.h"

extern const struct ws_jump arm_jumps[]; /* ends with what NULL */

#endif
