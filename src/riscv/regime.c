/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * satp (Privileged Architecture, 12.1.11): its mode says how many levels the tables have,
 * and its PPN which root translates all addresses, the kernel's too. Each space has its
 * own, so what is taken of satp is the mode.
 */
#include "riscv/regime.h"

#include <stdio.h>
#include <string.h>

#include "linux/linux.h"
#include "riscv/entry.h"
#include "riscv/registers.h"

bool riscv_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		  struct ws_regime *regime)
{
	const struct ws_format *of_cpu = riscv_format_of_cpu(cpu, true);
	uint64_t satp = cpu->reg[RISCV_SATP];

	if (!of_cpu || strcmp(of_cpu->name, format->name) != 0)
		return false;
	*regime = (struct ws_regime){ 0 };
	snprintf(regime->text, sizeof(regime->text),
		 "satp mode %ju (Sv%u): the space's own root translates all",
		 satp >> RISCV_SATP_MODE_SHIFT, format->va_bits);
	return true;
}

#define ROWS(mode)                                                             \
	{                                                                      \
		{ "kernel",                                                    \
		  "kernel and user mode alike, as Linux sets it",              \
		  { { "satp", (uint64_t)(mode) << RISCV_SATP_MODE_SHIFT } } }, \
		{                                                              \
			0                                                      \
		}                                                              \
	}

static const struct {
	const struct ws_format *format;
	struct ws_named_regime rows[2];
} regimes[] = {
	{ &ws_format_riscv_sv39, ROWS(8) },
	{ &ws_format_riscv_sv48, ROWS(9) },
	{ &ws_format_riscv_sv57, ROWS(10) },
};

const struct ws_named_regime *riscv_regimes(const struct ws_format *format)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(regimes); i++)
		if (!strcmp(regimes[i].format->name, format->name))
			return regimes[i].rows;
	return NULL;
}

/* Its tables have as many levels as the mode says. */
const struct ws_named_regime *riscv_regime_by_memory(struct ws_system *system,
						     char why[static WS_REGIME_WHY])
{
	(void)why;
	return riscv_regimes(ws_system_paging(system)->format);
}
