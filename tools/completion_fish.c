/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion for fish: a line for each command and each of its options. */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const char beginning[] =
	"# fish completion for whosees(1); generated from its table of commands\n"
	"\n"
	"# Words after the command that are no options, as far as the cursor.\n"
	"function __whosees_words\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l skip 0\n"
	"\tfor word in $words[3..-1]\n"
	"\t\tif test $skip = 1\n"
	"\t\t\tset skip 0\n"
	"\t\t\tcontinue\n"
	"\t\tend\n"
	"\t\tswitch $word\n";

static const char rest[] =
	"\t\tcase '-*'\n"
	"\t\tcase '*'\n"
	"\t\t\techo -- $word\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"# Whether the command is one of these.\n"
	"function __whosees_command\n"
	"\tset -l words (commandline -opc)\n"
	"\tcontains -- \"$words[2]\" $argv\n"
	"end\n"
	"# The same, and the first word after it is not there yet, or is.\n"
	"function __whosees_first\n"
	"\t__whosees_command $argv; and test (count (__whosees_words)) -eq 0\n"
	"end\n"
	"function __whosees_later\n"
	"\t__whosees_command $argv; and test (count (__whosees_words)) -gt 0\n"
	"end\n"
	"# Lines that sed makes of what whosees prints of the target, a file that is there.\n"
	"function __whosees_ask\n"
	"\tset -l program (commandline -opc)[1]\n"
	"\tset -l target (__whosees_words)[1]\n"
	"\tset target (string replace -r '^~/' \"$HOME/\" -- \"$target\")\n"
	"\ttest -f \"$target\"; or return\n"
	"\ttimeout %d $program $argv[1] $target --csv 2>/dev/null </dev/null |\n"
	"\t\tsed -n $argv[2] | sort -u\n"
	"end\n"
	"# After the last comma.\n"
	"function __whosees_pids\n"
	"\tset -l before (string match -r '^(?:--pid=|-p)?(.*,)' -- (commandline -ct))[2]\n"
	"\tset -q before[1]; or set before ''\n"
	"\tfor word in (__whosees_ask spaces 's/^\\([0-9]\\{1,\\}\\),\\([A-Za-z0-9_.-]*\\).*/\\1\\t\\2/p'\n"
	"\t\t\t__whosees_ask spaces 's/^[0-9]\\{1,\\},\\([A-Za-z0-9_.-]\\{1,\\}\\),.*/\\1/p')\n"
	"\t\techo -- $before$word\n"
	"\tend\n"
	"end\n"
	"# The same, of names that are the arguments.\n"
	"function __whosees_columns\n"
	"\tset -l before (string match -r '^(?:--columns=|-o)?(.*,|\\+)' -- (commandline -ct))[2]\n"
	"\tset -q before[1]; or set before ''\n"
	"\tfor name in $argv\n"
	"\t\techo -- $before$name\n"
	"\tend\n"
	"end\n"
	"function __whosees_modules\n"
	"\t__whosees_ask modules '2,$s/^\\([A-Za-z0-9_]\\{1,\\}\\),.*/\\1/p'\n"
	"\tfor file in (__fish_complete_path (string replace -r '^@' '' -- (commandline -ct)))\n"
	"\t\tstring match -q '@*' -- (commandline -ct); and echo -- @$file\n"
	"\tend\n"
	"end\n"
	"\n"
	"complete -c whosees -f\n";

static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void print_taking(void)
{
	for (const struct option_row *o = option_rows; o->name; o++) {
		if (!o->arg || completion_again(o))
			continue;
		printf("\t\tcase ");
		if (o->key < 0x80)
			printf("-%c ", o->key);
		printf("--%s\n\t\t\tset skip 1\n", o->name);
	}
}

static void print_option(const struct command *command, const struct option_row *option)
{
	ws_autofree char *about = option_about(option);
	char words[VALUES_WORDS];

	printf("complete -c whosees -n '__whosees_command %s' -l %s", command->name,
	       option->name);
	if (option->key < 0x80)
		printf(" -s %c", option->key);
	if (option->values)
		printf(" -x -a '%s'", values_words(option->values, " ", " ", words));
	else if (option->complete == COMPLETE_FILES)
		printf(" -r -F");
	else if (option->complete == COMPLETE_PIDS)
		printf(" -x -a '(__whosees_pids)'");
	else if (option->complete == COMPLETE_COLUMNS) {
		printf(" -x -a '(__whosees_columns");
		completion_columns(command);
		printf(")'");
	} else if (option->arg)
		printf(" -x");
	printf(" -d ");
	print_quoted(about ? about : option->about);
	putchar('\n');
}

static void print_scenarios(const char *prefix)
{
	for (unsigned i = 0; offer_scenario(i); i++)
		printf("%s%s%s", i ? " " : "", prefix, offer_scenario(i));
}

static void print_word(const struct command *command, unsigned nth)
{
	const char *word = completion_word(command, nth);

	if (strcmp(word, "none") == 0)
		return;
	printf("complete -c whosees -n '__whosees_%s %s' ", nth ? "later" : "first",
	       command->name);
	if (strcmp(word, "what") == 0)
		printf("-a '(__whosees_modules)'");
	else
		printf("-F");
	if (strcmp(word, "target") == 0 || strcmp(word, "scenario") == 0) {
		printf(" -a '");
		print_scenarios(*word == 't' ? "sim:" : "");
		if (*word == 't') {
			completion_schemes(true);
			completion_schemes(false);
		}
		putchar('\'');
	}
	putchar('\n');
}

static void print_name(const char *name, const char *summary)
{
	printf("complete -c whosees -n 'test (count (commandline -opc)) -eq 1' -a %s -d ",
	       name);
	print_quoted(summary);
	putchar('\n');
}

static void print_command(const struct command *command)
{
	print_name(command->name, command->summary);
	for (const struct option_row *o = option_rows; o->name; o++)
		if ((command->options | OPTIONS_EVERYWHERE) & o->group)
			print_option(command, o);
	print_word(command, 0);
	print_word(command, 1);
}

void completion_fish(void)
{
	fputs(beginning, stdout);
	print_taking();
	printf(rest, COMPLETION_PATIENCE);
	for (const struct command *c = commands; c->name; c++)
		print_command(c);
	print_name("help", "print the options of a command");
	printf("complete -c whosees -n '__whosees_command help' -a '");
	for (const struct command *c = commands; c->name; c++)
		printf("%s ", c->name);
	puts("words'\n"
	     "complete -c whosees -n 'test (count (commandline -opc)) -eq 1' -l help -s h\n"
	     "complete -c whosees -n 'test (count (commandline -opc)) -eq 1' -l version "
	     "-s V");
}
