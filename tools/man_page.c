/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The manual pages: templates, in which lines stand for what the tables say. */
#include "man_page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
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
	ws_autofree char *about = option_about(option);

	if (option->key < 0x80)
		printf(".It Fl %c , Fl \\-%s", option->key, option->name);
	else
		printf(".It Fl \\-%s", option->name);
	if (option->arg)
		printf(" Ar %s", option->arg);
	putchar('\n');
	print_mdoc(about ? about : option->about);
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
	puts(".Sh COLUMNS\n"
	     "Names as in JSON and CSV:\n"
	     ".Bl -tag -width private_tables -compact");
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = &table->columns[i];

		if (!column->key)
			continue;
		printf(".It Li %s\n", column->key);
		print_mdoc(column->about);
	}
	puts(".El");
}

/* ---- a command's own page --------------------------------------------------------- */

static void print_title(const struct command *command)
{
	printf(".Dt WHOSEES-");
	for (const char *c = command->name; *c; c++)
		putchar(toupper((unsigned char)*c));
	puts(" 1");
}

static void print_name(const struct command *command)
{
	printf(".Nm whosees-%s\n.Nd ", command->name);
	print_mdoc(command->summary);
}

static void print_synopsis(const struct command *command)
{
	printf(".Nm whosees\n.Cm %s\n.Op Ar option ...\n", command->name);
	if (*command->args) {
		/* a macro of its own instead of .It's */
		printf(".Ar \\&");
		print_mdoc_args(command->args);
	}
}

static void print_about(const struct command *command)
{
	print_mdoc(command->about);
}

static void print_options(const struct command *command)
{
	print_mdoc_options(command->options | OPTIONS_EVERYWHERE);
}

static void print_columns(const struct command *command)
{
	if (command->rows)
		print_mdoc_columns(command->rows);
}

/* Words that are one of these alone mdoc(7) takes for punctuation. */
static void print_mdoc_command_line(const char *command)
{
	printf(".Dl $");
	while (*(command += strspn(command, " "))) {
		size_t n = strcspn(command, " ");

		fputs(n == 1 && strchr(".,:;()[]?!|", *command) ? " \\&" : " ", stdout);
		while (n--)
			print_mdoc_char(*command++);
	}
	putchar('\n');
}

static void print_examples(const struct command *command)
{
	for (const struct example *e = command->examples; e->command; e++) {
		if (e != command->examples)
			puts(".Pp");
		print_mdoc(e->about);
		print_mdoc_command_line(e->command);
	}
}

/* ---- the overview ----------------------------------------------------------------- */

static void print_commands(const struct command *none)
{
	(void)none;
	puts(".Bl -tag -width check-module -compact");
	for (const struct command *c = commands; c->name; c++) {
		printf(".It Xr whosees-%s 1\n", c->name);
		print_mdoc(c->summary);
	}
	puts(".El");
}

static void print_targets(const struct command *none)
{
	(void)none;
	puts(".Bl -tag -width kdump");
	for (unsigned i = 0; ws_target_kind_at(i); i++) {
		printf(".It Cm %s\n", ws_target_kind_at(i));
		print_mdoc(ws_target_kind_title(i));
		puts(".br");
		print_mdoc(ws_target_kind_about(i));
	}
	puts(".El");
}

static void print_target_options(const struct command *none)
{
	(void)none;
	print_mdoc_options(OPTIONS_TARGET);
}

static void print_output_options(const struct command *none)
{
	(void)none;
	print_mdoc_options(OPTIONS_OUTPUT);
}

/* ---- all of them ------------------------------------------------------------------ */

/* What a line of a template stands for. */
static const struct {
	const char *line;
	void (*print)(const struct command *command);
} parts[] = {
	{ "@TITLE@\n", print_title },
	{ "@NAME@\n", print_name },
	{ "@SYNOPSIS@\n", print_synopsis },
	{ "@ABOUT@\n", print_about },
	{ "@OPTIONS@\n", print_options },
	{ "@COLUMNS@\n", print_columns },
	{ "@EXAMPLES@\n", print_examples },
	{ "@COMMANDS@\n", print_commands },
	{ "@TARGETS@\n", print_targets },
	{ "@TARGET_OPTIONS@\n", print_target_options },
	{ "@OUTPUT_OPTIONS@\n", print_output_options },
};

/* DOCDIR in a line is where documents are installed. */
static void print_plain(const char *line)
{
	static const char docdir[] = "@DOCDIR@";
	const char *at = strstr(line, docdir);

	if (at)
		printf("%.*s%s%s", (int)(at - line), line, WS_DOCDIR,
		       at + sizeof(docdir) - 1);
	else
		fputs(line, stdout);
}

static void print_line(const char *line, const struct command *command)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (strcmp(parts[i].line, line) == 0) {
			parts[i].print(command);
			return;
		}
	print_plain(line);
}

void manual_print(const struct command *command)
{
	ws_autofree char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
		print_line(line, command);
}
