/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: one table of options, of which each command takes some groups. */
#include "command.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "glossary.h"
#include "pid_list.h"
#include "report/columns.h"
#include "session.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"
#include "util/whole.h"
#include "values.h"

enum {
	KEY_HELP = 'h',
	KEY_HELP_TOO = '?',
	KEY_VERSION = 'V',
	KEY_TYPE = 't',
	KEY_FORMAT = 'f',
	KEY_ROOT = 'r',
	KEY_VMLINUX = 'k', /* as perf has it */
	KEY_JSON = 'j',
	KEY_PID = 'p',
	KEY_ALL = 'a',
	KEY_OUTPUT = 'o',
	KEY_TAIL = 'n',     /* as tail has it */
	KEY_INTERVAL = 'n', /* as watch has it */
	KEY_SYSTEM_MAP = 0x100,
	KEY_NDJSON,
	KEY_CSV,
	KEY_SARIF,
	KEY_ALL_SPACES,
	KEY_ALL_MODULES,
	KEY_XX_PROCS,
	KEY_SPACES,
	KEY_FAULT,
	KEY_SP,
	KEY_ADDRESS,
	KEY_FLAGS,
	KEY_TLB,
	KEY_SAVE,
	KEY_GENERATE,
	KEY_USAGE,
	KEY_NO_PAGER,
	KEY_PERM,
	KEY_REGIME,
	KEY_PIECES,
	KEY_ENCRYPTION_BIT,
	KEY_PART,
	KEY_MEMORY,
	KEY_STOP,
	KEY_TIMEOUT,
	KEY_VECTORS,
	KEY_CPU,
	KEY_WITHOUT,
	KEY_LOOKS,
	KEY_UNTIL_FINDING,
	KEY_ON_FINDING,
	KEY_HISTORY,
	KEY_HISTORY_SIZE,
	KEY_PROMETHEUS,
	KEY_TOP,
	KEY_APPLY,
	KEY_JOURNAL,
	KEY_UNDO,
	KEY_COLUMNS = 'o', /* of commands that write no file */
};

