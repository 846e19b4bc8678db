/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux on AArch64: the parts of struct ws_arch_linux, each in a file of its own. */
#ifndef WS_ARM64_LINUX_H
#define WS_ARM64_LINUX_H

#include "arch/linux.h"

extern const struct ws_linux_layout arm64_linux_layouts[];
bool arm64_swappers(struct ws_system *system, uint64_t va,
		    uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n);
enum ws_status arm64_regions(struct ws_system *system);

#endif
