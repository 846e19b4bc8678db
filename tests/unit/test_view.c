/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `watch --top` shows, without a terminal: looks that are made here, keys, and the
 * lines that come of them.
 */
#include "../../tools/view.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "util/bits.h"

#define FIRST ((time_t)1800000000) /* 2027-01-15T08:00:00Z */
#define WIDTH 100
#define HEIGHT 24

static const struct ws_rule rules[] = {
	{ .id = "rule-a", .name = "first rule", .meaning = "MEANING-A", .fix = "FIX-A" },
	{ .id = "rule-b", .name = "second rule", .meaning = "MEANING-B", .fix = "FIX-B" },
};

static struct view_row screen[VIEW_MOST_HEIGHT];
static size_t drawn; /* rows of it */

/* ---- looks that are made ---------------------------------------------------------------- */

static struct snapshot look_at(time_t when)
{
	struct snapshot look = { .when = when,
				 .seconds = 0.25,
				 .release = "6.1.0-test",
				 .sentence = strdup("so it is") };

	return look;
}

static void add_finding(struct snapshot *look, const struct ws_rule *rule,
			const char *text)
{
	*ws_vec_push(&look->findings) = (struct snapshot_finding){ .rule = rule,
								   .severity = WS_ERROR,
								   .va = 0x1000,
								   .last = 0x1fff,
								   .text = strdup(text) };
}

/* With the first n findings of the look. */
static void add_space(struct snapshot *look, uint32_t pid, const char *name,
		      enum ws_verdict verdict, uint32_t n)
{
	struct snapshot_space *space = ws_vec_push(&look->spaces);

	*space = (struct snapshot_space){ .has_pid = pid,
					  .pid = pid,
					  .root = 0x1000,
					  .verdict = verdict,
					  .at = look->kinds.n,
					  .nkinds = n,
					  .sentence = strdup("this is its sentence"),
					  .reasons = strdup("reason one\nreason two"),
					  .worst = strdup(n ? "what is worst" : "") };
	snprintf(space->name, sizeof(space->name), "%s", name);
	for (uint32_t i = 0; i < n; i++)
		*ws_vec_push(&look->kinds) = i;
	look->nverdict[verdict]++;
}

/* Four spaces, of which two are sick. */
static struct snapshot usual_look(time_t when)
{
	struct snapshot look = look_at(when);

	add_finding(&look, &rules[0], "text one");
	add_finding(&look, &rules[0], "text two");
	add_finding(&look, &rules[1], "text three");
	look.nseverity[WS_ERROR] = 3;
	add_space(&look, 0, "init_mm", WS_COHERENT, 0);
	add_space(&look, 10, "zebra", WS_DIVERGES, 3);
	add_space(&look, 20, "ant", WS_NESTS, 1);
	add_space(&look, 30, "mule", WS_COHERENT, 0);
	return look;
}

static void take(struct view *view, struct snapshot look)
{
	assert_true(view_take_snapshot(view, &look));
}

static void begin(struct view *view)
{
	view_begin(view, "target", 10);
	view->state.looking = false;
	view->state.left = 7;
	take(view, usual_look(FIRST));
}