/* clang-format off */
const struct option_row option_rows[] = {
	{ OPTIONS_PID, KEY_PID, "pid", "PID",
	  "Use the page tables of process PID, a pid or a process name; default: those of "
	  "--root, or 0, which is init_mm",
	  .complete = COMPLETE_PIDS },

	{ OPTIONS_MAP, KEY_PERM, "perm", "RIGHTS",
	  "List only what grants all of these rights: r, w, x, and u for user mode; wx is "
	  "memory that is writable and executable",
	  .values = values_perm },

	{ OPTIONS_PROBE, KEY_ALL, "all", NULL,
	  "List every address space, not only those where WHAT is missing, each on its own "
	  "line" },
	{ OPTIONS_PROBE, KEY_ALL_SPACES, "all-spaces", NULL,
	  "Also check page tables that no task runs with: PTI user halves, boot tables, "
	  "freed ones" },
	{ OPTIONS_PROBE, KEY_ALL_MODULES, "all-modules", NULL,
	  "Also check every page of every loaded module" },
	{ OPTIONS_PROBE, KEY_XX_PROCS, "xx-procs", NULL,
	  "Print what the kernel's lookup_address() would return in each process, one line "
	  "each, in the format of xx_procs() in dtrace4linux" },

	{ OPTIONS_FILE, KEY_OUTPUT, "output", "FILE",
	  "Write to FILE; - is standard output, unless that is a terminal. FILE must not be "
	  "an input",
	  .complete = COMPLETE_FILES },

	{ OPTIONS_AUDIT, KEY_PID, "pid", "PID",
	  "Report only the address space of process PID, a pid or a process name, or a list "
	  "of them: 1,116,bash; 0 is init_mm",
	  .complete = COMPLETE_PIDS },
	{ OPTIONS_AUDIT, KEY_ALL, "all", NULL,
	  "List every finding, also those that follow from one missing entry" },
	{ OPTIONS_AUDIT, KEY_WITHOUT, "without", "FAMILY",
	  "Leave a family of rules out: frames, which takes a pass of its own over all page "
	  "tables" },
	{ OPTIONS_AUDIT, KEY_SARIF, "sarif", NULL,
	  "Print the findings as SARIF 2.1.0, the format that CI systems read" },

	{ OPTIONS_WHAT_IF, KEY_PID, "pid", "PID",
	  "Simulate a page fault in process PID, a pid or a process name, or a list of them: "
	  "1,116,bash; 0 is init_mm, in kernel mode",
	  .complete = COMPLETE_PIDS },
	{ OPTIONS_WHAT_IF, KEY_SPACES, "spaces", "all",
	  "Simulate a page fault in every address space that a processor or a task can run "
	  "in, and print one row for each",
	  .values = values_spaces },
	{ OPTIONS_WHAT_IF, KEY_ALL, "all", NULL,
	  "With --spaces all: print each space on its own line, however many fare alike" },
	{ OPTIONS_WHAT_IF, KEY_FAULT, "fault", "MODE",
	  "CPU mode in which the page fault happens: @; default: user",
	  .values = values_fault },
	{ OPTIONS_WHAT_IF, KEY_SP, "sp", "VA",
	  "Stack pointer at a fault in kernel mode; default: from the processor if it runs "
	  "in this space, from the task's saved thread.sp, or 512 bytes below the top of the "
	  "task's stack, whichever is known first" },
	{ OPTIONS_WHAT_IF, KEY_ADDRESS, "address", "VA",
	  "Address that the first fault accesses; default: the first page that the space "
	  "does not map" },
	{ OPTIONS_WHAT_IF, KEY_FLAGS, "flags", "HEX",
	  "EFLAGS at the fault; default: from the processor if it runs in this space, or "
	  "246. They decide what overwritten page tables map: a pushed EFLAGS is read as an "
	  "entry, and its carry flag as the present bit" },
	{ OPTIONS_WHAT_IF, KEY_TLB, "tlb", "KIND",
	  "Processor and TLB to simulate: @; default: sdm. sdm: as the Intel SDM allows; "
	  "tcg: as QEMU's TCG does, with its deviations from the SDM; none: no TLB",
	  .values = values_tlb },

	{ OPTIONS_SAVE, KEY_SAVE, "save", "FILE",
	  "Write the simulated memory and processors to FILE, an ELF core, where the scenario "
	  "says dump or at its end",
	  .complete = COMPLETE_FILES },

	{ OPTIONS_LOG, KEY_TAIL, "tail", "N", "Print only the last N records" },

	{ OPTIONS_CPUS, KEY_VECTORS, "vectors", NULL,
	  "Also list where each processor enters the kernel: its gates, or vectors, and where "
	  "each leads" },

	{ OPTIONS_STACK, KEY_PID, "pid", "PID",
	  "The kernel stack of that task, by its pid or its name; kernel threads have one too",
	  .complete = COMPLETE_PIDS },
	{ OPTIONS_STACK, KEY_CPU, "cpu", "N",
	  "The stack that processor N is on, or, in user mode, its task's" },
	{ OPTIONS_STACK, KEY_ALL, "all", NULL,
	  "List also what lies below the stack pointer, left over from before" },

	{ OPTIONS_FRAME, KEY_ALL, "all", NULL,
	  "Every frame of memory that TARGET has, and all that maps it" },

	{ OPTIONS_DIFF, KEY_ALL, "all", NULL,
	  "Print a line for each mapping that differs, too, where two boots differ in where "
	  "they have put their memory" },

	{ OPTIONS_DIGEST, KEY_ALL, "all", NULL,
	  "List every finding, also those that the same dumps have as a worse one" },

	{ OPTIONS_WATCH, KEY_INTERVAL, "interval", "SECONDS",
	  "Seconds from the beginning of one look to that of the next; after a long look the "
	  "pause is as long as the look was; default: 10" },
	{ OPTIONS_WATCH, KEY_LOOKS, "looks", "N", "End after N looks; default: go on" },
	{ OPTIONS_WATCH, KEY_TOP, "top", NULL,
	  "Show it all on the terminal, as top does: each space with its verdict, what changed, "
	  "and, by keys, what findings mean; ? lists the keys" },
	{ OPTIONS_WATCH, KEY_UNTIL_FINDING, "until-finding", NULL,
	  "End with status 1 at the first look that finds something" },
	{ OPTIONS_WATCH, KEY_ON_FINDING, "on-finding", "COMMAND",
	  "Have sh run COMMAND, and wait for it, where a verdict became worse (what heals is "
	  "not) or a finding is new that is an error or fatal; with --until-finding also where the first look has such; the changes are its standard input, as NDJSON" },
	{ OPTIONS_WATCH, KEY_HISTORY, "history", "FILE",
	  "Append each change to FILE as NDJSON",
	  .complete = COMPLETE_FILES },
	{ OPTIONS_WATCH, KEY_HISTORY_SIZE, "history-size", "SIZE",
	  "Rename FILE to FILE.1, in place of the one there, before it grows beyond SIZE; "
	  "default: 10M" },
	{ OPTIONS_WATCH, KEY_PROMETHEUS, "prometheus", "FILE",
	  "Write counts to FILE after each look, for the textfile collector of Prometheus's "
	  "node_exporter; FILE is replaced as a whole",
	  .complete = COMPLETE_FILES },
	{ OPTIONS_WATCH, KEY_WITHOUT, "without", "FAMILY",
	  "Leave a family of rules out: frames, which takes a pass of its own over all page "
	  "tables" },
	{ OPTIONS_WATCH, KEY_NDJSON, "ndjson", NULL, "Print one JSON object per line" },

	{ OPTIONS_SYNC, KEY_APPLY, "apply", NULL,
	  "Do it: write what would be copied, and walk it again" },
	{ OPTIONS_SYNC, KEY_JOURNAL, "journal", "FILE",
	  "With --apply: put down in FILE, which must not be there yet, what is written; default: "
	  "whosees-sync-TIME.journal in the current directory",
	  .complete = COMPLETE_FILES },
	{ OPTIONS_SYNC, KEY_UNDO, "undo", "FILE",
	  "List what the journal FILE says was written, and is still there; with --apply: take it "
	  "back",
	  .complete = COMPLETE_FILES },

	{ OPTIONS_OUTPUT, KEY_JSON, "json", NULL, "Print one JSON document" },
	{ OPTIONS_OUTPUT, KEY_NDJSON, "ndjson", NULL, "Print one JSON object per line" },
	{ OPTIONS_OUTPUT, KEY_CSV, "csv", NULL, "Print the table as CSV (RFC 4180)" },

	{ OPTIONS_OUTPUT, KEY_COLUMNS, "columns", "NAME,...",
	  "Show these columns, and in text nothing else; +NAME,... shows them beside the "
	  "usual ones",
	  .complete = COMPLETE_COLUMNS },
	{ OPTIONS_OUTPUT, KEY_NO_PAGER, "no-pager", NULL,
	  "Do not page text on a terminal through $WHOSEES_PAGER, $PAGER or less" },

	{ OPTIONS_TARGET, KEY_TYPE, "type", "KIND",
	  "File format of TARGET: @; default: detected from the file",
	  .values = values_type },
	{ OPTIONS_TARGET, KEY_FORMAT, "format", "FORMAT",
	  "Paging format: @; default: from the control registers or VMCOREINFO",
	  .values = values_format },
	{ OPTIONS_TARGET, KEY_PIECES, "pieces", "OFFSET:LENGTH:PA,...",
	  "Where the pieces of raw memory lie in TARGET, and at which physical address each begins, "
	  "hexadecimal; without LENGTH: the rest of the file; default: by the map of memory that "
	  "the firmware left there, or, without one, with the hole below 4 GiB that the memory "
	  "itself shows, or else byte n is physical address n" },
	{ OPTIONS_TARGET, KEY_PART, "part", "FILE",
	  "Another part of TARGET, of a dump that makedumpfile --split wrote; once for each; "
	  "default: the parts that lie in the directory of TARGET",
	  .complete = COMPLETE_FILES },
	{ OPTIONS_TARGET, KEY_ROOT, "root", "PA",
	  "Physical address of a top-level page table: the kernel is found by it, and walk, "
	  "map and read show its space unless --pid names another; default: from the registers or "
	  "VMCOREINFO" },
	{ OPTIONS_TARGET, KEY_ENCRYPTION_BIT, "encryption-bit", "N",
	  "Bit of page-table entries that says whose key encrypts the memory (AMD SME and SEV: 47 "
	  "or 51; Intel TDX: 47 or 51), and is no part of an address; 0: none; default: from the "
	  "registers or VMCOREINFO, or from memory where all tables agree" },
	{ OPTIONS_TARGET, KEY_MEMORY, "memory", "SIZE",
	  "Memory that TARGET may take, in bytes, or with K, M, G or T; there is no answer where "
	  "more is needed; default: a quarter of this machine's" },
	{ OPTIONS_TARGET, KEY_STOP, "stop", NULL,
	  "Stop a running machine while it is read, and let it run on after; default: it runs on, "
	  "and what is read is of more than one instant" },
	{ OPTIONS_TARGET, KEY_TIMEOUT, "timeout", "SECONDS",
	  "How long a running machine may take for one answer; default: 20" },
	{ OPTIONS_TARGET, KEY_SYSTEM_MAP, "system-map", "FILE",
	  "Read symbols from FILE, a System.map or a copy of /proc/kallsyms",
	  .complete = COMPLETE_FILES },
	{ OPTIONS_TARGET, KEY_REGIME, "regime", "REGIME",
	  "Control registers that decide what a root maps, NAME=VALUE,... with the manual's "
	  "names, or a regime's name: kernel, user-access or split (a wrong one lists those of "
	  "TARGET); default: from the registers, or from memory" },
	{ OPTIONS_TARGET, KEY_VMLINUX, "vmlinux", "FILE",
	  "Read symbols from FILE, the kernel's vmlinux",
	  .complete = COMPLETE_FILES },

	{ OPTIONS_EVERYWHERE, KEY_HELP, "help", NULL, "Print this help" },
	{ OPTIONS_EVERYWHERE, KEY_USAGE, "usage", NULL, "Print a short usage message" },
	{ OPTIONS_EVERYWHERE, KEY_VERSION, "version", NULL, "Print the version" },
	{ .name = NULL },
};
/* clang-format on */

