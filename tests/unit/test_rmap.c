/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reverse map holds what walks find, all of it and nothing else; and conflicts. */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/rmap.h"
#include "linux/roots.h"
#include "x86/registers.h"

/* Frames far from all else, in the small guest's memory. */
#define PA_NOBODYS (15u << 20)

static struct ws_frame_map *map_of(struct fault_guest *fault)
{
	struct ws_frame_map *map;

	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(ws_frame_map_create(fault->system, &map), WS_OK);
	assert_true(ws_frame_map_is_whole(map));
	return map;
}

static bool has(const struct ws_frame_map *map, uint32_t set, uint32_t space)
{
	size_t n;
	const struct ws_space_span *spans = ws_frame_map_set(map, set, &n);

	for (size_t i = 0; i < n; i++)
		if (space >= spans[i].first && space <= spans[i].last)
			return true;
	return false;
}

/* ---- the map and walks ------------------------------------------------------------ */

struct sought {
	const struct ws_frame_map *map;
	uint64_t pa, va;
	uint32_t space;
	uint8_t access, page_shift;
	unsigned found;
};

static bool take(void *arg, const struct ws_mapping *mapping)
{
	struct sought *sought = arg;

	assert_in_range(mapping->last - mapping->pa, 0, WS_FRAME_SIZE - 1);
	sought->found += mapping->pa == sought->pa && mapping->va == sought->va &&
			 mapping->access == sought->access &&
			 mapping->page_shift == sought->page_shift &&
			 has(sought->map, mapping->set, sought->space);
	return true;
}

static bool is_in(void *arg, const struct ws_run *run)
{
	struct sought *sought = arg;

	for (uint64_t at = 0; at <= run->last - run->va; at += 16 * WS_FRAME_SIZE) {
		sought->pa = run->pa + at;
		sought->va = run->va + at;
		sought->access = run->access;
		sought->page_shift = run->page_shift;
		sought->found = 0;
		ws_frame_map_each(sought->map, sought->pa,
				  sought->pa + (WS_FRAME_SIZE - 1), take, sought);
		if (sought->found != 1)
			fail_msg("%#lx at %#lx in space %u is there %u times", sought->pa,
				 sought->va, sought->space, sought->found);
	}
	return true;
}

