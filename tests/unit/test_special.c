/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables that no task uses: in a small guest with those that Linux has, made as the
 * kernel makes them, and with one word of them changed.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "linux/roots.h"
#include "x86/registers.h"

/* Frames of low memory, and one of the image's data, that nothing else is in. */
#define PA_CODE 0x99000u
#define PA_TRAMPOLINE 0x9c000u
#define PA_MM 0x98000u
#define PA_INITIAL ((6u << 20) + 0x40000)
/* In the image's text: where a processor goes on once paging is on. */
#define STARTUP 0x800

struct own {
	struct fault_guest *fault;
	uint64_t root; /* of trampoline_pgd, or initial_page_table */
	const char *name;
};

static bool is_wide(const struct own *own)
{
	return own->fault->guest->word == 8;
}

static unsigned first_kernel(const struct own *own)
{
	const struct guest *guest = own->fault->guest;

	return is_wide(own) ? 256
			    : (unsigned)(guest->kind->page_offset >>
					 guest->kind->format->level[0].shift);
}

static uint64_t entry_at(const struct own *own, uint64_t root, unsigned slot)
{
	return root + ((uint64_t)slot << own->fault->guest->kind->format->entry_log2);
}

static void copy_kernel_entries(struct own *own, unsigned to)
{
	struct fault_guest *fault = own->fault;
	unsigned first = first_kernel(own);
	unsigned n = (1u << fault->guest->kind->format->level[0].bits) - first;

	for (unsigned i = 0; i < n; i++)
		audit_put(fault, entry_at(own, own->root, to + i),
			  audit_get(fault,
				    entry_at(own, fault->guest->swapper, first + i)));
}

/* Real-mode code: the only page of low memory that is executable and read-only. */
static void make_code(struct own *own)
{
	struct guest *guest = own->fault->guest;
	uint64_t va = guest->kind->page_offset + PA_CODE;

	audit_change(own->fault, audit_entry(own->fault, guest->swapper, va, -1), 0,
		     RW | XD);
}

static struct own own_create(const struct guest_kind *kind)
{
	struct own own = { .fault = audit_guest_create(kind) };

	own.root = is_wide(&own) ? PA_TRAMPOLINE : PA_INITIAL;
	own.name = is_wide(&own) ? "trampoline_pgd" : "initial_page_table";
	make_code(&own);
	copy_kernel_entries(&own, first_kernel(&own));
	if (is_wide(&own))
		guest_map(own.fault->guest, own.root, PA_CODE, PA_CODE, P);
	else
		copy_kernel_entries(&own, 0);
	return own;
}

static void add_symbol(struct own *own, const char *name, uint64_t va)
{
	struct ws_symtab *symtab = own->fault->system->symtab;
	struct ws_symtab_entry entry = { .va = va,
					 .module = WS_KERNEL_SYMBOL,
					 .type = 'T' };

	assert_int_equal(
		ws_symtab_add(symtab, WS_FROM_KALLSYMS, &entry, name, strlen(name)),
		WS_OK);
	assert_int_equal(ws_symtab_seal(symtab), WS_OK);
}

static void audit_own(struct own *own, enum fault_symbols symbols)
{
	uint64_t image = own->fault->guest->kind->image;

	if (!own->fault->system)
		fault_guest_open(own->fault, symbols);
	add_symbol(own, is_wide(own) ? "secondary_startup_64" : "startup_32_smp",
		   image + STARTUP);
	add_symbol(own, "behind_startup", image + STARTUP + 0x40);
	fault_guest_audit(own->fault, symbols);
}

static const struct ws_special_judgement *judgement_of(const struct own *own,
						       const char *name)
{
	const struct ws_special_judgement *judgements;
	size_t n;

	judgements = ws_audit_specials(own->fault->audit, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(judgements[i].name, name))
			return &judgements[i];
	return NULL;
}

static void expect_state(const struct own *own, const char *name,
			 enum ws_special_state state)
{
	const struct ws_special_judgement *judgement = judgement_of(own, name);

	assert_non_null(judgement);
	assert_int_equal(judgement->state, state);
}

static bool has_note(const struct own *own, const char *part)
{
	for (unsigned i = 0; ws_audit_note(own->fault->audit, i); i++)
		if (strstr(ws_audit_note(own->fault->audit, i), part))
			return true;
	return false;
}

