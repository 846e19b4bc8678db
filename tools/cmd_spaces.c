/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every address space, whose it is, and the memory its page tables use. */
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lines.h"
#include "linux/pids.h"
#include "report/words.h"
#include "util/cleanup.h"
#include "util/count.h"

enum {
	PID,
	COMM,
	KIND,
	SHOWN_KIND,
	ROOT,
	SHARERS,
	USER_TABLES,
	PRIVATE_TABLES,
	SHARED_TABLES,
	WEIGHT,
	SHARE,
	OWNERS,
	THREADS,
	PPID
};

static const struct column columns[] = {
	[PID] = { "pid", "PID", COLUMN_COUNT, "of the first process that has it" },
	[COMM] = { "comm", "COMM", COLUMN_TEXT, "that process's name" },
	[KIND] = { "kind", NULL, COLUMN_TEXT,
		   "init_mm, process, user half, unowned, lone or freed" },
	[SHOWN_KIND] = { NULL, "KIND", COLUMN_TEXT, NULL, .optional = 2 },
	[ROOT] = { "root", "ROOT", COLUMN_ADDRESS, "physical address of the top table" },
	[SHARERS] = { "processes", "PROCS", COLUMN_COUNT, "that share it",
		      .optional = 5 },
	[USER_TABLES] = { "user_tables", "USER TABLES", COLUMN_COUNT,
			  "page tables of the user half", .optional = 4 },
	[PRIVATE_TABLES] = { "private_tables", "OWN KERNEL TABLES", COLUMN_COUNT,
			     "page tables of the kernel half that are its own",
			     .optional = 3 },
	[SHARED_TABLES] = { "shared_tables", "SHARED", COLUMN_COUNT,
			    "page tables of the kernel half that init_mm has too",
			    .optional = 1 },
	[WEIGHT] = { "weight", "TABLE MEMORY", COLUMN_SIZE,
		     "bytes of page tables that are its own, in both halves" },
	[SHARE] = { "share", NULL, COLUMN_SHARE,
		    "weight in millionths, rounded up, of what mapping every page "
		    "would take",
		    .optional = 7 },
	[OWNERS] = { "owners", NULL, COLUMN_TEXT,
		     "tgids of these processes, and of kernel threads that use the mm" },
	[THREADS] = { "threads", "THREADS", COLUMN_COUNT, "that live in all of these",
		      .optional = 6 },
	[PPID] = { "ppid", NULL, COLUMN_COUNT,
		   "the pid of that first process's parent; 0: the kernel started it" },
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
	uint32_t ppid; /* of its first process; WS_NO_PID: unknown, or there is none */
};

struct listing {
	const struct ws_format *format;
	const struct ws_space *spaces;
	struct weighed *weights; /* one a space */
	size_t n;
	size_t of_kind[KINDS];
	uint64_t weight; /* all spaces' own tables, in bytes */
	uint64_t full;   /* what a space with every page mapped would need */
	uint64_t shared; /* tables that three of four processes share with init_mm */
};

static uint64_t own_bytes(const struct ws_weight *weight)
{
	return (weight->user_tables + weight->private_tables) * WS_FRAME_SIZE;
}

/* The lowest level alone, as the story counts: 4 MiB where 2^20 entries take 4 bytes. */
static uint64_t full_bytes(const struct ws_format *format)
{
	struct ws_step second = { .index = 1 };

	return ws_step_entry_pa(format, &second)
	       << (ws_format_va_bits(format) - ws_format_page_bits(format));
}

/* In millionths, rounded up: what weighs anything is not nothing. */
static uint64_t share(const struct ws_weight *weight, uint64_t full)
{
	return (own_bytes(weight) * 1000000 + full - 1) / full;
}

static enum exit_status weigh(struct session *session, struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++) {
		struct weighed *weighed = &listing->weights[i];
		enum ws_status status = WS_ERR_NOT_FOUND;

		if (!listing->spaces[i].looks_damaged)
			status = ws_space_weigh(session->system, &listing->spaces[i],
						&weighed->weight);

		if (status != WS_OK && status != WS_ERR_NOT_FOUND)
			return session_fail(session, status, NULL);
		weighed->known = status == WS_OK;
		ws_error_clear(session->ctx);
		listing->of_kind[listing->spaces[i].kind % KINDS]++;
		listing->weight += own_bytes(&weighed->weight);
		progress_show(&session->progress, "weighing page tables",
			      (double)(i + 1) / (double)listing->n);
	}
	return EXIT_SEEN;
}

