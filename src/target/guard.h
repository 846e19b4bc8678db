/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Puts right what must not be left behind, however this process ends: another process waits for
 * that, and then lets the machine that was stopped run on, and removes a temporary file. No
 * signal's handling is changed, and SIGKILL is no way out either.
 */
#ifndef WS_TARGET_GUARD_H
#define WS_TARGET_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

/* Bytes that are sent to a socket; NULL: none. */
struct ws_last_words {
	int socket; /* -1: none */
	const char *bytes;
};

#define WS_LAST_WORDS 2u
#define WS_LAST_WORDS_MAX 500u /* bytes of those that are replaced */

/* What is to be done, in this order. The guard has copies of all strings. */
struct ws_last_will {
	const char *file; /* to be removed, and then folder; NULL: none */
	const char *folder;
	struct ws_last_words words[WS_LAST_WORDS];
};

struct ws_guard {
	pid_t child; /* 0: there is none */
	int life;    /* closed where this process ends */
};

/* False, with errno: there is none. */
bool ws_guard_start(struct ws_guard *guard, const struct ws_last_will *will);
/* Other bytes for its first socket; false, with errno: it goes on with those that it has. */
bool ws_guard_say(const struct ws_guard *guard, const char *bytes);
/* All is in order already: nothing is to be done. */
void ws_guard_end(struct ws_guard *guard);
/* It is to be done now, and this process goes on without waiting. */
void ws_guard_leave(struct ws_guard *guard);

#endif
