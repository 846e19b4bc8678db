/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tool prints of a capture that was changed: byte 0 of an input says which command and in
 * which format, and what follows is as in scene.h. JSON has to be JSON.
 */
#include "scene.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/session.h"
#include "util/bits.h"
#include "util/cleanup.h"

static const struct {
	const char *command;
	bool all, vectors;
} asked[] = {
	{ "spaces", true, false }, { "modules", false, false },
	{ "cpus", false, false },  { "cpus", false, true },
	{ "frame", false, false }, { "audit", false, false },
	{ "audit", true, false },  { "autopsy", false, false },
	{ "sync", false, false },  { "report", false, false },
	{ "map", false, false },   { "what-if", false, false },
};

/* One value, or one a line. */
static void insist_json(const char *text, size_t size, bool lines)
{
	while (size) {
		const char *end = lines ? memchr(text, '\n', size) : NULL;
		size_t len = end ? (size_t)(end + 1 - text) : size;
		json_t *json = json_loadb(text, len, 0, NULL);

		insist(json, "JSON that is none");
		json_decref(json);
		text += len;
		size -= len;
	}
}

static enum exit_status run(const struct request *request)
{
	struct session session;
	enum exit_status status = session_begin(&session, request);

	session.quiet = true;
	if (status == EXIT_SEEN)
		status = session_open(&session);
	if (status == EXIT_SEEN)
		status = session_looked(&session, request->command->run(&session));
	insist(status <= EXIT_UNKNOWN, "a status that there is not");
	session_close(&session);
	return status;
}

/* What is printed is kept, in the place of standard output. */
static void run_and_read(const struct request *request)
{
	ws_autofree char *text = NULL;
	size_t size = 0;
	FILE *was = stdout;
	enum exit_status status;

	stdout = open_memstream(&text, &size);
	insist(stdout, "memory is short");
	status = run(request);
	fclose(stdout);
	stdout = was;
	if (request->format != REPORT_TEXT && request->format != REPORT_CSV &&
	    status != EXIT_UNREADABLE && status != EXIT_USAGE)
		insist_json(text, size, request->format == REPORT_NDJSON);
}

void fuzz_tool(const uint8_t *data, size_t size)
{
	struct request request = { .no_pager = true, .output = "-" };
	struct scene *scene;
	unsigned what, format;

	if (!size)
		return;
	what = data[0] % WS_ARRAY_SIZE(asked);
	format = data[0] / WS_ARRAY_SIZE(asked) % (REPORT_SARIF + 1);
	request.command = command_find(asked[what].command);
	request.all = asked[what].all;
	request.vectors = asked[what].vectors;
	if (request.command->options & OPTIONS_OUTPUT &&
	    (format != REPORT_SARIF || request.command->options & OPTIONS_AUDIT))
		request.format = format;
	scene = scene_edit(data + 1, size - 1);
	request.target = scene->path;
	run_and_read(&request);
	scene_restore(scene);
}

size_t mutate_tool(uint8_t *data, size_t size, size_t max, struct random *random)
{
	if (!size || random_percent(random, 20))
		data[0] = (uint8_t)random_next(random);
	return 1 + mutate_memory(data + 1, size ? size - 1 : 0, max - 1, random);
}
