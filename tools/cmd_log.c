/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's log: lines as dmesg has them, or a table. */
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

enum { SEQ, TIME, LEVEL, FACILITY, CALLER, CONTINUES, DAMAGED, TEXT };

static const struct column columns[] = {
	[SEQ] = { "seq", "SEQ", COLUMN_COUNT,
		  "the record's number since boot, from 0; nothing where it is not known" },
	[TIME] = { "time", "TIME", COLUMN_TEXT,
		   "seconds.microseconds since boot, by the kernel's clock" },
	[LEVEL] = { "level", "LEVEL", COLUMN_TEXT,
		    "emerg, alert, crit, err, warn, notice, info or debug" },
	[FACILITY] = { "facility", "FACILITY", COLUMN_TEXT,
		       "kern; or what user mode said that it is", .optional = 2 },
	[CALLER] = { "caller", "CALLER", COLUMN_TEXT,
		     "who printed it: T and a pid, or C and a processor's number outside of "
		     "any task; kept since Linux 5.10, or by CONFIG_PRINTK_CALLER",
		     .optional = 1 },
	[CONTINUES] = { "continues", NULL, COLUMN_YES,
			"whether it goes on with the line before it" },
	[DAMAGED] = { "damaged", NULL, COLUMN_YES,
		      "whether the line, or its time and level, is only what is left" },
	[TEXT] = { "text", "TEXT", COLUMN_TEXT,
		   "the line; a record of several lines has a row for each" },
};
const struct table log_table = { "lines", TABLE_COLUMNS(columns) };

