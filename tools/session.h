/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command works with: the open target, the system found in it, and the report.
 *
 * A function that returns enum exit_status has said on stderr why, unless it returns
 * EXIT_SEEN.
 */
#ifndef WHOSEES_SESSION_H
#define WHOSEES_SESSION_H

#include <time.h>

#include "command.h"

/* A line on stderr for work that takes long, when somebody is looking. */
struct progress {
	struct timespec begun, shown;
	bool visible;
};

void progress_begin(struct progress *progress);
ws_progress_fn progress_show;
void progress_clear(struct progress *progress);

#define SESSION_NOTE 256

struct session {
	const struct request *request;
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
	struct progress progress;
	struct report report;
	struct column_list columns; /* those that were asked for by name */
	bool notes_printed;         /* those of the target */
	bool quiet;                 /* what goes wrong was said before */
	char *why;                  /* what went wrong, on one line; NULL: nothing did */
	char note[SESSION_NOTE];    /* of its own; "" for none */
};

enum exit_status session_begin(struct session *session, const struct request *request);
/* What the request asks about, if it is about a target. */
enum exit_status session_open(struct session *session);
/* Closes the target, which runs on then if it was stopped; all else stays. */
void session_leave(struct session *session);
/* Whatever of it was begun and opened. */
void session_close(struct session *session);

/* Says what was wrong with the question. Returns EXIT_USAGE. */
enum exit_status session_usage(struct session *session, const char *hint, const char *fmt,
			       ...) __attribute__((format(printf, 3, 4)));

/*
 * Says what the library has to say about status, and what can be done. what: what was
 * being tried, or NULL when the library says it.
 */
enum exit_status session_fail(struct session *session, enum ws_status status,
			      const char *what);
/* The same with a hint of the caller's, where it knows better. */
enum exit_status session_fail_hint(struct session *session, enum ws_status status,
				   const char *what, const char *hint);
enum exit_status session_fail_memory(void);

/*
 * Begins the answer on stdout; call it only once nothing can go wrong any more. Ending
 * it adds the notes, and returns status unless the answer could not be written.
 */
struct report *session_report(struct session *session);
enum exit_status session_answer(struct session *session, enum exit_status status);
/* Adds the notes before that, where others are to follow them. */
void session_notes(struct session *session);

/* The regime, where another is possible or was asked for; NULL: it goes without saying. */
const char *session_regime(const struct session *session);

/* From here on text goes through a pager, where there is one and somebody to read. */
void session_page(struct session *session);

/*
 * status, but EXIT_UNREADABLE and why where an answer rests on less than the target holds.
 * main() asks last; who replaces a file asks before.
 */
enum exit_status session_looked(struct session *session, enum exit_status status);

/* Says why, by errno, something could not be written. Returns EXIT_UNREADABLE. */
enum exit_status session_write_failed(struct session *session, const char *path);

#endif
