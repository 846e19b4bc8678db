/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TTBCR, as the rest asks for it (arch/regime.h). */
#ifndef WS_ARM_REGIME_H
#define WS_ARM_REGIME_H

#include "arch/arch.h"

bool arm_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		struct ws_regime *regime);
const struct ws_named_regime *arm_regimes(const struct ws_format *format);
/* The one with that name; NULL: there is none. */
const struct ws_named_regime *arm_regime_named(const struct ws_format *format,
					       const char *name);

#endif
