/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the findings about a space come to: the worst that any of them does, and the
 * chain of reasons that leads there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/lack.h"
#include "audit/mending.h"
#include "linux/region.h"
#include "util/count.h"
#include "util/text.h"

static const char *const verdict_names[] = {
	[WS_COHERENT] = "coherent",
	[WS_HEALS] = "heals",
	[WS_UNKNOWN] = "unknown",
	[WS_DIVERGES] = "diverges",
	[WS_LEAKS] = "leaks",
	[WS_NESTS] = "nests",
	[WS_DOUBLE_FAULTS] = "double-faults",
};

const char *ws_verdict_name(enum ws_verdict verdict)
{
	return verdict_names[verdict];
}

struct judging {
	struct ws_audit *audit;
	const struct ws_fault_path *path; /* NULL: it is not known, and has no findings */
	struct ws_menders menders;
	const struct ws_finding *last_resort; /* struct ws_about */
};

static enum ws_verdict verdict_of(const struct judging *j,
				  const struct ws_finding *finding)
{
	const struct ws_mender *mender;

	if (finding->severity == WS_INFO)
		return WS_COHERENT;
	mender = ws_mender_of(j->audit, &j->menders, finding);
	if (!mender || mender->does == WS_MENDS_NOT)
		return finding->rule->verdict;
	return mender->does == WS_MENDS ? WS_HEALS : WS_UNKNOWN;
}

/* ---- the chain of reasons ---------------------------------------------------------- */

bool ws_about_has(const struct ws_about *about, const char *rule)
{
	for (size_t i = 0; i < about->n; i++)
		if (!strcmp(about->v[i]->rule->id, rule))
			return true;
	return false;
}

/* Its own half: a user half lacks most of the image by design. */
static bool lacks_image(const struct judging *j, const struct ws_about *about)
{
	const struct ws_layout *layout = &j->audit->system->layout;

	if (!layout->image_last || about->space->kind == WS_SPACE_USER)
		return false;
	for (size_t i = 0; i < about->n; i++)
		if (!strcmp(about->v[i]->rule->id, "coherence-missing") &&
		    about->v[i]->va <= layout->image_first &&
		    about->v[i]->last >= layout->image_last)
			return true;
	return false;
}

static void print_death(const struct judging *j, FILE *to, const struct ws_about *about,
			const struct ws_finding *finding)
{
	/* a rule of another family: its own words must do */
	if (!j->path || !j->path->print_death(j->audit, to, about, finding))
		fprintf(to, "in %s: %s", about->owner, finding->text);
}

/*
 * Where the kernel asks init_mm whether a write or a fetch that faulted may be: if it
 * may, the TLB is taken to have been late, and the access is tried again. In the lab such
 * a guest hangs.
 */
static bool faults_for_ever(const struct judging *j, const struct ws_finding *finding)
{
	return j->audit->arch->tries_again && finding->here.end == WS_END_PAGE &&
	       finding->there.end == WS_END_PAGE &&
	       (finding->there.access & ~finding->here.access &
		(WS_KERNEL_WRITE | WS_KERNEL_EXECUTE));
}

/* What no row of the architecture's copies. */
static void print_never(const struct judging *j, FILE *to)
{
	const struct ws_mending *first = j->audit->arch->mendings;

	if (!first->function)
		fputs("is an oops: kernels of this architecture copy no entries of init_mm's",
		      to);
	else if (first->region)
		fprintf(to,
			"is not repaired: a %s copies private entries of %s memory only",
			first->repair.by, first->region);
	else
		fprintf(to, "is not repaired: a %s copies private entries only",
			first->repair.by);
}

/* What an access there comes to, where nothing repairs it. */
static void print_no_repair(const struct judging *j, FILE *to,
			    const struct ws_finding *finding,
			    const struct ws_mender *mender)
{
	if (faults_for_ever(j, finding))
		fprintf(to,
			"faults for ever: init_mm allows what this space forbids, so the "
			"kernel takes the fault for a stale TLB entry and tries again");
	else if (finding->here.end == WS_END_PAGE)
		fprintf(to,
			"does not fault, so nothing repairs it: it goes to what this space "
			"maps, which is not what init_mm maps");
	else if (!mender)
		print_never(j, to);
	else if (mender->does == WS_MENDS_NOT && mender->va)
		fprintf(to,
			"is an oops: this kernel has no %s, but fills such entries "
			"beforehand (%s())",
			mender->mending->repair.by, mender->mending->unless);
	else if (mender->does == WS_MENDS_NOT)
		fprintf(to,
			"is an oops: this kernel has no %s (no "
			"%s() among its %s)",
			mender->mending->repair.by, mender->mending->function,
			WS_COUNT_OF(j->menders.nfunctions, "function"));
	else
		fprintf(to,
			"may be repaired or be an oops: whether this kernel has a %s is not "
			"known, since its symbols were not found, or not all of them",
			mender->mending->repair.by);
}

