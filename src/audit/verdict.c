/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the findings about a space come to: the worst that any of them does, and the
 * chain of reasons that leads there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/faultpath.h"
#include "audit/lack.h"
#include "linux/roots.h"
#include "linux/symtab.h"
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

/* ---- the lazy fault ---------------------------------------------------------------- */

enum lazy { LAZY_NO, LAZY_YES, LAZY_UNKNOWN };

struct judging {
	struct ws_audit *audit;
	enum lazy lazy;
	uint64_t vmalloc_fault;
	size_t nsymbols;
	/* What is wrong with the double fault in init_mm, where its task runs on i386. */
	const struct ws_finding *df_task;
};

/*
 * vmalloc_fault() copies the entry from init_mm at the first touch (arch/x86/mm/fault.c).
 * i386 has it, but for a time in 2020; x86-64 had it until 7f0a002b5a21 (5.8). It is
 * never inlined, so a kernel all of whose functions are known has it if it is among them.
 */
static void look_for_lazy_fault(struct judging *j)
{
	struct ws_system *system = j->audit->system;
	struct ws_symbol symbol;

	if (ws_symbol_find(system, "vmalloc_fault", &symbol) == WS_OK && !symbol.module) {
		j->lazy = LAZY_YES;
		j->vmalloc_fault = symbol.va;
	}
	ws_error_clear(j->audit->ctx);
	j->nsymbols = ws_functions_known(system);
	if (j->lazy != LAZY_YES)
		j->lazy = j->nsymbols ? LAZY_NO : LAZY_UNKNOWN;
}

/* It leaves alone all that is not in vmalloc, a module's memory on x86-64 too. */
static bool is_in_vmalloc(const struct ws_audit *audit, const struct ws_finding *finding)
{
	return !strcmp(ws_region_name(&audit->regions, finding->va), "vmalloc") &&
	       !strcmp(ws_region_name(&audit->regions, finding->last), "vmalloc");
}

/* An entry that is empty here and not there, at the level that it copies. */
static bool is_private_hole(const struct ws_audit *audit,
			    const struct ws_finding *finding)
{
	unsigned level = ws_private_level(audit->system->paging.format);

	return finding->here.end == WS_END_HOLE && finding->here.nsteps == level + 1 &&
	       (finding->there.end == WS_END_PAGE || finding->there.nsteps > level + 1);
}

/* A user half is not what a fault in the kernel runs on. */
static bool could_heal(const struct ws_audit *audit, const struct ws_finding *finding)
{
	return finding->rule->verdict == WS_DIVERGES && finding->severity != WS_FATAL &&
	       audit->system->spaces.v[finding->space].kind != WS_SPACE_USER &&
	       is_private_hole(audit, finding) && is_in_vmalloc(audit, finding);
}

static enum ws_verdict verdict_of(const struct judging *j,
				  const struct ws_finding *finding)
{
	if (finding->severity == WS_INFO)
		return WS_COHERENT;
	if (j->lazy != LAZY_NO && could_heal(j->audit, finding))
		return j->lazy == LAZY_YES ? WS_HEALS : WS_UNKNOWN;
	return finding->rule->verdict;
}

/* ---- the chain of reasons ---------------------------------------------------------- */

/*
 * For what ends a machine: what begins, in whose space (and mode), and what comes of it,
 * a step a line.
 */
static const struct chain {
	const char *rule, *begins, *mode, *goes_on;
} chains[] = {
	{ "faultpath-pf-target", "a page fault in ", "",
	  "so the fetch of the handler is a page fault too: it pushes its frame and enters "
	  "gate 14 again, and again" },
	{ "faultpath-pf-reach", "a page fault in ", "",
	  "so the handler is a page fault itself before it has done anything, and so is each "
	  "that comes of it" },
	{ "faultpath-entry-text", "an entry to the kernel in ", "",
	  "so the entry code is a page fault, whose entry goes the same way" },
	{ "faultpath-pti-entry", "an entry to the kernel from ", "'s user mode",
	  "so the entry code is a page fault before it has left the user half, and each of "
	  "these enters the same way" },
	{ "faultpath-idt", "any fault or interrupt in ", "",
	  "so the processor cannot read the gate; to read it is a page fault, whose gate it "
	  "cannot read either" },
	{ "faultpath-gdt", "any fault or interrupt in ", "",
	  "so the processor cannot load the gate's code segment, nor that of the page fault "
	  "which this is" },
	{ "faultpath-tss", "a fault or interrupt in ", "'s user mode",
	  "so the processor finds no stack to change to, nor one for the page fault which "
	  "this is" },
	{ "faultpath-entry-stack", "a fault or interrupt in ", "'s user mode",
	  "so the processor cannot push its frame, nor that of the page fault which this "
	  "is" },
	{ "faultpath-ist-stack", "an interrupt in ", "",
	  "so the processor cannot push the frame when that gate is used, and the push is a "
	  "page fault during delivery" },
	{ "faultpath-task-stack", "an entry to the kernel or a switch of tasks in ", "",
	  "so the first push there is a page fault, whose own frame cannot be pushed there "
	  "either" },
};

