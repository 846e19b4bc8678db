/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log before 3.5: characters in a ring, log_end of which have ever been
 * written, so that log_end modulo the ring's length is where the next will be. A line
 * begins with its level, "<6>", and the time where CONFIG_PRINTK_TIME is set.
 */
#include "linux/log.h"

#include <stdlib.h>
#include <string.h>

struct line {
	const uint8_t *v;
	size_t len;
};

/* "<6>": a level and a facility, in decimal, as syslog has them. */
static void take_level(struct line *line, struct ws_log_record *record)
{
	unsigned value = 0;
	size_t n = 1;

	if (!line->len || line->v[0] != '<')
		return;
	for (; n < line->len && n < 4 && line->v[n] >= '0' && line->v[n] <= '9'; n++)
		value = value * 10 + (line->v[n] - '0');
	if (n == 1 || n >= line->len || line->v[n] != '>' || value > 0xff)
		return;
	record->has_level = true;
	record->level = value & 7;
	record->facility = (uint8_t)(value >> 3);
	line->v += n + 1;
	line->len -= n + 1;
}

static bool take_digits(const struct line *line, size_t *at, uint64_t *value)
{
	size_t from = *at;

	*value = 0;
	for (; *at < line->len && *at - from < 10 && line->v[*at] >= '0' &&
	       line->v[*at] <= '9';
	     (*at)++)
		*value = *value * 10 + (line->v[*at] - '0');
	return *at > from;
}

/* "[    0.000000] ": seconds and microseconds. */
static void take_time(struct line *line, struct ws_log_record *record)
{
	uint64_t seconds, micros;
	size_t at = 1, from;

	if (!line->len || line->v[0] != '[')
		return;
	while (at < line->len && line->v[at] == ' ')
		at++;
	if (!take_digits(line, &at, &seconds) || at == line->len || line->v[at++] != '.')
		return;
	from = at;
	if (!take_digits(line, &at, &micros) || at - from != 6 || at == line->len ||
	    line->v[at++] != ']')
		return;
	if (at < line->len && line->v[at] == ' ')
		at++;
	record->has_time = true;
	record->time = seconds * 1000000000 + micros * 1000;
	line->v += at;
	line->len -= at;
}

static void take_line(struct ws_log_store *store, struct line line, bool damaged)
{
	struct ws_log_record record = { .damaged = damaged };

	take_level(&line, &record);
	take_time(&line, &record);
	ws_log_add(store, &record, line.v, line.len);
}

/* What was overwritten shows by bytes that no message has. */
static bool is_damaged(const uint8_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ws_log_is_text(v[i]))
			return true;
	return false;
}

/* wrapped: the first line's beginning is overwritten by newer ones, as it should be. */
static void take_lines(struct ws_log_store *store, const uint8_t *v, size_t len,
		       bool wrapped)
{
	while (len && !store->short_of_memory) {
		const uint8_t *end = memchr(v, '\n', len);
		size_t n = end ? (size_t)(end - v) : len;

		if (wrapped)
			wrapped = false;
		else if (is_damaged(v, n))
			store->bytes_lost += n;
		else
			take_line(store, (struct line){ v, n }, false);
		v += n + !!end;
		len -= n + !!end;
	}
}

static enum ws_log_way take_ring(struct ws_log_store *store,
				 const struct ws_log_bytes *bytes, uint32_t log_end)
{
	size_t len = bytes->len, start = log_end > len ? log_end % len : 0;
	size_t n = log_end > len ? len : log_end;
	uint8_t *v = malloc(len + 1);

	if (!v) {
		store->short_of_memory = true;
		return WS_LOG_NOT_HERE;
	}
	memcpy(v, bytes->v + start, len - start);
	memcpy(v + len - start, bytes->v, start);
	take_lines(store, v, n, log_end > len);
	free(v);
	if (store->records.n)
		return WS_LOG_TAKEN;
	return bytes->absent ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
}

