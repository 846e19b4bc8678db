/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "torture/answer.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* Kernel addresses and symbols that are asked for: enough to meet every table of names. */
#define PROBES_MAX 256
#define SYMBOLS_MAX 64
#define SYMBOL_STEP 97 /* frames of the image from one to the next */

struct comparison {
	const struct answer *whole, *part;
	const struct omission *omission;
	FILE *out;
};

static bool is_out(const struct comparison *c, uint64_t pa)
{
	return pa >= c->omission->pa && pa <= c->omission->last;
}

static void print_space(FILE *out, const struct ws_space *space)
{
	fprintf(out, "%s %u %s (root %#lx)", ws_space_kind_name(space->kind), space->pid,
		space->comm, space->root);
}

/* The space of part that has the root, or NULL. */
static const struct ws_space *same_space(const struct answer *part,
					 const struct ws_space *space)
{
	for (size_t s = 0; s < part->nspaces; s++)
		if (part->space[s].root == space->root)
			return &part->space[s];
	return NULL;
}

/* ---- spaces and their owners ---- */

static bool kernel_is_out(const struct comparison *c, uint64_t va)
{
	uint64_t pa;

	return ws_kernel_translate(c->whole->system, va, &pa) == WS_READ && is_out(c, pa);
}

/* A root that is left out is known by who names it: a task, its mm, a processor. */
static bool may_vanish(const struct comparison *c, const struct ws_space *space)
{
	const struct ws_system *system = c->whole->system;
	uint32_t index = (uint32_t)(space - c->whole->space);

	if (space->kind == WS_SPACE_FREED || !ws_audited(c->whole->audit, index))
		return true;
	/* what most have stands in for it, which makes all unknown */
	if (space->kind == WS_SPACE_INIT && c->part->system->layout.consensus)
		return true;
	if (!is_out(c, space->root))
		return false;
	if (ws_system_lacks_tasks(c->part->system)) /* "that were found" */
		return true;
	ws_vec_each(&system->target->cpus, cpu)
		if ((cpu->cr3 & system->paging.format->root_mask) == space->root)
			return false;
	if (!space->mm || kernel_is_out(c, space->mm + system->fields.mm_pgd))
		return true;
	ws_vec_each(&system->tasks, task)
		if (task->active_space == index && !kernel_is_out(c, task->comm_va))
			return false;
	return true;
}

static bool kind_may_become(uint8_t before, uint8_t after)
{
	return before == after || after == WS_SPACE_LONE || after == WS_SPACE_UNOWNED ||
	       before == WS_SPACE_FREED;
}

static bool is_owner(const struct answer *whole, const struct ws_space *space,
		     const struct ws_space *after)
{
	ws_vec_each(&whole->system->tasks, task)
		if (task->pid == after->pid && task->mm == space->mm)
			return true; /* its name may be that of another of its threads */
	return false;
}

/* An owner may become unknown, or another of several; never somebody else. */
static bool owner_may_become(const struct answer *whole, const struct ws_space *before,
			     const struct ws_space *after)
{
	if (!kind_may_become(before->kind, after->kind))
		return false;
	return !after->pid || !after->ntasks || is_owner(whole, before, after);
}

/*
 * Without its task a root that maps no user memory is not told from a freed one; the
 * answer then speaks of those that were found.
 */
static bool is_lost(const struct comparison *c, const struct ws_space *after)
{
	return after && after->kind == WS_SPACE_FREED &&
	       ws_system_lacks_tasks(c->part->system);
}

static void compare_space(const struct comparison *c, const struct ws_space *before)
{
	uint32_t index = (uint32_t)(before - c->whole->space);
	const struct ws_space *after = same_space(c->part, before);

	if (!after) {
		if (may_vanish(c, before))
			return;
		fprintf(c->out, "%d ", WRONG_SPACE);
		print_space(c->out, before);
		fputs(" -> is not there\n", c->out);
		return;
	}
	if (is_lost(c, after))
		return;
	if (ws_audited(c->whole->audit, index) && c->part->audit &&
	    !ws_audited(c->part->audit, (uint32_t)(after - c->part->space))) {
		fprintf(c->out, "%d ", WRONG_SPACE);
		print_space(c->out, before);
		fprintf(c->out, " -> %s, not audited\n", ws_space_kind_name(after->kind));
	}
	if (owner_may_become(c->whole, before, after))
		return;
	fprintf(c->out, "%d ", WRONG_OWNER);
	print_space(c->out, before);
	fputs(" -> ", c->out);
	print_space(c->out, after);
	fputc('\n', c->out);
}

static void compare_spaces(const struct comparison *c)
{
	for (size_t s = 0; s < c->whole->nspaces; s++)
		compare_space(c, &c->whole->space[s]);
	for (size_t s = 0; s < c->part->nspaces; s++) {
		if (same_space(c->whole, &c->part->space[s]))
			continue;
		fprintf(c->out, "%d nothing -> ", WRONG_SPACE);
		print_space(c->out, &c->part->space[s]);
		fputc('\n', c->out);
	}
}

