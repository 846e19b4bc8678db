/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "torture/answer.h"

#include <stdlib.h>
#include <string.h>

#include "linux/roots.h"
#include "util/cleanup.h"
#include "x86/registers.h"

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
	for (size_t i = 0; i < c->omission->n; i++)
		if (pa >= c->omission->piece[i].pa && pa <= c->omission->piece[i].last)
			return true;
	return false;
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

/* PTI: the space whose user half it is; NULL: it is not there. */
static const struct ws_space *kernel_half(const struct answer *answer,
					  const struct ws_space *space)
{
	struct ws_space half = { .root = space->root - WS_FRAME_SIZE };

	return same_space(answer, &half);
}

/* Whether the part has found a task by whose mm it could know the root. */
static bool is_named(const struct comparison *c, const struct ws_space *space)
{
	struct ws_system *part = c->part->system;
	uint64_t pgd;

	if (part->fields.mm == WS_NO_FIELD || part->fields.mm_pgd == WS_NO_FIELD ||
	    !space->mm ||
	    ws_kernel_word(part, space->mm + part->fields.mm_pgd, &pgd) != WS_READ)
		return false;
	ws_vec_each(&part->tasks, task)
		if (task->mm == space->mm)
			return true;
	return false;
}

/*
 * A root is found by what lies in it (with PAE, in the kernel's page directory that it
 * leads to). Where that is left out, it is known by who names it: a processor, VMCOREINFO
 * (init_mm's), or the mm of a task that was found. Who is named by nobody can vanish: his
 * task is left out too, or lies where the task list does not lead any more, and nothing in
 * the dump says him from no one.
 */
static bool root_may_vanish(const struct comparison *c, const struct ws_space *space)
{
	const struct ws_system *system = c->whole->system;
	struct ws_trail trail;
	bool out = false;

	ws_walk(&system->paging, space->root, system->layout.page_offset, &trail);
	for (unsigned i = 0; i < trail.nsteps && i <= ws_private_level(system->format);
	     i++)
		out |= is_out(c, trail.step[i].table);
	if (!out || (space->kind == WS_SPACE_INIT && c->part->system->vmcoreinfo))
		return false;
	ws_vec_each(&system->target->cpus, cpu)
		if ((cpu->reg[X86_CR3] & system->paging.format->root_mask) == space->root)
			return false;
	return !is_named(c, space);
}

/* Whether some root that was found is left with the page above it, its user half. */
static bool shows_halves(const struct comparison *c)
{
	for (size_t s = 0; s < c->whole->nspaces; s++) {
		const struct ws_space *space = &c->whole->space[s];

		if (space->kind == WS_SPACE_USER && kernel_half(c->part, space) &&
		    !is_out(c, space->root) && !is_out(c, space->root - WS_FRAME_SIZE))
			return true;
	}
	return false;
}

/*
 * A user half is known by the root that it belongs to, and by what it looks like where that
 * has no known owner: then it need not be a process's. Where all of them are left out,
 * nothing tells that this kernel has such: the page above a root may be anybody's.
 */
static bool may_vanish(const struct comparison *c, const struct ws_space *space)
{
	const struct ws_space *half;

	if (space->kind != WS_SPACE_USER)
		return root_may_vanish(c, space);
	half = kernel_half(c->part, space);
	if (!half)
		return root_may_vanish(c, kernel_half(c->whole, space));
	return half->kind != WS_SPACE_PROCESS || !shows_halves(c);
}

static bool kind_may_become(uint8_t before, uint8_t after)
{
	return before == after || after == WS_SPACE_LONE || after == WS_SPACE_UNOWNED ||
	       before == WS_SPACE_FREED;
}

/*
 * The process with that mm. What it is called may differ: where its leader's task is left
 * out a thread stands for it, which may have a name of its own (PR_SET_NAME), and of a name
 * that is left out nothing is known.
 */
static bool is_owner(const struct answer *whole, const struct ws_space *space,
		     const struct ws_space *after)
{
	ws_vec_each(&whole->system->tasks, task)
		if (task->pid == after->pid && task->mm == space->mm)
			return true;
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

		if (!after || !ws_audited(c->whole->audit, (uint32_t)s))
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
		if (findings[i].severity == WS_INFO ||
		    c->part->space[findings[i].space].perhaps_freed ||
		    finding_is_true(c, &findings[i]))
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

/*
 * What is said of it is true. Where its memory lies is in struct module and in the page
 * tables that map it: where these are left out no region is reported, and never a wrong
 * one.
 */
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
	return fate == NO_FATE ? "none is reported" : ws_fate_name((enum ws_fate)fate);
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

/*
 * A root without user memory is no process's where no task shows it: a model kernel's
 * processes may have none, and what is left without their tasks is that of a kernel which
 * has just begun. The refusal says that the dump may lack them.
 */
static bool shows_process(const struct comparison *c)
{
	struct ws_system *system = c->whole->system;

	ws_vec_each(&system->tasks, task)
		if (task->space != WS_NO_SPACE && !kernel_is_out(c, task->comm_va))
			return true;
	ws_vec_each(&system->spaces, space)
		if (space->kind == WS_SPACE_PROCESS && !is_out(c, space->root) &&
		    !ws_user_half_is_empty(system, space->root))
			return true;
	return false;
}

static void print_refusal(const struct comparison *c)
{
	const char *word;

	if (c->part->status == WS_ERR_NOT_FOUND &&
	    (!shows_direct_map(c) || !shows_process(c)))
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
