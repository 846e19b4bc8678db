/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a processor stands. Which address faulted last (stval) no dump keeps.
 * What its exceptions leave in memory is not known here.
 */
#include "autopsy/arch.h"
#include "riscv/autopsy.h"
#include "riscv/registers.h"

static bool standing(struct ws_system *system, const struct ws_cpu *cpu,
		     struct ws_standing *standing)
{
	(void)system;
	*standing = (struct ws_standing){
		.ip = cpu->reg[RISCV_PC],
		.sp = cpu->reg[RISCV_SP],
		.user = !(cpu->reg[RISCV_PC] >> 63),
	};
	return ws_cpu_knows(cpu, RISCV_PC);
}

const struct ws_arch_autopsy riscv_autopsy = { .standing = standing };
