/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table of commands: what runs, what --help says, the manual pages and the shells'
 * completions all come from it.
 *
 * How to add a command: write cmd_NAME.c with its run function and its tables, declare
 * them below, and add a row with examples to commands[] in commands.c, and the name to
 * docs/meson.build, which makes its manual page.
 */
#ifndef WHOSEES_COMMAND_H
#define WHOSEES_COMMAND_H

#include "report/report.h"
#include "values.h"
#include "whosees.h"

/* What the exit status says; documented in docs/man/whosees.1.in. */
enum exit_status {
	EXIT_SEEN = 0,       /* everyone sees everything that was asked */
	EXIT_UNSEEN = 1,     /* somebody does not */
	EXIT_USAGE = 2,      /* the question makes no sense */
	EXIT_UNREADABLE = 3, /* no answer: the target cannot be read, or stdout written */
	EXIT_UNKNOWN = 4, /* nobody is known not to, but the target lacks what decides */
};

enum option_group {
	OPTIONS_TARGET = 1 << 0, /* without it, a command takes no target either */
	OPTIONS_OUTPUT = 1 << 1,
	OPTIONS_PID = 1 << 2,
	OPTIONS_PROBE = 1 << 3,
	OPTIONS_FILE = 1 << 4,
	OPTIONS_AUDIT = 1 << 5,
	OPTIONS_WHAT_IF = 1 << 6,
	OPTIONS_SAVE = 1 << 7,
	OPTIONS_MAP = 1 << 9,
	OPTIONS_DIFF = 1 << 10,
	OPTIONS_LOG = 1 << 11,
	OPTIONS_CPUS = 1 << 12,
	OPTIONS_STACK = 1 << 13,
	OPTIONS_FRAME = 1 << 14,
	OPTIONS_WATCH = 1 << 15,
	OPTIONS_SYNC = 1 << 16,
	OPTIONS_DIGEST = 1 << 17,
	OPTIONS_EVERYWHERE = 1 << 8, /* of whosees itself and of every command */
};

/* What a shell offers for the value of an option that has no list of words. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_FILES,
	COMPLETE_PIDS,    /* of the target on the command line */
	COMPLETE_COLUMNS, /* of the command's table */
};

struct option_row {
	enum option_group group;
	int key; /* its letter, if it is one */
	const char *name;
	const char *arg;   /* NULL: takes none */
	const char *about; /* an @ stands for the values */
	values_fn *values; /* that it takes; NULL: others than from a list */
	enum completion complete;
};
extern const struct option_row option_rows[]; /* ends with a NULL name */

/* What --help says of it, with its values; to be freed. NULL: memory is short. */
char *option_about(const struct option_row *option);

#define PARTS_MAX 256 /* of one dump; makedumpfile writes each by a process of its own */

/* What the command line says. Strings are argv's own. */
struct request {
	const struct command *command;
	const char *target;
	char **words; /* what follows the target */
	size_t nwords;
	struct ws_target_options target_options;
	const char
		*parts[PARTS_MAX + 1]; /* target_options has them; NULL after the last */
	size_t nparts;
	struct ws_system_options system_options;
	enum report_format format;
	const char *pids; /* what --pid says, checked by pids_check(); NULL: nothing */
	bool all, all_spaces, all_modules, xx_procs;
	bool every_space;
	struct ws_what_if what_if; /* but for its space */
	const char *output, *save, *perm;
	const char *columns; /* names of them, or NULL: the usual ones */
	bool no_pager;
	const char *without; /* a family of rules; NULL: none is left out */
	bool vectors;
	bool has_cpu;
	uint64_t cpu;
	bool has_tail;
	uint64_t tail; /* so many records, the last ones */
	/* of a target that is watched */
	uint64_t interval, looks; /* seconds; 0 looks: without end */
	bool until_finding, top;
	const char *on_finding, *history, *prometheus; /* or NULL */
	uint64_t history_size;
	/* of what would mend a space */
	bool apply;
	const char *journal, *undo; /* files, or NULL */
};

struct session;

/* A command line that --help and the manual show, and that tests/cli/examples.py runs. */
struct example {
	const char *about, *command; /* of the shell; NULL after the last */
	int status;                  /* that it ends with on that test's files */
};

struct command {
	const char *name;
	unsigned schema;     /* the version of its JSON; 0: 1 */
	const char *summary; /* a line */
	const char *args;
	const char *about; /* sentences */
	const struct example *examples;
	unsigned options; /* enum option_group */
	bool has_result;  /* NDJSON ends with what it comes to (result.h) */
	bool of_tables;   /* page tables suffice: no kernel has to be known with them */
	bool opens;       /* it opens its target itself */
	unsigned min_words, max_words;
	const char
		*first_word; /* what its first word is, where that is a file; or NULL */
	const struct table *rows; /* what it prints, for the manual; or NULL */
	/* Words that the shell offers beside files; NULL after the last. NULL: none. */
	const char *(*offer)(unsigned i);
	enum exit_status (*run)(struct session *session);
};
extern const struct command commands[]; /* ends with a NULL name */

const struct command *command_find(const char *name);

enum exit_status run_spaces(struct session *session);
enum exit_status run_modules(struct session *session);
enum exit_status run_log(struct session *session);
enum exit_status run_autopsy(struct session *session);
enum exit_status run_read(struct session *session);
enum exit_status run_walk(struct session *session);
enum exit_status run_name(struct session *session);
enum exit_status run_cpus(struct session *session);
enum exit_status run_stack(struct session *session);
enum exit_status run_frame(struct session *session);
enum exit_status run_map(struct session *session);
enum exit_status run_probe(struct session *session);
enum exit_status run_audit(struct session *session);
struct digest;
enum exit_status audit_status(const struct digest *digest); /* of run_report too */
enum exit_status run_report(struct session *session);
enum exit_status run_diff(struct session *session);
enum exit_status run_watch(struct session *session);
enum exit_status run_sync(struct session *session);
enum exit_status run_digest(struct session *session);
enum exit_status run_rules(struct session *session);
enum exit_status run_capture(struct session *session);
enum exit_status run_check_module(struct session *session);
enum exit_status run_what_if(struct session *session);
enum exit_status run_sim(struct session *session);
const char *offer_scenario(unsigned i);

extern const struct table autopsy_table, spaces_table, modules_table, read_table,
	steps_table, map_table, probe_table, audit_table, diff_table, rules_table,
	handlers_table, what_if_table, sim_table, log_table, names_table, registers_table,
	changes_table, sync_table, digest_table, stack_table, frame_table;

/* options.c: exits with EXIT_USAGE when argv makes no sense, with 0 after --help. */
void parse_request(int argc, char **argv, struct request *request);
void print_command_help(const struct command *command);

/* generate.c: what values_generate() names, from the tables and a template on stdin. */
enum exit_status generate(unsigned what);

#endif
