/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine of QEMU's behind its gdbstub: "gdb:HOST:PORT". What the monitor behind the stub
 * prints says which processors and which memory there are (qRcmd); memory is read in the
 * stub's physical mode, which no other stub has. Whoever connects stops the machine, and it
 * says so if it ran: then it runs on in the end, or when this process ends however.
 */
#include "target/gdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/monitor.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/line.h"
#include "util/number.h"
#include "util/text.h"

/* QEMU answers for half of its largest packet at most (gdbstub.c, handle_read_mem()). */
#define PART 2048u
#define AT_ONCE 32u /* questions that are sent before the first answer is waited for */

/* ---- attaching and leaving -------------------------------------------------------- */

#define DETACH "$D#44" /* and it runs on */

/* There is one guard from the first on: two of them would tell the stub twice. */
static enum ws_status guard(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;
	struct ws_last_will will = { .words = { { .socket = g->gdb.peer.fd } } };
	ws_autofree char *parting =
		g->detached
			? strdup("")
			: ws_text_of("%s%s%s", g->attached ? WS_GDB_UNWATCH_PACKET : "",
				     g->attached && !g->was_physical
					     ? WS_GDB_VIRTUAL_PACKET
					     : "",
				     g->was_running ? DETACH : "");

	if (!parting)
		return ws_fail_memory(target->ctx);
	will.words[0].bytes = parting;
	if (g->guard.child ? ws_guard_say(&g->guard, parting)
			   : ws_guard_start(&g->guard, &will))
		return WS_OK;
	return ws_fail_errno(target->ctx, "%s: no process to let it run on afterwards",
			     target->named);
}

/* Answers to what was asked before may still come. */
static bool is_done(struct ws_gdb_target *g, const char *question)
{
	enum ws_status status;

	g->gdb.peer.error = 0;
	ws_peer_begin(&g->gdb.peer);
	status = ws_gdb_send(g->ctx, &g->gdb, question);
	for (unsigned i = 0; !status && i <= 2 * AT_ONCE; i++) {
		status = ws_gdb_receive(g->ctx, &g->gdb, question);
		if (!status && ws_gdb_said(&g->gdb, "OK"))
			return true;
	}
	return false;
}

/*
 * What cannot be done here the guard does. It asks for no second detachment: the machine runs on
 * with the first, and a packet that comes then stops it.
 */
static void leave(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;
	bool done = g->gdb.peer.fd >= 0;

	g->was_running |= g->gdb.nstopped > 0;
	if (done && g->attached && !g->was_physical)
		done = is_done(g, WS_GDB_VIRTUAL);
	if (done && g->was_running && !is_done(g, "D")) {
		done = false;
		g->detached = true;
		(void)!guard(target);
	}
	if (done || g->gdb.peer.fd < 0)
		ws_guard_end(&g->guard);
	else
		ws_guard_leave(&g->guard);
}

static enum ws_status not_for_us(struct ws_target *target, const char *lacks)
{
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: the stub has no %s, as QEMU's has: without it nobody says what "
		"lies where in physical memory. Take a dump (docs/get-a-dump.md), or "
		"use qemu:SOCKET",
		target->named, lacks);
}

/* From here on addresses of memory are physical. */
static enum ws_status be_physical(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;
	enum ws_status status = ws_gdb_ask(target->ctx, &g->gdb, "qqemu.PhyMemMode");

	if (status)
		return status;
	if (!ws_gdb_said(&g->gdb, "0") && !ws_gdb_said(&g->gdb, "1"))
		return not_for_us(target, "physical memory mode (qqemu.PhyMemMode)");
	g->was_physical = ws_gdb_said(&g->gdb, "1");
	g->attached = true;
	if ((status = guard(target)) ||
	    (status = ws_gdb_ask(target->ctx, &g->gdb, WS_GDB_PHYSICAL)))
		return status;
	g->attached = ws_gdb_said(&g->gdb, "OK");
	return g->attached
		       ? WS_OK
		       : not_for_us(target, "physical memory mode (" WS_GDB_PHYSICAL ")");
}

static enum ws_status attach(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;
	enum ws_status status =
		ws_peer_connect(target->ctx, &g->gdb.peer, ws_target_address(target));

	g->was_running = true; /* until it is known */
	if (status || (status = guard(target)) ||
	    (status = ws_gdb_ask(target->ctx, &g->gdb, "qSupported")))
		return status;
	if (!strstr(g->gdb.packet, "PacketSize="))
		return ws_gdb_refuse(target->ctx, &g->gdb,
				     "it does not say what it supports");
	g->nstopped = g->gdb.nstopped;
	g->was_running = g->nstopped > 0;
	if ((status = guard(target)) || (status = be_physical(target)))
		return status;
	/* It is QEMU's: the next packet acknowledges the last (gdb_read_byte()). */
	g->gdb.no_ack = true;
	return WS_OK;
}

/* ---- memory ----------------------------------------------------------------------- */

static enum ws_status ask_parts(struct ws_gdb_target *g, uint64_t pa, unsigned n)
{
	enum ws_status status = WS_OK;
	char question[64];

	for (unsigned i = 0; i < n && !status; i++, pa += PART) {
		snprintf(question, sizeof(question), "m%jx,%x", (uintmax_t)pa, PART);
		status = ws_gdb_send(g->ctx, &g->gdb, question);
	}
	return status;
}

