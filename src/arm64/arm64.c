/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AArch64 architecture, as the rest asks for it. */
#include <elf.h>

#include "arm64/autopsy.h"
#include "audit/trap.h"
#include "arm64/audit.h"
#include "arm64/entry.h"
#include "arm64/linux.h"
#include "arm64/regime.h"
#include "arm64/registers.h"
#include "arm64/special.h"

static const struct ws_format *const formats[] = {
	&ws_format_arm64_4k_39,  &ws_format_arm64_4k_48,
	&ws_format_arm64_4k_52,  &ws_format_arm64_16k_47,
	&ws_format_arm64_16k_48, &ws_format_arm64_16k_52,
	&ws_format_arm64_64k_42, &ws_format_arm64_64k_48,
	&ws_format_arm64_64k_52, NULL
};

static const struct ws_machine_type machines[] = {
	{ EM_AARCH64, 8, "AArch64", { "aarch64" } },
	{ 0 },
};

/* One that says nothing may have any granule. */
static const struct ws_format *plain_format(unsigned word)
{
	(void)word;
	return NULL;
}

static const struct ws_arch_linux on_linux = {
	.layouts = arm64_linux_layouts,
	.swappers = arm64_swappers,
	.regions = arm64_regions,
	.specials = arm64_special_roots,
	.entry_point = ws_trap_entry_point,
	.tour_registers = arm64_tour,
};

/* The glossary's words. */
static const struct ws_term terms[] = {
	{ "root", NULL,
	  "TTBR0_EL1 or TTBR1_EL1 without its ASID; translation table of the first level" },
	{ "hole", NULL, "an invalid descriptor, whose bit 0 is 0: a Translation fault" },
	{ "fault path", NULL, "the vector table that VBAR_EL1 names, SP_EL1" },
	{ NULL },
};

const struct ws_arch ws_arch_arm64 = {
	.name = "arm64",
	.manual = "Arm ARM (A64)",
	.terms = terms,
	.formats = formats,
	.on_linux = &on_linux,
	.root_register = "TTBR0_EL1",
	.machines = machines,
	.prstatuses = arm64_prstatuses,
	.qemu_state = &arm64_qemu_state,
	.qemu_machines = arm64_qemu_machines,
	.monitor_mark = "PSTATE=",
	.registers = arm64_registers,
	.format_of_cpu = arm64_format_of_cpu,
	.has_paging_off = arm64_has_paging_off,
	.root = arm64_root,
	.kernel_sp = arm64_kernel_sp,
	.regime = arm64_regime,
	.regime_registers = (const char *const[]){ "tcr_el1", NULL },
	.regimes = arm64_regimes,
	.regime_by_memory = arm64_regime_by_memory,
	.format_of_vmcoreinfo = arm64_format_of_vmcoreinfo,
	.plain_format = plain_format,
	.page_bits = WS_BIT(10), /* AF */
	.audit = &arm64_audit,
	.autopsy = &arm64_autopsy,
};
