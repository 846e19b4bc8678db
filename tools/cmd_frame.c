/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of physical memory: what each is used for, and who maps it where. */
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frame_words.h"
#include "lines.h"
#include "place.h"
#include "report/words.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/number.h"
#include "what.h"

/* What they are used for is found out for so many frames at a time: 64 MB. */
#define CHUNK ((size_t)1 << 20)
/* Text lists what was asked for, as long as that is not all of memory. */
#define SHOWN ((size_t)4096)

struct framing {
	struct session *session;
	WS_VEC(struct what_range) ranges; /* sorted, none meets another */
	WS_VEC(struct ws_frame_run) runs; /* neighbours of one use */
	uint64_t nframes;
	uint64_t of_use[WS_FRAME_USES];
	uint64_t nnowhere, nabsent; /* where no memory is; not known, for it is absent */
	struct ws_frame_map *map;
	const struct ws_frame_conflict *conflicts;
	size_t nconflicts; /* of all memory */
	uint64_t nmappings;
	struct frame_names names;
	bool *is_shown; /* sets that a row has named */
	size_t nsets;
};

static void framing_release(struct framing *framing)
{
	ws_vec_release(&framing->ranges);
	ws_vec_release(&framing->runs);
	ws_frame_map_destroy(framing->map);
	free(framing->is_shown);
}

/* ---- the question ------------------------------------------------------------------- */

/* "21ba000", "2000000+0x10000"; a single address is its frame. */
static bool parse_pa(const char *word, struct what_range *range)
{
	const char *plus = strchr(word, '+');
	size_t digits = plus ? (size_t)(plus - word) : strlen(word);
	uint64_t length = 1;

	if (!ws_number_in(word, digits, WS_HEX, UINT64_MAX, &range->first) ||
	    (plus &&
	     (!ws_number(plus + 1, WS_DECIMAL_OR_HEX, UINT64_MAX, &length) || !length)))
		return false;
	range->last = range->first + (length - 1);
	return range->last >= range->first;
}

static enum exit_status add_range(void *arg, struct session *session, const char *word)
{
	struct framing *framing = arg;
	struct what_range range, *added;

	if ((!what_is_range(word, &range) && !parse_pa(word, &range)) ||
	    range.last < range.first)
		return session_usage(session, "PA, PA+LEN or FIRST-LAST; a PA is hex",
				     "'%s' is no physical memory", word);
	added = ws_vec_push(&framing->ranges);
	if (!added)
		return session_fail_memory();
	added->first = range.first & ~(uint64_t)(WS_FRAME_SIZE - 1);
	added->last = range.last | (WS_FRAME_SIZE - 1);
	return EXIT_SEEN;
}

static enum exit_status add_all(struct framing *framing)
{
	size_t n;
	const struct ws_extent *extents = ws_target_extents(framing->session->target, &n);

	for (size_t i = 0; i < n; i++) {
		struct what_range *added = ws_vec_push(&framing->ranges);

		if (!added)
			return session_fail_memory();
		added->first = extents[i].pa & ~(uint64_t)(WS_FRAME_SIZE - 1);
		added->last =
			(extents[i].pa + (extents[i].len - 1)) | (WS_FRAME_SIZE - 1);
	}
	return EXIT_SEEN;
}

