/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The RISC-V architecture, as the rest asks for it. */
#include <elf.h>

#include "riscv/autopsy.h"
#include "audit/trap.h"
#include "riscv/audit.h"
#include "riscv/entry.h"
#include "riscv/linux.h"
#include "riscv/regime.h"
#include "riscv/registers.h"
#include "riscv/special.h"

static const struct ws_format *const formats[] = { &ws_format_riscv_sv32,
						   &ws_format_riscv_sv39,
						   &ws_format_riscv_sv48,
						   &ws_format_riscv_sv57, NULL };

static const struct ws_machine_type machines[] = {
	{ EM_RISCV, 8, "RISC-V", { "riscv64" } },
	{ 0 },
};

/* Any of three may run, and one that says nothing shows none. */
static const struct ws_format *plain_format(unsigned word)
{
	(void)word;
	return NULL;
}

static const struct ws_arch_linux on_linux = {
	.layouts = riscv_linux_layouts,
	.swappers = riscv_swappers,
	.regions = riscv_regions,
	.specials = riscv_special_roots,
	.entry_point = ws_trap_entry_point,
	.tour_registers = riscv_tour,
};

/* The glossary's words. */
static const struct ws_term terms[] = {
	{ "root", NULL, "satp without mode and ASID; root page table" },
	{ "hole", NULL, "a PTE whose V bit is 0" },
	{ "fault path", NULL, "the trap vector that stvec names" },
	{ NULL },
};

const struct ws_arch ws_arch_riscv = {
	.name = "riscv",
	.manual = "RISC-V privileged",
	.terms = terms,
	.formats = formats,
	.root_register = "satp",
	.on_linux = &on_linux,
	.machines = machines,
	.prstatuses = riscv_prstatuses,
	.qemu_state = &riscv_qemu_state,
	.qemu_machines = riscv_qemu_machines,
	.monitor_mark = " satp ",
	.registers = riscv_registers,
	.format_of_cpu = riscv_format_of_cpu,
	.has_paging_off = riscv_has_paging_off,
	.root = riscv_root,
	.kernel_sp = riscv_kernel_sp,
	.regime = riscv_regime,
	.regime_registers = (const char *const[]){ "satp", NULL },
	.regimes = riscv_regimes,
	.regime_by_memory = riscv_regime_by_memory,
	.format_of_vmcoreinfo = riscv_format_of_vmcoreinfo,
	.plain_format = plain_format,
	.audit = &riscv_audit,
	.autopsy = &riscv_autopsy,
};