enum { SENTENCE, KIND, FOUND, RECORDS, FIRST, LOST, LOST_BYTES, NDAMAGED, COMPLETE };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[KIND] = { "kind", NULL, COLUMN_TEXT, NULL },
	[FOUND] = { "found", NULL, COLUMN_TEXT, NULL },
	[RECORDS] = { "records", NULL, COLUMN_COUNT, NULL },
	[FIRST] = { "first", NULL, COLUMN_COUNT, NULL },
	[LOST] = { "lost", NULL, COLUMN_COUNT, NULL },
	[LOST_BYTES] = { "lost_bytes", NULL, COLUMN_SIZE, NULL },
	[NDAMAGED] = { "damaged", NULL, COLUMN_COUNT, NULL },
	[COMPLETE] = { "complete", NULL, COLUMN_YES, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct listing {
	const struct ws_log *log;
	size_t first; /* the first record that is printed */
};

/* ---- words ------------------------------------------------------------------------ */

#define WORD 32

/* dmesg's, by number; more facilities than that have no name. */
static const char *const levels[] = { "emerg", "alert",  "crit", "err",
				      "warn",  "notice", "info", "debug" };
static const char *const facilities[] = {
	"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
	"uucp",   "cron",   "authpriv", "ftp",    "res0",   "res1",   "res2",   "res3",
	"local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

static const char *time_words(const struct ws_log_record *record, char words[static WORD])
{
	if (!record->has_time)
		return NULL;
	snprintf(words, WORD, "%" PRIu64 ".%06" PRIu64, record->time / 1000000000,
		 record->time / 1000 % 1000000);
	return words;
}

static const char *caller_words(const struct ws_log_record *record,
				char words[static WORD])
{
	if (!record->has_caller)
		return NULL;
	snprintf(words, WORD, "%c%" PRIu32,
		 record->caller & WS_LOG_CALLER_CPU ? 'C' : 'T',
		 record->caller & ~WS_LOG_CALLER_CPU);
	return words;
}

static const char *facility_words(const struct ws_log_record *record,
				  char words[static WORD])
{
	if (!record->has_level)
		return NULL;
	if (record->facility < WS_ARRAY_SIZE(facilities))
		return facilities[record->facility];
	snprintf(words, WORD, "%u", record->facility);
	return words;
}

/* How many records are missing before this one, by their numbers. */
static uint64_t missing_before(const struct ws_log *log, size_t i)
{
	const struct ws_log_record *record = &log->records[i];

	if (!i || !record->has_seq || !record[-1].has_seq ||
	    record->seq <= record[-1].seq)
		return 0;
	return record->seq - record[-1].seq - 1;
}

/* Whether it goes on with the line of the record right before it. */
static bool is_continued(const struct ws_log *log, size_t i)
{
	return i && log->records[i].continues && log->records[i - 1].open &&
	       !missing_before(log, i);
}

/* ---- as a table ------------------------------------------------------------------- */

static bool print_line(const struct ws_log_record *record, const char *text,
		       bool continued, struct report *report)
{
	char time[WORD], caller[WORD], facility[WORD];
	struct value row[] = {
		[SEQ] = { .known = record->has_seq, .number = record->seq },
		[TIME] = value_text(time_words(record, time)),
		[LEVEL] =
			value_text(record->has_level ? levels[record->level & 7] : NULL),
		[FACILITY] = value_text(facility_words(record, facility)),
		[CALLER] = value_text(caller_words(record, caller)),
		[CONTINUES] = value_number(continued),
		[DAMAGED] = value_number(record->damaged),
		[TEXT] = value_text(text),
	};

	return report_row(report, row);
}

/* Each line of a record. */
static bool print_record(const struct ws_log *log, size_t i, struct report *report)
{
	const struct ws_log_record *record = &log->records[i];
	ws_autofree char *lines = strdup(record->text);
	bool continued = is_continued(log, i);
	char *rest = lines, *line;

	if (!lines) {
		report_short(report);
		return false;
	}
	while ((line = strsep(&rest, "\n"))) {
		if (!print_line(record, line, continued, report))
			return false;
		continued = false;
	}
	return true;
}

static void print_records(void *arg, struct report *report)
{
	const struct listing *listing = arg;

	for (size_t i = listing->first; i < listing->log->nrecords; i++)
		if (!print_record(listing->log, i, report))
			return;
}

/* ---- as dmesg has it -------------------------------------------------------------- */

/* A line of a log is a line, however wide: who reads it searches it. */
static void print_text(FILE *out, const struct ws_log_record *record, char *text,
		       bool continued)
{
	char clean[REPORT_CELL];
	const char *tab = "", *piece;

	if (record->has_time && !continued)
		fprintf(out, "[%5" PRIu64 ".%06" PRIu64 "] ", record->time / 1000000000,
			record->time / 1000 % 1000000);
	for (; (piece = strsep(&text, "\t")); tab = "\t") {
		report_clean(clean, sizeof(clean), piece);
		fprintf(out, "%s%s", tab, clean);
	}
}

static bool print_dmesg_record(const struct ws_log *log, size_t i, bool continued,
			       FILE *out)
{
	const struct ws_log_record *record = &log->records[i];
	ws_autofree char *lines = strdup(record->text);
	char *rest = lines, *line;
	const char *end = "";

	while (lines && (line = strsep(&rest, "\n"))) {
		fputs(end, out);
		end = "\n";
		print_text(out, record, line, continued);
		continued = false;
	}
	return lines;
}

static void print_missing(const struct ws_log *log, size_t i, FILE *out)
{
	uint64_t missing = missing_before(log, i);

	if (missing)
		fprintf(out, "---[ %s lost ]---\n", WS_COUNT_OF(missing, "record"));
}

static void print_dmesg(const struct listing *listing, struct report *report)
{
	const struct ws_log *log = listing->log;

	fputc('\n', report->out);
	for (size_t i = listing->first; i < log->nrecords; i++) {
		bool continued = i > listing->first && is_continued(log, i);

		if (i > listing->first && !continued)
			fputc('\n', report->out);
		if (i > listing->first)
			print_missing(log, i, report->out);
		if (!print_dmesg_record(log, i, continued, report->out)) {
			report_short(report);
			return;
		}
	}
	fputc('\n', report->out);
}

/* ---- the answer ------------------------------------------------------------------- */

static size_t print_lost(const struct ws_log *log, char *sentence, size_t size)
{
	size_t at = 0;

	if (log->lost)
		at += (size_t)snprintf(sentence, size, "; %s",
				       WS_COUNT_OF(log->lost, "lost record"));
	if (log->lost_bytes)
		at += (size_t)snprintf(sentence + at, size - at, "; %s of lost records",
				       WS_COUNT_OF(log->lost_bytes, "byte"));
	if (log->damaged)
		at += (size_t)snprintf(sentence + at, size - at, "; %s",
				       WS_COUNT_OF(log->damaged, "damaged record"));
	return at;
}

static void print_sentence(const struct ws_log *log, char *sentence, size_t size)
{
	const struct ws_log_record *first = &log->records[0];
	const struct ws_log_record *last = &log->records[log->nrecords - 1];
	char from[WORD], to[WORD];
	size_t at;

	at = (size_t)snprintf(sentence, size, "kernel log: %s",
			      WS_COUNT_OF(log->nrecords, "record"));
	if (first->has_time && last->has_time)
		at += (size_t)snprintf(sentence + at, size - at, ", from %s to %s s",
				       time_words(first, from), time_words(last, to));
	if (first->has_seq && first->seq)
		at += (size_t)snprintf(sentence + at, size - at,
				       "; newer ones have replaced the first %s",
				       WS_COUNT_OF(first->seq, "record"));
	at += print_lost(log, sentence + at, size - at);
	if (log->by_shape)
		snprintf(sentence + at, size - at, "; found by its shape");
}

static void print_summary(void *arg, struct report *report)
{
	const struct ws_log *log = ((struct listing *)arg)->log;
	char sentence[REPORT_CELL] = "";
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[KIND] = value_text(ws_log_kind_name(log->kind)),
		[FOUND] = value_text(log->by_shape ? "by shape" : "by name"),
		[RECORDS] = value_number(log->nrecords),
		[FIRST] = { .known = log->records[0].has_seq,
			    .number = log->records[0].seq },
		[LOST] = value_number(log->lost),
		[LOST_BYTES] = value_number(log->lost_bytes),
		[NDAMAGED] = value_number(log->damaged),
		[COMPLETE] = value_number(log->complete),
	};

	print_sentence(log, sentence, sizeof(sentence));
	row[SENTENCE].alarm = !log->complete;
	report_row(report, row);
}

enum exit_status run_log(struct session *session)
{
	const struct request *request = session->request;
	struct listing listing = { 0 };
	struct report *report;
	enum ws_status status = ws_system_log(session->system, &listing.log);

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	if (request->has_tail && request->tail < listing.log->nrecords)
		listing.first = listing.log->nrecords - request->tail;
	report = session_report(session);
	report_table(report, &summary, print_summary, &listing);
	if (request->format == REPORT_TEXT && !request->columns)
		print_dmesg(&listing, report);
	else
		report_table(report, &log_table, print_records, &listing);
	return session_answer(session, listing.log->complete ? EXIT_SEEN : EXIT_UNKNOWN);
}