/* Nothing but printable ASCII, in rows of that width, whatever there is. */
static void draw(struct view *view, size_t width, size_t height)
{
	memset(screen, 'x', sizeof(screen));
	assert_true(view_draw(view, width, height, screen));
	drawn = height;
	for (size_t y = 0; y < height; y++) {
		assert_in_range(strlen(screen[y].text), 0, width);
		for (const char *c = screen[y].text; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

/* The first row that has it; -1: none has. */
static int row_with(const char *text)
{
	for (size_t y = 0; y < drawn; y++)
		if (strstr(screen[y].text, text))
			return (int)y;
	return -1;
}

static void expect_row(int y, const char *wanted)
{
	char text[VIEW_MOST_WIDTH + 1];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", screen[y].text);

	while (n && text[n - 1] == ' ')
		text[--n] = '\0';
	assert_string_equal(text, wanted);
}

static void expect_order(struct view *view, const char *const names[4])
{
	draw(view, WIDTH, HEIGHT);
	for (unsigned i = 1; i < 4; i++)
		assert_true(row_with(names[i - 1]) < row_with(names[i]));
}

static const char *chosen(void)
{
	for (size_t y = 0; y < drawn; y++)
		if (screen[y].at_cursor)
			return screen[y].text;
	return "";
}

/* ---- the table ----------------------------------------------------------------------------- */

static void test_screen(void **state)
{
	struct view view;

	(void)state;
	begin(&view);
	draw(&view, 80, 14);
	expect_row(0, "whosees target  Linux 6.1.0-test"
		      "                                next look in 7 s");
	expect_row(1, "look 1 at 2027-01-15T08:00:00Z took 0.25 s, every 10 s; 0 notes");
	expect_row(2, "so it is");
	expect_row(3,
		   "4 spaces: 1 nests, 1 diverges, 2 coherent; 3 findings; by verdict");
	expect_row(4,
		   "    PID NAME            VERDICT       FINDINGS SINCE      AT WORST");
	expect_row(
		5,
		"     20 ant             nests                1 start      what is worst");
	expect_row(
		6,
		"     10 zebra           diverges             3 start      what is worst");
	expect_row(7, "      - init_mm         coherent             0 start");
	expect_row(8, "     30 mule            coherent             0 start");
	expect_row(11, "CHANGES");
	expect_row(12, "nothing yet");
	assert_int_equal(screen[5].style, VIEW_ALARM);
	assert_int_equal(screen[8].style, VIEW_PLAIN);
	assert_true(screen[5].at_cursor);
	view_release(&view);
}

static void test_before_any_look(void **state)
{
	struct view view;

	(void)state;
	view_begin(&view, "target", 10);
	view.state.done = 0.25;
	strcpy(view.state.doing, "audit");
	draw(&view, 80, 10);
	assert_int_equal(row_with("audit: 25 %"), 0);
	assert_int_equal(row_with("the first look goes on"), 1);
	view_press(&view, VIEW_ENTER);
	view_press(&view, VIEW_DOWN);
	view_press(&view, VIEW_END);
	assert_int_equal(view.page, VIEW_TABLE);
	draw(&view, 80, 10);
	view_release(&view);
}

static void test_orders(void **state)
{
	struct view view;

	(void)state;
	begin(&view);
	expect_order(&view, (const char *[]){ "ant", "zebra", "init_mm", "mule" });
	view_press(&view, 's');
	assert_int_equal(view.order, VIEW_BY_FINDINGS);
	expect_order(&view, (const char *[]){ "zebra", "ant ", "init_mm", "mule" });
	view_press(&view, 's');
	assert_int_equal(view.order, VIEW_BY_PID);
	expect_order(&view, (const char *[]){ "init_mm", "zebra", "ant ", "mule" });
	view_press(&view, 's');
	assert_int_equal(view.order, VIEW_BY_NAME);
	expect_order(&view, (const char *[]){ "ant", "init_mm", "mule", "zebra" });
	view_press(&view, 's');
	assert_int_equal(view.order, VIEW_BY_VERDICT);
	view_release(&view);
}

static void test_filter(void **state)
{
	struct view view;
	struct snapshot well = look_at(FIRST + 10);

	(void)state;
	begin(&view);
	view_press(&view, 'f');
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("mule"), -1);
	assert_true(row_with("zebra") > 0);
	add_space(&well, 30, "mule", WS_COHERENT, 0);
	take(&view, well);
	draw(&view, WIDTH, HEIGHT);
	assert_true(row_with("no space has findings") > 0);
	view_press(&view, VIEW_ENTER); /* on nothing */
	assert_int_equal(view.page, VIEW_TABLE);
	view_press(&view, 'f');
	draw(&view, WIDTH, HEIGHT);
	assert_true(row_with("mule") > 0);
	view_release(&view);
}

/* The cursor is on a space, not on a row. */
static void test_cursor(void **state)
{
	struct view view;
	struct snapshot next = look_at(FIRST + 10), last = look_at(FIRST + 30);

	(void)state;
	begin(&view);
	view_press(&view, 'j');
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "zebra"));
	add_space(&next, 5, "new", WS_DOUBLE_FAULTS, 0);
	add_space(&next, 10, "zebra", WS_COHERENT, 0);
	add_space(&next, 20, "ant", WS_NESTS, 0);
	take(&view, next);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "zebra"));
	view_press(&view, VIEW_HOME);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "new"));
	take(&view, usual_look(FIRST + 20)); /* at the first row it stays there */
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "ant"));
	view_press(&view, VIEW_END);
	add_space(&last, 20, "ant", WS_NESTS, 0);
	add_space(&last, 10, "zebra", WS_COHERENT, 0);
	take(&view, last); /* its space is gone */
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "zebra"));
	view_release(&view);
}

