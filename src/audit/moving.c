/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that runs on while its memory is read: what every one of some looks at it has
 * found, in spaces that are still whose they were.
 */
#include <stdlib.h>

#include "audit/lack.h"
#include "audit/rule.h"
#include "util/cleanup.h"

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/*
 * The same thing of the same space; its words may differ, for A and D bits come and go.
 */
static int by_matter(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;
	int order = compare((uintptr_t)a->rule, (uintptr_t)b->rule);

	if (!order)
		order = compare(a->space, b->space);
	if (!order)
		order = (a->cpu > b->cpu) - (a->cpu < b->cpu);
	if (!order)
		order = compare(a->va, b->va);
	return order ? order : compare(a->last, b->last);
}

/* By the same tables to the same page or hole, whatever A and D bits are. */
static bool same_walk(const struct ws_trail *a, const struct ws_trail *b)
{
	bool same = a->va == b->va && a->end == b->end && a->pa == b->pa &&
		    a->access == b->access && a->nsteps == b->nsteps;

	for (unsigned i = 0; same && i < a->nsteps; i++)
		same = a->step[i].table == b->step[i].table;
	return same;
}

static bool is_confirmed(const struct ws_finding *finding,
			 const struct ws_finding *const *known, size_t n)
{
	const struct ws_finding *const *again =
		bsearch(&finding, known, n, sizeof(*known), by_matter);

	return again && same_walk(&finding->here, &(*again)->here) &&
	       same_walk(&finding->there, &(*again)->there);
}

/* What one look could not read, and another did, is known if that found nothing there. */
static bool is_unknown_yet(void *arg, uint32_t space)
{
	const struct ws_audit *again = arg;
	bool found = false;

	ws_vec_each(&again->findings, finding)
		found |= finding->space == space;
	return found || ws_lacks_of(again, space);
}

enum ws_status ws_keep_confirmed(struct ws_audit *audit, struct ws_audit *again)
{
	size_t n = again->findings.n, kept = 0;
	ws_autofree const struct ws_finding **known = calloc(n + 1, sizeof(*known));

	if (!known)
		return ws_fail_memory(audit->ctx);
	for (size_t i = 0; i < n; i++)
		known[i] = &again->findings.v[i];
	qsort(known, n, sizeof(*known), by_matter);
	for (size_t i = 0; i < audit->findings.n; i++) {
		struct ws_finding *finding = &audit->findings.v[i];

		if (is_confirmed(finding, known, n))
			audit->findings.v[kept++] = *finding;
		else
			free(finding->text);
	}
	audit->findings.n = kept;
	return ws_lacks_keep(audit, is_unknown_yet, again);
}

/* ---- whose space it is ------------------------------------------------------------- */

/*
 * Some task of it is still whom it was, so that its tables were its own for as long as
 * anybody looked. A root without a task is held against nothing but its looks.
 */
static bool is_still(struct ws_system *system, const struct ws_space *space)
{
	if (!space->ntasks)
		return ws_root_fits_now(system, space->root);
	ws_vec_each(&system->tasks, task)
		if (task->space != WS_NO_SPACE &&
		    system->spaces.v[task->space].owners == space->owners &&
		    ws_task_stands(system, task))
			return true;
	return false;
}

/* This very program changes its own memory by looking. */
static bool is_own_memory(const struct ws_system *system,
			  const struct ws_finding *finding)
{
	return system->own_pid &&
	       system->spaces.v[finding->space].pid == system->own_pid &&
	       finding->va < system->layout.kernel_first;
}

void ws_drop_own(struct ws_audit *audit)
{
	size_t kept = 0;

	ws_vec_each(&audit->findings, finding)
		if (is_own_memory(audit->system, finding))
			free(finding->text);
		else
			audit->findings.v[kept++] = *finding;
	audit->findings.n = kept;
}

/* Which spaces are still whose they were, each looked at once. */
struct stillness {
	struct ws_system *system;
	uint8_t *known; /* 0: not yet; 1: no; 2: yes */
};

static bool stays(void *arg, uint32_t space)
{
	struct stillness *of = arg;
	uint8_t *known = &of->known[space];

	if (!*known)
		*known = 1 + is_still(of->system, &of->system->spaces.v[space]);
	return *known == 2;
}

enum ws_status ws_drop_vanished(struct ws_audit *audit)
{
	ws_autofree uint8_t *known = calloc(audit->system->spaces.n + 1, 1);
	struct stillness of = { audit->system, known };
	size_t kept = 0;

	if (!known)
		return ws_fail_memory(audit->ctx);
	for (size_t i = 0; i < audit->findings.n; i++) {
		struct ws_finding *finding = &audit->findings.v[i];

		if (stays(&of, finding->space))
			audit->findings.v[kept++] = *finding;
		else
			free(finding->text);
	}
	audit->findings.n = kept;
	return ws_lacks_keep(audit, stays, &of);
}
