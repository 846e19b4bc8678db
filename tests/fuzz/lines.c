/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines that the tool has written, and reads again: sync's journal, and results of many targets. */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "tools/journal.h"
#include "tools/result_line.h"
#include "tools/tally.h"

static const char *journal_path;

static void undo(struct ws_system *system, const journal_entries *entries)
{
	struct ws_sync_plan *plan = NULL;
	enum ws_status status = ws_sync_plan_undo(system, entries->v, entries->n, &plan);

	if (status != WS_OK)
		insist_refusal(system->ctx, status);
	ws_sync_plan_destroy(plan);
}

static void read_journal(struct ws_system *system)
{
	const struct request request = { .target = "given" };
	struct session session = {
		.request = &request, .ctx = system->ctx, .system = system, .quiet = true
	};
	journal_entries entries = { 0 };

	if (journal_read(&session, journal_path, &entries) == EXIT_SEEN)
		undo(system, &entries);
	else
		insist(session.why, "a journal is refused without words");
	free(session.why);
	ws_vec_release(&entries);
}

/* As of the first capture's machine. */
void fuzz_journal(const uint8_t *data, size_t size)
{
	autofile file = fuzz_file(data, size);

	journal_path = file.path;
	with_system(NULL, 0, NULL, read_journal);
}

/* Each line in room of its own, which it may be written in. */
static bool take_line(struct tally *tally, struct result_line *line, const uint8_t *data,
		      size_t size)
{
	char *text = malloc(size + 1);
	bool taken = true;

	insist(text, "memory is short");
	memcpy(text, data, size);
	if (result_line_read(line, text, size) == LINE_RESULT)
		taken = tally_add(tally, line);
	free(text);
	return taken;
}

void fuzz_results(const uint8_t *data, size_t size)
{
	struct result_line line = { 0 };
	struct tally tally = { 0 };

	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		insist(take_line(&tally, &line, data, len), "memory is short");
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	tally_sort(&tally);
	tally_release(&tally);
	result_line_release(&line);
}
