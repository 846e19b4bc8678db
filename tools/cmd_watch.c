/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The audit over and over, of which only changes are printed.
 *
 * Each look opens the target anew, so that nothing of the one before can go stale, and gives
 * up all that it took: of a look only facts are kept. The first one tells how things are; one
 * that fails is a change, and so is the next that does not. What cannot be written does not end
 * it, once the first look's was: an alarm that comes later is worth more.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "changes.h"
#include "history.h"
#include "look.h"
#include "metrics.h"
#include "stdout.h"
#include "top.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

struct watch {
	struct session *session; /* the command's own, which has no target open */
	struct look before;      /* facts of the last look that succeeded */
	struct metrics metrics;
	struct history history;
	enum exit_status status; /* of the last look */
	bool is_lost, uncounted; /* the last look; its metrics */
	struct timespec begun, look_begun;
	struct relay *relay; /* to the screen that it is seen on; NULL: it is printed */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The second one kills, as it would without. */
static void wait_for_signals(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static double since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) +
	       (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

/* ---- one look ------------------------------------------------------------------------ */

static void count(struct metrics *metrics, const struct digest *digest)
{
	memcpy(metrics->nverdict, digest->nverdict, sizeof(metrics->nverdict));
	memcpy(metrics->nseverity, digest->nseverity, sizeof(metrics->nseverity));
}

/* Each look is seen on a screen as a whole. */
static bool show(struct watch *watch, const struct look *now)
{
	struct snapshot snapshot;

	if (!snapshot_make(&snapshot, now))
		return false;
	snapshot.when = watch->metrics.when;
	snapshot.seconds = since(&watch->look_begun);
	relay_show(watch->relay, &snapshot);
	return true;
}

/* The first look says how things are. */
static bool print_first(struct watch *watch, const struct digest *digest)
{
	ws_autofree char *sentence = digest_sentence(digest);
	char time[CHANGE_TIME];

	if (!sentence)
		return false;
	if (watch->session->request->format == REPORT_TEXT)
		printf("%s  %s\n", change_time(watch->metrics.when, time), sentence);
	fflush(stdout); /* an error of it is seen at the end */
	return true;
}

static enum exit_status look_in(struct watch *watch, struct session *session,
				struct look *now)
{
	enum exit_status status = look_take(session, PAIR_BY_PID, "", now);

	if (status != EXIT_SEEN)
		return status;
	if (watch->relay ? !show(watch, now)
			 : !watch->metrics.nlooks && !print_first(watch, &now->digest))
		return session_fail_memory();
	count(&watch->metrics, &now->digest);
	watch->status = audit_status(&now->digest);
	return EXIT_SEEN;
}

/* What is wrong with the target as a file is said the first time. */
static enum exit_status take_look(struct watch *watch, struct look *now)
{
	struct session session;
	enum exit_status status = session_begin(&session, watch->session->request);

	session.quiet = watch->is_lost;
	session.notes_printed = watch->relay || watch->metrics.nlooks;
	if (status == EXIT_SEEN && watch->relay)
		ws_context_set_progress(session.ctx, relay_progress, watch->relay);
	if (status == EXIT_SEEN)
		status = session_open(&session);
	if (status == EXIT_SEEN)
		status = look_in(watch, &session, now);
	status = session_looked(&session, status);
	look_end(now);
	session_close(&session);
	return status;
}

/* ---- what changed --------------------------------------------------------------------- */

static bool has_alarm(const change_vec *changes)
{
	ws_vec_each(changes, change)
		if (change_is_alarm(change))
			return true;
	return false;
}

/* With NDJSON what it prints is no part of that. */
static FILE *start_command(const struct request *request)
{
	ws_autofree char *text =
		ws_text_of("%s%s", request->format == REPORT_NDJSON ? "exec >&2\n" : "",
			   request->on_finding);

	fflush(NULL);
	return text ? popen(text, "we") : NULL;
}

/* sh runs it with the changes as its input; what comes of it is its own business. */
static void run_command(struct watch *watch, const change_vec *changes)
{
	const char *command = watch->session->request->on_finding;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct report report = { .ops = &report_ndjson };
	FILE *to;
	int status;

	if (!command || !has_alarm(changes))
		return;
	to = start_command(watch->session->request);
	if (!to) {
		session_write_failed(watch->session, command);
		return;
	}
	sigaction(SIGPIPE, &ignore, &before); /* it need not read them */
	report.out = to;
	changes_report(changes, watch->metrics.when, &report);
	fflush(to);
	__fpurge(to); /* or pclose() would take what was not read for its status */
	status = pclose(to);
	sigaction(SIGPIPE, &before, NULL);
	if (WIFSIGNALED(status))
		fprintf(stderr, "whosees: --on-finding: '%s' was killed by signal %d\n",
			command, WTERMSIG(status));
	else if (status)
		fprintf(stderr, "whosees: --on-finding: '%s' ended with status %d\n",
			command, WEXITSTATUS(status));
}

static bool print_changes(struct watch *watch, const change_vec *changes)
{
	if (watch->relay)
		return relay_tell(watch->relay, changes, watch->metrics.when);
	if (watch->session->request->format == REPORT_NDJSON)
		changes_report(changes, watch->metrics.when, &watch->session->report);
	else
		ws_vec_each(changes, change)
			change_print(change, watch->metrics.when, stdout);
	return fflush(stdout) == 0 && !ferror(stdout);
}

/* To everybody, whoever of them cannot be told. */
static enum exit_status tell(struct watch *watch, const change_vec *changes)
{
	const struct request *request = watch->session->request;
	bool printed = print_changes(watch, changes);
	int error = errno;

	if (!history_append(&watch->history, changes, watch->metrics.when))
		session_write_failed(watch->session, request->history);
	run_command(watch, changes);
	return printed ? EXIT_SEEN : stdout_failed(error);
}

static enum exit_status tell_of_target(struct watch *watch, enum change_kind kind,
				       const char *words)
{
	change_vec changes = { 0 };
	struct change *change = ws_vec_push(&changes);
	enum exit_status status;

	if (!change)
		return session_fail_memory();
	*change = (struct change){ .kind = kind,
				   .what = "target",
				   .severity = -1,
				   .name = watch->session->request->target,
				   .after = words };
	status = tell(watch, &changes);
	ws_vec_release(&changes);
	return status;
}

/* What the first look finds was not seen to come: only who waits for a finding is told. */
static enum exit_status tell_difference(struct watch *watch, const change_vec *changes)
{
	const struct request *request = watch->session->request;

	if (watch->before.facts.v.n)
		return changes->n ? tell(watch, changes) : EXIT_SEEN;
	if (request->until_finding && watch->status == EXIT_UNSEEN)
		run_command(watch, changes);
	return EXIT_SEEN;
}

static enum exit_status compare(struct watch *watch, struct look *now)
{
	fact_pairs pairs = { 0 };
	change_vec changes = { 0 };
	enum exit_status status;

	ws_vec_each(&watch->before.facts.v, fact)
		fact->paired = false;
	if (!facts_pair(&watch->before.facts, &now->facts, &pairs) ||
	    !changes_find(&pairs, &changes))
		status = session_fail_memory();
	else
		status = tell_difference(watch, &changes);
	ws_vec_release(&pairs);
	ws_vec_release(&changes);
	return status;
}

/* ---- look after look ------------------------------------------------------------------ */

/* It failed, and why is on stderr: that may pass, unless it was the first. */
static enum exit_status go_on_lost(struct watch *watch, enum exit_status why)
{
	watch->status = EXIT_UNREADABLE;
	if (watch->metrics.nlooks == 1)
		return why;
	if (watch->is_lost)
		return EXIT_SEEN;
	watch->is_lost = true;
	return tell_of_target(watch, CHANGE_LOST, "the look at it failed");
}

static enum exit_status go_on(struct watch *watch, struct look *now)
{
	enum exit_status status = EXIT_SEEN;

	if (watch->is_lost)
		status = tell_of_target(watch, CHANGE_BACK, "it can be looked at again");
	watch->is_lost = false;
	if (status == EXIT_SEEN)
		status = compare(watch, now);
	look_release(&watch->before);
	watch->before = *now;
	*now = (struct look){ 0 };
	return status;
}

/* False: it is the first, whose counts cannot be written; of others that is said. */
static bool write_metrics(struct watch *watch)
{
	const char *path = watch->session->request->prometheus;
	bool was_uncounted = watch->uncounted;

	watch->uncounted =
		!metrics_write(&watch->metrics, watch->session->request->target, path);
	if (watch->uncounted && !was_uncounted)
		session_write_failed(watch->session, path);
	return !watch->uncounted || watch->metrics.nlooks > 1;
}

/* Before anybody is told of it, who may take long to hear. */
static bool count_look(struct watch *watch, bool success)
{
	struct metrics *metrics = &watch->metrics;

	metrics->success = success;
	metrics->nlooks++;
	metrics->nfailed += !success;
	if (success) {
		metrics->seen = metrics->when;
		metrics->seconds = since(&watch->look_begun);
	}
	return write_metrics(watch);
}

static enum exit_status look_once(struct watch *watch)
{
	struct look now = { 0 };
	enum exit_status looked, status;

	clock_gettime(CLOCK_MONOTONIC, &watch->look_begun);
	watch->metrics.when = time(NULL);
	looked = take_look(watch, &now);
	if (!count_look(watch, looked == EXIT_SEEN))
		status = EXIT_UNREADABLE;
	else if (looked == EXIT_SEEN)
		status = go_on(watch, &now);
	else
		status = go_on_lost(watch, looked);
	look_release(&now);
	return status;
}

static bool is_over(const struct watch *watch)
{
	const struct request *request = watch->session->request;

	return (watch->relay ? relay_is_quitting(watch->relay) : stopped) ||
	       (request->looks && watch->metrics.nlooks >= request->looks) ||
	       (request->until_finding && watch->status == EXIT_UNSEEN);
}

/* A signal that comes between the question and the sleep ends the sleep as well. */
static void sleep_unless_stopped(const struct timespec *how_long)
{
	sigset_t stops, before;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, &before);
	if (!stopped)
		ppoll(NULL, 0, how_long, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The next look begins an interval after this one did; but as long as it took it rests. */
static void rest(const struct watch *watch)
{
	double took = since(&watch->look_begun),
	       left = (double)watch->session->request->interval - took;
	struct timespec until;

	if (watch->relay) {
		relay_rest(watch->relay, &watch->look_begun, took);
		return;
	}
	if (left < took)
		left = took;
	until = (struct timespec){ .tv_sec = (time_t)left,
				   .tv_nsec =
					   (long)((left - (double)(time_t)left) * 1e9) };
	sleep_unless_stopped(&until);
}

/* What it cost, for who looks every second at a machine that works. False: memory is short. */
static bool print_cost(struct watch *watch)
{
	double cpu, wall = since(&watch->begun);
	uint64_t n = watch->metrics.nlooks;
	ws_autofree char *text = NULL;
	char time_now[CHANGE_TIME];
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	cpu = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
	      (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
	text = ws_text_of("%s, %.3f s of a processor each, %.1f%% of one in %.0f s",
			  WS_COUNT_OF(n, "look"), cpu / (double)n,
			  wall > 0 ? 100 * cpu / wall : 0, wall);
	if (text && watch->session->request->format == REPORT_NDJSON)
		report_note(&watch->session->report, text);
	else if (text)
		printf("%s  %s\n", change_time(time(NULL), time_now), text);
	return text;
}

/* Not EXIT_SEEN: it could not go on. */
static enum exit_status watch_on(void *arg)
{
	struct watch *watch = arg;
	enum exit_status status;

	for (;;) {
		status = look_once(watch);
		if (status != EXIT_SEEN)
			return status;
		if (!is_over(watch))
			rest(watch);
		if (is_over(watch))
			return EXIT_SEEN;
	}
}

/* What is wrong with the target is a page of the screen, and how far a look is its title. */
static enum exit_status watch_on_screen(struct watch *watch)
{
	struct session *session = watch->session;
	struct relay relay;
	enum exit_status status;

	if (!relay_begin(&relay, session->request->interval))
		return session_write_failed(session, "--top");
	watch->relay = &relay;
	session->notes_printed = true;
	ws_context_set_progress(session->ctx, relay_progress, &relay);
	status = top_run(&relay, session->request, watch_on, watch);
	ws_context_set_progress(session->ctx, progress_show, &session->progress);
	watch->relay = NULL;
	relay_end(&relay);
	return status;
}

static enum exit_status watch_in_words(struct watch *watch)
{
	wait_for_signals();
	if (watch->session->request->format == REPORT_NDJSON)
		session_report(watch->session);
	return watch_on(watch);
}

enum exit_status run_watch(struct session *session)
{
	const struct request *request = session->request;
	struct watch watch = {
		.session = session,
		.history = { request->history, request->history_size },
	};
	enum exit_status status;

	if (!history_begin(&watch.history))
		return session_write_failed(session, request->history);
	signal(SIGCHLD, SIG_DFL); /* or a command's status would be lost */
	clock_gettime(CLOCK_MONOTONIC, &watch.begun);
	status = request->top ? watch_on_screen(&watch) : watch_in_words(&watch);
	if (status == EXIT_SEEN)
		status = print_cost(&watch) ? watch.status : session_fail_memory();
	look_release(&watch.before);
	if (request->format == REPORT_NDJSON && status != EXIT_UNREADABLE)
		return session_answer(session, status);
	return status;
}
