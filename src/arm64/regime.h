/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TCR_EL1, as the rest asks for it (arch/regime.h). */
#ifndef WS_ARM64_REGIME_H
#define WS_ARM64_REGIME_H

#include "arch/arch.h"

bool arm64_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		  struct ws_regime *regime);
const struct ws_named_regime *arm64_regimes(const struct ws_format *format);
const struct ws_named_regime *arm64_regime_by_memory(struct ws_system *system,
						     char why[static WS_REGIME_WHY]);

#endif
