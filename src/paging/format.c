/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paging/format.h"

static const struct ws_format *const formats[] = {
	&ws_format_i386,   &ws_format_i386_nopse,  &ws_format_i386_pae,
	&ws_format_x86_64, &ws_format_x86_64_la57,
};

const struct ws_format *ws_format_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(formats) ? formats[i] : NULL;
}

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

const struct ws_format *ws_format_by_name(const char *name)
{
	for (unsigned i = 0; i < WS_ARRAY_SIZE(formats); i++)
		if (same_name(formats[i]->name, name))
			return formats[i];
	return NULL;
}

const char *ws_format_name(const struct ws_format *format)
{
	return format->name;
}

unsigned ws_format_levels(const struct ws_format *format)
{
	return format->nlevels;
}

unsigned ws_format_va_bits(const struct ws_format *format)
{
	return format->va_bits;
}

const char *ws_level_name(const struct ws_format *format, unsigned level)
{
	return level < format->nlevels ? format->level[level].name : NULL;
}

const char *ws_level_entry_name(const struct ws_format *format, unsigned level)
{
	return level < format->nlevels ? format->level[level].entry_name : NULL;
}

static size_t length_of(const char *word)
{
	size_t length = 0;

	while (word[length])
		length++;
	return length;
}

/* Appends word to text, after a space if it is not the first; drops what won't fit. */
static size_t append_word(char *text, size_t size, size_t at, const char *word)
{
	if (at + (at > 0) + length_of(word) >= size)
		return at;
	if (at)
		text[at++] = ' ';
	while (*word)
		text[at++] = *word++;
	text[at] = '\0';
	return at;
}

char *ws_entry_describe(const struct ws_format *format, unsigned level, uint64_t entry,
			char *text, size_t size)
{
	const struct ws_row *row = NULL;
	size_t at = 0;

	if (!size)
		return text;
	text[0] = '\0';
	if (level < format->nlevels)
		row = ws_row_of(&format->level[level], entry);
	if (!row) {
		bool hole = ws_unmatched_end(format, entry) == WS_END_HOLE;

		append_word(text, size, 0, hole ? "not present" : "malformed");
		return text;
	}
	for (const struct ws_attribute *a = row->attributes; a && a->name; a++)
		if (entry & a->bit)
			at = append_word(text, size, at, a->name);
	return text;
}
