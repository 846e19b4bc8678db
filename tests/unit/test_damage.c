/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A root that was overwritten as a whole is no table with holes: nothing that lies there
 * is held against its process. One with holes stays what it is.
 */
#include "common/random.h"
#include "fault_guest.h"
#include "linux/roots.h"
#include "x86/whatif/whatif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum pattern { ZEROS, ONES, RANDOM, PATTERNS };

static struct fault_guest *create(void **state)
{
	return fault_guest_create(*state);
}

/* A PDPT shares its page with others. */
static size_t root_size(const struct fault_guest *fault)
{
	return ws_private_level(fault->guest->kind->format) ? 32 : WS_FRAME_SIZE;
}

static void overwrite(struct fault_guest *fault, uint64_t pa, enum pattern pattern)
{
	struct random random = { 20120 };
	uint8_t *bytes = fault->guest->memory + pa;
	size_t size = root_size(fault);

	memset(bytes, pattern == ONES ? 0xff : 0, size);
	for (size_t i = 0; pattern == RANDOM && i < size; i++)
		bytes[i] = (uint8_t)random_next(&random);
}

/* That one is unknown for what lies at its root, and nothing is found in anyone. */
static void expect_damaged(const struct fault_guest *fault, uint64_t root)
{
	uint32_t damaged = space_with_root(fault->system, root);

	for (uint32_t i = 0; i < fault->system->spaces.n; i++) {
		const struct ws_judgement *judgement = &fault->audit->judgements.v[i];

		assert_int_equal(fault->system->spaces.v[i].looks_damaged, i == damaged);
		assert_int_equal(judgement->verdict,
				 i == damaged ? WS_UNKNOWN : WS_COHERENT);
	}
	assert_non_null(strstr(fault->audit->judgements.v[damaged].reasons,
			       "is damaged, or in other use"));
	assert_int_equal(fault->audit->judgements.v[damaged].known, WS_COHERENT);
	ws_vec_each(&fault->audit->findings, finding)
		if (strcmp(finding->rule->family, "protection") != 0)
			fail_msg("%s: %s", finding->rule->id, finding->text);
}

static void expect_no_story(struct fault_guest *fault, uint64_t root)
{
	struct ws_machine *machine;
	struct ws_story story;

	assert_int_equal(ws_machine_create(fault->audit, &machine), WS_OK);
	for (uint8_t mode = WS_FAULT_USER; mode <= WS_FAULT_KERNEL; mode++) {
		struct ws_what_if what_if = {
			.space = space_with_root(fault->system, root), .mode = mode
		};

		assert_int_equal(ws_machine_what_if(machine, &what_if, &story),
				 WS_ERR_UNKNOWN);
		assert_int_equal(story.fate, WS_FATE_UNKNOWN);
		assert_non_null(
			strstr(ws_error(fault->system->ctx, 0), "does not look like a"));
		ws_error_clear(fault->system->ctx);
	}
	ws_machine_destroy(machine);
}

static void an_overwritten_root_is_unknown(void **state)
{
	for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);

		overwrite(fault, victim, pattern);
		fault_guest_audit(fault, FAULT_LAZY);
		expect_damaged(fault, victim);
		expect_no_story(fault, victim);
		fault_guest_destroy(fault);
	}
}

static void an_overwritten_user_half_is_unknown(void **state)
{
	for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
		struct fault_guest *fault = create(state);
		uint64_t half = fault_guest_victim(fault) + WS_FRAME_SIZE;

		overwrite(fault, half, pattern);
		fault_guest_audit(fault, FAULT_LAZY);
		expect_damaged(fault, half);
		fault_guest_destroy(fault);
	}
}

/* ---- holes ------------------------------------------------------------------------ */

/* Leaves so many of the entries by which roots are known, and clears the others. */
static void leave(struct fault_guest *fault, const struct ws_likeness *l, unsigned left)
{
	struct guest *guest = fault->guest;
	unsigned size = 1u << l->entry_log2;
	uint64_t first = guest_private_entry(guest, fault_guest_victim(fault),
					     guest->kind->page_offset);
	uint8_t *table = guest->memory + (first & -(uint64_t)WS_FRAME_SIZE);

	for (unsigned i = left; i < l->nslots; i++)
		memset(table + (size_t)l->slot[i] * size, 0, size);
}

