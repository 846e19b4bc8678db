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
#include "util/count.h"

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
	size_t orphans;         /* look like one, but their neighbours are absent */
	uint64_t absent;        /* bytes that one may lie in, and that are absent */
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

enum link {
	LINK_BROKEN,
	LINK_ABSENT, /* what would lead back is not in the target */
	LINK_WHOLE
};

/* From a node by its pointer next (at 0) or prev, and back by the other one's other. */
static enum link link_of(const struct modlist *modlist, uint64_t node, unsigned at)
{
	enum ws_evidence evidence;
	uint64_t other, back;

	if (ws_kernel_word(modlist->system, node + at, &other) != WS_READ)
		return LINK_BROKEN;
	evidence = ws_kernel_word(modlist->system, other + (modlist->word - at), &back);
	if (evidence == WS_ABSENT)
		return LINK_ABSENT;
	return evidence == WS_READ && back == node ? LINK_WHOLE : LINK_BROKEN;
}

/* At least one neighbour leads back here; absent if neither is there to be asked. */
static enum link links_of(const struct modlist *modlist, uint64_t node)
{
	enum link next = link_of(modlist, node, 0),
		  prev = link_of(modlist, node, modlist->word);
	uint64_t itself;

	if (ws_kernel_word(modlist->system, node, &itself) != WS_READ || itself == node)
		return LINK_BROKEN;
	if (next == LINK_WHOLE || prev == LINK_WHOLE)
		return LINK_WHOLE;
	return next == prev ? next : LINK_BROKEN;
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
	next = ws_le_word(at + word, word);
	prev = ws_le_word(at + 2 * word, word);
	return next && prev && !((next | prev) & (word - 1)) &&
	       ws_is_kernel_va(system, next) && ws_is_kernel_va(system, prev);
}

/* The kernel's own memory is cached; what a device shows to it is not. */
static bool is_device(const struct modlist *modlist, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&modlist->system->paging, modlist->system->layout.reference, va, &trail);
	return trail.end == WS_END_PAGE &&
	       trail.step[trail.nsteps - 1].entry &
		       modlist->system->paging.format->uncached;
}

/* Takes a struct that looks like a module's; false once the search is over. */
static bool take(struct modlist *modlist, uint64_t module)
{
	uint64_t node = node_of(modlist, module), *v;
	enum link links =
		is_module(modlist, node) ? links_of(modlist, node) : LINK_BROKEN;

	modlist->orphans += links == LINK_ABSENT;
	if (links != LINK_WHOLE)
		return true;
	modlist->closed = list_walk(modlist, node);
	if (modlist->closed || modlist->loose.n == MODULES_MAX)
		return false;
	v = ws_vec_push(&modlist->loose);
	if (!v)
		modlist->short_of_memory = true;
	if (modlist->short_of_memory)
		return false;
	*v = module;
	return true;
}

static bool search_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct modlist *modlist = arg;
	unsigned word = modlist->word;

	if (!frame) {
		modlist->absent += is_device(modlist, va) ? 0 : WS_FRAME_SIZE;
		return true;
	}
	/* cache-line aligned, so links never lie astride two frames; a name may */
	for (unsigned at = 0; at + 3 * word <= WS_FRAME_SIZE; at += word) {
		if (!might_be_module(modlist, frame + at))
			continue;
		if (!modlist->steps)
			return false;
		modlist->steps--;
		if (!take(modlist, va + at))
			return false;
	}
	return true;
}

/* Where they may lie: near the kernel, for its code calls them and they call it. */
static void modules_place(const struct ws_system *system, uint64_t *first, uint64_t *last)
{
	const struct ws_linux_layout *row = ws_linux_row(system);

	*first = row->modules_last ? row->modules_first : system->layout.kernel_first;
	*last = row->modules_last ? row->modules_last : ws_last_va(system);
}

/* Outside the image and the direct map. */
static enum ws_status list_search(struct modlist *modlist)
{
	struct ws_system *system = modlist->system;
	const struct ws_layout *layout = &system->layout;
	uint64_t first, last, behind;
	const unsigned flags = WS_SEARCH_NO_DIRECT_MAP | WS_SEARCH_ABSENT;
	enum ws_status status;

	modules_place(system, &first, &last);
	behind = layout->image_last >= first && layout->image_last < last
			 ? layout->image_last + 1
			 : first;
	status = ws_search(system, behind, last, flags, search_frame, modlist);
	if (!status && !modlist->closed && behind != first)
		status = ws_search(system, first, layout->image_first - 1, flags,
				   search_frame, modlist);
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
			"the list of modules is broken: %s %s found one by one, there "
			"may be others",
			WS_COUNT_OF(modlist->loose.n, "module"),
			modlist->loose.n == 1 ? "was" : "were");
		status = modules_add(modlist, modlist->loose.v, modlist->loose.n);
	}
	if (!status)
		status = ws_module_regions_find(system);
	return status ? status : ws_cross_check_modules(system);
}

/* ---- what may be missing ---------------------------------------------------------- */

static bool sum_unknown(void *arg, const struct ws_run *run)
{
	if (!ws_end_is_known(run->end))
		*(uint64_t *)arg += run->last - run->va + 1;
	return true;
}

/* Page tables that the target lacks, of where modules may lie. */
static enum ws_status note_unknown_tables(struct ws_system *system)
{
	uint64_t first, last, bytes = 0;
	enum ws_status status;

	modules_place(system, &first, &last);
	status = ws_range(&system->paging, system->layout.reference, first, last,
			  WS_RANGE_UNKNOWN, 0, sum_unknown, &bytes);

	if (bytes) {
		system->modules_partial = true;
		ws_note(system,
			"the target lacks the page tables of %" PRIu64
			" KiB of kernel memory: modules that lie there are not known",
			bytes / 1024);
	}
	return status == WS_ERR_LIMIT ? WS_OK : status;
}

/*
 * That there is none is known once all has been looked through that one may lie in. A
 * capture holds little of that, but says what came of it in what it was taken from.
 */
static void note_absent(struct ws_system *system, const struct modlist *modlist)
{
	const struct ws_target *target = system->target;

	system->modules_sought = !system->modules.n && modlist->steps;
	system->modules_absent =
		target->modules_sought ? target->modules_absent : modlist->absent;
	if (!system->modules_sought || !(modlist->orphans || system->modules_absent))
		return;
	system->modules_partial = true;
	if (modlist->orphans)
		ws_note(system,
			"no module was found; what looks like %s leads to a list that is "
			"not in the target",
			WS_COUNT_OF(modlist->orphans, "module"));
	else
		ws_note(system,
			"no module was found; %" PRIu64 " KiB of memory that modules may "
			"lie in are not in the target",
			system->modules_absent / 1024);
}

static enum ws_status note_unknown(struct modlist *modlist)
{
	struct ws_system *system = modlist->system;

	/* of a list in parts, or of a search cut short, there may be others */
	system->modules_partial |= modlist->loose.n && !modlist->closed;
	system->modules_partial |= !modlist->steps;
	ws_vec_each(&system->modules, module)
		system->modules_partial |= !module->nregions;
	note_absent(system, modlist);
	return note_unknown_tables(system);
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
			status = note_unknown(&modlist);
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