static void test_since(void **state)
{
	struct view view;
	struct snapshot next = look_at(FIRST + 61), later = look_at(FIRST + 86400);

	(void)state;
	begin(&view);
	add_space(&next, 10, "zebra", WS_DIVERGES, 0);
	add_space(&next, 20, "ant", WS_COHERENT, 0);
	add_space(&next, 40, "new", WS_COHERENT, 0);
	take(&view, next);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(screen[row_with("zebra")].text, " start"));
	assert_non_null(strstr(screen[row_with("ant")].text, " 08:01:01"));
	assert_non_null(strstr(screen[row_with("new")].text, " 08:01:01"));
	add_space(&later, 10, "zebra", WS_COHERENT, 0);
	add_space(&later, 20, "ant", WS_COHERENT, 0);
	take(&view, later);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(screen[row_with("zebra")].text, " 08:00:00"));
	assert_non_null(strstr(screen[row_with("ant")].text, " 2027-01-15"));
	view_release(&view);
}

static void test_scrolling(void **state)
{
	struct snapshot many = look_at(FIRST);
	struct view view;
	char name[16];

	(void)state;
	for (uint32_t pid = 1; pid <= 500; pid++) {
		snprintf(name, sizeof(name), "task-%03u", pid);
		add_space(&many, pid, name, WS_COHERENT, 0);
	}
	view_begin(&view, "target", 10);
	take(&view, many);
	draw(&view, WIDTH, HEIGHT);
	assert_true(row_with("task-001") > 0);
	view_press(&view, VIEW_PAGE_DOWN);
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("task-001"), -1);
	view_press(&view, VIEW_PAGE_UP);
	view_press(&view, VIEW_PAGE_UP);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "task-001"));
	view_press(&view, VIEW_END);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "task-500"));
	view_press(&view, VIEW_DOWN);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(chosen(), "task-500"));
	draw(&view, WIDTH, VIEW_MOST_HEIGHT); /* a larger one shows more, and no gap */
	assert_non_null(strstr(chosen(), "task-500"));
	assert_true(row_with("task-200") > 0);
	view_release(&view);
}

/* ---- changes ---------------------------------------------------------------------------- */

static void tell(struct view *view, enum change_kind kind, time_t when, const char *text)
{
	relay_lines lines = { 0 };

	*ws_vec_push(&lines) =
		(struct relay_line){ when, kind, kind == CHANGE_WORSE, strdup(text) };
	assert_true(view_take_lines(view, &lines));
}

static void test_lost(void **state)
{
	struct view view;

	(void)state;
	begin(&view);
	tell(&view, CHANGE_LOST, FIRST + 5, "lost      target t: it failed");
	draw(&view, WIDTH, HEIGHT);
	expect_row(1, "LOST since 2027-01-15T08:00:05Z; this is of 2027-01-15T08:00:00Z");
	assert_int_equal(screen[1].style, VIEW_ALARM);
	assert_true(row_with("zebra") > 0); /* what was seen last is seen yet */
	assert_int_equal(screen[row_with("lost      target")].style, VIEW_ALARM);
	take(&view, usual_look(FIRST + 10));
	tell(&view, CHANGE_BACK, FIRST + 10, "back      target t: there");
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("LOST"), -1);
	assert_int_equal(screen[row_with("back      target")].style, VIEW_GOOD);
	view_release(&view);
}

/* The newest are first, and none is kept for ever. */
static void test_changes(void **state)
{
	struct view view;
	char text[32];

	(void)state;
	begin(&view);
	for (unsigned i = 0; i < 5 * VIEW_LINES; i++) {
		snprintf(text, sizeof(text), "line %u.", i);
		tell(&view, CHANGE_OTHER, FIRST, text);
		assert_in_range(view.lines.n, 1, VIEW_LINES);
	}
	draw(&view, WIDTH, HEIGHT);
	snprintf(text, sizeof(text), "line %u.", 5 * VIEW_LINES - 1);
	assert_int_equal(row_with(text), row_with("CHANGES") + 1);
	view_press(&view, 'c');
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with(text), 2);
	view_press(&view, VIEW_END);
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with(text), -1);
	view_release(&view);
}

