/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pager.h"
#include "report/columns.h"
#include "report/wrap.h"
#include "stdout.h"
#include "util/cleanup.h"
#include "util/text.h"
#include "util/whole.h"

/* What a failure means for the exit status, and what may help. */
static const struct {
	enum exit_status exit;
	const char *hint;
	bool of_file; /* it is about one, which not every target is */
} failures[] = {
	[WS_ERR_USAGE] = { EXIT_USAGE, NULL },
	[WS_ERR_UNREADABLE] = { EXIT_UNREADABLE, NULL },
	[WS_ERR_MALFORMED] = { EXIT_UNREADABLE,
			       "a truncated copy? --type KIND overrides what the first "
			       "bytes say",
			       true },
	[WS_ERR_UNSUPPORTED] = { EXIT_UNREADABLE,
				 "--type, --format and --root say what the file does not",
				 true },
	[WS_ERR_UNKNOWN] = { EXIT_UNKNOWN, NULL },
	[WS_ERR_NOT_FOUND] = { EXIT_USAGE,
			       "`whosees spaces' and `whosees modules' list what there is; "
			       "--system-map FILE gives names" },
	[WS_ERR_LIMIT] = { EXIT_UNREADABLE, "the page tables may be corrupt" },
	[WS_ERR_SYSTEM] = { EXIT_UNREADABLE, NULL },
};

static void print_error(const char *label, const char *message)
{
	char clean[REPORT_CELL];

	report_clean(clean, sizeof(clean), message);
	wrap_labelled(stderr, label, clean);
}

static void print_hint(const char *hint)
{
	if (hint)
		wrap_labelled(stderr, "hint: ", hint);
}

/* Prints a line of what went wrong, and keeps it. */
static void print_why(struct session *session, const char *message)
{
	ws_autofree char *before = session->why;

	session->why =
		ws_text_of("%s%s%s", before ? before : "", before ? ": " : "", message);
	if (!session->quiet)
		print_error(before ? "  " : "whosees: ", message);
}

static void forget_why(struct session *session)
{
	free(session->why);
	session->why = NULL;
}

static void print_chain(struct session *session, const char *what)
{
	const char *message;

	forget_why(session);
	if (what)
		print_why(session, what);
	for (unsigned i = 0; (message = ws_error(session->ctx, i)); i++)
		print_why(session, message);
}

/* What is wrong with the target, where no report's notes have said it. */
static void print_target_notes(struct session *session)
{
	const char *note;

	if (session->notes_printed)
		return;
	session->notes_printed = true;
	for (unsigned i = 0;
	     session->target && (note = ws_target_note(session->target, i)); i++)
		print_error("note: ", note);
}

enum exit_status session_fail_hint(struct session *session, enum ws_status status,
				   const char *what, const char *hint)
{
	progress_clear(&session->progress);
	if (!what && !ws_error(session->ctx, 0))
		what = "out of memory";
	if (!session->quiet)
		print_target_notes(session);
	print_chain(session, what);
	ws_error_clear(session->ctx);
	if (session->request->target && !session->quiet) /* they are all about one */
		print_hint(hint);
	return failures[status].exit;
}

enum exit_status session_fail(struct session *session, enum ws_status status,
			      const char *what)
{
	const char *target = session->request->target;
	bool no_file = target && ws_target_is_named(target);

	return session_fail_hint(
		session, status, what,
		no_file && failures[status].of_file ? NULL : failures[status].hint);
}

enum exit_status session_fail_memory(void)
{
	fputs("whosees: out of memory\n", stderr);
	return EXIT_UNREADABLE;
}

enum exit_status session_usage(struct session *session, const char *hint, const char *fmt,
			       ...)
{
	ws_autofree char *message = NULL;
	va_list ap;

	progress_clear(&session->progress);
	print_target_notes(session);
	va_start(ap, fmt);
	message = ws_text_of_args(fmt, ap);
	va_end(ap);
	forget_why(session);
	print_why(session, message ? message : fmt);
	print_hint(hint);
	return EXIT_USAGE;
}

/* A target in which nothing is found is unreadable, whatever was asked of it. */
static enum exit_status open_failed(struct session *session, enum ws_status status,
				    const char *verb)
{
	ws_autofree char *what = NULL;

	what = ws_text_of("cannot %s %s", verb, session->request->target);
	if (status == WS_ERR_NOT_FOUND)
		status = WS_ERR_UNSUPPORTED;
	return session_fail(session, status, what);
}

/* --columns, which is wrong of a command or a format that has no such thing. */
static enum exit_status choose_columns(struct session *session)
{
	const struct request *request = session->request;
	const struct table *table = request->command->rows;
	bool text = request->format == REPORT_TEXT;
	ws_autofree char *right = NULL;
	struct ws_text list;
	const char *wrong;
	size_t n;
	FILE *to;

	if (!request->columns)
		return EXIT_SEEN;
	if (!text && request->format != REPORT_CSV)
		return session_usage(session, NULL,
				     "--columns is for text and CSV; JSON has them all");
	wrong = columns_choose(&session->columns, table, text, request->columns, &n);
	if (!wrong)
		return EXIT_SEEN;
	to = ws_text_open(&list);
	if (!to)
		return session_fail_memory();
	columns_list(to, table);
	right = ws_text_close(&list, NULL);
	if (!right)
		return session_fail_memory();
	return session_usage(session, NULL,
			     "--columns: '%.*s' is no column of %s; it has %s", (int)n,
			     wrong, request->command->name, right);
}

/* What asks for more than page tables, where there is no more. */
static bool asks_more_than_tables(const struct session *session)
{
	const struct request *request = session->request;

	return ws_system_layout(session->system)->tables_only &&
	       (request->pids || !request->command->of_tables);
}