/*
 * Of eight entries and more, half must be there; of fewer, one. More than a quarter that
 * lead elsewhere make another table of it, too.
 */
static void holes_are_no_damage(void **state)
{
	for (unsigned less = 0; less < 2; less++) {
		struct fault_guest *fault = create(state), *whole = create(state);
		struct ws_likeness likeness;
		uint64_t victim = fault_guest_victim(fault);
		const struct ws_space *space;
		unsigned most;

		fault_guest_open(whole, FAULT_LAZY);
		assert_true(ws_likeness_take(whole->system, &likeness));
		most = likeness.nslots < 8 ? 1 : (likeness.nslots + 1) / 2;
		leave(fault, &likeness, most - less);
		fault_guest_audit(fault, FAULT_LAZY);
		space = &fault->system->spaces.v[space_with_root(fault->system, victim)];
		assert_int_equal(space->looks_damaged, less);
		if (less)
			expect_damaged(fault, victim);
		else
			assert_true(fault->audit->judgements
					    .v[space_with_root(fault->system, victim)]
					    .known > WS_UNKNOWN);
		fault_guest_destroy(whole);
		fault_guest_destroy(fault);
	}
}

/* One entry that is gone, in a user half: of few there are, and the user's are there. */
static void a_hole_in_a_user_half_is_no_damage(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t half = fault_guest_victim(fault) + WS_FRAME_SIZE;

	fault_guest_hide(fault, half, fault->entry_text.va);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_false(fault->system->spaces.v[space_with_root(fault->system, half)]
			     .looks_damaged);
	assert_true(fault->audit->judgements.v[space_with_root(fault->system, half)]
			    .verdict >= WS_NESTS);
	fault_guest_destroy(fault);
}

/* ---- other places ----------------------------------------------------------------- */

static void a_root_beyond_memory_is_unknown(void **state)
{
	struct fault_guest *fault = create(state);
	struct ws_space *space;

	fault_guest_open(fault, FAULT_LAZY);
	space = &fault->system->spaces
			 .v[space_with_root(fault->system, fault_guest_victim(fault))];
	space->root = GUEST_MEMORY + 0x200000;
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(
		fault->audit->judgements.v[space - fault->system->spaces.v].verdict,
		WS_UNKNOWN);
	assert_null(strstr(fault->audit->judgements.v[1].reasons
				   ? fault->audit->judgements.v[1].reasons
				   : "",
			   "evidence"));
	fault_guest_destroy(fault);
}

/* That of init_mm, which nobody runs on, is no reason to suspect all others. */
static void an_overwritten_reference_half_is_no_reference(void **state)
{
	for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
		struct fault_guest *fault = create(state);

		overwrite(fault, fault->guest->swapper + WS_FRAME_SIZE, pattern);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_true(fault->audit->no_user_reference);
		for (uint32_t i = 0; i < fault->system->spaces.n; i++)
			assert_int_equal(fault->audit->judgements.v[i].verdict,
					 WS_COHERENT);
		fault_guest_destroy(fault);
	}
}

/* The last table on the way to va, in init_mm. */
static uint64_t last_table(const struct fault_guest *fault, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&fault->system->paging, fault->guest->swapper, va, &trail);
	return trail.step[trail.nsteps - 1].table;
}

