/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: one table of options, of which each command takes some groups. */
#include "command.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"
#include "util/whole.h"

enum {
	KEY_TYPE = 0x100,
	KEY_FORMAT,
	KEY_ROOT,
	KEY_SYSTEM_MAP,
	KEY_VMLINUX,
	KEY_JSON,
	KEY_NDJSON,
	KEY_CSV,
	KEY_SARIF,
	KEY_PID,
	KEY_ALL,
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
	KEY_OUTPUT = 'o',
};

/* clang-format off */
const struct option_row option_rows[] = {
	{ OPTIONS_PID, KEY_PID, "pid", "PID",
	  "Look with the eyes of this process; 0, and the default, is init_mm" },

	{ OPTIONS_PROBE, KEY_ALL, "all", NULL,
	  "Print a line for the spaces that see it as well" },
	{ OPTIONS_PROBE, KEY_ALL_SPACES, "all-spaces", NULL,
	  "Count user halves, boot tables and freed spaces too" },
	{ OPTIONS_PROBE, KEY_ALL_MODULES, "all-modules", NULL,
	  "Ask for every loaded module, too" },
	{ OPTIONS_PROBE, KEY_XX_PROCS, "xx-procs", NULL,
	  "Print what lookup_address would return in every process, a line each, as "
	  "xx_procs of dtrace4linux did" },

	{ OPTIONS_FILE, KEY_OUTPUT, "output", "FILE",
	  "Write to FILE, which may not be what is read; - is standard output, but not a "
	  "terminal",
	  "file" },

	{ OPTIONS_AUDIT, KEY_PID, "pid", "PID",
	  "Tell of this process's space alone; 0 is init_mm's" },
	{ OPTIONS_AUDIT, KEY_SARIF, "sarif", NULL,
	  "Print the findings as SARIF 2.1.0, as CI systems take them" },

	{ OPTIONS_WHAT_IF, KEY_PID, "pid", "PID",
	  "The fault is this process's; 0 is init_mm, in kernel mode" },
	{ OPTIONS_WHAT_IF, KEY_SPACES, "spaces", "all",
	  "A row for every space that a processor or a task can run in", "all" },
	{ OPTIONS_WHAT_IF, KEY_FAULT, "fault", "MODE",
	  "The mode that the fault is from: user, which is the default, or kernel",
	  "user kernel" },
	{ OPTIONS_WHAT_IF, KEY_SP, "sp", "VA",
	  "The stack pointer at a fault from kernel mode; otherwise the processor's if it "
	  "is there, where the task was when it was switched away, or 512 bytes below the "
	  "top of its stack: the first that is known" },
	{ OPTIONS_WHAT_IF, KEY_ADDRESS, "address", "VA",
	  "What the first fault was an access to; otherwise the first page that the space "
	  "does not map" },
	{ OPTIONS_WHAT_IF, KEY_FLAGS, "flags", "HEX",
	  "EFLAGS at the fault: frames that overwrite page tables are read as entries, "
	  "and the carry flag as their present bit; otherwise the processor's if it is "
	  "there, or 246" },
	{ OPTIONS_WHAT_IF, KEY_TLB, "tlb", "KIND",
	  "What the processor remembers of translations: sdm, which is the default and "
	  "what the manual allows; none; or tcg, which is QEMU's processor, with the "
	  "places where it departs from the manual",
	  "sdm tcg none" },

	{ OPTIONS_SAVE, KEY_SAVE, "save", "FILE",
	  "Write the machine's memory and processors as an ELF core, as they are where the "
	  "scenario says dump, or at its end",
	  "file" },

	{ OPTIONS_OUTPUT, KEY_JSON, "json", NULL, "Print one JSON document" },
	{ OPTIONS_OUTPUT, KEY_NDJSON, "ndjson", NULL, "Print one JSON object a line" },
	{ OPTIONS_OUTPUT, KEY_CSV, "csv", NULL, "Print the table as CSV (RFC 4180)" },

	{ OPTIONS_TARGET, KEY_TYPE, "type", "KIND",
	  "What TARGET is: elf, kdump, lime or raw; otherwise its first bytes tell",
	  "elf kdump lime raw" },
	{ OPTIONS_TARGET, KEY_FORMAT, "format", "FORMAT",
	  "The paging format: i386, i386-nopse, i386-pae, x86_64 or x86_64-la57; "
	  "otherwise the registers tell",
	  "i386 i386-nopse i386-pae x86_64 x86_64-la57" },
	{ OPTIONS_TARGET, KEY_ROOT, "root", "PA",
	  "The physical address of a top-level table, as CR3 would hold it" },
	{ OPTIONS_TARGET, KEY_SYSTEM_MAP, "system-map", "FILE",
	  "Name addresses by a System.map, or by a copy of /proc/kallsyms", "file" },
	{ OPTIONS_TARGET, KEY_VMLINUX, "vmlinux", "FILE",
	  "Name addresses by the kernel's ELF file", "file" },
	{ .name = NULL },
};
/* clang-format on */

