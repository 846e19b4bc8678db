/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit comes to, in sentences: what will happen, to whom, and why. */
#include <stdio.h>
#include <string.h>

#include "report/digest.h"
#include "util/bits.h"
#include "util/count.h"
#include "util/text.h"

/* A sentence names so many spaces; lists have them all. */
#define NAMED 3

/* Who is counted together: among processes, where nothing else is ill, or all spaces. */
struct counted {
	size_t n, of;
	bool processes;
	const uint32_t *spaces;
};

static size_t count_processes(const struct digest *digest)
{
	size_t n = 0;

	for (size_t s = 0; s < digest->nspaces; s++)
		n += digest->chosen[s] && digest->spaces[s].kind == WS_SPACE_PROCESS;
	return n;
}

static struct counted count(const struct digest *digest, const uint32_t *spaces, size_t n)
{
	struct counted counted = { .n = n, .processes = true, .spaces = spaces };

	ws_vec_each(&digest->sick, space) /* one sentence, one denominator */
		counted.processes &= digest->spaces[*space].kind == WS_SPACE_PROCESS;
	counted.of = counted.processes ? count_processes(digest) : digest->nchosen;
	return counted;
}

/* "2,001 of 2,023 processes". */
static void print_count(FILE *f, const struct digest *digest,
			const struct counted *counted)
{
	const char *noun = counted->processes ? "process" : "address space";

	fprintf(f, "%s of %s%s", WS_COUNT(counted->n), WS_COUNT_OF(counted->of, noun),
		that_were_found(digest->system, counted->of));
}

/* "83 waiter, 84 other" between before and after, or nothing where they are many. */
static void print_few(FILE *f, const struct digest *digest, const struct counted *counted,
		      const char *before, const char *after)
{
	char words[WORDS];

	if (counted->n > NAMED)
		return;
	for (size_t i = 0; i < counted->n; i++)
		fprintf(f, "%s%s", i ? ", " : before,
			space_words(&digest->spaces[counted->spaces[i]], words));
	fputs(after, f);
}

/* "83 waiter, 84 other, 85 third and 12 more". */
static void print_names(FILE *f, const struct digest *digest, const uint32_t *spaces,
			size_t n)
{
	char words[WORDS];

	for (size_t i = 0; i < n && i < NAMED; i++)
		fprintf(f, "%s%s", i ? ", " : "",
			space_words(&digest->spaces[spaces[i]], words));
	if (n > NAMED)
		fprintf(f, " and %s more", WS_COUNT(n - NAMED));
}

/* The module that gate 14 leads into, where a space does not map its handler; or NULL. */
static const struct ws_module *missing_handler(const struct digest *digest,
					       const struct ws_finding *finding)
{
	struct ws_place place = { 0 };

	if (!finding || strcmp(finding->rule->id, "faultpath-pf-target") ||
	    finding->here.end != WS_END_HOLE ||
	    ws_place_at(digest->system, finding->va, &place) != WS_OK)
		return NULL;
	return place.module;
}

/*
 * " (gate 14 leads into module dtrace, which is not mapped there)", or else what the rule
 * is called, where one decides in all of them.
 */
static void print_why(FILE *f, const struct digest *digest, const struct counted *counted)
{
	struct ws_judgement first = ws_audit_whole(digest->audit, counted->spaces[0]);
	const struct ws_module *module = missing_handler(digest, first.finding);
	bool no_image = first.no_image;

	for (size_t i = 1; i < counted->n; i++) {
		struct ws_judgement one =
			ws_audit_whole(digest->audit, counted->spaces[i]);

		if (one.rule != first.rule)
			return;
		no_image &= one.no_image;
		if (module != missing_handler(digest, one.finding))
			module = NULL;
	}
	if (no_image)
		fputs(" (the kernel image is not mapped there)", f);
	else if (module)
		fprintf(f, " (gate 14 leads into module %s, which is not mapped there)",
			module->name);
	else if (first.rule)
		fprintf(f, " (%s)", first.rule->name);
}

