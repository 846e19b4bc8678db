/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kernel's code says of TTBCR (pan.c). */
#ifndef WS_ARM_PAN_H
#define WS_ARM_PAN_H

#include "linux/linux.h"

/*
 * *writes: whether a function of the kernel writes TTBCR. WS_NOT_MAPPED: it has no such
 * function; else what kept its code from being read.
 */
enum ws_evidence arm_writes_ttbcr(struct ws_system *system, const char *function,
				  bool *writes) WS_MUST_CHECK;

/* The regime that this kernel's code runs in; NULL: its code does not show it. */
const struct ws_named_regime *arm_regime_by_memory(struct ws_system *system);

/*
 * The regime that user mode has; false: the system's, or that is not known. Where TTBR0 is
 * disabled for the kernel's code, user mode cannot have that.
 */
bool arm_user_regime(const struct ws_system *system, struct ws_regime *regime);

#endif
