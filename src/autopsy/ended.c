/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the machine ended, by what it left beside the storm. Processors differ from the manual
 * (an emulator that sets a bit which another takes for reserved), and so a story whose frames
 * are the storm's may end in another way than the machine did.
 */
#include "autopsy/rerun.h"

#include "util/text.h"

enum end {
	END_UNKNOWN,
	END_DOUBLE_FAULT, /* its kernel reported one: the handler was reached */
	END_AT_HANDLER, /* a processor never got beyond the handler that it could not fetch */
};

/* What cannot both be: the story's end, and the machine's. */
static const struct {
	enum ws_fate fate;
	enum end end;
	const char *machine;
} contradictions[] = {
	{ WS_FATE_RESETS, END_DOUBLE_FAULT,
	  "the kernel's log has a double fault, which was delivered" },
	{ WS_FATE_LOOPS, END_DOUBLE_FAULT,
	  "the kernel's log has a double fault, whose handler was reached" },
	{ WS_FATE_PANICS, END_AT_HANDLER,
	  "a processor still is where it could not fetch the handler, in that space: it "
	  "reached no other" },
	{ WS_FATE_DIVERTED, END_AT_HANDLER,
	  "a processor still is where it could not fetch the handler, in that space: it "
	  "reached no other" },
	{ WS_FATE_SURVIVES, END_AT_HANDLER,
	  "a processor still is where it could not fetch the handler, in that space" },
};

/* The words of traps.c; a command line or a module may have them as well. */
static bool reports_double_fault(struct ws_autopsy *autopsy)
{
	static const char *const words[] = { "PANIC: double fault",
					     "double fault: 0000" };

	return ws_log_has(autopsy, words, WS_ARRAY_SIZE(words));
}

static bool is_at_handler(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
			  uint32_t space)
{
	struct ws_system *system = autopsy->system;

	ws_vec_each(&system->target->cpus, cpu) {
		struct ws_standing standing;
		struct ws_trail trail;
		uint64_t root;

		if (ws_system_cpu_root(system, cpu, &root) &&
		    ws_space_of_root(autopsy->audit, root) == space &&
		    autopsy->arch->standing(system, cpu, &standing) && !standing.user &&
		    standing.ip == storm->frame.ip &&
		    ws_reach(autopsy, space, standing.ip, WS_KERNEL_EXECUTE, &trail) ==
			    WS_REACH_NONE)
			return true;
	}
	return false;
}

static enum end end_of(struct ws_autopsy *autopsy, const struct ws_storm *storm,
		       uint32_t space)
{
	if (is_at_handler(autopsy, storm, space))
		return END_AT_HANDLER;
	return reports_double_fault(autopsy) ? END_DOUBLE_FAULT : END_UNKNOWN;
}

void ws_compare_ends(struct ws_autopsy *autopsy, struct ws_death *death,
		     const struct ws_storm *storm, uint32_t space)
{
	enum end end = end_of(autopsy, storm, space);

	for (size_t i = 0; i < WS_ARRAY_SIZE(contradictions); i++) {
		if (contradictions[i].fate != death->story.fate ||
		    contradictions[i].end != end)
			continue;
		free(autopsy->differs);
		autopsy->differs = ws_text_of(
			"replay differs: the simulated processor comes to another end (%s) "
			"than the machine: %s",
			ws_fate_name((enum ws_fate)death->story.fate),
			contradictions[i].machine);
		autopsy->short_of_memory |= !autopsy->differs;
		death->replay_differs = autopsy->differs;
		return;
	}
}
