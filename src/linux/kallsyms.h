/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own symbol table, as scripts/kallsyms.c writes it into .rodata:
 *
 *	num_syms	u32
 *	names		num_syms times: a length, then so many token numbers; the
 *			expanded name begins with the symbol's type letter
 *	markers		where every 256th name begins
 *	token_table	256 strings; token_index: u16[256], where each begins
 *	offsets		num_syms times 32 bits (or addresses: words); see the encodings
 *	relative_base	a word, with some of the encodings
 *
 * The order in memory has changed (see the places in kallsyms_search.c), and so has the
 * alignment of each table, from a word to 4 bytes.
 */
#ifndef WS_LINUX_KALLSYMS_H
#define WS_LINUX_KALLSYMS_H

#include "linux/linux.h"

#define WS_KALLSYMS_TOKENS 256
/* u16 offsets: no table of tokens can be longer, whatever memory says. */
#define WS_KALLSYMS_TOKENS_SIZE (1u << 16)
#define WS_KALLSYMS_MIN 256u /* of tables that are found by their shape */
#define WS_KALLSYMS_MAX (1u << 21)

/* Where the tables lie; va each, but for base. */
struct ws_kallsyms {
	uint64_t names, token_table, token_index, addresses;
	uint64_t base; /* what kallsyms_relative_base holds */
	bool has_base;
	bool words; /* addresses are words, not 32-bit offsets */
	uint32_t num;
	const struct ws_kallsyms_encoding *encoding;
};

/* text is not owned. Token t is text[at[t] .. at[t + 1] - 1), a NUL after it. */
struct ws_kallsyms_tokens {
	const char *text;
	uint32_t at[WS_KALLSYMS_TOKENS + 1];
};

/* Takes the tables apart; false where they contradict themselves. */
bool ws_kallsyms_tokens(struct ws_kallsyms_tokens *tokens, const uint8_t *table,
			size_t table_len, const uint8_t *index);

/*
 * The length of a name's tokens at bytes[0..left): ULEB128 of at most two bytes since
 * 73bbb94466fd (6.1), one byte before. Returns the bytes the length takes; 0: bad.
 */
size_t ws_kallsyms_name_len(const uint8_t *bytes, size_t left, size_t *len);

/* Whether a token can begin a name: its first character is one of nm's letters. */
bool ws_kallsyms_begins_name(const struct ws_kallsyms_tokens *tokens, uint8_t token);

/*
 * Chooses the encoding under which raw (num entries) gives addresses of the image in
 * ascending order, as every kernel's are; false: none does.
 */
bool ws_kallsyms_encoding(const struct ws_system *system, struct ws_kallsyms *tables,
			  const uint8_t *raw);

/* The address of symbol i, of which raw has all. */
uint64_t ws_kallsyms_address(const struct ws_system *system,
			     const struct ws_kallsyms *tables, const uint8_t *raw,
			     uint32_t i);

/*
 * Which pages of the address table are believed; an array of them, the caller's. False:
 * memory is short.
 */
bool ws_kallsyms_believe(const struct ws_system *system, const struct ws_kallsyms *tables,
			 const uint8_t *raw, uint8_t **believed) WS_MUST_CHECK;
/* The page of the address table that has the symbol's. */
uint32_t ws_kallsyms_page(const struct ws_system *system,
			  const struct ws_kallsyms *tables, uint32_t symbol);

struct ws_kallsyms_markers {
	uint64_t va;
	unsigned width; /* of each, in bytes */
};
/* False: no markers are where they must be. */
bool ws_kallsyms_markers(struct ws_system *system, const struct ws_kallsyms *tables,
			 struct ws_kallsyms_markers *markers) WS_MUST_CHECK;
/* Whether they have the symbol, a multiple of 256, at that offset in the names. */
bool ws_kallsyms_marks(struct ws_system *system,
		       const struct ws_kallsyms_markers *markers, uint32_t symbol,
		       uint64_t at) WS_MUST_CHECK;
/* Whether all names may end there, by what lies between them and the token table. */
bool ws_kallsyms_ends(const struct ws_system *system, const struct ws_kallsyms *tables,
		      uint64_t names_end) WS_MUST_CHECK;

/*
 * Finds the tables by their shape alone. WS_ERR_NOT_FOUND, without a message, where
 * the kernel image holds none.
 */
enum ws_status ws_kallsyms_search(struct ws_system *system,
				  struct ws_kallsyms *tables) WS_MUST_CHECK;

#endif
