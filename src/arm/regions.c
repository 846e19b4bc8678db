/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of the address space of Linux on ARM (Documentation/arch/arm/memory.rst), and
 * the page among them that user mode calls.
 */
#include "arm/linux.h"
#include "linux/region.h"

#define MIB (UINT64_C(1) << 20)

/* clang-format off */
static const struct ws_kernel_region fixed[] = {
	/* FDT_FIXED_BASE: since 7a1be318f579 (5.11) */
	{ "device tree", 0xff800000, 0xffbfffff },
	{ "fixmap",      0xffc00000, 0xffefffff },
	{ "vectors",     0xffff0000, 0xffff0fff },
	/* since 19accfd37384 (3.11) */
	{ "stubs",       0xffff1000, 0xffff1fff },
};
/* clang-format on */

/*
 * MODULES_VADDR, PKMAP_BASE and VMALLOC_START (arch/arm/include/asm): the first two are
 * counted from PAGE_OFFSET, the last from where lowmem ends.
 */
static enum ws_status around_direct_map(struct ws_system *system)
{
	uint64_t page_offset = system->layout.page_offset;
	uint64_t end = system->regions.v[0].last + 1; /* the direct map's, added first */
	enum ws_status status = ws_region_add(system, "modules", page_offset - 16 * MIB,
					      page_offset - 2 * MIB - 1);

	if (status == WS_OK)
		status = ws_region_add(system, "pkmap", page_offset - 2 * MIB,
				       page_offset - 1);
	if (status == WS_OK)
		status =
			ws_region_add(system, "vmalloc", (end + 8 * MIB) & ~(8 * MIB - 1),
				      fixed[0].first - 1);
	return status;
}

enum ws_status arm_regions(struct ws_system *system)
{
	enum ws_status status = around_direct_map(system);

	for (size_t i = 0; i < WS_ARRAY_SIZE(fixed) && status == WS_OK; i++)
		status = ws_region_add(system, fixed[i].name, fixed[i].first,
				       fixed[i].last);
	return status;
}

/* ---- what user mode calls --------------------------------------------------------- */

#define KUSER_VERSION 0xffc /* Documentation/arch/arm/kernel_user_helpers.rst */
#define KUSER_HELPERS_MAX 32
#define ALWAYS 0xeu /* an instruction's condition, in bits 31:28 */

/*
 * With CONFIG_KUSER_HELPERS the vectors page has functions for user mode at its end. The
 * last word says how many, the first are the vectors.
 */
static bool is_kuser(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry)
{
	const uint8_t *frame;
	uint32_t helpers;

	(void)va;
	(void)entry;
	if (system->paging.frame(system, pa, &frame) != WS_READ)
		return false;
	helpers = ws_le32(frame + KUSER_VERSION);
	for (unsigned i = 0; i < 8; i++)
		if (ws_le32(frame + 4 * i) >> 28 != ALWAYS)
			return false;
	return helpers && helpers <= KUSER_HELPERS_MAX;
}

const struct ws_users_page arm_users_pages[] = {
	{ 4, 0xffff0000, 0xffff0fff, is_kuser, WS_ALWAYS },
	{ 0 },
};
