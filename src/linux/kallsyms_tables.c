/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What single entries of kallsyms' tables say: a token, a name's length, an address. */
#include "linux/kallsyms.h"

#include <string.h>

#include "linux/symtab.h"
#include "util/bits.h"

/* ---- tokens and lengths ----------------------------------------------------------- */

/* A string of visible characters that ends where the next one begins. */
static bool token_valid(const struct ws_kallsyms_tokens *tokens, unsigned t)
{
	uint32_t at = tokens->at[t], end = tokens->at[t + 1];

	if (at >= end || tokens->text[end - 1])
		return false;
	while (at < end - 1)
		if (!ws_symbol_char_valid(tokens->text[at++]))
			return false;
	return true;
}

bool ws_kallsyms_tokens(struct ws_kallsyms_tokens *tokens, const uint8_t *table,
			size_t table_len, const uint8_t *index)
{
	const uint8_t *end;

	tokens->text = (const char *)table;
	for (unsigned t = 0; t < WS_KALLSYMS_TOKENS; t++) {
		tokens->at[t] = ws_le16(index + 2 * t);
		if (tokens->at[t] >= table_len)
			return false;
	}
	end = memchr(table + tokens->at[255], 0, table_len - tokens->at[255]);
	if (tokens->at[0] || !end)
		return false;
	tokens->at[WS_KALLSYMS_TOKENS] = (uint32_t)(end + 1 - table);
	for (unsigned t = 0; t < WS_KALLSYMS_TOKENS; t++)
		if (!token_valid(tokens, t))
			return false;
	return true;
}

bool ws_kallsyms_begins_name(const struct ws_kallsyms_tokens *tokens, uint8_t token)
{
	char first = tokens->text[tokens->at[token]];

	return first && strchr("aAbBcCdDgGiInNpPrRsStTuUvVwW?", first);
}

size_t ws_kallsyms_name_len(const uint8_t *bytes, size_t left, size_t *len)
{
	size_t head = left && bytes[0] & 0x80 ? 2 : 1;

	if (left < head)
		return 0;
	*len = bytes[0] & 0x7f;
	if (head == 2)
		*len |= (size_t)bytes[1] << 7;
	return *len && *len <= left - head ? head : 0;
}

/* ---- encodings -------------------------------------------------------------------- */

struct ws_kallsyms_encoding {
	bool words;
	bool based;
	uint64_t (*decode)(const struct ws_kallsyms *tables, uint32_t i, uint64_t raw);
};

static uint64_t decode_absolute(const struct ws_kallsyms *tables, uint32_t i,
				uint64_t raw)
{
	(void)tables;
	(void)i;
	return raw;
}

static uint64_t decode_relative(const struct ws_kallsyms *tables, uint32_t i,
				uint64_t raw)
{
	(void)i;
	return tables->base + raw;
}

static uint64_t decode_percpu(const struct ws_kallsyms *tables, uint32_t i, uint64_t raw)
{
	(void)i;
	return (int32_t)raw >= 0 ? raw : tables->base - 1 - (int64_t)(int32_t)raw;
}

static uint64_t decode_place(const struct ws_kallsyms *tables, uint32_t i, uint64_t raw)
{
	return tables->addresses + UINT64_C(4) * i + (int64_t)(int32_t)raw;
}

/*
 * kallsyms_sym_address() in kernel/kallsyms.c, through the years. A version number
 * would not say which one holds: the configuration decides as well.
 */
static const struct ws_kallsyms_encoding encodings[] = {
	/* 32-bit offsets from a base: 2213e9a66bb8 (4.6) */
	{ false, true, decode_relative },
	/* the same with --absolute-percpu: x86-64 SMP until 01157ddc58dc (6.15) */
	{ false, true, decode_percpu },
	/* 32-bit offsets from their own place: a081b5789255 (2026) */
	{ false, false, decode_place },
	/* words: before all that, where not base-relative, and 32-bit not relocatable */
	{ true, false, decode_absolute },
};

static uint64_t raw_at(const struct ws_system *system, const struct ws_kallsyms *tables,
		       const uint8_t *raw, uint32_t i)
{
	return tables->words && system->layout.word == 8 ? ws_le64(raw + 8ul * i)
							 : ws_le32(raw + 4ul * i);
}

uint64_t ws_kallsyms_address(const struct ws_system *system,
			     const struct ws_kallsyms *tables, const uint8_t *raw,
			     uint32_t i)
{
	uint64_t va = tables->encoding->decode(tables, i, raw_at(system, tables, raw, i));

	return system->layout.word == 8 ? va : (uint32_t)va;
}

/*
 * Most addresses lie in the image (per-CPU ones do not) but not among themselves, and
 * all but a few are in order. A wrong encoding gives addresses far away, in descending
 * order or, where small numbers are taken for offsets from their place, right there.
 */
static bool encoding_fits(const struct ws_system *system,
			  const struct ws_kallsyms *tables, const uint8_t *raw)
{
	uint64_t size = (uint64_t)tables->num * system->layout.word, last = 0;
	uint32_t in_image = 0, disorder = 0;

	for (uint32_t i = 0; i < tables->num; i++) {
		uint64_t va = ws_kallsyms_address(system, tables, raw, i);

		in_image += ws_in_image(system, va) && va - tables->addresses >= size;
		disorder += va < last;
		last = va;
	}
	return in_image > tables->num / 2 && disorder <= tables->num / 64;
}

bool ws_kallsyms_encoding(const struct ws_system *system, struct ws_kallsyms *tables,
			  const uint8_t *raw)
{
	bool wide = system->layout.word == 8;

	/* on a 32-bit kernel words and offsets are of one width: both are tried */
	for (size_t i = 0; i < WS_ARRAY_SIZE(encodings); i++) {
		tables->encoding = &encodings[i];
		if ((!wide || encodings[i].words == tables->words) &&
		    encodings[i].based == tables->has_base &&
		    encoding_fits(system, tables, raw))
			return true;
	}
	return false;
}
