/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

#define SCHEMA "whosees/sync-journal/1"
#define LINE_MAX_BYTES 4096
#define ENTRIES_MAX (1u << 17)

#define HEX "0x%" PRIx64
#define HEX_SIZE 24

/* ---- writing ----------------------------------------------------------------------- */

static bool put(FILE *file, json_t *json)
{
	autojson *line = json;
	ws_autofree char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (!text)
		errno = ENOMEM;
	return text && fprintf(file, "%s\n", text) > 0;
}

static json_t *hex(uint64_t value)
{
	char text[HEX_SIZE];

	snprintf(text, sizeof(text), HEX, value);
	return json_string(text);
}

static const char *format_of(const struct session *session)
{
	return ws_format_name(ws_system_paging(session->system)->format);
}

static bool put_machine(FILE *file, const struct session *session)
{
	char now[32], name[REPORT_CELL];
	time_t t = time(NULL);
	struct tm tm;

	if (!report_clean(name, sizeof(name), session->request->target))
		*name = '\0';
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return put(file,
		   json_pack("{s:s, s:s, s:s, s:s, s:o}", "schema", SCHEMA, "target",
			     name, "time", now, "format", format_of(session), "reference",
			     hex(ws_system_layout(session->system)->reference)));
}

static bool put_entry(FILE *file, size_t i, const struct ws_sync_entry *entry)
{
	return put(file, json_pack("{s:I, s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:o}",
				   "entry", (json_int_t)i, "pid", (json_int_t)entry->pid,
				   "root", hex(entry->root), "mm", hex(entry->mm),
				   "level", (int)entry->level, "entry_pa", hex(entry->pa),
				   "address", hex(entry->witness), "before",
				   hex(entry->now), "after", hex(entry->then)));
}

static bool on_disk(FILE *file)
{
	return fflush(file) == 0 && (fsync(fileno(file)) == 0 || errno == EINVAL);
}

static char *usual_name(void)
{
	char name[64];
	time_t t = time(NULL);
	struct tm tm;

	strftime(name, sizeof(name), "whosees-sync-%Y%m%dT%H%M%SZ.journal",
		 gmtime_r(&t, &tm));
	return strdup(name);
}

static enum exit_status cannot(struct session *session, const char *path)
{
	return session_usage(
		session,
		"--journal FILE says where to; nothing was written to the machine",
		"%s: the journal cannot be written: %s", path, strerror(errno));
}

enum exit_status journal_begin(struct journal *journal, struct session *session,
			       const struct ws_sync_entry *entries, size_t n,
			       const char *path)
{
	bool written;
	int fd;

	journal->path = path ? strdup(path) : usual_name();
	if (!journal->path)
		return session_fail_memory();
	fd = open(journal->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	journal->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!journal->file) {
		if (fd >= 0)
			close(fd);
		return cannot(session, journal->path);
	}
	written = put_machine(journal->file, session);
	for (size_t i = 0; i < n && written; i++)
		if (!entries[i].refused)
			written = put_entry(journal->file, i, &entries[i]);
	if (written && on_disk(journal->file))
		return EXIT_SEEN;
	cannot(session, journal->path);
	unlink(journal->path);
	return EXIT_UNREADABLE;
}

static bool is_written(const struct ws_sync_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i].end == WS_SYNC_WRITTEN || entries[i].end == WS_SYNC_DOUBT)
			return true;
	return false;
}

enum exit_status journal_end(struct journal *journal, struct session *session,
			     const struct ws_sync_entry *entries, size_t n)
{
	bool written = true;

	if (!is_written(entries, n)) {
		unlink(journal->path);
		free(ws_steal(journal->path));
		return EXIT_SEEN;
	}
	for (size_t i = 0; i < n && written; i++)
		if (!entries[i].refused || entries[i].end != WS_SYNC_LEFT)
			written = put(journal->file,
				      json_pack("{s:I, s:s}", "entry", (json_int_t)i,
						"end", ws_sync_end_name(entries[i].end)));
	return written && on_disk(journal->file)
		       ? EXIT_SEEN
		       : session_write_failed(session, journal->path);
}

void journal_release(struct journal *journal)
{
	if (journal->file)
		fclose(journal->file);
	free(journal->path);
}

/* ---- reading ------------------------------------------------------------------------ */

struct reader {
	struct session *session;
	const char *path;
	unsigned line;
	journal_entries *entries;
	WS_VEC(uint64_t) numbers; /* of each of them, as it is in the file: rising */
};

static enum exit_status bad(const struct reader *reader, const char *what)
{
	return session_usage(reader->session, NULL,
			     "%s:%u: %s: it is no journal of sync's", reader->path,
			     reader->line, what);
}

static bool take_hex(const json_t *line, const char *key, uint64_t *value)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text && ws_number(text, WS_HEX, UINT64_MAX, value);
}

static bool take_whole(const json_t *line, const char *key, uint64_t max, uint64_t *value)
{
	const json_t *number = json_object_get(line, key);

	*value = (uint64_t)json_integer_value(number);
	return json_is_integer(number) && json_integer_value(number) >= 0 &&
	       *value <= max;
}