const char *argp_program_version = "whosees " WS_VERSION;

static uint64_t parse_number(struct argp_state *state, const char *what, const char *text,
			     enum ws_base base, uint64_t max)
{
	uint64_t value = 0;

	if (ws_number(text, base, max, &value))
		return value;
	if (base == WS_HEX)
		argp_error(state, "%s: '%s' is no hex number up to 0x%" PRIx64, what,
			   text, max);
	else
		argp_error(state, "%s: '%s' is no decimal number up to %" PRIu64, what,
			   text, max);
	return value;
}

static void set_format(struct argp_state *state, struct request *request,
		       enum report_format format)
{
	if (request->format != REPORT_TEXT && request->format != format)
		argp_error(state, "one form of output at a time, please");
	request->format = format;
}

static error_t parse_target_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_TYPE:
		request->target_options.kind = arg;
		return 0;
	case KEY_FORMAT:
		if (!ws_format_by_name(arg))
			argp_error(state, "--format: there is no paging format '%s'",
				   arg);
		request->target_options.format = arg;
		return 0;
	case KEY_ROOT:
		request->target_options.root =
			parse_number(state, "--root", arg, WS_HEX, UINT64_MAX);
		request->target_options.has_root = true;
		return 0;
	case KEY_SYSTEM_MAP:
		request->system_options.system_map = arg;
		return 0;
	case KEY_VMLINUX:
		request->system_options.vmlinux = arg;
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

/* One of the names; its place among them. */
static uint8_t parse_name(struct argp_state *state, const char *what, const char *text,
			  const char *const *names, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	argp_error(state, "%s: '%s' is none of the words for it", what, text);
	return 0;
}

