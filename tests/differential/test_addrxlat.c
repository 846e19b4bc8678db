/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks of random tables, beside libaddrxlat: the same entries read, the same end, the
 * same physical address. Where the two differ by rule, the manual decides, and the case
 * that shows it has the difference in its name. WS_SEED=n asks for other tables.
 */
#include "common/addrxlat.h"
#include "common/manual.h"
#include "common/memory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALKS 1000000u
#define FRAMES 512u

struct tally {
	unsigned n[ADDRXLAT_ERR_NOMETH + 1];
};

static enum ws_end end_of(addrxlat_status status)
{
	switch (status) {
	case ADDRXLAT_OK:
		return WS_END_PAGE;
	case ADDRXLAT_ERR_NOTPRESENT:
		return WS_END_HOLE;
	case ADDRXLAT_ERR_NODATA:
		return WS_END_ABSENT;
	case ADDRXLAT_ERR_INVALID:
		return WS_END_NONCANONICAL;
	default:
		return WS_END_MALFORMED;
	}
}

static void differ(const struct ws_trail *trail, const struct addrxlat *x,
		   addrxlat_status status)
{
	const char *why = addrxlat_ctx_get_err(x->ctx);

	for (unsigned l = 0; l < trail->nsteps; l++)
		print_error("level %u: entry %" PRIx64 "\n", l, trail->step[l].entry);
	fail_msg("va %" PRIx64 " root %" PRIx64 ": end %u pa %" PRIx64
		 "; libaddrxlat: status %d, %" PRIxFAST64 " (%s)",
		 trail->va, trail->root, trail->end, trail->pa, status, x->step.base.addr,
		 why ? why : "");
}

/* The bit of an AArch64 address that libaddrxlat 0.5.1 loses: see test_lpa_bit(). */
static uint64_t lost_bit(const struct ws_format *format)
{
	const char *name = ws_format_name(format);

	if (strncmp(name, "arm64-64k", 9) == 0)
		return UINT64_C(1) << 47;
	return strcmp(name, "arm64-4k-52") == 0 || strcmp(name, "arm64-16k-52") == 0
		       ? UINT64_C(1) << 49
		       : 0;
}

static void compare(const struct ws_paging *paging, struct addrxlat *x, uint64_t root,
		    uint64_t va, struct tally *tally)
{
	uint64_t entry[ADDRXLAT_FIELDS_MAX];
	struct ws_trail trail;
	addrxlat_status status;
	bool alike;
	unsigned n;

	ws_walk(paging, root, va, &trail);
	if (trail.end == WS_END_NONCANONICAL &&
	    strncmp(ws_format_name(paging->format), "arm64", 5) == 0) {
		tally->n[ADDRXLAT_ERR_INVALID]++; /* libaddrxlat does not look up there */
		return;
	}
	status = addrxlat_steps(x, trail.root, va, entry, &n);
	tally->n[status]++;
	if (status == ADDRXLAT_ERR_INVALID && n + 1 == trail.nsteps)
		status = ADDRXLAT_ERR_NOTIMPL; /* an entry is, and not the address */
	alike = end_of(status) == trail.end &&
		(trail.end != WS_END_PAGE ||
		 (trail.pa == x->step.base.addr && trail.nsteps == n));
	for (unsigned l = 0; alike && l < n; l++)
		alike = trail.step[l].entry == entry[l];
	if (!alike)
		differ(&trail, x, status);
}

static void test_random(void **state)
{
	struct random random = { random_seed() };
	struct arena arena = arena_create(FRAMES);
	struct ws_paging paging = { .format = *state,
				    .frame = arena_frame,
				    .opaque = &arena };
	struct tally tally = { 0 };
	struct addrxlat x;

	assert_true(addrxlat_open(&x, &paging));
	arena_fill(&arena, *state, &random);
	for (uint64_t at = 0; lost_bit(*state) && at < FRAMES * WS_FRAME_SIZE; at += 8) {
		uint64_t *entry = (uint64_t *)(arena.bytes + at);

		*entry &= ~lost_bit(*state);
	}
	for (unsigned i = 0; i < WALKS; i++)
		compare(&paging, &x, random_below(&random, (FRAMES + 4) * WS_FRAME_SIZE),
			random_va(*state, &random), &tally);
	print_message("# seed %" PRIu64 ": %u mapped, %u not present, %u outside memory, "
		      "%u not canonical or malformed\n",
		      random_seed(), tally.n[ADDRXLAT_OK],
		      tally.n[ADDRXLAT_ERR_NOTPRESENT], tally.n[ADDRXLAT_ERR_NODATA],
		      tally.n[ADDRXLAT_ERR_INVALID]);
	assert_true(tally.n[ADDRXLAT_OK] > WALKS / 4);
	assert_true(tally.n[ADDRXLAT_ERR_NOTPRESENT] > WALKS / 20);
	assert_true(tally.n[ADDRXLAT_ERR_NODATA] > WALKS / 20);
	addrxlat_close(&x);
	arena_release(&arena);
}

