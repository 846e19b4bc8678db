/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an answer may become when a frame is overwritten. A processor sees what lies in
 * page tables, descriptors and stacks of the fault path, and dies of it: what is said of
 * those who use the frame so may be anything. All others fare as before, or nothing is
 * known.
 */
#include "torture/answer.h"

#include <stdlib.h>

#include "linux/roots.h"

/*
 * One frame is what is wrong, however many words it has: each rule may find something in
 * it, and each space may lack all that the fault path needs.
 */
#define FINDINGS_MORE_MAX 128
#define FINDINGS_A_SPACE 32

struct damage {
	const struct answer *whole, *part;
	uint64_t pa;
	FILE *out;
};

static bool is_it(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	const struct damage *d = arg;

	(void)level;
	(void)va;
	return (pa & -(uint64_t)WS_FRAME_SIZE) != d->pa; /* false ends the tour */
}

/* Whether the frame is one of the space's page tables. */
static bool is_table_of(const struct damage *d, const struct ws_space *space)
{
	const struct ws_paging *paging = ws_system_paging(d->whole->system);

	return (space->root & -(uint64_t)WS_FRAME_SIZE) == d->pa ||
	       !ws_tables(paging, space->root, 0, UINT64_MAX, 0, is_it, (void *)d);
}

/* Whether a processor reads it while it delivers a fault, or executes it. */
static bool is_of_fault_path(const struct damage *d)
{
	size_t n;
	const struct ws_need *needs = ws_audit_needs(d->whole->audit, &n);

	for (size_t i = 0; i < n; i++)
		for (uint64_t va = needs[i].va & -(uint64_t)WS_FRAME_SIZE;
		     va <= needs[i].last; va += WS_FRAME_SIZE) {
			uint64_t pa;

			if (ws_kernel_translate(d->whole->system, va, &pa) == WS_READ &&
			    (pa & -(uint64_t)WS_FRAME_SIZE) == d->pa)
				return true;
			if (va + WS_FRAME_SIZE < va)
				break;
		}
	return false;
}

static const struct ws_space *same_root(const struct answer *whole,
					const struct ws_space *space, size_t *index)
{
	for (*index = 0; *index < whole->nspaces; ++*index)
		if (whole->space[*index].root == space->root)
			return &whole->space[*index];
	return NULL;
}

/* A verdict that is known, if only as the least that comes of it. */
static bool is_worse(const struct ws_judgement *was, const struct ws_judgement *is)
{
	return is->verdict != WS_UNKNOWN && is->verdict > WS_HEALS &&
	       (!was || is->verdict > was->verdict);
}

static void compare_verdict(const struct damage *d, size_t s)
{
	const struct ws_space *after = &d->part->space[s], *before;
	const struct ws_judgement *is = &d->part->judged[s];
	size_t index;

	if (!ws_audited(d->part->audit, (uint32_t)s))
		return;
	before = same_root(d->whole, after, &index);
	if (!is_worse(before ? &d->whole->judged[index] : NULL, is) ||
	    (before && is_table_of(d, before)))
		return;
	fprintf(d->out, "%d %s %u %s (root %#lx): %s -> %s: %s\n", WRONG_VERDICT,
		ws_space_kind_name(after->kind), after->pid, after->comm, after->root,
		before ? ws_verdict_name(d->whole->judged[index].verdict) : "nobody",
		ws_verdict_name(is->verdict), is->rule ? is->rule->id : "");
}

static void compare_fate(const struct damage *d, size_t s)
{
	const struct ws_space *after = &d->part->space[s], *before;
	size_t index;

	before = same_root(d->whole, after, &index);
	if (!before || !d->part->machine || is_table_of(d, before))
		return;
	for (unsigned mode = 0; mode < ANSWER_MODES; mode++) {
		int was = d->whole->fate[index * ANSWER_MODES + mode];
		int is = d->part->fate[s * ANSWER_MODES + mode];

		if (was != WS_FATE_SURVIVES || is == was || is == NO_FATE ||
		    is == WS_FATE_UNKNOWN)
			continue;
		fprintf(d->out, "%d %s %u %s, from %s mode: survives -> %s\n", WRONG_FATE,
			ws_space_kind_name(after->kind), after->pid, after->comm,
			ws_fault_mode_name(mode), ws_fate_name((enum ws_fate)is));
	}
}

static void count_findings(const struct damage *d)
{
	size_t before, after;

	ws_audit_findings(d->whole->audit, &before);
	ws_audit_findings(d->part->audit, &after);
	if (after > before + FINDINGS_MORE_MAX + FINDINGS_A_SPACE * d->part->nspaces)
		fprintf(d->out, "%d %zu findings -> %zu\n", WRONG_FINDING, before, after);
}

void answer_compare_damage(const struct answer *whole, const struct answer *part,
			   const struct omission *omission, FILE *out)
{
	const struct damage d = { whole, part, omission->piece->pa, out };
	bool seen;

	if (!part->system || !part->audit)
		return; /* refused: of a kernel's first table, say */
	count_findings(&d);
	seen = is_of_fault_path(&d);
	for (size_t s = 0; !seen && s < part->nspaces; s++) {
		compare_verdict(&d, s);
		compare_fate(&d, s);
	}
}
