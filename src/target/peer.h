/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A conversation over a socket with a peer that may be slow, silent, gone or hostile: no
 * answer is waited for longer than was said, and none may be longer than was said.
 */
#ifndef WS_TARGET_PEER_H
#define WS_TARGET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "context.h"

#define WS_PEER_PATIENCE 20u /* seconds, where nothing else is said */
#define WS_PEER_BUFFER (64u << 10)

/* For one thread at a time. Zeroed but for fd, -1: not connected. */
struct ws_peer {
	int fd;
	const char *name;  /* "qemu:/run/vm", for messages; the caller's */
	unsigned patience; /* seconds that an answer may take */
	int64_t deadline;  /* of the one that is waited for, in ms of CLOCK_MONOTONIC */
	int error;         /* errno of what ended it; ETIMEDOUT, EPIPE: it was closed */
	size_t at, have;   /* in buffer: what has arrived and was not taken */
	uint8_t buffer[WS_PEER_BUFFER];
};

/* HOST:PORT, with an IPv6 address in brackets, or the path of a UNIX socket. */
enum ws_status ws_peer_connect(struct ws_context *ctx, struct ws_peer *peer,
			       const char *address) WS_MUST_CHECK;
void ws_peer_close(struct ws_peer *peer);
/* The process that made the UNIX socket, by what this machine's kernel says; 0: unknown. */
pid_t ws_peer_pid(const struct ws_peer *peer);

/* From now on the peer has its time, for what it is sent and for what it answers. */
void ws_peer_begin(struct ws_peer *peer);
/* fd: a file descriptor that goes with it; -1: none. False: peer->error says why. */
bool ws_peer_send(struct ws_peer *peer, const void *bytes, size_t n, int fd);
/* Waits until something is in the buffer. False: peer->error says why. */
bool ws_peer_fill(struct ws_peer *peer);
/* The same without waiting: whether something is there. */
bool ws_peer_has(struct ws_peer *peer);

/* The next byte; -1: peer->error says why there is none. */
static inline int ws_peer_byte(struct ws_peer *peer)
{
	if (peer->at == peer->have && !ws_peer_fill(peer))
		return -1;
	return peer->buffer[peer->at++];
}

/* WS_ERR_UNREADABLE, with what was being done, why it failed, and what to do about it. */
enum ws_status ws_peer_fail(struct ws_context *ctx, const struct ws_peer *peer,
			    const char *doing);
/* The same in the words of strerror(), of peer->error alone. */
const char *ws_peer_why(const struct ws_peer *peer);

#endif