/* One finding of the rule, of that severity, and no verdict of it. */
static void expect_broken(struct own *own, const char *rule, enum ws_severity severity,
			  const char *part)
{
	const struct ws_finding *finding =
		audit_expect(own->fault, rule, own->root, part);

	assert_int_equal(finding->severity, severity);
	assert_true(finding->machine);
	assert_non_null(strstr(finding->text, own->name));
	expect_state(own, own->name, WS_SPECIAL_BROKEN);
	audit_expect_verdicts(own->fault, WS_SPACE_PROCESS, WS_COHERENT);
}

/* ---- as they are made ---------------------------------------------------------------- */

static void what_is_as_it_was_made_is_named_and_kept(void **state)
{
	struct own own = own_create(*state);
	uint32_t space;

	audit_own(&own, FAULT_NOT_LAZY);
	audit_expect_none(own.fault, "special");
	expect_state(&own, own.name, WS_SPECIAL_KEPT);
	space = space_with_root(own.fault->system, own.root);
	assert_int_equal(own.fault->system->spaces.v[space].kind, WS_SPACE_LONE);
	assert_string_equal(own.fault->system->spaces.v[space].comm, own.name);
	assert_false(own.fault->system->spaces.v[space].counts);
	fault_guest_destroy(own.fault);
}

static void accessed_bits_are_no_difference(void **state)
{
	struct own own = own_create(*state);

	audit_change(own.fault, entry_at(&own, own.root, first_kernel(&own)), ACCESSED,
		     0);
	audit_own(&own, FAULT_NOT_LAZY);
	audit_expect_none(own.fault, "special");
	fault_guest_destroy(own.fault);
}

/* 51523ed1c267: kernels before it have the image's entry alone. */
static void an_older_trampoline_need_not_map_the_direct_map(void **state)
{
	struct own own = own_create(*state);

	for (unsigned slot = 256; slot < 511; slot++)
		audit_put(own.fault, entry_at(&own, own.root, slot), 0);
	audit_own(&own, FAULT_NOT_LAZY);
	audit_expect_none(own.fault, "special");
	expect_state(&own, own.name, WS_SPECIAL_KEPT);
	fault_guest_destroy(own.fault);
}

/* ---- holes --------------------------------------------------------------------------- */

static void a_hole_in_the_entry_area_ends_a_processor_that_comes_up(void **state)
{
	struct own own = own_create(*state);
	const struct guest_kind *kind = own.fault->guest->kind;

	audit_put(own.fault, audit_entry(own.fault, own.root, kind->cpu_entry, 0), 0);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-hole", WS_FATAL,
		      "(cpu_entry_area; PDE 1023 is empty)");
	fault_guest_destroy(own.fault);
}

static void without_the_image_a_trampoline_leads_nowhere(void **state)
{
	struct own own = own_create(*state);
	unsigned fatal = 0;

	audit_put(own.fault, entry_at(&own, own.root, 511), 0);
	audit_own(&own, FAULT_NOT_LAZY);
	ws_vec_each(&own.fault->audit->findings, finding)
		fatal += !strcmp(finding->rule->id, "special-hole") &&
			 finding->severity == WS_FATAL &&
			 strstr(finding->text, "secondary_startup_64");
	assert_int_equal(fatal, 1);
	expect_state(&own, own.name, WS_SPECIAL_BROKEN);
	fault_guest_destroy(own.fault);
}

static void where_init_mm_has_a_hole_too_nothing_is_amiss(void **state)
{
	struct own own = own_create(*state);
	uint64_t va = own.fault->guest->kind->page_offset + GUEST_MEMORY - WS_FRAME_SIZE;
	struct fault_guest *fault = own.fault;

	audit_put(fault, audit_entry(fault, fault->guest->swapper, va, -1), 0);
	audit_own(&own, FAULT_NOT_LAZY);
	audit_expect_none(fault, "special");
	fault_guest_destroy(fault);
}

/* Held to its own duties alone: it is not meant to be like init_mm. */
static void what_a_processor_is_in_is_held_to_its_duties(void **state)
{
	struct own own = own_create(*state);
	const struct guest_kind *kind = own.fault->guest->kind;
	uint32_t space;

	audit_put(own.fault, audit_entry(own.fault, own.root, kind->cpu_entry, 0), 0);
	fault_guest_cpu(own.fault)->reg[X86_CR3] = own.root;
	audit_own(&own, FAULT_NOT_LAZY);
	space = space_with_root(own.fault->system, own.root);
	assert_int_equal(own.fault->system->spaces.v[space].kind, WS_SPACE_UNOWNED);
	assert_string_equal(own.fault->system->spaces.v[space].comm, own.name);
	assert_int_equal(audit_count(own.fault, "coherence-missing", own.root), 0);
	assert_int_equal(audit_count(own.fault, "special-hole", own.root), 1);
	fault_guest_destroy(own.fault);
}

