/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* who DUMP ADDRESS: the seed's question in some thirty lines. */
#include <stdio.h>
#include <stdlib.h>
#include <whosees.h>

int main(int argc, char **argv)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	struct ws_system *system = NULL;
	size_t n = 0, blind = 0;

	if (argc != 3 || !ctx || ws_target_open(ctx, argv[1], NULL, &target) != WS_OK ||
	    ws_system_open(target, NULL, &system) != WS_OK) {
		const char *why = ctx ? ws_error(ctx, 0) : NULL;

		fprintf(stderr, "%s\n", why ? why : "usage: who DUMP ADDRESS");
		return 2;
	}
	uint64_t va = strtoull(argv[2], NULL, 16);
	const struct ws_paging *paging = ws_system_paging(system);
	const struct ws_space *space = ws_system_spaces(system, &n);
	for (size_t i = 0; i < n; i++) {
		struct ws_trail trail;

		if (space[i].kind != WS_SPACE_PROCESS)
			continue;
		ws_walk(paging, space[i].root, va, &trail);
		if (trail.end == WS_END_PAGE)
			continue;
		blind++;
		printf("%u %s cannot see %s: the walk stops at the %s\n", space[i].pid,
		       space[i].comm, argv[2],
		       ws_level_name(paging->format,
				     trail.nsteps ? trail.nsteps - 1 : 0));
	}
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return blind > 0;
}