static const struct chain *chain_of(const struct ws_finding *finding)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(chains); i++)
		if (!strcmp(chains[i].rule, finding->rule->id))
			return &chains[i];
	return NULL;
}

/* The findings of one space, in a row: they are sorted so for the judging. */
struct about {
	const struct ws_finding *const *v;
	size_t n;
	const struct ws_space *space;
	uint32_t nlacks;
	char owner[32]; /* "83 victim" */
};

static bool has_finding(const struct about *about, const char *rule)
{
	for (size_t i = 0; i < about->n; i++)
		if (!strcmp(about->v[i]->rule->id, rule))
			return true;
	return false;
}

/* What keeps the double fault itself from being delivered. */
static const char *no_delivery(const struct about *about)
{
	static const char *const rules[] = { "faultpath-idt", "faultpath-gdt",
					     "faultpath-tss", "faultpath-double-fault" };

	for (size_t i = 0; i < WS_ARRAY_SIZE(rules); i++)
		if (has_finding(about, rules[i]))
			return rules[i];
	return NULL;
}

/* Where no processor tells, as kernels have it since 4.15. */
static bool has_entry_stack(const struct ws_audit *audit)
{
	ws_vec_each(&audit->system->target->cpus, cpu)
		if (cpu->has_control)
			return ws_has_entry_stack(audit, cpu);
	return true;
}

/* VMAP_STACK, which has guard pages, is for 64 bit only (arch/x86/Kconfig). */
static void tell_frames(const struct judging *j, FILE *to, const struct about *about)
{
	if (j->audit->system->layout.word == 8 || about->space->kind == WS_SPACE_USER)
		fprintf(to,
			"\nthe frames go down the %sstack to its end, where a push fails",
			about->space->kind == WS_SPACE_USER ? "entry " : "");
	else if (!has_entry_stack(j->audit))
		fprintf(to,
			"\nthe frames go down the task's stack, which nothing guards, and on "
			"through the memory below, page tables and all, until a push fails");
	else
		fprintf(to,
			"\nfrom user mode the frames go down the entry stack to its end; "
			"from kernel mode down the task's own, which nothing guards, and "
			"on through the memory below, page tables and all, until a push "
			"fails");
}

static void tell_end(const struct judging *j, FILE *to, const struct about *about)
{
	const char *rule = no_delivery(about);

	fprintf(to, "\nthat is a double fault, ");
	if (rule)
		fprintf(to,
			"which cannot be delivered either (%s): a triple fault, and the "
			"machine resets",
			rule);
	else if (has_finding(about, "faultpath-df-target"))
		fprintf(to,
			"whose handler is not there either: it nests in its turn, on the "
			"double fault's stack, down to a double fault that begins at its "
			"top again: the processor does nothing else any more");
	else if (j->df_task)
		fprintf(to, "whose own task is broken: %s", j->df_task->text);
	else
		fprintf(to,
			"whose own path is all there: the kernel panics and can say why, "
			"as far as what it needs for that was not overwritten");
}

static void tell_death(const struct judging *j, FILE *to, const struct about *about,
		       const struct ws_finding *finding)
{
	const struct chain *chain = chain_of(finding);

	if (!chain) { /* a rule of another family: its own words must do */
		fprintf(to, "in %s: %s", about->owner, finding->text);
		return;
	}
	fprintf(to, "%s%s%s: %s\n%s", chain->begins, about->owner, chain->mode,
		finding->text, chain->goes_on);
	if (finding->rule->verdict == WS_NESTS)
		tell_frames(j, to, about);
	tell_end(j, to, about);
}

/* all_read: so that the path is there is known. */
static void tell_lazy(const struct judging *j, FILE *to, bool all_read)
{
	fprintf(to,
		"\nthat page fault is handled%s\n"
		"the kernel's lazy fault, vmalloc_fault() at %#lx, copies the entry from "
		"init_mm, and the access goes on",
		all_read ? ": all of its path is there in this space"
			 : ", if all of its path is there",
		j->vmalloc_fault);
}

