/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory as one address space maps it, as hex and text. */
#include "session.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pid_list.h"
#include "report/words.h"
#include "what.h"

#define BYTES_A_ROW 16

enum { VA, LAST, END, HEX, SHOWN, TEXT };

static const struct column columns[] = {
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "of the row's first byte" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "of its last byte" },
	[END] = { "end", NULL, COLUMN_TEXT,
		  "page, or why there is nothing: how the walk ended" },
	[HEX] = { "bytes", NULL, COLUMN_TEXT, "16 bytes as hex" },
	[SHOWN] = { NULL, "BYTES", COLUMN_TEXT, NULL },
	[TEXT] = { "text", "TEXT", COLUMN_ASCII,
		   "the same as ASCII, a dot for the rest" },
};
const struct table read_table = { "rows", TABLE_COLUMNS(columns) };

enum { SENTENCE, SPACE, ROOT, WANTED, SEEN };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[SPACE] = { "space", NULL, COLUMN_TEXT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[WANTED] = { "length", NULL, COLUMN_SIZE, NULL },
	[SEEN] = { "seen", NULL, COLUMN_SIZE, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct reading {
	struct ws_target *target;
	const struct ws_paging *paging;
	struct ws_space space;
	struct ws_eye eye; /* the space's */
	char what[WHAT_LABEL];
	uint64_t va, last;
	uint64_t seen; /* bytes, once counted */
	bool unmapped,
		unknown; /* some are not mapped; of some the target lacks what decides */
	bool is_string;  /* no length was given, and there is one */
	char string[1024];
	struct report *report; /* NULL: count only */
};

/* The end of the piece of size bytes (a power of two) that va lies in; last at most. */
static uint64_t piece_last(uint64_t va, uint64_t size, uint64_t last)
{
	uint64_t end = va | (size - 1);

	return end < last ? end : last;
}

static bool print_bytes(struct reading *r, uint64_t va, const uint8_t *bytes, size_t n)
{
	char hex[2 * BYTES_A_ROW + 1], shown[3 * BYTES_A_ROW + 1], text[BYTES_A_ROW + 1];
	struct value row[] = {
		[VA] = value_number(va),     [LAST] = value_number(va + n - 1),
		[END] = value_text("page"),  [HEX] = value_text(hex),
		[SHOWN] = value_text(shown), [TEXT] = value_text(text),
	};

	for (size_t i = 0; i < n; i++) {
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
		snprintf(shown + 2 * i + i / 2, 4, "%02x%s", bytes[i],
			 i % 2 && i + 1 < n ? " " : "");
		text[i] = isascii(bytes[i]) && isprint(bytes[i]) ? (char)bytes[i] : '.';
	}
	text[n] = '\0';
	return report_row(r->report, row);
}

static bool print_nothing(struct reading *r, uint64_t va, uint64_t last, const char *why)
{
	char shown[2 * WORDS];
	struct value row[] = {
		[VA] = value_number(va),     [LAST] = value_number(last),
		[END] = value_text(why),     [SHOWN] = value_alarm(value_text(shown)),
		[TEXT] = { .known = false },
	};

	if (!r->report)
		return true;
	snprintf(shown, sizeof(shown), "%s, to 0x%0*" PRIx64, why,
		 (int)r->report->address_digits, last);
	return report_row(r->report, row);
}

static bool print_frame(struct reading *r, uint64_t va, uint64_t last,
			const uint8_t *bytes)
{
	for (uint64_t end; va <= last; va = end + 1) {
		size_t n;

		end = piece_last(va, BYTES_A_ROW, last);
		n = (size_t)(end - va + 1);
		if (!print_bytes(r, va, bytes, n))
			return false;
		bytes += n;
		if (end == UINT64_MAX)
			break;
	}
	return true;
}

/* One frame's part of a run of pages. */
static bool read_frame(struct reading *r, uint64_t va, uint64_t last, uint64_t pa)
{
	uint8_t bytes[WS_FRAME_SIZE];
	size_t n = (size_t)(last - va + 1);

	if (ws_target_read(r->target, pa, bytes, n) != WS_READ) {
		char why[WORDS];

		r->unknown |= !r->report;
		snprintf(why, sizeof(why), "frame 0x%" PRIx64 " not in the target", pa);
		return print_nothing(r, va, last, why);
	}
	if (!r->report) {
		r->seen += n;
		return true;
	}
	return print_frame(r, va, last, bytes);
}

static bool read_run(void *arg, const struct ws_run *run)
{
	struct reading *r = arg;
	char why[WORDS];

	r->unknown |= !ws_end_is_known(run->end);
	r->unmapped |= run->end != WS_END_PAGE && ws_end_is_known(run->end);
	if (run->end != WS_END_PAGE)
		return print_nothing(
			r, run->va, run->last,
			end_words(r->paging->format, run->end, run->level, why));
	for (uint64_t va = run->va, end; va <= run->last; va = end + 1) {
		end = piece_last(va, WS_FRAME_SIZE, run->last);
		if (!read_frame(r, va, end, run->pa + (va - run->va)))
			return false;
		if (end == UINT64_MAX)
			break;
	}
	return true;
}

static enum ws_status read_all(struct reading *r)
{
	return ws_eye_range(r->paging, &r->eye, r->va, r->last,
			    WS_RANGE_PHYSICAL | WS_RANGE_HOLES, 0, read_run, r);
}

static void print_summary(void *arg, struct report *report)
{
	const struct reading *r = arg;
	uint64_t wanted = r->last - r->va + 1;
	char sentence[REPORT_CELL] = "", space[WORDS];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[SPACE] = value_text(space_words(&r->space, space)),
		[ROOT] = value_number(r->space.root),
		[WANTED] = value_number(wanted),
		[SEEN] = value_number(r->seen),
	};

	row[SENTENCE].alarm = r->seen < wanted;
	snprintf(sentence, sizeof(sentence),
		 "%s in %s, root 0x%" PRIx64 ": %" PRIu64 " of %" PRIu64
		 " bytes are there",
		 r->what, space, r->space.root, r->seen, wanted);
	if (r->is_string)
		snprintf(sentence, sizeof(sentence),
			 "%s in %s, root 0x%" PRIx64 ": \"%s\"", r->what, space,
			 r->space.root, r->string);
	report_row(report, row);
}

static void print_rows(void *arg, struct report *report)
{
	struct reading *r = arg;

	r->report = report;
	(void)!read_all(r); /* counting has gone all the way before */
}

static bool translatable(const struct reading *r, uint64_t va)
{
	struct ws_trail trail;

	ws_eye_walk(r->paging, &r->eye, va, &trail);
	return trail.end != WS_END_NONCANONICAL;
}

/* The byte at va; -1: none is there. */
static int byte_at(const struct reading *r, uint64_t va)
{
	struct ws_trail trail;
	uint8_t byte;

	ws_eye_walk(r->paging, &r->eye, va, &trail);
	if (trail.end != WS_END_PAGE ||
	    ws_target_read(r->target, trail.pa, &byte, 1) != WS_READ)
		return -1;
	return byte;
}

/*
 * A string from r->va on up to its NUL or the end of its line, and its length; or a row.
 */
static uint64_t read_string(struct reading *r)
{
	size_t n = 0;
	int byte;

	for (; n < sizeof(r->string) - 1; n++) {
		byte = byte_at(r, r->va + n);
		if (byte < 0 || !isascii(byte) || !(isprint(byte) || byte == '\t'))
			break;
		r->string[n] = (char)byte;
	}
	r->is_string = n && (byte == '\0' || byte == '\n');
	r->string[n] = '\0';
	if (r->is_string)
		return n;
	return BYTES_A_ROW - r->va % BYTES_A_ROW;
}

static enum exit_status parse_range(struct session *session, struct reading *r)
{
	bool has_length = session->request->nwords > 1;
	const char *text = has_length ? session->request->words[1] : "1";
	enum exit_status status;
	uint64_t length;