/* ---- identity ------------------------------------------------------------------------ */

static void code_that_is_not_mapped_to_itself_is_fatal(void **state)
{
	struct own own = own_create(*state);

	if (is_wide(&own))
		audit_put(own.fault, audit_entry(own.fault, own.root, PA_CODE, -1), 0);
	else
		audit_put(own.fault, entry_at(&own, own.root, 0), 0);
	audit_own(&own, FAULT_NOT_LAZY);
	if (is_wide(&own))
		expect_broken(&own, "special-identity", WS_FATAL, "its real-mode code");
	else /* it is known by that entry alone, where there is no other */
		expect_state(&own, own.name,
			     audit_count(own.fault, "special-identity", own.root)
				     ? WS_SPECIAL_BROKEN
				     : WS_SPECIAL_UNKNOWN);
	fault_guest_destroy(own.fault);
}

static void code_that_leads_elsewhere_is_fatal(void **state)
{
	struct own own = own_create(*state);

	audit_change(own.fault, audit_entry(own.fault, own.root, PA_CODE, -1),
		     PA_CODE ^ 0x1000, 0x1000);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-identity", WS_FATAL, "0x99000 to 0x99fff");
	fault_guest_destroy(own.fault);
}

static void code_that_may_not_be_executed_is_fatal(void **state)
{
	struct own own = own_create(*state);

	audit_change(own.fault, audit_entry(own.fault, own.root, PA_CODE, -1), XD, 0);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-identity", WS_FATAL, "to itself, executable");
	fault_guest_destroy(own.fault);
}

/* ---- other memory, rights, user ------------------------------------------------------ */

static void another_table_than_init_mms_is_other_memory(void **state)
{
	struct own own = own_create(*state);
	struct guest *guest = own.fault->guest;
	uint64_t entry = guest_own_entry(guest, own.root, guest->kind->cpu_entry);

	audit_change(own.fault, entry, 0x1000, 0);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-target", is_wide(&own) ? WS_WARNING : WS_FATAL,
		      "to other memory than init_mm does");
	fault_guest_destroy(own.fault);
}

static void a_right_that_init_mm_grants_is_not_withheld(void **state)
{
	struct own own = own_create(*state);
	struct guest *guest = own.fault->guest;
	uint64_t va = guest->kind->page_offset + (1u << 20);
	uint64_t entry = guest_own_entry(guest, own.root, va);

	audit_change(own.fault, entry, 0, RW);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-rights", is_wide(&own) ? WS_WARNING : WS_FATAL,
		      "rights that init_mm grants");
	fault_guest_destroy(own.fault);
}

static void what_user_mode_may_touch_is_found(void **state)
{
	struct own own = own_create(*state);
	unsigned bits = own.fault->guest->kind->format->va_bits;

	guest_map(own.fault->guest, own.root, ~UINT64_C(0) << (bits - 1), PA_MM,
		  P | RW | US);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_broken(&own, "special-user", WS_ERROR, "to user mode");
	fault_guest_destroy(own.fault);
}

/* ---- unknown ------------------------------------------------------------------------- */

static void a_table_that_is_not_there_is_named(void **state)
{
	struct own own = own_create(*state);
	struct guest *guest = own.fault->guest;
	uint64_t entry = guest_own_entry(guest, own.root, guest->kind->cpu_entry);

	guest_leave_out(guest, entry);
	audit_own(&own, FAULT_NOT_LAZY);
	audit_expect_none(own.fault, "special");
	expect_state(&own, own.name, WS_SPECIAL_UNKNOWN);
	assert_true(has_note(&own, "maps all that it is for is unknown"));
	fault_guest_destroy(own.fault);
}

/* ---- poking_mm, by its symbol -------------------------------------------------------- */

static uint64_t give_poking_mm(struct own *own)
{
	struct guest *guest = own->fault->guest;
	uint64_t direct = guest->kind->page_offset;

	guest_put(guest, PA_MM + 0x800, direct + PA_MM);
	guest_put(guest, PA_MM + GUEST_PGD_OFFSET, direct + guest->kept);
	return direct + PA_MM + 0x800;
}

