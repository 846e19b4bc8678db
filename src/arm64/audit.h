/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_ARM64_AUDIT_H
#define WS_ARM64_AUDIT_H

#include "audit/arch.h"

extern const struct ws_arch_audit arm64_audit;

/* Looks at what it rests on beside page tables, for a capture. */
void arm64_tour(struct ws_system *system, const struct ws_cpu *cpu);

#endif
