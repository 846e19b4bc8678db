/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which paging format a processor, or else the kernel, says it uses. */
#include "target/target.h"

#include <string.h>

#include "paging/format.h"
#include "util/bits.h"

#define CR0_PG WS_BIT(31)
#define CR4_PSE WS_BIT(4)
#define CR4_PAE WS_BIT(5)
#define CR4_LA57 WS_BIT(12)
#define DESCRIPTOR_L WS_BIT(21) /* in a descriptor's second word: 64-bit code */

/*
 * IA32_EFER is in no note. But descriptor tables and instructions above 4 GiB, and
 * 64-bit code, exist in long mode only.
 */
static bool long_mode_shows(const struct ws_cpu *cpu)
{
	uint64_t addresses = cpu->gdt.base | cpu->idt.base | cpu->reg[WS_REG_IP];

	return addresses >> 32 || cpu->cs.flags & DESCRIPTOR_L;
}

const struct ws_format *ws_format_of_cpu(const struct ws_cpu *cpu, bool long_mode)
{
	if (!cpu->has_control || !(cpu->cr0 & CR0_PG))
		return NULL;
	if (!(cpu->cr4 & CR4_PAE))
		return cpu->cr4 & CR4_PSE ? &ws_format_i386 : &ws_format_i386_nopse;
	if (!long_mode && !long_mode_shows(cpu))
		return &ws_format_i386_pae;
	return cpu->cr4 & CR4_LA57 ? &ws_format_x86_64_la57 : &ws_format_x86_64;
}

static bool has_line(const char *text, const char *beginning)
{
	const char *found = strstr(text, beginning);

	return found && (found == text || found[-1] == '\n');
}

/*
 * Lines that arch_crash_save_vmcoreinfo() writes (Linux arch/x86/kernel/vmcore_info_*.c):
 * pgtable_l5_enabled is in every 64-bit kernel's since 4.17, X86_PAE in 32-bit ones'.
 */
const struct ws_format *ws_format_of_vmcoreinfo(const char *text)
{
	if (has_line(text, "NUMBER(pgtable_l5_enabled)=1"))
		return &ws_format_x86_64_la57;
	if (has_line(text, "NUMBER(pgtable_l5_enabled)=0"))
		return &ws_format_x86_64;
	if (has_line(text, "CONFIG_X86_PAE=y"))
		return &ws_format_i386_pae;
	return NULL;
}
