/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom the kernel itself names, held against whom memory shows. */
#include "linux/roll_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "linux/pids.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

#define NAMED_MAX 8 /* in a note */

void ws_roll_call_release(struct ws_roll_call *call)
{
	ws_vec_release(&call->before);
	ws_vec_release(&call->after);
	ws_vec_release(&call->missing);
	ws_vec_release(&call->unnamed);
}

/* ---- asking ----------------------------------------------------------------------- */

enum ws_status ws_roll_before(struct ws_system *system, struct ws_roll_call *call)
{
	struct ws_target *target = system->target;

	call->known = false;
	return target->ops->roll ? target->ops->roll(target, &call->before, &call->known)
				 : WS_OK;
}

enum ws_status ws_roll_after(struct ws_system *system, struct ws_roll_call *call)
{
	struct ws_target *target = system->target;
	enum ws_status status =
		call->known ? target->ops->roll(target, &call->after, &call->known)
			    : WS_OK;

	if (status == WS_OK && call->known &&
	    !ws_roll_compare(call, system->tasks.v, system->tasks.n))
		return ws_fail_memory(system->ctx);
	return status;
}

/* ---- comparing -------------------------------------------------------------------- */

static int by_pid(const void *left, const void *right)
{
	const struct ws_named_process *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static const struct ws_named_process *named(const ws_roll *roll, uint32_t pid)
{
	const struct ws_named_process wanted = { .pid = pid };

	return roll->n ? bsearch(&wanted, roll->v, roll->n, sizeof(wanted), by_pid)
		       : NULL;
}

/* A pid is given again, and a process that runs another program has other memory. */
static bool has_stood(const ws_roll *after, const struct ws_named_process *process)
{
	const struct ws_named_process *then = named(after, process->pid);

	return then && then->begun == process->begun && then->mm == process->mm;
}

static bool put(ws_roll_names *names, uint32_t pid, const char *comm,
		const struct ws_task *task)
{
	struct ws_roll_name *name = ws_vec_push(names);

	if (name)
		*name = (struct ws_roll_name){ pid, comm, task };
	return name;
}

static bool find_missing(struct ws_roll_call *call, const struct ws_pids *pids)
{
	bool whole = true;

	ws_vec_each(&call->before, process) {
		if (!has_stood(&call->after, process))
			continue;
		call->stood++;
		if (!ws_pids_find(pids, process->pid))
			whole &= put(&call->missing, process->pid, process->comm, NULL);
	}
	return whole;
}

static bool find_unnamed(struct ws_roll_call *call, const struct ws_task *tasks, size_t n)
{
	bool whole = true;

	for (size_t i = 0; i < n; i++) {
		const struct ws_task *task = &tasks[i];

		if (!task->kernel_thread && task->mm &&
		    !named(&call->before, task->pid) && !named(&call->after, task->pid))
			whole &= put(&call->unnamed, task->pid, task->comm, task);
	}
	return whole;
}

bool ws_roll_compare(struct ws_roll_call *call, const struct ws_task *tasks, size_t n)
{
	ws_cleanup(ws_pids_release) struct ws_pids pids = { 0 };

	call->stood = call->missing.n = call->unnamed.n = 0;
	return ws_pids_make(&pids, tasks, n) && find_missing(call, &pids) &&
	       find_unnamed(call, tasks, n);
}

/* ---- saying it -------------------------------------------------------------------- */

/* "12 sh, 14 cat and 3 more", to be freed; NULL: memory is short. */
static char *list(const ws_roll_names *names)
{
	struct ws_text text;
	FILE *f = ws_text_open(&text);
	size_t i = 0;

	if (!f)
		return NULL;
	ws_vec_each(names, name) {
		if (i < NAMED_MAX)
			fprintf(f, "%s%u %s", i ? ", " : "", name->pid, name->comm);
		i++;
	}
	if (i > NAMED_MAX)
		fprintf(f, " and %s more", WS_COUNT(i - NAMED_MAX));
	return ws_text_close(&text, NULL);
}

static void note_missing(struct ws_system *system, const struct ws_roll_call *call,
			 const char *missing)
{
	if (call->missing.n)
		ws_note(system,
			"the kernel itself names %s (by a BPF iterator, before memory was "
			"looked at and after it): of these %s %s not found in memory: %s",
			WS_COUNT_OF(call->stood, "process"), WS_COUNT(call->missing.n),
			call->missing.n == 1 ? "was" : "were", missing);
	else
		ws_note(system,
			"the kernel itself names %s (by a BPF iterator, before memory was "
			"looked at and after it), and all were found in memory",
			WS_COUNT_OF(call->stood, "process"));
}

enum ws_status ws_roll_note(struct ws_system *system, const struct ws_roll_call *call)
{
	ws_autofree char *missing = NULL, *unnamed = NULL;

	if (!call->known)
		return WS_OK;
	missing = list(&call->missing);
	unnamed = list(&call->unnamed);
	if (!missing || !unnamed)
		return ws_fail_memory(system->ctx);
	note_missing(system, call, missing);
	if (call->unnamed.n)
		ws_note(system,
			"%s in memory that the kernel itself does not name (by a BPF "
			"iterator, neither before memory was looked at nor after it): "
			"hidden from it, or misread: %s",
			WS_COUNT_OF(call->unnamed.n, "process"), unnamed);
	return WS_OK;
}
