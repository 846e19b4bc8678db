/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies on one kernel stack: words that lead into code, and exception frames. */
#include "session.h"

#include <inttypes.h>
#include <string.h>

#include "place.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/number.h"

enum { VA, DEPTH, KIND, VALUE, ERROR, ERROR_IS, FLAGS, SP, MODE, NAME };

static const struct column columns[] = {
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "where it lies on the stack" },
	[DEPTH] = { "dead", NULL, COLUMN_YES,
		    "it lies below the stack pointer: left over from before" },
	[KIND] = { "kind", "KIND", COLUMN_TEXT,
		   "word: it leads into code; frame: an exception frame", .optional = 1 },
	[VALUE] = { "value", "VALUE", COLUMN_ADDRESS,
		    "what it leads to; of a frame, what it interrupted", .optional = 2 },
	[ERROR] = { "error", NULL, COLUMN_ADDRESS,
		    "of a frame: the error code, or what the kernel keeps there (orig_ax): the "
		    "number of a system call, or -1" },
	[ERROR_IS] = { "error_is", NULL, COLUMN_TEXT,
		       "error, or orig_ax: of a system call or an interrupt; error or orig_ax: "
		       "nothing on the stack tells which" },
	[FLAGS] = { "flags", NULL, COLUMN_ADDRESS, "of a frame: the saved flags" },
	[SP] = { "sp", NULL, COLUMN_ADDRESS,
		 "of a frame: the saved stack pointer, if that was pushed" },
	[MODE] = { "mode", NULL, COLUMN_TEXT, "of a frame: the mode it interrupted" },
	[NAME] = { "name", "WHAT IT IS", COLUMN_TEXT, "in words" },
};
const struct table stack_table = { "words", TABLE_COLUMNS(columns) };

