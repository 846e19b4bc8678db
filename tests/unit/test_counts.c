/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One count of one dump: who is in and who is out, and that both halves of a space under
 * page-table isolation are one space, whatever is found in which.
 */
#include "fault_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"
#include "linux/roots.h"
#include "report/digest.h"
#include "report/words.h"
#include "util/bits.h"
#include "x86/registers.h"

struct counted {
	struct fault_guest *fault;
	struct digest digest;
};

static void take(struct counted *counted)
{
	struct fault_guest *fault = counted->fault;

	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(digest_make(&counted->digest, fault->system, fault->audit, NULL, 0));
}

static void leave(struct counted *counted)
{
	digest_release(&counted->digest);
	fault_guest_destroy(counted->fault);
}

static size_t of_kind(const struct counted *counted, enum ws_space_kind kind)
{
	size_t n = 0;

	ws_vec_each(&counted->fault->system->spaces, space)
		n += space->kind == (uint32_t)kind;
	return n;
}

static uint32_t index_of(const struct counted *counted, uint64_t root)
{
	for (uint32_t i = 0; i < counted->digest.nspaces; i++)
		if (counted->digest.spaces[i].root == root)
			return i;
	fail_msg("no space has the root %#lx", root);
	return 0;
}

static void expect_who(const struct counted *counted, const char *wanted)
{
	char who[WHO_WORDS];

	assert_string_equal(
		who_counts(counted->digest.spaces, counted->digest.nspaces, who), wanted);
}

static void expect_sentence(const struct counted *counted, const char *wanted)
{
	char *sentence = digest_sentence(&counted->digest);

	assert_non_null(sentence);
	assert_string_equal(sentence, wanted);
	free(sentence);
}

/* The audit counts those that every command counts, and a verdict for each of them. */
static void expect_one_count(const struct counted *counted)
{
	const struct digest *digest = &counted->digest;
	size_t everyone = count_everyone(digest->spaces, digest->nspaces), verdicts = 0;

	assert_int_equal(everyone, of_kind(counted, WS_SPACE_INIT) +
					   of_kind(counted, WS_SPACE_PROCESS) +
					   of_kind(counted, WS_SPACE_UNOWNED));
	assert_int_equal(digest->nchosen, everyone);
	for (size_t v = 0; v < DIGEST_VERDICTS; v++)
		verdicts += digest->nverdict[v];
	assert_int_equal(verdicts, everyone);
	assert_int_equal(digest->ncoherent + digest->sick.n, everyone);
}

/* ---- who is in -------------------------------------------------------------------- */

static void the_words(void **state)
{
	struct counted counted = { .fault = fault_guest_create(*state) };
	const struct guest_kind *kind = counted.fault->guest->kind;
	size_t processes, halves;
	char wanted[WHO_WORDS];

	take(&counted);
	processes = of_kind(&counted, WS_SPACE_PROCESS);
	halves = of_kind(&counted, WS_SPACE_USER);
	assert_int_equal(halves, kind->pti ? processes : 0);
	snprintf(wanted, sizeof(wanted), "counted: init_mm, %zu processes", processes);
	if (halves)
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
			 " (%zu with user halves)", halves);
	snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
		 "; not counted: %zu used by no task, %zu freed",
		 of_kind(&counted, WS_SPACE_LONE), of_kind(&counted, WS_SPACE_FREED));
	expect_who(&counted, wanted);
	snprintf(wanted, sizeof(wanted), "all %zu address spaces are coherent",
		 processes + 1);
	expect_sentence(&counted, wanted);
	expect_one_count(&counted);
	leave(&counted);
}

/* What a processor is in while nobody owns it is in: lone is always out. */
static void no_known_owner_is_in(void **state)
{
	struct counted counted = { .fault = fault_guest_create(*state) };
	struct guest *guest = counted.fault->guest;
	struct ws_cpu *second = ws_vec_push(&guest->target.cpus);

	assert_non_null(second);
	*second = *fault_guest_cpu(counted.fault);
	second->reg[X86_CR3] = guest->freed;
	take(&counted);
	assert_int_equal(of_kind(&counted, WS_SPACE_UNOWNED), 1);
	assert_true(counted.digest.spaces[index_of(&counted, guest->freed)].counts);
	ws_vec_each(&counted.fault->system->spaces, space)
		if (space->kind == WS_SPACE_LONE || space->kind == WS_SPACE_USER)
			assert_false(space->counts);
	expect_one_count(&counted);
	leave(&counted);
}

