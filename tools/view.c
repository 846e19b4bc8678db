/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

void view_begin(struct view *view, const char *target, uint64_t interval)
{
	*view = (struct view){ .target = target,
			       .interval = interval,
			       .state = { .looking = true, .interval = interval } };
}

void view_release(struct view *view)
{
	snapshot_release(&view->now);
	ws_vec_each(&view->lines, line)
		free(line->text);
	ws_vec_release(&view->lines);
	ws_vec_release(&view->listed);
}

const char *view_time(time_t when, time_t now, char words[static VIEW_TIME])
{
	struct tm day, today;

	*words = '\0';
	if (!gmtime_r(&when, &day) || !gmtime_r(&now, &today))
		return words;
	strftime(words, VIEW_TIME,
		 day.tm_yday == today.tm_yday && day.tm_year == today.tm_year
			 ? "%H:%M:%S"
			 : "%Y-%m-%d",
		 &day);
	return words;
}

/* ---- which spaces, in which order ---------------------------------------------------- */

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Whatever comes first, the worst is before the better, and who is alike by pid. */
static int compare_spaces(const struct snapshot_space *a, const struct snapshot_space *b,
			  enum view_order order)
{
	int name = order == VIEW_BY_NAME ? strcmp(a->name, b->name) : 0;
	int pid = snapshot_space_compare(a, b);
	int verdict = by_number(b->verdict, a->verdict);
	int findings = by_number(b->nkinds, a->nkinds);

	if (order == VIEW_BY_PID)
		return pid;
	if (order == VIEW_BY_FINDINGS && findings)
		return findings;
	return name ? name : verdict ? verdict : findings ? findings : pid;
}

static int by_order(const void *left, const void *right, void *arg)
{
	const struct view *view = arg;

	return compare_spaces(&view->now.spaces.v[*(const uint32_t *)left],
			      &view->now.spaces.v[*(const uint32_t *)right], view->order);
}

static bool is_listed(const struct view *view, const struct snapshot_space *space)
{
	return !view->findings_only || space->verdict != WS_COHERENT || space->nkinds;
}

/*
 * The cursor stays with its space, or else where it is; at the first row it stays there: what
 * becomes worst is not to come above the screen.
 */
static void put_cursor(struct view *view)
{
	for (size_t i = 0; view->follows && i < view->listed.n; i++)
		if (snapshot_space_compare(&view->now.spaces.v[view->listed.v[i]],
					   &view->chosen) == 0)
			view->cursor = i;
	if (view->cursor >= view->listed.n)
		view->cursor = view->listed.n ? view->listed.n - 1 : 0;
}

bool view_list(struct view *view)
{
	view->listed.n = 0;
	for (uint32_t i = 0; i < view->now.spaces.n; i++) {
		uint32_t *at = is_listed(view, &view->now.spaces.v[i])
				       ? ws_vec_push(&view->listed)
				       : NULL;

		if (at)
			*at = i;
		else if (is_listed(view, &view->now.spaces.v[i]))
			return false;
	}
	if (view->listed.n)
		qsort_r(view->listed.v, view->listed.n, sizeof(*view->listed.v), by_order,
			view);
	put_cursor(view);
	return true;
}

void view_choose(struct view *view, size_t at)
{
	const struct snapshot_space *space;

	view->cursor = at;
	view->follows = at > 0;
	if (at >= view->listed.n)
		return;
	space = &view->now.spaces.v[view->listed.v[at]];
	view->chosen = (struct snapshot_space){ .has_pid = space->has_pid,
						.pid = space->pid,
						.root = space->root };
}

const struct snapshot_space *view_chosen(const struct view *view)
{
	ws_vec_each(&view->now.spaces, space)
		if (snapshot_space_compare(space, &view->chosen) == 0)
			return space;
	return NULL;
}

/* ---- what is seen -------------------------------------------------------------------- */

bool view_take_snapshot(struct view *view, struct snapshot *snapshot)
{
	bool kept = !view->nlooks || snapshot_keep_since(snapshot, &view->now);

	snapshot_release(&view->now);
	view->now = *snapshot;
	*snapshot = (struct snapshot){ 0 };
	view->nlooks++;
	kept = view_list(view) && kept;
	return kept;
}

/* Beyond so many the oldest go, a tenth of them at once. */
static void forget(struct view *view)
{
	size_t n = VIEW_LINES / 10;

	if (view->lines.n < VIEW_LINES)
		return;
	for (size_t i = 0; i < n; i++)
		free(view->lines.v[i].text);
	view->lines.n -= n;
	memmove(view->lines.v, view->lines.v + n, view->lines.n * sizeof(*view->lines.v));
}

static enum view_style style_of(const struct relay_line *line)
{
	switch (line->kind) {
	case CHANGE_LOST:
		return VIEW_ALARM;
	case CHANGE_IMPROVED:
	case CHANGE_GONE:
	case CHANGE_BACK:
		return VIEW_GOOD;
	default:
		return line->alarm ? VIEW_ALARM : VIEW_PLAIN;
	}
}

/* It is clean already: a backslash is two, and stays so. */
static bool take_line(struct view *view, struct relay_line *line)
{
	struct view_line *to;

	forget(view);
	to = ws_vec_push(&view->lines);
	if (!to)
		return false;
	*to = (struct view_line){ line->when, style_of(line), line->text };
	line->text = NULL;
	return true;
}

static void note_loss(struct view *view, const struct relay_line *line)
{
	if (line->kind == CHANGE_LOST)
		view->lost_since = line->when;
	if (line->kind == CHANGE_LOST || line->kind == CHANGE_BACK)
		view->is_lost = line->kind == CHANGE_LOST;
}

/* They are shown the newest first: so those of one look, the worst first, are turned round. */
bool view_take_lines(struct view *view, relay_lines *lines)
{
	bool taken = true;
	size_t end;

	ws_vec_each(lines, line)
		note_loss(view, line);
	for (size_t i = 0; i < lines->n; i = end) {
		for (end = i; end < lines->n && lines->v[end].when == lines->v[i].when;)
			end++;
		for (size_t l = end; l-- > i;)
			taken = take_line(view, &lines->v[l]) && taken;
	}
	relay_lines_release(lines);
	return taken;
}

/* What is said at once is read from its first line down. */
static void put_in_order(struct view *view)
{
	size_t at = view->lines.n - 1;
	struct view_line *line = view->lines.v, last = line[at];

	while (at && line[at - 1].style == VIEW_DOUBT && line[at - 1].when == last.when)
		at--;
	memmove(&line[at + 1], &line[at], (view->lines.n - 1 - at) * sizeof(*line));
	line[at] = last;
}

bool view_take_words(struct view *view, const char *words, time_t when)
{
	char clean[REPORT_CELL];
	struct view_line *line;

	forget(view);
	line = ws_vec_push(&view->lines);
	if (!line)
		return false;
	report_clean(clean, sizeof(clean), words);
	*line = (struct view_line){ when, VIEW_DOUBT, strdup(clean) };
	if (!line->text) {
		view->lines.n--;
		return false;
	}
	put_in_order(view);
	return true;
}