static void print_repair(const struct judging *j, FILE *to,
			 const struct ws_finding *finding, const struct ws_mender *mender)
{
	const struct ws_mending *mending = mender->mending;

	fprintf(to, "%s: the kernel's %s, %s() at %#jx, copies the entry from init_mm",
		mending->then, mending->repair.by, mending->function, mender->va);
	ws_menders_print_counts(to, j->audit, &j->menders, finding);
	if (mending->works)
		fprintf(to, "\n%s", mending->works);
}

static void print_difference(const struct judging *j, FILE *to,
			     const struct ws_about *about,
			     const struct ws_finding *finding, enum ws_verdict verdict)
{
	const struct ws_mender *mender = ws_mender_of(j->audit, &j->menders, finding);
	char modules[WS_MODULES_TEXT];

	ws_modules_there(j->audit->system, finding->va, finding->last, modules);
	fprintf(to, "an access to %#jx-%#jx (%s%s) in %s ", finding->va, finding->last,
		finding->region, modules, about->owner);
	if (verdict == WS_HEALS)
		print_repair(j, to, finding, mender);
	else
		print_no_repair(j, to, finding, mender);
	fprintf(to, "\nevidence: %s", finding->text);
}

static void name_owner(struct ws_about *about)
{
	const struct ws_space *space = about->space;

	const char *half = space->kind == WS_SPACE_USER ? " (user half)" : "";

	if (space->kind == WS_SPACE_PROCESS || space->pid)
		snprintf(about->owner, sizeof(about->owner), "%u %s%s", space->pid,
			 space->comm, half);
	else
		snprintf(about->owner, sizeof(about->owner), "%s%s", space->comm, half);
	ws_one_line(about->owner);
}

/* What other families find speaks for itself, and may have been met in another space. */
static void print_fact(const struct judging *j, FILE *to, const struct ws_about *about,
		       const struct ws_finding *finding)
{
	const struct ws_space *met = &j->audit->system->spaces.v[finding->space];
	struct ws_about other = { .space = met };

	name_owner(&other);
	fprintf(to, "%s\nevidence: in %s", finding->rule->meaning, about->owner);
	if (met != about->space)
		fprintf(to, ", by a table that it shares with %s", other.owner);
	fprintf(to, ", %#jx to %#jx (%s): %s", finding->va, finding->last,
		finding->region, finding->text);
}

static bool is_fact(const struct ws_finding *finding)
{
	const char *family = finding->rule->family;

	return family &&
	       (!strcmp(family, "protection") || !strcmp(family, "well-formed"));
}

static void print_reasons(const struct judging *j, FILE *to, const struct ws_about *about,
			  const struct ws_finding *worst, enum ws_verdict verdict)
{
	if (is_fact(worst))
		print_fact(j, to, about, worst);
	else if (verdict <= WS_DIVERGES)
		print_difference(j, to, about, worst, verdict);
	else
		print_death(j, to, about, worst);
}

/* ---- one judgement a space -------------------------------------------------------- */

static bool is_of_task_stack(const struct judging *j, const struct ws_finding *finding)
{
	return j->path && finding->rule == j->path->task_stack;
}

/*
 * The worst, but where the handler is out of reach nobody gets as far as the task's own
 * stack: a fault in user mode nests on the entry stack before. Where something was not
 * read, that may be so: then no more is known than that the machine dies of a fault.
 */
static const struct ws_finding *
worst_of(const struct judging *j, const struct ws_about *about, enum ws_verdict *worst)
{
	uint32_t space = (uint32_t)(about->space - j->audit->system->spaces.v);
	bool nests = false, may_nest = ws_lacks_count(j->audit, space, about->n);
	const struct ws_finding *found = NULL;

	*worst = WS_COHERENT;
	for (size_t i = 0; i < about->n; i++)
		nests |= about->v[i]->rule->verdict == WS_NESTS;
	for (size_t i = 0; i < about->n; i++) {
		enum ws_verdict verdict = verdict_of(j, about->v[i]);

		if (is_of_task_stack(j, about->v[i]) && nests)
			continue;
		if (is_of_task_stack(j, about->v[i]) && may_nest)
			verdict = WS_NESTS;
		if (verdict <= *worst)
			continue;
		*worst = verdict;
		found = about->v[i];
	}
	return found;
}

