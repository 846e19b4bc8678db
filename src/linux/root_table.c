/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of roots without a look at memory: how the table of one is laid out with
 * a format, where its user half lies, and the list of those that were found.
 */
#include <string.h>

#include "linux/roots.h"
#include "util/sorted.h"

enum ws_root_kind ws_root_kind(const struct ws_format *format)
{
	return (enum ws_root_kind)ws_linux_layout_of(format)->root;
}

unsigned ws_private_level(const struct ws_format *format)
{
	return ws_root_kind(format) == WS_ROOT_LEADS_TO_IT;
}

static unsigned slots_of(const struct ws_format *format)
{
	return 1u << format->level[0].bits;
}

uint64_t ws_root_size(const struct ws_format *format)
{
	uint64_t size = (uint64_t)slots_of(format) << format->entry_log2;

	return size > WS_FRAME_SIZE ? size : WS_FRAME_SIZE;
}

unsigned ws_slots_in_part(const struct ws_format *format)
{
	unsigned in_frame = WS_FRAME_SIZE >> format->entry_log2;

	return slots_of(format) < in_frame ? slots_of(format) : in_frame;
}

unsigned ws_first_kernel_slot(const struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;

	return ws_root_kind(format) == WS_ROOT_NO_KERNEL
		       ? slots_of(format)
		       : (unsigned)ws_level_index(&format->level[0],
						  system->layout.kernel_first);
}

uint64_t ws_last_user_va(const struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;

	return format->canonical ? WS_BIT(format->va_bits - 1) - 1
				 : system->layout.kernel_first - 1;
}

uint64_t ws_common_bits(const struct ws_format *format)
{
	const struct ws_level *level = &format->level[ws_private_level(format)];

	return ws_address_bits(level) | ws_kind_bits(level);
}

uint64_t ws_user_half_of(const struct ws_system *system, uint64_t root)
{
	return root + ws_on_linux(system)->user_halves->distance;
}

bool ws_may_be_user_half(const struct ws_system *system, uint64_t pa, uint64_t *root)
{
	const struct ws_user_halves *halves = ws_on_linux(system)->user_halves;

	if (!halves || !(pa & halves->distance))
		return false;
	*root = pa - halves->distance;
	return true;
}

/* ---- the list ---------------------------------------------------------------------- */

/* Where root is, or belongs. */
static size_t place_of(const struct ws_system *system, uint64_t root)
{
	return ws_lower_bound(system->roots.v, system->roots.n, at, *at < root);
}

size_t ws_root_find(const struct ws_system *system, uint64_t root)
{
	size_t at = place_of(system, root);

	return at < system->roots.n && system->roots.v[at] == root ? at : SIZE_MAX;
}

enum ws_status ws_root_add(struct ws_system *system, uint64_t root)
{
	size_t at = place_of(system, root);
	uint64_t *roots, *added;

	if (ws_root_find(system, root) != SIZE_MAX)
		return WS_OK;
	added = ws_vec_push(&system->roots);
	if (!added)
		return ws_fail_memory(system->ctx);
	roots = system->roots.v;
	memmove(roots + at + 1, roots + at, (system->roots.n - 1 - at) * sizeof(*roots));
	roots[at] = root;
	return WS_OK;
}
