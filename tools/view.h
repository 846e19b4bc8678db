/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `watch --top` shows, as lines of text: what was seen, what keys do to it, and which
 * lines that makes on a screen of some size. It knows of no terminal.
 *
 * The lines are printable ASCII, whatever a target has for names.
 */
#ifndef WHOSEES_VIEW_H
#define WHOSEES_VIEW_H

#include "relay.h"

/* Less is not drawn on, and more is not made use of. */
enum { VIEW_LEAST_WIDTH = 40, VIEW_LEAST_HEIGHT = 10 };
enum { VIEW_MOST_WIDTH = 1000, VIEW_MOST_HEIGHT = 500 };

enum { VIEW_LINES = 1000 }; /* of changes that are kept */

/* Beside printable characters. */
enum view_key {
	VIEW_UP = 0x100,
	VIEW_DOWN,
	VIEW_PAGE_UP,
	VIEW_PAGE_DOWN,
	VIEW_HOME,
	VIEW_END,
	VIEW_ENTER,
	VIEW_BACK,
};

/* What a key asks of the watch. */
enum view_action {
	VIEW_NOTHING,
	VIEW_QUIT,
	VIEW_PAUSE,
	VIEW_LOOK,
	VIEW_INTERVAL, /* view.interval is another */
};

enum view_style {
	VIEW_PLAIN,
	VIEW_BAR, /* a title */
	VIEW_ALARM,
	VIEW_DOUBT,
	VIEW_GOOD,
};

struct view_row {
	enum view_style style;
	bool at_cursor;
	char text[VIEW_MOST_WIDTH + 1];
};

enum view_page { VIEW_TABLE, VIEW_SPACE, VIEW_CHANGES, VIEW_NOTES, VIEW_HELP };

enum view_order { VIEW_BY_VERDICT, VIEW_BY_FINDINGS, VIEW_BY_PID, VIEW_BY_NAME };

struct view_line {
	time_t when;
	enum view_style style;
	char *text; /* clean */
};

struct view {
	const char *target;
	uint64_t interval; /* seconds from look to look */
	struct relay_state state;
	uint64_t nlooks; /* that succeeded */
	bool is_lost;
	time_t lost_since;
	struct snapshot now;
	WS_VEC(struct view_line) lines; /* the oldest first */
	enum view_page page;
	enum view_order order;
	bool findings_only;
	WS_VEC(uint32_t) listed; /* indices of spaces, as they are listed */
	size_t cursor, top; /* in listed: the space that keys are for, the first row */
	bool follows; /* the cursor its space; or it stays at the first row, the worst */
	struct snapshot_space chosen; /* who the cursor is on; its strings are none */
	size_t nrows, page_top;       /* of the last drawing */
};

void view_begin(struct view *view, const char *target, uint64_t interval);
void view_release(struct view *view);

/* Takes both over. False: memory is short. */
bool view_take_snapshot(struct view *view, struct snapshot *snapshot);
bool view_take_lines(struct view *view, relay_lines *lines);
/* A line that somebody wrote to standard error. False: memory is short. */
bool view_take_words(struct view *view, const char *words, time_t when);

/* Lists the spaces anew, in another order or others. False: memory is short. */
bool view_list(struct view *view);
/* Puts the cursor on that row. */
void view_choose(struct view *view, size_t at);
/* The space that it was put on; NULL: it is there no more. */
const struct snapshot_space *view_chosen(const struct view *view);

/* view_keys.c */
enum view_action view_press(struct view *view, int key);

/* view_draw.c: row[0 .. height), each filled. False: memory is short. */
bool view_draw(struct view *view, size_t width, size_t height, struct view_row *row);

/* view_page.c: the text of a page, lines of width; to be freed. NULL: memory is short. */
char *view_page_text(const struct view *view, size_t width);
const char *view_page_title(const struct view *view);

/* "23:37:22", or the day where that is not today's. Returns words. */
#define VIEW_TIME 16
const char *view_time(time_t when, time_t now, char words[static VIEW_TIME]);

#endif