static int by_first(const void *left, const void *right)
{
	const struct what_range *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static void merge_ranges(struct framing *framing)
{
	struct what_range *v = framing->ranges.v;
	size_t n = 0;

	if (framing->ranges.n)
		qsort(v, framing->ranges.n, sizeof(*v), by_first);
	for (size_t i = 0; i < framing->ranges.n; i++)
		if (n && v[i].first <= v[n - 1].last)
			v[n - 1].last =
				v[i].last > v[n - 1].last ? v[i].last : v[n - 1].last;
		else
			v[n++] = v[i];
	framing->ranges.n = n;
	for (size_t i = 0; i < n; i++)
		framing->nframes += (v[i].last - v[i].first) / WS_FRAME_SIZE + 1;
}

/* A range of nothing that a target can hold is a mistake, and would take long. */
#define FRAMES_MAX (UINT64_C(1) << 32)

static enum exit_status take_words(struct framing *framing)
{
	struct session *session = framing->session;
	const struct request *request = session->request;
	enum exit_status status = request->all ? add_all(framing) : EXIT_SEEN;

	for (size_t i = 0; status == EXIT_SEEN && i < request->nwords; i++)
		status = what_each(session, request->words[i], add_range, framing);
	if (status != EXIT_SEEN)
		return status;
	merge_ranges(framing);
	if (framing->nframes > FRAMES_MAX)
		return session_usage(session, NULL,
				     "%" PRIu64 " frames are more than memory can have",
				     framing->nframes);
	return EXIT_SEEN;
}

/* ---- uses --------------------------------------------------------------------------- */

static bool goes_on(const struct ws_frame_run *run, const struct ws_frame_run *frame)
{
	return run->last + 1 == frame->pa && run->use == frame->use &&
	       run->use != WS_FRAME_TABLE && run->space == frame->space &&
	       run->task == frame->task && run->name == frame->name &&
	       run->there == frame->there;
}

/* What it is used for is not known because the target lacks it. */
static bool is_not_known(const struct ws_frame_run *frame)
{
	return frame->use == WS_FRAME_UNKNOWN &&
	       (frame->there == WS_THERE_ABSENT || frame->there == WS_THERE_UNKNOWN);
}

static bool add_frames(struct framing *framing, const struct ws_frame_run *frames,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ws_frame_run *last =
			framing->runs.n ? &framing->runs.v[framing->runs.n - 1] : NULL;

		framing->of_use[frames[i].use]++;
		framing->nnowhere += frames[i].there == WS_THERE_NONE;
		framing->nabsent += is_not_known(&frames[i]);
		if (last && goes_on(last, &frames[i])) {
			last->last = frames[i].last;
			continue;
		}
		last = ws_vec_push(&framing->runs);
		if (!last)
			return false;
		*last = frames[i];
	}
	return true;
}

static enum exit_status flush(struct framing *framing, struct ws_frame_run *frames,
			      size_t *n)
{
	struct session *session = framing->session;
	enum ws_status status = ws_system_frame_uses(session->system, frames, *n);

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	if (!add_frames(framing, frames, *n))
		return session_fail_memory();
	*n = 0;
	return EXIT_SEEN;
}

static enum exit_status find_uses(struct framing *framing)
{
	size_t room = framing->nframes < CHUNK ? framing->nframes : CHUNK, n = 0;
	ws_autofree struct ws_frame_run *frames = calloc(room + 1, sizeof(*frames));
	enum exit_status status = EXIT_SEEN;

	if (!frames)
		return session_fail_memory();
	ws_vec_each(&framing->ranges, range)
		for (uint64_t pa = range->first; status == EXIT_SEEN;
		     pa += WS_FRAME_SIZE) {
			frames[n++].pa = pa;
			if (n == room)
				status = flush(framing, frames, &n);
			if (range->last - pa < WS_FRAME_SIZE)
				break;
		}
	return status == EXIT_SEEN && n ? flush(framing, frames, &n) : status;
}

/* ---- mappings ----------------------------------------------------------------------- */

static bool is_asked(const struct framing *framing,
		     const struct ws_frame_conflict *conflict)
{
	ws_vec_each(&framing->ranges, range)
		if (conflict->pa <= range->last && conflict->last >= range->first)
			return true;
	return false;
}

static bool count_mapping(void *arg, const struct ws_mapping *mapping)
{
	struct framing *framing = arg;

	framing->nmappings += 1 + mapping->more;
	return true;
}

static enum exit_status find_mappings(struct framing *framing)
{
	struct session *session = framing->session;
	enum ws_status status = ws_frame_map_create(session->system, &framing->map);
	size_t n;

