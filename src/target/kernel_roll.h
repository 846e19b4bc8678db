/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom the kernel that runs here names as its processes: ops->roll of `live`. */
#ifndef WS_TARGET_KERNEL_ROLL_H
#define WS_TARGET_KERNEL_ROLL_H

#include "target/target.h"

/*
 * Has the kernel take the program. The caller closes what it gives, and with that the kernel
 * drops it. -1: it does not take it: no BTF, no CAP_BPF and CAP_PERFMON, 32 bits, lockdown.
 */
int ws_kernel_roll_open(void);

/* As ops->roll, by what was opened. */
enum ws_status ws_kernel_roll(struct ws_target *target, int link, ws_roll *roll,
			      bool *known) WS_MUST_CHECK;

#endif
