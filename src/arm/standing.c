/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a processor stands. Which address faulted last (DFAR, IFAR) no dump keeps.
 * What its exceptions leave in memory is not known here.
 */
#include "autopsy/arch.h"
#include "arm/autopsy.h"
#include "arm/registers.h"

static bool standing(struct ws_system *system, const struct ws_cpu *cpu,
		     struct ws_standing *standing)
{
	(void)system;
	*standing = (struct ws_standing){
		.ip = cpu->reg[ARM_PC],
		.sp = cpu->reg[ARM_SP],
		.user = (cpu->reg[ARM_CPSR] & ARM_MODE) == ARM_MODE_USER,
	};
	return ws_cpu_knows(cpu, ARM_PC) && ws_cpu_knows(cpu, ARM_CPSR);
}

const struct ws_arch_autopsy arm_autopsy = { .standing = standing };