char *option_about(const struct option_row *option)
{
	const char *at = option->values ? strchr(option->about, '@') : NULL;
	char words[VALUES_WORDS];

	if (!at)
		return strdup(option->about);
	values_words(option->values, ", ", " or ", words);
	return ws_text_of("%.*s%s%s", (int)(at - option->about), option->about, words,
			  at + 1);
}

/* Seconds: a month. */
#define INTERVAL_MAX (31 * 24 * 60 * 60)

static uint64_t parse_number(struct argp_state *state, const char *what, const char *text,
			     enum ws_base base, uint64_t max)
{
	uint64_t value = 0;

	if (ws_number(text, base, max, &value))
		return value;
	if (base == WS_HEX)
		arguments_wrong(state->name, "%s: '%s' is no hex number up to 0x%" PRIx64,
				what, text, max);
	else
		arguments_wrong(state->name,
				"%s: '%s' is no decimal number up to %" PRIu64, what,
				text, max);
	return value;
}

/* Some, for none would not do, and 0 is the library's word for the usual. */
static uint64_t parse_size(struct argp_state *state, const char *what, const char *text)
{
	uint64_t bytes = 0;

	if (!ws_size(text, &bytes) || !bytes)
		arguments_wrong(
			state->name,
			"%s: '%s' is no size: a decimal number of bytes, or of K, M, "
			"G or T",
			what, text);
	return bytes;
}