/* By what all that heals does; NULL: not all of it by the same. */
static const struct ws_repair *repair_of(const struct judging *j,
					 const struct ws_about *about)
{
	const struct ws_repair *repair = NULL;

	for (size_t i = 0; i < about->n; i++) {
		const struct ws_mender *mender =
			ws_mender_of(j->audit, &j->menders, about->v[i]);

		if (verdict_of(j, about->v[i]) != WS_HEALS || !mender)
			continue;
		if (repair && repair != &mender->mending->repair)
			return NULL;
		repair = &mender->mending->repair;
	}
	return repair;
}

/* What the verdict would have to rest on, and was not read. */
static void print_lack(FILE *to, const struct ws_about *about,
		       const struct ws_judgement *judgement)
{
	const struct ws_lack *lack = judgement->lack;

	if (judgement->at_least)
		fputs("it may be worse than that: ", to);
	else
		fprintf(to,
			lack->user_part
				? "whether user mode in %s can write page tables is not known: "
				: "whether a fault in %s can be handled is not known: ",
			about->owner);
	if (!lack->is_damage)
		fputs("the target lacks ", to);
	if (lack->has_pa)
		fprintf(to, "frame %#jx, which holds ", lack->pa);
	fputs(lack->what, to);
	if (judgement->nlacks > 1)
		fprintf(to, ", and %s that %s",
			WS_COUNT_OF(judgement->nlacks - 1, "more thing"),
			judgement->nlacks == 2 ? "decides" : "decide");
}

/* The evidence: what comes of it is not known. */
static void print_known(const struct judging *j, FILE *to, const struct ws_finding *worst)
{
	const struct ws_mender *mender = ws_mender_of(j->audit, &j->menders, worst);

	fprintf(to, "\nwhat is known: %s", worst->text);
	if (mender && mender->does == WS_MENDS_PERHAPS)
		fprintf(to,
			"; whether this kernel has a %s that repairs it is not "
			"known, since its symbols were not found, or not all of them",
			mender->mending->repair.by);
}

static enum ws_status print_judgement(const struct judging *j, struct ws_about *about,
				      const struct ws_finding *worst,
				      struct ws_judgement *judgement)
{
	bool unknown = judgement->lack && judgement->verdict == WS_UNKNOWN;
	struct ws_text reasons;
	FILE *to = ws_text_open(&reasons);

	if (!to)
		return ws_fail_memory(j->audit->ctx);
	name_owner(about);
	if (unknown)
		print_lack(to, about, judgement);
	if (unknown && worst)
		print_known(j, to, worst);
	else if (worst)
		print_reasons(j, to, about, worst, judgement->known);
	if (judgement->at_least) {
		fputc('\n', to);
		print_lack(to, about, judgement);
	}
	judgement->reasons = ws_text_close(&reasons, NULL);
	return judgement->reasons ? WS_OK : ws_fail_memory(j->audit->ctx);
}

/*
 * Nothing that was not read makes the last verdict worse, or a better one known. Where
 * perhaps nobody runs, no fault may ever be taken.
 */
static void weigh_lacks(const struct ws_space *space, struct ws_judgement *judgement)
{
	judgement->verdict = judgement->known;
	if (!judgement->nlacks)
		return;
	if (judgement->known < WS_UNKNOWN || space->perhaps_freed)
		judgement->verdict = WS_UNKNOWN;
	else
		judgement->at_least = judgement->known > WS_UNKNOWN &&
				      judgement->known < WS_DOUBLE_FAULTS;
}

static enum ws_status judge_space(const struct judging *j, struct ws_about *about,
				  struct ws_judgement *judgement)
{
	uint32_t space = (uint32_t)(about->space - j->audit->system->spaces.v);
	const struct ws_finding *worst = worst_of(j, about, &judgement->known);
	const struct ws_finding *shared = ws_finding_shared_with(j->audit, space);

