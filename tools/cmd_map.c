/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one space maps: neighbouring pages with the same size, rights, region and module are
 * one range, wherever in physical memory they lie.
 */
#include "session.h"

#include <inttypes.h>
#include <string.h>

#include "pid_list.h"
#include "report/words.h"
#include "util/bits.h"
#include "util/count.h"
#include "util/reference.h"
#include "what.h"

enum { FIRST, LAST, SIZE, PHYSICAL, PAGE, ACCESS, REGION, MODULE };

static const struct column columns[] = {
	[FIRST] = { "first", "FIRST", COLUMN_ADDRESS, "the range's first byte" },
	[LAST] = { "last", "LAST", COLUMN_ADDRESS, "its last byte" },
	[SIZE] = { "size", "SIZE", COLUMN_SIZE, "its length in bytes", .optional = 2 },
	[PHYSICAL] = { "pa", "PHYSICAL", COLUMN_ADDRESS,
		       "where its first byte is in physical memory; nothing where its pages "
		       "are not contiguous there",
		       .optional = 1 },
	[PAGE] = { "page", "PAGE", COLUMN_SIZE, "the size of its pages", .optional = 3 },
	[ACCESS] = { "access", "ACCESS", COLUMN_TEXT,
		     "the rights that every level of the walk grants, and to whom; or which "
		     "table is not in the target, so that what it maps is unknown" },
	[REGION] = { "region", NULL, COLUMN_TEXT,
		     "the part of the kernel's address space; user below it" },
	[MODULE] = { "module", "MODULE", COLUMN_TEXT, "the module whose memory it is" },
};
const struct table map_table = { "ranges", TABLE_COLUMNS(columns) };

enum { SENTENCE, ROOT, RANGES, MAPPED, UNKNOWN };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[RANGES] = { "ranges", NULL, COLUMN_COUNT, NULL },
	[MAPPED] = { "mapped", NULL, COLUMN_SIZE, NULL },
	[UNKNOWN] = { "unknown", NULL, COLUMN_SIZE, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

/* A range of which one line is printed. */
struct map_range {
	struct ws_run run; /* pa is of va */
	bool scattered;    /* in physical memory */
	struct ws_place place;
};

struct map {
	struct ws_system *system;
	const struct ws_paging *paging;
	struct ws_space space;
	struct what_range range[WS_MODULE_REGIONS];
	size_t nranges;        /* 0: everything */
	unsigned perm;         /* bits of rights[]: only what grants all of these */
	bool only_perm;        /* perm was given; what is unknown is still counted */
	enum ws_status status; /* why a range was not looked at to its end */
	bool has_piece;
	struct map_range piece; /* the one that may go on */
	uint64_t ranges, mapped, unknown;
	const char *own_regime; /* in which its own root maps what is left out */
	uint64_t reference;     /* what init_mm maps there, where that is more; else 0 */
	struct report *report;  /* NULL: count only */
	const char *heading;    /* the region that was printed last */
	bool folds;             /* what maps the same memory again and again is counted */
	struct map_range row;   /* the last that was printed, or counted */
	uint64_t again;         /* rows before it that are alike */
};

/* ---- ranges ----------------------------------------------------------------------- */

/* So many of those that are alike have a row of their own, as in other tables. */
#define ALIKE_ROWS 3

/* espfix maps one page of stacks 65,536 times. */
static bool is_alias(const struct map_range *a, const struct map_range *b)
{
	return a->run.end == WS_END_PAGE && b->run.end == WS_END_PAGE && !a->scattered &&
	       !b->scattered && a->run.pa == b->run.pa &&
	       a->run.last - a->run.va == b->run.last - b->run.va &&
	       a->run.access == b->run.access && a->run.page_shift == b->run.page_shift &&
	       a->place.module == b->place.module &&
	       !strcmp(a->place.region, b->place.region);
}

static void print_aliases(struct map *map)
{
	char words[2 * WORDS];

	if (map->again < ALIKE_ROWS)
		return;
	snprintf(words, sizeof(words), "the same memory in %s, up to 0x%" PRIx64,
		 WS_COUNT_OF(map->again - (ALIKE_ROWS - 1), "more range"),
		 map->row.run.last);
	report_heading(map->report, words);
}

/* Whether its row is left to print_aliases(). */
static bool is_folded(struct map *map, const struct map_range *piece)
{
	if (map->folds && map->heading && is_alias(&map->row, piece)) {
		map->again++;
	} else {
		print_aliases(map);
		map->again = 0;
	}
	map->row = *piece;
	return map->again >= ALIKE_ROWS;
}

static bool print_piece(struct map *map, const struct map_range *piece)
{
	const struct ws_run *run = &piece->run;
	bool page = run->end == WS_END_PAGE;
	char access[WORDS];
	struct value row[] = {
		[FIRST] = value_number(run->va),
		[LAST] = value_number(run->last),
		[SIZE] = value_number(run->last - run->va + 1),
		[PHYSICAL] = { .known = page && !piece->scattered, .number = run->pa },
		[PAGE] = { .known = page, .number = UINT64_C(1) << run->page_shift },
		[ACCESS] = value_text(page ? access_words(run->access, access)
					   : end_words(map->paging->format, run->end,
						       run->level, access)),
		[REGION] = value_text(piece->place.region),
		[MODULE] = value_text(piece->place.module ? piece->place.module->name
							  : NULL),
	};

	if (is_folded(map, piece))
		return true;
	row[ACCESS].alarm = !page;
	if (!map->heading || strcmp(map->heading, piece->place.region))
		report_heading(map->report, piece->place.region);
	map->heading = piece->place.region;
	return report_row(map->report, row);
}

static const struct {
	char letter;
	uint8_t access; /* to the kernel or to user mode */
} rights[] = {
	{ 'r', WS_KERNEL_READ | WS_USER_READ },
	{ 'w', WS_ACCESS_WRITE },
	{ 'x', WS_ACCESS_EXECUTE },
	{ 'u', WS_USER_ALL },
};

#define EXECUTE (1u << 2) /* rights[]'s x */

static bool grants(uint8_t access, unsigned perm)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(rights); i++)
		if (perm & 1u << i && !(access & rights[i].access))
			return false;
	return true;
}

