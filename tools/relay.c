/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "util/text.h"

bool relay_begin(struct relay *relay, uint64_t interval)
{
	pthread_condattr_t clock;

	*relay = (struct relay){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.state = { .looking = true, .interval = interval },
	};
	if (relay->news < 0)
		return false;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&relay->asked, &clock);
	pthread_condattr_destroy(&clock);
	return true;
}

void relay_end(struct relay *relay)
{
	snapshot_release(&relay->snapshot);
	relay_lines_release(&relay->lines);
	pthread_cond_destroy(&relay->asked);
	close(relay->news);
}

void relay_lines_release(relay_lines *lines)
{
	ws_vec_each(lines, line)
		free(line->text);
	ws_vec_release(lines);
}

/* It cannot fail but where the count is full, and then it is news already. */
static void nudge(const struct relay *relay)
{
	(void)!eventfd_write(relay->news, 1);
}

static void leave(struct relay *relay)
{
	nudge(relay);
	pthread_mutex_unlock(&relay->lock);
}

/* ---- who looks ---------------------------------------------------------------------- */

void relay_show(struct relay *relay, struct snapshot *snapshot)
{
	pthread_mutex_lock(&relay->lock);
	snapshot_release(&relay->snapshot);
	relay->snapshot = *snapshot;
	relay->has_snapshot = true;
	*snapshot = (struct snapshot){ 0 };
	leave(relay);
}

static bool add_line(struct relay *relay, const struct change *change, time_t when)
{
	struct relay_line *line = ws_vec_push(&relay->lines);
	struct ws_text text;
	FILE *to = line ? ws_text_open(&text) : NULL;

	if (!to)
		return false;
	change_print_words(change, to);
	*line = (struct relay_line){ when, change->kind, change_is_alarm(change),
				     ws_text_close(&text, NULL) };
	relay->lines.n -= !line->text;
	return line->text;
}

bool relay_tell(struct relay *relay, const change_vec *changes, time_t when)
{
	bool told = true;

	pthread_mutex_lock(&relay->lock);
	ws_vec_each(changes, change)
		told = told && add_line(relay, change, when);
	leave(relay);
	return told;
}

void relay_progress(void *arg, const char *what, double done)
{
	struct relay *relay = arg;

	pthread_mutex_lock(&relay->lock);
	snprintf(relay->state.doing, sizeof(relay->state.doing), "%s", what);
	relay->state.done = done;
	leave(relay);
}

/* The next look begins an interval after this one did; but as long as it took it rests. */
static void set_due(struct relay *relay, const struct timespec *begun, double took)
{
	double after = (double)relay->state.interval;

	if (after < 2 * took)
		after = 2 * took;
	relay->due = *begun;
	relay->due.tv_sec += (time_t)after;
	relay->due.tv_nsec += (long)((after - (double)(time_t)after) * 1e9);
	if (relay->due.tv_nsec >= 1000000000) {
		relay->due.tv_nsec -= 1000000000;
		relay->due.tv_sec++;
	}
}

void relay_rest(struct relay *relay, const struct timespec *begun, double took)
{
	int waited = 0;

	pthread_mutex_lock(&relay->lock);
	relay->state.looking = false;
	while (!relay->quit && !relay->now && (relay->state.paused || !waited)) {
		set_due(relay, begun, took);
		nudge(relay);
		waited = relay->state.paused
				 ? pthread_cond_wait(&relay->asked, &relay->lock)
				 : pthread_cond_timedwait(&relay->asked, &relay->lock,
							  &relay->due);
	}
	relay->now = false;
	relay->state.looking = true;
	relay->state.done = 0;
	*relay->state.doing = '\0';
	leave(relay);
}

bool relay_is_quitting(struct relay *relay)
{
	bool quit;

	pthread_mutex_lock(&relay->lock);
	quit = relay->quit;
	pthread_mutex_unlock(&relay->lock);
	return quit;
}

void relay_over(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->state.over = true;
	leave(relay);
}

/* ---- who shows ---------------------------------------------------------------------- */

struct relay_state relay_state(struct relay *relay)
{
	struct relay_state state;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&relay->lock);
	state = relay->state;
	state.left = (double)(relay->due.tv_sec - now.tv_sec) +
		     (double)(relay->due.tv_nsec - now.tv_nsec) / 1e9;
	pthread_mutex_unlock(&relay->lock);
	return state;
}

bool relay_take(struct relay *relay, struct snapshot *snapshot, relay_lines *lines)
{
	eventfd_t count;
	bool is_new;

	(void)!eventfd_read(relay->news, &count);
	pthread_mutex_lock(&relay->lock);
	is_new = relay->has_snapshot;
	*snapshot = relay->snapshot;
	*lines = relay->lines;
	relay->has_snapshot = false;
	relay->snapshot = (struct snapshot){ 0 };
	relay->lines = (relay_lines){ 0 };
	pthread_mutex_unlock(&relay->lock);
	return is_new;
}

/* Whoever rests looks up. */
static void ask(struct relay *relay)
{
	pthread_cond_signal(&relay->asked);
	pthread_mutex_unlock(&relay->lock);
}

void relay_quit(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->quit = true;
	ask(relay);
}

/* What is being looked at now is as new as it gets. */
void relay_look_now(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->now = !relay->state.looking;
	ask(relay);
}

void relay_pause(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->state.paused = !relay->state.paused;
	ask(relay);
}

void relay_set_interval(struct relay *relay, uint64_t interval)
{
	pthread_mutex_lock(&relay->lock);
	relay->state.interval = interval;
	ask(relay);
}