static enum exit_status read_machine(const struct reader *reader, const json_t *line)
{
	const char *schema = json_string_value(json_object_get(line, "schema"));
	const char *format = json_string_value(json_object_get(line, "format"));
	uint64_t reference;

	if (!schema || strcmp(schema, SCHEMA) || !format ||
	    !take_hex(line, "reference", &reference))
		return bad(reader, "its first line is not " SCHEMA "'s");
	if (!strcmp(format, format_of(reader->session)) &&
	    reference == ws_system_layout(reader->session->system)->reference)
		return EXIT_SEEN;
	return session_usage(
		reader->session, NULL,
		"%s: it is another machine's, or of another boot: there init_mm's table lay "
		"at " HEX ", here at " HEX,
		reader->path, reference,
		ws_system_layout(reader->session->system)->reference);
}

static enum exit_status read_entry(struct reader *reader, const json_t *line,
				   uint64_t number)
{
	struct ws_sync_entry *kept, entry = { 0 };
	uint64_t level, pid, *as;

	if (!take_whole(line, "pid", UINT32_MAX, &pid) ||
	    !take_whole(line, "level", WS_MAX_LEVELS - 1, &level) ||
	    !take_hex(line, "root", &entry.root) || !take_hex(line, "mm", &entry.mm) ||
	    !take_hex(line, "address", &entry.witness) ||
	    !take_hex(line, "before", &entry.now) ||
	    !take_hex(line, "after", &entry.then))
		return bad(reader, "an entry lacks what it must have");
	if (reader->numbers.n && number <= reader->numbers.v[reader->numbers.n - 1])
		return bad(reader, "an entry out of order");
	if (reader->entries->n == ENTRIES_MAX)
		return bad(reader, "more entries than any machine has");
	entry.pid = (uint32_t)pid;
	entry.level = (uint8_t)level;
	kept = ws_vec_push(reader->entries);
	as = ws_vec_push(&reader->numbers);
	if (!kept || !as)
		return session_fail_memory();
	*kept = entry;
	*as = number;
	return EXIT_SEEN;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_end(const char *name)
{
	for (unsigned end = 0; end <= WS_SYNC_DOUBT; end++)
		if (!strcmp(name, ws_sync_end_name(end)))
			return true;
	return false;
}

/* What was not written has nothing to be taken back. */
static enum exit_status read_end(struct reader *reader, const json_t *end,
				 uint64_t number)
{
	const char *name = json_string_value(end);
	const uint64_t *at =
		reader->numbers.n ? bsearch(&number, reader->numbers.v, reader->numbers.n,
					    sizeof(number), by_number)
				  : NULL;

	if (!name || !at)
		return bad(reader, "what came of an entry that it does not have");
	if (!is_end(name))
		return bad(reader, "an end that there is not");
	if (strcmp(name, ws_sync_end_name(WS_SYNC_WRITTEN)) != 0 &&
	    strcmp(name, ws_sync_end_name(WS_SYNC_DOUBT)) != 0)
		reader->entries->v[at - reader->numbers.v].end = WS_SYNC_CHANGED;
	return EXIT_SEEN;
}

static enum exit_status read_line(struct reader *reader, const char *text)
{
	autojson *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *end = json_object_get(line, "end");
	uint64_t number;

	if (!json_is_object(line))
		return bad(reader, "no JSON object");
	if (reader->line == 1)
		return read_machine(reader, line);
	if (!take_whole(line, "entry", UINT32_MAX, &number))
		return bad(reader, "it is about no entry");
	return end ? read_end(reader, end, number) : read_entry(reader, line, number);
}

static void drop_unwritten(journal_entries *entries)
{
	size_t kept = 0;

	for (size_t i = 0; i < entries->n; i++)
		if (entries->v[i].end != WS_SYNC_CHANGED)
			entries->v[kept++] = entries->v[i];
	entries->n = kept;
}

/* NULL: errno says why. Nobody is waited for. */
static FILE *open_journal(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *file = NULL;
	struct stat is;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &is) && !S_ISREG(is.st_mode))
		errno = EINVAL;
	else
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

enum exit_status journal_read(struct session *session, const char *path,
			      journal_entries *entries)
{
	struct reader reader = { .session = session, .path = path, .entries = entries };
	ws_autofclose FILE *file = open_journal(path);
	enum exit_status status = EXIT_SEEN;
	char text[LINE_MAX_BYTES];

	if (!file)
		return session_usage(session, NULL, "%s: %s", path,
				     errno == EINVAL ? "it is no regular file"
						     : strerror(errno));
	/* The last may be cut off, where the disk was full or the command was killed. */
	while (status == EXIT_SEEN && fgets(text, sizeof(text), file)) {
		reader.line++;
		if (strchr(text, '\n'))
			status = read_line(&reader, text);
		else if (!feof(file) || reader.line == 1)
			status = bad(&reader, "a line that does not end");
	}
	if (status == EXIT_SEEN && ferror(file))
		status = bad(&reader, "it cannot be read to its end");
	if (status == EXIT_SEEN && !reader.line)
		status = bad(&reader, "it is empty");
	ws_vec_release(&reader.numbers);
	drop_unwritten(entries);
	return status;
}
