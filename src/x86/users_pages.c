/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What user mode reads, or calls, in the kernel's half of x86: most of it in x86-64's
 * fixmap (arch/x86/include/asm/fixmap.h), which grows down from the vsyscall page.
 */
#include "linux/linux.h"
#include "x86/entry.h"
#include "x86/linux.h"

/* The image holds vsyscall page, vvar and vDSO; where it lies may not be known. */
static bool is_of_image(struct ws_system *system, uint64_t va, uint64_t pa,
			uint64_t entry)
{
	(void)va;
	(void)entry;
	return !system->layout.image_last ||
	       ws_in_image(system, pa + system->layout.image_delta);
}

/* Where chipsets have it (Intel 631xESB/ICH data sheets, HPTC: four choices). */
static bool is_hpet(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry)
{
	(void)system;
	(void)va;
	return entry & X86_PCD && pa >= 0xfed00000 && pa < 0xfed04000;
}

/*
 * struct pvclock_vcpu_time_info, one each 64 bytes (include/asm/pvclock-abi.h): version,
 * padding, tsc_timestamp, system_time, tsc_to_system_mul, tsc_shift, flags, padding; and
 * a count of migrations (3.8 to 4.1).
 */
#define PVCLOCK_SIZE 64
#define PVCLOCK_MUL 24

static bool is_pvclock_record(const uint8_t *record)
{
	if (ws_le32(record + 4) || record[30] || record[31])
		return false;
	for (unsigned i = 36; i < PVCLOCK_SIZE; i++)
		if (record[i])
			return false;
	return true;
}

/* The first record is of the first processor, which has a clock. */
static bool is_pvclock_frame(struct ws_system *system, uint64_t pa, bool first)
{
	const uint8_t *frame;

	if (ws_target_frame(system->target, pa, &frame) != WS_READ) {
		ws_note(system,
			"user mode can read the frame at %#jx, which is not in this memory: "
			"whether it is a clock that it is meant to read is not known",
			pa);
		return false;
	}
	for (unsigned at = 0; at < WS_FRAME_SIZE; at += PVCLOCK_SIZE)
		if (!is_pvclock_record(frame + at))
			return false;
	return !first || ws_le32(frame + PVCLOCK_MUL);
}

/* PVCLOCK_FIXMAP_BEGIN (arch/x86/include/asm/fixmap.h), and the frames behind it. */
static const uint64_t pvclock_first[] = {
	UINT64_C(0xffffffffff5fd000), /* behind vvar and HPET */
	UINT64_C(0xffffffffff5ff000), /* where these have gone: since 3.16 */
};

#define PVCLOCK_PAGES 128 /* for 8192 processors, which is most (arch/x86/Kconfig) */

static bool is_pvclock(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry)
{
	uint64_t page = va & -(uint64_t)WS_FRAME_SIZE;

	(void)entry;
	for (size_t i = 0; i < WS_ARRAY_SIZE(pvclock_first); i++) {
		uint64_t first = pvclock_first[i], before = first - page;

		if (page <= first && before < PVCLOCK_PAGES * WS_FRAME_SIZE &&
		    before <= pa && is_pvclock_frame(system, pa - before, true) &&
		    (!before || is_pvclock_frame(system, pa, false)))
			return true;
	}
	return false;
}

const struct ws_users_page x86_users_pages[] = {
	/* map_vsyscall(), arch/x86/entry/vsyscall/vsyscall_64.c */
	{ 8, UINT64_C(0xffffffffff600000), UINT64_C(0xffffffffff600fff), is_of_image,
	  WS_ALWAYS },
	/* VVAR_PAGE: from 8c49d9a74bac (3.0) to f40c330091c7 (3.16) */
	{ 8, UINT64_C(0xffffffffff5ff000), UINT64_C(0xffffffffff5fffff), is_of_image,
	  3016 },
	/* VSYSCALL_HPET: next to the vsyscall page, from 3.0 on next to vvar; as long */
	{ 8, UINT64_C(0xffffffffff5fe000), UINT64_C(0xffffffffff5fffff), is_hpet, 3016 },
	/* PVCLOCK_FIXMAP_BEGIN, 128 of them: 3dc4f7cfb744 (3.8) to dac16fba6fc5 (4.5) */
	{ 8, UINT64_C(0xffffffffff57e000), UINT64_C(0xffffffffff5fffff), is_pvclock,
	  4005 },
	/* CONFIG_COMPAT_VDSO until 3.15: map_compat_vdso(), vdso32-setup.c */
	{ 4, 0xffffe000, 0xffffefff, is_of_image, 3015 },
	{ 0 },
};