/* ---- verdicts and findings ---- */

/* What is known of a part is no worse than the truth, and says so where it is less. */
static bool verdict_may_become(const struct ws_judgement *before,
			       const struct ws_judgement *after)
{
	if (after->verdict == WS_UNKNOWN)
		return after->known <= WS_UNKNOWN || after->known <= before->verdict;
	return after->verdict == before->verdict ||
	       (after->at_least && after->verdict < before->verdict);
}

static void compare_verdicts(const struct comparison *c)
{
	for (size_t s = 0; s < c->whole->nspaces; s++) {
		const struct ws_space *before = &c->whole->space[s];
		const struct ws_space *after = same_space(c->part, before);
		const struct ws_judgement *was = &c->whole->judged[s], *is;

		if (!after || is_lost(c, after) ||
		    !ws_audited(c->whole->audit, (uint32_t)s))
			continue;
		is = &c->part->judged[after - c->part->space];
		if (verdict_may_become(was, is))
			continue;
		fprintf(c->out, "%d ", WRONG_VERDICT);
		print_space(c->out, before);
		fprintf(c->out, ": %s -> %s%s\n", ws_verdict_name(was->verdict),
			is->at_least ? "at least " : "", ws_verdict_name(is->verdict));
	}
}

/* Whether the whole dump has it too: the same rule, place, and space or machine. */
static bool finding_is_true(const struct comparison *c, const struct ws_finding *finding)
{
	uint64_t root = c->part->space[finding->space].root;
	size_t n;
	const struct ws_finding *known = ws_audit_findings(c->whole->audit, &n);

	for (size_t i = 0; i < n; i++)
		if (known[i].rule == finding->rule && known[i].va <= finding->last &&
		    known[i].last >= finding->va &&
		    (known[i].machine || c->whole->space[known[i].space].root == root))
			return true;
	return false;
}

static void compare_findings(const struct comparison *c)
{
	size_t n;
	const struct ws_finding *findings = ws_audit_findings(c->part->audit, &n);

	for (size_t i = 0; i < n; i++) {
		if (findings[i].severity == WS_INFO || finding_is_true(c, &findings[i]))
			continue;
		fprintf(c->out, "%d ", WRONG_FINDING);
		print_space(c->out, &c->part->space[findings[i].space]);
		fprintf(c->out, ": nothing -> %s %s\n", findings[i].rule->id,
			findings[i].text);
	}
}

/* ---- modules and symbols ---- */

static bool same_module(const struct ws_module *a, const struct ws_module *b)
{
	return a->module == b->module && !strcmp(a->name, b->name) &&
	       a->nregions == b->nregions &&
	       !memcmp(a->region, b->region, a->nregions * sizeof(a->region[0]));
}

/* Where its memory lies may be unknown; what is said of it is true. */
static bool is_of(const struct ws_module *part, const struct ws_module *whole)
{
	return same_module(part, whole) ||
	       (part->module == whole->module && !strcmp(part->name, whole->name) &&
		!part->nregions);
}

/* The list may end early, which a note says; what is on it is true. */
static void compare_modules(const struct comparison *c)
{
	size_t found = 0;

	for (size_t i = 0; i < c->part->nmodules; i++) {
		size_t k = 0;

		while (k < c->whole->nmodules &&
		       !is_of(&c->part->module[i], &c->whole->module[k]))
			k++;
		found += k < c->whole->nmodules;
		if (k == c->whole->nmodules)
			fprintf(c->out, "%d nothing -> module %s at %#lx, %u regions\n",
				WRONG_MODULE, c->part->module[i].name,
				c->part->module[i].module, c->part->module[i].nregions);
	}
	if (found < c->whole->nmodules && !ws_system_note(c->part->system, 0))
		fprintf(c->out, "%d %zu modules -> %zu, and no word about it\n",
			WRONG_MODULE, c->whole->nmodules, found);
}

static void compare_symbol(const struct comparison *c, uint64_t va)
{
	struct ws_symbol known, found;

	if (ws_symbol_at(c->whole->system, va, &known) != WS_OK || known.module ||
	    ws_symbol_find(c->whole->system, known.name, &known) != WS_OK ||
	    ws_symbol_find(c->part->system, known.name, &found) != WS_OK)
		return;
	if (found.va != known.va)
		fprintf(c->out, "%d %s: %#lx -> %#lx\n", WRONG_SYMBOL, known.name,
			known.va, found.va);
}

static void compare_symbols(const struct comparison *c)
{
	const struct ws_layout *layout = &c->whole->system->layout;
	uint64_t va = layout->image_first;

	for (unsigned n = 0; n < SYMBOLS_MAX && va <= layout->image_last; n++) {
		compare_symbol(c, va);
		va += SYMBOL_STEP * WS_FRAME_SIZE;
	}
}

/* ---- probes ---- */

struct probes {
	uint64_t va[PROBES_MAX];
	size_t n;
};

static void add_probes(struct probes *probes, uint64_t va, uint64_t len)
{
	for (uint64_t at = 0; at < len && probes->n < PROBES_MAX; at += WS_FRAME_SIZE)
		probes->va[probes->n++] = va + at;
}

