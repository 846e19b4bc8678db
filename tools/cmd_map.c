/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <inttypes.h>

#include "report/words.h"

enum { FIRST, LAST, SIZE, PAGE, ACCESS };

static const struct column columns[] = {
	[FIRST] = { "first", "FIRST", COLUMN_ADDRESS, "the range's first byte" },
	[LAST] = { "last", "LAST", COLUMN_ADDRESS, "its last byte" },
	[SIZE] = { "size", "SIZE", COLUMN_SIZE, "its length in bytes" },
	[PAGE] = { "page", "PAGE", COLUMN_SIZE, "the size of its pages" },
	[ACCESS] = { "access", "ACCESS", COLUMN_TEXT,
		     "what it may be used for, and by whom; or which table is not in the "
		     "target, so that what it maps is unknown" },
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

struct map {
	const struct ws_paging *paging;
	struct ws_space space;
	uint64_t ranges, mapped, unknown;
	struct report *report;
};

static bool count(void *arg, const struct ws_run *run)
{
	struct map *map = arg;

	if (run->end == WS_END_PAGE) {
		map->ranges++;
		map->mapped += run->last - run->va + 1;
	} else {
		map->unknown += run->last - run->va + 1;
	}
	return true;
}

static bool tell_range(void *arg, const struct ws_run *run)
{
	struct map *map = arg;
	bool page = run->end == WS_END_PAGE;
	char access[WORDS];
	struct value row[] = {
		[FIRST] = value_number(run->va),
		[LAST] = value_number(run->last),
		[SIZE] = value_number(run->last - run->va + 1),
		[PAGE] = { .known = page, .number = UINT64_C(1) << run->page_shift },
		[ACCESS] = value_text(page ? access_words(run->access, access)
					   : end_words(map->paging->format, run->end,
						       run->level, access)),
	};

	row[ACCESS].alarm = !page;
	return report_row(map->report, row);
}

static enum ws_status each_range(struct map *map, ws_run_fn *fn)
{
	return ws_range(map->paging, map->space.root, 0, UINT64_MAX, WS_RANGE_UNKNOWN, 0,
			fn, map);
}

static void tell_summary(void *arg, struct report *report)
{
	const struct map *map = arg;
	char sentence[REPORT_CELL] = "", mapped[REPORT_CELL], space[WORDS];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[ROOT] = value_number(map->space.root),
		[RANGES] = value_number(map->ranges),
		[MAPPED] = value_number(map->mapped),
		[UNKNOWN] = value_number(map->unknown),
	};
	size_t at;

	at = (size_t)snprintf(sentence, sizeof(sentence),
			      "%s (root 0x%" PRIx64 ") maps %.32s in %" PRIu64 " range%s",
			      space_words(&map->space, space), map->space.root,
			      report_size(map->mapped, mapped), map->ranges,
			      map->ranges == 1 ? "" : "s");
	if (map->unknown)
		snprintf(sentence + at, sizeof(sentence) - at,
			 "; what %.32s of addresses map is unknown",
			 report_size(map->unknown, mapped));
	row[SENTENCE].alarm = map->unknown;
	report_row(report, row);
}

static void tell_ranges(void *arg, struct report *report)
{
	struct map *map = arg;

	map->report = report;
	(void)!each_range(map, tell_range); /* counting has gone all the way before */
}

enum exit_status run_map(struct session *session)
{
	struct map map = { .paging = ws_system_paging(session->system) };
	struct report *report;
	enum exit_status status = session_space(session, &map.space);

	if (status != EXIT_SEEN)
		return status;
	if (each_range(&map, count) != WS_OK)
		return session_fail(
			session, WS_ERR_LIMIT,
			"this space has more page tables than memory can hold");
	report = session_report(session);
	report_table(report, &summary, tell_summary, &map);
	report_table(report, &map_table, tell_ranges, &map);
	return session_answer(session, map.unknown ? EXIT_UNKNOWN : EXIT_SEEN);
}
