/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to a guest's memory: the monitor has no command for it, but one that opens a gdbstub
 * (`gdbserver`), which is opened at a socket of our own and closed again. Who is in the midst
 * of using one keeps it: then it is `gdb:` that writes.
 */
#include "target/qemu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/text.h"

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

#define CLOSE "gdbserver none"
#define CLOSING                                                                           \
	"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"" CLOSE \
	"\"}}\n"

/* ---- opening ---------------------------------------------------------------------- */

/* QEMU has one stub, whose character device is called "gdb" (gdbserver_start()). */
static enum ws_status insist_on_none(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	autojson *answer = NULL;
	const json_t *device;
	size_t i;
	enum ws_status status =
		ws_qmp_ask(target->ctx, &qemu->qmp, "query-chardev", NULL, -1, &answer);

	if (status == WS_ERR_NOT_FOUND)
		return ws_qmp_refused(target->ctx, &qemu->qmp, "query-chardev");
	if (status)
		return status;
	json_array_foreach(answer, i, device)
	{
		const char *label = json_string_value(json_object_get(device, "label"));
		const char *file = json_string_value(json_object_get(device, "filename"));

		if (label && !strcmp(label, "gdb"))
			return ws_fail(
				target->ctx, WS_ERR_UNSUPPORTED,
				"%s: QEMU has a gdbstub already (%.100s), and has one at a "
				"time: write by gdb:HOST:PORT, or close it (" CLOSE ")",
				target->named, file ? file : "somewhere");
	}
	return WS_OK;
}

/* Root may look everywhere, but QEMU has to make its socket there. */
static void give_away(const char *folder, int monitor)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!geteuid() && !getsockopt(monitor, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	    peer.pid)
		(void)!chown(folder, peer.uid, peer.gid);
}

/*
 * Whatever ends this process: memory is virtual for who comes next, the stub is closed, and only
 * then the machine runs on, for connecting to the stub stops it. For an instant there are two
 * guards; each closes the stub before it lets the machine run on, or is from before there was one.
 */
static enum ws_status guard(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;
	struct ws_last_will will = { .file = stub->path, .folder = stub->folder };
	struct ws_guard before = qemu->guard;
	bool connected = stub->gdb.peer.fd >= 0;

	if (connected)
		will.words[0] = (struct ws_last_words){
			stub->gdb.peer.fd, WS_GDB_UNWATCH_PACKET WS_GDB_VIRTUAL_PACKET
		};
	will.words[connected] = (struct ws_last_words){
		qemu->qmp.peer.fd, qemu->stopped ? CLOSING WS_QEMU_CONTINUE : CLOSING
	};
	if (!ws_guard_start(&qemu->guard, &will)) {
		qemu->guard = before;
		return ws_fail_errno(target->ctx, "%s: no process to close its gdbstub",
				     target->named);
	}
	ws_guard_end(&before);
	return WS_OK;
}

static enum ws_status place(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;

	stub->folder = ws_qemu_folder();
	if (!stub->folder)
		return ws_fail_errno(target->ctx,
				     "%s: a folder for QEMU's gdbstub, in TMPDIR or "
				     "/var/tmp",
				     target->named);
	give_away(stub->folder, qemu->qmp.peer.fd);
	stub->path = ws_text_of("%s/gdb", stub->folder);
	if (!stub->path)
		return ws_fail_memory(target->ctx);
	if (strpbrk(stub->path, ", \"\\"))
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: QEMU's monitor takes no such path for a socket: %s; set "
			"TMPDIR to one without commas and spaces",
			target->named, stub->path);
	return guard(target);
}

static enum ws_status serve(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;
	ws_autofree char *line =
		ws_text_of("gdbserver unix:%s,server=on,wait=off", stub->path);
	ws_autofree char *text = NULL;
	enum ws_status status = line ? ws_qmp_human(target->ctx, &qemu->qmp, line, &text)
				     : ws_fail_memory(target->ctx);

	if (status || !access(stub->path, F_OK))
		return status;
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: QEMU opens no gdbstub at %s: %.200s; start it with one (-s), and "
		"write by gdb:HOST:PORT",
		target->named, stub->path, text);
}

