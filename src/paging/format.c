/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a format and its levels are called, and what an entry's bits say. */
#include "paging/format.h"

uint64_t ws_further_pieces(const struct ws_row *row, uint64_t entry)
{
	uint64_t address = 0;

	for (unsigned i = 1; i < WS_MAX_PIECES; i++)
		address |= ws_piece_of(&row->address[i], entry);
	return address;
}

const char *ws_format_name(const struct ws_format *format)
{
	return format->name;
}

unsigned ws_format_levels(const struct ws_format *format)
{
	return format->nlevels;
}

uint64_t ws_format_encryption_bit(const struct ws_format *format)
{
	return format->aside.bit;
}

unsigned ws_format_page_bits(const struct ws_format *format)
{
	return format->level[format->nlevels - 1].shift;
}

unsigned ws_format_va_bits(const struct ws_format *format)
{
	return format->va_bits;
}

bool ws_format_withholds(const struct ws_format *format, uint8_t right)
{
	for (unsigned l = 0; l < format->nlevels; l++)
		for (const struct ws_row *row = format->level[l].row; row->kind; row++)
			for (const struct ws_denial *d = row->denials; d && d->mask; d++)
				if (d->denied & right)
					return true;
	return false;
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
	if (entry & format->aside.bit)
		append_word(text, size, at, format->aside.name);
	return text;
}