/* Of every space all that a range finds is in the map, once. */
static void test_all(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct ws_frame_map *map = map_of(fault);
	struct sought sought = { .map = map };

	for (uint32_t i = 0; i < fault->system->spaces.n; i++) {
		const struct ws_space *space = &fault->system->spaces.v[i];

		if (space->kind == WS_SPACE_FREED || space->looks_damaged)
			continue;
		sought.space = i;
		assert_int_equal(ws_range(&fault->system->paging, space->root, 0,
					  UINT64_MAX, WS_RANGE_PHYSICAL, 0, is_in,
					  &sought),
				 WS_OK);
	}
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

struct back {
	struct fault_guest *fault;
	const struct ws_frame_map *map;
	uint64_t before, n;
};

static bool is_so(void *arg, const struct ws_mapping *mapping)
{
	struct back *back = arg;
	const struct ws_system *system = back->fault->system;
	struct ws_trail trail;

	for (uint32_t i = 0; i < system->spaces.n; i++) {
		if (!has(back->map, mapping->set, i))
			continue;
		ws_walk(&system->paging, system->spaces.v[i].root, mapping->va, &trail);
		assert_int_equal(trail.end, WS_END_PAGE);
		assert_int_equal(trail.pa, mapping->pa);
		assert_int_equal(trail.access, mapping->access);
		back->n++;
	}
	return true;
}

/* And all that is in the map a walk finds. */
static void test_nothing_else(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct ws_frame_map *map = map_of(fault);
	struct back back = { .fault = fault, .map = map };

	ws_frame_map_each(map, 0, UINT64_MAX, is_so, &back);
	assert_true(back.n > fault->system->spaces.n);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

/* ---- ranges ----------------------------------------------------------------------- */

static bool count(void *arg, const struct ws_mapping *mapping)
{
	(void)mapping;
	++*(unsigned *)arg;
	return true;
}

static unsigned mappings_of(const struct ws_frame_map *map, uint64_t pa, uint64_t last)
{
	unsigned n = 0;

	ws_frame_map_each(map, pa, last, count, &n);
	return n;
}

static bool expect_clipped(void *arg, const struct ws_mapping *mapping)
{
	const uint64_t *range = arg;

	assert_true(mapping->pa >= range[0] && mapping->last <= range[1]);
	return true;
}

/* Two neighbouring user pages: a byte before them and behind is none of theirs. */
static void test_edges(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
	uint64_t direct = 0, range[2] = { PA_NOBODYS + 1, PA_NOBODYS + 0x1ffe };
	const uint64_t size = WS_FRAME_SIZE;
	struct ws_frame_map *map;

	guest_map(fault->guest, root, va, PA_NOBODYS, P | RW | US);
	guest_map(fault->guest, root, va + size, PA_NOBODYS + size, P | RW | US);
	map = map_of(fault);
	direct = mappings_of(map, PA_NOBODYS - 1, PA_NOBODYS - 1);
	assert_int_equal(mappings_of(map, PA_NOBODYS, PA_NOBODYS), direct + 1);
	assert_int_equal(
		mappings_of(map, PA_NOBODYS + 2 * size - 1, PA_NOBODYS + 2 * size - 1),
		direct + 1);
	assert_int_equal(mappings_of(map, PA_NOBODYS + 2 * size, PA_NOBODYS + 2 * size),
			 direct);
	ws_frame_map_each(map, range[0], range[1], expect_clipped, range);
	assert_int_equal(mappings_of(map, UINT64_MAX - 1, UINT64_MAX), 0);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

/* What everyone maps alike is one mapping, of a set of all. */
static void test_shared(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct ws_frame_map *map = map_of(fault);
	const struct guest *guest = fault->guest;
	unsigned n = 0;

	ws_frame_map_each(map, guest->module_pa, guest->module_pa, count, &n);
	assert_in_range(n, 1, 4);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

static void test_sets(void **state)
{
	struct ws_space_sets sets = { 0 };
	uint64_t bits[4] = { 0 };
	uint32_t set, again;

	(void)state;
	assert_true(ws_space_sets_begin(&sets, 200));
	bits[0] = WS_BIT(5);
	assert_int_equal(ws_space_sets_of(&sets, bits, 4), 5);
	bits[0] = ~UINT64_C(0);
	bits[1] = 1;
	bits[3] = WS_BIT(7);
	set = ws_space_sets_of(&sets, bits, 4);
	assert_int_equal(set, 200);
	assert_int_equal(sets.sets.v[set].n, 2);
	assert_int_equal(sets.sets.v[set].nspaces, 66);
	assert_int_equal(sets.spans.v[sets.sets.v[set].first].last, 64);
	memset(bits, 0, sizeof(bits));
	ws_space_sets_add_to(&sets, set, bits);
	again = ws_space_sets_of(&sets, bits, 4);
	assert_int_equal(again, set);
	bits[3] = 0;
	assert_int_equal(ws_space_sets_of(&sets, bits, 4), set + 1);
	ws_space_sets_release(&sets);
}

/* ---- what is not there, and what is hostile ----------------------------------------- */

static void test_absent(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault), pa, table;
	struct ws_frame_map *map = map_of(fault);

	assert_int_equal(ws_frame_map_lacks(map, &pa), 0);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
	fault = audit_guest_create(*state);
	guest_map(fault->guest, root, va, PA_NOBODYS, P | RW | US);
	table = audit_entry(fault, root, va, -1) & ~(uint64_t)(WS_FRAME_SIZE - 1);
	guest_leave_out(fault->guest, table);
	map = map_of(fault);
	assert_int_equal(ws_frame_map_lacks(map, &pa), 1);
	assert_int_equal(pa, table);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

/* Every entry of a table leads to itself: a table has no more ways than are kept. */
static void test_cycle(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct guest *guest = fault->guest;
	uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
	unsigned size = 1u << guest->kind->format->entry_log2;
	uint64_t entry, table;
	struct ws_frame_map *map;

	guest_map(guest, root, va, PA_NOBODYS, P | RW | US);
	entry = audit_entry(fault, root, va, (int)guest->kind->format->nlevels - 2);
	table = audit_entry(fault, root, va, -1) & ~(uint64_t)(WS_FRAME_SIZE - 1);
	for (unsigned i = 0; i < WS_FRAME_SIZE / size; i++) {
		audit_put(fault, table + i * size,
			  (audit_get(fault, entry) & 0xfff) | table);
		if (guest->kind->format->nlevels > 2)
			audit_put(fault, (entry & ~(uint64_t)0xfff) + i * size,
				  (audit_get(fault, entry) & 0xfff) | table);
	}
	map = map_of(fault);
	assert_true(map->work < UINT64_C(1) << 26);
	ws_vec_each(&map->tables, it)
		assert_true(it->nways <= 64);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

/* ---- conflicts ---------------------------------------------------------------------- */

static const struct ws_frame_conflict *conflict_of(struct ws_frame_map *map,
						   const char *rule, uint64_t pa)
{
	const struct ws_frame_conflict *conflicts;
	size_t n;

	assert_int_equal(ws_frame_map_conflicts(map, &conflicts, &n), WS_OK);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(conflicts[i].rule, rule) && pa >= conflicts[i].pa &&
		    pa <= conflicts[i].last)
			return &conflicts[i];
	return NULL;
}

static size_t conflicts_in(struct ws_frame_map *map)
{
	const struct ws_frame_conflict *conflicts;
	size_t n;

	assert_int_equal(ws_frame_map_conflicts(map, &conflicts, &n), WS_OK);
	return n;
}

static void test_healthy(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct ws_frame_map *map;

	audit_say_of_pages(fault);
	map = map_of(fault);
	assert_int_equal(conflicts_in(map), 0);
	ws_frame_map_destroy(map);
	fault_guest_destroy(fault);
}

#define BUDDY ((uint32_t)-129)

/* A user's page in free memory; the one behind the free block is not. */
static void test_free_mapped(void **state)
{
	static const struct {
		uint64_t rights;
		bool is_free, found;
	} cases[] = {
		{ P | US, true, true },
		{ P | RW, true, false }, /* the kernel's own right */
		{ P | US, false, false },
	};

	for (unsigned i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = audit_guest_create(*state);
		uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
		const struct ws_frame_conflict *conflict;
		struct ws_frame_map *map;

		audit_say_of_pages(fault);
		audit_put_page(fault, PA_NOBODYS, 0, 0, 0,
			       cases[i].is_free ? BUDDY : UINT32_MAX);
		audit_put_page(fault, PA_NOBODYS + WS_FRAME_SIZE, 0, 0, 0, UINT32_MAX);
		guest_map(fault->guest, root, va, PA_NOBODYS, cases[i].rights);
		guest_map(fault->guest, root, va + WS_FRAME_SIZE,
			  PA_NOBODYS + WS_FRAME_SIZE, cases[i].rights);
		map = map_of(fault);
		conflict = conflict_of(map, "frames-free-mapped", PA_NOBODYS);
		assert_int_equal(conflict != NULL, cases[i].found);
		assert_int_equal(conflicts_in(map), cases[i].found);
		if (conflict) {
			assert_int_equal(conflict->last, PA_NOBODYS + WS_FRAME_SIZE - 1);
			assert_int_equal(conflict->va, va);
			assert_int_equal(conflict->space,
					 space_with_root(fault->system, root));
		}
		ws_frame_map_destroy(map);
		fault_guest_destroy(fault);
	}
}

/* Of those that share it, it is told of one in which somebody lives or runs. */
static void test_free_table(void **state)
{
	for (unsigned is_free = 0; is_free < 2; is_free++) {
		struct fault_guest *fault = audit_guest_create(*state);
		uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
		const struct ws_frame_conflict *conflict;
		struct ws_frame_map *map;
		uint64_t table;

		audit_say_of_pages(fault);
		guest_map(fault->guest, root, va, PA_NOBODYS, P | RW);
		audit_put(fault, audit_entry(fault, fault->guest->kept, va, 0),
			  audit_get(fault, audit_entry(fault, root, va, 0)));
		table = audit_entry(fault, root, va, -1) & ~(uint64_t)(WS_FRAME_SIZE - 1);
		audit_put_page(fault, table, 0, 0, 0, is_free ? BUDDY : UINT32_MAX);
		map = map_of(fault);
		conflict = conflict_of(map, "wellformed-freed", table);
		assert_int_equal(conflict != NULL, is_free);
		assert_int_equal(conflicts_in(map), is_free);
		if (conflict)
			assert_int_equal(conflict->space,
					 space_with_root(fault->system, root));
		ws_frame_map_destroy(map);
		fault_guest_destroy(fault);
	}
}

/* A page that is on a list, as a processor's own free ones are; node: what it is linked to. */
static void put_on_list(struct fault_guest *fault, uint64_t pa, uint64_t node)
{
	struct guest *guest = fault->guest;
	uint64_t lru = guest->mem_map + pa / WS_FRAME_SIZE * 32 + 8;
	uint64_t node_va = guest->kind->page_offset + node;

	for (unsigned i = 0; i < 2; i++) {
		guest_put(guest, guest_pa(guest, lru) + i * guest->word, node_va);
		guest_put(guest, node + i * guest->word, lru);
	}
}

/* A processor has a root loaded whose page is nobody's any more, or only seems to be. */
static void test_freed_root_loaded(void **state)
{
	enum { IN_USE, NO_REFERENCE, IN_A_BLOCK, ON_A_LIST };

	for (unsigned i = IN_USE; i <= ON_A_LIST; i++) {
		struct fault_guest *fault = audit_guest_create(*state);
		uint64_t root = PA_NOBODYS, page;
		const struct ws_frame_conflict *conflict;
		struct ws_frame_map *map;

		audit_say_of_pages(fault);
		page = guest_pa(fault->guest, fault->guest->mem_map) +
		       root / WS_FRAME_SIZE * 32;
		audit_put_page(fault, root, 0, 0, 0,
			       i == IN_A_BLOCK ? BUDDY : UINT32_MAX);
		guest_put32(fault->guest, page + 24, i == IN_USE);
		if (i == ON_A_LIST)
			put_on_list(fault, root, PA_NOBODYS + WS_FRAME_SIZE);
		fault_guest_open(fault, FAULT_LAZY);
		fault_guest_cpu(fault)->reg[X86_CR3] = root;
		map = map_of(fault);
		conflict = conflict_of(map, "frames-freed-root", root);
		assert_int_equal(conflict != NULL, i >= IN_A_BLOCK);
		assert_int_equal(conflicts_in(map), i >= IN_A_BLOCK);
		if (conflict) {
			assert_int_equal(conflict->space, WS_NO_SPACE);
			assert_int_equal(conflict->use, WS_FRAME_FREE);
		}
		ws_frame_map_destroy(map);
		fault_guest_destroy(fault);
	}
}

#define PA_TEXT (4u << 20) /* of the small guest's image */

/* What the kernel executes at one address it can write at another, or only read. */
static void test_code_alias(void **state)
{
	static const struct {
		uint64_t pa, rights;
		bool found;
	} cases[] = {
		{ PA_TEXT, P | RW, true },
		{ PA_TEXT, P, false },
		{ PA_NOBODYS, P | RW, false },
	};

	for (unsigned i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = audit_guest_create(*state);
		struct guest *guest = fault->guest;
		uint64_t va = guest->kind->module + WS_FRAME_SIZE;
		const struct ws_frame_conflict *conflict;
		struct ws_frame_map *map;
		bool found = cases[i].found && audit_has_nx(fault);

		guest_map(guest, guest->swapper, va, cases[i].pa,
			  cases[i].rights | (audit_has_nx(fault) ? XD : 0));
		map = map_of(fault);
		conflict = conflict_of(map, "protection-code-alias", cases[i].pa);
		assert_int_equal(conflict != NULL, found);
		assert_int_equal(conflicts_in(map), found);
		if (conflict)
			assert_int_equal(conflict->va, va);
		ws_frame_map_destroy(map);
		fault_guest_destroy(fault);
	}
}

#define TEXT (1u << 20) /* of the image, by its symbols */

static void open_with_text(struct fault_guest *fault)
{
	struct ws_symtab *symtab;

	fault_guest_open(fault, FAULT_NO_SYMBOLS);
	ws_symtab_destroy(fault->system->symtab);
	symtab = ws_symtab_create(fault->system->ctx);
	assert_non_null(symtab);
	fault->system->symtab = symtab;
	for (unsigned end = 0; end < 2; end++) {
		struct ws_symtab_entry entry = { .va = fault->guest->kind->image +
						       end * TEXT,
						 .module = WS_KERNEL_SYMBOL,
						 .type = 'T' };

		assert_int_equal(ws_symtab_add(symtab, WS_FROM_KALLSYMS, &entry,
					       end ? "_etext" : "_stext", 6),
				 WS_OK);
	}
	assert_int_equal(ws_symtab_seal(symtab), WS_OK);
}

/* Which rights of user mode to which memory of the kernel's are a conflict. */
static void test_kernel_memory(void **state)
{
	enum { TABLE, STACK, IMAGE, BEHIND_TEXT };
	static const struct {
		unsigned what;
		uint64_t rights;
		const char *rule;
	} cases[] = {
		{ TABLE, P | US, "frames-user-table" },
		{ TABLE, P | RW | US, "protection-user-table" },
		{ TABLE, P | RW, NULL },
		{ STACK, P | RW | US, "frames-user-kernel" },
		{ STACK, P | US, NULL },
		{ IMAGE, P | RW | US, "frames-user-kernel" },
		{ IMAGE, P | US, NULL },            /* the vDSO */
		{ BEHIND_TEXT, P | RW | US, NULL }, /* init memory, given back */
	};

	for (unsigned i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = audit_guest_create(*state);
		uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
		uint64_t pa = cases[i].what == TABLE   ? root & ~(uint64_t)0xfff
			      : cases[i].what == STACK ? fault_guest_stack(fault, 3).pa
			      : cases[i].what == IMAGE ? fault->guest->image_pa
						       : fault->guest->image_pa + TEXT;
		struct ws_frame_map *map;

		guest_map(fault->guest, root, va, pa, cases[i].rights);
		open_with_text(fault);
		map = map_of(fault);
		assert_int_equal(conflicts_in(map), cases[i].rule != NULL);
		if (cases[i].rule)
			assert_non_null(conflict_of(map, cases[i].rule, pa));
		ws_frame_map_destroy(map);
		fault_guest_destroy(fault);
	}
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "what ranges find is in the map", test_all },
		{ "what is in the map walks find", test_nothing_else },
		{ "edges of a range", test_edges },
		{ "what is shared is one mapping", test_shared },
		{ "sets of spaces", test_sets },
		{ "tables that are absent", test_absent },
		{ "a cycle of tables", test_cycle },
		{ "a healthy guest has no conflict", test_healthy },
		{ "user mode maps free memory", test_free_mapped },
		{ "a table in free memory", test_free_table },
		{ "user mode and the kernel's memory", test_kernel_memory },
		{ "a freed root that is loaded", test_freed_root_loaded },
		{ "code that can be written elsewhere", test_code_alias },
	};

	return guest_run_cases("rmap", cases, WS_ARRAY_SIZE(cases));
}
