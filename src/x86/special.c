/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables that Linux on x86 has for purposes of its own.
 *
 * trampoline_pgd (x86-64; arch/x86/realmode/init.c): a processor that is brought up, or
 * wakes up, leaves real mode with it, in code below 1 MiB that is mapped to itself, and
 * goes on at secondary_startup_64 in the image. Since 51523ed1c267 (5.17) it has all of
 * init_mm's top-level entries, as they were then; before it had that of the image alone.
 *
 * initial_page_table (i386; arch/x86/kernel/head_32.S): the same, for startup_32_smp. Its
 * lowest entries are again those of the direct map. It is made once
 * (sync_initial_page_table(), arch/x86/kernel/setup.c), and again once the cpu_entry_area
 * is there (945fd17ab6ba, 4.16), and has nothing of vmalloc.
 *
 * efi_mm (x86-64; arch/x86/platform/efi/efi_64.c): firmware is called in it. It has the
 * kernel's half but for 64 GiB, where the firmware is mapped (67a9108ed431, 4.6); what is
 * missing is copied before each call (efi_sync_low_kernel_mappings()).
 *
 * poking_mm, since 6.16 text_poke_mm (poking_init(), arch/x86/mm/init.c; 4fc19708b165,
 * 5.2): kernel text is changed through its user half, in code and on a stack of the
 * kernel. It is made and kept up to date as a process's.
 */
#include "x86/special.h"

#include <string.h>

#include "linux/linux.h"
#include "linux/region.h"
#include "linux/roots.h"
#include "x86/entry.h"

/* ---- which is which --------------------------------------------------------------- */

/* So many entries of the direct map are looked for in the lowest. */
#define REPEATED 16

static bool is_entry_of(const struct ws_system *system, const uint8_t *table,
			unsigned slot, uint64_t entry)
{
	return table && entry & X86_P &&
	       !((entry ^ ws_entry(system, table, slot)) & ~(uint64_t)(X86_A | X86_D));
}

/* Either it or init_mm has them in the kernel's half. */
static bool is_initial_page_table(struct ws_system *system, uint64_t root)
{
	unsigned kernel = ws_first_kernel_slot(system);
	const uint8_t *low = ws_root_table(system, root);
	const uint8_t *high = ws_root_part(system, root, kernel);
	const uint8_t *init = ws_root_part(system, system->layout.reference, kernel);
	unsigned end = 1u << system->paging.format->level[0].bits;

	for (unsigned i = 0; low && i < REPEATED && kernel + i < end; i++) {
		uint64_t entry = ws_entry(system, low, i);

		if (is_entry_of(system, high, kernel + i, entry) ||
		    is_entry_of(system, init, kernel + i, entry))
			return true;
	}
	return false;
}

/* The image's entry is init_mm's; of the lower half the first is there alone. */
static bool is_trampoline(struct ws_system *system, uint64_t root)
{
	const uint8_t *init = ws_root_table(system, system->layout.reference);
	const uint8_t *table = ws_root_table(system, root);
	unsigned last = (1u << system->paging.format->level[0].bits) - 1;

	if (!table || !(ws_entry(system, table, 0) & X86_P) ||
	    !is_entry_of(system, init, last, ws_entry(system, table, last)))
		return false;
	for (unsigned i = 1; i < ws_first_kernel_slot(system); i++)
		if (ws_entry(system, table, i))
			return false;
	return true;
}

enum { TRAMPOLINE, INITIAL, EFI, POKING };

/* clang-format off */
const struct ws_special_root x86_special_roots[] = {
	[TRAMPOLINE] = { .name = "trampoline_pgd", .word = 8, .low = true,
			 .is_it = is_trampoline,
			 .has = "secondary_startup_64" },
	[INITIAL] = { .name = "initial_page_table", .word = 4,
		      .is_it = is_initial_page_table,
		      .has = "startup_32_smp" },
	[EFI] = { .name = "efi_mm", .word = 8, .symbol = { "efi_mm" }, .by = WS_SPECIAL_MM },
	[POKING] = { .name = "poking_mm", .symbol = { "poking_mm", "text_poke_mm" },
		     .by = WS_SPECIAL_MM_AT },
	{ .name = NULL },
};
/* clang-format on */

