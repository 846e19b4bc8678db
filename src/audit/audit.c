/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the families of rules and keeps what they find. */
#include "audit/lack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/hash.h"

/*
 * In the order in which findings are told: the cause before what comes of it. Protection
 * needs the tables that well-formedness has met.
 */
static const struct ws_family *const families[] = {
	&ws_coherence,
	&ws_wellformed,
	&ws_faultpath,
	&ws_protection,
};

/*
 * A healthy machine has none and a sick one some thousands (entries x spaces): more is
 * noise made by hostile memory, and must not become the reader's memory.
 */
#define FINDINGS_MAX (1u << 17)

const struct ws_rule *ws_rule_at(unsigned i)
{
	for (size_t f = 0; f < WS_ARRAY_SIZE(families); f++) {
		if (i < families[f]->nrules)
			return &families[f]->rules[i];
		i -= (unsigned)families[f]->nrules;
	}
	return NULL;
}

static const char *const severity_names[] = {
	[WS_INFO] = "info",
	[WS_WARNING] = "warning",
	[WS_ERROR] = "error",
	[WS_FATAL] = "fatal",
};

const char *ws_severity_name(enum ws_severity severity)
{
	return severity_names[severity];
}

uint64_t ws_reference_of(const struct ws_audit *audit, const struct ws_space *space)
{
	const struct ws_layout *layout = &audit->system->layout;

	if (space->kind != WS_SPACE_USER)
		return layout->reference;
	return layout->consensus ? space->root : layout->reference + WS_FRAME_SIZE;
}

bool ws_audited(const struct ws_audit *audit, uint32_t index)
{
	return audit->system->spaces.v[index].counts;
}

uint64_t ws_memory_end(const struct ws_audit *audit)
{
	const struct ws_system *system = audit->system;
	uint64_t mapped = audit->regions.rows.v[0].last + 1 - system->layout.page_offset;

	return mapped > system->target->memory_end ? mapped : system->target->memory_end;
}