/* Of one look the worst stay first, as they come. */
static void test_order_of_changes(void **state)
{
	relay_lines lines = { 0 };
	struct view view;

	(void)state;
	begin(&view);
	*ws_vec_push(&lines) =
		(struct relay_line){ FIRST, CHANGE_WORSE, true, strdup("first worse") };
	*ws_vec_push(&lines) =
		(struct relay_line){ FIRST, CHANGE_GONE, false, strdup("first gone") };
	*ws_vec_push(&lines) = (struct relay_line){ FIRST + 1, CHANGE_WORSE, true,
						    strdup("second worse") };
	*ws_vec_push(&lines) = (struct relay_line){ FIRST + 1, CHANGE_GONE, false,
						    strdup("second gone") };
	assert_true(view_take_lines(&view, &lines));
	view_press(&view, 'c');
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("second worse"), 2);
	assert_int_equal(row_with("second gone"), 3);
	assert_int_equal(row_with("first worse"), 4);
	assert_int_equal(row_with("first gone"), 5);
	assert_true(view_take_words(&view, "before", FIRST + 1));
	assert_true(view_take_words(&view, "an error", FIRST + 2));
	assert_true(view_take_words(&view, "  its reason", FIRST + 2));
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("an error"), 2);
	assert_int_equal(row_with("  its reason"), 3);
	assert_int_equal(row_with("before"), 4);
	assert_int_equal(row_with("second worse"), 5);
	view_release(&view);
}

/* ---- pages ------------------------------------------------------------------------------- */

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static char *page_of(struct view *view, const char *name)
{
	char *text;

	view_press(view, VIEW_HOME);
	for (unsigned i = 0; i < 10; i++) {
		draw(view, WIDTH, HEIGHT);
		if (strstr(chosen(), name))
			break;
		view_press(view, VIEW_DOWN);
	}
	view_press(view, VIEW_ENTER);
	text = view_page_text(view, WIDTH);
	assert_non_null(text);
	return text;
}

static void test_findings(void **state)
{
	struct view view;
	char *text;

	(void)state;
	begin(&view);
	text = page_of(&view, "zebra");
	assert_non_null(strstr(text,
			       "this is its sentence\nsince before the watch began\n"
			       "  reason one\n  reason two\n"));
	assert_int_equal(count(text, "text "), 3);
	assert_int_equal(count(text, "MEANING-A"), 1); /* of two findings */
	assert_int_equal(count(text, "FIX-A"), 1);
	assert_int_equal(count(text, "FIX-B"), 1);
	assert_non_null(strstr(text, "error: second rule (rule-b), 0x1000-0x1fff\n"));
	free(text);
	view_press(&view, 'q');
	assert_int_equal(view.page, VIEW_TABLE);
	text = page_of(&view, "mule");
	assert_non_null(strstr(text, "no findings"));
	free(text);
	view_press(&view, VIEW_BACK);
	assert_int_equal(view.page, VIEW_TABLE);
	view_release(&view);
}

/* A page is of a space, for as long as there is one. */
static void test_findings_of_who_is_gone(void **state)
{
	struct snapshot without = look_at(FIRST + 10);
	struct view view;

	(void)state;
	begin(&view);
	free(page_of(&view, "zebra"));
	add_space(&without, 20, "ant", WS_NESTS, 0);
	take(&view, without);
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("It is there no more."), 2);
	take(&view, usual_look(FIRST + 20));
	draw(&view, WIDTH, HEIGHT);
	assert_true(row_with("text three") > 0);
	view_release(&view);
}

static void test_many_findings(void **state)
{
	struct snapshot many = look_at(FIRST);
	struct view view;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		add_finding(&many, &rules[1], "this one");
	add_space(&many, 1, "sick", WS_DIVERGES, 5000);
	view_begin(&view, "target", 10);
	take(&view, many);
	text = page_of(&view, "sick");
	assert_int_equal(count(text, "this one"), 200);
	assert_non_null(strstr(text, "4,800 findings more"));
	free(text);
	view_release(&view);
}

