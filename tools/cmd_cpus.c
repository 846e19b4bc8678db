/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each processor: what it is at, its registers, and where it enters the kernel. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "report/words.h"

struct processors {
	struct session *session;
	const struct ws_target *target;
	const struct ws_space *spaces;
	const struct ws_task *tasks;
	size_t nspaces, ntasks;
	size_t n;
	size_t nunknown; /* of which the space is not known */
	bool same_gates; /* all processors have the same entry points */
};

static struct value number_if(bool known, uint64_t number)
{
	return (struct value){ .known = known, .number = number };
}

static const struct ws_space *space_at(const struct processors *processors, uint32_t i)
{
	return i < processors->nspaces ? &processors->spaces[i] : NULL;
}

/* ---- what each is at ---------------------------------------------------------------- */

enum {
	SENTENCE,
	CPU,
	ROOT,
	PID,
	COMM,
	THREAD_PID,
	THREAD_COMM,
	LOADED_MM,
	LOADED_PID,
	LOADED_COMM,
	LOADED_BY,
	REGIME,
};

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[CPU] = { "cpu", NULL, COLUMN_COUNT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[THREAD_PID] = { "thread_pid", NULL, COLUMN_COUNT, NULL },
	[THREAD_COMM] = { "thread_comm", NULL, COLUMN_TEXT, NULL },
	[LOADED_MM] = { "loaded_mm", NULL, COLUMN_ADDRESS, NULL },
	[LOADED_PID] = { "loaded_pid", NULL, COLUMN_COUNT, NULL },
	[LOADED_COMM] = { "loaded_comm", NULL, COLUMN_TEXT, NULL },
	[LOADED_BY] = { "loaded_mm_found", NULL, COLUMN_TEXT, NULL },
	[REGIME] = { "regime", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static int print_space(const struct processors *processors,
		       const struct ws_cpu_state *state, char *text, size_t size)
{
	const struct ws_space *space = space_at(processors, state->space);
	char words[WORDS];

	if (!state->has_root)
		return snprintf(text, size, "which space it has loaded is not known");
	if (!space)
		return snprintf(text, size, "in no space that is known (root 0x%jx)",
				state->root);
	return snprintf(text, size, "in %s (root 0x%jx)", space_words(space, words),
			state->root);
}

static int print_task(const struct processors *processors,
		      const struct ws_cpu_state *state, char *text, size_t size)
{
	const struct ws_task *task =
		state->task < processors->ntasks ? &processors->tasks[state->task] : NULL;

	if (task && (!state->has_thread || state->thread_pid == task->pid))
		return snprintf(text, size, ", runs %u %s", task->pid, task->comm);
	if (task)
		return snprintf(text, size, ", runs %u %s, a thread of %u %s",
				state->thread_pid, state->thread_comm, task->pid,
				task->comm);
	if (state->has_thread)
		return snprintf(text, size, ", runs %u %s", state->thread_pid,
				state->thread_comm);
	return snprintf(text, size, ", runs a task that is not known");
}

/* Worth a word where the register names another. */
static int print_loaded(const struct processors *processors,
			const struct ws_cpu_state *state, char *text, size_t size)
{
	const struct ws_space *space = space_at(processors, state->loaded_space);
	char words[WORDS];

	if (!state->has_loaded_mm)
		return 0;
	return snprintf(text, size, "; the mm that the kernel has loaded is %s (0x%jx%s)",
			space ? space_words(space, words) : "none that is known",
			state->loaded_mm, state->loaded_by_shape ? ", by its shape" : "");
}

static void print_state(const struct processors *processors, size_t i,
			const struct ws_cpu_state *state, struct report *report)
{
	const struct ws_space *space = space_at(processors, state->space),
			      *loaded = space_at(processors, state->loaded_space);
	char sentence[REPORT_CELL];
	int at = snprintf(sentence, sizeof(sentence), "cpu %zu: ", i);
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[CPU] = value_number(i),
		[ROOT] = number_if(state->has_root, state->root),
		[PID] = number_if(space && space_has_pid(space), space ? space->pid : 0),
		[COMM] = value_text(space ? space->comm : NULL),
		[THREAD_PID] = number_if(state->has_thread, state->thread_pid),
		[THREAD_COMM] = value_text(state->has_thread ? state->thread_comm : NULL),
		[LOADED_MM] = number_if(state->has_loaded_mm, state->loaded_mm),
		[LOADED_PID] = number_if(loaded && space_has_pid(loaded),
					 loaded ? loaded->pid : 0),
		[LOADED_COMM] = value_text(loaded ? loaded->comm : NULL),
		[LOADED_BY] = value_text(!state->has_loaded_mm    ? NULL
					 : state->loaded_by_shape ? "by shape"
								  : "by name"),
		[REGIME] = value_text(ws_system_regime(processors->session->system)),
	};

	at += print_space(processors, state, sentence + at,
			  sizeof(sentence) - (size_t)at);
	at += print_task(processors, state, sentence + at, sizeof(sentence) - (size_t)at);
	print_loaded(processors, state, sentence + at, sizeof(sentence) - (size_t)at);
	row[SENTENCE].alarm = state->space == WS_NO_SPACE;
	report_row(report, row);
}

static void print_states(void *arg, struct report *report)
{
	const struct processors *processors = arg;

	for (size_t i = 0; i < processors->n; i++) {
		struct ws_cpu_state state;

		if (ws_system_cpu_state(processors->session->system, i, &state) == WS_OK)
			print_state(processors, i, &state, report);
	}
}

/* ---- registers ---------------------------------------------------------------------- */

enum { R_CPU, R_GROUP, R_NAME, R_VALUE, R_BASE, R_LIMIT, R_FLAGS, R_PLACE, R_SHOWN };

static const struct column register_columns[] = {
	[R_CPU] = { "cpu", "CPU", COLUMN_COUNT, "the processor's number" },
	[R_GROUP] = { "group", NULL, COLUMN_TEXT, "general, control or segment" },
	[R_NAME] = { "register", "REGISTER", COLUMN_TEXT, "as the manual calls it" },
	[R_VALUE] = { "value", "VALUE", COLUMN_ADDRESS,
		      "what it holds; of a segment, the selector" },
	[R_BASE] = { "base", NULL, COLUMN_ADDRESS,
		     "of a segment, or of a descriptor table" },
	[R_LIMIT] = { "limit", NULL, COLUMN_ADDRESS, "its last byte, from there" },
	[R_FLAGS] = { "flags", NULL, COLUMN_ADDRESS,
		      "as the second word of its descriptor" },
	[R_PLACE] = { "place", NULL, COLUMN_TEXT,
		      "what lies at the value, or at the base, if it is a kernel address" },
	[R_SHOWN] = { NULL, "WHAT LIES THERE", COLUMN_TEXT, NULL },
};
const struct table registers_table = { "registers", TABLE_COLUMNS(register_columns) };

static const char *const groups[] = {
	[WS_REGISTER_GENERAL] = "general",
	[WS_REGISTER_CONTROL] = "control",
	[WS_REGISTER_SEGMENT] = "segment",
};

static struct value part_of(const struct ws_cpu *cpu, const char *name, const char *part)
{
	struct value value = { .known = false };
	char whole[64];

	snprintf(whole, sizeof(whole), "%s%s", name, part);
	value.known = ws_cpu_register(cpu, whole, &value.number);
	return value;
}

static bool is_root(const struct ws_cpu *cpu, const char *name)
{
	return !strcasecmp(name, ws_cpu_root_register(cpu));
}

/* Kernel addresses, and none that is only a number. */
static struct value place_of(const struct processors *processors,
			     const struct ws_cpu *cpu, const char *name,
			     const struct value *address, char words[static PLACE_WORDS])
{
	struct session *session = processors->session;
	const struct ws_layout *layout = ws_system_layout(session->system);

	if (!address->known || is_root(cpu, name) ||
	    address->number < layout->kernel_first ||
	    (layout->word == 4 && address->number > UINT32_MAX))
		return (struct value){ .known = false };
	return value_text(place_words(session, address->number, NULL, words));
}

/* A segment's base, in the words of text. */
#define SEGMENT_WORDS (PLACE_WORDS + 64)

static struct value segment_shown(const struct value *row,
				  char words[static SEGMENT_WORDS])
{
	if (!row[R_BASE].known)
		return row[R_PLACE];
	snprintf(words, SEGMENT_WORDS, "base 0x%jx, limit 0x%jx%s%s", row[R_BASE].number,
		 row[R_LIMIT].number, row[R_PLACE].known ? ": " : "",
		 row[R_PLACE].known ? row[R_PLACE].text : "");
	return value_text(words);
}

static bool print_register(const struct processors *processors, size_t i,
			   const char *name, enum ws_register_group group,
			   struct report *report)
{
	const struct ws_cpu *cpu = ws_target_cpu(processors->target, i);
	bool segment = group == WS_REGISTER_SEGMENT;
	char words[PLACE_WORDS], shown[SEGMENT_WORDS];
	struct value row[] = {
		[R_CPU] = value_number(i),      [R_GROUP] = value_text(groups[group]),
		[R_NAME] = value_text(name),    [R_VALUE] = part_of(cpu, name, ""),
		[R_SHOWN] = { .known = false },
	};

	if (segment) {
		row[R_BASE] = part_of(cpu, name, ".base");
		row[R_LIMIT] = part_of(cpu, name, ".limit");
		row[R_FLAGS] = part_of(cpu, name, ".flags");
	}
	row[R_PLACE] =
		place_of(processors, cpu, name, &row[segment ? R_BASE : R_VALUE], words);
	row[R_SHOWN] = segment ? segment_shown(row, shown) : row[R_PLACE];
	if (!row[R_VALUE].known && !row[R_BASE].known)
		return true;
	return report_row(report, row);
}

static void print_registers(void *arg, struct report *report)
{
	const struct processors *processors = arg;

	for (size_t i = 0; i < processors->n; i++) {
		const struct ws_cpu *cpu = ws_target_cpu(processors->target, i);
		enum ws_register_group group;
		const char *name;

		for (unsigned r = 0; (name = ws_cpu_register_at(cpu, r, &group)); r++)
			if (!print_register(processors, i, name, group, report))
				return;
	}
}

/* ---- where they enter the kernel ---------------------------------------------------- */

enum {
	G_CPU,
	G_VECTOR,
	G_NAME,
	G_KIND,
	G_DPL,
	G_STACK,
	G_SELECTOR,
	G_VA,
	G_HANDLER,
	G_PLACE
};

static const struct column entry_columns[] = {
	[G_CPU] = { "cpu", "CPU", COLUMN_COUNT, "null: every processor's",
		    .optional = 4 },
	[G_VECTOR] = { "vector", "VECTOR", COLUMN_COUNT, "its number" },
	[G_NAME] = { "name", "NAME", COLUMN_TEXT, "what the manual calls it" },
	[G_KIND] = { "kind", "KIND", COLUMN_TEXT, "null: not present", .optional = 3 },
	[G_DPL] = { "dpl", "DPL", COLUMN_COUNT, "3: user mode may raise it",
		    .optional = 1 },
	[G_STACK] = { "own_stack", "STACK", COLUMN_COUNT,
		      "the number of the stack that it changes to; 0: none",
		      .optional = 2 },
	[G_SELECTOR] = { "selector", NULL, COLUMN_ADDRESS,
			 "of the segment that it runs in" },
	[G_VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "of what is run" },
	[G_HANDLER] = { "handler", NULL, COLUMN_ADDRESS,
			"that the code there leads to, where it was followed" },
	[G_PLACE] = { "place", "LEADS TO", COLUMN_TEXT, "what lies there" },
};
static const struct table entry_table = { "entry_points", TABLE_COLUMNS(entry_columns) };

static bool print_entry_point(const struct processors *processors, size_t i,
			      const struct ws_entry_point *point, struct report *report)
{
	uint64_t leads_to = point->handler ? point->handler : point->va;
	char words[PLACE_WORDS];
	struct value row[] = {
		[G_CPU] = number_if(!processors->same_gates, i),
		[G_VECTOR] = value_number(point->number),
		[G_NAME] = value_text(point->name),
		[G_KIND] = value_text(point->kind),
		[G_DPL] = number_if(point->has_gate, point->dpl),
		[G_STACK] = number_if(point->has_gate, point->own_stack),
		[G_SELECTOR] = number_if(point->has_gate, point->selector),
		[G_VA] = number_if(point->is_code, point->va),
		[G_HANDLER] = number_if(point->handler, point->handler),
		[G_PLACE] = { .known = false },
	};

	if (point->is_code)
		row[G_PLACE] = value_text(
			place_words(processors->session, leads_to, NULL, words));
	return report_row(report, row);
}

static bool same_points(const struct processors *processors, size_t i)
{
	struct ws_system *system = processors->session->system;
	struct ws_entry_point first, other;
	enum ws_evidence of_first, of_other;

	for (unsigned n = 0;; n++) {
		of_first = ws_system_entry_point(
			system, ws_target_cpu(processors->target, 0), n, &first);
		of_other = ws_system_entry_point(
			system, ws_target_cpu(processors->target, i), n, &other);
		if (of_first != of_other)
			return false;
		if (of_first != WS_READ)
			return true;
		if (first.va != other.va || first.kind != other.kind ||
		    first.dpl != other.dpl || first.own_stack != other.own_stack ||
		    first.selector != other.selector)
			return false;
	}
}

static void print_entry_points(void *arg, struct report *report)
{
	const struct processors *processors = arg;
	size_t n = processors->same_gates ? processors->n > 0 : processors->n;

	for (size_t i = 0; i < n; i++) {
		struct ws_entry_point point;

		for (unsigned p = 0;
		     ws_system_entry_point(processors->session->system,
					   ws_target_cpu(processors->target, i), p,
					   &point) == WS_READ;
		     p++)
			if (!print_entry_point(processors, i, &point, report))
				return;
	}
}

/* What of them could not be read is not silently left out. */
static void note_unread(struct processors *processors)
{
	struct session *session = processors->session;

	for (size_t i = 0; i < processors->n; i++) {
		struct ws_entry_point point;
		enum ws_evidence evidence = ws_system_entry_point(
			session->system, ws_target_cpu(processors->target, i), 0, &point);

		if (evidence == WS_READ)
			continue;
		snprintf(session->note, sizeof(session->note),
			 "cpu %zu: where it enters the kernel is %s", i,
			 evidence == WS_ABSENT ? "not in the target"
					       : "not mapped in init_mm");
		return;
	}
}

/* ---- the answer --------------------------------------------------------------------- */

static void count(struct processors *processors)
{
	while (ws_target_cpu(processors->target, processors->n)) {
		struct ws_cpu_state state;

		if (ws_system_cpu_state(processors->session->system, processors->n,
					&state) != WS_OK ||
		    state.space == WS_NO_SPACE)
			processors->nunknown++;
		processors->n++;
	}
	processors->same_gates = true;
	for (size_t i = 1; i < processors->n && processors->same_gates; i++)
		processors->same_gates = same_points(processors, i);
}

enum exit_status run_cpus(struct session *session)
{
	struct processors processors = { .session = session, .target = session->target };
	const struct request *request = session->request;
	bool csv = request->format == REPORT_CSV;
	struct report *report;

	processors.spaces = ws_system_spaces(session->system, &processors.nspaces);
	processors.tasks = ws_system_tasks(session->system, &processors.ntasks);
	count(&processors);
	if (!processors.n) {
		session_usage(session, NULL,
			      "this target keeps no processor's registers");
		return EXIT_UNKNOWN;
	}
	if (request->vectors)
		note_unread(&processors);
	report = session_report(session);
	report_table(report, &summary, print_states, &processors);
	if (!csv || !request->vectors)
		report_table(report, &registers_table, print_registers, &processors);
	if (request->vectors)
		report_table(report, &entry_table, print_entry_points, &processors);
	return session_answer(session, processors.nunknown ? EXIT_UNKNOWN : EXIT_SEEN);
}
