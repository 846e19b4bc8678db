/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/special.h"

#include <stdio.h>

#include "linux/roots.h"
#include "linux/symtab.h"
#include "linux/tasks.h"

static const struct ws_special_root *rows_of(const struct ws_system *system)
{
	static const struct ws_special_root none = { .name = NULL };
	const struct ws_special_root *rows = ws_on_linux(system)->specials;

	return rows ? rows : &none;
}

static bool is_of_kernel(const struct ws_system *system,
			 const struct ws_special_root *row)
{
	return !row->word || row->word == system->layout.word;
}

static bool fits(struct ws_system *system, const struct ws_special_root *row,
		 uint64_t root)
{
	return !row->is_it || row->is_it(system, root);
}

/* ---- by place --------------------------------------------------------------------- */

static bool has_place(const struct ws_special_root *row)
{
	return row->low || row->beside || (row->is_it && !row->symbol[0]);
}

static bool lies_there(const struct ws_system *system, const struct ws_special_root *row,
		       uint64_t root)
{
	if (row->low)
		return root < ws_linux_row(system)->low_roots_end;
	if (row->beside)
		return system->init_known &&
		       root == system->init_root + (uint64_t)row->beside;
	return ws_in_image(system, root + system->layout.image_delta);
}

const struct ws_special_root *ws_special_by_place(struct ws_system *system, uint64_t root)
{
	if (system->init_known && root == system->init_root)
		return NULL;
	for (const struct ws_special_root *row = rows_of(system); row->name; row++)
		if (is_of_kernel(system, row) && has_place(row) &&
		    lies_there(system, row, root) &&
		    (row->low || fits(system, row, root)))
			return row;
	return NULL;
}

/* The places to look at, from the first one on. */
static void find_places(const struct ws_system *system, const struct ws_special_root *row,
			uint64_t *first, uint64_t *end)
{
	*first = row->low ? 0 : system->init_root + (uint64_t)row->beside;
	*end = row->low ? ws_linux_row(system)->low_roots_end : *first + WS_FRAME_SIZE;
}

static enum ws_status add_root(struct ws_system *system,
			       const struct ws_special_root *row)
{
	uint64_t root, end;

	for (find_places(system, row, &root, &end); root < end; root += WS_FRAME_SIZE) {
		uint8_t *recorder = ws_search_begin(system);
		bool is_it = ws_root_find(system, root) == SIZE_MAX &&
			     row->is_it(system, root);

		ws_search_end(system, recorder);
		if (is_it)
			return ws_root_add(system, root);
	}
	return WS_OK;
}

enum ws_status ws_special_add_roots(struct ws_system *system)
{
	enum ws_status status = WS_OK;

	if (!system->init_known)
		return WS_OK;
	for (const struct ws_special_root *row = rows_of(system);
	     row->name && status == WS_OK; row++)
		if ((row->beside || row->low) && row->is_it && is_of_kernel(system, row))
			status = add_root(system, row);
	return status;
}

/* ---- by symbol -------------------------------------------------------------------- */