static void note_limit(struct ws_audit *audit)
{
	if (audit->findings.n == FINDINGS_MAX && !audit->limited) {
		audit->limited = true;
		ws_note(audit->system,
			"more than %u findings: the rest is left out, and verdicts rest on "
			"those that are told",
			FINDINGS_MAX);
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
 * address that one of the two maps tell more.
 */
static void walk_both(const struct ws_audit *audit, struct ws_finding *finding)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_space *space = &audit->system->spaces.v[finding->space];
	uint64_t reference = ws_reference_of(audit, space), va;

	ws_walk(paging, space->root, finding->va, &finding->here);
	ws_walk(paging, reference, finding->va, &finding->there);
	if (finding->here.end == WS_END_PAGE || finding->there.end == WS_END_PAGE)
		return;
	va = first_mapped(audit, reference, finding);
	if (va == finding->va)
		va = first_mapped(audit, space->root, finding);
	ws_walk(paging, space->root, va, &finding->here);
	ws_walk(paging, reference, va, &finding->there);
}

struct ws_finding *ws_found(struct ws_audit *audit, const struct ws_rule *rule,
			    uint32_t space, uint64_t va, uint64_t last, const char *fmt,
			    ...)
{
	struct ws_finding *finding;
	va_list ap;
	int n;

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
	finding->region = ws_region_name(&audit->regions, finding->here.va);
	va_start(ap, fmt);
	n = vasprintf(&finding->text, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		ws_one_line(finding->text);
		return finding;
	}
	audit->findings.n--;
	audit->short_of_memory = true;
	return NULL;
}

/* ---- groups: findings alike but for their space ---------------------------------- */

struct group {
	char *key;
	uint32_t id;
	UT_hash_handle hh;
};

static void groups_free(struct group *groups)
{
	struct group *it, *next;

	HASH_ITER(hh, groups, it, next)
	{
		HASH_DEL(groups, it);
		free(it->key);
		free(it);
	}
}

static struct group *group_of(struct group **groups, const struct ws_finding *finding)
{
	struct group *group;
	char *key;

	if (asprintf(&key, "%s %d %lx %lx %s", finding->rule->id, finding->cpu,
		     finding->va, finding->last, finding->text) < 0)
		return NULL;
	HASH_FIND_STR(*groups, key, group);
	if (group) {
		free(key);
		return group;
	}
	group = calloc(1, sizeof(*group));
	if (group) {
		group->key = key;
		group->id = HASH_COUNT(*groups);
		HASH_ADD_KEYPTR(hh, *groups, group->key, strlen(group->key), group);
	}
	if (group && group->hh.tbl)
		return group;
	free(group);
	free(key);
	return NULL;
}

static void group_findings(struct ws_audit *audit)
{
	struct group *groups = NULL;

	ws_vec_each(&audit->findings, finding) {
		struct group *group = group_of(&groups, finding);

		if (group)
			finding->group = group->id;
		else
			audit->short_of_memory = true;
	}
	groups_free(groups);
}

/* ---- the whole of it -------------------------------------------------------------- */

static enum ws_status run_families(struct ws_audit *audit)
{
	enum ws_status status = ws_region_map_init(&audit->regions, audit->system);

	for (size_t f = 0; f < WS_ARRAY_SIZE(families) && status == WS_OK; f++) {
		ws_progress(audit->ctx, "auditing", (double)f / WS_ARRAY_SIZE(families));
		status = families[f]->run(audit);
	}
	ws_progress(audit->ctx, "auditing", 1);
	return status;
}

static struct ws_audit *audit_create(struct ws_system *system)
{
	struct ws_audit *audit = calloc(1, sizeof(*audit));

	if (audit) {
		audit->ctx = system->ctx;
		audit->system = system;
	}
	return audit;
}

/*
 * Memory that changes while it is read can show what never was. Everything is looked at
 * once more, and only what is found again is told.
 */
static enum ws_status confirm(struct ws_audit *audit)
{
	struct ws_audit *again = audit_create(audit->system);
	enum ws_status status;

	if (!again)
		return ws_fail_memory(audit->ctx);
	status = run_families(again);
	if (status == WS_OK)
		status = ws_keep_confirmed(audit, again);
	audit->short_of_memory |= again->short_of_memory;
	ws_audit_destroy(again);
	return status;
}

static bool is_about_tables(const struct ws_rule *rule)
{
	for (size_t f = 0; f < WS_ARRAY_SIZE(families); f++)
		if (rule >= families[f]->rules &&
		    rule < families[f]->rules + families[f]->nrules)
			return families[f]->about_tables;
	return false;
}

static enum ws_status run(struct ws_audit *audit)
{
	enum ws_status status = run_families(audit);

	if (status == WS_OK && audit->system->target->moving && audit->findings.n)
		status = confirm(audit);
	if (status != WS_OK)
		return status;
	ws_vec_each(&audit->findings, finding)
		if (is_about_tables(finding->rule))
			ws_finding_share(audit, finding);
	group_findings(audit);
	status = ws_judge(audit);
	if (status == WS_OK && audit->short_of_memory)
		status = ws_fail_memory(audit->ctx);
	return status;
}

enum ws_status ws_audit_run(struct ws_system *system, struct ws_audit **audit)
{
	struct ws_audit *started = audit_create(system);
	enum ws_status status;

	*audit = NULL;
	if (!started)
		return ws_fail_memory(system->ctx);
	status = ws_target_looked(system->target, run(started));
	if (status == WS_OK)
		*audit = started;
	else
		ws_audit_destroy(started);
	return status;
}

void ws_audit_destroy(struct ws_audit *audit)
{
	if (!audit)
		return;
	ws_vec_each(&audit->findings, finding)
		free(finding->text);
	ws_vec_each(&audit->judgements, judgement)
		free(judgement->reasons);
	ws_vec_each(&audit->needs, need)
		free(need->what);
	ws_vec_release(&audit->needs);
	ws_vec_release(&audit->findings);
	ws_vec_release(&audit->judgements);
	ws_vec_release(&audit->tables);
	ws_lacks_release(audit);
	ws_shared_release(audit);
	ws_region_map_release(&audit->regions);
	free(audit);
}

const struct ws_finding *ws_audit_findings(const struct ws_audit *audit, size_t *n)
{
	*n = audit->findings.n;
	return audit->findings.v;
}

const struct ws_judgement *ws_audit_judgements(const struct ws_audit *audit, size_t *n)
{
	*n = audit->judgements.n;
	return audit->judgements.v;
}

const struct ws_kernel_region *ws_audit_regions(const struct ws_audit *audit, size_t *n)
{
	*n = audit->regions.rows.n;
	return audit->regions.rows.v;
}

const struct ws_need *ws_audit_needs(const struct ws_audit *audit, size_t *n)
{
	*n = audit->needs.n;
	return audit->needs.v;
}
