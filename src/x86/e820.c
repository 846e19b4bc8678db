/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's memory map (e820) as the boot loader hands it to Linux and Linux keeps it:
 * struct boot_params, with the kernel's own set-up header in it (Documentation/arch/x86/
 * zero-page.rst). Since 2.6.22; a loader that has more than 128 entries keeps them elsewhere.
 */
#include "arch/arch.h"
#include "util/bits.h"
#include "x86/linux.h"

#define E820_ENTRIES 0x1e8
#define HEADER 0x202 /* "HdrS" */
#define E820_TABLE 0x2d0
#define E820_ENTRY 20
#define E820_USABLE 1

static bool take(const uint8_t *entry, struct ws_ram *ram)
{
	struct ws_extent at = { ws_le64(entry), ws_le64(entry + 8) };
	const struct ws_extent *last = ram->n ? &ram->at[ram->n - 1] : NULL;

	if (!at.len || at.pa + at.len < at.pa || at.pa + at.len > WS_BIT(52))
		return false;
	if (ws_le32(entry + 16) != E820_USABLE)
		return true;
	if (last && at.pa < last->pa + last->len)
		return false;
	ram->at[ram->n++] = at;
	return true;
}

/* Usable memory begins below 640 KiB, and there is more of it above 1 MiB. */
static bool read_map(const uint8_t *map, struct ws_ram *ram)
{
	unsigned n = map[E820_ENTRIES];

	ram->n = 0;
	for (unsigned i = 0; i < n && i < WS_RAM_MAX; i++)
		if (!take(map + E820_TABLE + i * E820_ENTRY, ram))
			return false;
	return n <= WS_RAM_MAX && ram->n >= 2 && ram->at[0].pa < 640u << 10;
}

const struct ws_ram_map x86_ram_map = {
	.magic = "HdrS",
	.magic_at = HEADER,
	.size = E820_TABLE + WS_RAM_MAX * E820_ENTRY,
	.read = read_map,
};
