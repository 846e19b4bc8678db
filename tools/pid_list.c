/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what --pid says to address spaces. */
#include "pid_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/nearest.h"
#include "util/number.h"
#include "util/text.h"

/* An error names so many processes that share a name. */
#define NAMED 8

static bool is_number(const char *word, size_t length)
{
	return length && strspn(word, "0123456789") >= length;
}

static bool pid_of(const char *word, size_t length, uint32_t *pid)
{
	uint64_t value;

	if (!ws_number_in(word, length, WS_DECIMAL, INT32_MAX, &value))
		return false;
	*pid = (uint32_t)value;
	return true;
}

bool pids_check(const char *text, char wrong[static PIDS_WORDS])
{
	for (const char *word = text;; word++) {
		size_t length = strcspn(word, ",");
		uint32_t pid;

		if (!length) {
			snprintf(
				wrong, PIDS_WORDS,
				"'%.64s' is not a list of pids and process names, such as "
				"1,116,bash",
				text);
			return false;
		}
		if (is_number(word, length) && !pid_of(word, length, &pid)) {
			snprintf(wrong, PIDS_WORDS,
				 "'%.*s' is not a pid: the largest is %d",
				 length > 64 ? 64 : (int)length, word, INT32_MAX);
			return false;
		}
		word += length;
		if (!*word)
			return true;
	}
}

/* ---- one word --------------------------------------------------------------------- */

static enum exit_status add_space(pids_spaces *spaces, const struct ws_space *space)
{
	struct ws_space *added;

	ws_vec_each(spaces, there)
		if (there->root == space->root)
			return EXIT_SEEN;
	added = ws_vec_push(spaces);
	if (!added)
		return session_fail_memory();
	*added = *space;
	return EXIT_SEEN;
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

	if (ws_system_layout(session->system)->tables_only) {
		space.kind = WS_SPACE_UNOWNED;
		memcpy(space.comm, "given root", sizeof("given root"));
	}
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

/* Whether somebody is there is known only where all tasks are. */
static enum exit_status not_found(struct session *session, const char *whom,
				  const char *nearest)
{
	const struct ws_space *spaces;
	size_t n, unowned = 0;

	spaces = ws_system_spaces(session->system, &n);
	for (size_t i = 0; i < n; i++)
		unowned += spaces[i].kind == WS_SPACE_UNOWNED;
	if (unowned)
		session_usage(session,
			      "`whosees spaces' lists them; --pid 'root PA' chooses one",
			      "%s was not found; %s %s no known owner%s", whom,
			      WS_COUNT_OF(unowned, "address space"),
			      unowned == 1 ? "has" : "have", nearest);
	else
		session_usage(session, "`whosees spaces' lists those that were",
			      "%s was not found, but the target may lack tasks%s", whom,
			      nearest);
	return EXIT_UNKNOWN;
}

static enum exit_status no_pid(struct session *session, uint32_t pid)
{
	char whom[sizeof("pid 4294967295")];

	if (!ws_system_lacks_tasks(session->system))
		return session_usage(session, "`whosees spaces' lists them",
				     "there is no process with pid %u", pid);
	snprintf(whom, sizeof(whom), "pid %u", pid);
	return not_found(session, whom, "");
}

static enum exit_status add_pid(struct session *session, uint32_t pid,
				pids_spaces *chosen)
{
	const struct ws_space init = init_space(session), *spaces;
	const struct ws_task *tasks;
	size_t nspaces, ntasks;

	if (!pid)
		return add_space(chosen, &init);
	spaces = ws_system_spaces(session->system, &nspaces);
	tasks = ws_system_tasks(session->system, &ntasks);
	for (size_t i = 0; i < ntasks; i++) {
		if (tasks[i].pid != pid)
			continue;
		if (tasks[i].space >= nspaces)
			return no_space(session, &tasks[i], spaces, nspaces);
		return add_space(chosen, &spaces[tasks[i].space]);
	}
	return no_pid(session, pid);
}

/* As the dump has it, or as it is printed. */
static bool is_called(const char *comm, const char *word, size_t length)
{
	char clean[REPORT_CELL];

	if (strncmp(comm, word, length) == 0 && !comm[length])
		return true;
	report_clean(clean, sizeof(clean), comm);
	return strncmp(clean, word, length) == 0 && !clean[length];
}

/* A space that stands for itself: init_mm, and those whose task was not found. */
static bool has_own_name(const struct ws_space *space)
{
	return space->kind == WS_SPACE_INIT || space->kind == WS_SPACE_UNOWNED;
}

static enum exit_status no_name(struct session *session, const char *word, size_t length)
{
	ws_autofree char *name = strndup(word, length);
	char words[WS_NEAREST_WORDS], whom[sizeof("process ''") + 64];
	struct ws_nearest nearest;
	const struct ws_task *tasks;
	size_t n;