/*
 * spurious_kernel_fault() (arch/x86/mm/fault.c) asks init_mm whether a write or a fetch
 * that faulted may be: if it may, the TLB is taken to have been late, and the access is
 * tried again. In the lab such a guest hangs.
 */
static bool faults_for_ever(const struct ws_finding *finding)
{
	return finding->here.end == WS_END_PAGE && finding->there.end == WS_END_PAGE &&
	       (finding->there.access & ~finding->here.access & (WS_WRITE | WS_EXECUTE));
}

static void tell_no_repair(const struct judging *j, FILE *to,
			   const struct ws_finding *finding)
{
	if (faults_for_ever(finding))
		fprintf(to,
			"\nwhat this space forbids and init_mm allows faults for ever: the "
			"kernel asks init_mm, takes the fault for a late TLB and tries again");
	else if (finding->here.end == WS_END_PAGE)
		fprintf(to,
			"\nnothing faults that could repair it: an access goes on, to "
			"what this space maps");
	else if (!could_heal(j->audit, finding))
		fprintf(to, "\nno lazy fault repairs that: it copies a private entry of "
			    "vmalloc memory, and nothing else");
	else if (j->lazy == LAZY_NO)
		fprintf(to,
			"\nthis kernel has no lazy fault (no vmalloc_fault() among its %zu "
			"functions): the access is an oops",
			j->nsymbols);
	else
		fprintf(to,
			"\nwhether this kernel has a lazy fault that repairs it is not "
			"known: its symbols were not found, or not all of them");
}

static void tell_difference(const struct judging *j, FILE *to, const struct about *about,
			    const struct ws_finding *finding, enum ws_verdict verdict)
{
	char modules[WS_MODULES_TEXT];

	ws_modules_there(j->audit->system, finding->va, finding->last, modules);
	fprintf(to, "an access in %s to %#lx to %#lx (%s): %s%s", about->owner,
		finding->va, finding->last, finding->region, finding->text, modules);
	if (verdict == WS_HEALS)
		tell_lazy(j, to, !about->nlacks);
	else
		tell_no_repair(j, to, finding);
}

static void name_owner(struct about *about)
{
	const struct ws_space *space = about->space;

	if (space->kind == WS_SPACE_PROCESS || space->pid)
		snprintf(about->owner, sizeof(about->owner), "%u %s", space->pid,
			 space->comm);
	else
		snprintf(about->owner, sizeof(about->owner), "%s", space->comm);
	ws_one_line(about->owner);
}

/* What other families find speaks for itself, and may have been met in another space. */
static void tell_fact(const struct judging *j, FILE *to, const struct about *about,
		      const struct ws_finding *finding)
{
	const struct ws_space *met = &j->audit->system->spaces.v[finding->space];
	struct about other = { .space = met };

	name_owner(&other);
	fprintf(to, "in %s", about->owner);
	if (met != about->space)
		fprintf(to, ", by a table that it shares with %s", other.owner);
	fprintf(to, ", %#lx to %#lx (%s): %s\n%s", finding->va, finding->last,
		finding->region, finding->text, finding->rule->meaning);
}

static bool is_fact(const struct ws_finding *finding)
{
	const char *family = finding->rule->family;

	return family &&
	       (!strcmp(family, "protection") || !strcmp(family, "well-formed"));
}

static void tell_reasons(const struct judging *j, FILE *to, const struct about *about,
			 const struct ws_finding *worst, enum ws_verdict verdict)
{
	bool is_own = &j->audit->system->spaces.v[worst->space] == about->space;
	size_t more = about->n - is_own;

	if (is_fact(worst))
		tell_fact(j, to, about, worst);
	else if (verdict <= WS_DIVERGES)
		tell_difference(j, to, about, worst, verdict);
	else
		tell_death(j, to, about, worst);
	if (more)
		fprintf(to, "\n%zu more finding%s about this space", more,
			more == 1 ? "" : "s");
}

/* ---- one judgement a space -------------------------------------------------------- */

/*
 * The worst, but where the handler is out of reach nobody gets as far as the task's own
 * stack: a fault in user mode nests on the entry stack before.
 */
