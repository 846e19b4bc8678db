/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that an option's value may be, most of them the library's. */
#include "values.h"

#include <stdio.h>
#include <string.h>

#include "util/bits.h"
#include "util/nearest.h"
#include "whosees.h"

const char *values_type(unsigned i)
{
	return ws_target_kind_at(i);
}

const char *values_format(unsigned i)
{
	const struct ws_format *format = ws_format_at(i);

	return format ? ws_format_name(format) : NULL;
}

const char *values_fault(unsigned i)
{
	return i <= WS_FAULT_KERNEL ? ws_fault_mode_name(i) : NULL;
}

const char *values_tlb(unsigned i)
{
	return i <= WS_PROCESSOR_NO_TLB ? ws_processor_name(i) : NULL;
}

/* Any of its letters may be given together; these are asked for most. */
const char *values_perm(unsigned i)
{
	static const char *const rights[] = { "r", "w", "x", "u", "wx" };

	return i < WS_ARRAY_SIZE(rights) ? rights[i] : NULL;
}

const char *values_spaces(unsigned i)
{
	return i == 0 ? "all" : NULL;
}

unsigned values_find(values_fn *values, const char *text)
{
	const char *value;

	for (unsigned i = 0; (value = values(i)); i++)
		if (strcmp(value, text) == 0)
			return i;
	return VALUES_NONE;
}

const char *values_words(values_fn *values, const char *between, const char *last,
			 char words[static VALUES_WORDS])
{
	const char *value;
	size_t at = 0;

	*words = '\0';
	for (unsigned i = 0; (value = values(i)) && at < VALUES_WORDS; i++) {
		const char *before = values(i + 1u) ? between : last;

		at += (size_t)snprintf(words + at, VALUES_WORDS - at, "%s%s",
				       i ? before : "", value);
	}
	return words;
}

const char *values_suggestion(values_fn *values, const char *text)
{
	static char words[WS_NEAREST_WORDS];
	struct ws_nearest nearest = ws_nearest_to(text);
	const char *value;

	for (unsigned i = 0; (value = values(i)); i++)
		ws_nearest_offer(&nearest, value);
	return ws_nearest_words(&nearest, words);
}
