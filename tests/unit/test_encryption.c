/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encrypted memory of which neither a register nor VMCOREINFO says the bit: what memory
 * shows of it, what does not suffice, and what the caller says.
 */
#include "discovery.h"

#include <stdlib.h>
#include <unistd.h>

#include "paging/format.h"
#include "util/cleanup.h"

#define LISTS (11u << 20) /* pa of memory that is nobody's */
#define BIT 47
#define MASK (UINT64_C(1) << BIT)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define NOTE "no register and no VMCOREINFO says the bit of encrypted memory"
#define ENTRIES_MIN 32

/* What a dump without control registers and VMCOREINFO holds. */
static struct guest *create(void **state, uint64_t bit)
{
	const struct guest_kind *kind = *state;
	struct guest *guest = guest_create(kind);

	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
	guest->target.cpus.n = 0;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t pa = LISTS + i * 64;

		guest_put(guest, pa, kind->page_offset + pa);
	}
	if (bit)
		guest_encrypt(guest, bit);
	return guest;
}

/* Entries below a table, of level `level`, that lead to tables. */
static unsigned count(const struct guest *guest, uint64_t table, unsigned level)
{
	unsigned n = 0;

	for (unsigned i = 0; level + 1u < guest->kind->format->nlevels && i < 512; i++) {
		uint64_t entry = guest_get(guest, table + i * 8);

		if (entry & 1)
			n += 1 + count(guest, entry & ADDRESS & ~MASK, level + 1);
	}
	return n;
}

/* So many below init_mm's root and no other's: beside the image each 2 MiB are a table. */
static void make_entries(struct guest *guest, unsigned n)
{
	uint64_t va = guest->kind->module + (UINT64_C(1) << 21);

	for (; count(guest, guest->swapper, 0) < n; va += UINT64_C(1) << 21)
		guest_map(guest, guest->swapper, va, guest->module_pa, 3);
	assert_int_equal(count(guest, guest->swapper, 0), n);
}

static struct guest *create_with(void **state, unsigned entries)
{
	struct guest *guest = create(state, 0);

	make_entries(guest, entries);
	guest_encrypt(guest, MASK);
	return guest;
}

static void expect_encrypted(struct guest *guest, bool noted)
{
	struct ws_system *system = open_system(guest);

	assert_int_equal(system->encryption.bit, MASK);
	assert_int_equal(ws_format_encryption_bit(system->paging.format), MASK);
	assert_int_equal(system->layout.page_offset, guest->kind->page_offset);
	assert_int_equal(system->layout.reference, guest->swapper);
	assert_int_equal(system->tasks.n, guest->ntasks);
	assert_int_equal(has_note(system, NOTE), noted);
	ws_system_close(system);
	guest_destroy(guest);
}

static void expect_refused(struct guest *guest, enum ws_status status, const char *words)
{
	struct ws_system *system = NULL;

	assert_int_equal(ws_system_open(&guest->target, NULL, &system), status);
	if (!strstr(ws_error(guest->target.ctx, 0), words))
		fail_msg("not '%s': %s", words, ws_error(guest->target.ctx, 0));
	guest_destroy(guest);
}

static void tables_that_agree_show_it(void **state)
{
	expect_encrypted(create_with(state, ENTRIES_MIN + 8), true);
}

static void a_known_format_is_no_matter(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);

	guest->target.format = guest->kind->format;
	expect_encrypted(guest, true);
}

/* A register without the bit, as a monitor masks it out. */
static void a_root_shows_it(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);

	guest_set_cr3(guest, guest->swapper);
	expect_encrypted(guest, true);
}

static void a_given_root_shows_it(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);

	guest->target.format = guest->kind->format;
	guest->target.has_root = true;
	guest->target.root = guest->swapper;
	expect_encrypted(guest, true);
}

/* The root in the register decides alone, so init_mm's entries are counted alone. */
static struct guest *at_swapper(void **state, unsigned entries)
{
	struct guest *guest = create(state, 0);

	memset(guest->memory + LISTS, 0, 64 * 64);
	make_entries(guest, entries);
	guest_encrypt(guest, MASK);
	guest_set_cr3(guest, guest->swapper);
	return guest;
}