/* "the dump lacks its root at 0x2c9b000": the first thing of all that is missing. */
static void print_lack(FILE *f, const struct digest *digest,
		       const struct counted *counted)
{
	const struct ws_lack *lack = NULL;
	uint32_t more = 0, space = 0;
	char words[WORDS];

	for (size_t i = 0; i < counted->n && !lack; i++) {
		space = counted->spaces[i];
		lack = ws_audit_whole(digest->audit, space).lack;
		more = ws_audit_whole(digest->audit, space).nlacks;
	}
	if (!lack)
		return;
	fprintf(f, "%s%s", lack->is_damage ? "" : "the target lacks ", lack->what);
	if (lack->space != WS_NO_SPACE && counted->n > 1)
		fprintf(f, " (for %s)", space_words(&digest->spaces[space], words));
	if (more > 1)
		fprintf(f, ", and %s", WS_COUNT_OF(more - 1, "more thing"));
}

static bool may_be_worse(const struct digest *digest, const struct counted *counted)
{
	for (size_t i = 0; i < counted->n; i++)
		if (ws_audit_whole(digest->audit, counted->spaces[i]).at_least)
			return true;
	return false;
}

static void print_unknown(FILE *f, const struct digest *digest,
			  const struct counted *counted, const char *does)
{
	print_count(f, digest, counted);
	print_few(f, digest, counted, " (", ")");
	fprintf(f, " %s: ", does);
	print_lack(f, digest, counted);
}

/* What all n have in common. */
static struct ws_judgement common_of(const struct digest *digest, const uint32_t *spaces,
				     size_t n)
{
	struct ws_judgement common = ws_audit_whole(digest->audit, spaces[0]);

	for (size_t i = 1; i < n; i++) {
		struct ws_judgement one = ws_audit_whole(digest->audit, spaces[i]);

		if (one.repair != common.repair)
			common.repair = NULL;
		if (one.hangs != common.hangs || one.no_image != common.no_image)
			common.hangs = common.no_image = false;
	}
	return common;
}

struct ws_judgement digest_of_verdict(const struct digest *digest,
				      enum ws_verdict verdict)
{
	size_t at = 0;

	for (enum ws_verdict v = WS_DOUBLE_FAULTS; v > verdict; v--)
		at += digest->nverdict[v];
	if (verdict == WS_COHERENT || !digest->nverdict[verdict])
		return (struct ws_judgement){ .verdict = verdict };
	return common_of(digest, &digest->sick.v[at], digest->nverdict[verdict]);
}

static void print_verdict(FILE *f, const struct digest *digest, enum ws_verdict verdict,
			  const uint32_t *spaces)
{
	const struct counted counted = count(digest, spaces, digest->nverdict[verdict]);
	const struct ws_judgement common = common_of(digest, spaces, counted.n);
	char does[VERDICT_WORDS];

	judgement_words(&common, counted.n != 1, does);
	if (verdict == WS_UNKNOWN) {
		print_unknown(f, digest, &counted, does);
		return;
	}
	print_count(f, digest, &counted);
	fprintf(f, " %s", does);
	print_few(f, digest, &counted, ": ", "");
	print_why(f, digest, &counted);
	if (verdict_class(verdict) != VERDICT_CRASH && may_be_worse(digest, &counted)) {
		fputs(" (or worse: ", f);
		print_lack(f, digest, &counted);
		fputc(')', f);
	}
}

static void print_coherent(FILE *f, const struct digest *digest)
{
	const struct ws_judgement coherent = { .verdict = WS_COHERENT };
	const char *found = that_were_found(digest->system, digest->nchosen);
	char does[VERDICT_WORDS];

	if (digest->is_part)
		fprintf(f, "%s of %s %s checked (--pid): %s", WS_COUNT(digest->nchosen),
			WS_COUNT_OF(count_everyone(digest->spaces, digest->nspaces),
				    "address space"),
			digest->nchosen == 1 ? "was" : "were",
			ws_verdict_name(WS_COHERENT));
	else if (digest->nchosen == 1)
		fprintf(f, "the one address space%s %s", found,
			judgement_words(&coherent, false, does));
	else
		fprintf(f, "all %s%s %s", WS_COUNT_OF(digest->nchosen, "address space"),
			found, judgement_words(&coherent, true, does));
}

