/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the loader would put the handlers of a module's file. */
#include "session.h"

#include "util/cleanup.h"
#include "util/count.h"

enum { NAME, SECTION, LANDS, OFFSET, SIZE, ALIGNMENT, PAGES, NLEAVING, LEAVING, PROBLEM };

static const struct column columns[] = {
	[NAME] = { "name", "HANDLER", COLUMN_TEXT, "the symbol" },
	[SECTION] = { "section", "SECTION", COLUMN_TEXT, "the ELF section it is in" },
	[LANDS] = { "lands", "LANDS IN", COLUMN_TEXT,
		    "text, exit text, init text, init data, data or nowhere" },
	[OFFSET] = { "offset", "OFFSET", COLUMN_ADDRESS,
		     "from the first byte of that memory, which begins a page",
		     .optional = 2 },
	[SIZE] = { "size", "SIZE", COLUMN_COUNT, "its length in bytes", .optional = 1 },
	[ALIGNMENT] = { "alignment", "ALIGNED", COLUMN_COUNT,
			"what its first byte is aligned to, 4096 at most",
			.optional = 3 },
	[PAGES] = { "pages", "PAGES", COLUMN_COUNT, "the pages it touches",
		    .optional = 4 },
	[NLEAVING] = { "references", "LEAVE", COLUMN_COUNT,
		       "its relocations that leave the module", .optional = 5 },
	[LEAVING] = { "leaving", NULL, COLUMN_LINES,
		      "what these name, each once; in JSON alone" },
	[PROBLEM] = { "problem", "WHAT IS WRONG", COLUMN_TEXT,
		      "why it must not be a handler there; nothing where it may" },
};
const struct table handlers_table = { "handlers", TABLE_COLUMNS(columns) };

enum { SENTENCE, HANDLERS, PROBLEMS };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[HANDLERS] = { "handlers", NULL, COLUMN_COUNT, NULL },
	[PROBLEMS] = { "problems", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct handlers {
	const char *path;
	const struct ws_handler *v;
	size_t n, wrong;
};

static const char *const problems[] = {
	[WS_LANDS_EXIT_TEXT] =
		"a kernel that cannot unload modules does not load .exit.text",
	[WS_LANDS_INIT_TEXT] = "freed when the module's init function has returned",
	[WS_LANDS_INIT_DATA] = ("freed when the module's init function has returned, and "
				"never executable"),
	[WS_LANDS_DATA] = "not executable: its first fetch faults",
	[WS_LANDS_NOWHERE] = "not loaded at all",
};

static const char *problem_of(const struct ws_handler *handler)
{
	if (handler->landing != WS_LANDS_TEXT)
		return problems[handler->landing];
	return handler->ninit ? "refers to what is freed after init" : NULL;
}

static void print_summary(void *arg, struct report *report)
{
	const struct handlers *handlers = arg;
	char sentence[REPORT_CELL];

	if (!handlers->n)
		snprintf(sentence, sizeof(sentence),
			 "%s: nothing in it goes by a handler's name: name the symbols",
			 handlers->path);
	else
		snprintf(sentence, sizeof(sentence), "%s: %s of %s %s", handlers->path,
			 WS_COUNT(handlers->wrong ? handlers->wrong : handlers->n),
			 WS_COUNT_OF(handlers->n, "handler"),
			 handlers->wrong    ? "would not last or not run"
			 : handlers->n == 1 ? "lands in text that stays"
					    : "land in text that stays");
	report_row(report, (struct value[]){
				   [SENTENCE] = value_text(sentence),
				   [HANDLERS] = value_number(handlers->n),
				   [PROBLEMS] = value_number(handlers->wrong),
			   });
}

static bool print_handler(const struct ws_handler *handler, struct report *report)
{
	const char *problem = problem_of(handler);
	bool placed = handler->landing != WS_LANDS_NOWHERE;
	struct value row[] = {
		[NAME] = value_text(handler->name),
		[SECTION] = value_text(*handler->section ? handler->section : NULL),
		[LANDS] = value_text(ws_landing_name(handler->landing)),
		[OFFSET] = { .known = placed, .number = handler->offset },
		[SIZE] = { .known = placed, .number = handler->size },
		[ALIGNMENT] = { .known = placed, .number = handler->alignment },
		[PAGES] = { .known = placed, .number = handler->pages },
		[NLEAVING] = { .known = placed, .number = handler->nleaving },
		[LEAVING] = value_text(handler->leaving),
		[PROBLEM] = value_alarm(value_text(problem)),
	};

	return report_row(report, row);
}

static void print_handlers(void *arg, struct report *report)
{
	const struct handlers *handlers = arg;

	for (size_t i = 0; i < handlers->n; i++)
		if (!print_handler(&handlers->v[i], report))
			return;
}

WS_DEFINE_CLEANUP(module_file_closep, struct ws_module_file *, ws_module_file_close)

/* Whether all is well where nothing was found cannot be known. */
static enum exit_status status_of(const struct handlers *handlers)
{
	return handlers->wrong || !handlers->n ? EXIT_UNSEEN : EXIT_SEEN;
}

enum exit_status run_check_module(struct session *session)
{
	const struct request *request = session->request;
	ws_cleanup(module_file_closep) struct ws_module_file *file = NULL;
	struct handlers handlers = { .path = request->words[0] };
	struct report *report;
	enum ws_status status =
		ws_module_file_open(session->ctx, request->words[0], &file);

	if (status == WS_OK)
		status = ws_module_file_handlers(
			file, (const char *const *)request->words + 1,
			request->nwords - 1, &handlers.v, &handlers.n);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	for (size_t i = 0; i < handlers.n; i++)
		handlers.wrong += problem_of(&handlers.v[i]) != NULL;
	report = session_report(session);
	report_table(report, &summary, print_summary, &handlers);
	report_table(report, &handlers_table, print_handlers, &handlers);
	return session_answer(session, status_of(&handlers));
}
