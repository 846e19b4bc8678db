/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an autopsy asks of AArch64. */
#ifndef WS_ARM64_AUTOPSY_H
#define WS_ARM64_AUTOPSY_H

struct ws_arch_autopsy;
extern const struct ws_arch_autopsy arm64_autopsy;

#endif