	judgement->nfindings = (uint32_t)about->n;
	if (shared && verdict_of(j, shared) > judgement->known) {
		judgement->known = verdict_of(j, shared);
		worst = shared;
	}
	judgement->rule = worst ? worst->rule : NULL;
	judgement->finding = worst;
	if (judgement->known == WS_HEALS)
		judgement->repair = repair_of(j, about);
	if (judgement->known == WS_NESTS && j->path)
		judgement->nesting = &j->path->nesting;
	about->last_resort = j->last_resort;
	judgement->hangs = about->hangs = judgement->known == WS_NESTS && j->path &&
					  j->path->hangs(j->audit, about);
	judgement->no_image = about->no_image =
		judgement->known == WS_NESTS && lacks_image(j, about);
	if (ws_audited(j->audit, space)) {
		judgement->nlacks = ws_lacks_count(j->audit, space, worst);
		judgement->lack = ws_lacks_first(j->audit, space, worst);
	}
	weigh_lacks(about->space, judgement);
	if (judgement->verdict == WS_COHERENT)
		return WS_OK;
	return print_judgement(j, about, worst, judgement);
}

struct ws_judgement ws_audit_whole(const struct ws_audit *audit, uint32_t space)
{
	const struct ws_judgement *own = &audit->judgements.v[space], *half = own + 1;
	struct ws_judgement whole = *own;

	if (audit->system->spaces.v[space].kind == WS_SPACE_USER ||
	    space + 1 == audit->system->spaces.n ||
	    audit->system->spaces.v[space + 1].kind != WS_SPACE_USER)
		return whole;
	if (half->verdict > own->verdict)
		whole = *half;
	if (own->known > whole.known)
		whole.known = own->known;
	if (half->known > whole.known)
		whole.known = half->known;
	whole.nfindings = own->nfindings + half->nfindings;
	whole.nlacks = own->nlacks + half->nlacks;
	whole.lack = own->lack ? own->lack : half->lack;
	weigh_lacks(&audit->system->spaces.v[space], &whole);
	return whole;
}

/* By space, and in a space as they were found; last those about the machine. */
static int by_space(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;

	if (a->machine != b->machine)
		return a->machine - b->machine;
	if (a->space != b->space)
		return (a->space > b->space) - (a->space < b->space);
	return (a > b) - (a < b);
}

static const struct ws_finding **sorted_findings(const struct ws_audit *audit)
{
	size_t n = audit->findings.n;
	const struct ws_finding **sorted = calloc(n ? n : 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = &audit->findings.v[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), by_space);
	return sorted;
}

static void look_at_last_resort(struct judging *j)
{
	ws_vec_each(&j->audit->findings, finding)
		if (!j->last_resort && j->path &&
		    j->audit->system->spaces.v[finding->space].kind == WS_SPACE_INIT &&
		    j->path->is_last_resort(finding->rule))
			j->last_resort = finding;
}

/*
 * What the kernel repairs is no error: nothing comes of it; nor is what nobody may meet.
 */
static void soften(const struct judging *j)
{
	const struct ws_space *spaces = j->audit->system->spaces.v;

	ws_vec_each(&j->audit->findings, finding)
		if (finding->severity > WS_WARNING && !finding->machine &&
		    (verdict_of(j, finding) == WS_HEALS ||
		     spaces[finding->space].perhaps_freed))
			finding->severity = WS_WARNING;
}

enum ws_status ws_judge(struct ws_audit *audit)
{
	const struct ws_finding **sorted = sorted_findings(audit);
	struct judging j = { .audit = audit, .path = audit->arch->fault_path };
	enum ws_status status = sorted ? WS_OK : ws_fail_memory(audit->ctx);
	size_t at = 0;

	if (status == WS_OK && audit->findings.n)
		ws_menders_look(audit, &j.menders);
	look_at_last_resort(&j);
	soften(&j);
	for (uint32_t s = 0; s < audit->system->spaces.n && status == WS_OK; s++) {
		struct ws_about about = { .v = sorted + at,
					  .space = &audit->system->spaces.v[s] };
		struct ws_judgement *judgement = ws_vec_push(&audit->judgements);

		while (at < audit->findings.n && !sorted[at]->machine &&
		       sorted[at]->space == s)
			at++;
		about.n = (size_t)(sorted + at - about.v);
		status = judgement ? judge_space(&j, &about, judgement)
				   : ws_fail_memory(audit->ctx);
	}
	free(sorted);
	return status;
}
