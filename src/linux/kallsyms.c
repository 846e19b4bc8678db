/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kallsyms as symbols: from where VMCOREINFO has its tables, or where they were found. */
#include "linux/kallsyms.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "linux/symtab.h"
#include "util/cleanup.h"
#include "util/count.h"

/* ---- where the tables lie, as VMCOREINFO has it ----------------------------------- */

/* Since 5fd8fea935a1 and f09bddbd8661 (6.0). */
static bool vmcoreinfo_tables(struct ws_system *system, struct ws_kallsyms *tables)
{
	uint64_t num, base;
	bool offsets =
		ws_vmcoreinfo(system, "SYMBOL", "kallsyms_offsets", &tables->addresses);

	tables->words = !offsets;
	tables->has_base =
		ws_vmcoreinfo(system, "SYMBOL", "kallsyms_relative_base", &base);
	if (tables->has_base && ws_kernel_word(system, base, &tables->base) != WS_READ)
		return false;
	return (offsets || ws_vmcoreinfo(system, "SYMBOL", "kallsyms_addresses",
					 &tables->addresses)) &&
	       ws_vmcoreinfo(system, "SYMBOL", "kallsyms_names", &tables->names) &&
	       ws_vmcoreinfo(system, "SYMBOL", "kallsyms_token_table",
			     &tables->token_table) &&
	       ws_vmcoreinfo(system, "SYMBOL", "kallsyms_token_index",
			     &tables->token_index) &&
	       ws_vmcoreinfo(system, "SYMBOL", "kallsyms_num_syms", &num) &&
	       ws_kernel_u32(system, num, &tables->num) == WS_READ;
}

/* ---- decoding --------------------------------------------------------------------- */

/* Ten times the names of any kernel. */
#define NAMES_LEN_MAX (UINT64_C(64) << 20)

/* So many bytes behind tokens and names may be copied with them. */
#define SLACK 16

/* Copies of the tables; owned. */
struct tables_read {
	uint8_t *names, *tokens, *addresses;
	size_t names_len;
	uint32_t nnames;   /* so many of them can be read; fewer where they are damaged */
	uint8_t *believed; /* pages of addresses */
	struct ws_kallsyms_tokens token;
};

static void tables_read_release(struct tables_read *read)
{
	free(read->names);
	free(read->tokens);
	free(read->addresses);
	free(read->believed);
}

static bool read_new(struct ws_system *system, uint64_t va, size_t len, uint8_t **copy)
{
	*copy = calloc(1, len + SLACK);
	if (!*copy)
		(void)!ws_target_short(system->target);
	return *copy && ws_system_read(system, va, *copy, len) == WS_READ;
}

/* A byte of kernel memory, in a walk that mostly stays in one frame. */
struct cursor {
	struct ws_system *system;
	uint64_t page;
	const uint8_t *frame;
};

static bool cursor_byte(struct cursor *cursor, uint64_t va, uint8_t *byte)
{
	uint64_t page = va & -(uint64_t)WS_FRAME_SIZE;

	if (page != cursor->page) {
		cursor->page = page;
		(void)!ws_kernel_frame(cursor->system, page, &cursor->frame);
	}
	if (cursor->frame)
		*byte = cursor->frame[va - page];
	return cursor->frame;
}

/* The bytes that the name at va takes, its length included; 0: it is no name. */
static uint64_t name_measure(struct cursor *cursor,
			     const struct ws_kallsyms_tokens *tokens, uint64_t va)
{
	uint8_t byte[3] = { 0 };
	size_t len, head;

	/* a length may lie astride two frames */
	for (unsigned i = 0; i < 3; i++)
		if (!cursor_byte(cursor, va + i, &byte[i]))
			break;
	head = ws_kallsyms_name_len(byte, 2 + WS_SYMBOL_NAME_MAX, &len);
	return head && ws_kallsyms_begins_name(tokens, byte[head]) ? head + len : 0;
}

/*
 * How many names there are in a row, and how long they are together. Memory that was
 * overwritten does not read as names for long, and if it does, there are not as many of
 * them between two markers.
 */
static uint32_t names_measure(struct ws_system *system, const struct ws_kallsyms *tables,
			      struct tables_read *read)
{
	struct cursor cursor = { .system = system, .page = 1 };
	struct ws_kallsyms_markers markers;
	bool marked = ws_kallsyms_markers(system, tables, &markers);
	uint64_t size;
	uint32_t n;

