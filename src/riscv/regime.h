/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* satp, as the rest asks for it (arch/regime.h). */
#ifndef WS_RISCV_REGIME_H
#define WS_RISCV_REGIME_H

#include "arch/arch.h"

bool riscv_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		  struct ws_regime *regime);
const struct ws_named_regime *riscv_regimes(const struct ws_format *format);
const struct ws_named_regime *riscv_regime_by_memory(struct ws_system *system,
						     char why[static WS_REGIME_WHY]);

#endif
