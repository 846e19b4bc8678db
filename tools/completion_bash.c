/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion for bash: one function, and what it asks. */
#include "completion.h"

#include <string.h>

/* What does not depend on the tables, before and after what does. */
static const char beginning[] =
	"# bash completion for whosees(1); generated from its table of commands\n"
	"\n"
	"# The word as the shell will understand it, in $plain: without its quotes.\n"
	"_whosees_unquote() {\n"
	"\tplain=$1\n"
	"\tcase \"$plain\" in\n"
	"\t\\'*) plain=${plain#\\'} plain=${plain%%\\'} ;;\n"
	"\t\\\"*) plain=${plain#\\\"} plain=${plain%%\\\"} ;;\n"
	"\t*) IFS= read plain <<<\"$plain\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# Files, and what compgen has of the options before the last argument, which is what\n"
	"# was typed; whatever blanks and * are in a name.\n"
	"_whosees_files() {\n"
	"\tlocal line plain\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\t_whosees_unquote \"${@: -1}\"\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tCOMPREPLY+=(\"$line\")\n"
	"\tdone < <(compgen -f \"${@:1:$#-1}\" -- \"$plain\")\n"
	"}\n"
	"\n"
	"# One column of what whosees prints of the target, a file that is there.\n"
	"_whosees_ask() {\n"
	"\tlocal plain\n"
	"\t_whosees_unquote \"$target\"\n"
	"\tcase \"$plain\" in \\~/*) plain=$HOME/${plain#\\~/} ;; esac\n"
	"\t[ -f \"$plain\" ] || return\n"
	"\ttimeout %d \"${COMP_WORDS[0]}\" \"$1\" \"$plain\" --csv 2>/dev/null </dev/null |\n"
	"\t\tsed -n \"$2\" | sort -u\n"
	"}\n"
	"_whosees_pids() {\n"
	"\tlocal before=\n"
	"\tcase \"$cur\" in *,*) before=${cur%%,*}, ;; esac\n"
	"\tCOMPREPLY=($(compgen -P \"$before\" -W \"$(_whosees_ask spaces '\n"
	"\t\ts/^\\([0-9]\\{1,\\}\\),.*/\\1/p')\n"
	"\t\t$(_whosees_ask spaces 's/^[0-9]\\{1,\\},\\([A-Za-z0-9_.-]*\\),.*/\\1/p')\" \\\n"
	"\t\t-- \"${cur##*,}\"))\n"
	"}\n"
	"_whosees_columns() {\n"
	"\tlocal before=\n"
	"\tcase \"$cur\" in\n"
	"\t*,*) before=${cur%%,*}, ;;\n"
	"\t+*) before=+ ;;\n"
	"\tesac\n"
	"\tCOMPREPLY=($(compgen -P \"$before\" -W \"$columns\" -- \"${cur#\"$before\"}\"))\n"
	"}\n"
	"_whosees_modules() {\n"
	"\tCOMPREPLY=($(compgen -W \"$(_whosees_ask modules \\\n"
	"\t\t'2,$s/^\\([A-Za-z0-9_]*\\),.*/\\1/p')\" -- \"$cur\"))\n"
	"}\n"
	"\n"
	"# Words of the command line in $words, the last of them where the cursor is. bash has\n"
	"# cut them at : and =, and replaces only what comes after these: $cut.\n"
	"_whosees_words() {\n"
	"\tlocal i glue=\n"
	"\twords=() cut=\n"
	"\tfor ((i = 0; i <= COMP_CWORD; i++)); do\n"
	"\t\tcase \"${COMP_WORDS[i]}\" in\n"
	"\t\t:|=) glue=1 ;;\n"
	"\t\tesac\n"
	"\t\tif [ -n \"$glue\" ] && [ ${#words[@]} -gt 0 ]; then\n"
	"\t\t\tcut=${words[-1]}\n"
	"\t\t\twords[-1]+=${COMP_WORDS[i]}\n"
	"\t\t\tcase \"${COMP_WORDS[i]}\" in\n"
	"\t\t\t:|=) cut=${words[-1]} ;;\n"
	"\t\t\t*) glue= ;;\n"
	"\t\t\tesac\n"
	"\t\telse\n"
	"\t\t\twords+=(\"${COMP_WORDS[i]}\") cut=\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# The first word after the command in $target, and how many there are before the cursor\n"
	"# in $nth.\n"
	"_whosees_target() {\n"
	"\tlocal i\n"
	"\ttarget= nth=0\n"
	"\tfor ((i = 2; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tcase \"${words[i]}\" in\n";

