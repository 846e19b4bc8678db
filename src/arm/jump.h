/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ARM's ways into another kernel (audit/jump.h). */
#ifndef WS_ARM_JUMP_H
#define WS_ARM_JUMP_H

#include "audit/jump.h"

extern const struct ws_jump arm_jumps[]; /* ends with where NULL */

/* Looks at what the first of them rests on, for a capture. */
void arm_jump_tour(struct ws_system *system);

#endif
