/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "top.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/text.h"

struct top {
	struct relay *relay;
	enum exit_status (*work)(void *arg);
	void *arg;
	enum exit_status status;
	struct view view;
	struct terminal terminal;
	struct view_row *row;    /* VIEW_MOST_HEIGHT of them */
	char words[REPORT_CELL]; /* a line that is being said */
	size_t nwords;
	char *last_words; /* said since the last look that succeeded; NULL: nothing */
	bool short_of_memory;
};

/* ---- signals ------------------------------------------------------------------------- */

static int signals[2]; /* a pipe: each that came is a byte of it */

static void pass_on(int signal)
{
	int error = errno;
	unsigned char byte = (unsigned char)signal;

	(void)!write(signals[1], &byte, 1);
	errno = error;
}

/* What would leave a terminal as it is now, and what makes it another. */
static const int caught[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH,
};

static struct sigaction actions_before[WS_ARRAY_SIZE(caught)];

/* What is ignored stays so, as nohup(1) wants it. */
static bool catch_signals(void)
{
	struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

	if (pipe2(signals, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	for (size_t i = 0; i < WS_ARRAY_SIZE(caught); i++)
		if (sigaction(caught[i], NULL, &actions_before[i]) == 0 &&
		    actions_before[i].sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	return true;
}

/* The look that goes on is waited for, but not by who has no patience. */
static void let_signals_kill(void)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &actions_before[i], NULL);
}

static void take_signals(struct top *top)
{
	unsigned char byte;

	while (read(signals[0], &byte, 1) == 1) {
		if (byte == SIGWINCH)
			terminal_anew(&top->terminal);
		else if (byte == SIGTSTP)
			terminal_stop(&top->terminal);
		else
			relay_quit(top->relay);
	}
}

/* ---- news ------------------------------------------------------------------------------ */

static void take_news(struct top *top)
{
	struct snapshot snapshot;
	relay_lines lines;

	if (relay_take(top->relay, &snapshot, &lines)) {
		top->short_of_memory |= !view_take_snapshot(&top->view, &snapshot);
		free(top->last_words);
		top->last_words = NULL;
	}
	top->short_of_memory |= !view_take_lines(&top->view, &lines);
	top->view.state = relay_state(top->relay);
}

/* ---- what is said on standard output and error ----------------------------------------- */

#define LAST_WORDS 16384 /* bytes; of more than that the newest are as good */

static void say(struct top *top)
{
	ws_autofree char *before = ws_steal(top->last_words);
	bool goes_on = before && strlen(before) < LAST_WORDS;

	top->words[top->nwords] = '\0';
	top->nwords = 0;
	if (!*top->words)
		return;
	top->short_of_memory |= !view_take_words(&top->view, top->words, time(NULL));
	top->last_words = ws_text_of("%s%s\n", goes_on ? before : "", top->words);
}

/*
 * By lines; what a line has too much is lost. What was news before it was said is taken
 * before: words at the end of all belong to no look that succeeded.
 */
static void take_said(struct top *top)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(top->terminal.said, bytes, sizeof(bytes))) > 0) {
		take_news(top);
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n')
				say(top);
			else if (bytes[i] && top->nwords < sizeof(top->words) - 1)
				top->words[top->nwords++] = bytes[i];
		}
	}
}

/* ---- keys -------------------------------------------------------------------- */

#define CONTROL_L 12 /* what is on the screen is damaged */

static void act(struct top *top, enum view_action action)
{
	switch (action) {
	case VIEW_NOTHING:
		break;
	case VIEW_QUIT:
		relay_quit(top->relay);
		break;
	case VIEW_PAUSE:
		relay_pause(top->relay);
		break;
	case VIEW_LOOK:
		relay_look_now(top->relay);
		break;
	case VIEW_INTERVAL:
		relay_set_interval(top->relay, top->view.interval);
		break;
	}
}

static void take_keys(struct top *top)
{
	int key;

	while ((key = terminal_key()) >= 0) {
		if (key == CONTROL_L)
			terminal_anew(&top->terminal);
		else
			act(top, view_press(&top->view, key));
	}
}

