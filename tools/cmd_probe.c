/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which spaces see an address, which do not, and where does the walk stop? */
#include <stdlib.h>

#include "consequence.h"
#include "lines.h"
#include "report/words.h"
#include "survey.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"
#include "xx_procs.h"

/* A summary names so many spaces for each reason; the table has them all. */
#define NAMED 3

enum {
	WHAT,
	VA,
	SPACE,
	PID,
	COMM,
	KIND,
	ROOT,
	SEEN,
	HOW,
	PA,
	PAGE,
	ACCESS,
	UNSEEN,
	UNKNOWN,
	OF
};

static const struct column columns[] = {
	[WHAT] = { "what", "WHAT", COLUMN_TEXT, "what was asked for" },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS,
		 "the first of its addresses that is not seen, or its first",
		 .optional = 1, .fold = FOLD_ANY },
	[SPACE] = { NULL, "SPACE", COLUMN_TEXT, NULL, .fold = FOLD_NAMES },
	[PID] = { "pid", NULL, COLUMN_COUNT, "of the first process that has the space" },
	[COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[KIND] = { "kind", NULL, COLUMN_TEXT, "the space's kind, as spaces has it" },
	[ROOT] = { "root", "ROOT", COLUMN_ADDRESS, "the space's root", .optional = 4,
		   .fold = FOLD_ANY },
	[SEEN] = { "seen", NULL, COLUMN_YES,
		   "whether all addresses are seen; null where that is unknown" },
	[HOW] = { "end", "HOW", COLUMN_TEXT,
		  "how the walk ended: page, another page, or what stood in its way" },
	[PA] = { "pa", "PA", COLUMN_ADDRESS, "where it led, physically", .optional = 5,
		 .fold = FOLD_ANY },
	[PAGE] = { "page", NULL, COLUMN_SIZE, "the size of the page there" },
	[ACCESS] = { "access", NULL, COLUMN_TEXT, "its rights" },
	[UNSEEN] = { "unseen", "UNSEEN PAGES", COLUMN_COUNT,
		     "addresses that are not seen", .optional = 2, .fold = FOLD_ANY },
	[UNKNOWN] = { "unknown", NULL, COLUMN_COUNT,
		      "addresses for which the target lacks a page table" },
	[OF] = { "addresses", "OF", COLUMN_COUNT, "of so many: a module has one a page",
		 .optional = 3, .fold = FOLD_ANY },
};
const struct table probe_table = { "rows", TABLE_COLUMNS(columns), .fold = "spaces" };