	if (status == WS_OK)
		status = ws_frame_map_conflicts(framing->map, &framing->conflicts,
						&framing->nconflicts);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	while (ws_frame_map_set(framing->map, (uint32_t)framing->nsets, &n))
		framing->nsets++;
	framing->is_shown = calloc(framing->nsets + 1, sizeof(*framing->is_shown));
	if (!framing->is_shown)
		return session_fail_memory();
	ws_vec_each(&framing->ranges, range)
		ws_frame_map_each(framing->map, range->first, range->last, count_mapping,
				  framing);
	return EXIT_SEEN;
}

/* ---- who ---------------------------------------------------------------------------- */

#define WHO 512
#define NAMED 3u

struct who {
	const struct framing *framing;
	bool counting; /* only those that count are named */
	bool absent;   /* those that are not in the set are */
	size_t n;      /* named or not */
	char *words;
	size_t at;
};

static void name_space(struct who *who, uint32_t i)
{
	const struct ws_space *space = &who->framing->names.spaces[i];
	char words[WORDS];

	if (who->counting && !space->counts)
		return;
	if (who->n++ < NAMED && who->at < WHO)
		who->at += (size_t)snprintf(who->words + who->at, WHO - who->at, "%s%s",
					    who->n > 1 ? ", " : "",
					    space_words(space, words));
}

/* Each space in the set, or each that is not. */
static void name_spaces(struct who *who, const struct ws_space_span *spans, size_t n)
{
	uint32_t next = 0;

	for (size_t s = 0; s < n; s++) {
		for (uint32_t i = who->absent ? next : spans[s].first;
		     who->absent ? i < spans[s].first : i <= spans[s].last; i++)
			name_space(who, i);
		next = spans[s].last + 1;
	}
	for (; who->absent && next < who->framing->names.nspaces; next++)
		name_space(who, next);
}

/* "all 19 address spaces", "18 of 19, not 117 waiter", "1 init, 117 waiter and 5 more". */
static const char *who_maps(const struct framing *framing, uint32_t set,
			    char words[static WHO])
{
	size_t nspans;
	const struct ws_space_span *spans = ws_frame_map_set(framing->map, set, &nspans);
	char scratch[WHO] = "";
	struct who in = { .framing = framing, .counting = true, .words = words }, out = {
		.framing = framing, .counting = true, .absent = true, .words = scratch
	};

	words[0] = '\0';
	name_spaces(&in, spans, nspans);
	name_spaces(&out, spans, nspans);
	if (!in.n) { /* none that counts: all by name */
		in = (struct who){ .framing = framing, .words = words };
		name_spaces(&in, spans, nspans);
	} else if (!out.n && in.n > 1) {
		snprintf(words, WHO, "all %zu address spaces", in.n);
	} else if (out.n <= NAMED && in.n > NAMED) {
		snprintf(words, WHO, "%zu of %zu, not %.400s", in.n, in.n + out.n,
			 scratch);
	}
	if (in.n > NAMED && out.n > NAMED && in.at < WHO)
		snprintf(words + in.at, WHO - in.at, " and %zu more", in.n - NAMED);
	return words;
}

/* ---- rows --------------------------------------------------------------------------- */

static struct value number_if(bool known, uint64_t number)
{
	return (struct value){ .known = known, .number = number };
}

enum {
	F_PA,
	F_LAST,
	F_FRAMES,
	F_USE,
	F_PID,
	F_COMM,
	F_WHAT,
	F_THERE,
	F_PAGE,
	F_PAGE_USE,
	F_REFS,
	F_SAYS
};

