/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 32-bit ARM architecture, as the rest asks for it. */
#include <elf.h>
#include <string.h>

#include "arm/autopsy.h"
#include "arm/entry.h"
#include "arm/pan.h"
#include "arm/faultpath.h"
#include "arm/linux.h"
#include "arm/regime.h"
#include "arm/registers.h"
#include "arm/special.h"

static const struct ws_format *const formats[] = { &ws_format_arm, &ws_format_arm_lpae,
						   NULL };

/* arch/arm/mm/proc-*.S, "arch_name", and 'l' for little endian (setup_processor()). */
static const struct ws_machine_type machines[] = {
	{ EM_ARM, 4, "ARM", { "armv7l", "armv6l", "armv8l" } },
	{ 0 },
};

/* No dump says which: they keep no control registers. */
static const struct ws_format *format_of_cpu(const struct ws_cpu *cpu, bool wide)
{
	const uint64_t eae = WS_BIT(31); /* DDI 0406C, B4.1.153 */

	(void)wide;
	if (!ws_cpu_knows(cpu, ARM_TTBCR))
		return NULL;
	return cpu->reg[ARM_TTBCR] & eae ? &ws_format_arm_lpae : &ws_format_arm;
}

static bool has_paging_off(const struct ws_cpu *cpu)
{
	return ws_cpu_knows(cpu, ARM_SCTLR) && !(cpu->reg[ARM_SCTLR] & ARM_SCTLR_M);
}

static bool root(const struct ws_cpu *cpu, uint64_t *ttbr)
{
	*ttbr = cpu->reg[ARM_TTBR0];
	return ws_cpu_knows(cpu, ARM_TTBR0);
}

static bool kernel_sp(const struct ws_cpu *cpu, uint64_t *sp)
{
	*sp = cpu->reg[ARM_SP];
	return ws_cpu_knows(cpu, ARM_CPSR) &&
	       (cpu->reg[ARM_CPSR] & ARM_MODE) != ARM_MODE_USER;
}

/* arch_crash_save_vmcoreinfo(), arch/arm/kernel/machine_kexec.c. */
static const struct ws_format *format_of_vmcoreinfo(const char *text)
{
	return strstr(text, "\nCONFIG_ARM_LPAE=y") ? &ws_format_arm_lpae : NULL;
}

static const struct ws_format *plain_format(unsigned word)
{
	(void)word;
	return &ws_format_arm;
}

static const struct ws_arch_linux on_linux = {
	.layouts = arm_linux_layouts,
	.swappers = arm_swappers,
	.regions = arm_regions,
	.specials = arm_special_roots,
	.users_pages = arm_users_pages,
	.entry_point = arm_entry_point,
	.tour_registers = arm_tour,
};

/* The glossary's words. */
static const struct ws_term terms[] = {
	{ "root", NULL,
	  "TTBR0 or TTBR1 without its flags; first-level translation table" },
	{ "hole", NULL, "a descriptor whose bits 1:0 are 0: a Translation fault" },
	{ "fault path", NULL,
	  "vectors (VBAR, or 0xffff0000), and the stack of the mode" },
	{ "page frame", NULL, "small page" },
	{ "lazy fault", "do_translation_fault()", NULL },
	{ NULL },
};

const struct ws_arch ws_arch_arm = {
	.name = "arm",
	.manual = "Arm ARM",
	.terms = terms,
	.formats = formats,
	.root_register = "TTBR0",
	.on_linux = &on_linux,
	.machines = machines,
	.prstatuses = arm_prstatuses,
	.monitor_registers = arm_monitor_registers,
	.monitor_mark = "\nPSR=",
	.qemu_state = &arm_qemu_state,
	.qemu_machines = arm_qemu_machines,
	.registers = arm_registers,
	.format_of_cpu = format_of_cpu,
	.has_paging_off = has_paging_off,
	.root = root,
	.kernel_sp = kernel_sp,
	.regime = arm_regime,
	.regime_registers = (const char *const[]){ "ttbcr", NULL },
	.regimes = arm_regimes,
	.regime_by_memory = arm_regime_by_memory,
	.format_of_vmcoreinfo = format_of_vmcoreinfo,
	.plain_format = plain_format,
	.audit = &arm_audit,
	.autopsy = &arm_autopsy,
};
