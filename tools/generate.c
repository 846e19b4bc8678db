/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the build makes of the tables of commands and options: `whosees --generate`. */
#include "command.h"

#include "completion.h"
#include "glossary.h"
#include "man_page.h"
#include "util/bits.h"

static void generate_manual(void)
{
	manual_print(NULL);
}

/* For the test that runs them. */
static void generate_examples(void)
{
	for (const struct command *c = commands; c->name; c++)
		for (const struct example *e = c->examples; e->command; e++)
			printf("%s\t%d\t%s\n", c->name, e->status, e->command);
}

static const struct {
	const char *name;
	void (*print)(void);
} generators[] = {
	{ "completion", completion_bash },      { "completion-zsh", completion_zsh },
	{ "completion-fish", completion_fish }, { "words", glossary_print_markdown },
	{ "examples", generate_examples },      { "man", generate_manual },
};

#define PAGES 32

/* "man-COMMAND" after these; each has a place of its own, for several are looked at. */
const char *values_generate(unsigned i)
{
	static char pages[PAGES][32];
	const unsigned n = WS_ARRAY_SIZE(generators);

	if (i < n)
		return generators[i].name;
	i -= n;
	if (i >= PAGES || !commands[i].name)
		return NULL;
	snprintf(pages[i], sizeof(pages[i]), "man-%s", commands[i].name);
	return pages[i];
}

enum exit_status generate(unsigned what)
{
	const unsigned n = WS_ARRAY_SIZE(generators);

	if (what < n)
		generators[what].print();
	else
		manual_print(&commands[what - n]);
	return EXIT_SEEN;
}
