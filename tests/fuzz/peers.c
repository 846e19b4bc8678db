/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Peers that lie: a QEMU's monitor, and a gdbstub. An input is what the peer says, an answer to
 * each question, one after the other; when it has no more to say it answers as a good one does,
 * whose memory is a capture's.
 */
#include "scene.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/bits.h"

#define QUESTION_MAX 16384u
#define ANSWER_MAX 16384u
#define QUIET 5 /* ms in which a question has to come: else the peer says more unasked */

/* What one kind of peer does: only what differs. */
struct protocol {
	const char *scheme;
	char end;        /* of a question, and of an answer, */
	unsigned behind; /* which has so many bytes more */
	bool speaks_first;
	const char *prelude; /* an answer that begins so is not the last to a question, */
	char but;            /* unless this follows */
	/* As a good one would; how long the answer is. */
	size_t (*answer)(const char *question, int fd, char *answer);
};

static struct {
	const struct protocol *protocol;
	const uint8_t *at, *end; /* what it is to say yet */
	bool left;               /* by who asked: a guard may linger */
	sem_t done;              /* with a conversation */
	int listener;
	char path[64];
	pthread_t thread;
} peer = { .listener = -1 };

/* ---- good answers ----------------------------------------------------------------- */

static void read_memory(uint64_t pa, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *frame = scene_frame(scene_at(0), pa + i);

		to[i] = frame ? frame[(pa + i) % WS_FRAME_SIZE] : 0;
	}
}

static uint64_t number_behind(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? strtoull(at + strlen(word), NULL, 0) : 0;
}

/* It writes memory to the file whose descriptor it was sent. */
static size_t answer_qmp(const char *question, int fd, char *answer)
{
	static uint8_t memory[64 * WS_FRAME_SIZE];
	uint64_t size = number_behind(question, "\"size\":");

	if (strstr(question, "pmemsave") && size <= sizeof(memory) && fd >= 0) {
		read_memory(number_behind(question, "\"val\":"), memory, size);
		(void)!pwrite(fd, memory, size, 0);
	}
	return (size_t)snprintf(
		answer, ANSWER_MAX, "{\"return\": %s, \"id\": %" PRIu64 "}\r\n",
		strstr(question, "add-fd") ? "{\"fdset-id\": 1, \"fd\": 9}" : "{}",
		number_behind(question, "\"id\":"));
}

static size_t answer_gdb(const char *question, int fd, char *answer)
{
	uint8_t memory[2048], sum = 0;
	const char *at = strchr(question, '$');
	uint64_t pa, size;
	size_t n = 1;

	(void)fd;
	*answer = '$';
	if (at && sscanf(at, "$m%" SCNx64 ",%" SCNx64, &pa, &size) == 2 &&
	    size <= sizeof(memory)) {
		read_memory(pa, memory, size);
		for (size_t i = 0; i < size; i++, n += 2)
			snprintf(answer + n, 3, "%02x", memory[i]);
	} else if (at && (at[1] == 'H' || at[1] == 'D' || at[1] == 'Q')) {
		memcpy(answer + n, "OK", 2);
		n += 2;
	}
	for (size_t i = 1; i < n; i++)
		sum = (uint8_t)(sum + answer[i]);
	return n + (size_t)snprintf(answer + n, 4, "#%02x", sum);
}

static const struct protocol
	qmp = { "qemu:", '\n', 0, true, "{\"event\"", 0, answer_qmp },
	gdb = { "gdb:", '#', 2, false, "$O", 'K', answer_gdb };

/* ---- the conversation ------------------------------------------------------------- */

/* Up to the end of a question or an answer; 0: it has none. */
static size_t whole(const void *bytes, size_t n)
{
	const char *end = n ? memchr(bytes, peer.protocol->end, n) : NULL;
	size_t len =
		end ? (size_t)(end - (const char *)bytes) + 1 + peer.protocol->behind : 0;

	return len <= n ? len : 0;
}

static bool is_prelude(const uint8_t *answer, size_t n)
{
	size_t len = strlen(peer.protocol->prelude);

	return n > len && !memcmp(answer, peer.protocol->prelude, len) &&
	       answer[len] != peer.protocol->but;
}

static bool say_next(int to)
{
	const uint8_t *from = peer.at;
	size_t n;

	do {
		size_t left = (size_t)(peer.end - peer.at);

		from = peer.at;
		n = whole(from, left);
		n = n ? n : left;
		peer.at += n;
		if (!n || send(to, from, n, MSG_NOSIGNAL) <= 0)
			return false;
	} while (is_prelude(from, n));
	return true;
}

