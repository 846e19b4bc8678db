/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kernel's code says of TTBCR (pan.c). */
#ifndef WS_ARM_PAN_H
#define WS_ARM_PAN_H

#include "arm/code.h"

/* *writes: whether a function writes TTBCR. False: that is not known, and why. */
bool arm_writes_ttbcr(struct ws_system *system, const char *function,
		      arm_is_whole_fn *is_whole, bool *writes,
		      char why[static WS_REGIME_WHY]) WS_MUST_CHECK;

/* The regime that this kernel's code runs in; NULL: its code does not show it, and why. */
const struct ws_named_regime *arm_regime_by_memory(struct ws_system *system,
						   char why[static WS_REGIME_WHY]);

/*
 * The regime that user mode has; false: the system's, or that is not known. Where TTBR0 is
 * disabled for the kernel's code, user mode cannot have that.
 */
bool arm_user_regime(const struct ws_system *system, struct ws_regime *regime);

#endif
