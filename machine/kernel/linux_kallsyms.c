/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kallsyms, as scripts/kallsyms.c of Linux 6.1.192 writes it. */
#include "machine/kernel/linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

/* ---- names as tokens -------------------------------------------------------------- */

#define TOKENS 256u
/*
 * A token of its own for the pair of tokens that is most frequent, so many times.
 * scripts/kallsyms.c does so until there is no number left; a machine boots in less.
 */
#define PAIRS 24

/* nm's letter and the name. */
struct coded {
	const struct symbol *symbol;
	uint32_t order; /* among all, by address */
	uint8_t len, code[sizeof(((struct symbol){ 0 }).name) + 1];
};

struct encoder {
	size_t n;
	struct coded *names; /* by rising address */
	char token[TOKENS][sizeof(((struct symbol){ 0 }).name) + 1];
	uint32_t pairs[TOKENS * TOKENS];
};

static void spell(struct encoder *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct coded *name = &e->names[i];

		name->code[0] = (uint8_t)name->symbol->type;
		name->len = (uint8_t)(1 + strlen(name->symbol->name));
		memcpy(name->code + 1, name->symbol->name, name->len - 1u);
		for (unsigned c = 0; c < name->len; c++)
			e->token[name->code[c]][0] = (char)name->code[c];
	}
}

/* The most frequent pair, how often in *times. */
static unsigned best_pair(struct encoder *e, uint32_t *times)
{
	unsigned best = 0;

	memset(e->pairs, 0, sizeof(e->pairs));
	for (size_t i = 0; i < e->n; i++)
		for (unsigned c = 0; c + 1 < e->names[i].len; c++)
			e->pairs[e->names[i].code[c] * TOKENS +
				 e->names[i].code[c + 1]]++;
	for (unsigned pair = 0; pair < TOKENS * TOKENS; pair++)
		if (e->pairs[pair] > e->pairs[best])
			best = pair;
	*times = e->pairs[best];
	return best;
}

static void replace(struct coded *name, unsigned pair, unsigned token)
{
	unsigned to = 0;

	for (unsigned from = 0; from < name->len; from++, to++) {
		bool is_pair = from + 1 < name->len &&
			       name->code[from] * TOKENS + name->code[from + 1u] == pair;

		name->code[to] = is_pair ? (uint8_t)token : name->code[from];
		from += is_pair;
	}
	name->len = (uint8_t)to;
}

static void compress(struct encoder *e)
{
	unsigned made = 0;
	uint32_t times;

	for (unsigned token = TOKENS; token-- && made < PAIRS;) {
		unsigned pair;

		if (e->token[token][0])
			continue;
		pair = best_pair(e, &times);
		if (times < 2)
			return;
		stpcpy(stpcpy(e->token[token], e->token[pair / TOKENS]),
		       e->token[pair % TOKENS]);
		for (size_t i = 0; i < e->n; i++)
			replace(&e->names[i], pair, token);
		made++;
	}
}

/* ---- the tables ------------------------------------------------------------------- */

static void put(FILE *to, uint64_t value, unsigned size)
{
	while (size--) {
		fputc((int)(value & 0xff), to);
		value >>= 8;
	}
}

static long aligned(FILE *to, unsigned align)
{
	while (!ferror(to) && ftell(to) % align)
		fputc(0, to);
	return ftell(to);
}

/*
 * Where the next table begins. Linux aligns it to a word; with a page of its own, what
 * VMCOREINFO says is the same for strategies whose kernels differ by a symbol, and two
 * scenarios can be compared as two moments of one machine.
 */
static long table_begin(FILE *to)
{
	return aligned(to, PAGE);
}

/* CONFIG_KALLSYMS_ABSOLUTE_PERCPU, x86-64's with SMP, has relative ones negative. */
static void offsets_print(const struct encoder *e, FILE *to, unsigned word)
{
	uint64_t base = e->names[0].symbol->va;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t offset = e->names[i].symbol->va - base;

		put(to, word == 8 ? ~offset : offset, 4);
	}
}

