/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loaded modules: a list through struct module, whose head ("modules") lies in the
 * kernel image and whose members lie in the memory of the modules themselves:
 *
 *	struct module { enum module_state state; struct list_head list;
 *			char name[64 - sizeof(long)]; ...
 *
 * That beginning has stood since 2.6 (include/linux/module.h). What follows differs
 * with version and configuration, so where the regions lie is found by evidence
 * (module_regions.c).
 */
#include "linux/modules.h"

#include <stdlib.h>
#include <inttypes.h>
#include <string.h>

#include "linux/members.h"
#include "linux/symtab.h"
#include "util/bits.h"

/* Distributions load a few hundred; a longer list is a broken one. */
#define MODULES_MAX 8192
/* Nodes looked at in all: a hostile dump may hold many lists that lead nowhere. */
#define STEPS_MAX 1000000

struct modlist {
	struct ws_system *system;
	unsigned word;
	unsigned name_size;
	unsigned steps;
	WS_VEC(uint64_t) loose; /* va of each struct that looks like a module's */
	WS_VEC(uint64_t) list;  /* the list that closes, from where it was met */
	size_t head;            /* the one in it that is the head in the image */
	bool closed, short_of_memory;
};

/* ---- one struct module ------------------------------------------------------------ */

static bool name_valid(const uint8_t *name, size_t size)
{
	size_t len = strnlen((const char *)name, size);

	for (size_t i = 0; i < size; i++)
		if (i < len ? !ws_symbol_char_valid((char)name[i]) : name[i])
			return false;
	return len > 0 && len < size;
}

static bool read_name(const struct modlist *modlist, uint64_t module, char name[64])
{
	memset(name, 0, 64);
	return ws_system_read(modlist->system, module + 3 * modlist->word, name,
			      modlist->name_size) == WS_READ &&
	       name_valid((const uint8_t *)name, modlist->name_size);
}

static uint64_t node_of(const struct modlist *modlist, uint64_t module)
{
	return module + modlist->word;
}

static bool is_module(const struct modlist *modlist, uint64_t node)
{
	uint64_t module = node - modlist->word;
	uint32_t state;
	char name[64];

	return ws_kernel_u32(modlist->system, module, &state) == WS_READ &&
	       state <= WS_MODULE_UNFORMED && read_name(modlist, module, name);
}

/* next and prev of a node are kernel addresses, and at least one leads back here. */
static bool is_linked(const struct modlist *modlist, uint64_t node)
{
	struct ws_system *system = modlist->system;
	uint64_t next, prev, back;

	return ws_kernel_word(system, node, &next) == WS_READ &&
	       ws_kernel_word(system, node + modlist->word, &prev) == WS_READ &&
	       next != node &&
	       ((ws_kernel_word(system, next + modlist->word, &back) == WS_READ &&
		 back == node) ||
		(ws_kernel_word(system, prev, &back) == WS_READ && back == node));
}

/* ---- the list --------------------------------------------------------------------- */

/* The head lies in the image; where that is not known, it is what is no module. */
static bool is_head(const struct modlist *modlist, uint64_t node)
{
	return modlist->system->layout.image_last ? ws_in_image(modlist->system, node)
						  : !is_module(modlist, node);
}

/*
 * Follows the list from one of its modules, round to it again: true if it closes, by
 * way of one head, and leads both ways.
 */
static bool list_walk(struct modlist *modlist, uint64_t first)
{
	struct ws_system *system = modlist->system;
	uint64_t node = first, next, back, *v;

	modlist->list.n = 0;
	modlist->head = SIZE_MAX;
	do {
		if (!modlist->steps || modlist->list.n > MODULES_MAX)
			return false;
		modlist->steps--;
		if (is_head(modlist, node)) {
			if (modlist->head != SIZE_MAX)
				return false;
			modlist->head = modlist->list.n;
		} else if (!is_module(modlist, node)) {
			return false;
		}
		v = ws_vec_push(&modlist->list);
		if (!v) {
			modlist->short_of_memory = true;
			return false;
		}
		*v = node - modlist->word;
		if (ws_kernel_word(system, node, &next) != WS_READ ||
		    ws_kernel_word(system, next + modlist->word, &back) != WS_READ ||
		    back != node)
			return false;
		node = next;
	} while (node != first);
	return modlist->head != SIZE_MAX;
}

/* ---- the search ------------------------------------------------------------------- */

/* Looks at state, links and the name's first letter only: most memory fails here. */
static bool might_be_module(const struct modlist *modlist, const uint8_t *at)
{
	const struct ws_system *system = modlist->system;
	unsigned word = modlist->word;
	uint64_t next, prev;

	if (ws_le32(at) > WS_MODULE_UNFORMED)
		return false;
	next = word == 8 ? ws_le64(at + 8) : ws_le32(at + 4);
	prev = word == 8 ? ws_le64(at + 16) : ws_le32(at + 8);
	return next && prev && !((next | prev) & (word - 1)) &&
	       ws_is_kernel_va(system, next) && ws_is_kernel_va(system, prev);
}

static bool search_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct modlist *modlist = arg;
	unsigned word = modlist->word;

	/* cache-line aligned, so links never lie astride two frames; a name may */
	for (unsigned at = 0; at + 3 * word <= WS_FRAME_SIZE; at += word) {
		uint64_t node = node_of(modlist, va + at), *v;

		if (!might_be_module(modlist, frame + at))
			continue;
		if (!modlist->steps)
			return false;
		modlist->steps--;
		if (!is_module(modlist, node) || !is_linked(modlist, node))
			continue;
		modlist->closed = list_walk(modlist, node);
		if (modlist->closed || modlist->loose.n == MODULES_MAX)
			return false;
		v = ws_vec_push(&modlist->loose);
		if (!v)
			modlist->short_of_memory = true;
		if (modlist->short_of_memory)
			return false;
		*v = va + at;
	}
	return true;
}

