/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manual page and the shell completion, from the tables of commands and options. */
#include "command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define MDOC_WIDTH 78

static void print_mdoc_char(char c)
{
	if (c == '\\')
		fputs("\\e", stdout);
	else if (c == '-')
		fputs("\\-", stdout);
	else
		putchar(c);
}

/* Whether the n characters of word end a sentence, of which another follows. */
static bool ends_sentence(const char *word, size_t n)
{
	return word[n - 1] == '.' && word[n] == ' ' &&
	       isupper((unsigned char)word[n + 1]);
}

/* mdoc(7) begins every sentence on a line of its own, and fears a leading dot. */
static void print_mdoc(const char *text)
{
	size_t column = 0;

	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");
		bool last = ends_sentence(text, n);

		if (column && column + n >= MDOC_WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column)
			putchar(' ');
		else if (*text == '.' || *text == '\'')
			fputs("\\&", stdout);
		column += n + 1;
		while (n--)
			print_mdoc_char(*text++);
		if (last) {
			putchar('\n');
			column = 0;
		}
	}
	if (column)
		putchar('\n');
}

/* "TARGET WHAT..." or "TARGET -o FILE" on an .It line. */
static void print_mdoc_args(const char *args)
{
	while (*(args += strspn(args, " "))) {
		int n = (int)strcspn(args, " ."), dots = (int)strspn(args + n, ".");

		if (*args == '-')
			printf(" Fl %.*s", n - 1, args + 1);
		else
			printf(" Ar %.*s%s", n, args, dots ? " ..." : "");
		args += n + dots;
	}
	putchar('\n');
}

static void print_mdoc_option(const struct option_row *option)
{
	if (option->key < 0x80)
		printf(".It Fl %c , Fl \\-%s", option->key, option->name);
	else
		printf(".It Fl \\-%s", option->name);
	if (option->arg)
		printf(" Ar %s", option->arg);
	putchar('\n');
	print_mdoc(option->about);
}

static void print_mdoc_options(unsigned groups)
{
	puts(".Bl -tag -width Ds");
	for (const struct option_row *o = option_rows; o->name; o++)
		if (o->group & groups)
			print_mdoc_option(o);
	puts(".El");
}

static void print_mdoc_columns(const struct table *table)
{
	puts(".Pp\nColumns:\n.Bl -tag -width private_tables -compact");
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = &table->columns[i];

		if (!column->key)
			continue;
		printf(".It Li %s\n", column->key);
		print_mdoc(column->about);
	}
	puts(".El");
}

#define OPTIONS_COMMON (OPTIONS_TARGET | OPTIONS_OUTPUT)

static void print_mdoc_command(const struct command *command)
{
	unsigned own = command->options & ~(unsigned)OPTIONS_COMMON;

	printf(".It Cm %s", command->name);
	print_mdoc_args(command->args);
	print_mdoc(command->about);
	if (own)
		print_mdoc_options(own);
	if (command->rows)
		print_mdoc_columns(command->rows);
}

static void print_mdoc_commands(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct command *c = commands; c->name; c++)
		print_mdoc_command(c);
	puts(".El");
}

/* Lines of the page that stand for what the tables say. */
static bool print_mdoc_tables(const char *line)
{
	if (strcmp(line, "@COMMANDS@\n") == 0)
		print_mdoc_commands();
	else if (strcmp(line, "@TARGET_OPTIONS@\n") == 0)
		print_mdoc_options(OPTIONS_TARGET);
	else if (strcmp(line, "@OUTPUT_OPTIONS@\n") == 0)
		print_mdoc_options(OPTIONS_OUTPUT);
	else
		return false;
	return true;
}

static void generate_man(void)
{
	ws_autofree char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
		if (!print_mdoc_tables(line))
			fputs(line, stdout);
}

static void print_words(const struct option_row *option)
{
	if (!option->complete)
		puts("\t\treturn ;;");
	else if (strcmp(option->complete, "file") == 0)
		puts("\t\t_whosees_files \"$cur\"; return ;;");
	else
		printf("\t\tCOMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
		       option->complete);
}

/* Commands differ in what an option means to them, not in what its value looks like. */
static bool is_told(const struct option_row *option)
{
	for (const struct option_row *o = option_rows; o < option; o++)
		if (strcmp(o->name, option->name) == 0)
			return true;
	return false;
}

static void print_option_values(void)
{
	puts("\tcase \"$prev\" in");
	for (const struct option_row *o = option_rows; o->name; o++) {
		if (!o->arg || is_told(o))
			continue;
		if (o->key < 0x80)
			printf("\t-%c|", o->key);
		printf("%s--%s)\n", o->key < 0x80 ? "" : "\t", o->name);
		print_words(o);
	}
	puts("\tesac");
}

static void print_command_options(const struct command *command)
{
	printf("\t%s) options=\"--help", command->name);
	for (const struct option_row *o = option_rows; o->name; o++)
		if (command->options & o->group)
			printf(" --%s", o->name);
	putchar('"');
	if (command->offer) {
		printf(" words=\"");
		for (unsigned i = 0; command->offer(i); i++)
			printf("%s%s", i ? " " : "", command->offer(i));
		putchar('"');
	}
	puts(" ;;");
}

static void generate_completion(void)
{
	puts("# bash completion for whosees(1); generated from its table of commands\n"
	     "# Files, a word a line of what compgen says, whatever blanks and * are in it.\n"
	     "# The last argument is what was typed, quoted as the shell has it.\n"
	     "_whosees_files() {\n"
	     "\tlocal line typed=\"${@: -1}\"\n"
	     "\tcompopt -o filenames 2>/dev/null\n"
	     "\tcase \"$typed\" in\n"
	     "\t[\\'\\\"]*) typed=\"${typed:1}\" ;;\n"
	     "\t*) IFS= read typed <<<\"$typed\" ;;\n"
	     "\tesac\n"
	     "\twhile IFS= read -r line; do\n"
	     "\t\tCOMPREPLY+=(\"$line\")\n"
	     "\tdone < <(compgen -f \"${@:1:$#-1}\" -- \"$typed\")\n"
	     "}\n"
	     "_whosees() {\n"
	     "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
	     "\tlocal options words\n"
	     "\tCOMPREPLY=()");
	printf("\tif [ \"$COMP_CWORD\" -eq 1 ] || [ \"$prev\" = help ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"");
	for (const struct command *c = commands; c->name; c++)
		printf("%s ", c->name);
	puts("help --help --version\" -- \"$cur\"))\n"
	     "\t\treturn\n"
	     "\tfi");
	print_option_values();
	puts("\tcase \"${COMP_WORDS[1]}\" in");
	for (const struct command *c = commands; c->name; c++)
		print_command_options(c);
	puts("\tesac\n"
	     "\tcase \"$cur\" in\n"
	     "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
	     "\t@*) _whosees_files -P @ \"${cur#@}\" ;;\n"
	     "\t*) _whosees_files -W \"$words\" \"$cur\" ;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -F _whosees whosees");
}

enum exit_status generate(const char *what)
{
	if (strcmp(what, "man") == 0)
		generate_man();
	else if (strcmp(what, "completion") == 0)
		generate_completion();
	else
		return EXIT_USAGE;
	return EXIT_SEEN;
}