	if (!name)
		return session_fail_memory();
	nearest = ws_nearest_to(name);
	tasks = ws_system_tasks(session->system, &n);
	for (size_t i = 0; i < n; i++)
		if (!tasks[i].kernel_thread)
			ws_nearest_offer(&nearest, tasks[i].comm);
	snprintf(whom, sizeof(whom), "process '%.64s'", name);
	if (ws_system_lacks_tasks(session->system))
		return not_found(session, whom, ws_nearest_words(&nearest, words));
	return session_usage(session, "`whosees spaces' lists them",
			     "there is no process called '%s'%s", name,
			     ws_nearest_words(&nearest, words));
}

static enum exit_status add_name(struct session *session, const char *word, size_t length,
				 pids_spaces *chosen)
{
	const struct ws_task *tasks, *homeless = NULL;
	const struct ws_space *spaces;
	size_t nspaces, ntasks, before = chosen->n;
	enum exit_status status = EXIT_SEEN;
	bool found = false;

	spaces = ws_system_spaces(session->system, &nspaces);
	tasks = ws_system_tasks(session->system, &ntasks);
	for (size_t i = 0; i < ntasks && status == EXIT_SEEN; i++) {
		if (!is_called(tasks[i].comm, word, length))
			continue;
		if (tasks[i].space < nspaces)
			status = add_space(chosen, &spaces[tasks[i].space]);
		else
			homeless = &tasks[i];
		found |= tasks[i].space < nspaces;
	}
	for (size_t i = 0; i < nspaces && status == EXIT_SEEN; i++)
		if (has_own_name(&spaces[i]) && is_called(spaces[i].comm, word, length)) {
			status = add_space(chosen, &spaces[i]);
			found = true;
		}
	if (status != EXIT_SEEN || found || chosen->n > before)
		return status;
	return homeless ? no_space(session, homeless, spaces, nspaces)
			: no_name(session, word, length);
}

/* ---- all of them ------------------------------------------------------------------ */

enum exit_status session_spaces(struct session *session, pids_spaces *spaces)
{
	const char *word = session->request->pids ? session->request->pids : "0";
	enum exit_status status = EXIT_SEEN;

	while (status == EXIT_SEEN && *word) {
		size_t length = strcspn(word, ",");
		uint32_t pid;

		status = is_number(word, length) && pid_of(word, length, &pid)
				 ? add_pid(session, pid, spaces)
				 : add_name(session, word, length, spaces);
		word += length;
		word += *word == ',';
	}
	return status;
}

static enum exit_status too_many(struct session *session, const pids_spaces *spaces)
{
	ws_autofree char *list = NULL;
	char words[WORDS];
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to)
		return session_fail_memory();
	for (size_t i = 0; i < spaces->n && i < NAMED; i++)
		fprintf(to, "%s%s", i ? ", " : "", space_words(&spaces->v[i], words));
	if (spaces->n > NAMED)
		fprintf(to, " and %s more", WS_COUNT(spaces->n - NAMED));
	list = ws_text_close(&text, NULL);
	if (!list)
		return session_fail_memory();
	return session_usage(session, "give one of their pids",
			     "--pid %s: these are %s, and %s shows one: %s",
			     session->request->pids,
			     WS_COUNT_OF(spaces->n, "address space"),
			     session->request->command->name, list);
}

/* What --root says, where no --pid does: a space that is known, or the bare tables. */
static enum exit_status given_space(struct session *session, struct ws_space *space)
{
	uint64_t root = session->request->target_options.root;
	const uint8_t *frame;
	const struct ws_space *spaces;
	size_t n;

	spaces = ws_system_spaces(session->system, &n);
	for (size_t i = 0; i < n; i++) {
		if (spaces[i].root != root)
			continue;
		*space = spaces[i];
		return EXIT_SEEN;
	}
	*space = (struct ws_space){ .root = root,
				    .kind = WS_SPACE_UNOWNED,
				    .comm = "given root" };
	if (ws_target_frame(session->target, root, &frame) == WS_ABSENT) {
		session_usage(session, "`whosees spaces' lists the roots that are known",
			      "--root: the target does not hold memory at 0x%" PRIx64
			      ": what a page table there would map is unknown",
			      root);
		return EXIT_UNKNOWN;
	}
	snprintf(session->note, sizeof(session->note),
		 "root 0x%" PRIx64 " is that of no address space that was found: what "
		 "lies there is walked as a page table, whatever it is",
		 root);
	return EXIT_SEEN;
}

enum exit_status session_space(struct session *session, struct ws_space *space)
{
	pids_spaces spaces = { 0 };
	enum exit_status status;

	if (session->request->target_options.has_root && !session->request->pids &&
	    !ws_system_layout(session->system)->tables_only)
		return given_space(session, space);
	status = session_spaces(session, &spaces);
	if (status == EXIT_SEEN && spaces.n > 1)
		status = too_many(session, &spaces);
	if (status == EXIT_SEEN)
		*space = spaces.v[0];
	ws_vec_release(&spaces);
	return status;
}
