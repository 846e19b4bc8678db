/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/words.h"

struct frame_names frame_names_of(const struct ws_system *system)
{
	struct frame_names names = { .format = ws_system_paging(system)->format };
	size_t ntasks;

	names.spaces = ws_system_spaces(system, &names.nspaces);
	names.tasks = ws_system_tasks(system, &ntasks);
	return names;
}

static const struct ws_space *space_of(const struct frame_names *names,
				       const struct ws_frame_run *run)
{
	return run->space < names->nspaces ? &names->spaces[run->space] : NULL;
}

/* Three things that must not be taken for each other. */
static const char *const nothing_known[] = {
	[WS_THERE] = "unknown",
	[WS_THERE_ABSENT] = "unknown: absent from the target",
	[WS_THERE_NONE] = "no memory of the machine",
	[WS_THERE_UNKNOWN] = "unknown: absent from the target, or no memory",
};

const char *frame_words(const struct frame_names *names, const struct ws_frame_run *run,
			char words[static FRAME_WORDS])
{
	const struct ws_space *space = space_of(names, run);
	char owner[WORDS];

	switch (run->use) {
	case WS_FRAME_TABLE:
		snprintf(words, FRAME_WORDS, "%s of %s, maps 0x%" PRIx64 " to 0x%" PRIx64,
			 ws_level_name(names->format, run->level),
			 space ? space_words(space, owner) : "init_mm", run->va,
			 run->va_last);
		break;
	case WS_FRAME_STACK:
		snprintf(words, FRAME_WORDS, "kernel stack of %u %s",
			 names->tasks[run->task].pid, names->tasks[run->task].comm);
		break;
	case WS_FRAME_USER:
		snprintf(words, FRAME_WORDS, "user memory of %s",
			 space ? space_words(space, owner) : "a process");
		break;
	case WS_FRAME_MODULE:
		snprintf(words, FRAME_WORDS, "module %s", run->name);
		break;
	case WS_FRAME_FAULT_PATH:
		snprintf(words, FRAME_WORDS, "%s", run->name);
		break;
	default:
		snprintf(words, FRAME_WORDS, "%s",
			 run->use == WS_FRAME_UNKNOWN ? nothing_known[run->there]
						      : ws_frame_use_name(run->use));
	}
	return words;
}

struct value frame_pid(const struct frame_names *names, const struct ws_frame_run *run)
{
	const struct ws_space *space = space_of(names, run);

	if (run->use == WS_FRAME_STACK)
		return value_number(names->tasks[run->task].pid);
	if (space && space_has_pid(space))
		return value_number(space->pid);
	return (struct value){ .known = false };
}

struct value frame_comm(const struct frame_names *names, const struct ws_frame_run *run)
{
	const struct ws_space *space = space_of(names, run);

	if (run->use == WS_FRAME_STACK)
		return value_text(names->tasks[run->task].comm);
	return value_text(space ? space->comm : NULL);
}
