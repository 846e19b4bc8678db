/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RISC-V's page tables that no task has, and what they have to map. */
#ifndef WS_RISCV_SPECIAL_H
#define WS_RISCV_SPECIAL_H

#include "audit/special.h"

extern const struct ws_special_root riscv_special_roots[];
extern const struct ws_special riscv_specials[];

#endif
