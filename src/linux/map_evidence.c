/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file of symbols is of this kernel, where memory has no kallsyms to compare it
 * with. Three kinds of evidence are left:
 *
 *	VMCOREINFO's symbols	their addresses
 *	contents		linux_banner reads "Linux version ", init_task is named
 *				"swapper", init_mm points at swapper_pg_dir
 *	gates			where vectors lead; but one that is hooked leads
 *				elsewhere, and then the file may be wanted for just that
 */
#include "linux/map_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"

/* So few symbols that agree may do so by chance. */
#define COMMON_MIN 4
/* So many that are no gates must agree before gates that differ are overlooked. */
#define OUTVOTE_MIN 2

/* ---- where memory has a symbol, and where the file -------------------------------- */

struct held {
	struct ws_system *system;
	const struct ws_symtab *map;
	struct ws_map_evidence *evidence;
	size_t lead; /* of the shift, in the vote */
};

static bool map_va(const struct held *held, const char *name, uint64_t *va)
{
	uint32_t entry = ws_symtab_first(held->map, name, strlen(name));

	if (entry != WS_NO_ENTRY)
		*va = held->map->entries.v[entry].va;
	return entry != WS_NO_ENTRY;
}

static uint64_t moved(const struct held *held, uint64_t va)
{
	return ws_map_moved(held->system, held->evidence->shift, va);
}

/*
 * Called with a symbol that memory names at va; gate: by the gate of that vector, or -1.
 */
typedef void held_fn(struct held *held, const char *const *names, size_t n, uint64_t va,
		     int gate);

/* Boyer and Moore's majority vote of the distances. */
static void vote(struct held *held, const char *const *names, size_t n, uint64_t va,
		 int gate)
{
	uint64_t linked;

	(void)gate;
	for (size_t i = 0; i < n; i++) {
		if (!map_va(held, names[i], &linked))
			continue;
		if (!held->lead)
			held->evidence->shift = va - linked;
		held->lead += held->evidence->shift == va - linked ? 1 : -1;
		return;
	}
}

static void compare(struct held *held, const char *const *names, size_t n, uint64_t va,
		    int gate)
{
	struct ws_map_evidence *evidence = held->evidence;
	bool common = false, agrees = false;
	uint64_t linked;

	for (size_t i = 0; i < n; i++)
		if (map_va(held, names[i], &linked)) {
			common = true;
			agrees |= moved(held, linked) == va;
		}
	*(gate < 0 ? &evidence->common : &evidence->gates) += common;
	*(gate < 0 ? &evidence->agree : &evidence->gates_agree) += agrees;
	if (gate >= 0 && common && !agrees) {
		evidence->odd_gate = gate;
		evidence->odd_target = va;
	}
}

/* ---- gates ------------------------------------------------------------------------- */

static void record_gates(struct held *held, held_fn *fn)
{
	const struct ws_target *target = held->system->target;
	const struct ws_cpu *cpu = target->cpus.n ? &target->cpus.v[0] : NULL;
	const struct ws_arch_linux *on_linux = cpu ? cpu->arch->on_linux : NULL;
	const struct ws_vector_handler *row = on_linux ? on_linux->handlers : NULL;
	uint64_t va;

	for (; row && row->name[0]; row++) {
		size_t n = row->name[2] ? 3 : 2;

		if (on_linux->handler_va(held->system, cpu, row->vector, &va))
			fn(held, row->name, n, va, (int)row->vector);
	}
}

/* ---- VMCOREINFO -------------------------------------------------------------------- */

/* Every line SYMBOL(name)=address. */
static void record_vmcoreinfo(struct held *held, held_fn *fn)
{
	const char *line = held->system->vmcoreinfo, *end;
	char name[WS_SYMBOL_NAME_MAX + 1];
	const char *names[] = { name };

	while (line && (line = strstr(line, "SYMBOL("))) {
		line += strlen("SYMBOL(");
		end = strpbrk(line, ")\n");
		if (!end || end[0] != ')' || end[1] != '=' ||
		    end - line > WS_SYMBOL_NAME_MAX)
			continue;
		memcpy(name, line, (size_t)(end - line));
		name[end - line] = '\0';
		fn(held, names, 1, strtoull(end + 2, NULL, 16), -1);
	}
}

/* ---- contents ---------------------------------------------------------------------- */

