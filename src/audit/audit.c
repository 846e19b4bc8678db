/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the families of rules and keeps what they find. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "audit/arch.h"
#include "audit/lack.h"
#include "linux/special.h"
#include "util/count.h"
#include "util/hash.h"
#include "util/text.h"

/*
 * In the order in which findings are reported: the cause before what comes of it.
 * Protection needs the tables that well-formedness has met. NULL: the fault path of the
 * architecture.
 */
static const struct ws_family *const families[] = {
	&ws_coherence,    &ws_wellformed,   NULL, &ws_protection, &ws_jumps, &ws_specials,
	&ws_translations, &ws_frame_family,
};

static const struct ws_family *family_of(const struct ws_arch *arch)
{
	return arch->audit && arch->audit->fault_path ? arch->audit->fault_path->family
						      : NULL;
}

/* The fault path of the i-th architecture; NULL: none that is known, or another's. */
static const struct ws_family *fault_path_at(unsigned i)
{
	const struct ws_family *family = family_of(ws_arch_at(i));

	for (unsigned before = 0; before < i; before++)
		if (family_of(ws_arch_at(before)) == family)
			return NULL;
	return family;
}

static const struct ws_rule *rule_in(const struct ws_family *family, unsigned *i)
{
	if (!family)
		return NULL;
	if (*i < family->nrules)
		return &family->rules[*i];
	*i -= (unsigned)family->nrules;
	return NULL;
}

const struct ws_rule *ws_rule_at(unsigned i)
{
	const struct ws_rule *rule = NULL;

	for (size_t f = 0; f < WS_ARRAY_SIZE(families) && !rule; f++) {
		rule = rule_in(families[f], &i);
		for (unsigned a = 0; !families[f] && ws_arch_at(a) && !rule; a++)
			rule = rule_in(fault_path_at(a), &i);
	}
	return rule;
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
	char *key = ws_text_of("%s %d %jx %jx %s", finding->rule->id, finding->cpu,
			       finding->va, finding->last, finding->text);

	if (!key)
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

static enum ws_status run_fault_path(struct ws_audit *audit)
{
	static const char unknown[] =
		"how a processor of this architecture takes a fault is not known here";

	if (audit->arch->fault_path)
		return audit->arch->fault_path->family->run(audit);
	ws_note(audit->system, "%s: it was not looked at", unknown);
	ws_lack_knowledge(audit, unknown);
	return WS_OK;
}

/* What nothing else rests on. */
static const struct ws_family *const optional = &ws_frame_family;

enum ws_status ws_system_leave_out(struct ws_system *system, const char *family)
{
	if (strcmp(family, optional->name) != 0)
		return ws_fail(
			system->ctx, WS_ERR_USAGE,
			"'%s' is no family of rules that can be left out: only %s is",
			family, optional->name);
	system->leaves_out = true;
	return WS_OK;
}

static enum ws_status run_families(struct ws_audit *audit)
{
	enum ws_status status = ws_regions_find(audit->system);

	if (status == WS_OK) /* what is one of these is held to nothing else */
		status = ws_specials_find(audit->system);
	ws_doubt_tables(audit->system, true);
	for (size_t f = 0; f < WS_ARRAY_SIZE(families) && status == WS_OK; f++) {
		ws_progress(audit->ctx, "auditing", (double)f / WS_ARRAY_SIZE(families));
		if (families[f] == optional && audit->system->leaves_out)
			continue;
		audit->family = families[f];
		status = families[f] ? families[f]->run(audit) : run_fault_path(audit);
	}
	ws_doubt_tables(audit->system, false);
	ws_crowds_say(audit);
	ws_progress(audit->ctx, "auditing", 1);
	return status;
}

static struct ws_audit *audit_create(struct ws_system *system,
				     const struct ws_arch_audit *arch)
{
	struct ws_audit *audit = calloc(1, sizeof(*audit));

	if (audit) {
		audit->ctx = system->ctx;
		audit->system = system;
		audit->arch = arch;
	}
	return audit;
}

/* Everything is looked at once more. */
static enum ws_status look_again(struct ws_audit *audit)
{
	struct ws_audit *again = audit_create(audit->system, audit->arch);
	enum ws_status status;

	if (!again)
		return ws_fail_memory(audit->ctx);
	ws_system_forget(audit->system);
	status = run_families(again);
	if (status == WS_OK)
		status = ws_keep_confirmed(audit, again);
	audit->short_of_memory |= again->short_of_memory;
	ws_audit_destroy(again);
	return status;
}

#define LOOKS 3

/* Whether something was found that another look may not find, or read that it may. */
static bool is_in_doubt(const struct ws_audit *audit)
{
	bool of_a_space = audit->findings.n;

	ws_vec_each(&audit->lacks, lack)
		of_a_space |= lack->space != WS_NO_SPACE;
	return of_a_space;
}

/*
 * Memory that changes while it is read can show what never was: a table that was given to
 * someone else, a page freed behind an entry that was read before. So only what each look
 * finds is reported.
 */
static enum ws_status confirm(struct ws_audit *audit)
{
	enum ws_status status = WS_OK;
	size_t before;

	ws_drop_own(audit);
	before = audit->findings.n;

	for (unsigned looks = 1; looks < LOOKS && is_in_doubt(audit) && status == WS_OK;
	     looks++)
		status = look_again(audit);
	if (status == WS_OK)
		status = ws_drop_vanished(audit);
	if (status == WS_OK && audit->findings.n < before)
		ws_audit_say(audit,
			     "%s not the same at each of %d looks, or of a process that "
			     "has gone since: memory changed meanwhile, and they are not "
			     "reported",
			     WS_COUNT_OF(before - audit->findings.n, "finding"), LOOKS);
	return status;
}

static bool is_about_tables(const struct ws_rule *rule)
{
	for (size_t f = 0; f < WS_ARRAY_SIZE(families); f++)
		if (families[f] && rule >= families[f]->rules &&
		    rule < families[f]->rules + families[f]->nrules)
			return families[f]->about_tables;
	return false;
}

static enum ws_status run(struct ws_audit *audit)
{
	enum ws_status status = run_families(audit);

	if (status == WS_OK && audit->system->target->moving && is_in_doubt(audit))
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
	const struct ws_arch *arch = ws_arch_of(system->paging.format);
	struct ws_audit *started;
	enum ws_status status;

	*audit = NULL;
	if (!arch || !arch->audit)
		return ws_fail(system->ctx, WS_ERR_UNSUPPORTED,
			       "the audit is not known for this architecture: %s",
			       system->paging.format->name);
	started = audit_create(system, arch->audit);
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
	ws_vec_each(&audit->notes, note)
		free(*note);
	free(audit->doubt);
	ws_vec_release(&audit->notes);
	ws_vec_release(&audit->needs);
	ws_vec_release(&audit->findings);
	ws_vec_release(&audit->judgements);
	ws_vec_release(&audit->specials);
	ws_vec_release(&audit->tables);
	ws_lacks_release(audit);
	ws_shared_release(audit);
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
	*n = audit->system->regions.n;
	return audit->system->regions.v;
}

const char *ws_audit_note(const struct ws_audit *audit, unsigned i)
{
	return i < audit->notes.n ? audit->notes.v[i] : NULL;
}

const struct ws_need *ws_audit_needs(const struct ws_audit *audit, size_t *n)
{
	*n = audit->needs.n;
	return audit->needs.v;
}