static void test_help_and_notes(void **state)
{
	struct snapshot look = usual_look(FIRST + 1);
	struct view view;

	(void)state;
	begin(&view);
	*ws_vec_push(&look.notes) = strdup("this is unsure");
	take(&view, look);
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(screen[1].text, "1 note"));
	view_press(&view, 'n');
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("this is unsure"), 2);
	view_press(&view, '?'); /* from page to page */
	draw(&view, WIDTH, HEIGHT);
	assert_int_equal(row_with("KEYS"), 1);
	view_press(&view, VIEW_END);
	draw(&view, WIDTH, HEIGHT);
	assert_true(row_with("is not broken off") > 0);
	assert_int_equal(view_press(&view, 'q'), VIEW_NOTHING);
	assert_int_equal(view_press(&view, 'q'), VIEW_QUIT);
	view_release(&view);
}

/* ---- what keys ask of the watch -------------------------------------------------------------- */

static void test_actions(void **state)
{
	struct view view;

	(void)state;
	begin(&view);
	assert_int_equal(view_press(&view, 'p'), VIEW_PAUSE);
	assert_int_equal(view_press(&view, ' '), VIEW_LOOK);
	assert_int_equal(view_press(&view, 'x'), VIEW_NOTHING);
	assert_int_equal(view_press(&view, 0), VIEW_NOTHING);
	assert_int_equal(view_press(&view, '+'), VIEW_INTERVAL);
	assert_int_equal(view.interval, 15);
	assert_int_equal(view_press(&view, '-'), VIEW_INTERVAL);
	assert_int_equal(view_press(&view, '-'), VIEW_INTERVAL);
	assert_int_equal(view.interval, 5);
	view.interval = 1;
	assert_int_equal(view_press(&view, '-'), VIEW_NOTHING);
	view.interval = 7; /* of the command line: none of ours */
	assert_int_equal(view_press(&view, '+'), VIEW_INTERVAL);
	assert_int_equal(view.interval, 10);
	view.interval = 1 << 30;
	assert_int_equal(view_press(&view, '+'), VIEW_NOTHING);
	view.state.looking = false;
	view.state.paused = true;
	draw(&view, WIDTH, HEIGHT);
	assert_non_null(strstr(screen[0].text, "paused"));
	view_release(&view);
}

/* ---- hostile targets, small screens -------------------------------------------------------------- */

#define EVIL "\033[2J\007\xff\\name\n"

static void test_hostile(void **state)
{
	static const char keys[] = "cn?\r";
	struct snapshot look = look_at(FIRST);
	struct view view;

	(void)state;
	strcpy(look.release, EVIL);
	free(look.sentence);
	look.sentence = strdup(EVIL EVIL EVIL EVIL EVIL EVIL EVIL EVIL EVIL EVIL);
	add_finding(&look, &rules[0], EVIL);
	add_space(&look, UINT32_MAX, EVIL EVIL, WS_DIVERGES, 1);
	free(look.spaces.v[0].worst);
	look.spaces.v[0].worst = strdup(EVIL);
	*ws_vec_push(&look.notes) = strdup(EVIL);
	view_begin(&view, EVIL EVIL EVIL, 10);
	take(&view, look);
	assert_true(view_take_words(&view, EVIL, FIRST));
	strcpy(view.state.doing, EVIL);
	for (const char *key = keys; *key; key++) {
		draw(&view, WIDTH, HEIGHT);
		assert_true(row_with("\\x1b[2J\\x07\\xff\\\\name\\x0a") >= 0);
		view_press(&view, *key == '\r' ? VIEW_ENTER : *key);
		draw(&view, WIDTH, HEIGHT);
		view_press(&view, 'q');
	}
	view_release(&view);
}

