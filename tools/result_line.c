/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "result_line.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "util/bits.h"
#include "util/read_json.h"

struct reader {
	struct ws_json json;
	char *text; /* where the line begins: the same bytes, to be changed */
	struct result_line *line;
};

typedef bool read_fn(struct reader *reader, void *to);

/* A member: where it goes to, and whether there is no result without it. */
struct member {
	const char *name;
	read_fn *read;
	size_t offset;
	bool needed;
};

static bool fail(struct reader *reader)
{
	reader->json.bad = true;
	return false;
}

/* ---- values ----------------------------------------------------------------------- */

static bool is_null(struct reader *reader)
{
	struct ws_json *json = &reader->json;

	while (json->at < json->end && *json->at == ' ')
		json->at++;
	return json->end - json->at >= 4 && !memcmp(json->at, "null", 4);
}

/*
 * A string as whosees prints it: printable ASCII, in which only a quote and a backslash
 * are escaped. What it comes to is put where it lies, and ended.
 */
static bool read_text(struct reader *reader, void *to)
{
	struct ws_json_text raw;
	char *text, *end;

	if (!ws_json_string(&reader->json, &raw))
		return false;
	text = end = reader->text + (raw.text - reader->text);
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.text[i];

		if (c == '\\' && (c = raw.text[++i]) != '\\' && c != '"')
			return fail(reader);
		if (c < 0x20 || c > 0x7e)
			return fail(reader);
		*end++ = c;
	}
	*end = '\0';
	*(const char **)to = text;
	return true;
}

static bool read_text_or_null(struct reader *reader, void *to)
{
	return is_null(reader) ? ws_json_skip(&reader->json) : read_text(reader, to);
}

static bool read_number(struct reader *reader, void *to)
{
	return ws_json_number(&reader->json, to);
}

static bool read_fingerprint(struct reader *reader, void *to)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t fingerprint = 0;
	const char *hex;

	if (!read_text(reader, &hex))
		return false;
	if (strlen(hex) != 16 || strspn(hex, digits) != 16)
		return fail(reader);
	while (*hex)
		fingerprint =
			fingerprint << 4 | (uint64_t)(strchr(digits, *hex++) - digits);
	*(uint64_t *)to = fingerprint;
	return true;
}

static bool read_severity(struct reader *reader, void *to)
{
	const char *name;

	if (!read_text(reader, &name))
		return false;
	for (int s = WS_INFO; s <= WS_FATAL; s++)
		if (!strcmp(name, ws_severity_name((enum ws_severity)s))) {
			*(enum ws_severity *)to = (enum ws_severity)s;
			return true;
		}
	return fail(reader);
}

static bool read_modules(struct reader *reader, void *to)
{
	struct found *found = to;
	struct result_line *line = reader->line;

	if (!ws_json_enter(&reader->json, '['))
		return false;
	found->modules = line->modules.n;
	while (ws_json_item(&reader->json)) {
		const char **module = ws_vec_push(&line->modules);

		line->short_of_memory |= !module;
		if (!module || !read_text(reader, module))
			return fail(reader);
	}
	found->nmodules = line->modules.n - found->modules;
	return !reader->json.bad;
}

/* ---- objects ---------------------------------------------------------------------- */

/* What of an object is in members goes to where they say, below to; once each. */
static bool read_members(struct reader *reader, const struct member *members, size_t n,
			 void *to)
{
	struct ws_json_text key;
	unsigned seen = 0;

	while (ws_json_key(&reader->json, &key)) {
		size_t m = 0;

		while (m < n && !ws_json_is(&key, members[m].name))
			m++;
		if (m == n) {
			ws_json_skip(&reader->json);
			continue;
		}
		if (seen & 1u << m)
			return fail(reader);
		seen |= 1u << m;
		if (!members[m].read(reader, (char *)to + members[m].offset))
			return false;
	}
	for (size_t m = 0; m < n; m++)
		if (members[m].needed && !(seen & 1u << m))
			return fail(reader);
	return !reader->json.bad;
}

static bool read_found(struct reader *reader, void *to)
{
	static const struct member members[] = {
		{ "fingerprint", read_fingerprint, offsetof(struct found, fingerprint),
		  true },
		{ "severity", read_severity, offsetof(struct found, severity), true },
		{ "rule", read_text, offsetof(struct found, rule), true },
		{ "place", read_text_or_null, offsetof(struct found, place), false },
		{ "difference", read_text_or_null, offsetof(struct found, difference),
		  false },
		{ "text", read_text_or_null, offsetof(struct found, text), false },
		{ "modules", read_modules, 0, false },
	};

	return ws_json_enter(&reader->json, '{') &&
	       read_members(reader, members, WS_ARRAY_SIZE(members), to);
}