static void few_entries_do_not(void **state)
{
	expect_encrypted(at_swapper(state, ENTRIES_MIN), true);
	expect_refused(at_swapper(state, ENTRIES_MIN - 1), WS_ERR_NOT_FOUND,
		       "no candidate root is a usable");
}

/* In all roots one entry that leads to a table of the direct map's is without the bit. */
static void one_entry_that_disagrees_refutes_it(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);
	unsigned nlevels = guest->kind->format->nlevels;
	uint64_t at = 0, table = guest->swapper;

	for (unsigned l = 0; l + 1 < nlevels; l++) {
		unsigned shift = 12 + 9 * (nlevels - 1 - l);

		at = table + (guest->kind->page_offset >> shift & 511) * 8;
		table = guest_get(guest, at) & ADDRESS & ~MASK;
	}
	guest_put(guest, at, guest_get(guest, at) & ~MASK);
	guest->target.format = guest->kind->format;
	expect_refused(guest, WS_ERR_NOT_FOUND, "no candidate root is a usable");
}

/* Below the end of memory the bit may be one of addresses. */
static void a_bit_below_the_end_of_memory_is_none(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);

	guest->target.format = guest->kind->format;
	guest->target.memory_end = MASK;
	expect_encrypted(guest, true);

	guest = create_with(state, ENTRIES_MIN + 8);
	guest->target.format = guest->kind->format;
	guest->target.memory_end = MASK + 1;
	expect_refused(guest, WS_ERR_NOT_FOUND, "no candidate root is a usable");
}

/* Two bits are not one, and below bit 32 there is none. */
static void other_bits_are_none(void **state)
{
	static const uint64_t bits[] = { MASK | MASK << 1, UINT64_C(1) << 31 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(bits); i++) {
		struct guest *guest = create(state, 0);

		make_entries(guest, ENTRIES_MIN + 8);
		guest_encrypt(guest, bits[i]);
		guest->target.format = guest->kind->format;
		expect_refused(guest, WS_ERR_NOT_FOUND, "no candidate root is a usable");
	}
}

/* Sets the bit in all that lies below a table. */
static void encrypt_below(struct guest *guest, uint64_t table, unsigned level)
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t at = table + i * 8, entry = guest_get(guest, at);

		if (!(entry & 1))
			continue;
		if (level + 1u < guest->kind->format->nlevels)
			encrypt_below(guest, entry & ADDRESS, level + 1);
		guest_put(guest, at, entry | MASK);
	}
}

/*
 * What a kernel with encryption left in the memory of one without: a root whose tables are
 * its own, all with the bit, and which maps itself as well.
 */
static void leave_another_kernel(struct guest *guest, unsigned entries)
{
	uint64_t root = guest_add_root(guest, false);
	uint64_t va = guest->kind->module;

	memset(guest->memory + root, 0, WS_FRAME_SIZE);
	guest_map(guest, root, guest->kind->page_offset + root, root, 3);
	guest_map(guest, root, -(uint64_t)WS_FRAME_SIZE, guest->module_pa, 3);
	for (; count(guest, root, 0) < entries; va += UINT64_C(1) << 21)
		guest_map(guest, root, va, guest->module_pa, 3);
	encrypt_below(guest, root, 0);
}

static void two_kernels_are_refused(void **state)
{
	struct guest *guest = create(state, 0);

	leave_another_kernel(guest, ENTRIES_MIN);
	guest->target.format = guest->kind->format;
	expect_refused(guest, WS_ERR_NOT_FOUND, "page tables of two kernels");
}

static void expect_plain(void **state, unsigned entries)
{
	struct guest *guest = create(state, 0);
	struct ws_system *system;

	if (entries)
		leave_another_kernel(guest, entries);
	guest->target.format = guest->kind->format;
	system = open_system(guest);
	assert_int_equal(system->encryption.bit, 0);
	assert_int_equal(system->layout.reference, guest->swapper);
	assert_int_equal(system->tasks.n, guest->ntasks);
	assert_false(has_note(system, NOTE));
	ws_system_close(system);
	guest_destroy(guest);
}

static void remains_of_another_kernel_are_none(void **state)
{
	expect_plain(state, ENTRIES_MIN - 1);
}

