/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an autopsy asks of 32-bit ARM. */
#ifndef WS_ARM_AUTOPSY_H
#define WS_ARM_AUTOPSY_H

struct ws_arch_autopsy;
extern const struct ws_arch_autopsy arm_autopsy;

#endif
