/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What appeared, vanished and changed between two dumps of one kernel. */
#include <inttypes.h>
#include <string.h>

#include "boots.h"
#include "look.h"
#include "mappings.h"
#include "report/words.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

enum { CHANGE, WHAT, NAME, DETAILS, VA, LAST, BEFORE, AFTER, KIND, PLACEMENT };

static const struct column columns[] = {
	[CHANGE] = { "change", "CHANGE", COLUMN_TEXT,
		     "appeared, vanished or changed; of a space new or gone, of a "
		     "verdict improved or worse" },
	[WHAT] = { "what", "WHAT", COLUMN_TEXT,
		   "space, verdict, module, mapping (of init_mm) or finding" },
	[NAME] = { "name", "NAME", COLUMN_TEXT, "which one" },
	/*
	 * before and after in one, which is narrower: most rows have but one of the two
	 */
	[DETAILS] = { NULL, "DETAILS", COLUMN_TEXT, NULL },
	[VA] = { "address", NULL, COLUMN_ADDRESS,
		 "its first byte, where it has a range" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[BEFORE] = { "before", NULL, COLUMN_TEXT, "what it was in TARGET" },
	[AFTER] = { "after", NULL, COLUMN_TEXT, "what it is in OTHER" },
	[KIND] = { "kind", NULL, COLUMN_TEXT,
		   "of a mapping: frames, module-alias, vmalloc or other" },
	[PLACEMENT] = { "placement", NULL, COLUMN_YES,
			"it differs only because two boots put their memory elsewhere" },
};
const struct table diff_table = { "changes", TABLE_COLUMNS(columns) };

enum {
	SENTENCE,
	OTHER,
	APPEARED,
	VANISHED,
	CHANGED,
	IMPROVED,
	WORSE,
	PLACED,
	BOOTS,
	PAIRED_BY,
	MAPPINGS
};

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[OTHER] = { "other", NULL, COLUMN_TEXT, NULL },
	[APPEARED] = { "appeared", NULL, COLUMN_COUNT, NULL },
	[VANISHED] = { "vanished", NULL, COLUMN_COUNT, NULL },
	[CHANGED] = { "changed", NULL, COLUMN_COUNT, NULL },
	[IMPROVED] = { "improved", NULL, COLUMN_COUNT, NULL },
	[WORSE] = { "worse", NULL, COLUMN_COUNT, NULL },
	[PLACED] = { "placement", NULL, COLUMN_COUNT, NULL },
	[BOOTS] = { "boots", NULL, COLUMN_TEXT, NULL },
	[PAIRED_BY] = { "paired_by", NULL, COLUMN_TEXT, NULL },
	[MAPPINGS] = { "mappings_compared", NULL, COLUMN_YES, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

/* Sentences of text alone: what comes before the counts, and what was folded. */
static const struct column sentence_columns[] = { { "sentence", NULL, COLUMN_TEXT,
						    NULL } };
static const struct table sentences = { "sentences", TABLE_COLUMNS(sentence_columns),
					.prose = true };

/* Kinds of facts, and mappings, which are ranges and no facts. */
enum thing { THING_MAPPING = FACT_FINDING + 1, THINGS };

static const char *const things[THINGS] = {
	[FACT_SPACE] = "space",     [FACT_VERDICT] = "verdict",  [FACT_MODULE] = "module",
	[FACT_FINDING] = "finding", [THING_MAPPING] = "mapping",
};

enum change { DID_APPEAR, DID_VANISH, DID_CHANGE, DID_IMPROVE, DID_WORSEN, CHANGES };
static const char *const changes[CHANGES] = { "appeared", "vanished", "changed",
					      "improved", "worse" };

static const char *change_name(enum change change, unsigned thing)
{
	if (thing == FACT_SPACE && change == DID_APPEAR)
		return "new";
	if (thing == FACT_SPACE && change == DID_VANISH)
		return "gone";
	return changes[change];
}

/* One of the two targets: what is found in it. */
struct moment {
	struct session *session;
	struct look look;
	run_vec runs;
};

struct diff {
	struct moment before, after;
	fact_pairs pairs;
	bool moved; /* one kernel, at another place in each */
	enum boots boots;
	enum pairing pairing;
	struct placement placement;
	bool folds; /* mappings that follow from placement are counted, not listed */
	struct report *report;
	bool counting;
	uint64_t count[THINGS][CHANGES];
	uint64_t placed[MAPPING_KINDS]; /* and these are not in count */
};

/* ---- one kernel? ----------------------------------------------------------------- */

static struct known_kernel kernel_of(const struct session *session)
{
	const struct ws_system *system = session->system;

	return (struct known_kernel){
		.format = ws_format_name(ws_system_paging(system)->format),
		.vmcoreinfo = ws_system_vmcoreinfo(system),
		.layout = *ws_system_layout(system),
	};
}

static enum exit_status compare_kernels(struct diff *diff)
{
	struct session *before = diff->before.session, *after = diff->after.session;
	struct known_kernel a = kernel_of(before), b = kernel_of(after);
	struct unlike unlike;
	enum kernels kernels = kernels_compare(&a, &b, &unlike);

	diff->moved = kernels == KERNELS_MOVED;
	if (kernels != KERNELS_OTHER)
		return EXIT_SEEN;
	return session_usage(
		before, "diff compares two dumps of one kernel, of one boot or of two",
		"%s and %s are not dumps of one kernel: %s%s in the one, %s in the other",
		before->request->target, after->request->target, unlike.what, unlike.a,
		unlike.b);
}

/* Whether it is one boot, and how processes then find each other. */
static bool compare_boots(struct diff *diff)
{
	struct ws_system *before = diff->before.session->system;
	struct ws_system *after = diff->after.session->system;
	bool have = true, other_have = true;
	size_t na, nb;
	const struct ws_task *a = ws_system_tasks(before, &na);
	const struct ws_task *b = ws_system_tasks(after, &nb);

	if (!boots_compare(a, na, b, nb, &diff->boots))
		return false;
	if (diff->moved)
		diff->boots = BOOTS_TWO;
	if (diff->boots != BOOTS_TWO)
		return true;
	if (!facts_have_parents(before, &have) || !facts_have_parents(after, &other_have))
		return false;
	diff->pairing = have && other_have ? PAIR_BY_PARENT : PAIR_BY_NAME;
	return true;
}

/* ---- rows ------------------------------------------------------------------------- */

struct row {
	enum change change;
	unsigned thing;
	const char *name;
	bool has_range;
	uint64_t va, last;
	const char *before, *after; /* NULL: it was not, it is not */
	const char *kind;           /* of a mapping; else NULL */
	bool placement;
};

/* False: memory is short. */
static bool write_row(struct diff *diff, const struct row *row, const char *details)
{
	return report_row(
		diff->report,
		(struct value[]){
			[CHANGE] = value_text(change_name(row->change, row->thing)),
			[WHAT] = value_text(things[row->thing]),
			[NAME] = value_text(row->name),
			[DETAILS] = report_text_or_short(diff->report, details),
			[VA] = { .known = row->has_range, .number = row->va },
			[LAST] = { .known = row->has_range, .number = row->last },
			[BEFORE] = value_text(row->before),
			[AFTER] = value_text(row->after),
			[KIND] = value_text(row->kind),
			[PLACEMENT] = value_number(row->placement),
		});
}

static bool print_row(struct diff *diff, const struct row *row)
{
	const char *one = row->after ? row->after : row->before;
	ws_autofree char *both = NULL;

	if (diff->counting) {
		diff->count[row->thing][row->change]++;
		return true;
	}
	if (row->before && row->after)
		both = ws_text_of("%s -> %s", row->before, row->after);
	return write_row(diff, row, row->before && row->after ? both : one);
}

/* What could not be read is neither better nor worse. */
static enum change change_of(const struct fact *before, const struct fact *after)
{
	if (!before)
		return DID_APPEAR;
	if (!after)
		return DID_VANISH;
	if (before->verdict < 0 || before->verdict == WS_UNKNOWN ||
	    after->verdict == WS_UNKNOWN)
		return DID_CHANGE;
	return after->verdict < before->verdict ? DID_IMPROVE : DID_WORSEN;
}

static const char *what_decides(const struct fact *fact)
{
	return fact->same ? fact->same : fact->value;
}

/*
 * "117 waiter"; where the other boot gave it another pid, "116 waiter (was pid 117)";
 * where only one of the two knows its owner, as it is called there.
 */
static const char *fact_name(const struct fact *before, const struct fact *after,
			     char name[static WORDS + 32])
{
	const struct fact *fact = after ? after : before;

	if (!before || !after || before->pid == after->pid)
		return fact->name;
	if (!before->pid || !after->pid)
		return after->pid ? after->name : before->name;
	snprintf(name, WORDS + 32, "%s (was pid %u)", fact->name, before->pid);
	return name;
}

/* What a row says of it, where the other's words may be the same. */
static char *fact_words(const struct fact *fact, const struct fact *other)
{
	if (!other)
		return strdup(fact->alone ? fact->alone : fact->value);
	if (strcmp(fact->value, other->value) != 0 || !fact->detail)
		return strdup(fact->value);
	return ws_text_of("%s (%s)", fact->value, fact->detail);
}

static bool print_fact(struct diff *diff, const struct fact *before,
		       const struct fact *after)
{
	const struct fact *fact = after ? after : before;
	ws_autofree char *was = before ? fact_words(before, after) : NULL;
	ws_autofree char *is = after ? fact_words(after, before) : NULL;
	char name[WORDS + 32];
	struct row row = { .change = change_of(before, after),
			   .thing = fact->kind,
			   .name = fact_name(before, after, name),
			   .has_range = fact->has_range,
			   .va = fact->va,
			   .last = fact->last,
			   .before = was,
			   .after = is };

	if (before && after && !strcmp(what_decides(before), what_decides(after)))
		return true;
	if (fact->kind == FACT_VERDICT && !(before && after))
		return true; /* its space's row says that it came or went */
	if (diff->report && ((before && !was) || (after && !is)))
		report_short(diff->report);
	return print_row(diff, &row);
}

static bool print_facts(struct diff *diff)
{
	ws_vec_each(&diff->pairs, pair) {
		if (!print_fact(diff, pair->before, pair->after))
			return false;
	}
	return true;
}

/* "rwx kernel, 4 KiB pages" */
static const char *mapping_words(const struct ws_run *run, char words[static WORDS])
{
	char access[WORDS], size[REPORT_CELL];

	snprintf(words, WORDS, "%.32s, %.16s pages", access_words(run->access, access),
		 report_size(UINT64_C(1) << run->page_shift, size));
	return words;
}

static bool print_mapping(void *arg, uint64_t va, uint64_t last,
			  const struct ws_run *before, const struct ws_run *after)
{
	struct diff *diff = arg;
	enum mapping_kind kind = mapping_kind(&diff->placement, va, last, before, after);
	char name[64], was[WORDS], is[WORDS + 16];
	struct row row = { .change = !before  ? DID_APPEAR
				     : !after ? DID_VANISH
					      : DID_CHANGE,
			   .thing = THING_MAPPING,
			   .name = name,
			   .has_range = true,
			   .va = va,
			   .last = last,
			   .kind = mapping_kind_name(kind),
			   .placement =
				   diff->boots == BOOTS_TWO && kind != MAPPING_OTHER };

	if (row.placement && diff->counting)
		diff->placed[kind]++;
	if (row.placement && (diff->counting || diff->folds))
		return true;
	snprintf(name, sizeof(name), "0x%" PRIx64 " to 0x%" PRIx64, va, last);
	if (before)
		row.before = mapping_words(before, was);
	if (after)
		row.after = mapping_words(after, is);
	if (before && after && !strcmp(was, is))
		strcat(is, ", other frames");
	return print_row(diff, &row);
}

static void print_changes(void *arg, struct report *report)
{
	struct diff *diff = arg;

	diff->report = report;
	if (print_facts(diff) && !diff->moved)
		mappings_compare(&diff->before.runs, &diff->after.runs, print_mapping,
				 diff);
}

/* ---- the summary ------------------------------------------------------------------ */

static uint64_t sum_placed(const struct diff *diff)
{
	uint64_t n = 0;

	for (unsigned kind = 0; kind < MAPPING_KINDS; kind++)
		n += diff->placed[kind];
	return n;
}

static uint64_t sum(const struct diff *diff, enum change change)
{
	uint64_t n = 0;

	for (unsigned thing = 0; thing < THINGS; thing++)
		n += diff->count[thing][change];
	return n;
}

/* "2 spaces appeared, 1 vanished; 1 verdict changed" */
static void print_counts(FILE *f, const struct diff *diff)
{
	const char *separator = "";

	for (unsigned thing = 0; thing < THINGS; thing++) {
		bool named = false;

		for (unsigned c = 0; c < CHANGES; c++) {
			uint64_t n = diff->count[thing][c];

			if (!n)
				continue;
			fprintf(f, "%s%s %s", named ? ", " : separator,
				named ? WS_COUNT(n) : WS_COUNT_OF(n, things[thing]),
				change_name(c, thing));
			named = true;
			separator = "; ";
		}
	}
}

/* Where one side has no page table to read, nothing was compared. */
static bool is_unknown(const struct diff *diff)
{
	return mappings_unknown(&diff->before.runs) ||
	       mappings_unknown(&diff->after.runs) ||
	       diff->before.look.digest.nverdict[WS_UNKNOWN] ||
	       diff->after.look.digest.nverdict[WS_UNKNOWN];
}

static char *summary_sentence(const struct diff *diff)
{
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_counts(f, diff);
	if (!ftell(f))
		fputs("nothing has changed", f);
	if (is_unknown(diff))
		fputs("; not all of it is known: the targets lack page tables, or other "
		      "things that decide",
		      f);
	return ws_text_close(&sentence, NULL);
}

static void print_summary(void *arg, struct report *report)
{
	static const char *const boots[] = { "unknown", "one", "two" };
	static const char *const pairings[] = { "pid", "name", "name and parent" };
	const struct diff *diff = arg;
	ws_autofree char *sentence = summary_sentence(diff);
	uint64_t improved = sum(diff, DID_IMPROVE), worse = sum(diff, DID_WORSEN);
	uint64_t changed = sum(diff, DID_CHANGE) + improved + worse;

	report_row(report,
		   (struct value[]){
			   [SENTENCE] = report_text_or_short(report, sentence),
			   [OTHER] = value_text(diff->after.session->request->target),
			   [APPEARED] = value_number(sum(diff, DID_APPEAR)),
			   [VANISHED] = value_number(sum(diff, DID_VANISH)),
			   [CHANGED] = value_number(changed),
			   [IMPROVED] = value_number(improved),
			   [WORSE] = value_number(worse),
			   [PLACED] = value_number(sum_placed(diff)),
			   [BOOTS] = value_text(boots[diff->boots]),
			   [PAIRED_BY] = value_text(pairings[diff->pairing]),
			   [MAPPINGS] = value_number(!diff->moved),
		   });
}

/* Said first, for all below is to be read by it. */
static void print_boots(void *arg, struct report *report)
{
	static const char *const paired[] = {
		[PAIR_BY_NAME] =
			"name and order, for not every process's parent is known",
		[PAIR_BY_PARENT] = "name and parent",
	};
	const struct diff *diff = arg;
	char sentence[320];

	if (diff->boots == BOOTS_UNKNOWN)
		snprintf(sentence, sizeof(sentence),
			 "whether these are two boots is not known, for no process was "
			 "found in both: processes are paired by pid");
	else
		snprintf(
			sentence, sizeof(sentence),
			"these are two boots of one kernel, not two moments of one boot: "
			"processes are paired by %s%s",
			paired[diff->pairing],
			diff->moved ? "; the kernel lies elsewhere in each, so what "
				      "init_mm maps is not compared"
				    : "");
	report_row(report, (struct value[]){ value_text(sentence) });
}

static void print_folded(void *arg, struct report *report)
{
	static const struct {
		const char *noun, *one, *many;
	} words[MAPPING_KINDS] = {
		[MAPPING_FRAMES] = { "mapping", "has other frames and the same rights",
				     "have other frames and the same rights" },
		[MAPPING_ALIAS] = { "direct-map mapping",
				    "has other rights, because a module's memory lies "
				    "there in one boot",
				    "have other rights, because modules' memory lies there "
				    "in one boot" },
		[MAPPING_VMALLOC] = { "vmalloc mapping", "lies elsewhere",
				      "lie elsewhere" },
	};
	const struct diff *diff = arg;
	char sentence[200];

	for (unsigned kind = 0; kind < MAPPING_KINDS; kind++) {
		uint64_t n = diff->placed[kind];

		if (!n)
			continue;
		snprintf(sentence, sizeof(sentence),
			 "expected between two boots: %s %s (--all lists %s)",
			 WS_COUNT_OF(n, words[kind].noun),
			 n == 1 ? words[kind].one : words[kind].many,
			 n == 1 ? "it" : "them");
		if (!report_row(report, (struct value[]){ value_text(sentence) }))
			return;
	}
}

/* ---- all of it -------------------------------------------------------------------- */

static enum exit_status gather(struct diff *diff, struct moment *moment)
{
	struct look *look = &moment->look;
	const char *side = diff->pairing == PAIR_BY_PID ? ""
			   : moment == &diff->before    ? "before "
							: "after ";
	enum exit_status gathered = look_take(moment->session, diff->pairing, side, look);

	if (gathered != EXIT_SEEN || diff->moved)
		return gathered;
	gathered = mappings_gather(moment->session, &moment->runs);
	if (gathered == EXIT_SEEN && !placement_add(&diff->placement, &moment->runs,
						    look->modules, look->nmodules))
		return session_fail_memory();
	return gathered;
}

/* The notes of the second target are its audit's as well, and no report's yet. */
static void note_other(struct report *report, struct session *other)
{
	const char *note;

	for (unsigned i = 0; (note = ws_system_note(other->system, i)); i++) {
		ws_autofree char *text =
			ws_text_of("%s: %s", other->request->target, note);

		if (!text)
			report_short(report);
		else
			report_note(report, text);
	}
	other->notes_printed = true;
}

static void moment_release(struct moment *moment)
{
	look_release(&moment->look);
	ws_vec_release(&moment->runs);
}

static bool is_same(const struct diff *diff)
{
	uint64_t n = 0;

	for (unsigned change = 0; change < CHANGES; change++)
		n += sum(diff, change);
	return !n;
}

static enum exit_status print_diff(struct session *session, struct diff *diff)
{
	bool text = session->request->format == REPORT_TEXT;
	struct report *report;

	diff->placement.regions =
		ws_audit_regions(diff->before.look.audit, &diff->placement.nregions);
	placement_seal(&diff->placement);
	diff->folds = text && !session->request->all;
	diff->counting = true;
	print_changes(diff, NULL);
	diff->counting = false;
	progress_clear(&diff->after.session->progress);
	report = session_report(session);
	if (text && diff->boots != BOOTS_ONE)
		report_table(report, &sentences, print_boots, diff);
	report_table(report, &summary, print_summary, diff);
	report_table(report, &diff_table, print_changes, diff);
	if (diff->folds && sum_placed(diff))
		report_table(report, &sentences, print_folded, diff);
	note_other(report, diff->after.session);
	if (!is_same(diff))
		return session_answer(session, EXIT_UNSEEN);
	return session_answer(session, is_unknown(diff) ? EXIT_UNKNOWN : EXIT_SEEN);
}

static enum exit_status compare(struct session *session, struct session *other)
{
	struct diff diff = { .before.session = session, .after.session = other };
	enum exit_status status = compare_kernels(&diff);

	if (status == EXIT_SEEN && !compare_boots(&diff))
		status = session_fail_memory();
	if (status == EXIT_SEEN)
		status = gather(&diff, &diff.before);
	if (status == EXIT_SEEN)
		status = gather(&diff, &diff.after);
	if (status == EXIT_SEEN &&
	    !facts_pair(&diff.before.look.facts, &diff.after.look.facts, &diff.pairs))
		status = session_fail_memory();
	if (status == EXIT_SEEN)
		status = print_diff(session, &diff);
	ws_vec_release(&diff.pairs);
	moment_release(&diff.before);
	moment_release(&diff.after);
	placement_release(&diff.placement);
	return status;
}

enum exit_status run_diff(struct session *session)
{
	struct request request = *session->request;
	struct session other;
	enum exit_status status;

	request.target = request.words[0];
	status = session_begin(&other, &request);
	if (status == EXIT_SEEN)
		status = session_open(&other);
	if (status == EXIT_SEEN)
		status = compare(session, &other);
	session_close(&other);
	return status;
}