static void plain_memory_has_none(void **state)
{
	expect_plain(state, 0);
}

static void a_given_bit_needs_no_evidence(void **state)
{
	struct guest *guest = at_swapper(state, ENTRIES_MIN - 1);

	guest->target.has_encryption_bit = true;
	guest->target.encryption_bit = BIT;
	expect_encrypted(guest, false);
}

static void that_there_is_none_may_be_given(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);

	guest->target.format = guest->kind->format;
	guest->target.has_encryption_bit = true;
	expect_refused(guest, WS_ERR_NOT_FOUND, "no candidate root is a usable");
}

static void a_wrong_bit_is_refused(void **state)
{
	static const struct {
		uint8_t bit;
		const char *words;
	} wrong[] = { { 31, "it is one from 32 to 51" },
		      { 52, "it is one from 32 to 51" } };

	for (size_t i = 0; i < WS_ARRAY_SIZE(wrong); i++) {
		struct guest *guest = create(state, 0);

		guest->target.format = guest->kind->format;
		guest->target.has_encryption_bit = true;
		guest->target.encryption_bit = wrong[i].bit;
		expect_refused(guest, WS_ERR_USAGE, wrong[i].words);
	}
}

static void a_bit_of_other_formats_is_refused(void **state)
{
	struct guest *guest = guest_create(*state);

	guest->target.has_encryption_bit = true;
	guest->target.encryption_bit = BIT;
	expect_refused(guest, WS_ERR_USAGE, "none does");
}

/* Less memory than it was found by has to answer alike. */
static void a_capture_keeps_it(void **state)
{
	struct guest *guest = create_with(state, ENTRIES_MIN + 8);
	struct ws_system *system = open_system(guest), *again;
	char path[] = "/tmp/whosees-capture-XXXXXX";
	ws_autoclose int fd = mkstemp(path);
	struct ws_target *target;

	assert_true(fd >= 0);
	assert_int_equal(ws_capture(system, path), WS_OK);
	assert_int_equal(ws_target_open(guest->target.ctx, path, NULL, &target), WS_OK);
	unlink(path);
	assert_true(target->has_encryption_bit);
	assert_int_equal(target->encryption_bit, BIT);
	assert_int_equal(ws_system_open(target, NULL, &again), WS_OK);
	assert_int_equal(again->encryption.bit, MASK);
	assert_int_equal(again->layout.reference, system->layout.reference);
	assert_int_equal(again->spaces.n, system->spaces.n);
	ws_system_close(again);
	ws_target_close(target);
	ws_system_close(system);
	guest_destroy(guest);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "tables that agree show it", tables_that_agree_show_it, GUEST_64_BITS },
		{ "a known format is no matter", a_known_format_is_no_matter,
		  GUEST_64_BITS },
		{ "a root shows it", a_root_shows_it, GUEST_64_BITS },
		{ "a given root shows it", a_given_root_shows_it, GUEST_64_BITS },
		{ "few entries do not", few_entries_do_not, GUEST_64_BITS },
		{ "one entry that disagrees refutes it",
		  one_entry_that_disagrees_refutes_it, GUEST_64_BITS },
		{ "a bit below the end of memory is none",
		  a_bit_below_the_end_of_memory_is_none, GUEST_64_BITS },
		{ "other bits are none", other_bits_are_none, GUEST_64_BITS },
		{ "two kernels are refused", two_kernels_are_refused, GUEST_64_BITS },
		{ "remains of another kernel are none",
		  remains_of_another_kernel_are_none, GUEST_64_BITS },
		{ "plain memory has none", plain_memory_has_none, GUEST_64_BITS },
		{ "a given bit needs no evidence", a_given_bit_needs_no_evidence,
		  GUEST_64_BITS },
		{ "that there is none may be given", that_there_is_none_may_be_given,
		  GUEST_64_BITS },
		{ "a wrong bit is refused", a_wrong_bit_is_refused, GUEST_64_BITS },
		{ "a bit of other formats is refused", a_bit_of_other_formats_is_refused,
		  GUEST_32_BITS },
		{ "a capture keeps it", a_capture_keeps_it, GUEST_64_BITS },
	};

	return guest_run_cases("encryption", cases, WS_ARRAY_SIZE(cases));
}