static const struct ws_finding *
worst_of(const struct judging *j, const struct about *about, enum ws_verdict *worst)
{
	const struct ws_finding *found = NULL;
	bool nests = false;

	*worst = WS_COHERENT;
	for (size_t i = 0; i < about->n; i++)
		nests |= about->v[i]->rule->verdict == WS_NESTS;
	for (size_t i = 0; i < about->n; i++) {
		enum ws_verdict verdict = verdict_of(j, about->v[i]);

		if (nests && !strcmp(about->v[i]->rule->id, "faultpath-task-stack"))
			continue;
		if (verdict <= *worst)
			continue;
		*worst = verdict;
		found = about->v[i];
	}
	return found;
}

/* What the verdict would have to rest on, and was not read. */
static void tell_lack(FILE *to, const struct about *about,
		      const struct ws_judgement *judgement)
{
	const struct ws_lack *lack = judgement->lack;

	if (judgement->at_least)
		fprintf(to, "%s may be worse than that: ", about->owner);
	else
		fprintf(to, "whether a fault in %s can be handled is not known: ",
			about->owner);
	if (lack->has_pa)
		fprintf(to, "frame %#lx is not in the target, and in it ", lack->pa);
	fputs(lack->has_pa ? "lies " : "what is missing is ", to);
	fputs(lack->what, to);
	if (judgement->nlacks > 1)
		fprintf(to, "; %u more things that decide are missing",
			judgement->nlacks - 1);
}

static enum ws_status tell_judgement(const struct judging *j, struct about *about,
				     const struct ws_finding *worst,
				     struct ws_judgement *judgement)
{
	const struct ws_lack *lack = judgement->lack;
	struct ws_text reasons;
	FILE *to = ws_text_open(&reasons);

	if (!to)
		return ws_fail_memory(j->audit->ctx);
	name_owner(about);
	if (lack && !judgement->at_least)
		tell_lack(to, about, judgement);
	if (lack && !judgement->at_least && worst)
		fputs("\nwhat is known: ", to);
	if (worst)
		tell_reasons(j, to, about, worst, judgement->known);
	if (lack && judgement->at_least) {
		fputc('\n', to);
		tell_lack(to, about, judgement);
	}
	judgement->reasons = ws_text_close(&reasons, NULL);
	return judgement->reasons ? WS_OK : ws_fail_memory(j->audit->ctx);
}

/* Nothing that was not read makes the last verdict worse, or a better one known. */
static void weigh_lacks(struct ws_judgement *judgement)
{
	judgement->verdict = judgement->known;
	if (!judgement->nlacks)
		return;
	if (judgement->known < WS_UNKNOWN)
		judgement->verdict = WS_UNKNOWN;
	else
		judgement->at_least = judgement->known > WS_UNKNOWN &&
				      judgement->known < WS_DOUBLE_FAULTS;
}

static enum ws_status judge_space(const struct judging *j, struct about *about,
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
	if (ws_audited(j->audit, space)) {
		judgement->nlacks = ws_lacks_count(j->audit, space, worst);
		about->nlacks = judgement->nlacks;
		judgement->lack = ws_lacks_first(j->audit, space, worst);
	}
	weigh_lacks(judgement);
	if (judgement->verdict == WS_COHERENT)
		return WS_OK;
	return tell_judgement(j, about, worst, judgement);
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

static void look_for_double_fault(struct judging *j)
{
	ws_vec_each(&j->audit->findings, finding)
		if (!j->df_task &&
		    j->audit->system->spaces.v[finding->space].kind == WS_SPACE_INIT &&
		    (!strcmp(finding->rule->id, "faultpath-double-fault") ||
		     !strcmp(finding->rule->id, "faultpath-df-target")))
			j->df_task = finding;
}

/* What a lazy fault repairs is no error: nothing comes of it. */
static void soften_what_heals(const struct judging *j)
{
	ws_vec_each(&j->audit->findings, finding)
		if (verdict_of(j, finding) == WS_HEALS && finding->severity > WS_WARNING)
			finding->severity = WS_WARNING;
}

enum ws_status ws_judge(struct ws_audit *audit)
{
	const struct ws_finding **sorted = sorted_findings(audit);
	struct judging j = { .audit = audit };
	enum ws_status status = sorted ? WS_OK : ws_fail_memory(audit->ctx);
	size_t at = 0;

	if (status == WS_OK && audit->findings.n)
		look_for_lazy_fault(&j);
	look_for_double_fault(&j);
	soften_what_heals(&j);
	for (uint32_t s = 0; s < audit->system->spaces.n && status == WS_OK; s++) {
		struct about about = { .v = sorted + at,
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
