/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of symbols against the running kernel: by how much KASLR has moved it, and
 * whether it is of this kernel at all. Both are answered by symbols that memory tells
 * of too: their distances vote for the shift, and then they must agree.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "linux/symtab.h"
#include "util/bits.h"

/*
 * Kernels of one version that were built apart share almost all names and almost no
 * address, so the threshold only has to forgive a few symbols that the build doubled.
 */
#define AGREE_PERCENT 95
#define COMMON_MIN 16
/* Without kallsyms there are only VMCOREINFO's symbols and the gates to compare. */
#define COMMON_MIN_ANCHORS 4
/* Symbols of one place, or of one name, that are looked through. */
#define LOOK_MAX 512

/* ---- what is known without kallsyms ----------------------------------------------- */

/* Targets of gates, under the names they have had (arch/x86/kernel/idt.c, traps.c). */
static const struct {
	unsigned vector;
	const char *name;
} gates[] = {
	{ 0, "asm_exc_divide_error" },        { 0, "divide_error" },
	{ 6, "asm_exc_invalid_op" },          { 6, "invalid_op" },
	{ 13, "asm_exc_general_protection" }, { 13, "general_protection" },
	{ 14, "asm_exc_page_fault" },         { 14, "page_fault" },
	{ 14, "async_page_fault" },
};

static bool gate_target(struct ws_system *system, const struct ws_cpu *cpu,
			unsigned vector, uint64_t *va)
{
	size_t size = system->layout.word == 8 ? 16 : 8;
	uint8_t gate[16] = { 0 };

	if (!cpu->has_control ||
	    ws_system_read(system, cpu->idt.base + vector * size, gate, size) !=
		    WS_READ ||
	    !(gate[5] & 0x80)) /* SDM 6.11, figure 6-2: P */
		return false;
	*va = ws_le16(gate) | (uint64_t)ws_le16(gate + 6) << 16;
	if (size == 16)
		*va |= (uint64_t)ws_le32(gate + 8) << 32;
	return true;
}

static enum ws_status anchor_add(struct ws_symtab *anchors, uint64_t va, const char *name,
				 size_t len)
{
	struct ws_symtab_entry entry = { .va = va, .module = WS_KERNEL_SYMBOL };

	return len <= WS_SYMBOL_NAME_MAX
		       ? ws_symtab_add(anchors, WS_FROM_KALLSYMS, &entry, name, len)
		       : WS_OK;
}

static enum ws_status add_gates(struct ws_system *system, struct ws_symtab *anchors)
{
	enum ws_status status = WS_OK;
	uint64_t va;

	if (!system->target->cpus.n)
		return WS_OK;
	for (size_t i = 0; i < WS_ARRAY_SIZE(gates) && !status; i++)
		if (gate_target(system, &system->target->cpus.v[0], gates[i].vector, &va))
			status = anchor_add(anchors, va, gates[i].name,
					    strlen(gates[i].name));
	return status;
}

/* Every line SYMBOL(name)=address. */
static enum ws_status add_vmcoreinfo(struct ws_system *system, struct ws_symtab *anchors)
{
	const char *line = system->vmcoreinfo, *name, *end;
	enum ws_status status = WS_OK;

	while (line && !status && (line = strstr(line, "SYMBOL("))) {
		name = line + strlen("SYMBOL(");
		line = name;
		end = strpbrk(name, ")\n");
		if (end && end[0] == ')' && end[1] == '=')
			status = anchor_add(anchors, strtoull(end + 2, NULL, 16), name,
					    end - name);
	}
	return status;
}

static enum ws_status anchors_collect(struct ws_system *system,
				      struct ws_symtab **anchors)
{
	enum ws_status status;

	*anchors = ws_symtab_create(system->ctx);
	if (!*anchors)
		return ws_fail_memory(system->ctx);
	status = add_vmcoreinfo(system, *anchors);
	if (!status)
		status = add_gates(system, *anchors);
	return status ? status : ws_symtab_seal(*anchors);
}

/* ---- the shift -------------------------------------------------------------------- */

struct merge {
	struct ws_system *system;
	const struct ws_symtab *known; /* kallsyms, or the anchors */
	const struct ws_symtab *map;
	bool functions_only; /* what kallsyms always has */
	uint64_t shift;
	size_t common, agree;
};

static uint64_t moved(const struct merge *merge, uint64_t va)
{
	return merge->system->layout.word == 8 ? va + merge->shift
					       : (uint32_t)(va + merge->shift);
}

static uint32_t known_first(const struct merge *merge, uint32_t i)
{
	const char *name = ws_symtab_name(merge->map, i);

	if (merge->functions_only &&
	    !ws_symbol_is_function(merge->map->entries.v[i].type))
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
	size_t need = merge->functions_only ? COMMON_MIN : COMMON_MIN_ANCHORS;
	const char *what = merge->functions_only ? "functions" : "symbols";
	struct ws_context *ctx = merge->system->ctx;

	if (merge->common < need)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s shares %zu names with this memory: too few to tell "
			       "whether it is of this kernel",
			       path, merge->common);
	if (merge->agree * 100 < merge->common * AGREE_PERCENT)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s is not of this kernel: %zu of %zu %s agree", path,
			       merge->agree, merge->common, what);
	if (merge->shift % WS_FRAME_SIZE)
		return ws_fail(ctx, WS_ERR_MALFORMED,
			       "%s is not of this kernel: memory has its symbols %#lx "
			       "bytes further, and kernels move by whole pages",
			       path, merge->shift);
	if (merge->agree < merge->common)
		ws_note(merge->system, "%s: %zu of %zu %s agree with memory", path,
			merge->agree, merge->common, what);
	else if (!merge->functions_only)
		ws_note(merge->system,
			"%s could be held against %zu symbols only, for no kallsyms were "
			"found; they agree",
			path, merge->common);
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
	struct merge merge = { .system = system,
			       .known = symtab,
			       .map = map,
			       .functions_only =
				       symtab->count[WS_FROM_KALLSYMS].functions > 0 };
	struct ws_symtab *anchors = NULL;
	enum ws_status status = WS_OK;

	if (!merge.functions_only) {
		status = anchors_collect(system, &anchors);
		merge.known = anchors;
	}
	if (!status) {
		vote(&merge);
		count(&merge);
		status = judge(&merge, path);
	}
	if (!status)
		status = add_missing(&merge, symtab, source);
	ws_symtab_destroy(anchors);
	return status;
}
