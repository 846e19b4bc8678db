/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which line of the view stands where on a screen of some size. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "report/wrap.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"
#include "view_keys.h"

struct drawing {
	struct view_row *row; /* the next */
	size_t left, width;   /* so many of that width */
};

/* What does not fit is cut, and a + says so. */
static void cut(char *text, size_t width)
{
	if (strlen(text) <= width)
		return;
	text[width] = '\0';
	if (width)
		text[width - 1] = '+';
}

static struct view_row *put_text(struct drawing *drawing, enum view_style style,
				 const char *text)
{
	static struct view_row beyond;
	struct view_row *row = drawing->left ? drawing->row : &beyond;

	row->style = style;
	row->at_cursor = false;
	snprintf(row->text, sizeof(row->text), "%.*s", (int)sizeof(row->text) - 1, text);
	if (strlen(text) > drawing->width)
		cut(row->text, drawing->width);
	drawing->row += drawing->left > 0;
	drawing->left -= drawing->left > 0;
	return row;
}

/* Whatever is printed may be a target's own. */
static struct view_row *__attribute__((format(printf, 3, 4)))
put(struct drawing *drawing, enum view_style style, const char *fmt, ...)
{
	char clean[REPORT_CELL], text[REPORT_CELL];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_clean(clean, sizeof(clean), text);
	return put_text(drawing, style, clean);
}

static void fill(struct drawing *drawing, size_t left)
{
	while (drawing->left > left)
		put_text(drawing, VIEW_PLAIN, "");
}

/* Up to n lines of that width; a + where there are more. */
static void put_wrapped(struct drawing *drawing, enum view_style style, size_t n,
			const char *text)
{
	char clean[REPORT_CELL], line[VIEW_MOST_WIDTH + 1];
	const char *at = clean;

	report_clean(clean, sizeof(clean), text);
	for (; n > 1 && strlen(at) > drawing->width; n--) {
		size_t fits = wrap_fit(at, drawing->width);

		snprintf(line, sizeof(line), "%.*s", (int)fits, at);
		put_text(drawing, style, line);
		at = wrap_rest(at, fits);
	}
	put_text(drawing, style, at);
}

/* ---- the head ------------------------------------------------------------------------ */

#define STATE 96

static const char *state_words(const struct view *view, char words[static STATE])
{
	const struct relay_state *state = &view->state;
	double left = state->left > 0 ? state->left : 0;

	if (state->looking && *state->doing)
		snprintf(words, STATE, "%s: %d %%", state->doing,
			 (int)(state->done * 100));
	else if (state->looking)
		snprintf(words, STATE, "looking");
	else if (state->paused)
		snprintf(words, STATE, "paused");
	else
		snprintf(words, STATE, "next look in %.0f s", left);
	return words;
}

/* The target and its kernel on the left, and on the right what is being done. */
static void draw_title(const struct view *view, struct drawing *drawing)
{
	char state[STATE], clean[STATE * 4], left[REPORT_CELL], line[2 * REPORT_CELL];
	ws_autofree char *text = NULL;
	size_t room;

	report_clean(clean, sizeof(clean), state_words(view, state));
	cut(clean, drawing->width / 2);
	room = drawing->width - strlen(clean) - 1;
	text = ws_text_of("whosees %s%s%s", view->target,
			  *view->now.release ? "  Linux " : "", view->now.release);
	report_clean(left, sizeof(left), text ? text : view->target);
	cut(left, room);
	snprintf(line, sizeof(line), "%-*s %s", (int)room, left, clean);
	put_text(drawing, VIEW_BAR, line);
}

static void draw_looks(const struct view *view, struct drawing *drawing)
{
	const struct snapshot *now = &view->now;
	char when[CHANGE_TIME], lost[CHANGE_TIME];

	if (!view->nlooks) {
		put(drawing, VIEW_PLAIN, "the first look goes on");
		return;
	}
	change_time(now->when, when);
	if (view->is_lost)
		put(drawing, VIEW_ALARM, "LOST since %s; this is of %s",
		    change_time(view->lost_since, lost), when);
	else
		put(drawing, VIEW_PLAIN,
		    "look %" PRIu64 " at %s took %.2f s, every %" PRIu64 " s; %s",
		    view->nlooks, when, now->seconds, view->interval,
		    WS_COUNT_OF(now->notes.n, "note"));
}

static enum view_style style_of(enum ws_verdict verdict)
{
	switch (verdict_class(verdict)) {
	case VERDICT_CRASH:
	case VERDICT_LEAK:
	case VERDICT_WRONG:
		return VIEW_ALARM;
	case VERDICT_UNKNOWN:
		return VIEW_DOUBT;
	default:
		return VIEW_PLAIN;
	}
}

