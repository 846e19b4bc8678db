/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outputs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/whole.h"

/* What a failure means for the exit status, and what may help. */
static const struct {
	enum exit_status exit;
	const char *hint;
} failures[] = {
	[WS_ERR_USAGE] = { EXIT_USAGE, NULL },
	[WS_ERR_UNREADABLE] = { EXIT_UNREADABLE,
				"is it there, may you read it, is it a memory dump?" },
	[WS_ERR_MALFORMED] = { EXIT_UNREADABLE,
			       "a truncated copy? --type KIND overrides what the first "
			       "bytes say" },
	[WS_ERR_UNSUPPORTED] = { EXIT_UNREADABLE,
				 "--type, --format and --root say what the file does not" },
	[WS_ERR_UNKNOWN] = { EXIT_UNKNOWN, NULL },
	[WS_ERR_NOT_FOUND] = { EXIT_USAGE,
			       "`whosees spaces' and `whosees modules' list what there is; "
			       "--system-map FILE gives names" },
	[WS_ERR_LIMIT] = { EXIT_UNREADABLE, "the page tables may be corrupt" },
	[WS_ERR_SYSTEM] = { EXIT_UNREADABLE, NULL },
};

static void print_error(const char *indent, const char *message)
{
	char clean[REPORT_CELL];

	report_clean(clean, sizeof(clean), message);
	fprintf(stderr, "%s%s\n", indent, clean);
}

static void print_hint(const char *hint)
{
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
}

static void print_chain(const struct ws_context *ctx, const char *what)
{
	const char *message;

	if (what)
		print_error("whosees: ", what);
	for (unsigned i = 0; (message = ws_error(ctx, i)); i++)
		print_error(i || what ? "  " : "whosees: ", message);
}

/* What is wrong with the target, where no report's notes have said it. */
static void print_target_notes(struct session *session)
{
	const char *note;

	if (session->notes_told)
		return;
	session->notes_told = true;
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
	print_target_notes(session);
	print_chain(session->ctx, what);
	ws_error_clear(session->ctx);
	if (session->request->target) /* they are all about one */
		print_hint(hint);
	return failures[status].exit;
}

enum exit_status session_fail(struct session *session, enum ws_status status,
			      const char *what)
{
	return session_fail_hint(session, status, what, failures[status].hint);
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
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	print_error("whosees: ", message ? message : fmt);
	print_hint(hint);
	return EXIT_USAGE;
}

/* A target in which nothing is found is unreadable, whatever was asked of it. */
static enum exit_status open_failed(struct session *session, enum ws_status status,
				    const char *verb)
{
	ws_autofree char *what = NULL;
	enum exit_status exit;

	if (asprintf(&what, "cannot %s %s", verb, session->request->target) < 0)
		what = NULL;
	if (status == WS_ERR_NOT_FOUND)
		status = WS_ERR_UNSUPPORTED;
	exit = session_fail(session, status, what);
	session_close(session);
	return exit;
}

enum exit_status session_open(struct session *session, const struct request *request)
{
	enum exit_status checked;
	enum ws_status status;

	*session = (struct session){ .request = request, .ctx = ws_context_create() };
	if (!session->ctx)
		return session_fail_memory();
	progress_begin(&session->progress);
	ws_context_set_progress(session->ctx, progress_tell, &session->progress);
	checked = outputs_check(session);
	if (checked != EXIT_SEEN) {
		session_close(session);
		return checked;
	}
	if (!request->target)
		return EXIT_SEEN;
	status = ws_target_open(session->ctx, request->target, &request->target_options,
				&session->target);
	if (status != WS_OK)
		return open_failed(session, status, "read");
	status = ws_system_open(session->target, &request->system_options,
				&session->system);
	if (status != WS_OK)
		return open_failed(session, status, "find out who is in");
	return EXIT_SEEN;
}

void session_close(struct session *session)
{
	progress_clear(&session->progress);
	print_target_notes(session);
	if (session->system)
		ws_system_close(session->system);
	if (session->target)
		ws_target_close(session->target);
	ws_context_destroy(session->ctx);
	*session = (struct session){ 0 };
}

/* Where there is no init_mm in memory, the consensus of all roots stands for it. */
static struct ws_space init_space(const struct session *session)
{
	struct ws_space space = {
		.root = ws_system_layout(session->system)->reference,
		.kind = WS_SPACE_INIT,
		.comm = "init_mm",
	};
	const struct ws_space *spaces;
	size_t n;

	spaces = ws_system_spaces(session->system, &n);
	for (size_t i = 0; i < n; i++)
		if (spaces[i].kind == WS_SPACE_INIT)
			return spaces[i];
	return space;
}

/* A kernel thread, or a process that has exited. */
static enum exit_status no_space(struct session *session, const struct ws_task *task,
				 const struct ws_space *spaces, size_t n)
{
	char hint[64] = "--pid 0 is init_mm";

	if (!task->kernel_thread && task->mm) {
		session_usage(session, NULL,
			      "pid %u (%s) has an address space, but its page table is "
			      "not in the target, or damaged",
			      task->pid, task->comm);
		return EXIT_UNKNOWN;
	}
	if (task->active_space < n && spaces[task->active_space].pid)
		snprintf(hint, sizeof(hint),
			 "it has borrowed that of a process: --pid %u",
			 spaces[task->active_space].pid);
	return session_usage(session, hint, "pid %u (%s) %s and has no address space",
			     task->pid, task->comm,
			     task->kernel_thread ? "is a kernel thread" : "has exited");
}

enum exit_status session_space(struct session *session, struct ws_space *space)
{
	const struct request *request = session->request;
	const struct ws_space *spaces;
	const struct ws_task *tasks;
	size_t nspaces, ntasks;

	*space = init_space(session);
	if (!request->has_pid || !request->pid)
		return EXIT_SEEN;
	spaces = ws_system_spaces(session->system, &nspaces);
	tasks = ws_system_tasks(session->system, &ntasks);
	for (size_t i = 0; i < ntasks; i++) {
		if (tasks[i].pid != request->pid)
			continue;
		if (tasks[i].space >= nspaces)
			return no_space(session, &tasks[i], spaces, nspaces);
		*space = spaces[tasks[i].space];
		return EXIT_SEEN;
	}
	return session_usage(session, "`whosees spaces' lists them",
			     "there is no process with pid %u", request->pid);
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
	if (asprintf(&message, "%s: %s", path, ws_whole_why(error)) < 0)
		message = NULL;
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

enum exit_status session_answer(struct session *session, enum exit_status status)
{
	const char *note;

	for (unsigned i = 0;
	     session->system && (note = ws_system_note(session->system, i)); i++)
		report_note(&session->report, note);
	session->notes_told = true;
	if (!report_close(&session->report))
		return ferror(stdout) ? outputs_failed(errno) : session_fail_memory();
	return status;
}