/*
 * The folder may be QEMU's by now, and who answers somebody else whom it names: nobody is told to
 * write but the process that has the monitor.
 */
static enum ws_status insist_on_qemu(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;
	pid_t monitor = ws_peer_pid(&qemu->qmp.peer);
	struct stat is;

	if (!lstat(stub->path, &is) && S_ISSOCK(is.st_mode) &&
	    (monitor <= 0 || monitor == ws_peer_pid(&stub->gdb.peer)))
		return WS_OK;
	return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
		       "%s: who answers at %s is not the QEMU of the monitor: nothing is "
		       "written",
		       target->named, stub->path);
}

static enum ws_status talk(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;
	enum ws_status status = ws_peer_connect(target->ctx, &stub->gdb.peer, stub->path);

	if (!status && (status = insist_on_qemu(target)))
		ws_peer_close(
			&stub->gdb.peer); /* or it would be told to be virtual again */
	if (status || (status = guard(target)) ||
	    (status = ws_gdb_memory_mode(target->ctx, &stub->gdb, true)))
		return status;
	stub->gdb.no_ack = true; /* as in gdb.c */
	return WS_OK;
}

static enum ws_status stub_open(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_stub *stub = &qemu->stub;
	enum ws_status status;

	if (stub->folder)
		return WS_OK;
	stub->gdb.peer.name = target->named;
	stub->gdb.peer.patience = qemu->qmp.peer.patience;
	if ((status = insist_on_none(target)) || (status = place(target)) ||
	    (status = serve(target)) || (status = talk(target)))
		ws_qemu_stub_close(qemu);
	return status;
}

/* ---- writing ---------------------------------------------------------------------- */

enum ws_status ws_qemu_read(struct ws_target *target, uint64_t pa, void *bytes, size_t n)
{
	struct ws_qemu *qemu = target->priv;
	enum ws_status status = stub_open(target);

	return status ? status : ws_gdb_read(target->ctx, &qemu->stub.gdb, pa, bytes, n);
}

enum ws_status ws_qemu_write(struct ws_target *target, uint64_t pa, const void *bytes,
			     size_t n)
{
	struct ws_qemu *qemu = target->priv;
	enum ws_status status = stub_open(target);

	return status ? status : ws_gdb_write(target->ctx, &qemu->stub.gdb, pa, bytes, n);
}

enum ws_status ws_qemu_flush(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	enum ws_status status = stub_open(target);

	return status ? status : ws_gdb_flush(target->ctx, &qemu->stub.gdb);
}

/* ---- closing ---------------------------------------------------------------------- */

/* The mode outlives the stub's socket: addresses are virtual again for who comes next. */
void ws_qemu_stub_close(struct ws_qemu *qemu)
{
	struct ws_stub *stub = &qemu->stub;
	ws_autofree char *text = NULL;
	bool closed = true; /* else the guard does it */

	if (!stub->folder)
		return;
	if (stub->gdb.peer.fd >= 0)
		closed = !ws_gdb_memory_mode(qemu->ctx, &stub->gdb, false);
	closed &= !ws_qmp_human(qemu->ctx, &qemu->qmp, CLOSE, &text);
	if (!closed)
		ws_guard_leave(&qemu->guard);
	else if (!qemu->stopped)
		ws_guard_end(&qemu->guard);
	qemu->stopped &= closed;
	ws_gdb_close(&stub->gdb);
	stub->gdb = (struct ws_gdb){ .peer.fd = -1 };
	if (stub->path)
		unlink(stub->path);
	rmdir(stub->folder);
	free(stub->path);
	free(stub->folder);
	stub->folder = stub->path = NULL;
}