static enum view_style style_of_all(const struct snapshot *now)
{
	for (unsigned v = DIGEST_VERDICTS; v-- > 0;)
		if (now->nverdict[v] && style_of(v) != VIEW_PLAIN)
			return style_of(v);
	return VIEW_PLAIN;
}

static const char *const orders[] = {
	[VIEW_BY_VERDICT] = "verdict",
	[VIEW_BY_FINDINGS] = "findings",
	[VIEW_BY_PID] = "pid",
	[VIEW_BY_NAME] = "name",
};

/* "19 spaces: 1 nests, 18 coherent; 3 findings", the worst first, and which are listed how. */
static void draw_counts(const struct view *view, struct drawing *drawing)
{
	const struct snapshot *now = &view->now;
	const char *between = ": ";
	size_t nfindings = 0;
	char text[512];
	int at = snprintf(text, sizeof(text), "%s", WS_COUNT_OF(now->spaces.n, "space"));

	for (unsigned v = DIGEST_VERDICTS; v-- > 0;) {
		if (!now->nverdict[v])
			continue;
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s %s", between,
			       WS_COUNT(now->nverdict[v]), ws_verdict_name(v));
		between = ", ";
	}
	for (unsigned s = 0; s < DIGEST_SEVERITIES; s++)
		nfindings += now->nseverity[s];
	put(drawing, VIEW_PLAIN, "%s; %s; by %s%s", text,
	    WS_COUNT_OF(nfindings, "finding"), orders[view->order],
	    view->findings_only ? ", with findings only" : "");
}

static void draw_head(const struct view *view, struct drawing *drawing)
{
	size_t height = drawing->left;

	draw_title(view, drawing);
	draw_looks(view, drawing);
	if (!view->nlooks)
		return;
	put_wrapped(drawing, style_of_all(&view->now),
		    height < 16   ? 1
		    : height < 30 ? 2
				  : 4,
		    view->now.sentence);
	draw_counts(view, drawing);
}

/* ---- the table ----------------------------------------------------------------------- */

#define CELL (2 * WORDS)

static void print_pid(const struct view *view, const struct snapshot_space *space,
		      char cell[static CELL])
{
	(void)view;
	if (space->has_pid)
		snprintf(cell, CELL, "%u", space->pid);
	else
		snprintf(cell, CELL, "-");
}

static void print_name(const struct view *view, const struct snapshot_space *space,
		       char cell[static CELL])
{
	(void)view;
	report_clean(cell, CELL, space->name);
}

static void print_verdict(const struct view *view, const struct snapshot_space *space,
			  char cell[static CELL])
{
	(void)view;
	snprintf(cell, CELL, "%s", ws_verdict_name(space->verdict));
}

static void print_findings(const struct view *view, const struct snapshot_space *space,
			   char cell[static CELL])
{
	(void)view;
	snprintf(cell, CELL, "%zu", space->nkinds);
}

static void print_since(const struct view *view, const struct snapshot_space *space,
			char cell[static CELL])
{
	char words[VIEW_TIME];

	snprintf(cell, CELL, "%s",
		 space->since ? view_time(space->since, view->now.when, words) : "start");
}

static void print_worst(const struct view *view, const struct snapshot_space *space,
			char cell[static CELL])
{
	(void)view;
	report_clean(cell, CELL, space->worst);
}

/* Narrow screens have those that are worth most; the last one has the rest of a line. */
static const struct {
	const char *title;
	int width;    /* negative: on the left */
	size_t least; /* a screen's width */
	void (*print)(const struct view *view, const struct snapshot_space *space,
		      char cell[static CELL]);
} columns[] = {
	{ "PID", 7, 0, print_pid },           { "NAME", -15, 0, print_name },
	{ "VERDICT", -13, 0, print_verdict }, { "FINDINGS", 8, 48, print_findings },
	{ "SINCE", -10, 60, print_since },    { "AT WORST", 0, 70, print_worst },
};

/* One line: the titles, or what they are of a space. */
static struct view_row *draw_line(const struct view *view, struct drawing *drawing,
				  enum view_style style,
				  const struct snapshot_space *space)
{
	char line[REPORT_CELL], cell[CELL];
	size_t at = 0;

	for (size_t c = 0; c < WS_ARRAY_SIZE(columns); c++) {
		if (drawing->width < columns[c].least)
			continue;
		if (space)
			columns[c].print(view, space, cell);
		else
			snprintf(cell, sizeof(cell), "%s", columns[c].title);
		if (columns[c].width < 0)
			cut(cell, (size_t)-columns[c].width);
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%*s",
				       at ? " " : "", columns[c].width, cell);
	}
	return put_text(drawing, style, line);
}