/* ---- real-mode code --------------------------------------------------------------- */

/* The BIOS's own lies above. */
#define CONVENTIONAL_END UINT64_C(0xa0000)

struct real_mode {
	uint64_t first, last;
	bool found, unknown;
};

static bool take_code(void *arg, const struct ws_run *run)
{
	struct real_mode *code = arg;

	code->unknown |= !ws_end_is_known(run->end);
	code->found = run->end == WS_END_PAGE && run->access & WS_KERNEL_EXECUTE &&
		      !(run->access & WS_KERNEL_WRITE);
	code->first = run->va;
	code->last = run->last;
	return !code->found;
}

/*
 * Low memory is not executed but there, and that code is read-only: what is both is it
 * (set_real_mode_permissions(), arch/x86/realmode/init.c).
 */
static enum ws_evidence real_mode_code(struct ws_audit *audit, uint64_t *first,
				       uint64_t *last)
{
	const struct ws_system *system = audit->system;
	struct real_mode code = { 0 };

	if (system->layout.consensus ||
	    ws_range(&system->paging, system->layout.reference, ws_direct_va(system, 0),
		     ws_direct_va(system, CONVENTIONAL_END - 1), WS_RANGE_UNKNOWN, 0,
		     take_code, &code) != WS_OK ||
	    !code.found)
		return WS_ABSENT;
	*first = code.first;
	*last = code.last;
	return WS_READ;
}

/* i386: the cpu_entry_area, and the fixmap above it. */
static enum ws_evidence fixed_areas(struct ws_audit *audit, uint64_t *first,
				    uint64_t *last)
{
	ws_vec_each(&audit->system->regions, row)
		if (!strcmp(row->name, "cpu_entry_area")) {
			*first = row->first;
			*last = UINT32_MAX;
			return WS_READ;
		}
	return WS_ABSENT;
}

/* ---- what they have to map --------------------------------------------------------- */

#define BROUGHT_UP \
	"a processor that is brought up, or wakes from sleep, dies with a triple fault"
#define PATCHING "changing the kernel's text (jump labels, ftrace, kprobes) faults"
#define RESTART                                                                       \
	"what runs on the trampoline's tables with a stack of the kernel (a restart " \
	"through the BIOS, a processor of an SEV-ES guest that goes offline) faults"
#define OPENED "kernel memory can be accessed from user mode"

static const struct ws_special_duty trampoline[] = {
	{ .what = WS_SPECIAL_IDENTITY,
	  .severity = WS_FATAL,
	  .range = real_mode_code,
	  .maps = "its real-mode code",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_CODE,
	  .severity = WS_FATAL,
	  .first = "secondary_startup_64",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_WARNING,
	  .if_any = "direct map",
	  .then = RESTART },
	{ .what = WS_SPECIAL_NO_USER, .severity = WS_ERROR, .then = OPENED },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty initial[] = {
	{ .what = WS_SPECIAL_IDENTITY,
	  .severity = WS_FATAL,
	  .first = "startup_32_smp",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_IDENTITY,
	  .severity = WS_FATAL,
	  .range = real_mode_code,
	  .maps = "its real-mode code",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_FATAL,
	  .region = "direct map",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_FATAL,
	  .range = fixed_areas,
	  .maps = "the cpu_entry_area",
	  .then = BROUGHT_UP },
	{ .what = WS_SPECIAL_NO_USER, .severity = WS_ERROR, .then = OPENED },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty efi[] = {
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_ERROR,
	  .but = "EFI",
	  .mended = true,
	  .then = "firmware that is called faults, unless the kernel copies this before it" },
	{ .what = WS_SPECIAL_NO_USER, .severity = WS_ERROR, .then = OPENED },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty poking[] = {
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_ERROR,
	  .by_mendings = true,
	  .then = PATCHING },
	{ .what = WS_SPECIAL_NO_USER, .severity = WS_ERROR, .then = OPENED },
	{ .what = WS_SPECIAL_DUTIES_END },
};

const struct ws_special x86_specials[] = {
	{ &x86_special_roots[TRAMPOLINE], trampoline },
	{ &x86_special_roots[INITIAL], initial },
	{ &x86_special_roots[EFI], efi },
	{ &x86_special_roots[POKING], poking },
	{ .root = NULL },
};
