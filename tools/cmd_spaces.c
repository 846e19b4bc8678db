/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <stdlib.h>

#include "report/words.h"
#include "util/cleanup.h"

enum {
	PID,
	COMM,
	KIND,
	ROOT,
	SHARERS,
	USER_TABLES,
	PRIVATE_TABLES,
	SHARED_TABLES,
	WEIGHT,
	SHARE,
	OWNERS,
	THREADS
};

static const struct column columns[] = {
	[PID] = { "pid", "PID", COLUMN_COUNT, "of the first process that has it" },
	[COMM] = { "comm", "COMM", COLUMN_TEXT, "that process's name" },
	[KIND] = { "kind", "KIND", COLUMN_TEXT,
		   "init_mm, process, user half, unowned, lone or freed" },
	[ROOT] = { "root", "ROOT", COLUMN_ADDRESS, "physical address of the top table" },
	[SHARERS] = { "processes", "PROCS", COLUMN_COUNT, "that share it" },
	[USER_TABLES] = { "user_tables", "USER", COLUMN_COUNT,
			  "frames used as tables of the user half" },
	[PRIVATE_TABLES] = { "private_tables", "OWN", COLUMN_COUNT,
			     "frames used as tables of the kernel half, its own" },
	[SHARED_TABLES] = { "shared_tables", "SHARED", COLUMN_COUNT,
			    "the same, but those that init_mm has too" },
	[WEIGHT] = { "weight", "WEIGHT", COLUMN_SIZE,
		     "bytes of tables that are its own, in both halves" },
	[SHARE] = { "share", "OF FULL", COLUMN_SHARE,
		    "weight in millionths, rounded up, of what mapping every page "
		    "would take" },
	[OWNERS] = { "owners", NULL, COLUMN_TEXT,
		     "tgids of these processes, and of kernel threads that use the mm" },
	[THREADS] = { "threads", "THREADS", COLUMN_COUNT, "that live in all of these" },
};
const struct table spaces_table = { "spaces", TABLE_COLUMNS(columns) };

enum {
	SENTENCE,
	TOTAL,
	INIT,
	PROCESSES,
	USER_HALVES,
	LONE,
	FREED,
	TOTAL_WEIGHT,
	FULL,
	COUNTED,
	UNOWNED
};

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[TOTAL] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[INIT] = { "init", NULL, COLUMN_COUNT, NULL },
	[PROCESSES] = { "processes", NULL, COLUMN_COUNT, NULL },
	[USER_HALVES] = { "user_halves", NULL, COLUMN_COUNT, NULL },
	[LONE] = { "lone", NULL, COLUMN_COUNT, NULL },
	[FREED] = { "freed", NULL, COLUMN_COUNT, NULL },
	[TOTAL_WEIGHT] = { "weight", NULL, COLUMN_SIZE, NULL },
	[FULL] = { "full", NULL, COLUMN_SIZE, NULL },
	[COUNTED] = { "counted", NULL, COLUMN_COUNT, NULL },
	[UNOWNED] = { "unowned", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

#define KINDS (WS_SPACE_UNOWNED + 1)

/* Of a space whose root is not in the target nobody can know what its tables weigh. */
struct weighed {
	struct ws_weight weight;
	bool known;
};

struct census {
	const struct ws_space *spaces;
	struct weighed *weights; /* one a space */
	size_t n;
	size_t of_kind[KINDS];
	size_t counted;  /* those that probe and audit count, but for user halves */
	uint64_t weight; /* all spaces' own tables, in bytes */
	uint64_t full;   /* what a space with every page mapped would need */
};

static uint64_t own_bytes(const struct ws_weight *weight)
{
	return (weight->user_tables + weight->private_tables) * WS_FRAME_SIZE;
}

/* The lowest level alone, as the story counts: 4 MiB where 2^20 entries take 4 bytes. */
static uint64_t full_bytes(const struct ws_format *format)
{
	struct ws_step second = { .index = 1 };

	return ws_step_entry_pa(format, &second) << (ws_format_va_bits(format) - 12);
}

/* In millionths, rounded up: what weighs anything is not nothing. */
static uint64_t share(const struct ws_weight *weight, uint64_t full)
{
	return (own_bytes(weight) * 1000000 + full - 1) / full;
}

static enum exit_status weigh(struct session *session, struct census *census)
{
	for (size_t i = 0; i < census->n; i++) {
		struct weighed *weighed = &census->weights[i];
		enum ws_status status = ws_space_weigh(
			session->system, &census->spaces[i], &weighed->weight);

		if (status != WS_OK && status != WS_ERR_NOT_FOUND)
			return session_fail(session, status, NULL);
		weighed->known = status == WS_OK;
		ws_error_clear(session->ctx);
		census->of_kind[census->spaces[i].kind % KINDS]++;
		census->counted += census->spaces[i].counts &&
				   census->spaces[i].kind != WS_SPACE_USER;
		census->weight += own_bytes(&weighed->weight);
		progress_tell(&session->progress, "weighing page tables",
			      (double)(i + 1) / (double)census->n);
	}
	return EXIT_SEEN;
}

static void tell_summary(void *arg, struct report *report)
{
	const struct census *c = arg;
	char weight[REPORT_CELL], full[REPORT_CELL], sentence[REPORT_CELL] = "";
	char who[WHO_WORDS];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[TOTAL] = value_number(c->n),
		[INIT] = value_number(c->of_kind[WS_SPACE_INIT]),
		[PROCESSES] = value_number(c->of_kind[WS_SPACE_PROCESS]),
		[USER_HALVES] = value_number(c->of_kind[WS_SPACE_USER]),
		[LONE] = value_number(c->of_kind[WS_SPACE_LONE]),
		[FREED] = value_number(c->of_kind[WS_SPACE_FREED]),
		[TOTAL_WEIGHT] = value_number(c->weight),
		[FULL] = value_number(c->full),
		[COUNTED] = value_number(c->counted),
		[UNOWNED] = value_number(c->of_kind[WS_SPACE_UNOWNED]),
	};

	snprintf(sentence, sizeof(sentence),
		 "%zu address spaces (%s): the page tables of all %zu weigh %.32s; one "
		 "that maps every page would need %.32s",
		 c->counted, who_counts(c->spaces, c->n, false, who), c->n,
		 report_size(c->weight, weight), report_size(c->full, full));
	report_row(report, row);
}