static enum exit_status refuse_tables(struct session *session)
{
	const char *format = ws_format_name(ws_system_paging(session->system)->format);
	ws_autofree char *what = NULL;

	what = ws_text_of(
		"%s needs to know the kernel, and none was found by %s page tables at "
		"that root",
		session->request->pids ? "--pid" : session->request->command->name,
		format);
	return session_fail_hint(
		session, WS_ERR_UNSUPPORTED, what,
		"walk, map and read work on the page tables alone; or give "
		"the right --format and --root");
}

/* Both or, after a failure, what is open of them: session_close() closes it. */
static enum ws_status open_both(struct session *session,
				const struct ws_target_options *options)
{
	const struct request *request = session->request;
	enum ws_status status =
		ws_target_open(session->ctx, request->target, options, &session->target);

	return status == WS_OK ? ws_system_open(session->target, &request->system_options,
						&session->system)
			       : status;
}

/*
 * The root of which tables are to be shown need not lead to the kernel: where it does
 * not, but the dump itself does, that is as good. If it does not either, the first
 * failure counts.
 */
static bool open_without_root(struct session *session)
{
	struct ws_target_options options = session->request->target_options;
	struct session other = { .request = session->request,
				 .ctx = ws_context_create() };

	options.has_root = false;
	if (!other.ctx)
		return false;
	ws_context_set_progress(other.ctx, progress_show, &session->progress);
	if (open_both(&other, &options) != WS_OK) {
		ws_target_close(other.target);
		ws_context_destroy(other.ctx);
		return false;
	}
	ws_target_close(session->target);
	ws_context_destroy(session->ctx);
	session->ctx = other.ctx;
	session->target = other.target;
	session->system = other.system;
	return true;
}

enum exit_status session_begin(struct session *session, const struct request *request)
{
	*session = (struct session){ .request = request, .ctx = ws_context_create() };
	if (!session->ctx)
		return session_fail_memory();
	progress_begin(&session->progress);
	ws_context_set_progress(session->ctx, progress_show, &session->progress);
	return EXIT_SEEN;
}

enum exit_status session_open(struct session *session)
{
	const struct request *request = session->request;
	enum exit_status chosen = choose_columns(session);
	enum ws_status status;

	if (chosen != EXIT_SEEN)
		return chosen;
	if (!request->target)
		return EXIT_SEEN;
	status = open_both(session, &request->target_options);
	if (status == WS_ERR_NOT_FOUND && session->target &&
	    request->command->of_tables && request->target_options.has_root &&
	    open_without_root(session))
		status = WS_OK;
	if (status != WS_OK)
		return open_failed(session, status,
				   session->target ? "find out who is in" : "read");
	if (asks_more_than_tables(session))
		return refuse_tables(session);
	return EXIT_SEEN;
}

void session_leave(struct session *session)
{
	progress_clear(&session->progress);
	print_target_notes(session);
	if (session->system)
		ws_system_close(session->system);
	if (session->target)
		ws_target_close(session->target);
	session->system = NULL;
	session->target = NULL;
}

void session_close(struct session *session)
{
	session_leave(session);
	ws_context_destroy(session->ctx);
	forget_why(session);
	*session = (struct session){ 0 };
}

void session_page(struct session *session)
{
	progress_clear(&session->progress);
	if (!session->request->no_pager)
		pager_begin();
}

static unsigned address_digits(const struct ws_system *system)
{
	return ws_format_va_bits(ws_system_paging(system)->format) > 32 ? 16 : 8;
}

struct report *session_report(struct session *session)
{
	const struct request *request = session->request;

	progress_clear(&session->progress);
	report_open(&session->report, request->format, request->command->name,
		    request->command->schema ? request->command->schema : 1,
		    request->target, stdout);
	if (request->columns)
		report_choose(&session->report, request->command->rows, &session->columns,
			      *request->columns != '+');
	session->report.unfolded = request->all;
	if (request->format == REPORT_TEXT)
		session_page(session);
	if (session->system)
		session->report.address_digits = address_digits(session->system);
	return &session->report;
}

enum exit_status session_write_failed(struct session *session, const char *path)
{
	ws_autofree char *message = NULL;
	int error = errno;

	progress_clear(&session->progress);
	path = ws_whole_name(path);
	message = ws_text_of("%s: %s", path, ws_whole_why(error));
	print_error("whosees: ", message ? message : path);
	return EXIT_UNREADABLE;
}

enum exit_status session_looked(struct session *session, enum exit_status status)
{
	enum ws_status looked = WS_OK;

	if (session->target && status != EXIT_UNREADABLE)
		looked = ws_target_looked(session->target, WS_OK);
	return looked == WS_OK ? status : session_fail(session, looked, NULL);
}

const char *session_regime(const struct session *session)
{
	const char *what;

	return session->request->system_options.regime ||
			       ws_system_regime_at(session->system, 0, &what)
		       ? ws_system_regime(session->system)
		       : NULL;
}

void session_notes(struct session *session)
{
	const char *note;

	if (session->notes_printed)
		return;
	for (unsigned i = 0;
	     session->system && (note = ws_system_note(session->system, i)); i++)
		report_note(&session->report, note);
	if (*session->note)
		report_note(&session->report, session->note);
	session->notes_printed = true;
}

enum exit_status session_answer(struct session *session, enum exit_status status)
{
	session_notes(session);
	if (report_close(&session->report))
		return status;
	if (ferror(stdout) && !pager_is_on())
		return stdout_failed(errno);
	/* A reader who has left the pager has read enough. */
	return session->report.failed ? session_fail_memory() : status;
}
