/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a processor stands. Which address faulted last (FAR_EL1) no dump keeps.
 * What its exceptions leave in memory is not known here.
 */
#include "autopsy/arch.h"
#include "arm64/autopsy.h"
#include "arm64/registers.h"

static bool standing(struct ws_system *system, const struct ws_cpu *cpu,
		     struct ws_standing *standing)
{
	(void)system;
	*standing = (struct ws_standing){
		.ip = cpu->reg[ARM64_PC],
		.sp = cpu->reg[ARM64_SP],
		.user = !(cpu->reg[ARM64_PSTATE] & ARM64_PSTATE_EL),
	};
	return ws_cpu_knows(cpu, ARM64_PC) && ws_cpu_knows(cpu, ARM64_PSTATE);
}

const struct ws_arch_autopsy arm64_autopsy = { .standing = standing };
