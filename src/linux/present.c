/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there. On a machine that runs on, tasks come and go between one look and the next:
 * their memory is someone else's then, and what is read as a task or a root is neither. So
 * all of it is asked again until each task is seen to be at the end whom it was at the
 * beginning, whose page tables were nobody else's in between. Who is gone after the last
 * look is left out, by a note. Where the kernel names its processes itself, these are held against
 * those that were found (roll_call.c), and all is asked again where the two differ.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "linux/roll_call.h"
#include "linux/roots.h"
#include "linux/tasks.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

#define TRIES 4

/* ---- whether a task is still whom it was ------------------------------------------ */

/* A word or less of kernel memory as it is now. */
static bool read_now(struct ws_system *system, uint64_t va, void *to, size_t len)
{
	uint64_t pa;

	return ws_kernel_translate(system, va, &pa) == WS_READ &&
	       ws_target_read_now(system->target, pa, to, len) == WS_READ;
}

static bool holds(struct ws_system *system, const struct ws_task *task, int32_t offset,
		  uint64_t value, unsigned len)
{
	uint8_t now[8];

	return offset == WS_NO_FIELD ||
	       (read_now(system, task->comm_va + offset, now, len) &&
		ws_le_word(now, len) == value);
}

/* Where the leader has exited, comm_va is that of a thread of its group. */
bool ws_task_stands(struct ws_system *system, const struct ws_task *task)
{
	const struct ws_task_fields *fields = &system->fields;
	int32_t pid = task->leader_exited ? fields->tgid : fields->pid;
	unsigned word = system->layout.word;

	return holds(system, task, pid, task->pid, 4) &&
	       holds(system, task, fields->mm, task->mm, word);
}

bool ws_root_fits_now(struct ws_system *system, uint64_t root)
{
	ws_system_forget(system);
	return ws_root_fit(system, root) != WS_MISFITS;
}

/* ---- who asks --------------------------------------------------------------------- */

/*
 * /proc/kcore has a copy of the task that reads it among its notes. Where its comm lies in
 * that is where its name is, and there is a task with the pid that is then behind it.
 */
static void find_own_pid(struct ws_system *system)
{
	const struct ws_target *target = system->target;
	const uint8_t *at = target->own_task, *end;
	int64_t offset = system->fields.pid;
	char comm[WS_COMM_LEN] = "";

	if (!at || offset == WS_NO_FIELD || prctl(PR_GET_NAME, comm))
		return;
	end = at + target->own_task_size;
	while ((at = memmem(at, end - at, comm, sizeof(comm)))) {
		if (at - target->own_task + offset >= 0 && end - at >= offset + 4) {
			uint32_t pid = ws_le32(at + offset);

			ws_vec_each(&system->tasks, task)
				if (task->pid == pid &&
				    !memcmp(task->comm, comm, sizeof(comm)))
					system->own_pid = pid;
		}
		at++;
	}
}

static size_t count_gone(struct ws_system *system)
{
	size_t gone = 0;

	ws_vec_each(&system->tasks, task)
		gone += !ws_task_stands(system, task);
	return gone;
}

static bool some_unowned(const struct ws_system *system)
{
	bool some = false;

	ws_vec_each(&system->spaces, space)
		some |= space->kind == WS_SPACE_UNOWNED;
	return some;
}

/* ---- one look after another ------------------------------------------------------- */

/* What a look has found, but for roots that are some yet. */
static void undo(struct ws_system *system, size_t notes)
{
	size_t nroots = 0;

	while (system->notes.n > notes)
		free(system->notes.v[--system->notes.n]);
	system->tasks.n = system->spaces.n = system->damaged.n = 0;
	system->current.n = system->loaded_mms.n = system->specials.n = 0;
	system->specials_done = system->tasks_partial = system->no_task_list = false;
	free(system->owners);
	system->owners = NULL;
	ws_vec_each(&system->roots, root)
		if (ws_root_fit(system, *root) != WS_MISFITS)
			system->roots.v[nroots++] = *root;
	system->roots.n = nroots;
}