static int by_number(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Whether it is a process, all of whose tables could be counted. */
static bool is_weighed(const struct listing *c, size_t i)
{
	return c->spaces[i].kind == WS_SPACE_PROCESS && c->weights[i].known;
}

/*
 * What three of four processes have or exceed. On x86-64 most differ by one or so; who has
 * fewer than that is worth a look, and no more is said of it.
 */
static bool find_shared(struct listing *c)
{
	ws_autofree uint64_t *shared = calloc(c->n + 1, sizeof(*shared));
	size_t n = 0;

	if (!shared)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (is_weighed(c, i))
			shared[n++] = c->weights[i].weight.shared_tables;
	qsort(shared, n, sizeof(*shared), by_number);
	c->shared = shared[n / 4];
	return true;
}

static bool shares_fewer(const struct listing *c, size_t i)
{
	return is_weighed(c, i) && c->weights[i].weight.shared_tables < c->shared;
}

/* Of what is no table nobody knows how many tables it leads to. */
static void print_damaged(const struct listing *c, struct report *report)
{
	char space[WORDS], words[WORDS];

	for (size_t i = 0; i < c->n; i++)
		if (c->spaces[i].looks_damaged)
			prose_line(report, true, "%s: its page tables are not known: %s",
				   space_words(&c->spaces[i], space),
				   damaged_words(c->format, &c->spaces[i], words));
}

/* Where some share fewer, the reader would have to compare a column to see it. */
static void print_remarks(void *arg, struct report *report)
{
	const struct listing *c = arg;
	size_t n = 0, first = 0;
	char words[WORDS];

	for (size_t i = c->n; i-- > 0;)
		if (shares_fewer(c, i)) {
			first = i;
			n++;
		}
	if (n == 1)
		prose_line(
			report, true,
			"%s shares fewer kernel page tables with init_mm than other "
			"processes (SHARED %s; they have %s or more): `whosees audit' says what "
			"comes of it",
			space_words(&c->spaces[first], words),
			WS_COUNT(c->weights[first].weight.shared_tables),
			WS_COUNT(c->shared));
	else if (n)
		prose_line(
			report, true,
			"%s, the first %s, share fewer kernel page tables with init_mm "
			"than others, whose SHARED is %s or more: `whosees audit' says what "
			"comes of it",
			WS_COUNT_OF(n, "process"), space_words(&c->spaces[first], words),
			WS_COUNT(c->shared));
	print_damaged(c, report);
	if (c->of_kind[WS_SPACE_FREED])
		prose_line(
			report, false,
			"freed roots are no leak: each is what is left in a freed page, "
			"until the page is used again");
}

/* The first process's in each space. A user half belongs to the same process. */
static bool find_parents(const struct session *session, struct listing *listing)
{
	size_t ntasks;
	const struct ws_task *tasks = ws_system_tasks(session->system, &ntasks), *task;
	struct ws_pids pids;

	if (!ws_pids_make(&pids, tasks, ntasks))
		return false;
	for (size_t i = 0; i < listing->n; i++) {
		const struct ws_space *space = &listing->spaces[i];

		task = space_has_pid(space) ? ws_pids_find(&pids, space->pid) : NULL;
		listing->weights[i].ppid = task ? task->ppid : WS_NO_PID;
	}
	ws_pids_release(&pids);
	return true;
}

static void print_summary(void *arg, struct report *report)
{
	const struct listing *c = arg;
	char weight[REPORT_CELL], sentence[REPORT_CELL] = "";
	char who[WHO_WORDS];
	size_t counted = count_everyone(c->spaces, c->n);
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
		[COUNTED] = value_number(counted),
		[UNOWNED] = value_number(c->of_kind[WS_SPACE_UNOWNED]),
	};

	snprintf(sentence, sizeof(sentence),
		 "%s (%s); the page tables of all %s use %.32s",
		 WS_COUNT_OF(counted, "address space"), who_counts(c->spaces, c->n, who),
		 WS_COUNT_OF(c->n, "root"), report_size(c->weight, weight));
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

static bool print_space(const struct listing *c, size_t i, struct report *report)
{
	const struct ws_space *space = &c->spaces[i];
	const struct ws_weight *weight = &c->weights[i].weight;
	bool known = c->weights[i].known;
	uint32_t ppid = c->weights[i].ppid;
	char owners[REPORT_CELL];
	struct value row[] = {
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[SHOWN_KIND] = value_text(kind_words(space->kind)),
		[ROOT] = value_number(space->root),
		[OWNERS] = value_text(owner_words(space, owners)),
		[THREADS] = value_number(space->nthreads),
		[PPID] = { .known = ppid != WS_NO_PID, .number = ppid },
		[SHARERS] = value_number(space->ntasks),
		[USER_TABLES] = { .known = known, .number = weight->user_tables },
		[PRIVATE_TABLES] = { .known = known, .number = weight->private_tables },
		[SHARED_TABLES] = { .known = known, .number = weight->shared_tables },
		[WEIGHT] = { .known = known, .number = own_bytes(weight) },
		[SHARE] = { .known = known, .number = share(weight, c->full) },
	};

	row[SHARED_TABLES].alarm = shares_fewer(c, i);
	return report_row(report, row);
}

static void print_spaces(void *arg, struct report *report)
{
	const struct listing *c = arg;

	for (size_t i = 0; i < c->n && print_space(c, i, report); i++)
		;
}

enum exit_status run_spaces(struct session *session)
{
	ws_autofree struct weighed *weights = NULL;
	struct listing listing = {
		.format = ws_system_paging(session->system)->format,
		.full = full_bytes(ws_system_paging(session->system)->format),
	};
	struct report *report;
	enum exit_status status;
	enum ws_status named = ws_system_name_spaces(session->system);

	if (named != WS_OK)
		return session_fail(session, named, NULL);
	listing.spaces = ws_system_spaces(session->system, &listing.n);
	listing.weights = weights = calloc(listing.n ? listing.n : 1, sizeof(*weights));
	if (!weights || !find_parents(session, &listing))
		return session_fail_memory();
	status = weigh(session, &listing);
	if (status != EXIT_SEEN)
		return status;
	if (!find_shared(&listing))
		return session_fail_memory();
	report = session_report(session);
	report_table(report, &summary, print_summary, &listing);
	if (session->request->format == REPORT_TEXT)
		report_table(report, &lines_table, print_remarks, &listing);
	report_table(report, &spaces_table, print_spaces, &listing);
	return session_answer(session, EXIT_SEEN);
}