/* ---- where the two differ, and the manual says what is right ---- */

struct by_hand {
	struct sparse memory;
	struct ws_paging paging;
	struct addrxlat x;
};

static void put(struct by_hand *h, uint64_t pa, uint64_t entry)
{
	size_t size = (size_t)1 << format_entry_log2(h->paging.format);

	memcpy(sparse_at(&h->memory, pa), &entry, size);
}

static uint64_t walk_by_hand(const struct by_hand *h, uint64_t root, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&h->paging, root, va, &trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	return trail.pa;
}

/* libaddrxlat has one IA32 form: PS always maps 4 MiB. */
static void test_no_pse(void **state)
{
	struct by_hand h = { .paging.format = ws_format_by_name("i386"),
			     .paging.frame = sparse_frame };

	(void)state;
	h.paging.opaque = &h.memory;
	put(&h, 0x1000, 0x00002087);
	put(&h, 0x2000, 0x00005007);
	assert_true(addrxlat_open(&h.x, &h.paging));
	assert_int_equal(addrxlat_translate(&h.x, 0x1000, 0x123), ADDRXLAT_OK);
	assert_int_equal(h.x.step.base.addr, 0x100000123);
	assert_int_equal(walk_by_hand(&h, 0x1000, 0x123), 0x100000123);
	h.paging.format = ws_format_by_name("i386-nopse");
	assert_int_equal(walk_by_hand(&h, 0x1000, 0x123), 0x5123);
	addrxlat_close(&h.x);
	sparse_release(&h.memory);
}

/* libaddrxlat takes a root as it stands; CR3 has flags below the address. */
static void test_cr3_flags(void **state)
{
	struct by_hand h = { .paging.format = ws_format_by_name("x86_64"),
			     .paging.frame = sparse_frame };

	(void)state;
	h.paging.opaque = &h.memory;
	put(&h, 0x1000, 0x2007);
	put(&h, 0x2000, 0x40000087);
	assert_true(addrxlat_open(&h.x, &h.paging));
	assert_int_equal(addrxlat_translate(&h.x, 0x1018, 0x123),
			 ADDRXLAT_ERR_NOTPRESENT);
	assert_int_equal(walk_by_hand(&h, 0x1018, 0x123), 0x40000123);
	addrxlat_close(&h.x);
	sparse_release(&h.memory);
}

/* Of an address in two pieces, libaddrxlat 0.5.1 drops the lower one's highest bit. */
static void lpa_bit(const char *name, uint64_t bit)
{
	struct by_hand h = { .paging.format = ws_format_by_name(name),
			     .paging.frame = sparse_frame };

	h.paging.opaque = &h.memory;
	put(&h, 0x10000, 0x20003);
	put(&h, 0x20000, bit | 1);
	assert_true(addrxlat_open(&h.x, &h.paging));
	assert_int_equal(addrxlat_translate(&h.x, 0x10000, 0x123), ADDRXLAT_OK);
	assert_int_equal(h.x.step.base.addr, 0x123);
	assert_int_equal(walk_by_hand(&h, 0x10000, 0x123), bit | 0x123);
	addrxlat_close(&h.x);
	sparse_release(&h.memory);
}

static void test_lpa_bit(void **state)
{
	(void)state;
	lpa_bit("arm64-64k-48", UINT64_C(1) << 47);
	lpa_bit("arm64-4k-52", UINT64_C(1) << 49);
	lpa_bit("arm64-16k-52", UINT64_C(1) << 49);
}

int main(void)
{
	static const char *const names[] = {
		"i386",         "i386-pae",     "x86_64",       "x86_64-la57",
		"arm64-4k-39",  "arm64-4k-48",  "arm64-4k-52",  "arm64-16k-47",
		"arm64-16k-48", "arm64-16k-52", "arm64-64k-42", "arm64-64k-48",
		"arm64-64k-52",
	};
	struct CMUnitTest tests[16] = {
		{ "differs: bit 7 of a PDE is ignored with CR4.PSE = 0 (SDM table 4-5)",
		  test_no_pse },
		{ "differs: CR3 bits 11:0 are no address bits (SDM tables 4-12 and 4-13)",
		  test_cr3_flags },
		{ "differs: bit 47 (LPA) or 49 (LPA2) is an address bit (Arm ARM D8.3.1)",
		  test_lpa_bit },
	};
	char title[16][80];
	unsigned n = 3;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++, n++) {
		snprintf(title[n], sizeof(title[n]),
			 "%s: a million random walks end as libaddrxlat's", names[i]);
		tests[n] = (struct CMUnitTest){
			.name = title[n],
			.test_func = test_random,
			.initial_state = (void *)ws_format_by_name(names[i])
		};
	}
	return _cmocka_run_group_tests("addrxlat", tests, n, NULL, NULL);
}
