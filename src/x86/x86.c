/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The x86 architecture, as the rest asks for it. */
#include <elf.h>
#include <stdio.h>

#include "x86/autopsy.h"
#include "x86/entry.h"
#include "x86/faultpath.h"
#include "x86/linux.h"
#include "x86/registers.h"
#include "x86/whatif/whatif.h"

static const struct ws_format *const formats[] = {
	&ws_format_i386,   &ws_format_i386_nopse,  &ws_format_i386_pae,
	&ws_format_x86_64, &ws_format_x86_64_la57, NULL,
};

static const struct ws_machine_type machines[] = {
	{ EM_386, 4, "i386", { "i386", "i486", "i586", "i686" } },
	{ EM_X86_64, 8, "x86-64", { "x86_64" } },
	{ 0 },
};

static bool has_paging_off(const struct ws_cpu *cpu)
{
	return x86_has_control(cpu) && !(cpu->reg[X86_CR0] & X86_CR0_PG);
}

static bool root(const struct ws_cpu *cpu, uint64_t *cr3)
{
	*cr3 = cpu->reg[X86_CR3];
	return ws_cpu_knows(cpu, X86_CR3);
}

static bool kernel_sp(const struct ws_cpu *cpu, uint64_t *sp)
{
	*sp = cpu->reg[X86_SP];
	return x86_has_control(cpu) && ws_cpu_knows(cpu, X86_CS) &&
	       !(cpu->reg[X86_CS] & 3);
}

/*
 * One root translates all. What the registers add is no part of the tables: whether
 * read-only binds the kernel (SDM vol. 3A, 4.6.1), whether it may fetch from user pages or
 * touch them, whether XD is a right or reserved.
 */
static bool regime(const struct ws_cpu *cpu, const struct ws_format *format,
		   struct ws_regime *regime)
{
	uint64_t cr0 = cpu->reg[X86_CR0], cr4 = cpu->reg[X86_CR4];
	bool has_efer = ws_cpu_knows(cpu, X86_EFER);
	bool nxe = cpu->reg[X86_EFER] & X86_EFER_NXE;

	(void)format;
	if (!ws_cpu_knows(cpu, X86_CR0) || !ws_cpu_knows(cpu, X86_CR4))
		return false;
	*regime = (struct ws_regime){ .no_execute_off = has_efer && !nxe };
	snprintf(regime->text, sizeof(regime->text),
		 "CR3 translates all; CR0.WP %u, CR4.SMEP %u, SMAP %u, PCIDE %u%s",
		 !!(cr0 & X86_CR0_WP), !!(cr4 & X86_CR4_SMEP), !!(cr4 & X86_CR4_SMAP),
		 !!(cr4 & X86_CR4_PCIDE),
		 !has_efer ? ""
		 : nxe     ? ", EFER.NXE 1"
			   : ", EFER.NXE 0");
	return true;
}

static const struct ws_format *plain_format(unsigned word)
{
	return word == 8 ? &ws_format_x86_64 : &ws_format_i386;
}

static const struct ws_arch_linux on_linux = {
	.layouts = x86_linux_layouts,
	.swappers = x86_swappers,
	.user_halves = &x86_user_halves,
	.encryption = x86_encryption,
	.regions = x86_regions,
	.users_pages = x86_users_pages,
	.specials = x86_special_roots,
	.stack_tops = x86_stack_tops,
	.handlers = x86_handlers,
	.handler_va = x86_handler_va,
	.entry_point = x86_entry_point,
	.loaded_mm = x86_loaded_mm,
	.tour_registers = x86_tour_registers,
};

const struct ws_arch ws_arch_x86 = {
	.name = "x86",
	.manual = "Intel SDM",
	.terms = x86_terms,
	.formats = formats,
	.on_linux = &on_linux,
	.machines = machines,
	.prstatuses = x86_prstatuses,
	.qemu_note = &x86_qemu_note,
	.monitor_notes = x86_monitor_notes,
	.monitor_registers = x86_monitor_registers,
	.monitor_mark = "FL=",
	.ram_maps = x86_ram_maps,
	.kvm_parts = x86_kvm_parts,
	.qemu_state = &x86_qemu_state,
	.qemu_machines = x86_qemu_machines,
	.registers = x86_registers,
	.format_of_cpu = x86_format_of_cpu,
	.has_paging_off = has_paging_off,
	.root_register = "CR3",
	.root = root,
	.kernel_sp = kernel_sp,
	.regime = regime,
	.regime_registers = (const char *const[]){ "cr0", "cr4", "efer", NULL },
	.format_of_vmcoreinfo = x86_format_of_vmcoreinfo,
	.plain_format = plain_format,
	.page_bits = X86_PS | X86_G,
	.audit = &x86_audit,
	.autopsy = &x86_autopsy,
	.machine_create = x86_machine_create,
};
