/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kallsyms, as scripts/kallsyms.c of Linux 6.1.192 writes it, and VMCOREINFO, as
 * crash_save_vmcoreinfo_init() of kernel/crash_core.c and arch_crash_save_vmcoreinfo() of
 * arch/x86/kernel/crash_core_{32,64}.c do: those of its lines that tell of something the
 * model has.
 */
#include "machine/kernel/linux.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RELEASE "6.1.192-model"

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

/* Offsets into what kallsyms_print() has written. */
struct tables {
	long offsets, base, num, names, token_table, token_index;
};

static void put(FILE *to, uint64_t value, unsigned size)
{
	while (size--) {
		fputc((int)(value & 0xff), to);
		value >>= 8;
	}
}

static long aligned(FILE *to, unsigned align)
{
	while (ftell(to) % align)
		fputc(0, to);
	return ftell(to);
}

/*
 * Where the next table begins. Linux aligns it to a word; with a page of its own, what
 * VMCOREINFO tells is the same for strategies whose kernels differ by a symbol, and two
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
static void names_print(const struct encoder *e, FILE *to, unsigned word)
{
	uint32_t *markers = calloc(e->n / 256 + 1, sizeof(*markers));
	long start = ftell(to);

	for (size_t i = 0; i < e->n; i++) {
		if (i % 256 == 0 && markers)
			markers[i / 256] = (uint32_t)(ftell(to) - start);
		put(to, e->names[i].len, 1);
		fwrite(e->names[i].code, e->names[i].len, 1, to);
	}
	aligned(to, word);
	for (size_t i = 0; i < e->n; i += 256)
		put(to, markers ? markers[i / 256] : 0, 4);
	free(markers);
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

static void tokens_print(const struct encoder *e, FILE *to, struct tables *t)
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

static void kallsyms_print(struct encoder *e, FILE *to, struct tables *t, unsigned word)
{
	t->offsets = table_begin(to);
	offsets_print(e, to, word);
	t->base = table_begin(to);
	put(to, e->names[0].symbol->va, word);
	t->num = table_begin(to);
	put(to, e->n, 4);
	t->names = table_begin(to);
	names_print(e, to, word);
	aligned(to, word);
	order_print(e, to);
	tokens_print(e, to, t);
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

/* va of the tables, which begin where t says; 0: no memory. */
static uint64_t kallsyms_create(struct kernel *kernel, struct tables *t)
{
	struct encoder *e = calloc(1, sizeof(*e));
	char *bytes = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&bytes, &size);
	uint64_t va = 0;

	if (e && to && encoder_fill(e, kernel))
		kallsyms_print(e, to, t, kernel->layout.word);
	if (to && fclose(to) == 0 && size)
		va = image_take(kernel, size, PAGE);
	if (va)
		va_write(kernel, va, bytes, size);
	free(bytes);
	if (e)
		free(e->names);
	free(e);
	return va;
}

/* ---- VMCOREINFO ------------------------------------------------------------------- */

static void print_symbol(FILE *to, const char *name, uint64_t va)
{
	fprintf(to, "SYMBOL(%s)=%" PRIx64 "\n", name, va);
}

static void print_size(const struct kernel *kernel, FILE *to, enum linux_struct row)
{
	fprintf(to, "SIZE(%s)=%" PRIu64 "\n", linux_structs[row].name,
		linux_size(kernel, row));
}

static void print_offset(const struct kernel *kernel, FILE *to, enum linux_field field)
{
	fprintf(to, "OFFSET(%s)=%" PRIu64 "\n", linux_fields[field].name,
		linux_offset(kernel, field));
}

static void print_memory(const struct kernel *kernel, FILE *to)
{
	const struct linux_books *books = kernel->books;

	if (books->mem_map_pointer) {
		print_symbol(to, "mem_map", books->mem_map_pointer);
		return;
	}
	print_symbol(to, "mem_section", books->mem_section);
	fputs("LENGTH(mem_section)=2048\n", to);
	print_size(kernel, to, MEM_SECTION);
	print_offset(kernel, to, SECTION_MEM_MAP);
	fputs("NUMBER(SECTION_SIZE_BITS)=27\nNUMBER(MAX_PHYSMEM_BITS)=46\n", to);
}