/* ---- the screen ------------------------------------------------------------------------- */

static void draw(struct top *top)
{
	if (view_draw(&top->view, top->terminal.width, top->terminal.height, top->row))
		terminal_draw(&top->terminal, top->row);
	else
		top->short_of_memory = true;
}

/* For what counts seconds. */
#define AGAIN_AFTER_MS 500

/* A terminal that is gone is the end. */
static bool is_gone(short events)
{
	return events & (POLLHUP | POLLERR | POLLNVAL);
}

static void go_on(struct top *top)
{
	enum { KEYS, SIGNALS, SAID, NEWS, ALL };
	struct pollfd of[ALL] = { [KEYS] = { STDIN_FILENO, POLLIN, 0 },
				  [SIGNALS] = { signals[0], POLLIN, 0 },
				  [SAID] = { top->terminal.said, POLLIN, 0 },
				  [NEWS] = { top->relay->news, POLLIN, 0 } };

	draw(top);
	if (poll(of, ALL, AGAIN_AFTER_MS) < 0)
		return;
	take_signals(top);
	if (is_gone(of[KEYS].revents))
		relay_quit(top->relay);
	else if (of[KEYS].revents)
		take_keys(top);
	take_news(top);
	take_said(top);
}

/* Until it is over: what it says meanwhile would else be waited with. */
static void wait_for_end(struct top *top)
{
	struct pollfd of[] = { { top->terminal.said, POLLIN, 0 },
			       { top->relay->news, POLLIN, 0 } };

	if (top->view.state.looking && !top->view.state.over)
		dprintf(top->terminal.stdout_before,
			"whosees: ends when the look that goes on is over; Ctrl-C ends it "
			"at once\n");
	while (!top->view.state.over) {
		poll(of, WS_ARRAY_SIZE(of), -1);
		take_news(top);
		take_said(top);
	}
}

/* ---- all of it ------------------------------------------------------------------------- */

static void *run_work(void *arg)
{
	struct top *top = arg;

	top->status = top->work(top->arg);
	fflush(stdout);
	fflush(stderr);
	relay_over(top->relay);
	return NULL;
}

/* How things were at last, as a watch without a screen has it; and what else nobody read. */
static void print_last(const struct top *top)
{
	const struct snapshot *now = &top->view.now;
	char when[CHANGE_TIME], clean[REPORT_CELL];

	if (top->last_words)
		fputs(top->last_words, stderr);
	if (!top->view.nlooks)
		return;
	report_clean(clean, sizeof(clean), now->sentence);
	printf("%s  %s\n", change_time(now->when, when), clean);
}

/* The terminal is as before as soon as it is to end, whatever is waited for. */
static enum exit_status show(struct top *top)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run_work, top);

	while (!error && !top->view.state.over && !relay_is_quitting(top->relay) &&
	       !top->short_of_memory)
		go_on(top);
	relay_quit(top->relay);
	terminal_restore(&top->terminal);
	let_signals_kill();
	if (!error) {
		wait_for_end(top);
		pthread_join(thread, NULL);
	}
	take_said(top);
	terminal_end(&top->terminal);
	if (error)
		fprintf(stderr, "whosees: %s\n", strerror(error));
	else
		print_last(top);
	return error                  ? EXIT_UNREADABLE
	       : top->short_of_memory ? session_fail_memory()
				      : top->status;
}

enum exit_status top_run(struct relay *relay, const struct request *request,
			 enum exit_status (*work)(void *arg), void *arg)
{
	struct top top = { .relay = relay, .work = work, .arg = arg };
	enum exit_status status = EXIT_UNREADABLE;

	view_begin(&top.view, request->target, request->interval);
	top.row = calloc(VIEW_MOST_HEIGHT, sizeof(*top.row));
	if (!top.row)
		status = session_fail_memory();
	else if (!catch_signals() || !terminal_begin(&top.terminal))
		fprintf(stderr, "whosees: --top: %s\n", strerror(errno));
	else
		status = show(&top);
	view_release(&top.view);
	free(top.row);
	free(top.last_words);
	return status;
}
