/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the thread that looks at a target and the one that shows what it sees: each asks
 * and tells under one lock, and neither waits for the other but where a look is over.
 */
#ifndef WHOSEES_RELAY_H
#define WHOSEES_RELAY_H

#include <pthread.h>

#include "changes.h"
#include "snapshot.h"

/* What was said of a change, a line without its time. */
struct relay_line {
	time_t when;
	enum change_kind kind;
	bool alarm;
	char *text; /* owned */
};
typedef WS_VEC(struct relay_line) relay_lines;

#define RELAY_DOING 64

/* Where the watch is. */
struct relay_state {
	bool looking;            /* or resting */
	char doing[RELAY_DOING]; /* of a look: what, and */
	double done;             /* how far it is, 0..1 */
	double left;             /* of a rest, in seconds */
	bool paused, over;
	uint64_t interval;
};

/* The fields are the relay's own. */
struct relay {
	pthread_mutex_t lock;
	pthread_cond_t asked; /* whoever rests is to look up */
	int news;             /* an eventfd for who shows: something is different */
	struct relay_state state;
	struct timespec due;
	bool quit, now;
	bool has_snapshot;
	struct snapshot snapshot; /* the newest that was not taken */
	relay_lines lines;
};

/* False, with errno, where it cannot be made. */
bool relay_begin(struct relay *relay, uint64_t interval);
void relay_end(struct relay *relay);

/* ---- who looks ---------------------------------------------------------------------- */

/* Takes the snapshot over. */
void relay_show(struct relay *relay, struct snapshot *snapshot);
/* False: memory is short. */
bool relay_tell(struct relay *relay, const change_vec *changes, time_t when);
ws_progress_fn relay_progress;
/* Until the next look, which began at *begun and took so many seconds, is due. */
void relay_rest(struct relay *relay, const struct timespec *begun, double took);
bool relay_is_quitting(struct relay *relay);
void relay_over(struct relay *relay);

/* ---- who shows ---------------------------------------------------------------------- */

struct relay_state relay_state(struct relay *relay);
/* What came since the last time, to be released. False: there is no new snapshot. */
bool relay_take(struct relay *relay, struct snapshot *snapshot, relay_lines *lines);
void relay_lines_release(relay_lines *lines);
void relay_quit(struct relay *relay);
void relay_look_now(struct relay *relay);
void relay_pause(struct relay *relay); /* or go on */
void relay_set_interval(struct relay *relay, uint64_t interval);

#endif
