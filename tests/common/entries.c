/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entries.h"

#include <stdlib.h>
#include <string.h>

#define BITS(high, low) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))
#define N (UINT64_C(1) << 63)
#define PPN_LOW UINT64_C(0x3c00)

/* clang-format off */

#define X86_KINDS \
	{ { 10, 0x81, 0 }, { 78, 0x81, 1 }, { 12, 0x81, 0x81 } }
#define ARM_KINDS \
	{ { 6, 3, 0 }, { 60, 3, 1 }, { 14, 3, 2 }, { 14, 3, 3 } }
#define VALID_KINDS \
	{ { 4, 3, 0 }, { 4, 3, 2 }, { 76, 3, 3 }, { 10, 3, 1 } }
#define RISCV_KINDS \
	{ { 6, 1, 0 }, { 45, N | 0xf, 1 }, { 15, N | 0xf, 3 }, { 15, N | 0xf, 7 }, \
	  { 8, N | 0xf, 9 }, { 2, N | 0xf, 5 }, { 6, N | PPN_LOW | 0xf, N | 0x200b } }

static const struct entries families[] = {
	{ "i386-pae", 8, 12, 9, BITS(51, 12), 0, 1, 1, 6, X86_KINDS },
	{ "i386", 4, 12, 10, BITS(51, 12), 0, 1, 1, 6, X86_KINDS },
	{ "x86_64", 8, 12, 9, BITS(51, 12), 0, 1, 1, 6, X86_KINDS },
	{ "arm64-4k-52", 8, 12, 9, BITS(49, 12) | BITS(9, 8), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm64-4k", 8, 12, 9, BITS(47, 12), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm64-16k-52", 8, 14, 11, BITS(49, 12) | BITS(9, 8), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm64-16k", 8, 14, 11, BITS(47, 12), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm64-64k", 8, 16, 13, BITS(47, 12), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm-lpae", 8, 12, 9, BITS(47, 12), 0, 3, 3, 0x40, VALID_KINDS },
	{ "arm", 4, 12, 8, BITS(31, 12), 0, 1, 1, 0x30, ARM_KINDS },
	{ "riscv-sv32", 4, 12, 10, BITS(31, 10), 2, 1, 3, 0x14, RISCV_KINDS },
	{ "riscv", 8, 12, 9, BITS(62, 10), 2, 1, 3, 0x14, RISCV_KINDS },
};

/* clang-format on */

const struct entries *entries_of(const struct ws_format *format)
{
	const char *name = ws_format_name(format);

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (strncmp(families[i].prefix, name, strlen(families[i].prefix)) == 0)
			return &families[i];
	abort(); /* a format without a row has no tests */
}

uint64_t entries_address(const struct entries *entries, uint64_t pa)
{
	return pa >> entries->page << entries->page >> entries->shift;
}