static void set_format(struct argp_state *state, struct request *request,
		       enum report_format format)
{
	if (request->format != REPORT_TEXT && request->format != format)
		arguments_wrong(state->name,
				"one output format at a time: --json, --ndjson, --csv or "
				"--sarif");
	request->format = format;
}

/* One of the words that the option takes; its place among them. */
static unsigned parse_value(struct argp_state *state, const char *what, const char *text,
			    values_fn *values)
{
	char words[VALUES_WORDS];
	unsigned found = values_find(values, text);

	if (found == VALUES_NONE)
		arguments_wrong(state->name, "%s: '%s' is not %s%s%s", what, text,
				values(1) ? "one of " : "",
				values_words(values, ", ", ", ", words),
				values_suggestion(values, text));
	return found;
}

static void add_part(struct argp_state *state, struct request *request, const char *path)
{
	if (request->nparts == PARTS_MAX)
		arguments_wrong(state->name, "--part: no dump has more than %d parts",
				PARTS_MAX);
	request->parts[request->nparts++] = path;
	request->target_options.parts = request->parts;
}

static error_t parse_target_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_TYPE:
		parse_value(state, "--type", arg, values_type);
		request->target_options.kind = arg;
		return 0;
	case KEY_FORMAT:
		parse_value(state, "--format", arg, values_format);
		request->target_options.format = arg;
		return 0;
	case KEY_PIECES:
		request->target_options.pieces = arg;
		return 0;
	case KEY_PART:
		add_part(state, request, arg);
		return 0;
	case KEY_WITHOUT:
		request->without = arg;
		return 0;
	case KEY_MEMORY:
		request->target_options.memory = parse_size(state, "--memory", arg);
		return 0;
	case KEY_STOP:
		request->target_options.stop = true;
		return 0;
	case KEY_TIMEOUT:
		request->target_options.timeout = (unsigned)parse_number(
			state, "--timeout", arg, WS_DECIMAL, 24 * 60 * 60);
		return 0;
	case KEY_ROOT:
		request->target_options.root =
			parse_number(state, "--root", arg, WS_HEX, UINT64_MAX);
		request->target_options.has_root = true;
		return 0;
	case KEY_ENCRYPTION_BIT:
		request->target_options.encryption_bit = (uint8_t)parse_number(
			state, "--encryption-bit", arg, WS_DECIMAL, 63);
		request->target_options.has_encryption_bit = true;
		return 0;
	case KEY_SYSTEM_MAP:
		request->system_options.system_map = arg;
		return 0;
	case KEY_VMLINUX:
		request->system_options.vmlinux = arg;
		return 0;
	case KEY_REGIME:
		request->system_options.regime = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_output_option(int key, struct argp_state *state)
{
	switch (key) {
	case KEY_JSON:
		set_format(state, state->input, REPORT_JSON);
		return 0;
	case KEY_NDJSON:
		set_format(state, state->input, REPORT_NDJSON);
		return 0;
	case KEY_CSV:
		set_format(state, state->input, REPORT_CSV);
		return 0;
	case KEY_SARIF:
		set_format(state, state->input, REPORT_SARIF);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_what_if_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;
	struct ws_what_if *what_if = &request->what_if;

	switch (key) {
	case KEY_SPACES:
		parse_value(state, "--spaces", arg, values_spaces);
		request->every_space = true;
		return 0;
	case KEY_FAULT:
		what_if->mode = (uint8_t)parse_value(state, "--fault", arg, values_fault);
		what_if->has_mode = true;
		return 0;
	case KEY_TLB:
		what_if->processor =
			(uint8_t)parse_value(state, "--tlb", arg, values_tlb);
		return 0;
	case KEY_SP:
		what_if->sp = parse_number(state, "--sp", arg, WS_HEX, UINT64_MAX);
		what_if->has_sp = true;
		return 0;
	case KEY_ADDRESS:
		what_if->address =
			parse_number(state, "--address", arg, WS_HEX, UINT64_MAX);
		what_if->has_address = true;
		return 0;
	case KEY_FLAGS:
		what_if->flags = parse_number(state, "--flags", arg, WS_HEX, UINT32_MAX);
		what_if->has_flags = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check_pids(struct argp_state *state, const char *text)
{
	char wrong[PIDS_WORDS];

	if (!pids_check(text, wrong))
		arguments_wrong(state->name, "--pid: %s", wrong);
}

static error_t parse_command_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_PID:
		check_pids(state, arg);
		request->pids = arg;
		return 0;
	case KEY_ALL:
		request->all = true;
		return 0;
	case KEY_ALL_SPACES:
		request->all_spaces = true;
		return 0;
	case KEY_ALL_MODULES:
		request->all_modules = true;
		return 0;
	case KEY_XX_PROCS:
		request->xx_procs = true;
		return 0;
	case KEY_SAVE:
		request->save = arg;
		return 0;
	case KEY_VECTORS:
		request->vectors = true;
		return 0;
	case KEY_CPU:
		request->cpu = parse_number(state, "--cpu", arg, WS_DECIMAL, UINT32_MAX);
		request->has_cpu = true;
		return 0;
	case KEY_NO_PAGER:
		request->no_pager = true;
		return 0;
	case KEY_PERM:
		request->perm = arg;
		return 0;
	case KEY_TAIL: /* and KEY_INTERVAL */
		if (request->command->options & OPTIONS_WATCH) {
			request->interval = parse_number(state, "--interval", arg,
							 WS_DECIMAL, INTERVAL_MAX);
			return 0;
		}
		request->tail =
			parse_number(state, "--tail", arg, WS_DECIMAL, UINT64_MAX);
		request->has_tail = true;
		return 0;
	case KEY_OUTPUT: /* and KEY_COLUMNS */
		if (request->command->options & OPTIONS_FILE)
			request->output = arg;
		else
			request->columns = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What no option can say for itself. */
/* The target and the words after it. */
static void check_arguments(struct argp_state *state, const struct request *request)
{
	const struct command *command = request->command;

	if (!request->target && (command->options & OPTIONS_TARGET))
		arguments_wrong(state->name, "which target? (%s)", command->args);
	if (request->nwords < command->min_words)
		arguments_wrong(state->name, "something is missing%s: %s",
				request->target ? " after the target" : "",
				command->args);
	if (request->nwords > command->max_words)
		arguments_wrong(state->name, "'%s' is one argument too many: %s",
				request->words[command->max_words],
				*command->args ? command->args : "it takes none");
}

/* What is looked at: one of several ways to say it. */
static void check_subject(struct argp_state *state, const struct request *request)
{
	const struct command *command = request->command;

	if ((command->options & OPTIONS_PROBE) && !request->nwords &&
	    !request->all_modules)
		arguments_wrong(state->name,
				"what is looked for? Name a WHAT, or use --all-modules");
	if (request->xx_procs && request->format != REPORT_TEXT)
		arguments_wrong(state->name,
				"--xx-procs has its own output format: not with --json, "
				"--ndjson or --csv");
	if ((command->options & OPTIONS_WHAT_IF) &&
	    (request->pids != NULL) == request->every_space)
		arguments_wrong(state->name,
				request->pids
					? "--pid and --spaces all: give one of the two"
					: "which process faults? Give --pid PID or "
					  "--spaces all");
	if ((command->options & OPTIONS_STACK) &&
	    (request->pids != NULL) == request->has_cpu)
		arguments_wrong(state->name,
				request->has_cpu
					? "--pid and --cpu may not both be given: whose "
					  "stack is it?"
					: "whose stack? Give --pid PID or --cpu N");
	if ((command->options & OPTIONS_FRAME) && (request->nwords > 0) == request->all)
		arguments_wrong(state->name,
				request->all ? "a PA ('%s') and --all may not both be "
					       "given: which frames are meant?"
					     : "which frames? Name a PA, or use --all",
				request->all ? request->words[0] : "");
}

/* Where the simulated processor's stack pointer comes from. */
static void check_sp(struct argp_state *state, const struct request *request)
{
	if (request->what_if.has_sp && request->what_if.mode == WS_FAULT_USER)
		arguments_wrong(state->name,
				"--sp: in user mode the %s gives the stack pointer; use "
				"--fault kernel",
				ws_sp_origin_name(WS_SP_ENTRY));
	if (request->what_if.has_sp && request->every_space)
		arguments_wrong(state->name,
				"--sp: the spaces do not share one stack; use --pid PID");
}

/* What is written, and where to. */
static void check_outputs(struct argp_state *state, const struct request *request)
{
	if (request->save && !request->nwords)
		arguments_wrong(state->name, "save what? Name a SCENARIO");
	if (request->save && ws_whole_is_standard(request->save))
		arguments_wrong(state->name,
				"--save: standard output is for the text; name a FILE");
	if (request->prometheus && ws_whole_is_standard(request->prometheus))
		arguments_wrong(state->name, "--prometheus: name a FILE");
	if (request->history && ws_whole_is_standard(request->history))
		arguments_wrong(state->name, "--history: name a FILE");
	if (request->top && request->format != REPORT_TEXT)
		arguments_wrong(state->name,
				"--top is for a terminal: not with --ndjson");
	if (request->journal && !request->apply)
		arguments_wrong(state->name, "--journal: it is kept with --apply alone");
	if (request->undo && request->journal)
		arguments_wrong(state->name, "--journal: with --undo none is kept");
	if ((request->command->options & OPTIONS_FILE) && !request->output)
		arguments_wrong(state->name, "where to? Use -o FILE");
}

/* argp has moved the options to the front: the words stand together. */
static void take_words(const struct argp_state *state, struct request *request)
{
	int next = state->next;

	if (request->command->options & OPTIONS_TARGET)
		request->target = state->argv[next++];
	request->words = &state->argv[next];
	request->nwords = (size_t)(state->argc - next);
}

/* argp's own --help has no -h. */
static error_t parse_everywhere(int key, struct argp_state *state)
{
	switch (key) {
	case KEY_HELP:
	case KEY_HELP_TOO:
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case KEY_USAGE:
		argp_state_help(state, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		return 0;
	case KEY_VERSION:
		puts("whosees " WS_VERSION);
		exit(EXIT_SEEN);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_watch_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_LOOKS:
		request->looks =
			parse_number(state, "--looks", arg, WS_DECIMAL, UINT64_MAX);
		return 0;
	case KEY_TOP:
		request->top = true;
		return 0;
	case KEY_UNTIL_FINDING:
		request->until_finding = true;
		return 0;
	case KEY_ON_FINDING:
		request->on_finding = arg;
		return 0;
	case KEY_HISTORY:
		request->history = arg;
		return 0;
	case KEY_HISTORY_SIZE:
		request->history_size = parse_size(state, "--history-size", arg);
		return 0;
	case KEY_PROMETHEUS:
		request->prometheus = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_sync_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_APPLY:
		request->apply = true;
		return 0;
	case KEY_JOURNAL:
		request->journal = arg;
		return 0;
	case KEY_UNDO:
		request->undo = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	error_t error = parse_target_option(key, arg, state);

	if (error == ARGP_ERR_UNKNOWN)
		error = parse_everywhere(key, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_sync_option(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_output_option(key, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_command_option(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_what_if_option(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_watch_option(key, arg, state);
	if (error != ARGP_ERR_UNKNOWN)
		return error;
	switch (key) {
	case ARGP_KEY_ARG:
		return ARGP_ERR_UNKNOWN; /* all of them at once, then */
	case ARGP_KEY_ARGS:
		take_words(state, state->input);
		return 0;
	case ARGP_KEY_END:
		check_arguments(state, state->input);
		check_subject(state, state->input);
		check_sp(state, state->input);
		check_outputs(state, state->input);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* argp's own view of one command. */
struct command_argp {
	struct argp_option options[40];
	char *about[40]; /* of each, to be freed */
	struct argp argp;
	char *doc; /* the same */
};

static void command_argp_release(struct command_argp *ca)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(ca->about); i++)
		free(ca->about[i]);
	free(ca->doc);
}

/* The options of these groups, before the others' end. */
static void add_options(struct command_argp *ca, unsigned groups)
{
	size_t n = 0;

	for (const struct option_row *o = option_rows; o->name; o++) {
		/* one after it for -?, and the empty last one */
		if (!(groups & o->group) || n + 2 >= WS_ARRAY_SIZE(ca->options))
			continue;
		ca->about[n] = option_about(o);
		if (!ca->about[n])
			exit(session_fail_memory());
		ca->options[n] = (struct argp_option){
			.name = o->name,
			.key = o->key,
			.arg = o->arg,
			.doc = ca->about[n],
			.group = o->group == OPTIONS_EVERYWHERE ? -1 : 0,
		};
		n++;
	}
	ca->options[n] = (struct argp_option){ .key = KEY_HELP_TOO,
					       .flags = OPTION_HIDDEN,
					       .group = -1 };
}

#define HELP_WIDTH 78 /* argp breaks what is longer */

/* What --help says before and after the options; to be freed. */
static char *command_doc(const struct command *command)
{
	struct ws_text doc;
	FILE *f = ws_text_open(&doc);

	if (!f)
		return NULL;
	fprintf(f, "%s: %s.\v%s\n", command->name, command->summary, command->about);
	if (command->rows && (command->options & OPTIONS_OUTPUT)) {
		fputs("\nColumns:\n", f);
		columns_describe(f, command->rows, HELP_WIDTH);
	}
	fputs("\nExamples:\n", f);
	for (const struct example *e = command->examples; e->command; e++)
		fprintf(f, "  %s\n    %s\n", e->about, e->command);
	return ws_text_close(&doc, NULL);
}

static void command_argp_init(struct command_argp *ca, const struct command *command)
{
	*ca = (struct command_argp){ 0 };
	add_options(ca, command->options | OPTIONS_EVERYWHERE);
	ca->doc = command_doc(command);
	if (!ca->doc)
		exit(session_fail_memory());
	ca->argp = (struct argp){ .options = ca->options,
				  .parser = parse_command,
				  .args_doc = command->args,
				  .doc = ca->doc };
}

void print_command_help(const struct command *command)
{
	struct command_argp ca;
	char name[64];

	snprintf(name, sizeof(name), "whosees %s", command->name);
	command_argp_init(&ca, command);
	argp_help(&ca.argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, name);
	command_argp_release(&ca);
}

static void parse_rest(int argc, char **argv, struct request *request)
{
	static char name[64]; /* stays in argv */
	struct command_argp ca;

	snprintf(name, sizeof(name), "whosees %s", request->command->name);
	argv[0] = name;
	command_argp_init(&ca, request->command);
	arguments_check(name, argv + 1, ca.options, false);
	if (argp_parse(&ca.argp, argc, argv, ARGP_NO_HELP, NULL, request) != 0)
		exit(session_fail_memory());
	command_argp_release(&ca);
}

static const char *command_name(unsigned i)
{
	return commands[i].name;
}

static const struct command *parse_command_name(struct argp_state *state,
						const char *name)
{
	const struct command *command = command_find(name);

	if (!command)
		arguments_wrong(state->name, "there is no command '%s'%s", name,
				values_suggestion(command_name, name));
	return command;
}

static error_t help_on(struct argp_state *state)
{
	const char *word;

	if (state->next == state->argc)
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	word = state->argv[state->next];
	if (strcmp(word, "words") == 0)
		glossary_print();
	else
		print_command_help(parse_command_name(state, word));
	exit(EXIT_SEEN);
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_GENERATE:
		exit(generate(parse_value(state, "--generate", arg, values_generate)));
	case ARGP_KEY_ARG:
		if (strcmp(arg, "help") == 0)
			return help_on(state);
		request->command = parse_command_name(state, arg);
		parse_rest(state->argc - state->next + 1, &state->argv[state->next - 1],
			   request);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		/* as git does: what there is to say, and that nothing was said */
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
		exit(EXIT_USAGE);
	default:
		return parse_everywhere(key, state);
	}
}

/* "ELF core, kdump": all kinds that are files, and the ways to name what is none. */
static void print_kinds(FILE *f)
{
	unsigned nkinds = 0, nschemes = 0;

	while (ws_target_kind_at(nkinds))
		nkinds++;
	while (ws_target_scheme_at(nschemes))
		nschemes++;
	fputs("TARGET is a memory dump (", f);
	for (unsigned i = 0; i + nschemes < nkinds; i++)
		fprintf(f, "%s%s", i ? ", " : "", ws_target_kind_title(i));
	fputc(')', f);
	for (unsigned i = 0; i < nschemes; i++)
		fprintf(f, ", %s%s", i + 1 == nschemes ? "or " : "",
			ws_target_scheme_at(i));
	fputs(". ", f);
}

static char *top_doc(void)
{
	struct ws_text doc;
	FILE *f = ws_text_open(&doc);

	if (!f)
		return NULL;
	fputs("Which address spaces can see a kernel address, which cannot, and why."
	      "\vCommands:\n",
	      f);
	for (const struct command *c = commands; c->name; c++)
		fprintf(f, "  %-12s %s\n", c->name, c->summary);
	fputs("\n`whosees help COMMAND' prints the options of a command, `whosees help "
	      "words' what the words in the output mean. ",
	      f);
	print_kinds(f);
	fputs("WHAT is an address, SYMBOL, SYMBOL+OFFSET, MODULE, "
	      "MODULE:SYMBOL, or @FILE or - (standard input) with one of these per line.",
	      f);
	return ws_text_close(&doc, NULL);
}

void parse_request(int argc, char **argv, struct request *request)
{
	struct command_argp ca = { 0 };
	size_t n = 0;

	argp_err_exit_status = EXIT_USAGE;
	/* that an argument goes with the short option too, everybody knows */
	setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	*request = (struct request){ .interval = 10, .history_size = 10u << 20 };
	add_options(&ca, OPTIONS_EVERYWHERE);
	while (ca.options[n].key)
		n++;
	ca.options[n] = (struct argp_option){ .name = "generate",
					      .key = KEY_GENERATE,
					      .arg = "WHAT",
					      .flags = OPTION_HIDDEN };
	ca.doc = top_doc();
	ca.argp = (struct argp){ .options = ca.options,
				 .parser = parse_top,
				 .args_doc = "COMMAND TARGET [ARG...]",
				 .doc = ca.doc };
	if (ca.doc && argc)
		arguments_check("whosees", argv + 1, ca.options, true);
	if (!ca.doc || argp_parse(&ca.argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP,
				  NULL, request) != 0)
		exit(session_fail_memory());
	command_argp_release(&ca);
}
