/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_RISCV_AUDIT_H
#define WS_RISCV_AUDIT_H

#include "audit/arch.h"

extern const struct ws_arch_audit riscv_audit;

#endif
