/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scenario on the model kernel, printed as it happens. */
#include "session.h"

#include <errno.h>
#include <string.h>

#include "machine/script.h"
#include "util/cleanup.h"
#include "util/vec.h"
#include "values.h"
#include "util/whole.h"

/* ---- which there are -------------------------------------------------------------- */

enum { NAME, SUMMARY };

static const struct column list_columns[] = {
	[NAME] = { "name", "SCENARIO", COLUMN_TEXT, NULL },
	[SUMMARY] = { "summary", "WHAT IT SHOWS", COLUMN_TEXT, NULL },
};
static const struct table list_table = { "scenarios", TABLE_COLUMNS(list_columns) };

static void print_list(void *arg, struct report *report)
{
	(void)arg;
	for (const struct script_scenario *s = script_scenarios; s->name; s++) {
		struct value row[] = {
			[NAME] = value_text(s->name),
			[SUMMARY] = value_text(s->summary),
		};

		if (!report_row(report, row))
			return;
	}
}

static enum exit_status list_scenarios(struct session *session)
{
	if (session->request->columns)
		return session_usage(session, NULL,
				     "--columns is for the lines of a SCENARIO");
	report_table(session_report(session), &list_table, print_list, NULL);
	return session_answer(session, EXIT_SEEN);
}

const char *offer_scenario(unsigned i)
{
	return script_scenarios[i].name;
}

/* ---- what one says --------------------------------------------------------------- */

enum { SENTENCE, VOICE, PROCESSOR, PID, TEXT };

static const struct column columns[] = {
	[SENTENCE] = { NULL, "", COLUMN_TEXT, NULL },
	[VOICE] = { "teller", NULL, COLUMN_TEXT,
		    "story, kernel or processor: who the line is about" },
	[PROCESSOR] = { "processor", NULL, COLUMN_COUNT, "the processor it happens on" },
	[PID] = { "pid", NULL, COLUMN_COUNT,
		  "whose address space is loaded there; 0 is init_mm's" },
	[TEXT] = { "text", NULL, COLUMN_TEXT, "what happens, in plain words" },
};
const struct table sim_table = { "lines", TABLE_COLUMNS(columns) };
/* The same to be read aloud. */
static const struct table aloud_table = { "lines", TABLE_COLUMNS(columns),
					  .prose = true };

struct said {
	uint8_t voice; /* enum kernel_voice */
	unsigned cpu;
	int pid;
	char *text;
};

struct taking {
	WS_VEC(struct said) lines;
	bool memory_short;
	const char *save; /* a path, or NULL */
	int error;        /* why nothing is there: errno; 0: it was saved */
};

/* How deep a line is indented says who speaks; so does the word it begins with. */
static const struct {
	const char *name, *lead;
} voices[] = {
	[VOICE_STORY] = { "story", "" },
	[VOICE_KERNEL] = { "kernel", "    kernel     " },
	[VOICE_PROCESSOR] = { "processor", "    processor  " },
};

static void keep_line(void *arg, const struct kernel_line *line)
{
	struct taking *taking = arg;
	struct said *said = ws_vec_push(&taking->lines);
	char *text = strdup(line->text);

	if (!said || !text) {
		taking->memory_short = true;
		free(text);
		return;
	}
	*said = (struct said){ (uint8_t)line->voice, line->cpu, line->pid, text };
}

static bool print_line(const struct said *said, struct report *report)
{
	bool happens = said->voice != VOICE_STORY;
	char sentence[REPORT_CELL];
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[VOICE] = value_text(voices[said->voice].name),
		[PROCESSOR] = { .known = happens, .number = said->cpu },
		[PID] = { .known = happens, .number = (uint64_t)said->pid },
		[TEXT] = value_text(said->text),
	};

	snprintf(sentence, sizeof(sentence), "%s%s", voices[said->voice].lead,
		 said->text);
	return report_row(report, row);
}