/* So that the cursor is seen, and no more is scrolled than that takes. */
static void scroll(struct view *view, size_t n)
{
	if (view->top > view->cursor)
		view->top = view->cursor;
	if (view->cursor >= view->top + n)
		view->top = view->cursor - n + 1;
	if (view->top + n > view->listed.n)
		view->top = view->listed.n > n ? view->listed.n - n : 0;
}

static void draw_table(struct view *view, struct drawing *drawing, size_t n)
{
	size_t left = drawing->left - n;

	scroll(view, n);
	view->nrows = n;
	for (size_t i = view->top; i < view->listed.n && drawing->left > left; i++) {
		const struct snapshot_space *space =
			&view->now.spaces.v[view->listed.v[i]];

		draw_line(view, drawing, style_of(space->verdict), space)->at_cursor =
			i == view->cursor;
	}
	if (view->nlooks && !view->listed.n)
		put(drawing, VIEW_PLAIN, "no space has findings (f lists all)");
	fill(drawing, left);
}

/* ---- what changed, and keys ------------------------------------------------------------ */

/* The newest first: what there is no room for is the oldest. */
static void draw_changes(const struct view *view, struct drawing *drawing, size_t n)
{
	size_t left = drawing->left - n;
	char words[VIEW_TIME], text[REPORT_CELL];

	for (size_t i = view->lines.n; i-- > 0 && drawing->left > left;) {
		const struct view_line *line = &view->lines.v[i];

		snprintf(text, sizeof(text), "%s  %s",
			 view_time(line->when, view->now.when, words), line->text);
		put_text(drawing, line->style, text);
	}
	if (!view->lines.n)
		put(drawing, VIEW_PLAIN, "nothing yet");
	fill(drawing, left);
}

/* Whole words of it. */
static void draw_keys(struct drawing *drawing)
{
	char text[512] = "";
	size_t at = 0;

	for (const struct view_command *c = view_commands; c->name; c++) {
		int n = c->label ? snprintf(NULL, 0, "  %s %s", c->name, c->label) : 0;

		if (!n || at + (size_t)n > drawing->width)
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s",
				       at ? "  " : "", c->name, c->label);
	}
	put_text(drawing, VIEW_BAR, text);
}

static void draw_all(struct view *view, struct drawing *drawing)
{
	size_t changes, rows;

	draw_head(view, drawing);
	draw_line(view, drawing, VIEW_BAR, NULL);
	/* below the table: a title, changes, keys */
	changes = drawing->left / 4 > 1 ? drawing->left / 4 - 1 : 1;
	rows = drawing->left - changes - 2;
	draw_table(view, drawing, rows);
	put(drawing, VIEW_BAR, "CHANGES");
	draw_changes(view, drawing, changes);
	draw_keys(drawing);
}

/* ---- pages ------------------------------------------------------------------------------ */

/* Where that line of text begins; its end, where there are fewer. */
static const char *line_at(const char *text, size_t n)
{
	for (; n && *text; n--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void put_lines(struct drawing *drawing, const char *text)
{
	char line[VIEW_MOST_WIDTH + 2];

	while (*text && drawing->left > 1) {
		size_t n = strcspn(text, "\n");

		if (n >= sizeof(line))
			n = sizeof(line) - 1;
		memcpy(line, text, n);
		line[n] = '\0';
		put_text(drawing, VIEW_PLAIN, line);
		text = line_at(text, 1);
	}
}

static bool draw_page(struct view *view, struct drawing *drawing)
{
	ws_autofree char *text = view_page_text(view, drawing->width);
	size_t n, nlines, last;

	if (!text)
		return false;
	nlines = count_lines(text);
	draw_title(view, drawing);
	put(drawing, VIEW_BAR, "%s", view_page_title(view));
	n = view->nrows = drawing->left - 1;
	last = nlines > n ? nlines - n : 0;
	if (view->page_top > last)
		view->page_top = last;
	put_lines(drawing, line_at(text, view->page_top));
	fill(drawing, 1);
	put(drawing, VIEW_BAR, "q back  Up, Down, PgUp, PgDn  %zu-%zu of %zu",
	    nlines ? view->page_top + 1 : 0,
	    view->page_top < last ? view->page_top + n : nlines, nlines);
	return true;
}

static void draw_too_small(struct drawing *drawing)
{
	put_wrapped(drawing, VIEW_PLAIN, drawing->left, "40x10 is needed");
	fill(drawing, 0);
}

bool view_draw(struct view *view, size_t width, size_t height, struct view_row *row)
{
	struct drawing drawing = { row, height, width };

	if (width < VIEW_LEAST_WIDTH || height < VIEW_LEAST_HEIGHT)
		draw_too_small(&drawing);
	else if (view->page != VIEW_TABLE)
		return draw_page(view, &drawing);
	else
		draw_all(view, &drawing);
	return true;
}
