/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table isolation: the second root that a process runs user code with. */
#include "linux/roots.h"
#include "paging/x86.h"

/* How many entries [first, end) of table are present. */
static unsigned count_entries(const struct ws_system *system, const uint8_t *table,
			      unsigned first, unsigned end)
{
	unsigned n = 0;

	for (unsigned i = first; i < end; i++)
		n += ws_entry(system, table, i) & X86_P;
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
bool ws_has_user_half(struct ws_system *system, uint64_t root)
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

/* Whether the page above the root can be looked at. */
static bool is_there(struct ws_system *system, uint64_t root)
{
	return ws_target_piece(system->target, root + WS_FRAME_SIZE) != NULL;
}

/*
 * Those that map user memory vote. One root does not decide, and init_mm's least of all:
 * its user half is empty, and without PTI the page above it may be level3_kernel_pgt,
 * which looks like one (4.10). The look is not recorded, for without PTI the page above
 * a root may be a user's; who is found to have user halves has them looked at again.
 */
bool ws_isolates(struct ws_system *system)
{
	uint8_t *recorder = ws_search_begin(system);
	size_t voters = 0, votes = 0;

	ws_vec_each(&system->roots, root) {
		if (ws_user_half_is_empty(system, *root) || !is_there(system, *root))
			continue;
		voters++;
		votes += ws_has_user_half(system, *root);
	}
	ws_search_end(system, recorder);
	return votes * 2 > voters;
}
