/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RISC-V's jumps (audit/jump.h). */
#ifndef WS_RISCV_JUMP_H
#define WS_RISCV_JUMP_H

#include "audit/jump.h"

extern const struct ws_jump riscv_jumps[]; /* ends with what NULL */

#endif
