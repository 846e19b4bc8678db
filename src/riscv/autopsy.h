/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an autopsy asks of RISC-V. */
#ifndef WS_RISCV_AUTOPSY_H
#define WS_RISCV_AUTOPSY_H

struct ws_arch_autopsy;
extern const struct ws_arch_autopsy riscv_autopsy;

#endif