static void poking_mm_is_found_by_its_symbol(void **state)
{
	struct own own = own_create(*state);
	uint64_t va = give_poking_mm(&own);
	uint32_t space;

	fault_guest_open(own.fault, FAULT_NOT_LAZY);
	add_symbol(&own, "poking_mm", va);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_state(&own, "poking_mm", WS_SPECIAL_KEPT);
	space = space_with_root(own.fault->system, own.fault->guest->kept);
	assert_string_equal(own.fault->system->spaces.v[space].comm, "poking_mm");
	fault_guest_destroy(own.fault);
}

static void what_poking_mm_lacks_is_an_error_but_where_it_heals(void **state)
{
	static const enum fault_symbols symbols[] = { FAULT_NOT_LAZY, FAULT_LAZY };

	for (unsigned i = 0; i < WS_ARRAY_SIZE(symbols); i++) {
		struct own own = own_create(*state);
		struct guest *guest = own.fault->guest;
		uint64_t va = give_poking_mm(&own);
		const struct ws_finding *finding;

		fault_guest_hide(own.fault, guest->kept, guest->kind->module);
		fault_guest_open(own.fault, symbols[i]);
		add_symbol(&own, "poking_mm", va);
		audit_own(&own, symbols[i]);
		finding = audit_expect(own.fault, "special-hole", guest->kept,
				       "changing the kernel's text");
		assert_int_equal(finding->severity, i ? WS_WARNING : WS_ERROR);
		fault_guest_destroy(own.fault);
	}
}

static void a_poking_mm_that_is_not_there_is_unknown(void **state)
{
	struct own own = own_create(*state);
	uint64_t va = give_poking_mm(&own);

	guest_leave_out(own.fault->guest, PA_MM);
	fault_guest_open(own.fault, FAULT_NOT_LAZY);
	add_symbol(&own, "poking_mm", va);
	audit_own(&own, FAULT_NOT_LAZY);
	expect_state(&own, "poking_mm", WS_SPECIAL_UNKNOWN);
	assert_true(has_note(&own, "whether poking_mm maps"));
	fault_guest_destroy(own.fault);
}

static void a_poking_mm_that_was_not_made_yet_is_none(void **state)
{
	struct own own = own_create(*state);

	fault_guest_open(own.fault, FAULT_NOT_LAZY);
	add_symbol(&own, "poking_mm",
		   own.fault->guest->kind->page_offset + PA_MM + 0x800);
	audit_own(&own, FAULT_NOT_LAZY);
	assert_null(judgement_of(&own, "poking_mm"));
	fault_guest_destroy(own.fault);
}

#define CASE(test, needs)          \
	{                          \
#test, test, needs \
	}

int main(void)
{
	static const struct guest_case cases[] = {
		CASE(what_is_as_it_was_made_is_named_and_kept, 0),
		CASE(accessed_bits_are_no_difference, 0),
		CASE(an_older_trampoline_need_not_map_the_direct_map, GUEST_64_BITS),
		CASE(a_hole_in_the_entry_area_ends_a_processor_that_comes_up, GUEST_I386),
		CASE(without_the_image_a_trampoline_leads_nowhere, GUEST_64_BITS),
		CASE(where_init_mm_has_a_hole_too_nothing_is_amiss, 0),
		CASE(what_a_processor_is_in_is_held_to_its_duties,
		     GUEST_64_BITS | GUEST_MOST_4_LEVELS),
		CASE(code_that_is_not_mapped_to_itself_is_fatal, 0),
		CASE(code_that_leads_elsewhere_is_fatal, GUEST_64_BITS),
		CASE(code_that_may_not_be_executed_is_fatal, GUEST_64_BITS),
		CASE(another_table_than_init_mms_is_other_memory, GUEST_MOST_4_LEVELS),
		CASE(a_right_that_init_mm_grants_is_not_withheld,
		     GUEST_64_BITS | GUEST_MOST_4_LEVELS),
		CASE(what_user_mode_may_touch_is_found, GUEST_64_BITS),
		CASE(a_table_that_is_not_there_is_named, GUEST_MOST_4_LEVELS),
		CASE(poking_mm_is_found_by_its_symbol, GUEST_OWN_KERNEL),
		CASE(what_poking_mm_lacks_is_an_error_but_where_it_heals, GUEST_I386),
		CASE(a_poking_mm_that_is_not_there_is_unknown, GUEST_OWN_KERNEL),
		CASE(a_poking_mm_that_was_not_made_yet_is_none, GUEST_OWN_KERNEL),
	};

	return guest_run_cases("special", cases, WS_ARRAY_SIZE(cases));
}