static void print_headline(FILE *f, const struct digest *digest)
{
	const struct ws_finding *machine = digest_worst_of_machine(digest);
	const char *separator = "";
	size_t at = 0;

	for (enum ws_verdict v = WS_DOUBLE_FAULTS; v > WS_COHERENT; v--) {
		if (!digest->nverdict[v])
			continue;
		fputs(separator, f);
		print_verdict(f, digest, v, &digest->sick.v[at]);
		at += digest->nverdict[v];
		separator = "; ";
	}
	if (!at)
		print_coherent(f, digest);
	if (machine)
		fprintf(f, "; of the machine itself, %s", machine->text);
}

char *digest_headline(const struct digest *digest)
{
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_headline(f, digest);
	return ws_text_close(&sentence, NULL);
}

char *digest_sentence(const struct digest *digest)
{
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_headline(f, digest);
	if (digest->ncoherent && digest->ncoherent < digest->nchosen)
		fprintf(f, "; %s%s coherent",
			digest->ncoherent == 1 ? "the other one" : "all others",
			!ws_system_lacks_tasks(digest->system)
				? digest->ncoherent == 1 ? " is" : " are"
			: digest->ncoherent == 1 ? " that was found is"
						 : " that were found are");
	return ws_text_close(&sentence, NULL);
}

char *digest_case_sentence(const struct digest *digest, const struct digest_case *sick)
{
	const uint32_t *spaces = &digest->sick.v[sick->at];
	struct ws_judgement whole = ws_audit_whole(digest->audit, *spaces);
	char does[VERDICT_WORDS];
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_names(f, digest, spaces, sick->nspaces);
	fprintf(f, " %s (%s%s)", judgement_words(&whole, sick->nspaces != 1, does),
		ws_verdict_name(whole.verdict), whole.at_least ? ", or worse" : "");
	return ws_text_close(&sentence, NULL);
}

uint32_t digest_loaded(const struct digest *digest, const struct ws_cpu *cpu)
{
	uint64_t root;

	if (!ws_system_cpu_root(digest->system, cpu, &root))
		return WS_NO_SPACE;
	for (uint32_t s = 0; s < digest->nspaces; s++)
		if (digest->chosen[s] && digest->spaces[s].root == root)
			return s;
	return WS_NO_SPACE;
}

/* A user half is part of the space before it. */
static bool is_of_case(const struct digest *digest, const struct digest_case *sick,
		       uint32_t space)
{
	uint32_t whole = space;

	if (space != WS_NO_SPACE && digest->spaces[space].kind == WS_SPACE_USER)
		whole--;
	for (uint32_t i = 0; i < sick->nspaces; i++)
		if (digest->sick.v[sick->at + i] == whole)
			return true;
	return false;
}

static void print_now(FILE *f, const struct digest *digest,
		      const struct digest_case *sick)
{
	const struct ws_target *target = ws_system_target(digest->system);
	size_t n, inside = 0, unknown = 0;
	const struct ws_cpu *cpu;
	char words[WORDS];
	uint64_t root;

	for (n = 0; (cpu = ws_target_cpu(target, n)); n++) {
		uint32_t space = digest_loaded(digest, cpu);

		unknown += !ws_system_cpu_root(digest->system, cpu, &root);
		if (is_of_case(digest, sick, space))
			fprintf(f, "%sCPU %zu is in %s", inside++ ? ", " : "", n,
				space_words(&digest->spaces[space], words));
	}
	if (inside)
		fputs(" now", f);
	else if (!n || unknown)
		fputs("whether a CPU is in such a space now is not known: the target lacks "
		      "registers",
		      f);
	else
		fprintf(f, "no CPU is in %s now: %s %s %s elsewhere",
			sick->nspaces == 1 ? "this space" : "one of these spaces",
			n == 1 ? "the one CPU's" : "all CPUs'",
			ws_cpu_root_register(ws_target_cpu(target, 0)),
			n == 1 ? "points" : "point");
}

char *digest_now_sentence(const struct digest *digest, const struct digest_case *sick)
{
	enum ws_verdict verdict =
		ws_audit_whole(digest->audit, digest->sick.v[sick->at]).verdict;
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	if (verdict_class(verdict) == VERDICT_CRASH)
		print_now(f, digest, sick);
	return ws_text_close(&sentence, NULL);
}
