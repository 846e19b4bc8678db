/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What completions for all shells want to know of the tables. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "report/columns.h"
#include "whosees.h"

bool completion_again(const struct option_row *option)
{
	for (const struct option_row *o = option_rows; o < option; o++)
		if (strcmp(o->name, option->name) == 0)
			return true;
	return false;
}

const char *completion_word(const struct command *command, unsigned nth)
{
	if (command->offer)
		return nth ? "none" : "scenario";
	if (!(command->options & OPTIONS_TARGET))
		return command->first_word && (!nth || strstr(command->args, "FILE..."))
			       ? "file"
			       : "none";
	if (!nth || command->first_word)
		return "target";
	return strstr(command->args, "WHAT") ? "what" : "none";
}

void completion_schemes(bool colon)
{
	const char *scheme;

	for (unsigned i = 0; (scheme = ws_target_scheme_at(i)); i++)
		if ((strchr(scheme, ':') != NULL) == colon)
			printf(" %.*s", (int)strcspn(scheme, ":") + colon, scheme);
}

void completion_columns(const struct command *command)
{
	const struct table *table = command->rows;

	for (size_t i = 0; table && i < table->n; i++)
		if (columns_has(&table->columns[i]))
			printf(" %s", table->columns[i].key);
}