static bool is_asked(const struct map *map, const struct ws_run *run)
{
	return run->end != WS_END_PAGE || grants(run->access, map->perm);
}

/* Counts it, or prints it. */
static bool end_piece(struct map *map)
{
	const struct ws_run *run = &map->piece.run;
	uint64_t size = run->last - run->va + 1;

	if (!map->has_piece)
		return true;
	map->has_piece = false;
	if (map->report)
		return print_piece(map, &map->piece);
	map->ranges += run->end == WS_END_PAGE;
	*(run->end == WS_END_PAGE ? &map->mapped : &map->unknown) += size;
	return true;
}

static bool goes_on(const struct map_range *piece, const struct map_range *next)
{
	const struct ws_run *a = &piece->run, *b = &next->run;

	return a->last + 1 == b->va && a->end == b->end && a->access == b->access &&
	       a->page_shift == b->page_shift && a->level == b->level &&
	       piece->place.module == next->place.module &&
	       !strcmp(piece->place.region, next->place.region);
}

static bool add_piece(struct map *map, const struct map_range *next)
{
	struct map_range *piece = &map->piece;

	if (map->has_piece && goes_on(piece, next)) {
		piece->scattered |=
			next->run.pa - piece->run.pa != next->run.va - piece->run.va;
		piece->run.last = next->run.last;
		return true;
	}
	if (!end_piece(map))
		return false;
	*piece = *next;
	map->has_piece = true;
	return true;
}

/* A physically contiguous run, cut where region or module change. */
static bool take_run(void *arg, const struct ws_run *run)
{
	struct map *map = arg;

	if (!is_asked(map, run))
		return true;
	for (uint64_t va = run->va, end; va <= run->last; va = end + 1) {
		struct map_range next = { .run = *run };

		map->status = ws_place_at(map->system, va, &next.place);
		if (map->status != WS_OK)
			return false;
		end = next.place.last < run->last ? next.place.last : run->last;
		next.run.va = va;
		next.run.last = end;
		next.run.pa = run->pa + (va - run->va);
		if (!add_piece(map, &next))
			return false;
		if (end == UINT64_MAX)
			break;
	}
	return true;
}

/* map->status says why it failed, where that was not for too many tables. */
static enum ws_status each_piece(struct map *map)
{
	static const struct what_range all = { 0, UINT64_MAX };
	const struct what_range *range = map->nranges ? map->range : &all;
	size_t n = map->nranges ? map->nranges : 1;
	enum ws_status status = WS_OK;
	struct ws_eye eye;

	ws_space_eye(map->system, &map->space, &eye);
	for (size_t i = 0; i < n && status == WS_OK && map->status == WS_OK; i++)
		status = ws_eye_range(map->paging, &eye, range[i].first, range[i].last,
				      WS_RANGE_PHYSICAL | WS_RANGE_UNKNOWN, 0, take_run,
				      map);
	(void)!end_piece(map);
	return status;
}

/* ---- the answer ------------------------------------------------------------------- */

static void print_sentence(const struct map *map, char *sentence, size_t size)
{
	const struct ws_layout *layout = ws_system_layout(map->system);
	char mapped[REPORT_CELL], space[WORDS];
	size_t at;

	at = (size_t)snprintf(sentence, size,
			      "%s (root 0x%" PRIx64 ") maps %.32s%s in %s",
			      space_words(&map->space, space), map->space.root,
			      report_size(map->mapped, mapped),
			      map->only_perm ? " with these rights" : "",
			      WS_COUNT_OF(map->ranges, "range"));
	if (map->nranges)
		at += (size_t)snprintf(
			sentence + at, size - at, " from 0x%" PRIx64 " to 0x%" PRIx64,
			map->range[0].first, map->range[map->nranges - 1].last);
	if (map->unknown)
		at += (size_t)snprintf(sentence + at, size - at,
				       "; what %.32s of addresses map is unknown",
				       report_size(map->unknown, mapped));
	if (map->reference)
		at += (size_t)snprintf(
			sentence + at, size - at, "; but %s %s %.32s there",
			ws_reference_words(layout), layout->consensus ? "map" : "maps",
			report_size(map->reference, mapped));
	if (map->own_regime)
		at += (size_t)snprintf(
			sentence + at, size - at,
			"; user memory is left out, which its own root maps in another "
			"regime (--regime %s shows it)",
			map->own_regime);
	if (map->only_perm && map->perm & EXECUTE &&
	    !ws_format_withholds(map->paging->format, WS_KERNEL_EXECUTE))
		snprintf(sentence + at, size - at,
			 "; %s has no NX: all that is mapped can be executed",
			 ws_format_name(map->paging->format));
}