/* "125 129"; of very many the first, and "...". */
static const char *owner_words(const struct ws_space *space,
			       char words[static REPORT_CELL])
{
	size_t n = 0;

	words[0] = '\0';
	for (uint32_t i = 0; i < space->ntasks; i++) {
		if (n > REPORT_CELL - sizeof(" 4294967295 ...")) {
			snprintf(words + n, REPORT_CELL - n, " ...");
			break;
		}
		n += (size_t)snprintf(words + n, REPORT_CELL - n, "%s%u", i ? " " : "",
				      space->owners[i]);
	}
	return words;
}

static bool tell_space(const struct census *c, size_t i, struct report *report)
{
	const struct ws_space *space = &c->spaces[i];
	const struct ws_weight *weight = &c->weights[i].weight;
	bool known = c->weights[i].known;
	char owners[REPORT_CELL];
	struct value row[] = {
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[OWNERS] = value_text(owner_words(space, owners)),
		[THREADS] = value_number(space->nthreads),
		[SHARERS] = value_number(space->ntasks),
		[USER_TABLES] = { .known = known, .number = weight->user_tables },
		[PRIVATE_TABLES] = { .known = known, .number = weight->private_tables },
		[SHARED_TABLES] = { .known = known, .number = weight->shared_tables },
		[WEIGHT] = { .known = known, .number = own_bytes(weight) },
		[SHARE] = { .known = known, .number = share(weight, c->full) },
	};

	return report_row(report, row);
}

static void tell_spaces(void *arg, struct report *report)
{
	const struct census *c = arg;

	for (size_t i = 0; i < c->n && tell_space(c, i, report); i++)
		;
}

enum exit_status run_spaces(struct session *session)
{
	ws_autofree struct weighed *weights = NULL;
	struct census census = {
		.full = full_bytes(ws_system_paging(session->system)->format),
	};
	struct report *report;
	enum exit_status status;

	census.spaces = ws_system_spaces(session->system, &census.n);
	census.weights = weights = calloc(census.n ? census.n : 1, sizeof(*weights));
	if (!weights)
		return session_fail_memory();
	status = weigh(session, &census);
	if (status != EXIT_SEEN)
		return status;
	report = session_report(session);
	report_table(report, &summary, tell_summary, &census);
	report_table(report, &spaces_table, tell_spaces, &census);
	return session_answer(session, EXIT_SEEN);
}
