/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table of symbols, whatever they come from: filled by the sources, then sealed, then
 * asked.
 */
#ifndef WS_LINUX_SYMTAB_H
#define WS_LINUX_SYMTAB_H

#include "context.h"
#include "util/vec.h"
#include "whosees.h"

/* The kernel's own limit (KSYM_NAME_LEN since b8a94bfb3395, 6.1; 128 before). */
#define WS_SYMBOL_NAME_MAX 512

#define WS_KERNEL_SYMBOL (-1) /* a symbol's module when it is of the kernel image */

/* Where a symbol is from; these are searched, and named in messages, in this order. */
enum ws_symbol_source {
	WS_FROM_KALLSYMS,
	WS_FROM_MODULES,
	WS_FROM_SYSTEM_MAP,
	WS_FROM_VMLINUX,
	WS_SYMBOL_SOURCES
};

struct ws_symtab_entry {
	uint64_t va;
	uint32_t name;   /* offset in names */
	int16_t module;  /* index into the system's modules, or WS_KERNEL_SYMBOL */
	char type;       /* as nm prints it; 0 where unknown */
	bool noted;      /* its name's ambiguity has been noted */
	bool gap_behind; /* between it and the next one may be others, whose places are
			    not known */
};

struct ws_symbol_count {
	size_t functions, data;
};

/*
 * Owned by its creator. Invariant, once sealed: entries are sorted by va, those of one
 * va in the order they were added in; head[hash of name] and next[] chain entries whose
 * names share a bucket, by va. Entries added later are found after the next seal.
 */
struct ws_symtab {
	struct ws_context *ctx;
	WS_VEC(struct ws_symtab_entry) entries;
	char *names;
	size_t names_len, names_cap;
	uint32_t *head, *next;
	uint32_t mask;
	struct ws_symbol_count count[WS_SYMBOL_SOURCES];
	bool partial; /* of kallsyms only a first part could be decoded */
};

/* NULL only when memory is short. */
struct ws_symtab *ws_symtab_create(struct ws_context *ctx);
void ws_symtab_destroy(struct ws_symtab *symtab);

/*
 * One more symbol; name[0..len) is copied. WS_ERR_LIMIT where no real kernel has so
 * many.
 */
enum ws_status ws_symtab_add(struct ws_symtab *symtab, enum ws_symbol_source source,
			     const struct ws_symtab_entry *symbol, const char *name,
			     size_t len) WS_MUST_CHECK;
/* Drops what source has added since the table had n entries; before it is sealed. */
void ws_symtab_cut(struct ws_symtab *symtab, size_t n, enum ws_symbol_source source);
enum ws_status ws_symtab_seal(struct ws_symtab *symtab) WS_MUST_CHECK;

#define WS_NO_ENTRY UINT32_MAX

/* The first entry of that name, by va, and those after it; WS_NO_ENTRY past the last. */
uint32_t ws_symtab_first(const struct ws_symtab *symtab, const char *name, size_t len);
uint32_t ws_symtab_next(const struct ws_symtab *symtab, uint32_t entry);

/* The number of entries whose va is not above va. */
size_t ws_symtab_not_above(const struct ws_symtab *symtab, uint64_t va);

static inline const char *ws_symtab_name(const struct ws_symtab *symtab, size_t entry)
{
	return symtab->names + symtab->entries.v[entry].name;
}

/* Visible ASCII: what is printed of a dump must not be able to talk to a terminal. */
static inline bool ws_symbol_char_valid(char c)
{
	return c > ' ' && c < 0x7f;
}

static inline bool ws_symbol_name_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!ws_symbol_char_valid(name[i]))
			return false;
	return len && len <= WS_SYMBOL_NAME_MAX;
}

/* nm's letters for code. */
static inline bool ws_symbol_is_function(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/*
 * How many of the kernel's own functions are known, if all of them are: then one that is
 * not among them does not exist. 0: not all.
 */
size_t ws_functions_known(const struct ws_system *system);

/* The sources of a table; none of them fails for memory that has no such symbols. */

/* The kernel's own kallsyms tables. */
enum ws_status ws_kallsyms_load(struct ws_system *system,
				struct ws_symtab *symtab) WS_MUST_CHECK;
/* What each loaded module keeps (struct mod_kallsyms). */
enum ws_status ws_module_symbols_load(struct ws_system *system,
				      struct ws_symtab *symtab) WS_MUST_CHECK;
/*
 * A System.map, a copy of /proc/kallsyms, or an ELF kernel's symbol table, at the
 * addresses it was linked for. WS_ERR_UNREADABLE, WS_ERR_MALFORMED: not such a file.
 */
typedef enum ws_status ws_map_read_fn(const char *path, struct ws_symtab *map);
ws_map_read_fn ws_system_map_read, ws_vmlinux_read;

/* Reads such a file into a map of its own, sealed. To be destroyed. */
enum ws_status ws_map_load(struct ws_context *ctx, const char *path, ws_map_read_fn *read,
			   struct ws_symtab **map) WS_MUST_CHECK;

/*
 * Moves a sealed map by the shift that the running kernel has against it, and adds what
 * the (sealed) symtab lacks. WS_ERR_MALFORMED: the map is not of this kernel.
 */
enum ws_status ws_map_merge(struct ws_system *system, struct ws_symtab *symtab,
			    const struct ws_symtab *map, enum ws_symbol_source source,
			    const char *path) WS_MUST_CHECK;

/*
 * ws_symbol_find() for the library's own questions: of a name that is not there nothing is
 * suggested, which would compare it with every name that there is.
 */
enum ws_status ws_symbol_lookup(struct ws_system *system, const char *name,
				struct ws_symbol *symbol) WS_MUST_CHECK;

#endif
