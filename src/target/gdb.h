/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine behind a gdbstub as a target: what its parts share. */
#ifndef WS_TARGET_GDB_H
#define WS_TARGET_GDB_H

#include <pthread.h>

#include "target/fetched.h"
#include "target/gdb_packets.h"
#include "target/guard.h"

/* Owned by the target, as its priv. */
struct ws_gdb_target {
	struct ws_gdb gdb;
	struct ws_guard guard;
	bool attached;          /* it is to be left as it was */
	bool was_running;       /* before: then it is to run on */
	bool detached;          /* it was told to run on, and has not answered */
	bool was_physical;      /* the stub's memory mode before */
	unsigned nstopped;      /* stop replies that there were to be */
	pthread_mutex_t lock;   /* over gdb and fetched, while workers read */
	struct ws_context *ctx; /* of what goes wrong while they do */
	struct ws_fetched fetched;
};

/*
 * Registers of the processors that there are, which the stub's description of the target
 * (target.xml) names and nothing else has said.
 */
enum ws_status ws_gdb_read_registers(struct ws_target *target) WS_MUST_CHECK;

#endif
