/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log of 3.5 (7ff9554bb578) to 5.9: records of any length, one behind the
 * other in a buffer; one whose length is 0 says that the next is at its start:
 *
 *	struct printk_log { u64 ts_nsec; u16 len, text_len, dict_len; u8 facility;
 *			    u8 flags:5, level:3; [u32 caller_id, since 5.1] };
 *
 * with the text behind it, and the dictionary. In 3.5 the last two bytes are one number,
 * facility * 8 + level, and the structure's name is log until 3.11.
 */
#include "linux/log.h"

#include <string.h>

#include "util/bits.h"

#define HEADER 16u /* without the caller */
#define NEWLINE 2u /* enum log_flags */
#define CONTINUES 8u

struct buffer {
	struct ws_system *system;
	struct ws_log_store *store;
	struct ws_log_bytes bytes;
	size_t first, next; /* where the oldest is, and where the next will be */
	size_t header;      /* bytes */
	bool has_caller;
	bool is_3_5; /* a record's last two bytes are one number */
	uint64_t time;
	bool has_seq;
	uint64_t seq;
};

struct entry {
	uint64_t time;
	size_t len, text_len, dict_len;
	uint8_t facility, level, flags;
};

static struct entry entry_at(const struct buffer *buffer, size_t at)
{
	const uint8_t *v = buffer->bytes.v + at;

	return (struct entry){
		.time = ws_le64(v),
		.len = ws_le16(v + 8),
		.text_len = ws_le16(v + 10),
		.dict_len = ws_le16(v + 12),
		.facility = v[14],
		.flags = v[15] & 0x1f,
		.level = v[15] >> 5,
	};
}

/* Its lengths add up, but for the padding, and its text begins as one. */
static bool is_entry(const struct buffer *buffer, size_t at)
{
	struct entry entry;
	size_t sum;

	if (at + buffer->header > buffer->bytes.len ||
	    !ws_log_is_there(&buffer->bytes, at, buffer->header))
		return false;
	entry = entry_at(buffer, at);
	sum = buffer->header + entry.text_len + entry.dict_len;
	if (entry.len < sum || entry.len - sum >= 8 || entry.len % 4 ||
	    entry.len > buffer->bytes.len - at || entry.text_len > WS_LOG_TEXT_MAX)
		return false;
	return !entry.text_len || ws_log_is_text(buffer->bytes.v[at + buffer->header]);
}

/* 4,294,967,295 s of uptime is more than any machine has. */
#define TIME_MAX (UINT64_C(1) << 62)

/* An entry behind which another is, or the end; none before the last time. */
static bool is_entry_in_row(const struct buffer *buffer, size_t at)
{
	struct entry entry;
	size_t next;

	if (!is_entry(buffer, at))
		return false;
	entry = entry_at(buffer, at);
	next = at + entry.len;
	if (entry.time < buffer->time || entry.time > TIME_MAX)
		return false;
	return next == buffer->next || is_entry(buffer, next) ||
	       (next + HEADER <= buffer->bytes.len && !entry_at(buffer, next).len);
}

static void take(struct buffer *buffer, size_t at)
{
	struct entry entry = entry_at(buffer, at);
	const uint8_t *v = buffer->bytes.v + at;
	struct ws_log_record record = {
		.has_seq = buffer->has_seq,
		.has_time = true,
		.has_level = true,
		.has_caller = buffer->has_caller,
		.seq = buffer->seq,
		.time = entry.time,
		.level = buffer->is_3_5 ? entry.facility & 7 : entry.level,
		.facility = buffer->is_3_5 ? entry.facility >> 3 : entry.facility,
		.continues = !buffer->is_3_5 && entry.flags & CONTINUES,
		.open = !buffer->is_3_5 && !(entry.flags & NEWLINE),
		.caller = buffer->has_caller ? ws_le32(v + HEADER) : 0,
	};

	buffer->time = entry.time;
	buffer->seq++;
	if (!ws_log_is_there(&buffer->bytes, at, buffer->header + entry.text_len))
		buffer->store->absent++;
	else
		ws_log_add(buffer->store, &record, v + buffer->header, entry.text_len);
}

/* From what is no entry to the next that is one, before end; the bytes are lost. */
static size_t resume(struct buffer *buffer, size_t at, size_t end)
{
	size_t from = at;

	while (at < end && !is_entry_in_row(buffer, at))
		at += 4;
	buffer->store->bytes_lost += (at < end ? at : end) - from;
	buffer->has_seq = false;
	return at;
}

