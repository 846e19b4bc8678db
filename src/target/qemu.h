/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running QEMU as a target: what its parts share. */
#ifndef WS_TARGET_QEMU_H
#define WS_TARGET_QEMU_H

#include <pthread.h>

#include "target/fetched.h"
#include "target/gdb_packets.h"
#include "target/guard.h"
#include "target/qmp.h"
#include "target/target.h"

/* Memory that QEMU writes to a file for us, a piece at a time. */
struct ws_saved {
	int fd;       /* of the file; -1: there is none */
	char *path;   /* as QEMU is told it */
	char *folder; /* that is ours alone; NULL: the file has no name, QEMU has its fd */
	struct ws_guard guard; /* that removes a file with a name */
	int64_t set;           /* QEMU's number of the set with that fd */
	struct ws_fetched fetched;
};

/* QEMU's own gdbstub, which it opens for us: the way to write to its memory. */
struct ws_stub {
	char *folder,
		*path; /* of its socket, in a folder that is ours alone; NULL: none */
	struct ws_gdb gdb;
};

#define WS_QEMU_CONTINUE "{\"execute\":\"cont\"}\n"

/* Owned by the target, as its priv. */
struct ws_qemu {
	struct ws_qmp qmp;
	/* One for all, in an order: a stub that closes after the machine runs on stops it. */
	struct ws_guard guard;
	bool stopped;         /* by us */
	pthread_mutex_t lock; /* over qmp and saved, while workers read */
	/* Of what goes wrong while they do: nobody else's context may be touched then. */
	struct ws_context *ctx;
	int mem; /* QEMU's memory, /proc/PID/mem; -1: it cannot be had */
	struct ws_saved saved;
	struct ws_stub stub; /* from the first write on */
	WS_VEC(uint64_t)
	hosts; /* where ranges begin in QEMU's memory, by piece->header */
};

/* Finds the fastest way to read it that works, with a note on what keeps it from a faster. */
enum ws_status ws_qemu_memory_open(struct ws_target *target) WS_MUST_CHECK;
void ws_qemu_memory_close(struct ws_target *target);

/*
 * Has a file that QEMU can write to: one without a name, whose descriptor QEMU is sent, or
 * one that both can open.
 */
enum ws_status ws_qemu_saved_open(struct ws_target *target) WS_MUST_CHECK;
void ws_qemu_saved_close(struct ws_qemu *qemu);
/* A new folder that nobody else may look into, to be freed; NULL, with errno: none. */
char *ws_qemu_folder(void);
/* Memory from pa on is at the file's beginning then; whoever calls has the lock. */
enum ws_status ws_qemu_save(struct ws_context *ctx, struct ws_qemu *qemu, uint64_t pa,
			    uint64_t len) WS_MUST_CHECK;
enum ws_evidence ws_qemu_saved_copy(struct ws_target *target, uint64_t ordinal, size_t n,
				    uint8_t *frames, size_t *got);

/* As struct ws_target_ops has them. */
enum ws_status ws_qemu_read(struct ws_target *target, uint64_t pa, void *bytes,
			    size_t n) WS_MUST_CHECK;
enum ws_status ws_qemu_write(struct ws_target *target, uint64_t pa, const void *bytes,
			     size_t n) WS_MUST_CHECK;
enum ws_status ws_qemu_flush(struct ws_target *target) WS_MUST_CHECK;
/* Nobody can write any more; the machine is as it was. */
void ws_qemu_stub_close(struct ws_qemu *qemu);
enum ws_evidence ws_qemu_copy_frames(struct ws_target *target, unsigned worker,
				     uint64_t ordinal, size_t n, uint8_t *frames,
				     size_t *got);

#endif