static enum ws_status take_part(struct ws_gdb_target *g, uint64_t pa, uint8_t *to)
{
	enum ws_status status = ws_gdb_receive(g->ctx, &g->gdb, "reading memory");

	if (status || ws_gdb_bytes(&g->gdb, to, PART))
		return status;
	return ws_fail(g->ctx, WS_ERR_UNREADABLE,
		       "%s: the stub does not give the %u bytes at physical %#jx: %.20s",
		       g->gdb.peer.name, PART, (uintmax_t)pa,
		       g->gdb.n ? g->gdb.packet : "it knows no such question");
}

static enum ws_status fetch(struct ws_target *target, uint64_t pa, size_t n,
			    uint8_t *frames)
{
	struct ws_gdb_target *g = target->priv;
	size_t left = n * (WS_FRAME_SIZE / PART);
	enum ws_status status = WS_OK;

	while (left && !status) {
		unsigned many = left < AT_ONCE ? (unsigned)left : AT_ONCE;

		ws_peer_begin(&g->gdb.peer);
		status = ask_parts(g, pa, many);
		for (unsigned i = 0; i < many && !status; i++, pa += PART, frames += PART)
			status = take_part(g, pa, frames);
		left -= many;
	}
	return status;
}

static enum ws_evidence gdb_copy_frames(struct ws_target *target, unsigned worker,
					uint64_t ordinal, size_t n, uint8_t *frames,
					size_t *got)
{
	struct ws_gdb_target *g = target->priv;
	enum ws_evidence evidence;

	(void)worker;
	pthread_mutex_lock(&g->lock);
	evidence = ws_fetched_copy(target, g->ctx, &g->fetched, fetch, ordinal, n, frames,
				   got);
	pthread_mutex_unlock(&g->lock);
	return evidence;
}

static enum ws_status gdb_read(struct ws_target *target, uint64_t pa, void *bytes,
			       size_t n)
{
	struct ws_gdb_target *g = target->priv;

	return ws_gdb_read(target->ctx, &g->gdb, pa, bytes, n);
}

static enum ws_status gdb_write(struct ws_target *target, uint64_t pa, const void *bytes,
				size_t n)
{
	struct ws_gdb_target *g = target->priv;

	return ws_gdb_write(target->ctx, &g->gdb, pa, bytes, n);
}

static enum ws_status gdb_flush(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;

	return ws_gdb_flush(target->ctx, &g->gdb);
}

/* ---- open and close --------------------------------------------------------------- */

static enum ws_status monitor(struct ws_target *target, const char *line,
			      enum ws_status (*take)(struct ws_target *target,
						     const char *text))
{
	struct ws_gdb_target *g = target->priv;
	ws_autofree char *text = NULL;
	enum ws_status status = ws_gdb_monitor(target->ctx, &g->gdb, line, &text);

	if (status)
		return status;
	return text ? take(target, text)
		    : not_for_us(target, "monitor behind it (qRcmd)");
}

static enum ws_status gdb_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	struct ws_gdb_target *g;
	enum ws_status status;

	if (!options->stop)
		return ws_fail(
			target->ctx, WS_ERR_USAGE,
			"%s: a gdbstub stops the machine as soon as somebody "
			"connects: --stop says that it may be stopped; qemu:SOCKET "
			"reads one that runs on",
			target->named);
	g = calloc(1, sizeof(*g));
	if (!g)
		return ws_fail_memory(target->ctx);
	target->priv = g;
	pthread_mutex_init(&g->lock, NULL);
	g->fetched = ws_fetched_none;
	g->gdb.peer.fd = -1;
	g->gdb.peer.name = target->named;
	g->gdb.peer.patience = options->timeout;
	g->ctx = ws_context_create();
	if (!g->ctx)
		return ws_fail_memory(target->ctx);
	if ((status = attach(target)) ||
	    (status = monitor(target, WS_MONITOR_REGISTERS, ws_read_monitor_registers)) ||
	    (status = monitor(target, WS_MONITOR_MEMORY, ws_read_memory_tree)))
		return status;
	return ws_gdb_read_registers(target);
}

static enum ws_status gdb_looked(struct ws_target *target)
{
	const struct ws_gdb_target *g = target->priv;

	if (g->gdb.nstopped == g->nstopped)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_SYSTEM,
		"%s: somebody let it run on while it was stopped to be read: there "
		"is no answer",
		target->named);
}

static void gdb_close(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;

	if (!g)
		return;
	leave(target);
	ws_gdb_close(&g->gdb);
	ws_fetched_release(&g->fetched);
	ws_context_destroy(g->ctx);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

const struct ws_target_ops ws_target_gdb = {
	.kind = "gdb",
	.title = "virtual machine behind a gdbstub",
	.about =
		"A QEMU anywhere, by its gdbstub (-s, or -gdb unix:SOCKET,server=on), "
		"which stops it while it is read. Slow: QEMU answers for 2 KiB at a time.",
	.header = "range of the memory map",
	.scheme = "gdb:HOST:PORT",
	.can_stop = true,
	.open = gdb_open,
	.looked = gdb_looked,
	.copy_frames = gdb_copy_frames,
	.read = gdb_read,
	.write = gdb_write,
	.flush = gdb_flush,
	.close = gdb_close,
};
