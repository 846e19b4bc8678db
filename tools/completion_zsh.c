/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion for zsh: _arguments for each command. */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const char beginning[] =
	"#compdef whosees\n"
	"# zsh completion for whosees(1); generated from its table of commands\n"
	"\n"
	"# Lines that sed makes of what whosees prints of the target, a file that is there.\n"
	"_whosees_ask() {\n"
	"\tlocal target=${(Q)line[1]}\n"
	"\t[[ $target = \\~/* ]] && target=$HOME/${target#\\~/}\n"
	"\t[[ -f $target ]] || return\n"
	"\ttimeout %d ${(Q)whosees} $1 $target --csv 2>/dev/null </dev/null | sed -n $2 | sort -u\n"
	"}\n"
	"_whosees_pids() {\n"
	"\tlocal -a pids names\n"
	"\tpids=(${(f)\"$(_whosees_ask spaces 's/^\\([0-9]\\{1,\\}\\),\\([A-Za-z0-9_.-]*\\).*/\\1:\\2/p')\"})\n"
	"\tnames=(${(f)\"$(_whosees_ask spaces \\\n"
	"\t\t's/^[0-9]\\{1,\\},\\([A-Za-z0-9_.-]\\{1,\\}\\),.*/\\1/p')\"})\n"
	"\tcompset -P '*,'\n"
	"\t_describe -t pids pid pids -S ''\n"
	"\t_describe -t names 'process name' names -S ''\n"
	"}\n"
	"_whosees_columns() {\n"
	"\tcompset -P '*,' || compset -P +\n"
	"\tcompadd -S '' -- $@\n"
	"}\n"
	"_whosees_what() {\n"
	"\tlocal -a modules\n"
	"\tif compset -P @; then\n"
	"\t\t_files\n"
	"\telse\n"
	"\t\tmodules=(${(f)\"$(_whosees_ask modules '2,$s/^\\([A-Za-z0-9_]\\{1,\\}\\),.*/\\1/p')\"})\n"
	"\t\t_describe -t modules module modules\n"
	"\tfi\n"
	"}\n"
	"_whosees_target() {\n"
	"\tif compset -P sim:; then\n"
	"\t\t_whosees_scenario\n"
	"\telse\n"
	"\t\t_files\n"
	"\t\tcompadd -S '' --";

static const char files[] = "\n"
			    "\tfi\n"
			    "}\n"
			    "_whosees_file() {\n"
			    "\t_files\n"
			    "}\n"
			    "_whosees_none() {\n"
			    "\treturn 1\n"
			    "}\n";

static const char middle[] =
	"_whosees() {\n"
	"\tlocal curcontext=$curcontext state line whosees=$words[1]\n"
	"\tlocal -a commands\n"
	"\tif (( CURRENT == 2 )) || [[ $CURRENT -eq 3 && $words[2] = help ]]; then\n"
	"\t\tcommands=(\n";

static const char late[] =
	"\t\t)\n"
	"\t\t[[ $words[2] = help && $CURRENT -eq 3 ]] &&\n"
	"\t\t\tcommands+=('words:print what the words in the output mean')\n"
	"\t\t[[ $PREFIX = -* ]] && commands=(--help --version)\n"
	"\t\t_describe -t commands command commands\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tlocal command=$words[2]\n"
	"\tshift words\n"
	"\t(( CURRENT-- ))\n"
	"\tcase $command in\n";

/* Inside '', and inside [] or before a colon of _arguments. */
static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void print_value(const struct command *command, const struct option_row *option)
{
	char words[VALUES_WORDS];

	printf(":");
	print_quoted(option->arg);
	printf(":");
	if (option->values)
		printf("(%s)", values_words(option->values, " ", " ", words));
	else if (option->complete == COMPLETE_FILES)
		printf("_files");
	else if (option->complete == COMPLETE_PIDS)
		printf("_whosees_pids");
	else if (option->complete == COMPLETE_COLUMNS) {
		printf(" _whosees_columns"); /* as it is, after a blank */
		completion_columns(command);
	} else
		printf(" ");
}

/* '(-p --pid)'{-p+,--pid=}'[about]:PID:_whosees_pids' */
static void print_option(const struct command *command, const struct option_row *option)
{
	ws_autofree char *about = option_about(option);

	if (option->key < 0x80)
		printf("\t\t\t'(-%c --%s)'{-%c%s,--%s%s}'", option->key, option->name,
		       option->key, option->arg ? "+" : "", option->name,
		       option->arg ? "=" : "");
	else
		printf("\t\t\t'--%s%s", option->name, option->arg ? "=" : "");
	printf("[");
	print_quoted(about ? about : option->about);
	printf("]");
	if (option->arg)
		print_value(command, option);
	puts("' \\");
}

static void print_command(const struct command *command)
{
	printf("\t%s)\n\t\t_arguments -s -S \\\n", command->name);
	for (const struct option_row *o = option_rows; o->name; o++)
		if ((command->options | OPTIONS_EVERYWHERE) & o->group)
			print_option(command, o);
	printf("\t\t\t'1: :_whosees_%s' '*: :_whosees_%s'\n\t\t;;\n",
	       completion_word(command, 0), completion_word(command, 1));
}

static void print_scenarios(void)
{
	puts("_whosees_scenario() {\n"
	     "\tlocal -a scenarios=(");
	for (unsigned i = 0; offer_scenario(i); i++)
		printf("\t\t%s\n", offer_scenario(i));
	puts("\t)\n"
	     "\tcompadd -a scenarios\n"
	     "\t[[ $PREFIX = */* ]] && _files\n"
	     "}\n");
}

void completion_zsh(void)
{
	printf(beginning, COMPLETION_PATIENCE);
	completion_schemes(true);
	printf("\n\t\tcompadd --");
	completion_schemes(false);
	fputs(files, stdout);
	print_scenarios();
	fputs(middle, stdout);
	for (const struct command *c = commands; c->name; c++) {
		printf("\t\t\t'%s:", c->name);
		print_quoted(c->summary);
		puts("'");
	}
	puts("\t\t\t'help:print the options of a command'");
	fputs(late, stdout);
	for (const struct command *c = commands; c->name; c++)
		print_command(c);
	puts("\tesac\n"
	     "}\n"
	     "_whosees \"$@\"");
}
