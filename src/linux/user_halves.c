/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table isolation: the second root that a process runs user code with. */
#include "linux/roots.h"

static const struct ws_user_halves *halves_of(const struct ws_system *system)
{
	return ws_on_linux(system)->user_halves;
}

bool ws_has_user_half(struct ws_system *system, uint64_t root)
{
	const struct ws_user_halves *halves = halves_of(system);

	return halves && halves->has(system, root);
}

enum ws_fit ws_user_half_fit(struct ws_system *system, uint64_t root)
{
	const struct ws_user_halves *halves = halves_of(system);

	return halves ? halves->fit(system, root) : WS_FIT_UNKNOWN;
}

/* Whether what would be the root's user half can be looked at. */
static bool is_there(struct ws_system *system, uint64_t root)
{
	return ws_target_piece(system->target, ws_user_half_of(system, root)) != NULL;
}

/* So many roots say how a kernel was booted as surely as all of them. */
#define VOTERS_MAX 65

/*
 * Those that map user memory vote, some from all over memory. One root does not decide,
 * and init_mm's least of all: its user half is empty, and without PTI the page above it
 * may be level3_kernel_pgt, which looks like one (4.10). The look is not recorded, for
 * without PTI the page above a root may be a user's; who is found to have user halves has
 * them looked at again.
 */
bool ws_isolates(struct ws_system *system)
{
	size_t n = system->roots.n, stride = n / VOTERS_MAX + 1;
	size_t voters = 0, votes = 0;
	uint8_t *recorder;

	if (!halves_of(system))
		return false;
	recorder = ws_search_begin(system);
	for (size_t first = 0; first < stride; first++)
		for (size_t i = first; i < n && voters < VOTERS_MAX; i += stride) {
			uint64_t root = system->roots.v[i];

			if (ws_user_half_is_empty(system, root) ||
			    !is_there(system, root))
				continue;
			voters++;
			votes += ws_has_user_half(system, root);
		}
	ws_search_end(system, recorder);
	return votes * 2 > voters;
}
