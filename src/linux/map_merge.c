/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of symbols against the running kernel: by how much KASLR has moved it, and
 * whether it is of this kernel at all. Both are answered by the kernel's own kallsyms:
 * their distances from the file's symbols vote for the shift, and then they must agree.
 * Where there are none, map_evidence.c has what else shows it.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "linux/map_evidence.h"
#include "util/count.h"

/*
 * Kernels of one version that were built apart share almost all names and almost no
 * address, so the threshold only has to forgive a few symbols that the build doubled.
 */
#define AGREE_PERCENT 95
#define COMMON_MIN 16
/* Symbols of one place, or of one name, that are looked through. */
#define LOOK_MAX 512

/* ---- the shift -------------------------------------------------------------------- */

struct merge {
	struct ws_system *system;
	const struct ws_symtab *known; /* kallsyms, and once merging all that there is */
	const struct ws_symtab *map;
	uint64_t shift;
	size_t common, agree;
};

static uint64_t moved(const struct merge *merge, uint64_t va)
{
	return ws_map_moved(merge->system, merge->shift, va);
}

/* Only functions are compared: kallsyms may list no data. */
static uint32_t known_first(const struct merge *merge, uint32_t i)
{
	const char *name = ws_symtab_name(merge->map, i);

	if (!ws_symbol_is_function(merge->map->entries.v[i].type))
		return WS_NO_ENTRY;
	return ws_symtab_first(merge->known, name, strlen(name));
}

/*
 * One name may have thousands of places (__func__.0), and one place thousands of names
 * (__kstrtabns_*, empty strings that the linker made one): seldom both.
 */
static bool known_at(const struct merge *merge, uint64_t va, const char *name)
{
	const struct ws_symtab *known = merge->known;
	size_t at = ws_symtab_not_above(known, va);
	uint32_t same;

	for (unsigned seen = 0; seen < LOOK_MAX; seen++) {
		if (!at-- || known->entries.v[at].va != va)
			return false;
		if (!strcmp(ws_symtab_name(known, at), name))
			return true;
	}
	same = ws_symtab_first(known, name, strlen(name));
	for (unsigned seen = 0; same != WS_NO_ENTRY && seen < LOOK_MAX; seen++) {
		if (known->entries.v[same].va == va)
			return true;
		same = ws_symtab_next(known, same);
	}
	return false;
}

/* Boyer and Moore's majority vote of the distances. */
static void vote(struct merge *merge)
{
	size_t lead = 0;

	for (uint32_t i = 0; i < merge->map->entries.n; i++) {
		uint32_t first = known_first(merge, i);
		uint64_t distance;

		if (first == WS_NO_ENTRY)
			continue;
		distance =
			merge->known->entries.v[first].va - merge->map->entries.v[i].va;
		if (!lead)
			merge->shift = distance;
		lead += merge->shift == distance ? 1 : -1;
	}
}

static void count(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->map->entries.n; i++) {
		if (known_first(merge, i) == WS_NO_ENTRY)
			continue;
		merge->common++;
		merge->agree += known_at(merge, moved(merge, merge->map->entries.v[i].va),
					 ws_symtab_name(merge->map, i));
	}
}

static enum ws_status judge(const struct merge *merge, const char *path)
{
	struct ws_context *ctx = merge->system->ctx;

	if (merge->common < COMMON_MIN)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s shares %s with this memory: too few to show "
			       "whether it is of this kernel",
			       path, WS_COUNT_OF(merge->common, "name"));
	if (merge->agree * 100 < merge->common * AGREE_PERCENT)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s is not of this kernel: %s of %s agree", path,
			       WS_COUNT(merge->agree),
			       WS_COUNT_OF(merge->common, "function"));
	if (merge->shift % WS_FRAME_SIZE)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s is not of this kernel: memory has its symbols %#jx "
			       "bytes further, and kernels move by whole pages",
			       path, merge->shift);
	if (merge->agree < merge->common)
		ws_note(merge->system, "%s: %s of %s agree with memory", path,
			WS_COUNT(merge->agree), WS_COUNT_OF(merge->common, "function"));
	return WS_OK;
}

static enum ws_status match_kallsyms(struct merge *merge, const char *path)
{
	vote(merge);
	count(merge);
	return judge(merge, path);
}

/* Without kallsyms. */
static enum ws_status match_evidence(struct merge *merge, const char *path)
{
	struct ws_map_evidence e;
	enum ws_status status = ws_map_weigh(merge->system, merge->map, &e);
	size_t common = e.common + e.gates, agree = e.agree + e.gates_agree;

	if (status != WS_OK)
		return status;
	merge->shift = e.shift;
	if (!ws_map_is_shown(&e))
		return ws_fail(merge->system->ctx, WS_ERR_MALFORMED,
			       "%s is not shown to be of this kernel: of its symbols %s "
			       "could be compared with this memory, in which no kallsyms "
			       "were found, and %s of these agree",
			       path, WS_COUNT(common), WS_COUNT(agree));
	ws_note(merge->system,
		"%s could be compared in %s only, for no kallsyms were found; %s agree",
		path, WS_COUNT_OF(common, "symbol"), WS_COUNT(agree));
	if (e.odd_gate >= 0)
		ws_note(merge->system,
			"gate %d leads to %#jx, which is not where %s has its handler: it "
			"was changed while the kernel ran",
			e.odd_gate, e.odd_target, path);
	return WS_OK;
}

/* ---- merging ---------------------------------------------------------------------- */

/* Absolute and per-CPU symbols lie below the kernel's text and do not move with it. */
static uint64_t lowest_text(const struct ws_symtab *map)
{
	ws_vec_each(&map->entries, entry)
		if (entry->type == 'T')
			return entry->va;
	return 0;
}

static enum ws_status add_missing(struct merge *merge, struct ws_symtab *symtab,
				  enum ws_symbol_source source)
{
	uint64_t text = lowest_text(merge->map);
	enum ws_status status = WS_OK;

	merge->known = symtab;
	for (uint32_t i = 0; i < merge->map->entries.n && !status; i++) {
		struct ws_symtab_entry entry = merge->map->entries.v[i];
		const char *name = ws_symtab_name(merge->map, i);

		if (entry.va >= text)
			entry.va = moved(merge, entry.va);
		if (!known_at(merge, entry.va, name))
			status =
				ws_symtab_add(symtab, source, &entry, name, strlen(name));
	}
	return status;
}

enum ws_status ws_map_merge(struct ws_system *system, struct ws_symtab *symtab,
			    const struct ws_symtab *map, enum ws_symbol_source source,
			    const char *path)
{
	struct merge merge = { .system = system, .known = symtab, .map = map };
	bool kallsyms = symtab->count[WS_FROM_KALLSYMS].functions;
	enum ws_status status =
		(kallsyms ? match_kallsyms : match_evidence)(&merge, path);

	return status ? status : add_missing(&merge, symtab, source);
}