static bool is_symbol(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_lookup(system, name, &symbol) != WS_OK || symbol.module) {
		ws_error_clear(system->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

static bool find_symbol(struct ws_system *system, const struct ws_special_root *row,
			uint64_t *va)
{
	for (unsigned i = 0; i < WS_SPECIAL_SYMBOLS && row->symbol[i]; i++)
		if (is_symbol(system, row->symbol[i], va))
			return true;
	return false;
}

/* Where the table lies of which the symbol is a pointer, an mm_struct, or the like. */
static enum ws_evidence follow(struct ws_system *system,
			       const struct ws_special_root *row, uint64_t va,
			       uint64_t *root)
{
	enum ws_evidence evidence = WS_READ;

	if (row->by == WS_SPECIAL_TABLE)
		return ws_kernel_translate(system, va, root);
	if (row->by == WS_SPECIAL_MM_AT)
		evidence = ws_kernel_word(system, va, &va);
	if (evidence != WS_READ || !va)
		return evidence == WS_READ ? WS_NOT_MAPPED : evidence;
	if (row->by == WS_SPECIAL_MM || row->by == WS_SPECIAL_MM_AT) {
		if (system->fields.mm_pgd == WS_NO_FIELD)
			return WS_ABSENT;
		va += (uint64_t)system->fields.mm_pgd;
	}
	evidence = ws_kernel_word(system, va, root);
	if (evidence != WS_READ || row->by == WS_SPECIAL_TABLE_PA)
		return evidence == WS_READ && !*root ? WS_NOT_MAPPED : evidence;
	return *root && ws_pa_of_pgd(system, *root, root) ? WS_READ : WS_NOT_MAPPED;
}

static uint32_t space_of(const struct ws_system *system, uint64_t root)
{
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root &&
		    system->spaces.v[i].kind != WS_SPACE_INIT)
			return i;
	return WS_NO_SPACE;
}

/* What is its own word for it has the row's name, whatever it was taken for before. */
static enum ws_status add(struct ws_system *system, const struct ws_special_root *row,
			  uint64_t root, uint32_t index)
{
	struct ws_special_found *found;
	struct ws_space *space = index == WS_NO_SPACE ? NULL : &system->spaces.v[index];

	if ((system->init_known && root == system->init_root) ||
	    (space && space->kind != WS_SPACE_LONE && space->kind != WS_SPACE_UNOWNED))
		return WS_OK;
	found = ws_vec_push(&system->specials);
	if (!found)
		return ws_fail_memory(system->ctx);
	*found = (struct ws_special_found){ row, root, index, true, system->paging };
	if (row->format)
		found->paging.format = row->format(system, root);
	if (space)
		snprintf(space->comm, sizeof(space->comm), "%s", row->name);
	return WS_OK;
}

static enum ws_status add_unknown(struct ws_system *system,
				  const struct ws_special_root *row)
{
	struct ws_special_found *found = ws_vec_push(&system->specials);

	if (!found)
		return ws_fail_memory(system->ctx);
	*found = (struct ws_special_found){ row, 0, WS_NO_SPACE, false, system->paging };
	return WS_OK;
}

static enum ws_status find_by_symbol(struct ws_system *system,
				     const struct ws_special_root *row, uint64_t va)
{
	uint64_t root;
	enum ws_evidence evidence = follow(system, row, va, &root);

	if (evidence == WS_NOT_MAPPED)
		return WS_OK; /* there is none */
	return evidence == WS_READ ? add(system, row, root, space_of(system, root))
				   : add_unknown(system, row);
}

/* By what the architecture does for it. */
static enum ws_status find_by_hook(struct ws_system *system,
				   const struct ws_special_root *row)
{
	uint64_t root;
	enum ws_evidence evidence = row->find(system, &root);

	if (evidence == WS_NOT_MAPPED)
		return WS_OK;
	return evidence == WS_READ ? add(system, row, root, space_of(system, root))
				   : add_unknown(system, row);
}

static enum ws_status find_by_place(struct ws_system *system)
{
	enum ws_status status = WS_OK;

	for (uint32_t i = 0; i < system->spaces.n && status == WS_OK; i++) {
		const struct ws_space *space = &system->spaces.v[i];
		const struct ws_special_root *row = NULL;

		/* who has memory of user mode there is a process, wherever its root lies */
		if (space->kind == WS_SPACE_LONE ||
		    (space->kind == WS_SPACE_UNOWNED && !space->user_mode))
			row = ws_special_by_place(system, space->root);
		if (row)
			status = add(system, row, space->root, i);
	}
	return status;
}

static bool is_found(const struct ws_system *system, const struct ws_special_root *row)
{
	ws_vec_each(&system->specials, found)
		if (found->row == row)
			return true;
	return false;
}

/* What no place says, symbols may; and that there has to be one. */
static enum ws_status look_further(struct ws_system *system,
				   const struct ws_special_root *row)
{
	uint64_t va;

	if (row->find)
		return find_by_hook(system, row);
	if (find_symbol(system, row, &va))
		return find_by_symbol(system, row, va);
	return row->has && is_symbol(system, row->has, &va) ? add_unknown(system, row)
							    : WS_OK;
}

enum ws_status ws_specials_find(struct ws_system *system)
{
	enum ws_status status = WS_OK;

	if (system->specials_done || system->layout.tables_only)
		return WS_OK;
	status = find_by_place(system);
	for (const struct ws_special_root *row = rows_of(system);
	     row->name && status == WS_OK; row++)
		if (is_of_kernel(system, row) && !is_found(system, row))
			status = look_further(system, row);
	system->specials_done = status == WS_OK;
	return status;
}

enum ws_status ws_system_name_spaces(struct ws_system *system)
{
	return ws_target_looked(system->target, ws_specials_find(system));
}

const struct ws_special_found *ws_special_of(const struct ws_system *system,
					     uint32_t space)
{
	ws_vec_each(&system->specials, found)
		if (found->space == space)
			return found;
	return NULL;
}
