/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/words.h"
#include "util/reference.h"

enum { LEVEL, ENTRY_NAME, TABLE, INDEX, ENTRY_PA, ENTRY, ATTRIBUTES };

static const struct column columns[] = {
	[LEVEL] = { "level", "LEVEL", COLUMN_TEXT, "the manual's name of the table",
		    .optional = 3 },
	[ENTRY_NAME] = { "entry_name", "ENTRY", COLUMN_TEXT, "and of its entries" },
	[TABLE] = { "table", "TABLE", COLUMN_ADDRESS, "the table's physical address",
		    .optional = 4 },
	[INDEX] = { "index", "INDEX", COLUMN_COUNT, "the entry's number", .optional = 2 },
	[ENTRY_PA] = { "entry_pa", "ENTRY AT", COLUMN_ADDRESS,
		       "the entry's physical address", .optional = 1 },
	[ENTRY] = { "entry", "VALUE", COLUMN_ADDRESS, "the entry as it is" },
	[ATTRIBUTES] = { "attributes", "ATTRIBUTES", COLUMN_TEXT,
			 "those of its bits that are set, by the manual's names" },
};
const struct table steps_table = { "steps", TABLE_COLUMNS(columns) };

/* The attributes; of an entry with the encryption bit, what it is without it as well. */
static void describe(const struct ws_format *format, unsigned level, uint64_t entry,
		     char text[static WORDS])
{
	uint64_t bit = ws_format_encryption_bit(format);
	size_t at;

	ws_entry_describe(format, level, entry, text, WORDS);
	at = strlen(text);
	if (entry & bit)
		snprintf(text + at, WORDS - at, " (without it 0x%" PRIx64 ")",
			 entry & ~bit);
}

static bool print_step(const struct steps *steps, unsigned level, struct report *report)
{
	const struct ws_format *format = steps->format;
	const struct ws_trail *trail = steps->trail;
	const struct ws_step *step = &trail->step[level];
	bool read = ws_step_is_read(trail, level);
	bool real = !ws_is_made_up(steps->layout, step->table);
	char attributes[WORDS];
	struct value row[] = {
		[LEVEL] = value_text(ws_level_name(format, level)),
		[ENTRY_NAME] = value_text(ws_level_entry_name(format, level)),
		[TABLE] = { .known = real, .number = step->table },
		[INDEX] = value_number(step->index),
		[ENTRY_PA] = { .known = real, .number = ws_step_entry_pa(format, step) },
		[ENTRY] = { .known = read, .number = step->entry },
		[ATTRIBUTES] = { .known = read, .text = attributes },
	};

	describe(format, level, step->entry, attributes);
	row[ATTRIBUTES].alarm = level + 1 == trail->nsteps && trail->end != WS_END_PAGE;
	return report_row(report, row);
}

void print_steps(void *arg, struct report *report)
{
	const struct steps *steps = arg;

	for (unsigned l = 0; l < steps->trail->nsteps && print_step(steps, l, report);
	     l++)
		;
}