/* The kernel's own table in its image is out; but not while a processor can run in it. */
static void a_loaded_boot_table_is_in(void **state)
{
	for (unsigned loaded = 0; loaded < 2; loaded++) {
		struct counted counted = { .fault = fault_guest_create(*state) };
		struct guest *guest = counted.fault->guest;
		uint64_t table = guest->image_end - (8 << 12);

		memcpy(guest->memory + table, guest->memory + guest->freed,
		       2 * WS_FRAME_SIZE);
		memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
		if (loaded) {
			struct ws_cpu *second = ws_vec_push(&guest->target.cpus);

			assert_non_null(second);
			*second = *fault_guest_cpu(counted.fault);
			second->reg[X86_CR3] = table;
		}
		take(&counted);
		assert_int_equal(counted.digest.spaces[index_of(&counted, table)].kind,
				 loaded ? WS_SPACE_UNOWNED : WS_SPACE_LONE);
		expect_one_count(&counted);
		leave(&counted);
	}
}

/* The first entry of the user's in a root; its table is no matter. */
static uint64_t first_entry(const struct guest *guest, uint64_t root)
{
	unsigned size = 1u << guest->kind->format->entry_log2;
	uint64_t entry = 0;

	for (unsigned at = 0; !entry; at += size)
		entry = ws_le_word(guest->memory + root + at, size);
	return entry;
}

/* A freed root of which most is no entry any more is nobody's; of half, it may be. */
static void a_reused_page_is_freed(void **state)
{
	enum { ENTRIES = 3, FIRST = 8 };

	for (unsigned more = 0; more < 2; more++) {
		struct counted counted = { .fault = fault_guest_create(*state) };
		struct guest *guest = counted.fault->guest;
		unsigned size = 1u << guest->kind->format->entry_log2;
		uint64_t entry = first_entry(guest, fault_guest_victim(counted.fault));
		uint64_t other = 0xb77a8000; /* not present */
		uint8_t *at = guest->memory + guest->reused + (size_t)FIRST * size;

		memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
		for (unsigned i = 0; i < ENTRIES; i++, at += size)
			put_little(at, size, entry);
		for (unsigned i = 0; i < ENTRIES + more; i++, at += size)
			put_little(at, size, other);
		take(&counted);
		assert_int_equal(
			counted.digest.spaces[index_of(&counted, guest->reused)].kind,
			more ? WS_SPACE_FREED : WS_SPACE_UNOWNED);
		leave(&counted);
	}
}

/* ---- two halves ------------------------------------------------------------------- */

/* What is wrong with a user half alone is its process's, which counts once. */
static void a_sick_half(void **state)
{
	struct counted counted = { .fault = fault_guest_create(*state) };
	struct fault_guest *fault = counted.fault;
	uint64_t victim = fault_guest_victim(fault);
	struct ws_judgement whole;
	uint32_t at;

	fault_guest_hide_page(fault, victim + WS_FRAME_SIZE,
			      fault->entry_text.va + 0x3000);
	take(&counted);
	at = index_of(&counted, victim);
	assert_int_equal(counted.digest.judgements[at].verdict, WS_COHERENT);
	assert_int_equal(counted.digest.judgements[at + 1].verdict, WS_NESTS);
	whole = ws_audit_whole(fault->audit, at);
	assert_int_equal(whole.verdict, WS_NESTS);
	assert_non_null(strstr(whole.reasons, "victim (user half): "));
	assert_int_equal(counted.digest.nverdict[WS_NESTS], 1);
	assert_int_equal(counted.digest.sick.n, 1);
	assert_int_equal(counted.digest.sick.v[0], at);
	expect_one_count(&counted);
	leave(&counted);
}