static error_t parse_what_if_option(int key, char *arg, struct argp_state *state)
{
	static const char *const all[] = { "all" };
	static const char *const modes[] = {
		[WS_FAULT_USER] = "user", [WS_FAULT_KERNEL] = "kernel"
	};
	static const char *const processors[] = { [WS_PROCESSOR_SDM] = "sdm",
						  [WS_PROCESSOR_TCG] = "tcg",
						  [WS_PROCESSOR_NONE] = "none" };
	struct request *request = state->input;
	struct ws_what_if *what_if = &request->what_if;

	switch (key) {
	case KEY_SPACES:
		parse_name(state, "--spaces", arg, all, WS_ARRAY_SIZE(all));
		request->every_space = true;
		return 0;
	case KEY_FAULT:
		what_if->mode =
			parse_name(state, "--fault", arg, modes, WS_ARRAY_SIZE(modes));
		return 0;
	case KEY_TLB:
		what_if->processor = parse_name(state, "--tlb", arg, processors,
						WS_ARRAY_SIZE(processors));
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

static error_t parse_command_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_PID:
		request->pid = (uint32_t)parse_number(state, "--pid", arg, WS_DECIMAL,
						      INT32_MAX);
		request->has_pid = true;
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
	case KEY_OUTPUT:
		request->output = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What no option can say for itself. */
static void check_request(struct argp_state *state, const struct request *request)
{
	const struct command *command = request->command;

	if (!request->target && (command->options & OPTIONS_TARGET))
		argp_error(state, "which target? (%s)", command->args);
	if (request->nwords < command->min_words)
		argp_error(state, "something is missing%s: %s",
			   request->target ? " after the target" : "", command->args);
	if (request->nwords > command->max_words)
		argp_error(state, "'%s' is one argument too many: %s",
			   request->words[command->max_words],
			   *command->args ? command->args : "it takes none");
	if ((command->options & OPTIONS_PROBE) && !request->nwords &&
	    !request->all_modules)
		argp_error(state, "see what? Name a WHAT, or say --all-modules");
	if (request->xx_procs && request->format != REPORT_TEXT)
		argp_error(state, "--xx-procs is a form of its own: not with --json, "
				  "--ndjson or --csv");
	if ((command->options & OPTIONS_WHAT_IF) &&
	    request->has_pid == request->every_space)
		argp_error(state, request->has_pid
					  ? "--pid and --spaces all: say one of the two"
					  : "whose fault? Say --pid PID or --spaces all");
	if (request->what_if.has_sp && request->what_if.mode == WS_FAULT_USER)
		argp_error(state,
			   "--sp: in user mode the TSS tells the stack pointer; say "
			   "--fault kernel");
	if (request->what_if.has_sp && request->every_space)
		argp_error(state, "--sp: one stack is not that of all; say --pid PID");
	if (request->save && !request->nwords)
		argp_error(state, "save what? Name a SCENARIO");
	if (request->save && ws_whole_is_standard(request->save))
		argp_error(state, "--save: standard output has the story; name a FILE");
	if ((command->options & OPTIONS_FILE) && !request->output)
		argp_error(state, "where to? Say -o FILE");
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

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	error_t error = parse_target_option(key, arg, state);

	if (error == ARGP_ERR_UNKNOWN)
		error = parse_output_option(key, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_command_option(key, arg, state);
	if (error == ARGP_ERR_UNKNOWN)
		error = parse_what_if_option(key, arg, state);
	if (error != ARGP_ERR_UNKNOWN)
		return error;
	switch (key) {
	case ARGP_KEY_ARG:
		return ARGP_ERR_UNKNOWN; /* all of them at once, then */
	case ARGP_KEY_ARGS:
		take_words(state, state->input);
		return 0;
	case ARGP_KEY_END:
		check_request(state, state->input);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* argp's own view of one command; doc is to be freed. */
struct command_argp {
	struct argp_option options[32];
	struct argp argp;
	char *doc;
};

static void command_argp_init(struct command_argp *ca, const struct command *command)
{
	size_t n = 0;

	*ca = (struct command_argp){ 0 };
	for (const struct option_row *o = option_rows; o->name; o++)
		if ((command->options & o->group) && n + 1 < WS_ARRAY_SIZE(ca->options))
			ca->options[n++] = (struct argp_option){ .name = o->name,
								 .key = o->key,
								 .arg = o->arg,
								 .doc = o->about };
	if (asprintf(&ca->doc, "%s: %s.\v%s", command->name, command->summary,
		     command->about) < 0)
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
	free(ca.doc);
}

static void parse_rest(int argc, char **argv, struct request *request)
{
	static char name[64]; /* stays in argv */
	struct command_argp ca;

	snprintf(name, sizeof(name), "whosees %s", request->command->name);
	argv[0] = name;
	command_argp_init(&ca, request->command);
	if (argp_parse(&ca.argp, argc, argv, 0, NULL, request) != 0)
		exit(session_fail_memory());
	free(ca.doc);
}

static const struct argp_option top_options[] = {
	{ "generate", KEY_GENERATE, "WHAT", OPTION_HIDDEN, NULL },
	{ 0 },
};

static error_t help_on(struct argp_state *state)
{
	const struct command *command;

	if (state->next == state->argc)
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	command = command_find(state->argv[state->next]);
	if (!command)
		argp_error(state, "there is no command '%s'", state->argv[state->next]);
	print_command_help(command);
	exit(EXIT_SEEN);
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case KEY_GENERATE:
		exit(generate(arg));
	case ARGP_KEY_ARG:
		if (strcmp(arg, "help") == 0)
			return help_on(state);
		request->command = command_find(arg);
		if (!request->command)
			argp_error(state, "there is no command '%s'", arg);
		parse_rest(state->argc - state->next + 1, &state->argv[state->next - 1],
			   request);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
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
	fputs("\n`whosees help COMMAND' says more of one. TARGET is a memory dump: an ELF "
	      "core, a kdump-compressed dump, LiME or raw; or sim:SCENARIO. WHAT is an "
	      "address, SYMBOL, SYMBOL+OFFSET, MODULE, MODULE:SYMBOL, or @FILE with one of these "
	      "a line.",
	      f);
	return ws_text_close(&doc, NULL);
}

void parse_request(int argc, char **argv, struct request *request)
{
	ws_autofree char *doc = top_doc();
	const struct argp argp = { .options = top_options,
				   .parser = parse_top,
				   .args_doc = "COMMAND TARGET [ARG...]",
				   .doc = doc };

	argp_err_exit_status = EXIT_USAGE;
	*request = (struct request){ 0 };
	if (!doc || argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, request) != 0)
		exit(session_fail_memory());
}
