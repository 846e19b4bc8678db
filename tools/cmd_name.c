/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies at an address: symbol, module, region, and the frame that is mapped there. */
#include "session.h"

#include <stdlib.h>

#include "frame_words.h"
#include "pid_list.h"
#include "place.h"
#include "report/words.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/sorted.h"
#include "what.h"

enum {
	WHAT,
	VA,
	NAME,
	SYMBOL,
	OFFSET,
	MODULE,
	REGION,
	END,
	PA,
	PAGE,
	ACCESS,
	USE,
	PID,
	COMM,
	FRAME,
	SHOWN
};

static const struct column columns[] = {
	[WHAT] = { "what", NULL, COLUMN_TEXT, "as it was asked for" },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "the address" },
	[NAME] = { "name", "NAME", COLUMN_TEXT,
		   "the symbol at it or next below it, with its module and how far "
		   "behind it the address is" },
	[SYMBOL] = { "symbol", NULL, COLUMN_TEXT, "that symbol alone" },
	[OFFSET] = { "offset", NULL, COLUMN_COUNT, "from it to the address" },
	[MODULE] = { "module", NULL, COLUMN_TEXT, "that has memory there" },
	[REGION] = { "region", "REGION", COLUMN_TEXT,
		     "direct map, vmalloc, modules, user and so on", .optional = 2 },
	[END] = { "end", NULL, COLUMN_TEXT, "page, or why none is mapped" },
	[PA] = { "pa", "PHYSICAL", COLUMN_ADDRESS, "what is mapped there" },
	[PAGE] = { "page", NULL, COLUMN_SIZE, "the size of the page" },
	[ACCESS] = { "access", "RIGHTS", COLUMN_TEXT, "what the entries grant together",
		     .optional = 1 },
	[USE] = { "use", NULL, COLUMN_TEXT,
		  "of the frame: page table, kernel stack, kernel image, module, user "
		  "page, slab, free, page cache, unknown" },
	[PID] = { "pid", NULL, COLUMN_COUNT, "of the process that it is used for" },
	[COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[FRAME] = { "frame", NULL, COLUMN_TEXT, "the use in words" },
	[SHOWN] = { NULL, "THE FRAME IS", COLUMN_TEXT, NULL },
};
const struct table names_table = { "names", TABLE_COLUMNS(columns) };