/* Whatever the size is, all of it is filled and nothing is beyond it (draw() looks). */
static void test_sizes(void **state)
{
	struct view view;

	(void)state;
	begin(&view);
	tell(&view, CHANGE_WORSE, FIRST, "worse     verdict 20 ant: coherent -> nests");
	for (int page = VIEW_TABLE; page <= VIEW_HELP; page++)
		for (size_t width = 1; width < 132; width += width < 45 ? 1 : 7)
			for (size_t height = 1; height < 60; height++) {
				view.page = page;
				view.page_top = SIZE_MAX;
				draw(&view, width, height);
				assert_int_equal(strncmp(screen[0].text, "whosees target",
							 14) == 0,
						 width >= VIEW_LEAST_WIDTH &&
							 height >= VIEW_LEAST_HEIGHT);
			}
	view.page = VIEW_TABLE;
	draw(&view, 39, 10);
	expect_row(0, "40x10 is needed");
	draw(&view, 40, 9);
	expect_row(0, "40x10 is needed");
	draw(&view, 40, 10);
	assert_true(row_with("20 ant             nests") > 0);
	assert_true(row_with("worse") > 0 && row_with("CHANGES") > 0);
	expect_row(9, "Enter findings  ? help  q quit  p pause");
	view_release(&view);
}

/* ---- between two threads ------------------------------------------------------------------------- */

/* As a watch does, of an interval that no test lives to see. */
static void *rest_once(void *relay)
{
	struct timespec begun;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	relay_rest(relay, &begun, 0.001);
	return NULL;
}

/* Each thing that may end a rest or move its end is asked for in it, whenever that begins. */
static void test_rest(void **state)
{
	static void (*const ends[])(struct relay *) = { relay_look_now, relay_quit };
	struct relay relay;
	pthread_t thread;

	(void)state;
	assert_true(relay_begin(&relay, 1000000));
	for (size_t i = 0; i < WS_ARRAY_SIZE(ends); i++) {
		assert_int_equal(pthread_create(&thread, NULL, rest_once, &relay), 0);
		while (relay_state(&relay).looking)
			sched_yield();
		assert_true(relay_state(&relay).left > 900000);
		relay_set_interval(&relay, 500000);
		relay_pause(&relay);
		assert_true(relay_state(&relay).paused);
		relay_pause(&relay);
		ends[i](&relay);
		pthread_join(thread, NULL);
		assert_true(relay_state(&relay).looking);
		relay_set_interval(&relay, 1000000);
	}
	assert_true(relay_is_quitting(&relay));
	rest_once(&relay); /* who quits does not rest */
	relay_end(&relay);
}

/* A key that is pressed during a look asks for what is being done. */
static void test_look_now_in_a_look(void **state)
{
	struct relay relay;

	(void)state;
	assert_true(relay_begin(&relay, 10));
	relay_look_now(&relay);
	assert_false(relay.now);
	relay_end(&relay);
}

/* Of two looks that nobody took the newer one is shown, and all that was said. */
static void test_news(void **state)
{
	struct change change = { .kind = CHANGE_FOUND,
				 .what = "finding",
				 .name = "x" EVIL,
				 .severity = WS_FATAL,
				 .after = "y" };
	change_vec changes = { &change, 1, 1 };
	struct snapshot one = usual_look(FIRST), two = look_at(FIRST + 1), taken;
	relay_lines lines;
	struct relay relay;

	(void)state;
	assert_true(relay_begin(&relay, 10));
	assert_false(relay_take(&relay, &taken, &lines));
	relay_show(&relay, &one);
	assert_true(relay_tell(&relay, &changes, FIRST));
	relay_show(&relay, &two);
	assert_true(relay_tell(&relay, &changes, FIRST));
	assert_true(relay_take(&relay, &taken, &lines));
	assert_int_equal(taken.when, FIRST + 1);
	assert_int_equal(lines.n, 2);
	assert_true(lines.v[0].alarm);
	assert_string_equal(
		lines.v[0].text,
		"found     finding x\\x1b[2J\\x07\\xff\\\\name\\x0a (fatal): y");
	relay_lines_release(&lines);
	assert_false(relay_take(&relay, &two, &lines));
	relay_show(&relay, &taken); /* and what nobody takes is released */
	relay_end(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_screen),
		cmocka_unit_test(test_before_any_look),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_scrolling),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_order_of_changes),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_findings_of_who_is_gone),
		cmocka_unit_test(test_many_findings),
		cmocka_unit_test(test_help_and_notes),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_look_now_in_a_look),
		cmocka_unit_test(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