/* No name is longer than 127 tokens, so a length is one byte. */
static bool names_print(const struct encoder *e, FILE *to, unsigned word)
{
	uint32_t *markers = calloc(e->n / 256 + 1, sizeof(*markers));
	long start = ftell(to);

	if (!markers)
		return false;
	for (size_t i = 0; i < e->n; i++) {
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(ftell(to) - start);
		put(to, e->names[i].len, 1);
		fwrite(e->names[i].code, e->names[i].len, 1, to);
	}
	aligned(to, word);
	for (size_t i = 0; i < e->n; i += 256)
		put(to, markers[i / 256], 4);
	free(markers);
	return true;
}

static int by_name(const void *left, const void *right)
{
	const struct coded *a = left, *b = right;
	int order = strcmp(a->symbol->name, b->symbol->name);

	return order ? order : a->order < b->order ? -1 : 1;
}

/* kallsyms_seqs_of_names: 6.2's, which 6.1 was given later. Leaves the names so. */
static void order_print(struct encoder *e, FILE *to)
{
	qsort(e->names, e->n, sizeof(*e->names), by_name);
	for (size_t i = 0; i < e->n; i++)
		for (int shift = 16; shift >= 0; shift -= 8)
			put(to, e->names[i].order >> shift, 1);
}

static void tokens_print(const struct encoder *e, FILE *to, struct linux_kallsyms *t)
{
	uint16_t index[TOKENS];

	t->token_table = table_begin(to);
	for (unsigned token = 0; token < TOKENS; token++) {
		index[token] = (uint16_t)(ftell(to) - t->token_table);
		fwrite(e->token[token], strlen(e->token[token]) + 1, 1, to);
	}
	t->token_index = table_begin(to);
	for (unsigned token = 0; token < TOKENS; token++)
		put(to, index[token], 2);
}

/* False when memory is short. */
static bool kallsyms_print(struct encoder *e, FILE *to, struct linux_kallsyms *t,
			   unsigned word)
{
	t->offsets = table_begin(to);
	offsets_print(e, to, word);
	t->base = table_begin(to);
	put(to, e->names[0].symbol->va, word);
	t->num = table_begin(to);
	put(to, e->n, 4);
	t->names = table_begin(to);
	if (!names_print(e, to, word))
		return false;
	aligned(to, word);
	order_print(e, to);
	tokens_print(e, to, t);
	return true;
}

/* ---- kallsyms in the image -------------------------------------------------------- */

static int by_address(const void *left, const void *right)
{
	const struct symbol *a = ((const struct coded *)left)->symbol;
	const struct symbol *b = ((const struct coded *)right)->symbol;

	if (a->va != b->va)
		return a->va < b->va ? -1 : 1;
	return (a > b) - (a < b);
}

static bool encoder_fill(struct encoder *e, const struct kernel *kernel)
{
	e->names = calloc(kernel->nsymbols + 1, sizeof(*e->names));
	if (!e->names)
		return false;
	for (size_t i = 0; i < kernel->nsymbols; i++)
		if (!kernel->symbols[i].module)
			e->names[e->n++].symbol = &kernel->symbols[i];
	qsort(e->names, e->n, sizeof(*e->names), by_address);
	for (size_t i = 0; i < e->n; i++)
		e->names[i].order = (uint32_t)i;
	spell(e);
	compress(e);
	return e->n;
}

uint64_t linux_kallsyms_create(struct kernel *kernel, struct linux_kallsyms *t)
{
	struct encoder *e = host_allocate(kernel, sizeof(*e));
	struct ws_text text;
	size_t size = 0;
	FILE *to = ws_text_open(&text);
	bool printed = e && to && encoder_fill(e, kernel) &&
		       kallsyms_print(e, to, t, kernel->layout.word);
	char *bytes = to ? ws_text_close(&text, &size) : NULL;
	uint64_t va = 0;

	kernel->host_is_short |= !bytes || !printed;
	if (bytes && printed)
		va = image_take(kernel, size, PAGE);
	if (va)
		va_write(kernel, va, bytes, size);
	free(bytes);
	if (e)
		free(e->names);
	free(e);
	return va;
}
