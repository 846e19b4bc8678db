/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a story has overwritten: frames, and neighbours of one use merged. */
#include "util/cleanup.h"
#include "x86/whatif/whatif.h"

static enum ws_status gather(struct ws_machine *machine)
{
	ws_autofree struct machine_written *written = NULL;
	size_t n;

	if (!machine_memory_written(machine->memory, &written, &n))
		return ws_fail_memory(machine->system->ctx);
	for (size_t i = 0; i < n; i++) {
		struct ws_frame_run *frame;

		if (!ws_is_overwritten(&written[i]))
			continue;
		frame = ws_vec_push(&machine->runs);
		if (!frame)
			return ws_fail_memory(machine->system->ctx);
		frame->pa = written[i].pa;
		frame->last = written[i].pa + (WS_FRAME_SIZE - 1);
		frame->space = WS_NO_SPACE;
	}
	return WS_OK;
}

/* Tables stay apart: each maps something else. */
static bool goes_on(const struct ws_frame_run *run, const struct ws_frame_run *frame)
{
	return run->last + 1 == frame->pa && run->use == frame->use &&
	       run->use != WS_FRAME_TABLE && run->space == frame->space &&
	       run->task == frame->task && run->name == frame->name;
}

static void merge(struct ws_machine *machine)
{
	struct ws_frame_run *v = machine->runs.v;
	size_t n = 0;

	for (size_t i = 0; i < machine->runs.n; i++)
		if (n && goes_on(&v[n - 1], &v[i]))
			v[n - 1].last = v[i].last;
		else
			v[n++] = v[i];
	machine->runs.n = n;
}

enum ws_status ws_machine_overwritten(struct ws_machine *machine,
				      const struct ws_frame_run **runs, size_t *n)
{
	enum ws_status status = WS_OK;

	if (!machine->runs.n) {
		status = gather(machine);
		if (status == WS_OK)
			status = ws_frame_uses(machine, machine->runs.v, machine->runs.n);
		if (status != WS_OK)
			machine->runs.n = 0;
		merge(machine);
	}
	*runs = machine->runs.v;
	*n = machine->runs.n;
	return status;
}
