/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view_keys.h"

/* Seconds, from which + and - choose the next. */
static const uint64_t intervals[] = {
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600
};
#define INTERVALS (sizeof(intervals) / sizeof(*intervals))

static enum view_action open_page(struct view *view, enum view_page page)
{
	view->page = page;
	view->page_top = 0;
	return VIEW_NOTHING;
}

/* Of a page q is the way back. */
static enum view_action go_back(struct view *view)
{
	return view->page == VIEW_TABLE ? VIEW_QUIT : open_page(view, VIEW_TABLE);
}

static enum view_action leave_page(struct view *view)
{
	return open_page(view, VIEW_TABLE);
}

static enum view_action open_or_leave(struct view *view)
{
	if (view->page != VIEW_TABLE)
		return leave_page(view);
	view_choose(view, view->cursor);
	return view->listed.n ? open_page(view, VIEW_SPACE) : VIEW_NOTHING;
}

static enum view_action pause_or_go_on(struct view *view)
{
	(void)view;
	return VIEW_PAUSE;
}

static enum view_action look(struct view *view)
{
	(void)view;
	return VIEW_LOOK;
}

/* What memory is short for stays as it is; the next look says so. */
static enum view_action sort(struct view *view)
{
	view->order = view->order == VIEW_BY_NAME ? VIEW_BY_VERDICT : view->order + 1;
	view_list(view);
	return VIEW_NOTHING;
}

static enum view_action filter(struct view *view)
{
	view->findings_only = !view->findings_only;
	view_list(view);
	return VIEW_NOTHING;
}

static enum view_action show_changes(struct view *view)
{
	return open_page(view, VIEW_CHANGES);
}

static enum view_action show_notes(struct view *view)
{
	return open_page(view, VIEW_NOTES);
}

static enum view_action show_help(struct view *view)
{
	return open_page(view, VIEW_HELP);
}

static enum view_action longer(struct view *view)
{
	for (size_t i = 0; i < INTERVALS; i++)
		if (intervals[i] > view->interval) {
			view->interval = intervals[i];
			return VIEW_INTERVAL;
		}
	return VIEW_NOTHING;
}

static enum view_action shorter(struct view *view)
{
	for (size_t i = INTERVALS; i-- > 0;)
		if (intervals[i] < view->interval) {
			view->interval = intervals[i];
			return VIEW_INTERVAL;
		}
	return VIEW_NOTHING;
}

/* Down by so many lines, or up: where that is too far, drawing a page puts it right. */
static enum view_action move(struct view *view, size_t n, bool down)
{
	size_t at = view->page == VIEW_TABLE ? view->cursor : view->page_top;
	size_t last = view->listed.n ? view->listed.n - 1 : 0;

	if (down)
		at = at + n < at ? SIZE_MAX : at + n;
	else
		at = at > n ? at - n : 0;
	if (view->page == VIEW_TABLE)
		view_choose(view, at < last ? at : last);
	else
		view->page_top = at;
	return VIEW_NOTHING;
}

static enum view_action go_up(struct view *view)
{
	return move(view, 1, false);
}

static enum view_action go_down(struct view *view)
{
	return move(view, 1, true);
}

static enum view_action page_up(struct view *view)
{
	return move(view, view->nrows, false);
}

static enum view_action page_down(struct view *view)
{
	return move(view, view->nrows, true);
}

static enum view_action go_to_first(struct view *view)
{
	return move(view, SIZE_MAX, false);
}

static enum view_action go_to_last(struct view *view)
{
	return move(view, SIZE_MAX, true);
}

/* clang-format off */
const struct view_command view_commands[] = {
	{ "Enter", "findings", "what is wrong with the space at the cursor, what it means, and what to do",
	  VIEW_ENTER, 0, open_or_leave },
	{ "?", "help", "this page", '?', 'h', show_help },
	{ "q", "quit", "end the watch; on a page: go back", 'q', 0, go_back },
	{ "p", "pause", "do not look any more, or go on", 'p', 0, pause_or_go_on },
	{ "Space", "look", "look now", ' ', 0, look },
	{ "s", "sort", "sort by verdict, by number of findings, by pid or by name", 's', 0, sort },
	{ "f", "filter", "list the spaces with findings alone, or all", 'f', 0, filter },
	{ "c", "changes", "all changes, the newest first", 'c', 0, show_changes },
	{ "n", "notes", "what the answers do not rest on", 'n', 0, show_notes },
	{ "+", NULL, "a longer interval", '+', '=', longer },
	{ "-", NULL, "a shorter interval", '-', '_', shorter },
	{ "Up, k", NULL, "one line up", VIEW_UP, 'k', go_up },
	{ "Down, j", NULL, "one line down", VIEW_DOWN, 'j', go_down },
	{ "PgUp", NULL, "one screen up", VIEW_PAGE_UP, 'b', page_up },
	{ "PgDn", NULL, "one screen down", VIEW_PAGE_DOWN, 0, page_down },
	{ "Home, g", NULL, "to the first line", VIEW_HOME, 'g', go_to_first },
	{ "End, G", NULL, "to the last line", VIEW_END, 'G', go_to_last },
	{ "Esc", NULL, "leave a page", VIEW_BACK, 0, leave_page },
	{ .name = NULL },
};
/* clang-format on */

enum view_action view_press(struct view *view, int key)
{
	for (const struct view_command *c = view_commands; c->name; c++)
		if (key && (key == c->key || key == c->other))
			return c->run(view);
	return VIEW_NOTHING;
}