static enum ws_status look(struct ws_system *system, struct ws_roll_call *call)
{
	enum ws_status status = ws_roll_before(system, call);

	if (status == WS_OK)
		status = ws_find_tasks(system);
	return status ? status : ws_find_spaces(system);
}

/* Who has gone before the kernel was asked again is not to be named by it. */
static enum ws_status call_roll(struct ws_system *system, struct ws_roll_call *call)
{
	enum ws_status status = ws_roll_after(system, call);
	size_t kept = 0;

	ws_vec_each(&call->unnamed, name)
		if (ws_task_stands(system, name->task))
			call->unnamed.v[kept++] = *name;
	call->unnamed.n = kept;
	return status;
}

/* ---- who is gone ------------------------------------------------------------------ */

/* Where the owners of a space, which are its user half's too, begin among all. */
static size_t owners_of(const struct ws_system *system, const struct ws_space *space)
{
	return space->owners - system->owners;
}

/* Takes off the spaces all of whose tasks are gone; number: where the others are then. */
static void take_off(struct ws_system *system, const bool *stands, uint32_t *number)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < system->spaces.n; i++) {
		const struct ws_space *space = &system->spaces.v[i];
		bool gone = space->ntasks && !stands[owners_of(system, space)];

		number[i] = gone ? WS_NO_SPACE : kept;
		if (!gone)
			system->spaces.v[kept++] = *space;
	}
	system->spaces.n = kept;
}

static uint32_t renumbered(const uint32_t *number, uint32_t space)
{
	return space == WS_NO_SPACE ? WS_NO_SPACE : number[space];
}

static enum ws_status leave_out_gone(struct ws_system *system)
{
	ws_autofree bool *stands = calloc(system->tasks.n + 1, sizeof(*stands));
	ws_autofree uint32_t *number = calloc(system->spaces.n + 1, sizeof(*number));
	size_t before = system->tasks.n, kept = 0;

	if (!stands || !number)
		return ws_fail_memory(system->ctx);
	ws_vec_each(&system->tasks, task) {
		if (!ws_task_stands(system, task))
			continue;
		if (task->space != WS_NO_SPACE)
			stands[owners_of(system, &system->spaces.v[task->space])] = true;
		system->tasks.v[kept++] = *task;
	}
	system->tasks.n = kept;
	take_off(system, stands, number);
	ws_vec_each(&system->tasks, task) {
		task->space = renumbered(number, task->space);
		task->active_space = renumbered(number, task->active_space);
	}
	if (before > kept)
		ws_note(system, "%s came or went while memory was read: not counted",
			WS_COUNT_OF(before - kept, "task"));
	return WS_OK;
}

/* To look for whom a root is goes through all memory, twice: one more look is enough. */
static bool is_whole(const struct ws_system *system, size_t gone, unsigned tries)
{
	return !gone && !system->tasks_partial && (tries > 1 || !some_unowned(system));
}

enum ws_status ws_find_who(struct ws_system *system)
{
	ws_cleanup(ws_roll_call_release) struct ws_roll_call call = { 0 };
	size_t notes = system->notes.n, gone = 0;
	enum ws_status status = look(system, &call);

	if (!system->target->moving)
		return status;
	for (unsigned tries = 1; status == WS_OK; tries++) {
		gone = count_gone(system);
		status = call_roll(system, &call);
		if (status || tries == TRIES ||
		    (is_whole(system, gone, tries) && !ws_roll_differs(&call)))
			break;
		ws_system_forget(system);
		undo(system, notes);
		status = look(system, &call);
	}
	if (status == WS_OK)
		status = ws_roll_note(system, &call);
	if (status == WS_OK && gone)
		status = leave_out_gone(system);
	if (status == WS_OK)
		find_own_pid(system);
	return status;
}