static struct probes gather_probes(const struct answer *whole)
{
	struct probes probes = { 0 };
	size_t n;
	const struct ws_need *needs = ws_audit_needs(whole->audit, &n);

	for (size_t i = 0; i < whole->nmodules; i++)
		add_probes(&probes, whole->module[i].region[0].va,
			   whole->module[i].region[0].len);
	for (size_t i = 0; i < n; i++)
		add_probes(&probes, needs[i].va, 1);
	return probes;
}

static bool probe_may_become(const struct ws_trail *before,
			     const struct ws_outcome *after)
{
	if (after->end == WS_END_ABSENT)
		return true;
	return after->end == before->end &&
	       (after->end != WS_END_PAGE || after->pa == before->pa);
}

static void compare_outcomes(const struct comparison *c, const struct probes *probes,
			     const struct ws_matrix *matrix)
{
	for (size_t s = 0; s < c->part->nspaces; s++) {
		const struct ws_space *space = &c->part->space[s];

		if (!same_space(c->whole, space))
			continue;
		for (size_t i = 0; i < probes->n; i++) {
			const struct ws_outcome *after =
				&matrix->outcome[matrix->cell[s * probes->n + i]];
			struct ws_trail before;

			ws_walk(&c->whole->system->paging, space->root, probes->va[i],
				&before);
			if (probe_may_become(&before, after))
				continue;
			fprintf(c->out, "%d ", WRONG_PROBE);
			print_space(c->out, space);
			fprintf(c->out, ": %#lx ends in %u at %#lx -> %u at %#lx\n",
				probes->va[i], before.end, before.pa, after->end,
				after->pa);
		}
	}
}

static void compare_probes(const struct comparison *c)
{
	struct probes probes = gather_probes(c->whole);
	struct ws_matrix matrix = { 0 };

	if (ws_probe(c->part->system, c->part->space, c->part->nspaces, probes.va,
		     probes.n, &matrix) == WS_OK)
		compare_outcomes(c, &probes, &matrix);
	else
		fprintf(c->out, "%d an answer -> none\n", WRONG_PROBE);
	ws_matrix_release(&matrix);
}

/* ---- what-if ---- */

static const char *fate_name(int fate)
{
	return fate == NO_FATE ? "none is told" : ws_fate_name((enum ws_fate)fate);
}

static void compare_fates(const struct comparison *c)
{
	for (size_t s = 0; s < c->whole->nspaces; s++) {
		const struct ws_space *after = same_space(c->part, &c->whole->space[s]);
		const int *was = &c->whole->fate[s * ANSWER_MODES], *is;

		if (!after || !c->part->machine)
			continue;
		is = &c->part->fate[(after - c->part->space) * ANSWER_MODES];
		for (unsigned mode = 0; mode < ANSWER_MODES; mode++) {
			if (is[mode] == was[mode] || is[mode] == NO_FATE ||
			    is[mode] == WS_FATE_UNKNOWN)
				continue;
			fprintf(c->out, "%d ", WRONG_FATE);
			print_space(c->out, after);
			fprintf(c->out, ", from %s mode: %s -> %s\n",
				ws_fault_mode_name(mode), fate_name(was[mode]),
				fate_name(is[mode]));
		}
	}
}

/* ---- all of it ---- */

/* Nothing shows where the direct map is without the tables that hold its beginning. */
static bool shows_direct_map(const struct comparison *c)
{
	const struct ws_system *system = c->whole->system;
	struct ws_trail trail;

	ws_walk(&system->paging, system->layout.reference, system->layout.page_offset,
		&trail);
	for (unsigned i = 0; i < trail.nsteps; i++)
		if (is_out(c, trail.step[i].table))
			return false;
	return true;
}

static bool has_process(const struct answer *answer)
{
	for (size_t s = 0; s < answer->nspaces; s++)
		if (answer->space[s].kind == WS_SPACE_PROCESS)
			return true;
	return false;
}

static void print_refusal(const struct comparison *c)
{
	const char *word = ws_error(c->part->ctx, 0);

	if (c->part->status == WS_ERR_NOT_FOUND &&
	    (!shows_direct_map(c) || !has_process(c->whole) ||
	     (word && strstr(word, "dump lacks"))))
		return;
	fprintf(c->out, "%d an answer -> status %d", WRONG_REFUSED, c->part->status);
	for (unsigned i = 0; (word = ws_error(c->part->ctx, i)); i++)
		fprintf(c->out, ": %s", word);
	fputc('\n', c->out);
}

void answer_compare(const struct answer *whole, const struct answer *part,
		    const struct omission *omission, FILE *out)
{
	const struct comparison c = { whole, part, omission, out };

	if (!part->system || !part->audit) {
		print_refusal(&c);
		return;
	}
	compare_spaces(&c);
	compare_verdicts(&c);
	compare_findings(&c);
	compare_modules(&c);
	compare_symbols(&c);
	compare_probes(&c);
	compare_fates(&c);
}