	status = what_length(session, text, &length);
	if (status == EXIT_SEEN)
		status = what_address(session, session->request->words[0], &r->va,
				      r->what);
	if (status != EXIT_SEEN)
		return status;
	if (!has_length)
		length = read_string(r);
	r->last = r->va + (length - 1);
	if (r->last < r->va || !translatable(r, r->va) || !translatable(r, r->last))
		return session_usage(session, NULL,
				     "%s bytes from 0x%" PRIx64 " are not all addresses "
				     "of %s",
				     text, r->va, ws_format_name(r->paging->format));
	return EXIT_SEEN;
}

enum exit_status run_read(struct session *session)
{
	struct reading r = { .target = session->target,
			     .paging = ws_system_paging(session->system) };
	struct report *report;
	enum exit_status status = session_space(session, &r.space);

	ws_space_eye(session->system, &r.space, &r.eye);
	if (status == EXIT_SEEN)
		status = parse_range(session, &r);
	if (status != EXIT_SEEN)
		return status;
	if (read_all(&r) != WS_OK)
		return session_fail(
			session, WS_ERR_LIMIT,
			"this space has more page tables than memory can hold");
	report = session_report(session);
	report_table(report, &summary, print_summary, &r);
	report_table(report, &read_table, print_rows, &r);
	status = r.unmapped ? EXIT_UNSEEN : r.unknown ? EXIT_UNKNOWN : EXIT_SEEN;
	return session_answer(session, status);
}