/* Bytes that lie word-aligned at most `reach` bytes behind a symbol. */
static const struct content {
	const char *symbol;
	const char *text;
	const char
		*pointer[3]; /* or the address of the first of these that the file has */
	unsigned reach;
} contents[] = {
	{ .symbol = "linux_banner", .text = "Linux version " },
	{ .symbol = "system_utsname", .text = "Linux" }, /* until 2.6.18 */
	{ .symbol = "init_uts_ns", .text = "Linux", .reach = 16 },
	{ .symbol = "init_task", .text = "swapper", .reach = 8192 },
	{ .symbol = "init_mm",
	  .pointer = { "swapper_pg_dir", "init_top_pgt", "init_level4_pgt" },
	  .reach = 2048 },
};

#define CONTENT_MAX 16

/* What must lie there; its length, or 0 where the file does not say. */
static size_t expected(const struct held *held, const struct content *content,
		       uint8_t bytes[CONTENT_MAX])
{
	unsigned word = held->system->layout.word;
	uint64_t va;

	if (content->text) {
		memcpy(bytes, content->text, strlen(content->text));
		return strlen(content->text);
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(content->pointer); i++) {
		if (!map_va(held, content->pointer[i], &va))
			continue;
		va = moved(held, va);
		for (unsigned b = 0; b < word; b++)
			bytes[b] = (uint8_t)(va >> 8 * b);
		return word;
	}
	return 0;
}

/* WS_READ: it lies there; WS_NOT_MAPPED: it does not; else nobody knows. */
static enum ws_evidence look_for(struct ws_system *system, uint64_t va, unsigned reach,
				 const uint8_t *bytes, size_t n)
{
	enum ws_evidence evidence, answer = WS_NOT_MAPPED;
	uint8_t there[CONTENT_MAX];

	for (unsigned at = 0; at <= reach; at += 4) {
		evidence = ws_system_read(system, va + at, there, n);
		if (evidence == WS_READ && !memcmp(there, bytes, n))
			return WS_READ;
		if (evidence == WS_ABSENT || evidence == WS_FAILED)
			answer = evidence;
	}
	return answer;
}

static void compare_contents(struct held *held)
{
	uint8_t bytes[CONTENT_MAX];
	uint64_t va;
	size_t n;

	for (size_t i = 0; i < WS_ARRAY_SIZE(contents); i++) {
		enum ws_evidence evidence;

		if (!map_va(held, contents[i].symbol, &va) ||
		    !(n = expected(held, &contents[i], bytes)))
			continue;
		evidence = look_for(held->system, moved(held, va), contents[i].reach,
				    bytes, n);
		held->evidence->common +=
			evidence == WS_READ || evidence == WS_NOT_MAPPED;
		held->evidence->agree += evidence == WS_READ;
	}
}

/* ---- the whole --------------------------------------------------------------------- */

static void weigh_at(struct held *held, uint64_t shift)
{
	*held->evidence = (struct ws_map_evidence){ .shift = shift, .odd_gate = -1 };
	record_vmcoreinfo(held, compare);
	record_gates(held, compare);
	compare_contents(held);
}

/* Where gates are all that could vote and are hooked, the kernel may not have moved. */
enum ws_status ws_map_weigh(struct ws_system *system, const struct ws_symtab *map,
			    struct ws_map_evidence *evidence)
{
	struct ws_map_evidence unmoved;
	struct held held = { system, map, evidence, 0 };

	*evidence = (struct ws_map_evidence){ 0 };
	record_vmcoreinfo(&held, vote);
	record_gates(&held, vote);
	weigh_at(&held, evidence->shift);
	if (evidence->shift) {
		held.evidence = &unmoved;
		weigh_at(&held, 0);
		if (unmoved.agree > evidence->agree)
			*evidence = unmoved;
	}
	return ws_target_looked(system->target, WS_OK);
}

static bool mostly(size_t agree, size_t common)
{
	return agree * 4 >= common * 3;
}

/*
 * A quarter may differ: one gate of four is hooked, or the init_task of a machine that
 * died is written over. All gates may, if enough else agrees.
 */
bool ws_map_is_shown(const struct ws_map_evidence *e)
{
	size_t common = e->common + e->gates, agree = e->agree + e->gates_agree;

	return common >= COMMON_MIN && e->shift % WS_FRAME_SIZE == 0 &&
	       (mostly(agree, common) ||
		(e->agree >= OUTVOTE_MIN && mostly(e->agree, e->common)));
}
