/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts down what rules find, and what else they say. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/rule.h"
#include "util/count.h"
#include "util/text.h"

/*
 * A healthy machine has none and a sick one some thousands (entries x spaces): more is
 * noise made by hostile memory, and must not become the reader's memory.
 */
#define FINDINGS_MAX (1u << 17)

static void note_limit(struct ws_audit *audit)
{
	if (audit->findings.n == FINDINGS_MAX && !audit->limited) {
		audit->limited = true;
		ws_note(audit->system,
			"more than %s: the rest is left out, and verdicts rest on "
			"those that are reported",
			WS_COUNT_OF(FINDINGS_MAX, "finding"));
	}
}

static bool take_first(void *arg, const struct ws_run *run)
{
	*(uint64_t *)arg = run->va;
	return false;
}

/* Where the entry that led there is one of a large range, its tables can be many. */
#define TABLES_TO_FIRST 16

/* The first address of the finding's range that root maps; va where none is near. */
static uint64_t first_mapped(const struct ws_audit *audit, uint64_t root,
			     const struct ws_finding *finding)
{
	uint64_t va = finding->va;

	(void)!ws_range(&audit->system->paging, root, va, finding->last, 0,
			TABLES_TO_FIRST, take_first, &va);
	return va;
}

/*
 * A range often begins with what nobody maps, where both walks end in holes: those of an
 * address that one of the two maps say more.
 */
static void walk_both(const struct ws_audit *audit, struct ws_finding *finding)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_space *space = &audit->system->spaces.v[finding->space];
	uint64_t reference = ws_reference_of(audit, space), va;

	ws_space_walk(audit->system, space, finding->va, &finding->here);
	ws_walk(paging, reference, finding->va, &finding->there);
	if (finding->here.end == WS_END_PAGE || finding->there.end == WS_END_PAGE)
		return;
	va = first_mapped(audit, reference, finding);
	if (va == finding->va)
		va = first_mapped(audit, space->root, finding);
	ws_space_walk(audit->system, space, va, &finding->here);
	ws_walk(paging, reference, va, &finding->there);
}

struct ws_finding *ws_found(struct ws_audit *audit, const struct ws_rule *rule,
			    uint32_t space, uint64_t va, uint64_t last, const char *fmt,
			    ...)
{
	struct ws_finding *finding;
	va_list ap;

	note_limit(audit);
	if (audit->limited)
		return NULL;
	finding = ws_vec_push(&audit->findings);
	if (!finding) {
		audit->short_of_memory = true;
		return NULL;
	}
	finding->rule = rule;
	finding->severity = rule->severity;
	finding->space = space;
	finding->cpu = -1;
	finding->va = va;
	finding->last = last;
	walk_both(audit, finding);
	if (audit->family && audit->family->about_tables &&
	    !ws_crowd_admits(audit, finding)) {
		audit->findings.n--;
		return NULL;
	}
	finding->region = ws_region_name(audit->system, finding->here.va);
	va_start(ap, fmt);
	finding->text = ws_text_of_args(fmt, ap);
	va_end(ap);
	if (finding->text) {
		ws_one_line(finding->text);
		return finding;
	}
	audit->findings.n--;
	audit->short_of_memory = true;
	return NULL;
}

void ws_audit_say(struct ws_audit *audit, const char *fmt, ...)
{
	char *text, **note;
	va_list ap;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	note = text ? ws_vec_push(&audit->notes) : NULL;
	if (note) {
		*note = text;
		return;
	}
	free(text);
	audit->short_of_memory = true;
}