static bool read_findings(struct reader *reader, void *to)
{
	struct result_line *line = to;

	if (!ws_json_enter(&reader->json, '['))
		return false;
	while (ws_json_item(&reader->json)) {
		struct found *found = ws_vec_push(&line->found);

		line->short_of_memory |= !found;
		if (!found || !read_found(reader, found))
			return fail(reader);
	}
	return !reader->json.bad;
}

/* ---- lines ------------------------------------------------------------------------ */

static const char *const commands_of[] = {
	[RESULT_AUDIT] = "audit",
	[RESULT_AUTOPSY] = "autopsy",
};

const char *result_command(enum result_of of)
{
	return commands_of[of];
}

/* Whether this whosees prints such a schema. */
static bool find_command(const char *schema, enum result_of *of)
{
	for (unsigned c = 0; c < RESULTS_OF; c++) {
		char known[64];

		snprintf(known, sizeof(known), "whosees/%s/%u", commands_of[c],
			 command_find(commands_of[c])->schema);
		if (!strcmp(schema, known)) {
			*of = (enum result_of)c;
			return true;
		}
	}
	return false;
}

/* An answer is one of three statuses, and where there is none it is said why. */
static bool makes_sense(const struct result_line *line)
{
	return line->error ? line->status != EXIT_SEEN
			   : line->sentence && (line->status == EXIT_SEEN ||
						line->status == EXIT_UNSEEN ||
						line->status == EXIT_UNKNOWN);
}

static enum line_kind read_result(struct reader *reader)
{
	struct result_line *line = reader->line;
	const char *schema = NULL;
	const struct member members[] = {
		{ "target", read_text, offsetof(struct result_line, target), true },
		{ "status", read_number, offsetof(struct result_line, status), true },
		{ "kernel", read_text_or_null, offsetof(struct result_line, kernel),
		  false },
		{ "sentence", read_text_or_null, offsetof(struct result_line, sentence),
		  false },
		{ "error", read_text_or_null, offsetof(struct result_line, error),
		  false },
		{ "findings", read_findings, 0, true },
	};
	struct ws_json_text key;

	if (!ws_json_key(&reader->json, &key) || !ws_json_is(&key, "schema") ||
	    !read_text(reader, &schema))
		return LINE_WRONG;
	if (!find_command(schema, &line->of))
		return LINE_VERSION;
	if (!read_members(reader, members, WS_ARRAY_SIZE(members), line) ||
	    !makes_sense(line))
		return LINE_WRONG;
	return LINE_RESULT;
}

/* Its first member says what it is, and whatever else there is has to come to an end. */
static enum line_kind read_record(struct reader *reader)
{
	struct ws_json_text key, record;
	enum line_kind kind = LINE_OTHER;

	if (!ws_json_enter(&reader->json, '{') || !ws_json_key(&reader->json, &key) ||
	    !ws_json_is(&key, "record") || !ws_json_string(&reader->json, &record))
		return LINE_FOREIGN;
	if (ws_json_is(&record, "result"))
		kind = read_result(reader);
	if (kind == LINE_OTHER)
		while (ws_json_key(&reader->json, &key))
			ws_json_skip(&reader->json);
	if (kind == LINE_OTHER && reader->json.bad)
		return LINE_FOREIGN;
	return kind;
}

static bool is_at_end(struct ws_json *json)
{
	while (json->at < json->end && memchr(" \t\r", *json->at, 3))
		json->at++;
	return json->at == json->end;
}

enum line_kind result_line_read(struct result_line *line, char *text, size_t n)
{
	struct reader reader = { { text, text + n, false }, text, line };
	enum line_kind kind;

	*line = (struct result_line){ .found = line->found, .modules = line->modules };
	line->found.n = line->modules.n = 0;
	if (is_at_end(&reader.json))
		return LINE_OTHER;
	kind = read_record(&reader);
	if ((kind == LINE_RESULT || kind == LINE_OTHER) && !is_at_end(&reader.json))
		return LINE_FOREIGN;
	return kind;
}

void result_line_release(struct result_line *line)
{
	ws_vec_release(&line->found);
	ws_vec_release(&line->modules);
}