/* The entries from at to end. */
static void take_stretch(struct buffer *buffer, size_t at, size_t end)
{
	while (at < end && !buffer->store->short_of_memory) {
		if (at + HEADER <= end && !entry_at(buffer, at).len &&
		    ws_log_is_there(&buffer->bytes, at, HEADER) && end != buffer->next)
			return; /* the next is at the buffer's start */
		if (!is_entry(buffer, at)) {
			at = resume(buffer, at, end);
			continue;
		}
		take(buffer, at);
		at += entry_at(buffer, at).len;
	}
}

static void take_all(struct buffer *buffer)
{
	if (buffer->first > buffer->next ||
	    (buffer->first == buffer->next && buffer->next)) {
		take_stretch(buffer, buffer->first, buffer->bytes.len);
		take_stretch(buffer, 0, buffer->next);
	} else {
		take_stretch(buffer, buffer->first, buffer->next);
	}
}

/* ---- which structure it is -------------------------------------------------------- */

/* How many entries lie in a row from at on, up to max. */
static unsigned row_length(const struct buffer *buffer, size_t at, unsigned max)
{
	unsigned n = 0;

	while (n < max && is_entry(buffer, at)) {
		at += entry_at(buffer, at).len;
		n++;
	}
	return n;
}

/*
 * Without a caller, with one, and padded where a u64 is aligned to its size. What is a row
 * with a longer header is one with a shorter too, for the padding behind a record.
 */
static const struct {
	size_t header;
	bool has_caller;
} headers[] = { { HEADER, false }, { HEADER + 4, true }, { HEADER + 8, true } };

static void choose_header(struct buffer *buffer, size_t at)
{
	unsigned best = 0;

	for (size_t i = 0; i < WS_ARRAY_SIZE(headers); i++) {
		struct buffer tried = *buffer;
		unsigned n;

		tried.header = headers[i].header;
		n = row_length(&tried, at, 64);
		if (!n || n < best)
			continue;
		best = n;
		buffer->header = headers[i].header;
		buffer->has_caller = headers[i].has_caller;
	}
}

/* Since 3.6 the last byte of a line's record is never 0: it has LOG_NEWLINE. */
static bool looks_3_5(const struct buffer *buffer, size_t at)
{
	unsigned n = 0;

	for (; is_entry(buffer, at); at += entry_at(buffer, at).len, n++)
		if (buffer->bytes.v[at + 15])
			return false;
	return n > 2;
}

static void find_header(struct buffer *buffer, size_t at)
{
	uint64_t size;

	buffer->header = HEADER;
	if (ws_vmcoreinfo(buffer->system, "SIZE", "printk_log", &size) ||
	    ws_vmcoreinfo(buffer->system, "SIZE", "log", &size)) {
		if (size >= HEADER && size <= 64) {
			buffer->header = size;
			buffer->has_caller = size > HEADER;
		}
	} else {
		choose_header(buffer, at);
	}
	buffer->is_3_5 = looks_3_5(buffer, at);
}

/* ---- by its variables ------------------------------------------------------------- */

static enum ws_evidence read_variables(struct ws_system *system, uint64_t *va,
				       uint32_t *len, uint32_t *first, uint32_t *next)
{
	uint64_t buf_at = ws_variable(system, "log_buf"),
		 len_at = ws_variable(system, "log_buf_len"),
		 first_at = ws_variable(system, "log_first_idx"),
		 next_at = ws_variable(system, "log_next_idx");
	enum ws_evidence evidence;

	if (!buf_at || !len_at || !first_at || !next_at)
		return WS_NOT_MAPPED;
	evidence = ws_kernel_word(system, buf_at, va);
	if (evidence == WS_READ)
		evidence = ws_kernel_u32(system, len_at, len);
	if (evidence == WS_READ)
		evidence = ws_kernel_u32(system, first_at, first);
	if (evidence == WS_READ)
		evidence = ws_kernel_u32(system, next_at, next);
	return evidence;
}

/* The number of the first record; VMCOREINFO does not say where that is. */
static void find_seq(struct buffer *buffer)
{
	uint64_t at = ws_variable(buffer->system, "log_first_seq");
	uint8_t bytes[8];

	if (at && ws_system_read(buffer->system, at, bytes, sizeof(bytes)) == WS_READ) {
		buffer->has_seq = true;
		buffer->seq = ws_le64(bytes);
	}
}

static enum ws_log_way take_buffer(struct buffer *buffer)
{
	struct ws_log_store *store = buffer->store;

	find_header(buffer, buffer->first);
	take_all(buffer);
	if (store->records.n)
		return WS_LOG_TAKEN;
	return buffer->bytes.absent ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
}

