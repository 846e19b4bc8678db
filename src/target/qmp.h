/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's machine protocol (docs/interop/qmp-spec): one line of JSON asks, one answers, and
 * events come in between.
 */
#ifndef WS_TARGET_QMP_H
#define WS_TARGET_QMP_H

#include <jansson.h>

#include "target/peer.h"

struct ws_qmp {
	struct ws_peer peer;
	char *line; /* the last that has arrived; room for so many bytes */
	size_t room;
	unsigned asked;    /* commands: each has its number */
	bool unreadable;   /* something came that is no line of the protocol */
	bool ran;          /* an event: it runs (again), or was reset */
	char refusal[200]; /* what QEMU said to the last command that it refused */
};

/* Connects, and sees that a QMP is there. The peer's name and patience are set. */
enum ws_status ws_qmp_open(struct ws_context *ctx, struct ws_qmp *qmp,
			   const char *address) WS_MUST_CHECK;
void ws_qmp_close(struct ws_qmp *qmp);

/*
 * Carries out a command. arguments: NULL, or taken over; fd: one that goes with it, or -1.
 * *answer, NULL unless it is wanted, is the caller's to json_decref(). WS_ERR_NOT_FOUND,
 * without a message: QEMU refused, and qmp->refusal is why.
 */
enum ws_status ws_qmp_ask(struct ws_context *ctx, struct ws_qmp *qmp, const char *command,
			  json_t *arguments, int fd, json_t **answer) WS_MUST_CHECK;

/* What the human monitor prints at a line, to be freed. */
enum ws_status ws_qmp_human(struct ws_context *ctx, struct ws_qmp *qmp, const char *line,
			    char **text) WS_MUST_CHECK;

/* The message for a command that was refused and must not be. WS_ERR_UNSUPPORTED. */
enum ws_status ws_qmp_refused(struct ws_context *ctx, const struct ws_qmp *qmp,
			      const char *command);

/* Takes the events that have come meanwhile. False: the connection is gone. */
bool ws_qmp_listen(struct ws_qmp *qmp);

#endif