static const struct column run_columns[] = {
	[F_PA] = { "pa", "PHYSICAL", COLUMN_ADDRESS, NULL },
	[F_LAST] = { "last", "LAST", COLUMN_ADDRESS, NULL, .optional = 1 },
	[F_FRAMES] = { "frames", "FRAMES", COLUMN_COUNT, NULL },
	[F_USE] = { "use", NULL, COLUMN_TEXT, NULL },
	[F_PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[F_COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[F_WHAT] = { "what", "WHAT IT IS", COLUMN_TEXT, NULL },
	[F_THERE] = { "memory", NULL, COLUMN_TEXT, NULL },
	[F_PAGE] = { "struct_page", NULL, COLUMN_ADDRESS, NULL },
	[F_PAGE_USE] = { "page_use", NULL, COLUMN_TEXT, NULL },
	[F_REFS] = { "references", NULL, COLUMN_COUNT, NULL },
	[F_SAYS] = { NULL, "STRUCT PAGE", COLUMN_TEXT, NULL },
};
static const struct table runs_table = { "frames", TABLE_COLUMNS(run_columns) };

/* Of a single frame; of many they differ. */
static void add_page(const struct framing *framing, const struct ws_frame_run *run,
		     struct value *row, char words[static WORDS])
{
	struct ws_page_state page;

	if (run->last - run->pa >= WS_FRAME_SIZE || framing->session->request->all ||
	    ws_system_page_state(framing->session->system, run->pa, &page) != WS_READ)
		return;
	row[F_PAGE] = value_number(page.va);
	row[F_PAGE_USE] = value_text(ws_frame_use_name((enum ws_frame_use)page.use));
	row[F_REFS] = value_number(page.refcount);
	snprintf(words, WORDS, "%s%s%s",
		 page.use == WS_FRAME_UNKNOWN ? ""
		 : page.use == WS_FRAME_USER
			 ? "anonymous"
			 : ws_frame_use_name((enum ws_frame_use)page.use),
		 page.use == WS_FRAME_UNKNOWN ? "" : ", ",
		 WS_COUNT_OF(page.refcount, "reference"));
	row[F_SAYS] = value_text(words);
}

static bool print_run(const struct framing *framing, const struct ws_frame_run *run,
		      struct report *report)
{
	char words[FRAME_WORDS], says[WORDS];
	struct value row[] = {
		[F_PA] = value_number(run->pa),
		[F_LAST] = value_number(run->last),
		[F_FRAMES] = value_number((run->last - run->pa) / WS_FRAME_SIZE + 1),
		[F_USE] = value_text(ws_frame_use_name((enum ws_frame_use)run->use)),
		[F_PID] = frame_pid(&framing->names, run),
		[F_COMM] = frame_comm(&framing->names, run),
		[F_WHAT] = value_text(frame_words(&framing->names, run, words)),
		[F_THERE] =
			value_text(ws_frame_there_name((enum ws_frame_there)run->there)),
		[F_SAYS] = { .known = false },
	};

	add_page(framing, run, row, says);
	return report_row(report, row);
}

static void print_runs_of(void *arg, struct report *report)
{
	const struct framing *framing = arg;

	ws_vec_each(&framing->runs, run)
		if (!print_run(framing, run, report))
			return;
}

enum { M_PA, M_LAST, M_VA, M_PAGE, M_ACCESS, M_REGION, M_SPACES, M_SET, M_WHO, M_MORE };

static const struct column mapping_columns[] = {
	[M_PA] = { "pa", "PHYSICAL", COLUMN_ADDRESS, "the first byte that is mapped" },
	[M_LAST] = { "last", NULL, COLUMN_ADDRESS, "the last one" },
	[M_VA] = { "address", "ADDRESS", COLUMN_ADDRESS,
		   "where that first byte is mapped" },
	[M_PAGE] = { "page", NULL, COLUMN_SIZE, "the size of the page" },
	[M_ACCESS] = { "access", "RIGHTS", COLUMN_TEXT,
		       "what the entries grant together" },
	[M_REGION] = { "region", "REGION", COLUMN_TEXT,
		       "direct map, vmalloc, user and so on", .optional = 1 },
	[M_SPACES] = { "spaces", NULL, COLUMN_COUNT, "how many spaces map it so" },
	[M_SET] = { "set", NULL, COLUMN_COUNT, "which: see the table of sets in JSON" },
	[M_WHO] = { "who", "WHO MAPS IT", COLUMN_TEXT, "these spaces in words" },
	[M_MORE] = { "more", NULL, COLUMN_COUNT,
		     "further mappings of the same memory that are not listed" },
};
const struct table frame_table = { "mappings", TABLE_COLUMNS(mapping_columns) };

/* Mappings of neighbouring memory are one row; several go on side by side. */
#define OPEN 8

struct printing {
	struct framing *framing;
	struct report *report;
	struct ws_mapping open[OPEN]; /* by pa */
	unsigned n;
	bool stopped;
};

static void print_mapping(struct printing *printing, const struct ws_mapping *mapping)
{
	struct framing *framing = printing->framing;
	char access[WORDS], who[WHO];
	struct place place;
	struct value row[] = {
		[M_PA] = value_number(mapping->pa),
		[M_LAST] = value_number(mapping->last),
		[M_VA] = value_number(mapping->va),
		[M_PAGE] = value_number(UINT64_C(1) << mapping->page_shift),
		[M_ACCESS] = value_text(access_words(mapping->access, access)),
		[M_SPACES] = value_number(mapping->nspaces),
		[M_SET] = value_number(mapping->set),
		[M_WHO] = value_text(who_maps(framing, mapping->set, who)),
		[M_MORE] = value_number(mapping->more),
	};

	place.at.region = NULL;
	if (ws_place_at(framing->session->system, mapping->va, &place.at) != WS_OK)
		ws_error_clear(framing->session->ctx);
	row[M_REGION] = value_text(place.at.region);
	framing->is_shown[mapping->set] = true;
	printing->stopped = !report_row(printing->report, row);
}

/* The first of those that are open. */
static void close_first(struct printing *printing)
{
	if (!printing->stopped)
		print_mapping(printing, &printing->open[0]);
	memmove(&printing->open[0], &printing->open[1],
		--printing->n * sizeof(*printing->open));
}

static bool is_next(const struct ws_mapping *open, const struct ws_mapping *mapping)
{
	return open->set == mapping->set && open->access == mapping->access &&
	       open->page_shift == mapping->page_shift && !open->more &&
	       open->last + 1 == mapping->pa &&
	       open->va + (mapping->pa - open->pa) == mapping->va;
}

static bool take_mapping(void *arg, const struct ws_mapping *mapping)
{
	struct printing *printing = arg;

	for (unsigned i = 0; i < printing->n; i++)
		if (is_next(&printing->open[i], mapping)) {
			printing->open[i].last = mapping->last;
			printing->open[i].more = mapping->more;
			return true;
		}
	if (printing->n == OPEN)
		close_first(printing);
	printing->open[printing->n++] = *mapping;
	return !printing->stopped;
}

static void print_mappings(void *arg, struct report *report)
{
	struct framing *framing = arg;
	struct printing printing = { .framing = framing, .report = report };

	ws_vec_each(&framing->ranges, range)
		if (!printing.stopped)
			ws_frame_map_each(framing->map, range->first, range->last,
					  take_mapping, &printing);
	while (printing.n)
		close_first(&printing);
}

enum { S_SET, S_PID, S_COMM, S_KIND, S_ROOT };

static const struct column set_columns[] = {
	[S_SET] = { "set", NULL, COLUMN_COUNT, NULL },
	[S_PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[S_COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[S_KIND] = { "kind", NULL, COLUMN_TEXT, NULL },
	[S_ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
};
static const struct table sets_table = { "sets", TABLE_COLUMNS(set_columns) };

static bool print_member(const struct ws_space *space, size_t set, struct report *report)
{
	struct value row[] = {
		[S_SET] = value_number(set),
		[S_PID] = number_if(space_has_pid(space), space->pid),
		[S_COMM] = value_text(space->comm),
		[S_KIND] =
			value_text(ws_space_kind_name((enum ws_space_kind)space->kind)),
		[S_ROOT] = value_number(space->root),
	};

	return report_row(report, row);
}

static void print_sets(void *arg, struct report *report)
{
	const struct framing *framing = arg;

	for (size_t set = 0; set < framing->nsets; set++) {
		size_t n;
		const struct ws_space_span *spans =
			ws_frame_map_set(framing->map, (uint32_t)set, &n);

		for (size_t s = 0; framing->is_shown[set] && s < n; s++)
			for (uint32_t i = spans[s].first; i <= spans[s].last; i++)
				if (!print_member(&framing->names.spaces[i], set, report))
					return;
	}
}

enum { U_USE, U_FRAMES };

static const struct column count_columns[] = {
	[U_USE] = { "use", "USE", COLUMN_TEXT, NULL },
	[U_FRAMES] = { "frames", "FRAMES", COLUMN_COUNT, NULL },
};
static const struct table counts_table = { "uses", TABLE_COLUMNS(count_columns) };

static void print_counts(void *arg, struct report *report)
{
	const struct framing *framing = arg;

	for (unsigned use = WS_FRAME_USES; use-- > 0;)
		if (framing->of_use[use])
			report_row(report, (struct value[]){
						   [U_USE] = value_text(ws_frame_use_name(
							   (enum ws_frame_use)use)),
						   [U_FRAMES] = value_number(
							   framing->of_use[use]),
					   });
}

/* ---- conflicts ---------------------------------------------------------------------- */

enum { C_RULE, C_PA, C_LAST, C_VA, C_ACCESS, C_PID, C_COMM, C_USE, C_TEXT };

static const struct column conflict_columns[] = {
	[C_RULE] = { "rule", "CONFLICT", COLUMN_TEXT, NULL },
	[C_PA] = { "pa", "PHYSICAL", COLUMN_ADDRESS, NULL },
	[C_LAST] = { "last", NULL, COLUMN_ADDRESS, NULL },
	[C_VA] = { "address", "ADDRESS", COLUMN_ADDRESS, NULL },
	[C_ACCESS] = { "access", NULL, COLUMN_TEXT, NULL },
	[C_PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[C_COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[C_USE] = { "use", NULL, COLUMN_TEXT, NULL },
	[C_TEXT] = { "text", "WHAT IS WRONG", COLUMN_TEXT, NULL },
};
static const struct table conflicts_table = { "conflicts",
					      TABLE_COLUMNS(conflict_columns) };

static bool print_conflict(const struct framing *framing,
			   const struct ws_frame_conflict *conflict,
			   struct report *report)
{
	const struct ws_space *space = conflict->space < framing->names.nspaces
					       ? &framing->names.spaces[conflict->space]
					       : NULL;
	char text[REPORT_CELL], owner[WORDS], access[WORDS];
	struct value row[] = {
		[C_RULE] = value_text(conflict->rule),
		[C_PA] = value_number(conflict->pa),
		[C_LAST] = value_number(conflict->last),
		[C_VA] = value_number(conflict->va),
		[C_ACCESS] = { .known = conflict->access,
			       .text = access_words(conflict->access, access) },
		[C_PID] =
			number_if(space && space_has_pid(space), space ? space->pid : 0),
		[C_COMM] = value_text(space ? space->comm : NULL),
		[C_USE] = value_text(ws_frame_use_name((enum ws_frame_use)conflict->use)),
		[C_TEXT] = value_alarm(value_text(text)),
	};

	snprintf(text, sizeof(text), "%s: %s", conflict->what,
		 space ? space_words(space, owner) : "no space that is known");
	return report_row(report, row);
}

static void print_conflicts(void *arg, struct report *report)
{
	const struct framing *framing = arg;

	for (size_t i = 0; i < framing->nconflicts; i++)
		if (is_asked(framing, &framing->conflicts[i]) &&
		    !print_conflict(framing, &framing->conflicts[i], report))
			return;
}

static size_t count_conflicts(const struct framing *framing)
{
	size_t n = 0;

	for (size_t i = 0; i < framing->nconflicts; i++)
		n += is_asked(framing, &framing->conflicts[i]);
	return n;
}

/* ---- the answer --------------------------------------------------------------------- */

enum { SENTENCE, FRAMES, MAPPINGS, CONFLICTS, ABSENT, NOWHERE, UNKNOWN };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[FRAMES] = { "frames", NULL, COLUMN_COUNT, NULL },
	[MAPPINGS] = { "mappings", NULL, COLUMN_COUNT, NULL },
	[CONFLICTS] = { "conflicts", NULL, COLUMN_COUNT, NULL },
	[ABSENT] = { "absent_tables", NULL, COLUMN_COUNT, NULL },
	[NOWHERE] = { "no_memory", NULL, COLUMN_COUNT, NULL },
	[UNKNOWN] = { "absent_frames", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static int print_missing(const struct framing *framing, char *text, size_t size)
{
	int at = 0;

	if (framing->nnowhere)
		at += snprintf(text, size, "; no memory of the machine is at %s",
			       WS_COUNT_OF(framing->nnowhere, "frame"));
	if (framing->nabsent)
		at += snprintf(text + at, size - (size_t)at,
			       "; %s %s not in the target: what %s used for is not known",
			       WS_COUNT_OF(framing->nabsent, "frame"),
			       framing->nabsent == 1 ? "is" : "are",
			       framing->nabsent == 1 ? "it is" : "they are");
	return at;
}

static void print_summary(void *arg, struct report *report)
{
	const struct framing *framing = arg;
	size_t conflicts = count_conflicts(framing);
	uint64_t pa, absent = ws_frame_map_lacks(framing->map, &pa);
	char sentence[REPORT_CELL];
	int at = snprintf(sentence, sizeof(sentence), "%s, %s",
			  WS_COUNT_OF(framing->nframes, "frame"),
			  WS_COUNT_OF(framing->nmappings, "mapping"));
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[FRAMES] = value_number(framing->nframes),
		[MAPPINGS] = value_number(framing->nmappings),
		[CONFLICTS] = value_number(conflicts),
		[ABSENT] = value_number(absent),
		[NOWHERE] = value_number(framing->nnowhere),
		[UNKNOWN] = value_number(framing->nabsent),
	};

	row[SENTENCE].alarm = conflicts || framing->nnowhere;
	at += snprintf(sentence + at, sizeof(sentence) - (size_t)at, "; %s",
		       conflicts ? WS_COUNT_OF(conflicts, "conflict")
				 : "nothing that is known of them conflicts");
	at += print_missing(framing, sentence + at, sizeof(sentence) - (size_t)at);
	if (absent)
		snprintf(sentence + at, sizeof(sentence) - (size_t)at,
			 "; %s not in the target, the first at 0x%" PRIx64
			 ": what they map is not known",
			 absent == 1 ? "1 page table is" : "some page tables are", pa);
	report_row(report, row);
}

static void print_answer(struct framing *framing, struct report *report)
{
	const struct request *request = framing->session->request;
	bool text = request->format == REPORT_TEXT;
	bool all =
		!text || request->columns || (!request->all && framing->nframes <= SHOWN);

	report_table(report, &summary, print_summary, framing);
	if (request->format != REPORT_CSV) {
		if (all)
			report_table(report, &runs_table, print_runs_of, framing);
		else
			report_table(report, &counts_table, print_counts, framing);
		if (!text || count_conflicts(framing))
			report_table(report, &conflicts_table, print_conflicts, framing);
	}
	if (all)
		report_table(report, &frame_table, print_mappings, framing);
	if (!text && request->format != REPORT_CSV)
		report_table(report, &sets_table, print_sets, framing);
}

static enum exit_status status_of(const struct framing *framing)
{
	uint64_t pa;

	if (count_conflicts(framing) || framing->nnowhere)
		return EXIT_UNSEEN;
	return framing->nabsent || ws_frame_map_lacks(framing->map, &pa) ||
			       !ws_frame_map_is_whole(framing->map)
		       ? EXIT_UNKNOWN
		       : EXIT_SEEN;
}

enum exit_status run_frame(struct session *session)
{
	ws_cleanup(framing_release) struct framing framing = {
		.session = session, .names = frame_names_of(session->system)
	};
	enum exit_status status = take_words(&framing);

	if (status == EXIT_SEEN)
		status = find_uses(&framing);
	if (status == EXIT_SEEN)
		status = find_mappings(&framing);
	if (status != EXIT_SEEN)
		return status;
	if (!ws_frame_map_is_whole(framing.map))
		snprintf(session->note, sizeof(session->note),
			 "there are more page tables, or mappings, than can be listed");
	print_answer(&framing, session_report(session));
	return session_answer(session, status_of(&framing));
}