/* The same in both halves is a finding of each, and of one space. */
static void both_halves_sick(void **state)
{
	struct counted counted = { .fault = fault_guest_create(*state) };
	struct fault_guest *fault = counted.fault;
	uint64_t victim = fault_guest_victim(fault);
	uint32_t at;

	fault_guest_hide_page(fault, victim, fault->idt.va);
	fault_guest_hide_page(fault, victim + WS_FRAME_SIZE, fault->idt.va);
	take(&counted);
	at = index_of(&counted, victim);
	assert_int_equal(counted.digest.judgements[at].verdict, WS_DOUBLE_FAULTS);
	assert_int_equal(counted.digest.judgements[at + 1].verdict, WS_DOUBLE_FAULTS);
	assert_int_equal(counted.digest.nverdict[WS_DOUBLE_FAULTS], 1);
	assert_int_equal(counted.digest.cases.n, 1);
	assert_int_equal(ws_audit_whole(fault->audit, at).nfindings,
			 counted.digest.judgements[at].nfindings +
				 counted.digest.judgements[at + 1].nfindings);
	ws_vec_each(&counted.digest.groups, group) {
		uint32_t spaces = 0;

		for (uint32_t i = 0; i < group->nfindings; i++)
			spaces |= counted.digest.by_group[group->at + i]->space == at ||
				  counted.digest.by_group[group->at + i]->space == at + 1;
		if (spaces)
			assert_int_equal(group->nspaces, 1);
	}
	expect_one_count(&counted);
	leave(&counted);
}

/* A half that is not known keeps the whole from being known, or makes it "at least". */
static void an_unknown_half(void **state)
{
	struct counted counted = { .fault = fault_guest_create(*state) };
	struct fault_guest *fault = counted.fault;
	uint64_t victim = fault_guest_victim(fault);
	struct ws_judgement whole;

	guest_leave_out(fault->guest, victim + WS_FRAME_SIZE);
	take(&counted);
	whole = ws_audit_whole(fault->audit, index_of(&counted, victim));
	assert_int_equal(whole.verdict, WS_UNKNOWN);
	assert_int_equal(whole.known, WS_COHERENT);
	assert_true(whole.nlacks && whole.lack);
	assert_int_equal(counted.digest.nverdict[WS_UNKNOWN], 1);
	expect_one_count(&counted);
	leave(&counted);

	counted = (struct counted){ .fault = fault_guest_create(*state) };
	fault = counted.fault;
	victim = fault_guest_victim(fault);
	fault_guest_hide(fault, victim, fault->guest->kind->image);
	guest_leave_out(fault->guest, victim + WS_FRAME_SIZE);
	take(&counted);
	whole = ws_audit_whole(fault->audit, index_of(&counted, victim));
	assert_int_equal(whole.verdict, WS_NESTS);
	assert_true(whole.at_least);
	leave(&counted);
}

/* ---- all kinds x all cases -------------------------------------------------------- */

static const struct {
	const char *name;
	CMUnitTestFunction test;
	bool pti;   /* about user halves */
	bool table; /* about roots that are tables, as PAE's are not */
} cases[] = {
	{ "the words", the_words, false },
	{ "no known owner", no_known_owner_is_in, false },
	{ "a loaded boot table", a_loaded_boot_table_is_in, false },
	{ "a reused page", a_reused_page_is_freed, false, true },
	{ "a sick half", a_sick_half, true },
	{ "both halves sick", both_halves_sick, true },
	{ "an unknown half", an_unknown_half, true },
};

#define KINDS_MAX 16

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(cases) * KINDS_MAX];
	char names[WS_ARRAY_SIZE(cases) * KINDS_MAX][96];
	const struct guest_kind *kind;
	size_t n = 0;

	for (unsigned k = 0; k < KINDS_MAX && (kind = guest_kind_at(k)); k++)
		for (size_t c = 0; c < WS_ARRAY_SIZE(cases); c++) {
			bool is_table =
				ws_root_kind(kind->format) == WS_ROOT_HOLDS_KERNEL;

			if ((cases[c].pti && !kind->pti) || (cases[c].table && !is_table))
				continue;
			snprintf(names[n], sizeof(names[n]), "%s: %s", kind->name,
				 cases[c].name);
			tests[n] = (struct CMUnitTest){ .name = names[n],
							.test_func = cases[c].test,
							.initial_state = (void *)kind };
			n++;
		}
	return _cmocka_run_group_tests("counts", tests, n, NULL, NULL);
}
