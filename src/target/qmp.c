/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/qmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/read_json.h"

/* Registers of 4096 processors come to 12 MiB; events before an answer count with it. */
#define ANSWER_MAX (32u << 20)
#define LINE_FIRST 4096u
#define REQUEST_MAX 16384u

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

/* ---- lines ------------------------------------------------------------------------ */

static enum ws_status refuse_line(struct ws_context *ctx, struct ws_qmp *qmp,
				  const char *what)
{
	qmp->unreadable = true;
	return ws_fail(ctx, WS_ERR_MALFORMED,
		       "%s: %s: it is no QMP socket (-qmp unix:PATH,server=on), or "
		       "damaged",
		       qmp->peer.name, what);
}

/* False: memory is short. */
static bool line_put(struct ws_qmp *qmp, size_t at, char c)
{
	if (at == qmp->room) {
		size_t room = qmp->room ? 2 * qmp->room : LINE_FIRST;
		char *grown = realloc(qmp->line, room);

		if (!grown)
			return false;
		qmp->line = grown;
		qmp->room = room;
	}
	qmp->line[at] = c;
	return true;
}

/* An object, the caller's. NULL: it is none; *short_of_memory, that cannot be said. */
static json_t *parse(const struct ws_qmp *qmp, size_t n, bool *short_of_memory)
{
	const char *text = qmp->line ? qmp->line : "";
	struct ws_json read = { text, text + n, false };
	json_error_t error = { 0 };
	json_t *line = json_loadb(text, n, 0, &error);
	enum json_error_code code = json_error_code(&error);

	/* jansson may say anything then, of what a reader without memory finds sound. */
	*short_of_memory = !line && *text == '{' && code != json_error_invalid_utf8 &&
			   code != json_error_null_character &&
			   code != json_error_stack_overflow && ws_json_skip(&read);
	if (json_is_object(line))
		return line;
	json_decref(line);
	return NULL;
}

/* The next line, of *left bytes at most, as JSON; the caller's. */
static enum ws_status line_read(struct ws_context *ctx, struct ws_qmp *qmp,
				const char *doing, size_t *left, json_t **line)
{
	bool short_of_memory;
	size_t n = 0;
	int c;

	while ((c = ws_peer_byte(&qmp->peer)) >= 0 && c != '\n') {
		if (!(*left)--)
			return refuse_line(ctx, qmp, "its answer does not end");
		if (!line_put(qmp, n++, (char)c))
			return ws_fail_memory(ctx);
	}
	if (c < 0)
		return ws_peer_fail(ctx, &qmp->peer, doing);
	*line = parse(qmp, n, &short_of_memory);
	if (short_of_memory)
		return ws_fail_memory(ctx);
	return *line ? WS_OK : refuse_line(ctx, qmp, "it answers what is no JSON object");
}

/* ---- answers ---------------------------------------------------------------------- */

static void event_take(struct ws_qmp *qmp, const json_t *line)
{
	static const char *const moving[] = { "RESUME", "RESET", "WAKEUP" };
	const char *event = json_string_value(json_object_get(line, "event"));

	for (size_t i = 0; event && i < WS_ARRAY_SIZE(moving); i++)
		qmp->ran |= !strcmp(event, moving[i]);
}

static void refusal_keep(struct ws_qmp *qmp, const json_t *error)
{
	const char *why = json_string_value(json_object_get(error, "desc"));

	snprintf(qmp->refusal, sizeof(qmp->refusal), "%s", why ? why : "no reason given");
}

/* The answer to command number qmp->asked, whatever events come before it. */
static enum ws_status answer_read(struct ws_context *ctx, struct ws_qmp *qmp,
				  const char *command, json_t **answer)
{
	size_t left = ANSWER_MAX;
	enum ws_status status;

	for (;;) {
		autojson *line = NULL;
		const json_t *error, *value;

		status = line_read(ctx, qmp, command, &left, &line);
		if (status)
			return status;
		if (json_object_get(line, "event")) {
			event_take(qmp, line);
			continue;
		}
		error = json_object_get(line, "error");
		value = json_object_get(line, "return");
		if (json_integer_value(json_object_get(line, "id")) != qmp->asked ||
		    (!error && !value))
			return refuse_line(ctx, qmp, "it answers what was not asked");
		if (error)
			refusal_keep(qmp, error);
		else if (answer)
			*answer = json_incref((json_t *)value);
		return error ? WS_ERR_NOT_FOUND : WS_OK;
	}
}

