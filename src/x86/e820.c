/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware's memory map (e820) as the boot loader hands it to Linux and Linux keeps it:
 * struct boot_params, with the kernel's own set-up header in it (Documentation/arch/x86/
 * zero-page.rst). Since 2.6.22; a loader that has more than 128 entries keeps them elsewhere.
 *
 * Booted as a PVH guest it has no such header. But there are the tables in which Linux keeps
 * the map itself (struct e820_table, arch/x86/kernel/e820.c): u32 how many, and then entries
 * as above. These are known by the one that memory above 4 GiB has.
 */
#include "arch/arch.h"
#include "util/bits.h"
#include "x86/registers.h"

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

#define COUNT 4 /* bytes */
#define ABOVE \
	(COUNT + (WS_RAM_MAX - 1) * E820_ENTRY) /* room for all that may precede it */
#define TYPES 20 /* and more there are none (arch/x86/include/asm/e820/types.h) */

static bool is_entry(const uint8_t *entry)
{
	uint32_t type = ws_le32(entry + 16);

	return type && type <= TYPES && ws_le64(entry + 8);
}

/* The first entry of a table by one of its entries: it begins at 0, behind the count. */
static const uint8_t *first_entry(const uint8_t *entry)
{
	for (unsigned before = 0; before < WS_RAM_MAX; before++, entry -= E820_ENTRY) {
		if (!is_entry(entry))
			return NULL;
		if (!ws_le64(entry))
			return ws_le32(entry - COUNT) > before ? entry : NULL;
	}
	return NULL;
}

static bool read_table(const uint8_t *map, struct ws_ram *ram)
{
	const uint8_t *above = map + ABOVE, *first;
	uint32_t n;

	if (ws_le32(above + 16) != E820_USABLE || !(first = first_entry(above)))
		return false;
	n = ws_le32(first - COUNT);
	if (n > WS_RAM_MAX ||
	    first + n * E820_ENTRY > map + ABOVE + WS_RAM_MAX * E820_ENTRY)
		return false;
	ram->n = 0;
	for (unsigned i = 0; i < n; i++)
		if (!take(first + i * E820_ENTRY, ram))
			return false;
	return ram->n >= 2 && ram->at[0].pa < 640u << 10;
}

const struct ws_ram_map x86_ram_maps[] = {
	{ .magic = "HdrS",
	  .len = 4,
	  .magic_at = HEADER,
	  .size = E820_TABLE + WS_RAM_MAX * E820_ENTRY,
	  .read = read_map },
	{ .magic = "\0\0\0\0\1\0\0\0",
	  .len = 8,
	  .magic_at = ABOVE,
	  .size = ABOVE + WS_RAM_MAX * E820_ENTRY,
	  .read = read_table },
	{ 0 },
};
