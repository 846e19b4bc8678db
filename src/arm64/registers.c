/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the registers of an AArch64 processor are called, where PRSTATUS keeps them, and
 * what they and VMCOREINFO say of paging. Of the two halves it is the kernel's, TTBR1's,
 * whose granule and width are asked for.
 */
#include "arm64/registers.h"
#include "arm64/entry.h"

#include <stdlib.h>

#include "util/line.h"

/* ---- names ---- */

/* clang-format off */

#define GENERAL(name) { name, WS_REGISTER_GENERAL }
#define CONTROL(name) { name, WS_REGISTER_CONTROL }

static const struct ws_register registers[ARM64_REGISTERS] = {
	GENERAL("x0"), GENERAL("x1"), GENERAL("x2"), GENERAL("x3"), GENERAL("x4"),
	GENERAL("x5"), GENERAL("x6"), GENERAL("x7"), GENERAL("x8"), GENERAL("x9"),
	GENERAL("x10"), GENERAL("x11"), GENERAL("x12"), GENERAL("x13"), GENERAL("x14"),
	GENERAL("x15"), GENERAL("x16"), GENERAL("x17"), GENERAL("x18"), GENERAL("x19"),
	GENERAL("x20"), GENERAL("x21"), GENERAL("x22"), GENERAL("x23"), GENERAL("x24"),
	GENERAL("x25"), GENERAL("x26"), GENERAL("x27"), GENERAL("x28"), GENERAL("x29"),
	GENERAL("x30"), GENERAL("sp"), GENERAL("pc"), GENERAL("pstate"),
	CONTROL("ttbr0_el1"), CONTROL("ttbr1_el1"), CONTROL("tcr_el1"),
	CONTROL("sctlr_el1"), CONTROL("vbar_el1"), CONTROL("sp_el0"),
};

/* clang-format on */

const struct ws_register *arm64_registers(unsigned word, unsigned *n)
{
	(void)word;
	*n = ARM64_REGISTERS;
	return registers;
}

/* ---- PRSTATUS ---- */

const struct ws_prstatus arm64_prstatuses[] = {
	{ .size = 392,
	  .registers = 112,
	  .word = 8,
	  .index = { WS_IN_PLACE_8(0), WS_IN_PLACE_8(8), WS_IN_PLACE_8(16),
		     WS_IN_PLACE_8(24), [32] = 33, [33] = 34 } },
	{ 0 },
};

/* ---- paging ---- */

static const struct {
	unsigned granule, va_bits;
	const struct ws_format *format;
} formats[] = {
	{ 12, 39, &ws_format_arm64_4k_39 },  { 12, 48, &ws_format_arm64_4k_48 },
	{ 12, 52, &ws_format_arm64_4k_52 },  { 14, 47, &ws_format_arm64_16k_47 },
	{ 14, 48, &ws_format_arm64_16k_48 }, { 14, 52, &ws_format_arm64_16k_52 },
	{ 16, 42, &ws_format_arm64_64k_42 }, { 16, 48, &ws_format_arm64_64k_48 },
	{ 16, 52, &ws_format_arm64_64k_52 },
};

static const struct ws_format *format_of(unsigned granule, unsigned va_bits)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(formats); i++)
		if (formats[i].granule == granule && formats[i].va_bits == va_bits)
			return formats[i].format;
	return NULL;
}

/* TCR_EL1 (D24.2.189): TG0 in 15:14, T0SZ in 5:0; TG1 in 31:30, T1SZ in 21:16. */
const struct ws_format *arm64_low_format(uint64_t tcr)
{
	static const uint8_t granules[] = { 12, 16, 14, 0 };

	return format_of(granules[tcr >> 14 & 3], 64 - (tcr & 0x3f));
}

const struct ws_format *arm64_high_format(uint64_t tcr)
{
	static const uint8_t granules[] = { 0, 14, 12, 16 };

	return format_of(granules[tcr >> 30 & 3], 64 - (tcr >> 16 & 0x3f));
}

const struct ws_format *arm64_format_of_cpu(const struct ws_cpu *cpu, bool wide)
{
	(void)wide;
	if (!ws_cpu_knows(cpu, ARM64_TCR) || arm64_has_paging_off(cpu))
		return NULL;
	return arm64_high_format(cpu->reg[ARM64_TCR]);
}

bool arm64_has_paging_off(const struct ws_cpu *cpu)
{
	return ws_cpu_knows(cpu, ARM64_SCTLR) && !(cpu->reg[ARM64_SCTLR] & ARM64_SCTLR_M);
}

/* A process's; above BADDR lies the ASID, and bit 0 is CnP. */
bool arm64_root(const struct ws_cpu *cpu, uint64_t *root)
{
	*root = cpu->reg[ARM64_TTBR0] & ARM64_TTBR_BADDR;
	return ws_cpu_knows(cpu, ARM64_TTBR0);
}

bool arm64_kernel_sp(const struct ws_cpu *cpu, uint64_t *sp)
{
	*sp = cpu->reg[ARM64_SP];
	return ws_cpu_knows(cpu, ARM64_PSTATE) &&
	       cpu->reg[ARM64_PSTATE] & ARM64_PSTATE_EL;
}

/*
 * arch_crash_save_vmcoreinfo() (Linux arch/arm64/kernel/vmcore_info.c): VA_BITS is what
 * the kernel was built for, and TCR_EL1_T1SZ (since 5.9, bbdbc11804ff) what the processor
 * runs. kimage_voffset no other architecture has.
 */
const struct ws_format *arm64_format_of_vmcoreinfo(const char *text)
{
	const char *page = ws_line_after(text, "PAGESIZE=");
	const char *bits = ws_line_after(text, "NUMBER(VA_BITS)=");
	const char *t1sz = ws_line_after(text, "NUMBER(TCR_EL1_T1SZ)=");
	unsigned long va_bits = bits ? strtoul(bits, NULL, 10) : 0;
	unsigned long page_size = page ? strtoul(page, NULL, 10) : 0;

	if (!page_size || !ws_line_after(text, "NUMBER(kimage_voffset)="))
		return NULL;
	if (t1sz)
		va_bits = 64 - strtoul(t1sz, NULL, 0);
	return format_of((unsigned)__builtin_ctzl(page_size), (unsigned)va_bits);
}
