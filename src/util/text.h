/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text, or bytes, printed into memory, all of them or none. open_memstream() of glibc
 * drops what it has no memory for, and neither ferror() nor fclose() says so.
 *
 *	struct ws_text text;
 *	FILE *to = ws_text_open(&text);
 *
 *	if (!to)
 *		return ...memory is short...;
 *	fprintf(to, ...);
 *	words = ws_text_close(&text, NULL);
 *	if (!words)
 *		return ...memory is short...;
 */
#ifndef WS_UTIL_TEXT_H
#define WS_UTIL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Stays where it is from open to close. */
struct ws_text {
	FILE *to;
	char *bytes; /* size of them, and a NUL */
	size_t size, room;
};

static inline ssize_t ws_text_write(void *cookie, const char *bytes, size_t n)
{
	struct ws_text *text = cookie;
	size_t room = text->room ? text->room : 128;
	char *grown;

	while (room <= text->size + n)
		room *= 2;
	grown = room > text->room ? realloc(text->bytes, room) : text->bytes;
	if (!grown)
		return 0; /* which stdio takes for an error */
	memcpy(grown + text->size, bytes, n);
	text->bytes = grown;
	text->room = room;
	text->size += n;
	text->bytes[text->size] = '\0';
	return (ssize_t)n;
}

/* Enough for ftell(). */
static inline int ws_text_seek(void *cookie, off64_t *offset, int whence)
{
	const struct ws_text *text = cookie;

	if (whence == SEEK_SET || *offset)
		return -1;
	*offset = (off64_t)text->size;
	return 0;
}

/* The stream to print to; NULL: memory is short. */
static inline FILE *ws_text_open(struct ws_text *text)
{
	*text = (struct ws_text){ 0 };
	text->to = fopencookie(
		text, "w",
		(cookie_io_functions_t){ .write = ws_text_write, .seek = ws_text_seek });
	return text->to;
}

/*
 * Ends it. All that was printed, to be freed, with a NUL behind it; its length in *size,
 * unless that is NULL. NULL: memory was short.
 */
static inline char *ws_text_close(struct ws_text *text, size_t *size)
{
	bool failed = fflush(text->to) != 0 || ferror(text->to);

	ws_text_write(text, "", 0); /* where nothing was printed, the NUL is still due */
	if (fclose(text->to) != 0 || failed || !text->bytes) {
		free(text->bytes);
		return NULL;
	}
	if (size)
		*size = text->size;
	return text->bytes;
}

/* What printf() would print, to be freed; NULL: memory is short. */
static inline char *__attribute__((format(printf, 1, 0)))
ws_text_of_args(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

static inline char *__attribute__((format(printf, 1, 2))) ws_text_of(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	return text;
}

#endif
