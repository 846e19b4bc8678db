/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <inttypes.h>

#include "report/words.h"
#include "steps.h"
#include "what.h"

enum { SENTENCE, SPACE, ROOT, VA, END, PA, PAGE, ACCESS, FLAW, RESERVED };

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
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct walk {
	const struct ws_format *format;
	char what[WHAT_LABEL];
	struct ws_space space;
	struct ws_trail trail;
	bool refused; /* by the processor, for flaw */
	struct ws_flaw flaw;
};

static int print_end(const struct walk *walk, char *text, size_t size)
{
	const struct ws_trail *trail = &walk->trail;
	unsigned level = trail->nsteps ? trail->nsteps - 1 : 0;
	char words[WORDS], page[REPORT_CELL];

	if (trail->end != WS_END_PAGE)
		return snprintf(text, size, "%s",
				end_words(walk->format, trail->end, level, words));
	return snprintf(text, size, "physical 0x%" PRIx64 " in a %s page, %s", trail->pa,
			report_size(UINT64_C(1) << trail->page_shift, page),
			access_words(trail->access, words));
}

static void print_flaw(const struct walk *walk, char *text, size_t size)
{
	snprintf(
		text, size,
		"; but the processor refuses the %s: reserved bits 0x%" PRIx64 " are set",
		ws_level_entry_name(walk->format, walk->flaw.level), walk->flaw.reserved);
}

static void tell_verdict(void *arg, struct report *report)
{
	const struct walk *walk = arg;
	const struct ws_trail *trail = &walk->trail;
	bool page = trail->end == WS_END_PAGE;
	unsigned level = trail->nsteps ? trail->nsteps - 1 : 0;
	char sentence[REPORT_CELL] = "", space[WORDS], end[WORDS], access[WORDS];
	size_t at;
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[SPACE] = value_text(space_words(&walk->space, space)),
		[ROOT] = value_number(trail->root),
		[VA] = value_number(trail->va),
		[END] = value_text(end_words(walk->format, trail->end, level, end)),
		[PA] = { .known = page, .number = trail->pa },
		[PAGE] = { .known = page, .number = UINT64_C(1) << trail->page_shift },
		[ACCESS] = { .known = page, .text = access_words(trail->access, access) },
		[FLAW] = { .known = walk->refused },
		[RESERVED] = { .known = walk->refused, .number = walk->flaw.reserved },
	};

	if (walk->refused)
		row[FLAW].text = ws_level_entry_name(walk->format, walk->flaw.level);
	row[SENTENCE].alarm = walk->refused || !page;
	at = (size_t)snprintf(sentence, sizeof(sentence),
			      "%s in %s, root 0x%" PRIx64 ": ", walk->what, space,
			      trail->root);
	at += (size_t)print_end(walk, sentence + at, sizeof(sentence) - at);
	if (walk->refused)
		print_flaw(walk, sentence + at, sizeof(sentence) - at);
	report_row(report, row);
}

static enum exit_status status_of(const struct walk *walk)
{
	if (walk->refused)
		return EXIT_UNSEEN;
	if (!ws_end_is_known(walk->trail.end))
		return EXIT_UNKNOWN;
	return walk->trail.end == WS_END_PAGE ? EXIT_SEEN : EXIT_UNSEEN;
}

enum exit_status run_walk(struct session *session)
{
	const struct ws_paging *paging = ws_system_paging(session->system);
	struct walk walk = { .format = paging->format };
	struct report *report;
	enum exit_status status = session_space(session, &walk.space);
	uint64_t va;

	if (status == EXIT_SEEN)
		status =
			what_address(session, session->request->words[0], &va, walk.what);
	if (status != EXIT_SEEN)
		return status;
	ws_walk(paging, walk.space.root, va, &walk.trail);
	walk.refused = ws_check(paging, &walk.trail, &walk.flaw);
	report = session_report(session);
	report_table(report, &summary, tell_verdict, &walk);
	report_table(report, &steps_table, tell_steps,
		     &(struct steps){ paging->format, &walk.trail });
	return session_answer(session, status_of(&walk));
}
