/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "util/bits.h"
#include "util/text.h"

/* So long an escape may be the beginning of a key's sequence, in ms. */
#define ESCAPE_MS 50

/* ---- what it can do --------------------------------------------------------------- */

/* terminfo's word on $TERM: NULL, or what is wrong with it. */
static const char *unfit_type(void)
{
	const char *why = NULL;
	int known;

	if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
		return known < 0 ? "no terminfo is installed"
				 : "which no terminfo entry describes";
	if (!cursor_address || !clear_screen || hard_copy)
		why = "whose cursor cannot be moved";
	del_curterm(cur_term);
	return why;
}

char *terminal_unfit(void)
{
	const char *term = getenv("TERM"), *why;

	if (!isatty(STDOUT_FILENO))
		return strdup("--top: standard output is no terminal");
	if (!isatty(STDIN_FILENO))
		return strdup(
			"--top: standard input is no terminal, and keys come from it");
	if (!term || !*term)
		return strdup("--top: $TERM does not say what terminal this is");
	why = unfit_type();
	return why ? ws_text_of("--top: $TERM is '%s', %s", term, why) : NULL;
}

/* ---- begin and end ----------------------------------------------------------------- */

/* Pairs of colours, by style; of -1 the terminal's own. */
static const struct {
	short foreground;
	attr_t with, without; /* attributes, where there are colours and where not */
} looks[] = {
	[VIEW_PLAIN] = { -1, A_NORMAL, A_NORMAL },
	[VIEW_BAR] = { -1, A_REVERSE, A_REVERSE },
	[VIEW_ALARM] = { COLOR_RED, A_BOLD, A_BOLD },
	[VIEW_DOUBT] = { COLOR_YELLOW, A_NORMAL, A_NORMAL },
	[VIEW_GOOD] = { COLOR_GREEN, A_NORMAL, A_NORMAL },
};

/* https://no-color.org: any value but an empty one says no. */
static bool begin_colours(void)
{
	const char *no = getenv("NO_COLOR");

	if ((no && *no) || !has_colors() || start_color() == ERR ||
	    use_default_colors() == ERR)
		return false;
	for (short i = 0; i < (short)WS_ARRAY_SIZE(looks); i++)
		init_pair((short)(i + 1), looks[i].foreground, -1);
	return true;
}

static void measure(struct terminal *terminal)
{
	struct winsize size;

	if (ioctl(fileno(terminal->out), TIOCGWINSZ, &size) == 0 && size.ws_row &&
	    size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	terminal->width = (size_t)COLS < VIEW_MOST_WIDTH ? (size_t)COLS : VIEW_MOST_WIDTH;
	terminal->height =
		(size_t)LINES < VIEW_MOST_HEIGHT ? (size_t)LINES : VIEW_MOST_HEIGHT;
}

static bool begin_screen(struct terminal *terminal)
{
	set_escdelay(ESCAPE_MS);
	terminal->screen = newterm(NULL, terminal->out, stdin);
	if (!terminal->screen) {
		errno = ENOTTY;
		return false;
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	terminal->colour = begin_colours();
	measure(terminal);
	return true;
}

/* A log that standard error goes to is none of the screen's business. */
static bool divert(struct terminal *terminal)
{
	int ends[2];

	terminal->stderr_before = -1;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	terminal->said = ends[0];
	fflush(stdout);
	fflush(stderr);
	dup2(ends[1], STDOUT_FILENO);
	if (isatty(STDERR_FILENO)) {
		terminal->stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		dup2(ends[1], STDERR_FILENO);
	}
	close(ends[1]);
	return true;
}

bool terminal_begin(struct terminal *terminal)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	*terminal = (struct terminal){ .stdout_before = out, .said = -1 };
	terminal->out = out < 0 ? NULL : fdopen(out, "w");
	if (!terminal->out)
		return false;
	if (divert(terminal)) {
		if (begin_screen(terminal))
			return true;
		terminal_end(terminal);
		return false;
	}
	fclose(terminal->out);
	return false;
}

void terminal_restore(struct terminal *terminal)
{
	if (!terminal->screen)
		return;
	attr_set(A_NORMAL, 0, NULL);
	move(LINES - 1, 0); /* where it is left, if what was on it before is not kept */
	clrtoeol();
	refresh();
	endwin();
	delscreen(terminal->screen);
	terminal->screen = NULL;
}

void terminal_end(struct terminal *terminal)
{
	int error = errno;

	terminal_restore(terminal);
	fflush(stdout);
	fflush(stderr);
	dup2(terminal->stdout_before, STDOUT_FILENO);
	if (terminal->stderr_before >= 0) {
		dup2(terminal->stderr_before, STDERR_FILENO);
		close(terminal->stderr_before);
	}
	fclose(terminal->out);
	errno = error;
}

void terminal_stop(struct terminal *terminal)
{
	endwin();
	kill(getpid(), SIGSTOP);
	terminal_anew(terminal);
}

void terminal_anew(struct terminal *terminal)
{
	measure(terminal);
	clearok(stdscr, TRUE);
}

/* ---- rows and keys ------------------------------------------------------------------- */

static void draw_row(const struct terminal *terminal, int y, const struct view_row *row)
{
	int width = (int)terminal->width, n = (int)strlen(row->text);
	attr_t look =
		terminal->colour ? looks[row->style].with : looks[row->style].without;

	if (row->at_cursor)
		look |= A_REVERSE;
	attr_set(look, terminal->colour ? (short)(row->style + 1) : 0, NULL);
	mvaddnstr(y, 0, row->text, width);
	if (n < width)
		mvprintw(y, n, "%*s", width - n, "");
}

void terminal_draw(const struct terminal *terminal, const struct view_row *row)
{
	erase();
	for (size_t y = 0; y < terminal->height; y++)
		draw_row(terminal, (int)y, &row[y]);
	refresh();
}

static const struct {
	int theirs, ours;
} keys[] = {
	{ KEY_UP, VIEW_UP },         { KEY_DOWN, VIEW_DOWN },
	{ KEY_PPAGE, VIEW_PAGE_UP }, { KEY_NPAGE, VIEW_PAGE_DOWN },
	{ KEY_HOME, VIEW_HOME },     { KEY_END, VIEW_END },
	{ KEY_ENTER, VIEW_ENTER },   { '\r', VIEW_ENTER },
	{ '\n', VIEW_ENTER },        { 27, VIEW_BACK },
	{ KEY_LEFT, VIEW_BACK },
};

int terminal_key(void)
{
	int key = getch();

	if (key == ERR)
		return -1;
	for (size_t i = 0; i < WS_ARRAY_SIZE(keys); i++)
		if (key == keys[i].theirs)
			return keys[i].ours;
	return key > 0 && key < 0x80 ? key : 0;
}
