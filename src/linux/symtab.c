/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/count.h"
#include "util/sorted.h"

/* Far above any kernel (400 thousand symbols, 10 MB of names), far below all memory. */
#define ENTRIES_MAX (UINT32_C(1) << 21)
#define NAMES_MAX (UINT32_C(1) << 26)

struct ws_symtab *ws_symtab_create(struct ws_context *ctx)
{
	struct ws_symtab *symtab = calloc(1, sizeof(*symtab));

	if (symtab)
		symtab->ctx = ctx;
	return symtab;
}

void ws_symtab_destroy(struct ws_symtab *symtab)
{
	if (!symtab)
		return;
	ws_vec_release(&symtab->entries);
	free(symtab->names);
	free(symtab->head);
	free(symtab->next);
	free(symtab);
}

static bool names_reserve(struct ws_symtab *symtab, size_t more)
{
	size_t cap = symtab->names_cap ? symtab->names_cap : 1 << 16;
	char *grown;

	while (cap < symtab->names_len + more)
		cap *= 2;
	if (cap == symtab->names_cap)
		return true;
	grown = realloc(symtab->names, cap);
	if (!grown)
		return false;
	symtab->names = grown;
	symtab->names_cap = cap;
	return true;
}

static size_t *count_of(struct ws_symtab *symtab, enum ws_symbol_source source, char type)
{
	struct ws_symbol_count *count = &symtab->count[source];

	return ws_symbol_is_function(type) ? &count->functions : &count->data;
}

enum ws_status ws_symtab_add(struct ws_symtab *symtab, enum ws_symbol_source source,
			     const struct ws_symtab_entry *symbol, const char *name,
			     size_t len)
{
	struct ws_symtab_entry *entry;

	if (symtab->entries.n >= ENTRIES_MAX || len > WS_SYMBOL_NAME_MAX ||
	    symtab->names_len + len >= NAMES_MAX)
		return ws_fail(symtab->ctx, WS_ERR_LIMIT,
			       "%s, %s of names: more than a kernel has",
			       WS_COUNT_OF(symtab->entries.n, "symbol"),
			       WS_COUNT_OF(symtab->names_len, "byte"));
	if (!names_reserve(symtab, len + 1) || !(entry = ws_vec_push(&symtab->entries)))
		return ws_fail_memory(symtab->ctx);
	*entry = *symbol;
	entry->name = (uint32_t)symtab->names_len;
	memcpy(symtab->names + symtab->names_len, name, len);
	symtab->names_len += len;
	symtab->names[symtab->names_len++] = '\0';
	++*count_of(symtab, source, symbol->type);
	return WS_OK;
}

void ws_symtab_cut(struct ws_symtab *symtab, size_t n, enum ws_symbol_source source)
{
	if (n < symtab->entries.n)
		symtab->names_len = symtab->entries.v[n].name;
	while (symtab->entries.n > n)
		--*count_of(symtab, source, symtab->entries.v[--symtab->entries.n].type);
}

/* Names lie in the order of taking, which decides between those of one va. */
static int entry_order(const void *left, const void *right)
{
	const struct ws_symtab_entry *a = left, *b = right;

	if (a->va != b->va)
		return a->va < b->va ? -1 : 1;
	return a->name < b->name ? -1 : 1;
}

/* v[0..first) and tail[0..n), each sorted, into v, which has room for both. */
static void merge(struct ws_symtab_entry *v, size_t first,
		  const struct ws_symtab_entry *tail, size_t n)
{
	while (n) {
		bool from_tail = !first || entry_order(&v[first - 1], &tail[n - 1]) < 0;

		v[first + n - 1] = from_tail ? tail[n - 1] : v[first - 1];
		n -= from_tail;
		first -= !from_tail;
	}
}

/* kallsyms comes sorted, of 100,000 and more; modules, of some thousands, follow. */
static void entries_sort(struct ws_symtab *symtab)
{
	struct ws_symtab_entry *v = symtab->entries.v;
	ws_autofree struct ws_symtab_entry *tail = NULL;
	size_t first = 1, n = symtab->entries.n;

	while (first < n && entry_order(&v[first - 1], &v[first]) < 0)
		first++;
	if (first >= n)
		return;
	tail = reallocarray(NULL, n - first, sizeof(*tail));
	if (!tail) {
		qsort(v, n, sizeof(*v), entry_order);
		return;
	}
	qsort(v + first, n - first, sizeof(*v), entry_order);
	memcpy(tail, v + first, (n - first) * sizeof(*tail));
	merge(v, first, tail, n - first);
}

/* FNV-1a. */
static uint32_t name_hash(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash ^ hash >> 15;
}

/*
 * A chained table of indices: eight bytes a symbol, and entries may still move. A
 * uthash handle in each entry would weigh 56, four times the entry itself.
 */
enum ws_status ws_symtab_seal(struct ws_symtab *symtab)
{
	uint32_t size = 16, n = (uint32_t)symtab->entries.n;

	while (size < n)
		size *= 2;
	free(symtab->head);
	free(symtab->next);
	symtab->head = malloc(size * sizeof(*symtab->head));
	symtab->next = malloc((n + 1) * sizeof(*symtab->next));
	if (!symtab->head || !symtab->next)
		return ws_fail_memory(symtab->ctx);
	memset(symtab->head, 0xff, size * sizeof(*symtab->head));
	symtab->mask = size - 1;
	entries_sort(symtab);
	while (n--) {
		const char *name = ws_symtab_name(symtab, n);
		uint32_t *head =
			&symtab->head[name_hash(name, strlen(name)) & symtab->mask];

		symtab->next[n] = *head;
		*head = n;
	}
	return WS_OK;
}

/* The next entry from `entry` on along its chain whose name is name[0..len). */
static uint32_t chain_find(const struct ws_symtab *symtab, uint32_t entry,
			   const char *name, size_t len)
{
	for (; entry != WS_NO_ENTRY; entry = symtab->next[entry]) {
		const char *has = ws_symtab_name(symtab, entry);

		if (!strncmp(has, name, len) && !has[len])
			return entry;
	}
	return WS_NO_ENTRY;
}

uint32_t ws_symtab_first(const struct ws_symtab *symtab, const char *name, size_t len)
{
	if (!symtab->head)
		return WS_NO_ENTRY;
	return chain_find(symtab, symtab->head[name_hash(name, len) & symtab->mask], name,
			  len);
}

uint32_t ws_symtab_next(const struct ws_symtab *symtab, uint32_t entry)
{
	const char *name = ws_symtab_name(symtab, entry);

	return chain_find(symtab, symtab->next[entry], name, strlen(name));
}

size_t ws_symtab_not_above(const struct ws_symtab *symtab, uint64_t va)
{
	return ws_lower_bound(symtab->entries.v, symtab->entries.n, at, at->va <= va);
}