/* A table that all share, one byte all over: what lies behind it is unknown. */
static void an_overwritten_shared_table_is_unknown(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0xff, 0x01 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(bytes); i++) {
		struct fault_guest *fault = create(state);
		const struct ws_space *spaces;

		fault_guest_open(fault, FAULT_LAZY);
		memset(fault->guest->memory + last_table(fault, fault->idt.va), bytes[i],
		       WS_FRAME_SIZE);
		fault_guest_audit(fault, FAULT_LAZY);
		spaces = fault->system->spaces.v;
		ws_vec_each(&fault->audit->findings, finding)
			if (!finding->machine &&
			    strcmp(finding->rule->family, "protection") &&
			    spaces[finding->space].kind != WS_SPACE_USER)
				fail_msg("%s: %s", finding->rule->id, finding->text);
		for (uint32_t s = 0; s < fault->system->spaces.n; s++)
			if (ws_audited(fault->audit, s))
				assert_int_equal(fault->audit->judgements.v[s].verdict,
						 WS_UNKNOWN);
		fault_guest_destroy(fault);
	}
}

/* So many entries of one table lead to where no memory is: 16 are listed. */
static void what_is_alike_in_one_table_is_bounded(void **state)
{
	static const unsigned counts[] = { 16, 17, 512 };

	for (size_t c = 0; c < WS_ARRAY_SIZE(counts); c++) {
		struct fault_guest *fault = create(state);
		struct ws_trail trail;
		unsigned listed = 0, more = 0;

		fault_guest_open(fault, FAULT_LAZY);
		ws_walk(&fault->system->paging, fault->guest->swapper,
			fault->guest->kind->module, &trail);
		for (unsigned i = 0; i < counts[c]; i++)
			guest_put(fault->guest,
				  trail.step[trail.nsteps - 2].table + 8ul * i,
				  (GUEST_MEMORY + (512ul + i) * WS_FRAME_SIZE) | 0x67);
		fault_guest_audit(fault, FAULT_LAZY);
		ws_vec_each(&fault->audit->findings, finding) {
			listed += !strcmp(finding->rule->id, "wellformed-outside");
			more += strstr(finding->text, "not listed") != NULL;
		}
		assert_int_equal(listed, 16);
		assert_int_equal(more, counts[c] > 16);
		fault_guest_destroy(fault);
	}
}

/* Symbols that no gate bears out: nobody is judged by what lies where they lead. */
static void entry_text_is_held_against_gates(void **state)
{
	for (unsigned damaged = 0; damaged < 2; damaged++) {
		struct fault_guest *fault = create(state);
		unsigned needs = 0;
		size_t n;
		const struct ws_need *need;

		fault_guest_open(fault, FAULT_LAZY);
		ws_vec_each(&fault->system->symtab->entries, entry)
			if (damaged && entry->va >= fault->entry_text.va &&
			    entry->va <= fault->entry_text.va + 0x4000)
				entry->va += 0x10000;
		fault_guest_audit(fault, FAULT_LAZY);
		need = ws_audit_needs(fault->audit, &n);
		for (size_t i = 0; i < n; i++)
			needs += !strcmp(need[i].rule->id, "faultpath-entry-text");
		assert_int_equal(needs, !damaged);
		for (uint32_t i = 0; damaged && i < fault->system->spaces.n; i++)
			assert_true(fault->audit->judgements.v[i].verdict <= WS_UNKNOWN);
		fault_guest_destroy(fault);
	}
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "an overwritten root", an_overwritten_root_is_unknown, 0 },
		{ "an overwritten user half", an_overwritten_user_half_is_unknown,
		  GUEST_PTI },
		{ "holes", holes_are_no_damage, GUEST_OWN_KERNEL },
		{ "a hole in a user half", a_hole_in_a_user_half_is_no_damage,
		  GUEST_PTI },
		{ "a root beyond memory", a_root_beyond_memory_is_unknown, 0 },
		{ "the entry text's symbols", entry_text_is_held_against_gates, 0 },
		{ "the reference's user half",
		  an_overwritten_reference_half_is_no_reference, GUEST_PTI },
		{ "an overwritten shared table", an_overwritten_shared_table_is_unknown,
		  GUEST_NO_PTI },
		{ "many in one table", what_is_alike_in_one_table_is_bounded,
		  GUEST_64_BITS | GUEST_MOST_4_LEVELS },
	};

	return guest_run_cases("damage", cases, WS_ARRAY_SIZE(cases));
}
