/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "torture/answer.h"

#include <stdlib.h>

/* Stories end far below it; what never ends need not be waited for. */
#define FRAMES_MAX (1u << 20)

static int fate_of(struct answer *answer, uint32_t space, uint8_t mode)
{
	struct ws_what_if what_if = { .space = space,
				      .mode = mode,
				      .max_frames = FRAMES_MAX };
	struct ws_story story;

	if (ws_machine_what_if(answer->machine, &what_if, &story) != WS_OK)
		return NO_FATE;
	return story.fate;
}

static void get_fates(struct answer *answer)
{
	answer->fate = calloc(answer->nspaces * ANSWER_MODES, sizeof(*answer->fate));
	if (!answer->fate)
		abort();
	for (size_t s = 0; s < answer->nspaces; s++)
		for (uint8_t mode = 0; mode < ANSWER_MODES; mode++) {
			bool can = answer->machine &&
				   answer->space[s].kind <= WS_SPACE_PROCESS;

			answer->fate[s * ANSWER_MODES + mode] =
				can ? fate_of(answer, (uint32_t)s, mode) : NO_FATE;
		}
}

static void get_audit(struct answer *answer)
{
	size_t n;

	answer->space = ws_system_spaces(answer->system, &answer->nspaces);
	if (ws_system_modules(answer->system, &answer->module, &answer->nmodules))
		answer->nmodules = 0;
	answer->status = ws_audit_run(answer->system, &answer->audit);
	if (answer->status != WS_OK)
		return;
	answer->judged = ws_audit_judgements(answer->audit, &n);
	if (ws_machine_create(answer->audit, &answer->machine) != WS_OK)
		answer->machine = NULL;
	get_fates(answer);
}

void answer_get(struct answer *answer, const char *path)
{
	*answer = (struct answer){ .ctx = ws_context_create() };
	if (!answer->ctx)
		abort();
	answer->status = ws_target_open(answer->ctx, path, NULL, &answer->target);
	if (answer->status == WS_OK)
		answer->status = ws_system_open(answer->target, NULL, &answer->system);
	if (answer->status == WS_OK)
		get_audit(answer);
}

void answer_release(struct answer *answer)
{
	if (answer->machine)
		ws_machine_destroy(answer->machine);
	if (answer->audit)
		ws_audit_destroy(answer->audit);
	if (answer->system)
		ws_system_close(answer->system);
	if (answer->target)
		ws_target_close(answer->target);
	ws_context_destroy(answer->ctx);
	free(answer->fate);
}