/* log_buf is a pointer to a ring whose length is a power of two. */
static enum ws_evidence read_variables(struct ws_system *system, uint64_t *va,
				       uint32_t *len, uint32_t *log_end)
{
	uint64_t buf_at = ws_variable(system, "log_buf"),
		 len_at = ws_variable(system, "log_buf_len"),
		 end_at = ws_variable(system, "log_end");
	enum ws_evidence evidence;

	if (!buf_at || !len_at || !end_at)
		return WS_NOT_MAPPED;
	evidence = ws_kernel_word(system, buf_at, va);
	if (evidence == WS_READ)
		evidence = ws_kernel_u32(system, len_at, len);
	if (evidence == WS_READ)
		evidence = ws_kernel_u32(system, end_at, log_end);
	return evidence;
}

enum ws_log_way ws_log_text(struct ws_system *system, struct ws_log_store *store)
{
	enum ws_log_way way = WS_LOG_NOT_HERE;
	struct ws_log_bytes bytes = { 0 };
	enum ws_evidence evidence;
	uint32_t len, log_end;
	uint64_t va;

	store->log.kind = WS_LOG_TEXT;
	evidence = read_variables(system, &va, &len, &log_end);
	if (evidence != WS_READ)
		return evidence == WS_ABSENT ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
	if (len < 1024 || len & (len - 1) || !ws_is_kernel_va(system, va))
		return WS_LOG_NOT_HERE;
	if (ws_log_read(system, va, len, &bytes))
		way = take_ring(store, &bytes, log_end);
	ws_log_release(&bytes);
	return way;
}

/* ---- found in memory -------------------------------------------------------------- */

/* A line whose level is written before it, and that is text to its end. */
static bool is_line(const uint8_t *v, size_t len)
{
	const uint8_t *end = memchr(v, '\n', len);
	size_t n = end ? (size_t)(end - v) : len;

	return n > 4 && v[0] == '<' && v[1] >= '0' && v[1] <= '7' && v[2] == '>' &&
	       ws_log_text_run(v, n) == n;
}

static bool page_has_lines(unsigned word, const uint8_t *page)
{
	const uint8_t *end = page + WS_FRAME_SIZE, *at = page;
	unsigned n = is_line(page, WS_FRAME_SIZE);

	(void)word;
	while (n < WS_LOG_SHAPE_MIN && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		n = is_line(at, (size_t)(end - at)) ? n + 1 : 0;
	}
	return n >= WS_LOG_SHAPE_MIN;
}

/* The time of the first line at or behind at. */
static bool time_at(const struct ws_log_bytes *bytes, size_t at, uint64_t *time)
{
	struct ws_log_record record = { 0 };
	struct line line = { bytes->v + at, bytes->len - at };

	take_level(&line, &record);
	take_time(&line, &record);
	*time = record.time;
	return record.has_time;
}

/*
 * Where time goes back the ring's oldest whole line is; 0: nowhere. *newest: where what is
 * left of the line before it begins, over which the newest was written.
 */
static size_t find_seam(const struct ws_log_bytes *bytes, size_t *newest)
{
	uint64_t last = 0, time;
	size_t last_at = 0;

	for (size_t at = 0; at + 1 < bytes->len; at++) {
		const uint8_t *end;

		if ((at && bytes->v[at - 1] != '\n') || !time_at(bytes, at, &time))
			continue;
		if (time < last) {
			end = memchr(bytes->v + last_at, '\n', bytes->len - last_at);
			*newest = (size_t)(end - bytes->v) + 1;
			return at;
		}
		last = time;
		last_at = at;
	}
	return 0;
}

enum ws_log_way ws_log_search_text(struct ws_system *system, uint64_t first,
				   uint64_t last, struct ws_log_store *store)
{
	struct ws_log_bytes bytes = { 0 };
	uint64_t va, len;
	size_t seam, newest = 0;

	store->log.kind = WS_LOG_TEXT;
	if (!ws_log_stretch(system, first, last, page_has_lines, &va, &len))
		return WS_LOG_NOT_HERE;
	if (ws_log_read(system, va, len, &bytes)) {
		seam = find_seam(&bytes, &newest);
		while (!newest && seam < bytes.len && !ws_log_is_text(bytes.v[seam]))
			seam++; /* the buffer begins in the stretch */
		take_lines(store, bytes.v + seam, bytes.len - seam, false);
		take_lines(store, bytes.v, newest, false);
	}
	ws_log_release(&bytes);
	return ws_log_convinces(store) ? WS_LOG_TAKEN : WS_LOG_NOT_HERE;
}
