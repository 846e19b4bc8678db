/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The RISC-V formats. */
#ifndef WS_RISCV_ENTRY_H
#define WS_RISCV_ENTRY_H

#include "paging/format.h"

extern const struct ws_format ws_format_riscv_sv32, ws_format_riscv_sv39,
	ws_format_riscv_sv48, ws_format_riscv_sv57;

#endif
