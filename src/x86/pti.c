/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table isolation on x86: what a user half looks like. */
#include "linux/roots.h"
#include "x86/linux.h"

/* How many entries [first, end) of table are present. */
static unsigned count_entries(const struct ws_system *system, const uint8_t *table,
			      unsigned first, unsigned end)
{
	unsigned n = 0;

	for (unsigned i = first; i < end; i++)
		n += ws_is_present(system->paging.format, ws_entry(system, table, i));
	return n;
}

static bool same_frames(const struct ws_system *system, const uint8_t *a,
			const uint8_t *b, unsigned end)
{
	for (unsigned i = 0; i < end; i++)
		if ((ws_entry(system, a, i) ^ ws_entry(system, b, i)) & WS_BITS(51, 12))
			return false;
	return true;
}

/*
 * The user half, in the page above the root, leads to the same user tables; of the kernel
 * it has only what entry needs: with 4 or 5 levels fewer entries than the root has, and
 * with PAE a kernel page directory of its own (arch/x86/mm/pti.c).
 */
static bool has_user_half(struct ws_system *system, uint64_t root)
{
	const struct ws_format *format = system->paging.format;
	unsigned first = ws_first_kernel_slot(system);
	unsigned end = 1u << format->level[0].bits;
	const uint8_t *kernel, *user;
	unsigned in_kernel, in_user;

	if (format->entry_log2 != 3 || root % (2 * WS_FRAME_SIZE))
		return false; /* without PAE i386 has no PTI */
	kernel = ws_root_table(system, root);
	user = ws_root_table(system, root + WS_FRAME_SIZE);
	if (!kernel || !user || !same_frames(system, kernel, user, first))
		return false;
	in_kernel = count_entries(system, kernel, first, end);
	in_user = count_entries(system, user, first, end);
	if (!ws_private_level(format))
		return in_user && in_user < in_kernel;
	return in_user == in_kernel &&
	       !same_frames(system, user + 8 * (size_t)first, kernel + 8 * (size_t)first,
			    1) &&
	       !(ws_entry(system, user, end - 1) & WS_BITS(11, 6));
}

/* Entries [first, end) of both that are present and lead to the same frame. */
static unsigned count_alike(const struct ws_system *system, const uint8_t *a,
			    const uint8_t *b, unsigned first, unsigned end)
{
	uint64_t mask = ws_common_bits(system->paging.format);
	unsigned n = 0;

	for (unsigned i = first; i < end; i++)
		n += ws_is_present(system->paging.format, ws_entry(system, b, i)) &&
		     !((ws_entry(system, a, i) ^ ws_entry(system, b, i)) & mask);
	return n;
}

/*
 * A hole leaves other entries as they are, and a page that was overwritten leaves none:
 * neither of the user's, which the root has too, nor (but with PAE, where it leads to a
 * directory of its own) of the kernel's, which init_mm's user half has.
 */
static enum ws_fit user_half_fit(struct ws_system *system, uint64_t root)
{
	const struct ws_format *format = system->paging.format;
	unsigned first = ws_first_kernel_slot(system);
	unsigned end = 1u << format->level[0].bits;
	const uint8_t *half = ws_root_table(system, root + WS_FRAME_SIZE);
	const uint8_t *kernel = ws_root_table(system, root), *init = NULL;
	unsigned known = 0, alike = 0;

	if (!system->layout.consensus && !ws_private_level(format))
		init = ws_root_table(system, system->layout.reference + WS_FRAME_SIZE);
	if (!half)
		return WS_FIT_UNKNOWN;
	if (kernel) {
		known += count_entries(system, kernel, 0, first);
		alike += count_alike(system, half, kernel, 0, first);
	}
	if (init) {
		known += count_entries(system, init, first, end);
		alike += count_alike(system, half, init, first, end);
	}
	if (!known || (!alike && !init && ws_root_fit(system, root) == WS_MISFITS))
		return WS_FIT_UNKNOWN; /* it is the root that is none */
	return alike ? WS_FITS : WS_MISFITS;
}

const struct ws_user_halves x86_user_halves = {
	.distance = WS_FRAME_SIZE,
	.has = has_user_half,
	.fit = user_half_fit,
};
