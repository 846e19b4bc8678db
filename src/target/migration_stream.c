/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration stream read from its front, a few bytes at a time, and how it ended. */
#include "target/migration.h"

#include <string.h>

const uint8_t *ws_stream_peek(struct ws_stream *s, size_t n)
{
	if (s->at < s->buffered || s->at - s->buffered > s->have ||
	    n > s->have - (s->at - s->buffered)) {
		s->buffered = s->at;
		if (ws_file_read(&s->target->file, s->at, s->buffer, WS_STREAM_BUFFER,
				 &s->have) == WS_FAILED)
			s->failed = true;
		s->cut |= !s->failed && s->have < n;
	}
	return s->failed || s->cut ? NULL : s->buffer + (s->at - s->buffered);
}

const uint8_t *ws_stream_take(struct ws_stream *s, size_t n)
{
	const uint8_t *bytes = ws_stream_peek(s, n);

	if (bytes)
		s->at += n;
	return bytes;
}

bool ws_stream_skip(struct ws_stream *s, uint64_t n)
{
	if (n > UINT64_MAX - s->at)
		return ws_stream_flaw(s, s->at, "a length that no file has");
	s->at += n;
	return true;
}

bool ws_stream_name(struct ws_stream *s, char name[static WS_STREAM_NAME + 1])
{
	const uint8_t *bytes = ws_stream_take(s, 1);
	size_t len = bytes ? *bytes : 0;

	if (bytes)
		bytes = ws_stream_take(s, len);
	if (!bytes)
		return false;
	memcpy(name, bytes, len);
	name[len] = '\0';
	return strlen(name) == len ||
	       ws_stream_flaw(s, s->at - len, "a name with a zero in it");
}

bool ws_stream_flaw(struct ws_stream *s, uint64_t at, const char *flaw)
{
	if (!s->flaw) {
		s->flaw = flaw;
		s->flaw_at = at;
	}
	return false;
}