	for (n = 0; n < tables->num; n++) {
		if (marked && n % 256 == 0 &&
		    !ws_kallsyms_marks(system, &markers, n, read->names_len))
			return n - (n != 0);
		size = name_measure(&cursor, &read->token,
				    tables->names + read->names_len);
		if (!size || read->names_len > NAMES_LEN_MAX)
			return n;
		read->names_len += size;
	}
	/* where neither fits, either may be damaged */
	return ws_kallsyms_ends(system, tables, tables->names + read->names_len)
		       ? n
		       : marked * (n - 1);
}

/* NULL, or what is wrong with the tables. */
static const char *tables_read(struct ws_system *system, struct ws_kallsyms *tables,
			       struct tables_read *read)
{
	uint64_t tokens_len = tables->token_index - tables->token_table;
	uint8_t index[2 * WS_KALLSYMS_TOKENS];
	size_t width = tables->words ? system->layout.word : 4;

	if (!tables->num || tables->num > WS_KALLSYMS_MAX)
		return "the number of symbols is absurd";
	if (tokens_len < WS_KALLSYMS_TOKENS || tokens_len > WS_KALLSYMS_TOKENS_SIZE)
		return "the token table and its index are not neighbours";
	if (ws_system_read(system, tables->token_index, index, sizeof(index)) !=
		    WS_READ ||
	    !read_new(system, tables->token_table, tokens_len, &read->tokens))
		return "the token table cannot be read";
	if (!ws_kallsyms_tokens(&read->token, read->tokens, tokens_len, index))
		return "the token table and its index contradict each other";
	read->nnames = names_measure(system, tables, read);
	if (!read->nnames ||
	    !read_new(system, tables->names, read->names_len, &read->names))
		return "the names cannot be read";
	if (!read_new(system, tables->addresses, width * tables->num, &read->addresses))
		return "the addresses cannot be read";
	if (!ws_kallsyms_encoding(system, tables, read->addresses))
		return "the addresses do not lie in the kernel image";
	return NULL;
}

/* Expands one name into text; 0 where it is longer than a name can be. */
static size_t name_expand(const struct ws_kallsyms_tokens *tokens, const uint8_t *name,
			  size_t len, char text[static WS_SYMBOL_NAME_MAX + SLACK])
{
	size_t n = 0;

	for (; len--; name++) {
		const char *token = tokens->text + tokens->at[*name];
		size_t size = tokens->at[*name + 1] - tokens->at[*name] - 1;

		if (size > WS_SYMBOL_NAME_MAX - n)
			return 0;
		/* nearly all: a copy of fixed size is two instructions, not a call */
		if (size <= SLACK)
			memcpy(text + n, token, SLACK);
		else
			memcpy(text + n, token, size);
		n += size;
	}
	return n;
}

/* A table while it is filled. */
struct filling {
	struct ws_symtab *symtab;
	uint32_t nread;   /* how many symbols there were before one that is none */
	uint32_t unknown; /* of these: their addresses are not believed */
	size_t block
		[2];  /* entries before the 256 names that it is at, and before those */
	size_t first; /* entries of others */
};

/* What lies behind the last one is not known to be its. */
static void mark_gap(const struct filling *f)
{
	if (f->symtab->entries.n > f->first)
		f->symtab->entries.v[f->symtab->entries.n - 1].gap_behind = true;
}

static enum ws_status symbol_add(struct ws_system *system,
				 const struct ws_kallsyms *tables,
				 const struct tables_read *read, struct filling *f,
				 const char *text, size_t n)
{
	struct ws_symtab_entry symbol = { .module = WS_KERNEL_SYMBOL, .type = text[0] };

	if (!read->believed[ws_kallsyms_page(system, tables, f->nread)]) {
		f->unknown++;
		mark_gap(f);
		return WS_OK;
	}
	symbol.va = ws_kallsyms_address(system, tables, read->addresses, f->nread);
	return ws_symtab_add(f->symtab, WS_FROM_KALLSYMS, &symbol, text + 1, n - 1);
}

