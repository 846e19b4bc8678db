/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/number.h"

/* ---- time ------------------------------------------------------------------------- */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

void ws_peer_begin(struct ws_peer *peer)
{
	peer->deadline = now() + (peer->patience ? peer->patience : WS_PEER_PATIENCE) *
					 INT64_C(1000);
}

static bool fail(struct ws_peer *peer, int error)
{
	peer->error = error;
	return false;
}

/* Until the socket can be read from (POLLIN) or written to, or time is over. */
static bool wait_for(struct ws_peer *peer, short what)
{
	struct pollfd poll_fd = { .fd = peer->fd, .events = what };
	int64_t left;
	int n;

	do {
		left = peer->deadline - now();
		if (left <= 0)
			return fail(peer, ETIMEDOUT);
		n = poll(&poll_fd, 1, left < INT32_MAX ? (int)left : INT32_MAX);
	} while (!n || (n < 0 && errno == EINTR));
	return n > 0 || fail(peer, errno);
}

/* ---- bytes ------------------------------------------------------------------------ */

static ssize_t send_some(struct ws_peer *peer, const void *bytes, size_t n, int fd)
{
	union {
		struct cmsghdr header; /* aligns it */
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = n };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(peer->fd, &message, MSG_NOSIGNAL);
}

bool ws_peer_send(struct ws_peer *peer, const void *bytes, size_t n, int fd)
{
	const uint8_t *from = bytes;

	while (n) {
		ssize_t sent = send_some(peer, from, n, fd);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			return fail(peer, errno);
		if (sent < 0 && !wait_for(peer, POLLOUT))
			return false;
		if (sent <= 0)
			continue;
		from += sent;
		n -= (size_t)sent;
		fd = -1;
	}
	return true;
}

/* What has arrived: 1; nothing yet: 0; -1: nothing more will. */
static int receive(struct ws_peer *peer)
{
	ssize_t n;

	do {
		n = recv(peer->fd, peer->buffer, sizeof(peer->buffer), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		fail(peer, n ? errno : EPIPE);
		return -1;
	}
	peer->at = 0;
	peer->have = (size_t)n;
	return 1;
}

bool ws_peer_fill(struct ws_peer *peer)
{
	int got;

	/* Who sends without end is not heard beyond his time either. */
	if (now() >= peer->deadline)
		return fail(peer, ETIMEDOUT);
	while (!(got = receive(peer)))
		if (!wait_for(peer, POLLIN))
			return false;
	return got > 0;
}

bool ws_peer_has(struct ws_peer *peer)
{
	return peer->at < peer->have || receive(peer) > 0;
}

/* ---- connection ------------------------------------------------------------------- */

/* Of HOST:PORT the colon; NULL: it is a path. */
static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	uint64_t port;

	return colon && !strchr(address, '/') &&
			       ws_number(colon + 1, WS_DECIMAL, UINT16_MAX, &port)
		       ? colon
		       : NULL;
}

/* Whether it is connected within its time. */
static bool connect_to(struct ws_peer *peer, const struct sockaddr *to, socklen_t size)
{
	socklen_t length = sizeof(peer->error);

	peer->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->fd < 0)
		return fail(peer, errno);
	if (!connect(peer->fd, to, size))
		return true;
	if (errno != EINPROGRESS)
		return fail(peer, errno);
	if (!wait_for(peer, POLLOUT))
		return false;
	getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &peer->error, &length);
	return !peer->error;
}

static enum ws_status connect_path(struct ws_context *ctx, struct ws_peer *peer,
				   const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(to.sun_path))
		return ws_fail(ctx, WS_ERR_USAGE,
			       "%s: a socket's path has 1 to %zu characters, or it is "
			       "HOST:PORT",
			       peer->name, sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path));
	return connect_to(peer, (const struct sockaddr *)&to, sizeof(to))
		       ? WS_OK
		       : ws_peer_fail(ctx, peer, "connecting");
}

/* The first of the host's addresses that answers. */
static enum ws_status connect_host(struct ws_context *ctx, struct ws_peer *peer,
				   const char *address, const char *colon)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	bool bracketed = *address == '[' && colon[-1] == ']';
	ws_autofree char *host =
		strndup(address + bracketed, (size_t)(colon - address) - 2 * bracketed);
	bool connected = false;
	int error;

	if (!host)
		return ws_fail_memory(ctx);
	error = getaddrinfo(host, colon + 1, &hints, &found);
	if (error)
		return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s: is the host right?",
			       peer->name, gai_strerror(error));
	for (struct addrinfo *a = found; a && !connected; a = a->ai_next) {
		ws_peer_close(peer);
		connected = connect_to(peer, a->ai_addr, a->ai_addrlen);
	}
	freeaddrinfo(found);
	return connected ? WS_OK : ws_peer_fail(ctx, peer, "connecting");
}

enum ws_status ws_peer_connect(struct ws_context *ctx, struct ws_peer *peer,
			       const char *address)
{
	const char *colon = port_of(address);

	ws_peer_begin(peer);
	return colon && colon > address ? connect_host(ctx, peer, address, colon)
					: connect_path(ctx, peer, address);
}

void ws_peer_close(struct ws_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

pid_t ws_peer_pid(const struct ws_peer *peer)
{
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);

	return getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ? 0 : who.pid;
}

/* ---- what went wrong -------------------------------------------------------------- */

static const struct {
	int error;
	const char *what, *advice;
} endings[] = {
	{ ETIMEDOUT, "no answer in time",
	  ": it is busy or stuck, or serves another client first; --timeout gives it more" },
	{ EPIPE, "the connection was closed",
	  ": has the machine ended, or is another client in the way?" },
	{ ECONNRESET, "the connection was closed",
	  ": has the machine ended, or is another client in the way?" },
	{ ECONNREFUSED, "nobody listens there", ": does the machine run?" },
	{ ENOENT, "there is no such socket", ": does the machine run?" },
	{ EAGAIN, "too many wait there already", ": does another client use it?" },
};

static size_t ending_of(int error)
{
	size_t i = 0;

	while (i < WS_ARRAY_SIZE(endings) && endings[i].error != error)
		i++;
	return i;
}

const char *ws_peer_why(const struct ws_peer *peer)
{
	size_t i = ending_of(peer->error);

	return i < WS_ARRAY_SIZE(endings) ? endings[i].what : strerror(peer->error);
}

enum ws_status ws_peer_fail(struct ws_context *ctx, const struct ws_peer *peer,
			    const char *doing)
{
	size_t i = ending_of(peer->error);

	return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s: %s%s", peer->name, doing,
		       ws_peer_why(peer),
		       i < WS_ARRAY_SIZE(endings) ? endings[i].advice : "");
}