static void answer(int to, const char *question, int fd)
{
	char text[ANSWER_MAX];

	if (!say_next(to))
		(void)!send(to, text, peer.protocol->answer(question, fd, text),
			    MSG_NOSIGNAL);
}

/* Some bytes of a question, and a descriptor if one comes with them. */
static ssize_t hear(int from, char *to, size_t n, int *fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = to, .iov_len = n };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);

	if (got <= 0 || !CMSG_FIRSTHDR(&message))
		return got;
	if (*fd >= 0)
		close(*fd);
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	return got;
}

/* Who hears nothing for long says more; who has nothing to say ends what he says. */
static void wait_or_speak(int with)
{
	struct pollfd poll_fd = { .fd = with, .events = POLLIN };

	while (!poll(&poll_fd, 1, QUIET))
		if (__atomic_load_n(&peer.left, __ATOMIC_ACQUIRE) || !say_next(with)) {
			shutdown(with, SHUT_RDWR);
			return;
		}
}

static void talk(int with)
{
	static char question[QUESTION_MAX + 1];
	size_t have = 0, len;
	ssize_t got;
	int fd = -1;

	if (peer.protocol->speaks_first)
		say_next(with);
	for (;;) {
		wait_or_speak(with);
		got = hear(with, question + have, QUESTION_MAX - have, &fd);
		if (got <= 0)
			break;
		have += (size_t)got;
		while ((len = whole(question, have))) {
			char next = question[len];

			question[len] = '\0';
			answer(with, question, fd);
			question[len] = next;
			memmove(question, question + len, have -= len);
		}
		if (have == QUESTION_MAX)
			break;
	}
	if (fd >= 0)
		close(fd);
}

static void *serve(void *arg)
{
	int with;

	(void)arg;
	while ((with = accept(peer.listener, NULL, NULL)) >= 0) {
		talk(with);
		close(with);
		sem_post(&peer.done);
	}
	return NULL;
}

/* ---- the kinds -------------------------------------------------------------------- */

static char folder[] = "/dev/shm/whosees-XXXXXX";

static void leave(void)
{
	unlink(peer.path);
	rmdir(folder);
}

static void listen_once(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (peer.listener >= 0)
		return;
	insist(mkdtemp(folder), "no folder can be made in /dev/shm");
	snprintf(peer.path, sizeof(peer.path), "%s/peer", folder);
	memcpy(at.sun_path, peer.path, sizeof(peer.path));
	peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	insist(peer.listener >= 0 && !bind(peer.listener, (void *)&at, sizeof(at)) &&
		       !listen(peer.listener, 1) && !sem_init(&peer.done, 0, 0) &&
		       !pthread_create(&peer.thread, NULL, serve, NULL),
	       "no socket can be listened to");
	atexit(leave);
}

static void look_at(struct ws_target *target)
{
	size_t n;
	const struct ws_extent *extent = ws_target_extents(target, &n);
	const uint8_t *frame;
	uint64_t value;

	for (size_t i = 0; i < n && i < 8; i++)
		if (ws_target_frame(target, extent[i].pa, &frame) == WS_READ)
			__asm__ volatile("" : : "r"(frame[0] + frame[WS_FRAME_SIZE - 1]));
	for (size_t i = 0; i < 8 && ws_target_cpu(target, i); i++)
		(void)ws_cpu_register(ws_target_cpu(target, i), "cr3", &value);
	for (unsigned i = 0; ws_target_note(target, i); i++)
		touch_text(ws_target_note(target, i));
	(void)!ws_target_looked(target, WS_OK);
}

static void converse(const struct protocol *protocol, const uint8_t *data, size_t size)
{
	const struct ws_target_options options = { .timeout = 1,
						   .stop = protocol == &gdb };
	char name[80];

	listen_once();
	peer.left = false;
	peer.protocol = protocol;
	peer.at = data;
	peer.end = data + size;
	snprintf(name, sizeof(name), "%s%s", protocol->scheme, peer.path);
	fuzz_open(name, &options, look_at);
	__atomic_store_n(&peer.left, true, __ATOMIC_RELEASE);
	while (sem_wait(&peer.done))
		;
	/* What was left to a guard is done when it is. */
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

void fuzz_qmp(const uint8_t *data, size_t size)
{
	converse(&qmp, data, size);
}

void fuzz_gdb(const uint8_t *data, size_t size)
{
	converse(&gdb, data, size);
}
