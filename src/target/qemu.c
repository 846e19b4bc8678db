/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A virtual machine that QEMU runs on this host, by its monitor: "qemu:SOCKET". Registers are
 * what the human monitor prints, memory is read past the monitor (qemu_memory.c). Only if it
 * is told to stop the machine does memory stand still; then the machine runs on when the
 * target is closed, or this process ends however.
 */
#include "target/qemu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/monitor.h"
#include "util/cleanup.h"

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

/* ---- running and stopped ---------------------------------------------------------- */

static enum ws_status ask_status(struct ws_target *target, bool *running)
{
	struct ws_qemu *qemu = target->priv;
	autojson *answer = NULL;
	const json_t *value;
	enum ws_status status =
		ws_qmp_ask(target->ctx, &qemu->qmp, "query-status", NULL, -1, &answer);

	if (status == WS_ERR_NOT_FOUND)
		return ws_qmp_refused(target->ctx, &qemu->qmp, "query-status");
	value = json_object_get(answer, "running");
	*running = json_is_true(value);
	if (status || json_is_boolean(value))
		return status;
	return ws_fail(target->ctx, WS_ERR_MALFORMED,
		       "%s: query-status does not say whether it runs", target->named);
}

/* The guard first: from the instant that it is stopped somebody must let it run on. */
static enum ws_status stop(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_last_will will = { .words = {
					     { qemu->qmp.peer.fd, WS_QEMU_CONTINUE } } };
	enum ws_status status;
	bool running;

	if (!ws_guard_start(&qemu->guard, &will))
		return ws_fail_errno(target->ctx,
				     "%s: no process to let it run on afterwards, so it "
				     "is not stopped",
				     target->named);
	qemu->stopped = true;
	status = ws_qmp_ask(target->ctx, &qemu->qmp, "stop", NULL, -1, NULL);
	if (status == WS_ERR_NOT_FOUND)
		return ws_qmp_refused(target->ctx, &qemu->qmp, "stop");
	if (!status)
		status = ask_status(target, &running);
	if (!status && running)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: it was told to stop, and runs on", target->named);
	qemu->qmp.ran = false;
	return status;
}

static enum ws_status stand_still(struct ws_target *target, bool asked)
{
	enum ws_status status = ask_status(target, &target->moving);

	if (status || !target->moving)
		return status;
	if (asked) {
		status = stop(target);
		target->moving = status != WS_OK;
		return status;
	}
	return ws_target_add_note(
		target,
		"the machine runs on while it is read: its memory and its registers are of "
		"more than one instant; --stop stops it meanwhile");
}

/*
 * Whether it stands still for it was told to, or does not say: one that has been migrated meanwhile
 * would be there twice.
 */
static enum ws_status ask_paused(struct ws_qemu *qemu, bool *paused)
{
	autojson *answer = NULL;
	enum ws_status status =
		ws_qmp_ask(qemu->ctx, &qemu->qmp, "query-status", NULL, -1, &answer);
	const char *state = json_string_value(json_object_get(answer, "status"));

	*paused = !state || !strcmp(state, "paused");
	return status;
}

/* What cannot be done here the guard does: it is told nothing then. */
static void run_on(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	bool done = !qemu->stopped, paused;

	if (!done && ask_paused(qemu, &paused) == WS_OK)
		done = !paused ||
		       ws_qmp_ask(qemu->ctx, &qemu->qmp, "cont", NULL, -1, NULL) == WS_OK;
	if (done)
		ws_guard_end(&qemu->guard);
	else
		ws_guard_leave(&qemu->guard);
}

/* Somebody else may let it run, or reset it: then what was read is of two instants. */
static enum ws_status qemu_looked(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;

	ws_qmp_listen(&qemu->qmp);
	if (target->moving || !qemu->qmp.ran)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_SYSTEM,
		"%s: somebody let it run on, or reset it, while it was stopped to be "
		"read: there is no answer",
		target->named);
}

/* ---- open and close --------------------------------------------------------------- */

static enum ws_status human(struct ws_target *target, const char *line,
			    enum ws_status (*take)(struct ws_target *target,
						   const char *text))
{
	struct ws_qemu *qemu = target->priv;
	ws_autofree char *text = NULL;
	enum ws_status status = ws_qmp_human(target->ctx, &qemu->qmp, line, &text);

	return status ? status : take(target, text);
}

static enum ws_status qemu_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	struct ws_qemu *qemu = calloc(1, sizeof(*qemu));
	enum ws_status status;

	if (!qemu)
		return ws_fail_memory(target->ctx);
	target->priv = qemu;
	pthread_mutex_init(&qemu->lock, NULL);
	qemu->mem = qemu->qmp.peer.fd = qemu->stub.gdb.peer.fd = -1;
	qemu->saved = (struct ws_saved){ .fd = -1, .fetched = ws_fetched_none };
	qemu->qmp.peer.name = target->named;
	qemu->qmp.peer.patience = options->timeout;
	qemu->ctx = ws_context_create();
	if (!qemu->ctx)
		return ws_fail_memory(target->ctx);
	status = ws_qmp_open(target->ctx, &qemu->qmp, ws_target_address(target));
	if (status || (status = stand_still(target, options->stop)) ||
	    (status = human(target, WS_MONITOR_REGISTERS, ws_read_monitor_registers)) ||
	    (status = human(target, WS_MONITOR_MEMORY, ws_read_memory_tree)))
		return status;
	return ws_qemu_memory_open(target);
}

static void qemu_close(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;

	if (!qemu)
		return;
	ws_qemu_stub_close(qemu);
	run_on(target);
	ws_qemu_memory_close(target);
	ws_qmp_close(&qemu->qmp);
	ws_vec_release(&qemu->hosts);
	ws_context_destroy(qemu->ctx);
	pthread_mutex_destroy(&qemu->lock);
	free(qemu);
}

const struct ws_target_ops ws_target_qemu = {
	.kind = "qemu",
	.title = "virtual machine of QEMU's",
	.about =
		"A QEMU of this host that runs or is stopped, by its QMP socket (-qmp "
		"unix:SOCKET,server=on,wait=off), or HOST:PORT of this host. QEMU's memory "
		"is read by /proc/PID/mem where this user may, else QEMU copies it, a piece "
		"at a time.",
	.header = "range of the memory map",
	.scheme = "qemu:SOCKET",
	.can_stop = true,
	.open = qemu_open,
	.looked = qemu_looked,
	.copy_frames = ws_qemu_copy_frames,
	.read = ws_qemu_read,
	.write = ws_qemu_write,
	.flush = ws_qemu_flush,
	.close = qemu_close,
};
