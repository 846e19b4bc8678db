/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loaded modules and where their memory is. */
#include "session.h"
#include "util/count.h"

#include <stdlib.h>

enum { NAME, STATE, REGION, VA, SIZE, MODULE };

static const struct column columns[] = {
	[NAME] = { "name", "MODULE", COLUMN_TEXT, "its name" },
	[STATE] = { "state", "STATE", COLUMN_TEXT, "live, coming, going or unformed" },
	[REGION] = { "region", "REGION", COLUMN_COUNT, "number of the region, from 0",
		     .optional = 1 },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "where the region begins" },
	[SIZE] = { "size", "SIZE", COLUMN_SIZE, "its length in bytes" },
	[MODULE] = { "module", "STRUCT MODULE", COLUMN_ADDRESS,
		     "where its struct module lies", .optional = 2 },
};
const struct table modules_table = { "modules", TABLE_COLUMNS(columns) };

enum { SENTENCE, MODULES, TOTAL };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[MODULES] = { "modules", NULL, COLUMN_COUNT, NULL },
	[TOTAL] = { "size", NULL, COLUMN_SIZE, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct modules {
	const struct ws_module *v;
	size_t n;
};

/* enum module_state, include/linux/module.h */
static const char *state_name(uint32_t state)
{
	static const char *const names[] = { "live", "coming", "going", "unformed" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

static void print_summary(void *arg, struct report *report)
{
	const struct modules *modules = arg;
	char sentence[REPORT_CELL] = "", size[REPORT_CELL];
	uint64_t total = 0;

	for (size_t i = 0; i < modules->n; i++)
		for (unsigned r = 0; r < modules->v[i].nregions; r++)
			total += modules->v[i].region[r].len;
	snprintf(sentence, sizeof(sentence), "%s in %.32s",
		 WS_COUNT_OF(modules->n, "module"), report_size(total, size));
	report_row(report, (struct value[]){
				   [SENTENCE] = value_text(sentence),
				   [MODULES] = value_number(modules->n),
				   [TOTAL] = value_number(total),
			   });
}

static bool print_regions(const struct ws_module *module, struct report *report)
{
	for (unsigned r = 0; r < module->nregions; r++) {
		struct value row[] = {
			[NAME] = value_text(module->name),
			[STATE] = value_text(state_name(module->state)),
			[REGION] = value_number(r),
			[VA] = value_number(module->region[r].va),
			[SIZE] = value_number(module->region[r].len),
			[MODULE] = value_number(module->module),
		};

		if (!report_row(report, row))
			return false;
	}
	return true;
}

static void print_modules(void *arg, struct report *report)
{
	const struct modules *modules = arg;

	for (size_t i = 0; i < modules->n && print_regions(&modules->v[i], report); i++)
		;
}

enum exit_status run_modules(struct session *session)
{
	struct modules modules;
	struct report *report;
	enum ws_status status =
		ws_system_modules(session->system, &modules.v, &modules.n);

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	report = session_report(session);
	report_table(report, &summary, print_summary, &modules);
	report_table(report, &modules_table, print_modules, &modules);
	return session_answer(session, EXIT_SEEN);
}