enum { SENTENCE, SPACE, ROOT, ADDRESSES, MAPPED, UNKNOWN };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[SPACE] = { "space", NULL, COLUMN_TEXT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[ADDRESSES] = { "addresses", NULL, COLUMN_COUNT, NULL },
	[MAPPED] = { "mapped", NULL, COLUMN_COUNT, NULL },
	[UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

/* Where one address leads. */
struct look {
	uint64_t pa;
	const struct ws_format *format;
	uint8_t end, level, page_shift, access;
};

struct naming {
	struct session *session;
	struct ws_space space;
	struct whats whats;
	struct look *looks;          /* one an address */
	struct ws_frame_run *frames; /* of those that are mapped, by pa */
	size_t nmapped, nunknown;
	struct frame_names names;
};

static void naming_release(struct naming *naming)
{
	whats_release(&naming->whats);
	free(naming->looks);
	free(naming->frames);
}

/* ---- looking ------------------------------------------------------------------------ */

static void look(struct naming *naming, const struct ws_eye *eye, size_t i)
{
	struct ws_trail trail;
	struct look *to = &naming->looks[i];

	ws_eye_walk(ws_system_paging(naming->session->system), eye,
		    naming->whats.address.v[i], &trail);
	*to = (struct look){ .pa = trail.pa,
			     .format = trail.format,
			     .end = trail.end,
			     .level = trail.nsteps ? trail.nsteps - 1 : 0,
			     .page_shift = trail.page_shift,
			     .access = trail.access };
	if (trail.end == WS_END_PAGE)
		naming->frames[naming->nmapped++].pa = trail.pa;
	naming->nunknown += !ws_end_is_known(trail.end);
}

static enum exit_status look_at_all(struct naming *naming)
{
	struct session *session = naming->session;
	size_t n = naming->whats.address.n;
	enum ws_status status;
	struct ws_eye eye;

	naming->looks = calloc(n + 1, sizeof(*naming->looks));
	naming->frames = calloc(n + 1, sizeof(*naming->frames));
	if (!naming->looks || !naming->frames)
		return session_fail_memory();
	ws_space_eye(session->system, &naming->space, &eye);
	for (size_t i = 0; i < n; i++)
		look(naming, &eye, i);
	status = ws_system_frame_uses(session->system, naming->frames, naming->nmapped);
	return status == WS_OK ? EXIT_SEEN : session_fail(session, status, NULL);
}

/* ---- printing ----------------------------------------------------------------------- */

static const struct ws_frame_run *frame_at(const struct naming *naming, uint64_t pa)
{
	return &naming->frames[ws_lower_bound(naming->frames, naming->nmapped, at,
					      at->last < pa)];
}

/* The module alone stands for a symbol where none is known. */
static struct value name_of(const struct place *place, uint64_t va,
			    char words[static PLACE_SYMBOL])
{
	if (place->has_symbol)
		return value_text(place_symbol(place, va, words));
	if (!place->at.module)
		return (struct value){ .known = false };
	snprintf(words, PLACE_SYMBOL, "module %s", place->at.module->name);
	return value_text(words);
}

static void add_frame(const struct naming *naming, const struct look *look,
		      struct value *row, char words[static FRAME_WORDS],
		      char access[static WORDS])
{
	const struct ws_frame_run *frame = frame_at(naming, look->pa);

	row[PA] = value_number(look->pa);
	row[PAGE] = value_number(UINT64_C(1) << look->page_shift);
	row[ACCESS] = value_text(access_words(look->access, access));
	row[USE] = value_text(ws_frame_use_name(frame->use));
	row[PID] = frame_pid(&naming->names, frame);
	row[COMM] = frame_comm(&naming->names, frame);
	row[FRAME] = value_text(frame_words(&naming->names, frame, words));
	row[SHOWN] = row[FRAME];
}

static bool print_name(const struct naming *naming, const char *what, size_t i,
		       struct report *report)
{
	char symbol[PLACE_SYMBOL], end[WORDS], access[WORDS], words[FRAME_WORDS];
	uint64_t va = naming->whats.address.v[i];
	const struct look *look = &naming->looks[i];
	struct place place;
	struct value row[] = {
		[WHAT] = value_text(what),
		[VA] = value_number(va),
		[END] = value_text(end_words(look->format, look->end, look->level, end)),
		[SHOWN] = { .known = false },
	};

	place_find(naming->session, va, &place);
	row[NAME] = name_of(&place, va, symbol);
	if (place.has_symbol) {
		row[SYMBOL] = value_text(place.symbol.name);
		row[OFFSET] = value_number(va - place.symbol.va);
	}
	row[REGION] = value_text(place.at.region);
	row[MODULE] = value_text(place.at.module ? place.at.module->name : NULL);
	row[SHOWN] = value_alarm(row[END]);
	if (look->end == WS_END_PAGE)
		add_frame(naming, look, row, words, access);
	return report_row(report, row);
}

static void print_names(void *arg, struct report *report)
{
	const struct naming *naming = arg;

	ws_vec_each(&naming->whats.what, what)
		for (size_t i = 0; i < what->n; i++)
			if (!print_name(naming, what->label, what->first + i, report))
				return;
}

static void print_summary(void *arg, struct report *report)
{
	const struct naming *naming = arg;
	size_t n = naming->whats.address.n;
	char sentence[REPORT_CELL], space[WORDS];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[SPACE] = value_text(space_words(&naming->space, space)),
		[ROOT] = value_number(naming->space.root),
		[ADDRESSES] = value_number(n),
		[MAPPED] = value_number(naming->nmapped),
		[UNKNOWN] = value_number(naming->nunknown),
	};
	int at;

	row[SENTENCE].alarm = naming->nmapped < n;
	at = snprintf(sentence, sizeof(sentence), "%s in %s (root 0x%jx), %zu mapped",
		      WS_COUNT_OF(n, "address"), space, naming->space.root,
		      naming->nmapped);
	if (naming->nunknown)
		snprintf(sentence + at, sizeof(sentence) - (size_t)at,
			 "; %zu unknown: page tables are not in the target",
			 naming->nunknown);
	report_row(report, row);
}

static enum exit_status status_of(const struct naming *naming)
{
	if (naming->nmapped + naming->nunknown < naming->whats.address.n)
		return EXIT_UNSEEN;
	return naming->nunknown ? EXIT_UNKNOWN : EXIT_SEEN;
}

static enum exit_status answer(struct naming *naming)
{
	struct report *report = session_report(naming->session);

	report_table(report, &summary, print_summary, naming);
	report_table(report, &names_table, print_names, naming);
	return session_answer(naming->session, status_of(naming));
}

enum exit_status run_name(struct session *session)
{
	ws_cleanup(naming_release) struct naming naming = {
		.session = session, .names = frame_names_of(session->system)
	};
	const struct request *request = session->request;
	enum exit_status status = session_space(session, &naming.space);

	for (size_t i = 0; status == EXIT_SEEN && i < request->nwords; i++)
		status = whats_add(&naming.whats, session, request->words[i]);
	if (status == EXIT_SEEN)
		status = look_at_all(&naming);
	return status == EXIT_SEEN ? answer(&naming) : status;
}