enum ws_status ws_qmp_ask(struct ws_context *ctx, struct ws_qmp *qmp, const char *command,
			  json_t *arguments, int fd, json_t **answer)
{
	autojson *request = json_pack("{s:s, s:i, s:o*}", "execute", command, "id",
				      (int)++qmp->asked, "arguments", arguments);
	char line[REQUEST_MAX];
	size_t n;

	if (answer)
		*answer = NULL;
	if (!request)
		return ws_fail_memory(ctx);
	/* Not json_dumps(): of jansson 2.14, it leaves out a key for which memory is short. */
	n = json_dumpb(request, line, sizeof(line) - 1, JSON_COMPACT);
	if (!n)
		return ws_fail_memory(ctx);
	if (n >= sizeof(line))
		return ws_fail(ctx, WS_ERR_USAGE, "%s: %s: its arguments are too long",
			       qmp->peer.name, command);
	line[n] = '\n';
	ws_peer_begin(&qmp->peer);
	if (!ws_peer_send(&qmp->peer, line, n + 1, fd))
		return ws_peer_fail(ctx, &qmp->peer, command);
	return answer_read(ctx, qmp, command, answer);
}

enum ws_status ws_qmp_human(struct ws_context *ctx, struct ws_qmp *qmp, const char *line,
			    char **text)
{
	json_t *arguments = json_pack("{s:s}", "command-line", line);
	autojson *answer = NULL;
	enum ws_status status;

	*text = NULL;
	if (!arguments)
		return ws_fail_memory(ctx);
	status = ws_qmp_ask(ctx, qmp, "human-monitor-command", arguments, -1, &answer);
	if (status == WS_ERR_NOT_FOUND)
		return ws_qmp_refused(ctx, qmp, "human-monitor-command");
	if (status)
		return status;
	if (!json_is_string(answer))
		return refuse_line(ctx, qmp, "its human monitor answers no text");
	*text = strdup(json_string_value(answer));
	return *text ? WS_OK : ws_fail_memory(ctx);
}

enum ws_status ws_qmp_refused(struct ws_context *ctx, const struct ws_qmp *qmp,
			      const char *command)
{
	return ws_fail(ctx, WS_ERR_UNSUPPORTED, "%s: QEMU refused %s: %s", qmp->peer.name,
		       command, qmp->refusal);
}

bool ws_qmp_listen(struct ws_qmp *qmp)
{
	size_t left = ANSWER_MAX, n = 0;

	ws_peer_begin(&qmp->peer);
	while (!qmp->peer.error && ws_peer_has(&qmp->peer)) {
		autojson *line = NULL;
		int c;

		for (n = 0; (c = ws_peer_byte(&qmp->peer)) >= 0 && c != '\n'; n++)
			if (!left-- || !line_put(qmp, n, (char)c))
				return false;
		if (c < 0)
			return false;
		line = parse(qmp, n, &(bool){ false });
		if (line)
			event_take(qmp, line);
	}
	return !qmp->peer.error;
}

/* ---- connection ------------------------------------------------------------------- */

static enum ws_status greet(struct ws_context *ctx, struct ws_qmp *qmp)
{
	size_t left = ANSWER_MAX;
	autojson *greeting = NULL;
	enum ws_status status =
		line_read(ctx, qmp, "waiting for QEMU's greeting", &left, &greeting);

	if (status)
		return status;
	if (!json_is_object(json_object_get(greeting, "QMP")))
		return refuse_line(ctx, qmp, "it greets as no QMP does");
	status = ws_qmp_ask(ctx, qmp, "qmp_capabilities", NULL, -1, NULL);
	return status == WS_ERR_NOT_FOUND ? ws_qmp_refused(ctx, qmp, "qmp_capabilities")
					  : status;
}

enum ws_status ws_qmp_open(struct ws_context *ctx, struct ws_qmp *qmp,
			   const char *address)
{
	enum ws_status status = ws_peer_connect(ctx, &qmp->peer, address);

	return status ? status : greet(ctx, qmp);
}

void ws_qmp_close(struct ws_qmp *qmp)
{
	ws_peer_close(&qmp->peer);
	free(qmp->line);
}
