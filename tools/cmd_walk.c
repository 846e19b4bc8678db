/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One walk, step by step, and what init_mm has at the same address. */
#include "session.h"

#include <inttypes.h>

#include "consequence.h"
#include "pid_list.h"
#include "report/words.h"
#include "steps.h"
#include "util/reference.h"
#include "what.h"

enum { SENTENCE, SPACE, ROOT, VA, END, PA, PAGE, ACCESS, FLAW, RESERVED, REGIME };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[SPACE] = { "space", NULL, COLUMN_TEXT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[VA] = { "address", NULL, COLUMN_ADDRESS, NULL },
	[END] = { "end", NULL, COLUMN_TEXT, NULL },
	[PA] = { "pa", NULL, COLUMN_ADDRESS, NULL },
	[PAGE] = { "page", NULL, COLUMN_SIZE, NULL },
	[ACCESS] = { "access", NULL, COLUMN_TEXT, NULL },
	[FLAW] = { "flaw", NULL, COLUMN_TEXT, NULL },
	[RESERVED] = { "reserved", NULL, COLUMN_ADDRESS, NULL },
	[REGIME] = { "regime", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct walk {
	const struct ws_format *format;
	const struct ws_layout *layout;
	const char *regime; /* NULL: not known */
	const char *to_say; /* the same, where it could be another */
	char what[WHAT_LABEL];
	struct ws_space space;
	struct ws_trail trail;
	bool untranslated;      /* an address, and no root is for it */
	const char *own_regime; /* in which its own root is for it, and is not now */
	bool compared; /* there is init_mm's, of a kernel address in another space */
	struct ws_trail there;
	bool refused; /* by the processor, for flaw */
	struct ws_flaw flaw;
};

static const char *end_of(const struct walk *walk, char *words)
{
	unsigned level = walk->trail.nsteps ? walk->trail.nsteps - 1 : 0;

	return walk->untranslated
		       ? "not translated in this regime"
		       : end_words(walk->format, walk->trail.end, level, words);
}

/* What its own root maps there is another matter. */
static int print_own_regime(const struct walk *walk, char *text, size_t size)
{
	return snprintf(text, size, "; --regime %s shows what its own root maps there",
			walk->own_regime);
}

static int print_end(const struct walk *walk, char *text, size_t size)
{
	const struct ws_trail *trail = &walk->trail;
	char words[WORDS], page[REPORT_CELL];

	if (walk->space.looks_damaged)
		return snprintf(text, size, "not known: %s",
				damaged_words(walk->format, &walk->space, words));
	if (trail->end != WS_END_PAGE)
		return snprintf(text, size, "%s%s",
				trail->end == WS_END_HOLE ? "not mapped: " : "",
				end_of(walk, words));
	return snprintf(text, size, "mapped to physical 0x%" PRIx64 ", in a %s page, %s",
			trail->pa, report_size(UINT64_C(1) << trail->page_shift, page),
			access_words(trail->access, words));
}

/* A hole is bad where init_mm has none, and meant where it has one too. */
static int print_comparison(const struct walk *walk, char *text, size_t size)
{
	const struct ws_trail *here = &walk->trail, *there = &walk->there;
	const char *who = ws_reference_words(walk->layout);
	bool many = walk->layout->consensus;

	if (!walk->compared || walk->space.looks_damaged || !ws_end_is_known(here->end))
		return 0;
	if (!ws_end_is_known(there->end))
		return snprintf(text, size, "; what %s %s there is unknown", who,
				many ? "have" : "has");
	if (there->end != WS_END_PAGE)
		return snprintf(text, size, "; %s %s nothing there%s", who,
				many ? "map" : "maps",
				here->end == WS_END_PAGE ? "" : " either");
	if (here->end == WS_END_PAGE && here->pa == there->pa)
		return snprintf(text, size, ", as in %s", who);
	return snprintf(text, size, "; but %s %s it to physical 0x%" PRIx64, who,
			many ? "map" : "maps", there->pa);
}

static int print_flaw(const struct walk *walk, char *text, size_t size)
{
	return snprintf(
		text, size,
		"; but the processor refuses the %s: reserved bits 0x%" PRIx64 " are set",
		ws_level_entry_name(walk->format, walk->flaw.level), walk->flaw.reserved);
}

static void print_verdict(void *arg, struct report *report)
{
	const struct walk *walk = arg;
	const struct ws_trail *trail = &walk->trail;
	bool damaged = walk->space.looks_damaged;
	bool page = trail->end == WS_END_PAGE && !damaged;
	char sentence[REPORT_CELL] = "", space[WORDS], end[WORDS], access[WORDS];
	size_t at;
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[SPACE] = value_text(space_words(&walk->space, space)),
		[ROOT] = value_number(trail->root),
		[VA] = value_number(trail->va),
		[END] = value_text(damaged ? "unknown" : end_of(walk, end)),
		[PA] = { .known = page, .number = trail->pa },
		[PAGE] = { .known = page, .number = UINT64_C(1) << trail->page_shift },
		[ACCESS] = { .known = page, .text = access_words(trail->access, access) },
		[FLAW] = { .known = walk->refused },
		[RESERVED] = { .known = walk->refused, .number = walk->flaw.reserved },
		[REGIME] = { .known = walk->regime, .text = walk->regime },
	};

	if (walk->refused)
		row[FLAW].text = ws_level_entry_name(walk->format, walk->flaw.level);
	row[SENTENCE].alarm = walk->refused || !page;
	at = (size_t)snprintf(sentence, sizeof(sentence),
			      "%s in %s (root 0x%" PRIx64 "): ", walk->what, space,
			      trail->root);
	at += (size_t)print_end(walk, sentence + at, sizeof(sentence) - at);
	at += (size_t)print_comparison(walk, sentence + at, sizeof(sentence) - at);
	if (walk->refused)
		at += (size_t)print_flaw(walk, sentence + at, sizeof(sentence) - at);
	if (walk->own_regime)
		at += (size_t)print_own_regime(walk, sentence + at,
					       sizeof(sentence) - at);
	if (walk->to_say)
		snprintf(sentence + at, sizeof(sentence) - at, " (%s)", walk->to_say);
	report_row(report, row);
}

static enum exit_status status_of(const struct walk *walk)
{
	if (walk->space.looks_damaged)
		return EXIT_UNKNOWN;
	if (walk->refused)
		return EXIT_UNSEEN;
	if (!ws_end_is_known(walk->trail.end))
		return EXIT_UNKNOWN;
	return walk->trail.end == WS_END_PAGE ? EXIT_SEEN : EXIT_UNSEEN;
}

/* What init_mm maps is known not to be mapped here, or not as it is there. */
static bool is_lacking(const struct walk *walk)
{
	return walk->compared && walk->space.counts && !walk->space.looks_damaged &&
	       ws_end_is_known(walk->trail.end) && walk->there.end == WS_END_PAGE &&
	       (walk->trail.end != WS_END_PAGE || walk->trail.pa != walk->there.pa);
}

/* Where no root is for it, the walk has none: its own is meant. */
static void look(struct walk *walk, const struct ws_system *system, uint64_t va)
{
	struct ws_space process = walk->space;
	struct ws_eye eye;

	ws_space_eye(system, &walk->space, &eye);
	ws_eye_walk(ws_system_paging(system), &eye, va, &walk->trail);
	walk->format = walk->trail.format;
	if (va < walk->layout->kernel_first)
		walk->own_regime = ws_space_regime(system, &walk->space, va);
	if (ws_eye_window(&eye, va))
		return;
	walk->trail.root = walk->space.root;
	process.kind = WS_SPACE_PROCESS;
	ws_space_eye(system, &process, &eye);
	walk->untranslated = walk->own_regime || ws_eye_window(&eye, va);
}

enum exit_status run_walk(struct session *session)
{
	const struct ws_paging *paging = ws_system_paging(session->system);
	const struct ws_layout *layout = ws_system_layout(session->system);
	struct walk walk = { .format = paging->format,
			     .layout = layout,
			     .regime = ws_system_regime(session->system),
			     .to_say = session_regime(session) };
	struct report *report;
	enum exit_status status = session_space(session, &walk.space);
	uint64_t va;

	if (status == EXIT_SEEN)
		status =
			what_address(session, session->request->words[0], &va, walk.what);
	if (status != EXIT_SEEN)
		return status;
	look(&walk, session->system, va);
	walk.compared = va >= layout->kernel_first &&
			walk.space.root != layout->reference &&
			walk.space.kind != WS_SPACE_USER;
	if (walk.compared)
		ws_walk(paging, layout->reference, va, &walk.there);
	walk.refused =
		!walk.space.looks_damaged && ws_check(paging, &walk.trail, &walk.flaw);
	report = session_report(session);
	report_table(report, &summary, print_verdict, &walk);
	if (is_lacking(&walk) && session->request->format == REPORT_TEXT)
		status = consequence_print(session, report, &walk.space, 1);
	if (status != EXIT_SEEN)
		return status;
	report_table(report, &steps_table, print_steps,
		     &(struct steps){ walk.format, &walk.trail, layout });
	return session_answer(session, status_of(&walk));
}