static const char targets[] =
	"\t\t-*) ;;\n"
	"\t\t*)\n"
	"\t\t\t[ $nth -gt 0 ] || target=${words[i]}\n"
	"\t\t\tnth=$((nth + 1))\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_whosees() {\n"
	"\tlocal words cut target nth cur prev options first rest scenarios schemes columns=\n"
	"\t_whosees_words\n"
	"\t_whosees_target\n"
	"\tcur=${words[-1]} prev=${words[-2]}\n"
	"\tCOMPREPLY=()\n"
	"\tcase \"$cur\" in\n"
	"\t--*=*) prev=${cur%%=*} cur=${cur#*=} ;;\n"
	"\tesac\n";

static const char ending[] =
	"\tcase \"$cur\" in\n"
	"\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n"
	"\tesac\n"
	"\t[ $nth -eq 0 ] || first=$rest\n"
	"\tcase \"$first\" in\n"
	"\ttarget)\n"
	"\t\tcase \"$cur\" in\n"
	"\t\tsim:*) COMPREPLY=($(compgen -P sim: -W \"$scenarios\" -- \"${cur#sim:}\")) ;;\n"
	"\t\t?*) _whosees_files -W \"$schemes\" \"$cur\" ;;\n"
	"\t\t*) _whosees_files \"$cur\" ;;\n"
	"\t\tesac\n"
	"\t\tcase \"${COMPREPLY[*]}\" in *:) compopt -o nospace 2>/dev/null ;; esac\n"
	"\t\t;;\n"
	"\tscenario) _whosees_files -W \"$scenarios\" \"$cur\" ;;\n"
	"\tfile) _whosees_files \"$cur\" ;;\n"
	"\twhat)\n"
	"\t\tcase \"$cur\" in\n"
	"\t\t@*) _whosees_files -P @ \"${cur#@}\" ;;\n"
	"\t\t*) _whosees_modules ;;\n"
	"\t\tesac\n"
	"\t\t;;\n"
	"\tesac\n"
	"\tcase \"$cut\" in\n"
	"\t*:) COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _whosees whosees";

static void print_pattern(const struct option_row *option)
{
	if (option->key < 0x80)
		printf("-%c|", option->key);
	printf("--%s)", option->name);
}

static void print_value(const struct option_row *option)
{
	char words[VALUES_WORDS];

	if (option->values)
		printf("COMPREPLY=($(compgen -W \"%s\" -- \"$cur\"))",
		       values_words(option->values, " ", " ", words));
	else if (option->complete == COMPLETE_FILES)
		printf("_whosees_files \"$cur\"");
	else if (option->complete == COMPLETE_PIDS)
		printf("_whosees_pids");
	else
		printf(":");
}

/* Options that take the next word, which is then no target. */
static void print_taking(void)
{
	for (const struct option_row *o = option_rows; o->name; o++) {
		if (!o->arg || completion_again(o))
			continue;
		printf("\t\t");
		print_pattern(o);
		puts(" i=$((i + 1)) ;;");
	}
}

static void print_option_values(void)
{
	/* -o names a file where a command writes one */
	puts("\t[ -z \"$columns\" ] || case \"$prev\" in\n"
	     "\t-o|--columns) _whosees_columns; return ;;\n"
	     "\tesac\n"
	     "\tcase \"$prev\" in");
	for (const struct option_row *o = option_rows; o->name; o++) {
		if (!o->arg || completion_again(o))
			continue;
		printf("\t");
		print_pattern(o);
		printf(" ");
		print_value(o);
		puts("; return ;;");
	}
	puts("\tesac");
}

static void print_command_names(void)
{
	printf("\tif [ ${#words[@]} -eq 2 ] || [ \"$prev\" = help ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"");
	for (const struct command *c = commands; c->name; c++)
		printf("%s ", c->name);
	puts("help --help --version $([ \"$prev\" != help ] || echo words)\" \\\n"
	     "\t\t\t-- \"$cur\"))\n"
	     "\t\treturn\n"
	     "\tfi");
}

static void print_command(const struct command *command)
{
	printf("\t%s) options=\"", command->name);
	for (const struct option_row *o = option_rows; o->name; o++)
		if ((command->options | OPTIONS_EVERYWHERE) & o->group)
			printf("--%s ", o->name);
	printf("\" first=%s rest=%s", completion_word(command, 0),
	       completion_word(command, 1));
	if (command->options & OPTIONS_OUTPUT) {
		printf(" columns=\"");
		completion_columns(command);
		printf("\"");
	}
	puts(" ;;");
}

void completion_bash(void)
{
	printf(beginning, COMPLETION_PATIENCE);
	print_taking();
	fputs(targets, stdout);
	print_command_names();
	printf("\tscenarios=\"");
	for (unsigned i = 0; offer_scenario(i); i++)
		printf("%s%s", i ? " " : "", offer_scenario(i));
	printf("\" schemes=\"");
	completion_schemes(true);
	completion_schemes(false);
	puts("\"\n\tcase \"${words[1]}\" in");
	for (const struct command *c = commands; c->name; c++)
		print_command(c);
	puts("\tesac");
	print_option_values();
	puts(ending);
}
