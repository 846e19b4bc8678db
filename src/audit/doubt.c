/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/doubt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "audit/lack.h"
#include "paging/format.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/text.h"

void ws_doubt(struct ws_audit *audit, int cpu, const char *text)
{
	static const char either_or[] = "the dump is damaged, or the machine died of it";
	char who[32] = "every processor";

	if (cpu >= 0)
		snprintf(who, sizeof(who), "cpu %d", cpu);
	ws_note(audit->system, "%s cannot have run like this, so %s: %s", who, either_or,
		text);
	if (!audit->doubt && !(audit->doubt = strdup(text)))
		audit->short_of_memory = true;
	ws_lack_fact(audit, false, "what %s ran with: %s; %s", who, text, either_or);
}

void ws_found_doubtful(struct ws_audit *audit, int cpu, const struct ws_rule *rule,
		       uint64_t va, uint64_t last, const char *text)
{
	struct ws_finding *finding =
		ws_found(audit, rule, ws_init_space(audit), va, last, "%s", text);

	if (!finding)
		return;
	finding->cpu = cpu;
	finding->machine = true;
	finding->severity = WS_WARNING;
}

/* ---- out of reach ------------------------------------------------------------------ */

/* "PTE 2 of the PT at 0x7d21000 is empty": the frame to look at. */
static void name_entry(const struct ws_format *format, const struct ws_trail *trail,
		       char *text, size_t size)
{
	unsigned level = trail->nsteps ? trail->nsteps - 1u : 0;
	const struct ws_step *step = &trail->step[level];

	text[0] = '\0';
	if (trail->end == WS_END_HOLE || trail->end == WS_END_MALFORMED)
		snprintf(text, size, " (%s %u of the %s at %#jx is %#jx)",
			 ws_level_entry_name(format, level), step->index,
			 ws_level_name(format, level), step->table, step->entry);
}

bool ws_is_doubtful(struct ws_needs *needs, const struct ws_cpu *cpu,
		    const struct ws_need *need, struct ws_trail *trail,
		    const char **wrong)
{
	const struct ws_system *system = needs->audit->system;
	uint64_t loaded;

	if (need->if_reference || (ws_system_cpu_root(system, cpu, &loaded) &&
				   !ws_need_complaint(needs, need, loaded, trail)))
		return false;
	*wrong = ws_need_complaint(needs, need, system->layout.reference, trail);
	return *wrong;
}

/*
 * "the GDT at 0xff401000 (GDTR), which from 0xff402000 on is not mapped even in init_mm"
 */
static char *describe(const struct ws_format *format, const struct ws_need *need,
		      const struct ws_trail *trail, const char *wrong, const char *source)
{
	char entry[96], from[32] = "";

	if (trail->va != need->va)
		snprintf(from, sizeof(from), " from %#jx on", trail->va);
	name_entry(format, trail, entry, sizeof(entry));
	return ws_text_of("%s (%s), which%s %s even in init_mm%s", need->what, source,
			  from, wrong, entry);
}

void ws_doubt_last(struct ws_needs *needs, const struct ws_cpu *cpu, const char *source)
{
	struct ws_need *need = needs->v.n ? &needs->v.v[needs->v.n - 1] : NULL;
	ws_autofree char *text = NULL;
	struct ws_trail trail;
	const char *wrong;

	if (needs->audit->short_of_memory || !need ||
	    !ws_is_doubtful(needs, cpu, need, &trail, &wrong))
		return;
	text = describe(needs->audit->system->paging.format, need, &trail, wrong, source);
	if (!text) {
		needs->audit->short_of_memory = true;
		return;
	}
	ws_found_doubtful(needs->audit, need->cpu, need->rule, need->va, need->last,
			  text);
	ws_doubt(needs->audit, need->cpu, text);
	free(need->what);
	needs->v.n--;
}
