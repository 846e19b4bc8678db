/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables that Linux on AArch64 has for purposes of its own, below swapper_pg_dir
 * (own_roots.c):
 *
 * idmap_pg_dir, in TTBR0 while a processor comes up or goes down: .idmap.text, mapped to
 * itself, and with KPTI the flag by which processors wait for each other while swapper is
 * made non-global (create_idmap(), arch/arm64/mm/mmu.c). Whether the code is there, the
 * jumps say (jump.c).
 *
 * tramp_pg_dir, in TTBR1 while user mode runs with KPTI: the trampoline's text, at
 * TRAMP_VALIAS in the fixmap, where swapper has it too (map_entry_trampoline()).
 * The page behind it, with the address of the vectors, swapper alone has.
 *
 * reserved_pg_dir, in TTBR0 where user memory is out of reach (software PAN, between two
 * others, lazily in kernel threads): nothing.
 */
#include "arm64/special.h"

#include "arm64/jump.h"
#include "arm64/own_roots.h"
#include "audit/code.h"
#include "audit/per_cpu.h"

/* ---- which is which ------------------------------------------------------------------- */

static enum ws_evidence find_named(struct ws_system *system, enum arm64_own_root which,
				   uint64_t *pa)
{
	struct arm64_root root;

	if (!arm64_own_root(system, which, &root) || !root.named)
		return WS_NOT_MAPPED;
	*pa = root.pa;
	return WS_READ;
}

/* Where no symbol says, what lies in its place is it if it maps that code to itself. */
static enum ws_evidence find_idmap(struct ws_system *system, uint64_t *pa)
{
	struct arm64_root root;

	if (!arm64_own_root(system, ARM64_IDMAP, &root) ||
	    (!root.named && !arm64_is_idmap(system, root.pa)))
		return WS_NOT_MAPPED;
	*pa = root.pa;
	return WS_READ;
}

/*
 * Nobody runs on it but with KPTI: without, this_cpu_vector leads into the image. What it is
 * for no symbol says, where none says where it is.
 */
static enum ws_evidence find_tramp(struct ws_system *system, uint64_t *pa)
{
	uint64_t vector;
	enum ws_evidence found = find_named(system, ARM64_TRAMP, pa), evidence;

	if (found != WS_READ)
		return found;
	evidence = ws_per_cpu_word(system, "this_cpu_vector", 0, &vector);
	if (evidence == WS_READ)
		return ws_in_image(system, vector) ? WS_NOT_MAPPED : WS_READ;
	return evidence == WS_NOT_MAPPED ? WS_READ : evidence;
}

/* Beside an idmap_pg_dir that is in its place, this is in its own. */
static enum ws_evidence find_reserved(struct ws_system *system, uint64_t *pa)
{
	struct arm64_root root;

	if (find_idmap(system, pa) != WS_READ ||
	    !arm64_own_root(system, ARM64_RESERVED, &root))
		return find_named(system, ARM64_RESERVED, pa);
	*pa = root.pa;
	return WS_READ;
}

enum { IDMAP, TRAMP, RESERVED };

const struct ws_special_root arm64_special_roots[] = {
	[IDMAP] = { .name = "idmap_pg_dir",
		    .find = find_idmap,
		    .format = arm64_idmap_format },
	[TRAMP] = { .name = "tramp_pg_dir", .find = find_tramp },
	[RESERVED] = { .name = "reserved_pg_dir", .find = find_reserved },
	{ .name = NULL },
};

/* ---- the trampoline ------------------------------------------------------------------- */

/*
 * Where it is mapped, by where this_cpu_vector leads: into it with KPTI, into the image
 * without.
 */
static enum ws_evidence trampoline(struct ws_audit *audit, uint64_t *first,
				   uint64_t *last)
{
	struct ws_system *system = audit->system;
	uint64_t start, end, vector, text, there;

	if (!ws_code_symbol(audit, "__entry_tramp_text_start", &start) ||
	    !ws_code_symbol(audit, "__entry_tramp_text_end", &end) || end <= start ||
	    ws_per_cpu_word(system, "this_cpu_vector", 0, &vector) != WS_READ)
		return WS_ABSENT;
	if (ws_in_image(system, vector))
		return WS_NOT_MAPPED;
	if (ws_kernel_translate(system, start, &text) != WS_READ ||
	    ws_kernel_translate(system, vector, &there) != WS_READ ||
	    there - text >= end - start)
		return WS_ABSENT;
	*first = vector - (there - text);
	*last = *first + (end - start) - 1;
	return WS_READ;
}

/* Of a kernel that has symbols of data and not this one, it is not there. */
static enum ws_evidence kpti_flag(struct ws_audit *audit, uint64_t *first, uint64_t *last)
{
	uint64_t va;

	if (!ws_code_symbol(audit, "__idmap_kpti_flag", first))
		return ws_code_symbol(audit, "swapper_pg_dir", &va) ? WS_NOT_MAPPED
								    : WS_ABSENT;
	*last = *first + sizeof(uint32_t) - 1;
	return WS_READ;
}

/* ---- what they have to map, and what not ---------------------------------------------- */

static const struct ws_special_duty idmap[] = {
	{ .what = WS_SPECIAL_MAY_ITSELF,
	  .first = "__idmap_text_start",
	  .end = "__idmap_text_end" },
	{ .what = WS_SPECIAL_MAY_ITSELF, .range = kpti_flag, .maps = "KPTI's flag" },
	{ .what = WS_SPECIAL_NOTHING_ELSE,
	  .severity = WS_WARNING,
	  .region = "user",
	  .then = "a processor that comes up has more of memory mapped than the code that "
		  "it runs there" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty tramp[] = {
	{ .what = WS_SPECIAL_CODE,
	  .severity = WS_ERROR,
	  .range = trampoline,
	  .maps = "the trampoline's text",
	  .then = "no exception that user mode takes gets into the kernel" },
	{ .what = WS_SPECIAL_NOTHING_ELSE,
	  .severity = WS_ERROR,
	  .then = "user mode reads memory of the kernel by speculation (Meltdown, "
		  "CVE-2017-5754)" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

static const struct ws_special_duty reserved[] = {
	{ .what = WS_SPECIAL_NOTHING_ELSE,
	  .severity = WS_ERROR,
	  .region = "user",
	  .then = "the kernel reaches memory at user addresses where it is to fault "
		  "(software PAN, between two processes)" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

const struct ws_special arm64_specials[] = {
	{ &arm64_special_roots[IDMAP], idmap },
	{ &arm64_special_roots[TRAMP], tramp },
	{ &arm64_special_roots[RESERVED], reserved },
	{ .root = NULL },
};