static void print_types(const struct kernel *kernel, FILE *to)
{
	static const uint8_t fields[] = { PAGE_FLAGS,         PAGE_REFCOUNT,
					  PAGE_MAPPING,       PAGE_LRU,
					  PAGE_MAPCOUNT,      PAGE_PRIVATE,
					  PAGE_COMPOUND_DTOR, PAGE_COMPOUND_ORDER,
					  PAGE_COMPOUND_HEAD, LIST_NEXT,
					  LIST_PREV };

	print_size(kernel, to, PAGE_STRUCT);
	print_size(kernel, to, LIST_HEAD);
	for (unsigned i = 0; i < sizeof(fields); i++)
		print_offset(kernel, to, fields[i]);
	fputs("NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n"
	      "NUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_head_mask)=65536\n"
	      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n",
	      to);
}

static void print_kallsyms(FILE *to, uint64_t va, const struct tables *t)
{
	print_symbol(to, "kallsyms_names", va + t->names);
	print_symbol(to, "kallsyms_num_syms", va + t->num);
	print_symbol(to, "kallsyms_token_table", va + t->token_table);
	print_symbol(to, "kallsyms_token_index", va + t->token_index);
	print_symbol(to, "kallsyms_offsets", va + t->offsets);
	print_symbol(to, "kallsyms_relative_base", va + t->base);
}

static void print_arch(const struct kernel *kernel, FILE *to, uint64_t swapper)
{
	const struct layout *l = &kernel->layout;

	if (kernel->options.format == KERNEL_I386_PAE)
		fputs("CONFIG_X86_PAE=y\n", to);
	if (l->word == 4)
		return;
	/* phys_base is where the image would be said to lie, at __START_KERNEL_map */
	fprintf(to, "NUMBER(phys_base)=%" PRId64 "\n",
		(int64_t)(l->image_pa - (l->image - UINT64_C(0xffffffff80000000))));
	print_symbol(to, "init_top_pgt", swapper);
	fputs("NUMBER(pgtable_l5_enabled)=0\nKERNELOFFSET=0\n"
	      "NUMBER(KERNEL_IMAGE_SIZE)=536870912\nNUMBER(sme_mask)=0\n",
	      to);
}

static void vmcoreinfo_print(const struct kernel *kernel, FILE *to, uint64_t uts,
			     uint64_t kallsyms, const struct tables *t)
{
	const struct layout *l = &kernel->layout;
	uint64_t swapper = l->image + (kernel->swapper - l->image_pa);

	fprintf(to, "OSRELEASE=%s\nPAGESIZE=%u\n", RELEASE, PAGE);
	print_symbol(to, "init_uts_ns", uts);
	print_offset(kernel, to, UTS_NAME);
	print_symbol(to, "swapper_pg_dir", swapper);
	print_symbol(to, "_stext", l->image);
	print_memory(kernel, to);
	print_types(kernel, to);
	print_kallsyms(to, kallsyms, t);
	print_arch(kernel, to, swapper);
}

/* struct new_utsname: six names of 65 bytes. */
static uint64_t uts_create(struct kernel *kernel)
{
	const char *names[] = { "Linux", "model", RELEASE, "#1 SMP",
				kernel->layout.word == 8 ? "x86_64" : "i686" };
	uint64_t va =
		linux_variable(kernel, "init_uts_ns", linux_size(kernel, UTS_NAMESPACE));

	for (unsigned i = 0; va && i < sizeof(names) / sizeof(names[0]); i++)
		va_write(kernel, va + i * UINT64_C(65), names[i], strlen(names[i]) + 1);
	return va;
}

bool linux_symbols_create(struct kernel *kernel)
{
	uint64_t uts = uts_create(kernel), kallsyms;
	char text[PAGE] = "";
	struct tables t;
	FILE *to;

	kallsyms = uts ? kallsyms_create(kernel, &t) : 0;
	kernel->books->vmcoreinfo = pages_take(kernel, 1, PAGE_KERNEL);
	to = fmemopen(text, sizeof(text), "w");
	if (!kallsyms || !kernel->books->vmcoreinfo || !to) {
		if (to)
			fclose(to);
		return false;
	}
	vmcoreinfo_print(kernel, to, uts, kallsyms, &t);
	if (fclose(to) != 0)
		return false;
	machine_memory_write(kernel->memory, kernel->books->vmcoreinfo, text,
			     sizeof(text));
	return true;
}