static void print_summary(void *arg, struct report *report)
{
	const struct map *map = arg;
	char sentence[REPORT_CELL] = "", space[WORDS], damaged[WORDS];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[ROOT] = value_number(map->space.root),
		[RANGES] = value_number(map->ranges),
		[MAPPED] = value_number(map->mapped),
		[UNKNOWN] = value_number(map->unknown),
	};

	if (map->space.looks_damaged)
		snprintf(sentence, sizeof(sentence),
			 "what %s (root 0x%" PRIx64 ") maps is not known: %s",
			 space_words(&map->space, space), map->space.root,
			 damaged_words(map->paging->format, &map->space, damaged));
	else
		print_sentence(map, sentence, sizeof(sentence));
	row[SENTENCE].alarm = map->unknown || map->reference || map->space.looks_damaged;
	report_row(report, row);
}

static void print_ranges(void *arg, struct report *report)
{
	struct map *map = arg;

	map->report = report;
	map->heading = NULL; /* text does this more than once */
	map->again = 0;
	(void)!each_piece(map); /* counting has gone all the way before */
	print_aliases(map);
}

/* ---- what is asked ---------------------------------------------------------------- */

static enum exit_status parse_perm(struct session *session, struct map *map)
{
	const char *perm = session->request->perm;

	if (!perm)
		return EXIT_SEEN;
	map->only_perm = true;
	for (const char *p = perm; *p; p++) {
		size_t i = 0;

		while (i < WS_ARRAY_SIZE(rights) && rights[i].letter != *p)
			i++;
		if (i == WS_ARRAY_SIZE(rights))
			return session_usage(
				session, "r: read, w: write, x: execute, u: user mode",
				"--perm: '%s' is not made of the letters r, w, "
				"x and u",
				perm);
		map->perm |= 1u << i;
	}
	return EXIT_SEEN;
}

static enum exit_status parse_question(struct session *session, struct map *map)
{
	const struct request *request = session->request;
	enum exit_status status = parse_perm(session, map);

	if (status != EXIT_SEEN || !request->nwords)
		return status;
	return what_ranges(session, request->words[0],
			   request->nwords > 1 ? request->words[1] : NULL, map->range,
			   &map->nranges);
}

/* A hole is bad where init_mm has none. */
static enum ws_status compare(struct map *map)
{
	const struct ws_layout *layout = ws_system_layout(map->system);
	struct map there = *map;
	enum ws_status status;

	if (!map->nranges || map->range[0].first < layout->kernel_first ||
	    map->space.root == layout->reference || map->space.kind == WS_SPACE_USER ||
	    map->unknown)
		return WS_OK;
	there.space.root = layout->reference;
	there.ranges = there.mapped = 0;
	status = each_piece(&there);
	map->status = there.status;
	if (there.mapped > map->mapped)
		map->reference = there.mapped;
	return status;
}

/* What a range leaves out nobody has asked for. */
static void find_own_regime(struct map *map)
{
	const struct ws_layout *layout = ws_system_layout(map->system);
	uint64_t first = map->nranges ? map->range[0].first : 0;

	if (first < layout->kernel_first && map->space.kind != WS_SPACE_INIT)
		map->own_regime = ws_space_regime(map->system, &map->space, first);
}

enum exit_status run_map(struct session *session)
{
	struct map map = { .system = session->system,
			   .paging = ws_system_paging(session->system) };
	struct report *report;
	enum exit_status status = session_space(session, &map.space);
	enum ws_status walked = WS_OK;

	if (status == EXIT_SEEN)
		status = parse_question(session, &map);
	if (status != EXIT_SEEN)
		return status;
	find_own_regime(&map);
	if (!map.space.looks_damaged) {
		walked = each_piece(&map);
		if (walked == WS_OK && map.status == WS_OK)
			walked = compare(&map);
	}
	if (map.status != WS_OK)
		return session_fail(session, map.status, NULL);
	if (walked != WS_OK)
		return session_fail(
			session, WS_ERR_LIMIT,
			"this space has more page tables than memory can hold");
	report = session_report(session);
	map.folds = session->request->format == REPORT_TEXT && !session->request->columns;
	report_table(report, &summary, print_summary, &map);
	if (!map.space.looks_damaged)
		report_table(report, &map_table, print_ranges, &map);
	return session_answer(session, map.unknown || map.space.looks_damaged
					       ? EXIT_UNKNOWN
					       : EXIT_SEEN);
}