enum { SENTENCE, FIRST, SIZE, S_SP, RUNNING, PID, COMM, WORDS_, FRAMES, ABSENT };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[FIRST] = { "stack", NULL, COLUMN_ADDRESS, NULL },
	[SIZE] = { "size", NULL, COLUMN_SIZE, NULL },
	[S_SP] = { "sp", NULL, COLUMN_ADDRESS, NULL },
	[RUNNING] = { "running", NULL, COLUMN_YES, NULL },
	[PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[WORDS_] = { "words", NULL, COLUMN_COUNT, NULL },
	[FRAMES] = { "frames", NULL, COLUMN_COUNT, NULL },
	[ABSENT] = { "absent", NULL, COLUMN_SIZE, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

struct reading {
	struct session *session;
	struct ws_kernel_stack stack;
	const struct ws_task *task; /* whose it is; NULL: no task's */
	size_t nframes;
};

static void reading_release(struct reading *reading)
{
	ws_kernel_stack_release(&reading->stack);
}

/* ---- printing ----------------------------------------------------------------------- */

#define NAMED (2 * PLACE_WORDS)

/*
 * An entry without an error code has -1 there, or, of an interrupt until 5.8 (633260fa143b),
 * its vector inverted: no error code has so many bits.
 */
#define VECTORS 256

static bool is_inverted_vector(const struct reading *reading, uint64_t error)
{
	unsigned word = ws_system_layout(reading->session->system)->word;

	return (word == 4 ? ~(uint32_t)error : ~error) < VECTORS;
}

/* What the kernel calls the code by which it is entered, and what is pushed there. */
static const struct {
	const char *begins, *pushed;
} entries[] = {
	{ "entry_SYSCALL", "orig_ax" },      { "entry_SYSENTER", "orig_ax" },
	{ "entry_INT80", "orig_ax" },        { "asm_exc_page_fault", "error" },
	{ "asm_exc_double_fault", "error" }, { "asm_exc_general_protection", "error" },
};

/* The registers that it saves right below a frame, and the return address of what it calls. */
#define SAVED_WORDS 17u

/* By whose code it was entered: that returns to there. NULL: nothing on the stack says. */
static const char *pushed_by(const struct reading *reading,
			     const struct ws_stack_word *frame)
{
	unsigned word = ws_system_layout(reading->session->system)->word;
	const struct ws_stack_word *below = frame - 1;
	struct ws_symbol symbol;

	if (frame == reading->stack.words || below->is_frame ||
	    frame->va - below->va > SAVED_WORDS * word)
		return NULL;
	if (ws_symbol_at(reading->session->system, below->value, &symbol) != WS_OK) {
		ws_error_clear(reading->session->ctx);
		return NULL;
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(entries); i++)
		if (!strncmp(symbol.name, entries[i].begins, strlen(entries[i].begins)))
			return entries[i].pushed;
	return NULL;
}

static const char *error_is(const struct reading *reading,
			    const struct ws_stack_word *frame)
{
	const char *pushed = pushed_by(reading, frame);

	if (is_inverted_vector(reading, frame->frame.error))
		return "orig_ax";
	return pushed ? pushed : "error or orig_ax";
}

static const char *frame_named(const struct reading *reading,
			       const struct ws_stack_word *word, const char *place,
			       char words[static NAMED])
{
	const struct ws_exception_frame *frame = &word->frame;
	int n = snprintf(words, NAMED, "exception frame: interrupted %s at %s, %s 0x%jx",
			 frame->user ? "user mode" : "the kernel", place,
			 error_is(reading, word), frame->error);

	if (frame->sp)
		snprintf(words + n, NAMED - (size_t)n, ", stack pointer 0x%jx",
			 frame->sp);
	return words;
}

static bool print_word(const struct reading *reading, const struct ws_stack_word *word,
		       struct report *report)
{
	const struct ws_exception_frame *frame = &word->frame;
	bool is_frame = word->is_frame;
	char place[PLACE_WORDS], named[NAMED], user[32];
	const char *name = place_words(reading->session, word->value, NULL, place);
	struct value row[] = {
		[VA] = value_number(word->va),
		[DEPTH] = { .known = reading->stack.has_sp,
			    .number = word->va < reading->stack.sp },
		[KIND] = value_text(is_frame ? "frame" : "word"),
		[VALUE] = value_number(word->value),
		[ERROR] = { .known = is_frame, .number = frame->error },
		[ERROR_IS] = value_text(is_frame ? error_is(reading, word) : NULL),
		[FLAGS] = { .known = is_frame, .number = frame->flags },
		[SP] = { .known = is_frame && frame->sp, .number = frame->sp },
		[MODE] = value_text(!is_frame     ? NULL
				    : frame->user ? "user"
						  : "kernel"),
		[NAME] = value_text(name),
	};

	if (is_frame && frame->user) {
		snprintf(user, sizeof(user), "0x%jx", frame->ip);
		name = user;
	}
	if (is_frame)
		row[NAME] = value_text(frame_named(reading, word, name, named));
	return report_row(report, row);
}

/* Text leaves out what is left over: --json has it. */
static void print_words(void *arg, struct report *report)
{
	const struct reading *reading = arg;
	const struct ws_kernel_stack *stack = &reading->stack;
	bool all = reading->session->request->all ||
		   reading->session->request->format != REPORT_TEXT;

	for (size_t i = 0; i < stack->nwords; i++)
		if ((all || !stack->has_sp || stack->words[i].va >= stack->sp) &&
		    !print_word(reading, &stack->words[i], report))
			return;
}

static size_t count_live(const struct ws_kernel_stack *stack)
{
	size_t n = 0;

	for (size_t i = 0; i < stack->nwords; i++)
		n += !stack->has_sp || stack->words[i].va >= stack->sp;
	return n;
}

static int print_whose(const struct reading *reading, char *text, size_t size)
{
	const struct ws_kernel_stack *stack = &reading->stack;
	char place[PLACE_WORDS];

	if (reading->task)
		return snprintf(text, size, "kernel stack of %u %s", reading->task->pid,
				reading->task->comm);
	return snprintf(text, size, "a stack of no task that is known (%s)",
			place_words(reading->session, stack->sp, NULL, place));
}

static void print_summary(void *arg, struct report *report)
{
	const struct reading *reading = arg;
	const struct ws_kernel_stack *stack = &reading->stack;
	char sentence[REPORT_CELL];
	int at = print_whose(reading, sentence, sizeof(sentence));
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[FIRST] = value_number(stack->va),
		[SIZE] = value_number(stack->size),
		[S_SP] = { .known = stack->has_sp, .number = stack->sp },
		[RUNNING] = value_number(stack->is_running),
		[PID] = { .known = reading->task,
			  .number = reading->task ? reading->task->pid : 0 },
		[COMM] = value_text(reading->task ? reading->task->comm : NULL),
		[WORDS_] = value_number(stack->nwords),
		[FRAMES] = value_number(reading->nframes),
		[ABSENT] = value_number(stack->absent),
	};

	at += snprintf(sentence + at, sizeof(sentence) - (size_t)at,
		       ", 0x%jx to 0x%jx: %s%s %s into code (no unwinder: a call that "
		       "made one may have returned)",
		       stack->va, stack->va + (stack->size - 1),
		       WS_COUNT_OF(count_live(stack), "word"),
		       stack->has_sp ? " above the stack pointer" : "",
		       count_live(stack) == 1 ? "leads" : "lead");
	if (stack->is_running && stack->sp == stack->va + stack->size)
		at += snprintf(sentence + at, sizeof(sentence) - (size_t)at,
			       "; a processor runs that task in user mode: all on the "
			       "stack is left over from before");
	if (!stack->has_sp)
		at += snprintf(sentence + at, sizeof(sentence) - (size_t)at,
			       "; the stack pointer is not known: all words are listed");
	if (stack->absent)
		snprintf(sentence + at, sizeof(sentence) - (size_t)at,
			 "; %s of it are not in the target",
			 WS_COUNT_OF(stack->absent, "byte"));
	report_row(report, row);
}

/* ---- the question ------------------------------------------------------------------- */

static enum exit_status several(struct session *session, const char *name)
{
	return session_usage(session, "give the pid",
			     "--pid: %s is the name of several tasks", name);
}

/* By pid or by name; kernel threads too. */
static enum exit_status find_task(struct session *session, uint32_t *found)
{
	const char *text = session->request->pids;
	size_t n, hits = 0;
	const struct ws_task *tasks = ws_system_tasks(session->system, &n);
	uint64_t pid;
	bool number = ws_number(text, WS_DECIMAL, UINT32_MAX, &pid);

	for (size_t i = 0; i < n; i++)
		if (number ? tasks[i].pid == pid : !strcmp(tasks[i].comm, text)) {
			*found = (uint32_t)i;
			hits++;
		}
	if (hits == 1 || (number && hits))
		return EXIT_SEEN;
	if (hits)
		return several(session, text);
	session_usage(session, NULL, "--pid: no task %s %s was found",
		      number ? "with pid" : "called", text);
	return ws_system_lacks_tasks(session->system) ? EXIT_UNKNOWN : EXIT_USAGE;
}

static enum exit_status read_stack(struct session *session, struct ws_kernel_stack *stack)
{
	const struct request *request = session->request;
	enum exit_status found;
	enum ws_status status;
	uint32_t task = 0;

	if (request->has_cpu) {
		status = ws_system_cpu_stack(session->system, request->cpu, stack);
		return status == WS_OK
			       ? EXIT_SEEN
			       : session_fail_hint(session, status, NULL,
						   "`whosees cpus' lists the processors");
	}
	found = find_task(session, &task);
	if (found != EXIT_SEEN)
		return found;
	status = ws_system_task_stack(session->system, task, stack);
	return status == WS_OK ? EXIT_SEEN
			       : session_fail_hint(session, status, NULL, NULL);
}

enum exit_status run_stack(struct session *session)
{
	ws_cleanup(reading_release) struct reading reading = { .session = session };
	enum exit_status status = read_stack(session, &reading.stack);
	struct report *report;
	size_t ntasks;

	if (status != EXIT_SEEN)
		return status;
	if (reading.stack.task != WS_NO_TASK)
		reading.task =
			ws_system_tasks(session->system, &ntasks) + reading.stack.task;
	for (size_t i = 0; i < reading.stack.nwords; i++)
		reading.nframes += reading.stack.words[i].is_frame;
	report = session_report(session);
	report_table(report, &summary, print_summary, &reading);
	report_table(report, &stack_table, print_words, &reading);
	return session_answer(session, reading.stack.absent ? EXIT_UNKNOWN : EXIT_SEEN);
}