static enum ws_status symbols_add(struct ws_system *system,
				  const struct ws_kallsyms *tables,
				  const struct tables_read *read, struct filling *f)
{
	const uint8_t *name = read->names, *end = name + read->names_len;
	enum ws_status status = WS_OK;
	char text[WS_SYMBOL_NAME_MAX + SLACK];

	for (f->nread = 0; !status; f->nread++) {
		size_t len = 0, head = ws_kallsyms_name_len(name, end - name, &len);
		size_t n = head ? name_expand(&read->token, name + head, len, text) : 0;

		if (f->nread % 256 == 0) {
			f->block[1] = f->block[0];
			f->block[0] = f->symtab->entries.n;
		}
		if (f->nread == read->nnames || n < 2)
			break;
		name += head + len;
		status = symbol_add(system, tables, read, f, text, n);
	}
	return status;
}

/*
 * Where names broke off, those just before may already have been read out of step: two
 * blocks of 256 are given up. NULL, or what is wrong when nothing is left.
 */
static const char *damage_cut(struct ws_system *system, const struct ws_kallsyms *tables,
			      const struct filling *f)
{
	uint32_t kept = f->nread / 256 * 256;

	if (f->nread == tables->num)
		return NULL;
	kept = kept > 256 ? kept - 256 : 0;
	ws_symtab_cut(f->symtab, kept ? f->block[1] : f->first, WS_FROM_KALLSYMS);
	mark_gap(f);
	f->symtab->partial = true;
	if (!kept)
		return "the names cannot be read";
	ws_note(system, "kallsyms is damaged: of %s only the first %s are used",
		WS_COUNT_OF(tables->num, "symbol"), WS_COUNT(kept));
	return NULL;
}

static void record_unknown(struct ws_system *system, const struct ws_kallsyms *tables,
			   const struct filling *f)
{
	if (!f->unknown)
		return;
	f->symtab->partial = true;
	ws_note(system,
		"kallsyms is damaged: the addresses of %s of %s are out of order, and "
		"are not used",
		WS_COUNT(f->unknown), WS_COUNT_OF(tables->num, "symbol"));
}

/* VMCOREINFO and kallsyms must agree on where the kernel's text begins. */
static const char *stext_check(struct ws_system *system, const struct ws_symtab *symtab,
			       size_t first)
{
	uint64_t stext;

	if (!ws_vmcoreinfo(system, "SYMBOL", "_stext", &stext))
		return NULL;
	for (size_t i = first; i < symtab->entries.n; i++)
		if (!strcmp(ws_symtab_name(symtab, i), "_stext"))
			return symtab->entries.v[i].va == stext
				       ? NULL
				       : "its _stext is not where VMCOREINFO has it";
	return NULL;
}

/* *wrong: why nothing was added, or NULL. */
static enum ws_status kallsyms_decode(struct ws_system *system,
				      struct ws_kallsyms *tables,
				      struct ws_symtab *symtab, const char **wrong)
{
	ws_cleanup(tables_read_release) struct tables_read read = { 0 };
	size_t first = symtab->entries.n;
	struct filling f = { .symtab = symtab, .first = first };
	enum ws_status status = WS_OK;

	*wrong = tables_read(system, tables, &read);
	if (!*wrong) {
		status = ws_kallsyms_believe(system, tables, read.addresses,
					     &read.believed)
				 ? symbols_add(system, tables, &read, &f)
				 : ws_fail_memory(system->ctx);
		if (!status)
			record_unknown(system, tables, &f);
		if (!status)
			*wrong = damage_cut(system, tables, &f);
		if (!status && !*wrong)
			*wrong = stext_check(system, symtab, first);
	}
	if (*wrong || status)
		ws_symtab_cut(symtab, first, WS_FROM_KALLSYMS);
	return status;
}

enum ws_status ws_kallsyms_load(struct ws_system *system, struct ws_symtab *symtab)
{
	struct ws_kallsyms tables = { 0 };
	const char *wrong = NULL;
	enum ws_status status;

	if (vmcoreinfo_tables(system, &tables)) {
		status = kallsyms_decode(system, &tables, symtab, &wrong);
		if (status || !wrong)
			return status;
		symtab->partial = true;
		ws_note(system, "kallsyms at %#jx, where VMCOREINFO has it: %s",
			tables.names, wrong);
	}
	tables = (struct ws_kallsyms){ 0 };
	status = ws_kallsyms_search(system, &tables);
	if (status)
		return status == WS_ERR_NOT_FOUND ? WS_OK : status;
	status = kallsyms_decode(system, &tables, symtab, &wrong);
	symtab->partial |= wrong != NULL;
	if (!status && wrong)
		ws_note(system, "kallsyms at %#jx, found by its shape: %s", tables.names,
			wrong);
	return status;
}