enum { SENTENCE, S_WHAT, S_VA, S_ADDRESSES, S_SPACES, S_SEE, S_UNKNOWN, S_WHO, S_REGIME };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[S_WHAT] = { "what", NULL, COLUMN_TEXT, NULL },
	[S_VA] = { "address", NULL, COLUMN_ADDRESS, NULL },
	[S_ADDRESSES] = { "addresses", NULL, COLUMN_COUNT, NULL },
	[S_SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[S_SEE] = { "see", NULL, COLUMN_COUNT, NULL },
	[S_UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
	[S_WHO] = { "who", NULL, COLUMN_TEXT, NULL },
	[S_REGIME] = { "regime", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct probe {
	const struct ws_format *format;
	struct survey survey;
	bool all;
	const struct ws_system *system;
	const char *regime; /* to be said; NULL: there is one for all */
	const char *who;    /* was asked; NULL: every space that was found */
};

/* The format of the tables that translate va in the space. */
static const struct ws_format *format_there(const struct probe *probe,
					    const struct ws_space *space, uint64_t va)
{
	const struct ws_window *window;
	struct ws_eye eye;

	ws_space_eye(probe->system, space, &eye);
	window = ws_eye_window(&eye, va);
	return window ? window->format : probe->format;
}

static const char *how_words(const struct probe *probe, const struct sight *sight,
			     const struct ws_space *space, char words[static WORDS])
{
	const struct ws_format *format = format_there(probe, space, sight->va);

	if (sight->damaged)
		return damaged_words(format, space, words);
	if (sight->elsewhere)
		return "another page than init_mm's";
	if (sight->unknown && sight->outcome.end == WS_END_PAGE)
		return "init_mm's page not in the target";
	return end_words(format, sight->outcome.end, sight->outcome.level, words);
}

/* Sights with one reason have one number. */
#define REASONS (2 + (WS_END_FAILED + 1) * WS_MAX_LEVELS)

static unsigned reason(const struct sight *sight)
{
	if (sight->elsewhere)
		return 0;
	if (sight->damaged)
		return 1;
	return 2 + sight->outcome.end * WS_MAX_LEVELS + sight->outcome.level;
}

struct reasons {
	size_t blind;   /* spaces that do not see it, for whatever reason */
	size_t unknown; /* and those of which it is not known */
	size_t count[REASONS];
};

static bool is_seen(const struct sight *sight)
{
	return !sight->unseen && !sight->unknown;
}

static bool is_unknown(const struct sight *sight)
{
	return !sight->unseen && sight->unknown;
}

static struct reasons count_reasons(const struct survey *survey, size_t w)
{
	struct reasons reasons = { 0 };

	for (size_t s = 0; s < survey->nspaces; s++) {
		const struct sight *sight = survey_at(survey, w, s);

		if (is_seen(sight))
			continue;
		reasons.blind += !is_unknown(sight);
		reasons.unknown += is_unknown(sight);
		reasons.count[reason(sight)]++;
	}
	return reasons;
}

/* "83 waiter, 84 other and 12 more (hole at page directory)", from space s on. */
static void print_blind(FILE *f, const struct probe *probe, size_t w, size_t s, size_t n)
{
	const struct survey *survey = &probe->survey;
	const struct ws_space *space = &survey->spaces[s];
	const struct sight *first = survey_at(survey, w, s);
	char words[WORDS];

	for (size_t named = 0; named < n && named < NAMED; s++) {
		const struct sight *sight = survey_at(survey, w, s);

		if (is_seen(sight) || reason(sight) != reason(first))
			continue;
		fprintf(f, "%s%s", named ? ", " : "",
			space_words(&survey->spaces[s], words));
		named++;
	}
	if (n > NAMED)
		fprintf(f, " and %s more", WS_COUNT(n - NAMED));
	if (first->damaged && n > 1)
		fprintf(f, " (their roots do not look like a %s)",
			ws_level_name(probe->format, 0));
	else
		fprintf(f, " (%s)", how_words(probe, first, space, words));
}

/* begin: "; not " for those that do not see it, "; unknown: " for the others. */
static void print_reasons(FILE *f, const struct probe *probe, size_t w, bool unknown,
			  const char *begin, struct reasons *reasons)
{
	const char *separator = begin;

	for (size_t s = 0; s < probe->survey.nspaces; s++) {
		const struct sight *sight = survey_at(&probe->survey, w, s);

		if (is_seen(sight) || is_unknown(sight) != unknown ||
		    !reasons->count[reason(sight)])
			continue;
		fputs(separator, f);
		print_blind(f, probe, w, s, reasons->count[reason(sight)]);
		reasons->count[reason(sight)] = 0;
		separator = ", ";
	}
}

/* Returns NULL when memory is short; to be freed. */
static char *summary_sentence(const struct probe *probe, size_t w,
			      struct reasons *reasons)
{
	const struct survey *survey = &probe->survey;
	const struct what *what = &survey->whats->what.v[w];
	const char *found = that_were_found(probe->system, survey->nspaces);
	size_t see = survey->nspaces - reasons->blind - reasons->unknown;
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	fprintf(f, "%.256s", what->label);
	if (what->place)
		fprintf(f, " (%s)", what->place);
	if (what->n > 1)
		fprintf(f, " (%s)", WS_COUNT_OF(what->n, "page"));
	if (see == survey->nspaces)
		fprintf(f, ": %s%s%s %s it", see == 1 ? "" : "all ",
			WS_COUNT_OF(see, "address space"), found,
			see == 1 ? "sees" : "see");
	else
		fprintf(f, ": %s of %s%s %s it", WS_COUNT(see),
			WS_COUNT_OF(survey->nspaces, "address space"), found,
			see == 1 ? "sees" : "see");
	print_reasons(f, probe, w, false, "; not ", reasons);
	print_reasons(f, probe, w, true, "; unknown: ", reasons);
	return ws_text_close(&sentence, NULL);
}

static bool print_sentence(const struct probe *probe, size_t w, struct report *report)
{
	const struct what *what = &probe->survey.whats->what.v[w];
	struct reasons reasons = count_reasons(&probe->survey, w);
	size_t nspaces = probe->survey.nspaces;
	size_t see = nspaces - reasons.blind - reasons.unknown;
	ws_autofree char *sentence = summary_sentence(probe, w, &reasons);
	struct value row[] = {
		[SENTENCE] = report_text_or_short(report, sentence),
		[S_WHAT] = value_text(what->label),
		[S_VA] = value_number(probe->survey.whats->address.v[what->first]),
		[S_ADDRESSES] = value_number(what->n),
		[S_SPACES] = value_number(nspaces),
		[S_SEE] = value_number(see),
		[S_UNKNOWN] = value_number(reasons.unknown),
		[S_WHO] = value_text(probe->who),
		[S_REGIME] = value_text(ws_system_regime(probe->system)),
	};

	row[SENTENCE].alarm = see < nspaces;
	return report_row(report, row);
}

static bool print_nowhere(const struct probe *probe, const char *name,
			  struct report *report)
{
	size_t nspaces = probe->survey.nspaces;
	char sentence[REPORT_CELL];
	struct value row[] = {
		[SENTENCE] = value_alarm(value_text(sentence)),
		[S_WHAT] = value_text(name),
		[S_VA] = { .known = false },
		[S_ADDRESSES] = { .known = false },
		[S_SPACES] = value_number(nspaces),
		[S_SEE] = value_number(0),
		[S_UNKNOWN] = value_number(nspaces),
		[S_WHO] = value_text(probe->who),
		[S_REGIME] = value_text(ws_system_regime(probe->system)),
	};

	snprintf(sentence, sizeof(sentence),
		 "%.256s: unknown, since where the memory of this module lies is not "
		 "known",
		 name);
	return report_row(report, row);
}

static void print_summary(void *arg, struct report *report)
{
	const struct probe *probe = arg;

	for (size_t w = 0; w < probe->survey.whats->what.n; w++)
		if (!print_sentence(probe, w, report))
			return;
	ws_vec_each(&probe->survey.whats->nowhere, name)
		if (!print_nowhere(probe, *name, report))
			return;
}

static void print_who(void *arg, struct report *report)
{
	const struct probe *probe = arg;

	if (probe->who)
		prose_line(report, false, "%s", probe->who);
	if (probe->regime)
		prose_line(report, false, "Regime: %s", probe->regime);
}

static bool print_sight(const struct probe *probe, size_t w, size_t s,
			struct report *report)
{
	const struct what *what = &probe->survey.whats->what.v[w];
	const struct ws_space *space = &probe->survey.spaces[s];
	const struct sight *sight = survey_at(&probe->survey, w, s);
	const struct ws_outcome *outcome = &sight->outcome;
	bool page = outcome->end == WS_END_PAGE;
	char name[WORDS], how[WORDS], access[WORDS];
	struct value row[] = {
		[WHAT] = value_text(what->label),
		[VA] = value_number(sight->va),
		[SPACE] = value_text(space_words(space, name)),
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[SEEN] = { .known = !is_unknown(sight), .number = !sight->unseen },
		[HOW] = value_text(how_words(probe, sight, space, how)),
		[PA] = { .known = page, .number = outcome->pa },
		[PAGE] = { .known = page, .number = UINT64_C(1) << outcome->page_shift },
		[ACCESS] = { .known = page,
			     .text = access_words(outcome->access, access) },
		[UNSEEN] = value_number(sight->unseen),
		[UNKNOWN] = value_number(sight->unknown),
		[OF] = value_number(what->n),
	};

	row[HOW].alarm = !is_seen(sight);
	return report_row(report, row);
}

static void print_rows(void *arg, struct report *report)
{
	const struct probe *probe = arg;
	const struct survey *survey = &probe->survey;

	for (size_t w = 0; w < survey->whats->what.n; w++)
		for (size_t s = 0; s < survey->nspaces; s++)
			if ((probe->all || !is_seen(survey_at(survey, w, s))) &&
			    !print_sight(probe, w, s, report))
				return;
}

static enum exit_status status_of(const struct probe *probe)
{
	const struct survey *survey = &probe->survey;
	bool unknown = survey->whats->nowhere.n;

	for (size_t i = 0; i < survey->sight.n; i++) {
		if (survey->sight.v[i].unseen)
			return EXIT_UNSEEN;
		unknown |= is_unknown(&survey->sight.v[i]);
	}
	return unknown || ws_system_lacks_tasks(probe->system) ? EXIT_UNKNOWN : EXIT_SEEN;
}

static enum exit_status resolve(struct session *session, struct whats *whats)
{
	const struct request *request = session->request;
	enum exit_status status = EXIT_SEEN;

	for (size_t i = 0; status == EXIT_SEEN && i < request->nwords; i++)
		status = whats_add(whats, session, request->words[i]);
	if (status == EXIT_SEEN && request->all_modules)
		status = whats_add_modules(whats, session);
	if (status == EXIT_SEEN && !whats->what.n && !whats->nowhere.n)
		return session_usage(session, NULL,
				     "there is nothing to ask for: no module is loaded");
	return status;
}

/* Nothing comes of it that a space does not map what init_mm does not map either. */
static bool is_lacked(const struct survey *survey, size_t w, size_t s)
{
	size_t init = 0;

	while (init < survey->nspaces && survey->spaces[init].kind != WS_SPACE_INIT)
		init++;
	return init < survey->nspaces && is_seen(survey_at(survey, w, init)) &&
	       survey_at(survey, w, s)->unseen;
}

/* The spaces that lack something, once each; to be freed. NULL: memory is short. */
static struct ws_space *lacking(const struct survey *survey, size_t *n)
{
	struct ws_space *spaces = calloc(survey->nspaces + 1, sizeof(*spaces));

	*n = 0;
	for (size_t s = 0; spaces && s < survey->nspaces; s++) {
		bool lacks = false;

		for (size_t w = 0; w < survey->whats->what.n && !lacks; w++)
			lacks = is_lacked(survey, w, s);
		if (lacks && survey->spaces[s].counts)
			spaces[(*n)++] = survey->spaces[s];
	}
	return spaces;
}

static enum exit_status print_consequence(struct session *session, struct report *report,
					  const struct survey *survey)
{
	size_t n;
	ws_autofree struct ws_space *spaces = lacking(survey, &n);

	if (!spaces)
		return session_fail_memory();
	return consequence_print(session, report, spaces, n);
}

enum exit_status run_probe(struct session *session)
{
	const struct request *request = session->request;
	ws_cleanup(whats_release) struct whats whats = { 0 };
	ws_cleanup(survey_release) struct survey survey = { 0 };
	struct probe probe = { .format = ws_system_paging(session->system)->format,
			       .regime = session_regime(session),
			       .all = request->all,
			       .system = session->system };
	const struct ws_space *spaces;
	size_t nspaces;
	char who[WHO_WORDS];
	struct report *report;
	enum exit_status status = resolve(session, &whats);

	if (status == EXIT_SEEN && request->xx_procs)
		return xx_procs(session, &whats);
	if (status == EXIT_SEEN)
		status = survey_make(&survey, session, &whats, request->all_spaces);
	if (status != EXIT_SEEN)
		return status;
	probe.survey = survey;
	spaces = ws_system_spaces(session->system, &nspaces);
	if (!request->all_spaces)
		probe.who = who_counts(spaces, nspaces, who);
	report = session_report(session);
	report_table(report, &summary, print_summary, &probe);
	if (request->format == REPORT_TEXT)
		status = print_consequence(session, report, &survey);
	if (status != EXIT_SEEN)
		return status;
	if (request->format == REPORT_TEXT)
		report_table(report, &lines_table, print_who, &probe);
	report_table(report, &probe_table, print_rows, &probe);
	return session_answer(session, status_of(&probe));
}
