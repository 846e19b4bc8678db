/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux on RISC-V: the parts of struct ws_arch_linux, each in a file of its own. */
#ifndef WS_RISCV_LINUX_H
#define WS_RISCV_LINUX_H

#include "arch/linux.h"

/* KERNEL_LINK_ADDR (arch/riscv/include/asm/pgtable.h); KASLR moves the image up. */
#define RISCV_KERNEL_MAP UINT64_C(0xffffffff80000000)

extern const struct ws_linux_layout riscv_linux_layouts[];
bool riscv_swappers(struct ws_system *system, uint64_t va,
		    uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n);
enum ws_status riscv_regions(struct ws_system *system);

#endif
