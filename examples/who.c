/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* who DUMP ADDRESS: which processes do not see an address, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <whosees.h>

/* Returns how many processes do not see va. */
static unsigned ask(struct ws_system *system, uint64_t va)
{
	const struct ws_paging *paging = ws_system_paging(system);
	size_t n;
	const struct ws_space *space = ws_system_spaces(system, &n);
	unsigned blind = 0;

	for (size_t i = 0; i < n; i++) {
		struct ws_trail trail;

		ws_walk(paging, space[i].root, va, &trail);
		if (space[i].kind != WS_SPACE_PROCESS || trail.end == WS_END_PAGE)
			continue;
		blind++;
		printf("%u %s cannot see %#llx: the walk stops at the %s\n", space[i].pid,
		       space[i].comm, (unsigned long long)va,
		       ws_level_name(paging->format,
				     trail.nsteps ? trail.nsteps - 1 : 0));
	}
	return blind;
}

int main(int argc, char **argv)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	struct ws_system *system = NULL;
	int status = 2;

	if (argc == 3 && ctx && ws_target_open(ctx, argv[1], NULL, &target) == WS_OK &&
	    ws_system_open(target, NULL, &system) == WS_OK)
		status = ask(system, strtoull(argv[2], NULL, 16)) > 0;
	else
		fprintf(stderr, "%s\n",
			argc == 3 && ctx ? ws_error(ctx, 0) : "usage: who DUMP ADDRESS");
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
	return status;
}
