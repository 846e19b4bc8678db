/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System.map as nm writes it, or a copy of /proc/kallsyms: "address type name", a
 * symbol a line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/symtab.h"
#include "util/bom.h"
#include "util/cleanup.h"
#include "util/number.h"

/* An address, a letter, a name and a module's name: far longer than any line. */
#define LINE_MAX_LEN 1024

/* Splits a line; false where it is none of a map. module: whether it names one. */
static bool line_parse(char *line, struct ws_symtab_entry *symbol, const char **name,
		       bool *module)
{
	char *save, *address = strtok_r(line, " \t\r\n", &save);
	const char *type = strtok_r(NULL, " \t\r\n", &save), *owner;

	*name = strtok_r(NULL, " \t\r\n", &save);
	owner = strtok_r(NULL, " \t\r\n", &save);
	if (!*name || type[1] || !(isalpha((unsigned char)*type) || *type == '?'))
		return false;
	symbol->type = *type;
	*module = owner != NULL;
	return ws_number(address, WS_HEX, UINT64_MAX, &symbol->va) &&
	       ws_symbol_name_valid(*name, strlen(*name)) && (!owner || *owner == '[');
}

static enum ws_status refuse_line(struct ws_symtab *map, const char *path, size_t number,
				  const char *line)
{
	char shown[64];
	size_t n = 0;

	for (; n + 1 < sizeof(shown) && isprint((unsigned char)line[n]); n++)
		shown[n] = line[n];
	shown[n] = '\0';
	return ws_fail(map->ctx, WS_ERR_MALFORMED,
		       "%s: line %zu is not \"address type name\": '%s%s'", path, number,
		       shown, line[n] && line[n] != '\n' ? "..." : "");
}

/* A module's symbols are left out: they moved, and memory has them itself. */
static enum ws_status lines_read(FILE *file, const char *path, struct ws_symtab *map)
{
	struct ws_symtab_entry symbol = { .module = WS_KERNEL_SYMBOL };
	char line[LINE_MAX_LEN], words[LINE_MAX_LEN];
	enum ws_status status = WS_OK;
	const char *name;
	bool module;
	size_t bom;

	for (size_t number = 1; !status && fgets(line, sizeof(line), file); number++) {
		if (line[strspn(line, " \t\r\n")] == '\0' && strchr(line, '\n'))
			continue;
		bom = number == 1 ? ws_bom(line, strlen(line)) : 0;
		memcpy(words, line + bom, sizeof(line) - bom);
		if (!line_parse(words, &symbol, &name, &module))
			return refuse_line(map, path, number, line);
		if (!module)
			status = ws_symtab_add(map, WS_FROM_SYSTEM_MAP, &symbol, name,
					       strlen(name));
	}
	return status;
}

static bool all_zero(const struct ws_symtab *map)
{
	ws_vec_each(&map->entries, entry)
		if (entry->va)
			return false;
	return true;
}

enum ws_status ws_system_map_read(const char *path, struct ws_symtab *map)
{
	ws_autofclose FILE *file = fopen(path, "re");
	enum ws_status status;

	if (!file)
		return ws_fail(map->ctx, WS_ERR_UNREADABLE, "%s: %s", path,
			       strerror(errno));
	status = lines_read(file, path, map);
	if (status)
		return status;
	if (ferror(file))
		return ws_fail(map->ctx, WS_ERR_UNREADABLE, "%s: %s", path,
			       strerror(errno));
	if (!map->entries.n)
		return ws_fail(map->ctx, WS_ERR_MALFORMED, "%s: names no symbol", path);
	if (all_zero(map))
		return ws_fail(map->ctx, WS_ERR_MALFORMED,
			       "%s: every address is 0: was /proc/kallsyms copied by "
			       "somebody who may not see addresses?",
			       path);
	return WS_OK;
}