/*
 * Outside the image and the direct map; on x86-64, in the last 2 GiB: module code
 * reaches the kernel by 32-bit signed displacements.
 */
static enum ws_status list_search(struct modlist *modlist)
{
	struct ws_system *system = modlist->system;
	const struct ws_layout *layout = &system->layout;
	uint64_t first = modlist->word == 8 ? WS_KERNEL_MAP : layout->kernel_first;
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * modlist->word);
	uint64_t behind = layout->image_last ? layout->image_last + 1 : first;
	enum ws_status status;

	status = ws_search(system, behind, last, WS_SEARCH_NO_DIRECT_MAP, search_frame,
			   modlist);
	if (!status && !modlist->closed && layout->image_last)
		status = ws_search(system, first, layout->image_first - 1,
				   WS_SEARCH_NO_DIRECT_MAP, search_frame, modlist);
	if (modlist->short_of_memory)
		return ws_fail_memory(system->ctx);
	if (!modlist->steps)
		ws_note(system, "the search for modules was cut short: memory is full of "
				"what looks like lists of them");
	return status;
}

/* ---- the modules ------------------------------------------------------------------ */

static enum ws_status modules_add(struct modlist *modlist, const uint64_t *va, size_t n)
{
	struct ws_system *system = modlist->system;

	for (size_t i = 0; i < n; i++) {
		struct ws_module *module = ws_vec_push(&system->modules);

		if (!module)
			return ws_fail_memory(system->ctx);
		module->module = va[i];
		if (!read_name(modlist, va[i], module->name) ||
		    ws_kernel_u32(system, va[i], &module->state) != WS_READ)
			system->modules.n--;
	}
	return WS_OK;
}

static enum ws_status modules_find(struct modlist *modlist)
{
	struct ws_system *system = modlist->system;
	enum ws_status status = list_search(modlist);
	const uint64_t *v = modlist->list.v;

	if (status)
		return status;
	if (modlist->closed) {
		status = modules_add(modlist, v + modlist->head + 1,
				     modlist->list.n - modlist->head - 1);
		if (!status)
			status = modules_add(modlist, v, modlist->head);
	} else if (modlist->loose.n) {
		ws_note(system,
			"the list of modules is broken: the %zu that are told were "
			"found one by one, there may be others",
			modlist->loose.n);
		status = modules_add(modlist, modlist->loose.v, modlist->loose.n);
	}
	if (!status)
		status = ws_module_regions_find(system);
	return status ? status : ws_cross_check_modules(system);
}

/* ---- what may be missing ---------------------------------------------------------- */

struct unknown {
	struct ws_system *system;
	uint64_t bytes; /* of which the target lacks the page tables */
	uint64_t
		absent; /* mapped where modules or their list's head may lie, and not in it */
};

static bool sum_unknown(void *arg, const struct ws_run *run)
{
	struct unknown *unknown = arg;
	const uint64_t page = WS_FRAME_SIZE;

	if (!ws_end_is_known(run->end))
		unknown->bytes += run->last - run->va + 1;
	else
		for (uint64_t at = 0; at <= run->last - run->va; at += page)
			if ((run->va - run->pa != unknown->system->layout.page_offset ||
			     ws_in_image(unknown->system, run->va + at)) &&
			    !ws_target_piece(unknown->system->target, run->pa + at))
				unknown->absent += page;
	return true;
}

/*
 * Page tables that the target lacks, of where modules may lie: the first 2 GiB below the
 * top on x86-64, all that is no direct map on i386.
 */
static enum ws_status note_unknown(struct ws_system *system)
{
	const struct ws_layout *layout = &system->layout;
	uint64_t first = layout->word == 8 ? WS_KERNEL_MAP : layout->kernel_first;
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * layout->word);
	struct unknown unknown = { .system = system };
	enum ws_status status =
		ws_range(&system->paging, layout->reference, first, last,
			 WS_RANGE_UNKNOWN | WS_RANGE_PHYSICAL, 0, sum_unknown, &unknown);

	ws_vec_each(&system->modules, module)
		system->modules_partial |= !module->nregions;
	if (!system->modules.n && unknown.absent) {
		system->modules_partial = true;
		ws_note(system,
			"no module was found; %" PRIu64 " KiB of memory that modules or "
			"their list may lie in are not in the target",
			unknown.absent / 1024);
	}
	if (unknown.bytes) {
		system->modules_partial = true;
		ws_note(system,
			"the target lacks the page tables of %" PRIu64
			" KiB of kernel memory: modules that lie there are not known",
			unknown.bytes / 1024);
	}
	return status == WS_ERR_LIMIT ? WS_OK : status;
}

enum ws_status ws_system_modules(struct ws_system *system,
				 const struct ws_module **modules, size_t *n)
{
	struct modlist modlist = { .system = system,
				   .word = system->layout.word,
				   .name_size = 64 - system->layout.word,
				   .steps = STEPS_MAX };
	enum ws_status status = WS_OK;

	if (!system->modules_done) {
		system->modules.n = 0;
		status = modules_find(&modlist);
		if (!status)
			status = note_unknown(system);
		status = ws_target_looked(system->target, status);
		ws_vec_release(&modlist.loose);
		ws_vec_release(&modlist.list);
		system->modules_done = !status;
	}
	*modules = system->modules.v;
	*n = status ? 0 : system->modules.n;
	return status;
}

bool ws_system_lacks_modules(const struct ws_system *system)
{
	return system->modules_partial;
}