static void print_lines(void *arg, struct report *report)
{
	const struct taking *taking = arg;

	for (size_t i = 0; i < taking->lines.n; i++)
		if (!print_line(&taking->lines.v[i], report))
			return;
}

static void taking_release(struct taking *taking)
{
	ws_vec_each(&taking->lines, said)
		free(said->text);
	ws_vec_release(&taking->lines);
}

/* ---- and what it comes to --------------------------------------------------------- */

enum { CONCLUSION, SCENARIO, HOLDS, WHY };

static const struct column summary_columns[] = {
	[CONCLUSION] = { "sentence", "", COLUMN_TEXT, NULL },
	[SCENARIO] = { "scenario", NULL, COLUMN_TEXT, NULL },
	[HOLDS] = { "holds", NULL, COLUMN_YES, NULL },
	[WHY] = { "why", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct conclusion {
	const char *scenario, *why;
	bool holds;
};

static void print_conclusion(void *arg, struct report *report)
{
	const struct conclusion *conclusion = arg;
	char sentence[REPORT_CELL];

	snprintf(sentence, sizeof(sentence), "%s: %s", conclusion->scenario,
		 conclusion->holds ? "it went as the script says"
				   : "it did not go as the script says");
	report_row(report, (struct value[]){
				   [CONCLUSION] = { .known = true,
						    .alarm = !conclusion->holds,
						    .text = sentence },
				   [SCENARIO] = value_text(conclusion->scenario),
				   [HOLDS] = value_number(conclusion->holds),
				   [WHY] = value_text(conclusion->why),
			   });
}

static void save(void *arg, struct kernel *kernel)
{
	struct taking *taking = arg;
	struct ws_whole whole;

	if (ws_whole_open(&whole, taking->save) &&
	    ws_whole_close(&whole, kernel_save(kernel, whole.file)))
		return;
	taking->error = errno ? errno : EIO;
}

static enum exit_status print_story(struct session *session, struct taking *taking,
				    struct conclusion *conclusion)
{
	struct report *report = session_report(session);
	bool aloud =
		session->request->format == REPORT_TEXT && !session->request->columns;
	enum exit_status status;

	report_table(report, aloud ? &aloud_table : &sim_table, print_lines, taking);
	report_table(report, &summary, print_conclusion, conclusion);
	status = session_answer(session, conclusion->holds ? EXIT_SEEN : EXIT_UNSEEN);
	if (!conclusion->holds)
		session_usage(session, NULL, "%s", conclusion->why);
	if (taking->error) {
		errno = taking->error;
		return session_write_failed(session, taking->save);
	}
	return status;
}

static enum exit_status conclude(struct session *session, struct taking *taking,
				 enum script_status status, const char *why)
{
	struct conclusion conclusion = { session->request->words[0], why,
					 status == SCRIPT_HOLDS };

	if (taking->memory_short || status == SCRIPT_NO_MEMORY || (status && !why))
		return session_fail_memory();
	switch (status) {
	case SCRIPT_BAD:
		return session_usage(session, NULL, "%s", why);
	case SCRIPT_UNKNOWN:
		return session_usage(
			session,
			"`whosees sim' lists them; the name of a file has a "
			"'/' in it",
			"%s%s", why,
			values_suggestion(offer_scenario, session->request->words[0]));
	case SCRIPT_UNREADABLE:
		session_usage(session, NULL, "%s", why);
		return EXIT_UNREADABLE;
	default:
		return print_story(session, taking, &conclusion);
	}
}

enum exit_status run_sim(struct session *session)
{
	const struct request *request = session->request;
	ws_cleanup(taking_release) struct taking taking = { .save = request->save };
	ws_autofree char *why = NULL;
	struct script_options options = {
		.say = keep_line,
		.look = request->save ? save : NULL,
		.arg = &taking,
	};
	enum script_status status;

	if (!request->nwords)
		return list_scenarios(session);
	options.scenario = request->words[0];
	status = script_run(&options, NULL, &why);
	return conclude(session, &taking, status, why);
}