enum ws_log_way ws_log_records(struct ws_system *system, struct ws_log_store *store)
{
	struct buffer buffer = { .system = system, .store = store };
	enum ws_log_way way = WS_LOG_NOT_HERE;
	enum ws_evidence evidence;
	uint32_t len, first, next;
	uint64_t va;

	store->log.kind = WS_LOG_RECORDS;
	evidence = read_variables(system, &va, &len, &first, &next);
	if (evidence != WS_READ)
		return evidence == WS_ABSENT ? WS_LOG_ABSENT : WS_LOG_NOT_HERE;
	if (first >= len || next > len || !ws_is_kernel_va(system, va))
		return WS_LOG_NOT_HERE;
	buffer.first = first;
	buffer.next = next;
	if (ws_log_read(system, va, len, &buffer.bytes)) {
		find_seq(&buffer);
		way = take_buffer(&buffer);
	}
	ws_log_release(&buffer.bytes);
	return way;
}

/* ---- found in memory -------------------------------------------------------------- */

/* Its text is one to its end, and what it is padded with is zeros, as log_store() has it. */
static bool is_message(const struct buffer *buffer, size_t at)
{
	const uint8_t *v = buffer->bytes.v + at;
	struct entry entry;
	size_t end;

	if (!is_entry(buffer, at))
		return false;
	entry = entry_at(buffer, at);
	end = buffer->header + entry.text_len + entry.dict_len;
	for (size_t i = end; i < entry.len; i++)
		if (v[i])
			return false;
	return entry.time < TIME_MAX &&
	       ws_log_text_run(v + buffer->header, entry.text_len) == entry.text_len;
}

/* So many messages in a row that the row is a log's. */
static bool is_row(const struct buffer *buffer, size_t at)
{
	unsigned n = 0, texts = 0;

	for (; n < WS_LOG_SHAPE_MIN && is_message(buffer, at); n++) {
		texts += entry_at(buffer, at).text_len > 3;
		at += entry_at(buffer, at).len;
	}
	return n == WS_LOG_SHAPE_MIN && 2 * texts > n;
}

static bool page_has_row(unsigned word, const uint8_t *page)
{
	struct buffer buffer = {
		.bytes = { .len = WS_FRAME_SIZE, .v = (uint8_t *)page },
	};

	(void)word;
	for (size_t i = 0; i < WS_ARRAY_SIZE(headers); i++) {
		buffer.header = headers[i].header;
		for (size_t at = 0; at + HEADER <= WS_FRAME_SIZE; at += 4) {
			if (is_row(&buffer, at))
				return true;
		}
	}
	return false;
}

/* Where time goes back is the oldest, and what lies before that is the newest. */
static size_t find_seam(const struct buffer *buffer, size_t at)
{
	uint64_t time = 0;

	while (is_entry(buffer, at)) {
		struct entry entry = entry_at(buffer, at);

		if (entry.time < time)
			return at;
		time = entry.time;
		at += entry.len;
	}
	return at;
}

static size_t first_row(struct buffer *buffer, size_t at)
{
	for (; at + HEADER <= buffer->bytes.len; at += 4) {
		choose_header(buffer, at);
		if (is_row(buffer, at))
			break;
	}
	return at;
}

/* After the newest lies what is left of the oldest: its beginning is overwritten. */
static void take_found(struct buffer *buffer)
{
	size_t row = first_row(buffer, 0), seam = find_seam(buffer, row), older;

	buffer->is_3_5 = looks_3_5(buffer, row);
	buffer->next = buffer->bytes.len + 1; /* none says */
	older = seam;
	while (older + HEADER <= buffer->bytes.len && !is_entry_in_row(buffer, older))
		older += 4;
	if (older + HEADER <= buffer->bytes.len)
		take_stretch(buffer, older, buffer->bytes.len);
	take_stretch(buffer, row, seam);
}

enum ws_log_way ws_log_search_records(struct ws_system *system, uint64_t first,
				      uint64_t last, struct ws_log_store *store)
{
	struct buffer buffer = { .system = system, .store = store, .header = HEADER };
	uint64_t va, len;

	store->log.kind = WS_LOG_RECORDS;
	if (!ws_log_stretch(system, first, last, page_has_row, &va, &len))
		return WS_LOG_NOT_HERE;
	if (ws_log_read(system, va, len, &buffer.bytes))
		take_found(&buffer);
	ws_log_release(&buffer.bytes);
	return ws_log_convinces(store) ? WS_LOG_TAKEN : WS_LOG_NOT_HERE;
}
