/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What rights add up to, on small machines of every kind: each rule finds what was done,
 * in the space where it was done, or once for all that share the table; and the verdict
 * reaches all of them.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PA_TEXT (4u << 20) /* of the small guest's image */

static struct fault_guest *create(void **state)
{
	return audit_guest_create(*state);
}

static const struct guest_kind *kind_of(const struct fault_guest *fault)
{
	return fault->guest->kind;
}

/* The shared entry of the last level that maps module memory. */
static uint64_t module_entry(const struct fault_guest *fault)
{
	return audit_entry(fault, fault->guest->swapper, kind_of(fault)->module, -1);
}

/* A page more beside module memory, in init_mm's tables. */
static uint64_t map_beside_module(struct fault_guest *fault, uint64_t pa, uint64_t rights)
{
	uint64_t va = kind_of(fault)->module + WS_FRAME_SIZE;

	guest_map(fault->guest, fault->guest->swapper, va, pa, rights);
	return va;
}

static void nothing_is_found(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "protection");
	audit_expect_verdict(fault, fault->guest->swapper, WS_COHERENT);
	fault_guest_destroy(fault);
}

/* ---- user mode and the kernel's half ---------------------------------------------- */

/*
 * The upper levels grant it already, as Linux's do. It is reported once; without PTI
 * every process leaks, and with PTI none does.
 */
static void a_shared_user_page(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t init = fault->guest->swapper;
	const struct ws_finding *finding;

	audit_change(fault, module_entry(fault), US, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	if (kind_of(fault)->pti) {
		finding = audit_expect(fault, "protection-user-hidden", init,
				       "only the user half hides 4 KiB");
		assert_int_equal(audit_count(fault, "protection-user", 0), 0);
		audit_expect_verdict(fault, init, WS_COHERENT);
	} else {
		finding = audit_expect(fault, "protection-user", init,
				       "user mode can reach 4 KiB of the kernel: read, "
				       "write");
		audit_expect_verdicts(fault, WS_SPACE_INIT, WS_LEAKS);
		audit_expect_verdicts(fault, WS_SPACE_PROCESS, WS_LEAKS);
	}
	assert_int_equal(finding->va, kind_of(fault)->module);
	assert_int_equal(finding->last, kind_of(fault)->module + WS_FRAME_SIZE - 1);
	assert_non_null(strstr(finding->text, "24 other spaces have the same table"));
	fault_guest_destroy(fault);
}

/* The lowest entry grants it, and one above it takes it away: nothing is wrong. */
static void a_user_bit_without_effect(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, module_entry(fault), US, 0);
	audit_change_private(fault, kind_of(fault)->module, 0, US);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "protection");
	fault_guest_destroy(fault);
}

static void a_private_user_page(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	const struct ws_finding *finding;

	fault_guest_change_page(fault, victim, kind_of(fault)->module, US, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = audit_expect(fault, "protection-user", victim, "4 KiB");
	assert_null(strstr(finding->text, "other space"));
	audit_expect_verdict(fault, victim, WS_LEAKS);
	fault_guest_destroy(fault);
}

/* A page of the cpu_entry_area that no fault goes through. */
static uint64_t map_in_entry_area(struct fault_guest *fault, uint64_t root)
{
	uint64_t va = kind_of(fault)->cpu_entry + 12 * WS_FRAME_SIZE;

	guest_map(fault->guest, root, va, fault->guest->module_pa, P | US | XD);
	return va;
}

/* What user mode runs with: there it counts, for one or for all that share the table. */
static void a_user_page_in_the_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	guest_own_entry(fault->guest, user, kind_of(fault)->cpu_entry);
	map_in_entry_area(fault, user);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "protection-user", user, ": read");
	assert_int_equal(audit_count(fault, "protection-pti-wide", 0), 0);
	audit_expect_verdict(fault, user, WS_LEAKS);
	fault_guest_destroy(fault);
}

static void a_user_page_in_all_user_halves(void **state)
{
	struct fault_guest *fault = create(state);

	map_in_entry_area(fault, fault->guest->swapper + WS_FRAME_SIZE);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "protection-user", fault->guest->task[1].root + WS_FRAME_SIZE,
		     ": read");
	audit_expect_verdicts(fault, WS_SPACE_USER, WS_LEAKS);
	audit_expect_verdicts(fault, WS_SPACE_PROCESS, WS_COHERENT);
	fault_guest_destroy(fault);
}

/* Neighbouring pages are one finding. */
static void several_pages(void **state)
{
	struct fault_guest *fault = create(state);
	const struct ws_finding *finding;

	audit_change(fault, module_entry(fault), US, 0);
	map_beside_module(fault, fault->guest->module_pa, P | RW | US | 0);
	audit_change(fault, module_entry(fault) + (audit_has_nx(fault) ? 8 : 4),
		     audit_has_nx(fault) ? XD : 0, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = audit_expect(fault, "protection-user", 0, "8 KiB");
	assert_int_equal(finding->last, kind_of(fault)->module + 2 * WS_FRAME_SIZE - 1);
	fault_guest_destroy(fault);
}

/* ---- pages that user mode is meant to see ----------------------------------------- */

#define VSYSCALL UINT64_C(0xffffffffff600000)
#define VVAR UINT64_C(0xffffffffff5ff000)
#define LAST_CLOCK UINT64_C(0xffffffffff57e000) /* where vvar and HPET come first */
#define HPET_PA 0xfed00000u
#define UNKNOWN "unknown!!!"

/* VMCOREINFO says 6.1.0-made. */
static void set_release(struct fault_guest *fault, const char *release)
{
	char *line = strstr((char *)fault->guest->memory + fault->guest->vmcoreinfo,
			    "6.1.0-made");

	assert_non_null(line);
	assert_int_equal(strlen(release), strlen("6.1.0-made"));
	memcpy(line, release, strlen(release));
}

/* Maps a page in all spaces, through tables that they share. */
static void map_for_users(struct fault_guest *fault, uint64_t va, uint64_t pa,
			  uint64_t rights)
{
	struct guest *guest = fault->guest;

	guest_map(guest, guest->swapper, va, pa, P | US | rights);
	audit_change_private(fault, va, P | RW | US, 0);
	audit_share_private(fault, va);
}

/* A clock of KVM's, one record each 64 bytes, for three processors. */
static uint64_t make_clock(struct fault_guest *fault)
{
	uint64_t pa = fault->guest->module_pa;

	memset(fault->guest->memory + pa, 0, WS_FRAME_SIZE);
	for (unsigned i = 0; i < 3; i++) {
		guest_put32(fault->guest, pa + 64 * i, 2);
		guest_put32(fault->guest, pa + 64 * i + 8, 0x12345678);
		guest_put32(fault->guest, pa + 64 * i + 16, 0x9abcdef0);
		guest_put32(fault->guest, pa + 64 * i + 24, 0x80000000);
		guest_put32(fault->guest, pa + 64 * i + 28, 0x01ff);
		guest_put32(fault->guest, pa + 64 * i + 32, 7);
	}
	return pa;
}

/* BEHIND_CLOCK: so many frames, with nothing in them. */
enum where { TEXT, MODULE, CLOCK, BEHIND_CLOCK, NO_RAM };

static const struct {
	const char *release;
	uint64_t va;
	enum where where;
	uint64_t pa; /* of NO_RAM; of CLOCK where something is put that does not belong */
	uint64_t rights;
	bool meant;
} pages[] = {
	/* the vsyscall page: of the image, and never gone */
	{ "6.1.0-made", VSYSCALL, TEXT, 0, XD, true },
	{ "6.1.0-made", VSYSCALL, TEXT, 0, 0, true },
	{ "6.1.0-made", VSYSCALL, TEXT, 0, RW | XD, false },
	{ "6.1.0-made", VSYSCALL, MODULE, 0, XD, false },
	{ "6.1.0-made", VSYSCALL + 0x1000, TEXT, 0, XD, false },
	/* vvar, below it */
	{ "3.15.9-xyz", VVAR, TEXT, 0, XD, true },
	{ "2.6.39-xyz", VVAR, TEXT, 0, XD, true },
	{ UNKNOWN, VVAR, TEXT, 0, XD, true },
	{ "3.16.0-xyz", VVAR, TEXT, 0, XD, false },
	{ "3.15.9-xyz", VVAR, TEXT, 0, RW | XD, false },
	{ "3.15.9-xyz", VVAR, MODULE, 0, XD, false },
	{ "3.15.9-xyz", VVAR - 0x1000, TEXT, 0, XD, false },
	/* the HPET: not cached, where chipsets have it */
	{ "2.6.39-xyz", VVAR, NO_RAM, HPET_PA, PCD | XD, true },
	{ "3.15.9-xyz", VVAR - 0x1000, NO_RAM, HPET_PA, PCD | XD, true },
	{ UNKNOWN, VVAR - 0x1000, NO_RAM, HPET_PA + 0x3000, PCD | XD, true },
	{ "3.16.0-xyz", VVAR - 0x1000, NO_RAM, HPET_PA, PCD | XD, false },
	{ "3.15.9-xyz", VVAR - 0x1000, NO_RAM, HPET_PA, XD, false },
	{ "3.15.9-xyz", VVAR - 0x1000, NO_RAM, HPET_PA - 0x1000, PCD | XD, false },
	{ "3.15.9-xyz", VVAR - 0x1000, NO_RAM, HPET_PA + 0x4000, PCD | XD, false },
	{ "3.15.9-xyz", VVAR - 0x2000, NO_RAM, HPET_PA, PCD | XD, false },
	/* KVM's clocks, 128 pages of them at most, whose frames lie in a row */
	{ "4.4.99-xyz", VVAR, CLOCK, 0, XD, true },
	{ "3.15.9-xyz", VVAR - 0x2000, CLOCK, 0, XD, true },
	{ "3.15.9-xyz", LAST_CLOCK, BEHIND_CLOCK, 127, XD, true },
	{ "3.15.9-xyz", LAST_CLOCK, BEHIND_CLOCK, 126, XD, false },
	{ "3.15.9-xyz", LAST_CLOCK - 0x1000, BEHIND_CLOCK, 128, XD, false },
	{ UNKNOWN, LAST_CLOCK + 0x2000, BEHIND_CLOCK, 127, XD, true },
	{ UNKNOWN, LAST_CLOCK + 0x1000, BEHIND_CLOCK, 128, XD, false },
	{ "4.5.0-uvxy", VVAR, CLOCK, 0, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 3, XD, true },
	{ "4.4.99-xyz", VVAR, CLOCK, 4, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 7, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 8, XD, true },
	{ "4.4.99-xyz", VVAR, CLOCK, 29, XD, true },
	{ "4.4.99-xyz", VVAR, CLOCK, 30, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 31, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 32, XD, true },
	{ "4.4.99-xyz", VVAR, CLOCK, 35, XD, true },
	{ "4.4.99-xyz", VVAR, CLOCK, 36, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 63, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 64 * 63 + 4, XD, false },
	{ "4.4.99-xyz", VVAR, CLOCK, 64 * 63 + 8, XD, true },
	{ "4.4.99-xyz", VVAR, BEHIND_CLOCK, 4, XD, false },
	{ "4.4.99-xyz", VVAR, MODULE, 0, XD, false },
};

static uint64_t frame_of(struct fault_guest *fault, size_t i)
{
	uint64_t pa;

	switch (pages[i].where) {
	case TEXT:
		return PA_TEXT;
	case MODULE:
		return fault->guest->module_pa;
	case CLOCK:
		pa = make_clock(fault);
		if (pages[i].pa)
			fault->guest->memory[pa + pages[i].pa] = 0xff;
		return pa;
	case BEHIND_CLOCK:
		return make_clock(fault) + pages[i].pa * WS_FRAME_SIZE;
	default:
		return pages[i].pa;
	}
}

static void what_users_are_meant_to_see(void **state)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(pages); i++) {
		struct fault_guest *fault = create(state);
		unsigned reported;

		set_release(fault, pages[i].release);
		map_for_users(fault, pages[i].va, frame_of(fault, i), pages[i].rights);
		fault_guest_audit(fault, FAULT_LAZY);
		reported = audit_count(fault, "protection-user", 0);
		if (reported == pages[i].meant)
			fail_msg("row %zu: %u findings", i, reported);
		if (pages[i].meant)
			audit_expect_none(fault, "protection");
		fault_guest_destroy(fault);
	}
}

/* A clock that the dump has left out: the page is reported, and that it may be one. */
static void a_clock_that_is_not_there(void **state)
{
	struct fault_guest *fault = create(state);
	bool noted = false;

	set_release(fault, "4.4.99-xyz");
	map_for_users(fault, VVAR, GUEST_MEMORY + 0x5000, XD);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "protection-user", fault->guest->swapper, "read");
	for (unsigned i = 0; ws_system_note(fault->system, i); i++)
		noted |= strstr(ws_system_note(fault->system, i),
				"whether it is a clock") != NULL;
	assert_true(noted);
	fault_guest_destroy(fault);
}

/* CONFIG_COMPAT_VDSO of kernels before 3.15: the same at the end of i386's memory. */
static void the_compat_vdso(void **state)
{
	static const char *const releases[] = { "3.14.9-xyz", UNKNOWN, "3.15.0-xyz" };
	const uint64_t vdso = 0xffffe000;

	for (unsigned i = 0; i < 6; i++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		bool write = i & 1;

		set_release(fault, releases[i / 2]);
		guest_map(guest, guest->swapper, vdso, PA_TEXT,
			  P | US | (write ? RW : 0));
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(audit_count(fault, "protection-user", 0),
				 write || i / 2 == 2);
		fault_guest_destroy(fault);
	}
}

/* ---- page tables ------------------------------------------------------------------ */

static void a_table_that_user_mode_can_write(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault), root = victim;
	const uint64_t va = 0x08049000; /* beside the memory that the process has */
	char frame[32];

	if (kind_of(fault)->pti)
		root += WS_FRAME_SIZE; /* where user mode is */
	guest_map(fault->guest, victim, va, victim, P | RW | US);
	fault_guest_audit(fault, FAULT_LAZY);
	snprintf(frame, sizeof(frame), "frame %#lx", victim);
	assert_int_equal(audit_expect(fault, "protection-user-table", root, frame)->va,
			 va);
	audit_expect_verdict(fault, root, WS_LEAKS);
	fault_guest_destroy(fault);
}

/* To read them is no way to other memory. */
static void a_table_that_user_mode_can_read(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	guest_map(fault->guest, victim, 0x08049000, victim, P | US);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "protection");
	fault_guest_destroy(fault);
}

static void a_table_mapped_elsewhere(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t va = map_beside_module(fault, fault->guest->task[1].root,
					P | RW | (audit_has_nx(fault) ? XD : 0));

	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_expect(fault, "protection-table-alias",
				      fault->guest->swapper, "page tables")
				 ->va,
			 va);
	fault_guest_destroy(fault);
}

/* ---- writing and executing -------------------------------------------------------- */

static void writable_and_executable(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, module_entry(fault), 0, XD);
	fault_guest_audit(fault, FAULT_LAZY);
	if (audit_has_nx(fault))
		assert_int_equal(audit_expect(fault, "protection-wx",
					      fault->guest->swapper,
					      "4 KiB can be written and executed")
					 ->severity,
				 WS_WARNING);
	else
		audit_expect_none(fault, "protection");
	audit_expect_verdict(fault, fault->guest->swapper, WS_COHERENT);
	fault_guest_destroy(fault);
}

/* What a module has a part in is reported by its name, and of its neighbours is not. */
static void whose_page_it_is(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t va = kind_of(fault)->module;

	audit_change(fault, module_entry(fault), 0, XD);
	audit_give_module(fault, "below", va - 2 * WS_FRAME_SIZE, 2);
	audit_give_module(fault, "naughty", va, 3);
	audit_give_module(fault, "above", va + WS_FRAME_SIZE, 1);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "protection-wx", fault->guest->swapper,
		     "executed; module naughty; ");
	fault_guest_destroy(fault);
}

/* Four by name, and no more. */
static void whose_pages_they_are(void **state)
{
	static const char *const names[] = { "one", "two", "three", "four", "five" };
	struct fault_guest *fault = create(state);
	uint64_t va = kind_of(fault)->module;

	audit_change(fault, module_entry(fault), US, 0);
	for (unsigned i = 0; i < WS_ARRAY_SIZE(names); i++)
		audit_give_module(fault, names[i], va, 1);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault,
		     kind_of(fault)->pti ? "protection-user-hidden" : "protection-user",
		     fault->guest->swapper, "; modules one, two, three, four and others");
	fault_guest_destroy(fault);
}

static void the_pci_bios(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t va = kind_of(fault)->page_offset + 0xf0000;

	audit_change(fault, audit_entry(fault, fault->guest->swapper, va, -1), 0, XD);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_expect(fault, "protection-wx", 0, "4 KiB")->severity,
			 fault->guest->word == 4 ? WS_INFO : WS_WARNING);
	fault_guest_destroy(fault);
}

/* A guest as fault_guest makes it: nothing in it is not executable. */
static void a_kernel_without_nx(void **state)
{
	struct fault_guest *fault = fault_guest_create(*state);

	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(fault->audit->findings.n, audit_has_nx(fault));
	if (audit_has_nx(fault))
		assert_int_equal(
			audit_find(fault, "protection-no-nx", fault->guest->swapper)
				->severity,
			WS_INFO);
	audit_expect_verdict(fault, fault->guest->swapper, WS_COHERENT);
	fault_guest_destroy(fault);
}

static void code_written_through_an_alias(void **state)
{
	struct fault_guest *fault = create(state);
	char part[64];
	uint64_t va;

	va = map_beside_module(fault, PA_TEXT, P | RW | XD);
	fault_guest_audit(fault, FAULT_LAZY);
	snprintf(part, sizeof(part), "are executed elsewhere: at %#lx",
		 kind_of(fault)->image);
	assert_int_equal(
		audit_expect(fault, "protection-code-alias", fault->guest->swapper, part)
			->va,
		va);
	fault_guest_destroy(fault);
}

static void read_only_data_of_one_space(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	uint64_t va = kind_of(fault)->image + 5 * WS_FRAME_SIZE;
	const struct ws_finding *finding;

	fault_guest_change_page(fault, victim, va, RW, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = audit_expect(fault, "protection-read-only", victim, "4 KiB");
	assert_int_equal(finding->va, va);
	assert_int_equal(finding->last, va + WS_FRAME_SIZE - 1);
	assert_int_equal(audit_count(fault, "coherence-target", victim), 1);
	fault_guest_destroy(fault);
}

/* ---- user halves ------------------------------------------------------------------ */

static void a_wide_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;
	uint64_t va = kind_of(fault)->page_offset + 0x123000;

	guest_map(guest, user, va, 0x123000, P | RW | XD);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_expect(fault, "protection-pti-wide", user,
				      "the user half has 4 KiB of the kernel: "
				      "read, write")
				 ->va,
			 va);
	fault_guest_destroy(fault);
}

/* Read-only image, the LDT, and what the cpu_entry_area has too (a TSS) belong there. */
static void a_user_half_as_pti_makes_it(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	guest_map(guest, user, kind_of(fault)->image + 0x40000, PA_TEXT + 0x40000, P);
	guest_map(guest, user, kind_of(fault)->page_offset + fault->tss.pa, fault->tss.pa,
		  P | RW | XD);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "protection");
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "nothing is wrong", nothing_is_found },
		{ "a shared user page", a_shared_user_page },
		{ "a user bit without effect", a_user_bit_without_effect },
		{ "a private user page", a_private_user_page,
		  GUEST_OWN_KERNEL | GUEST_NO_PTI },
		{ "a user page in the user half", a_user_page_in_the_user_half,
		  GUEST_PTI },
		{ "a user page in all user halves", a_user_page_in_all_user_halves,
		  GUEST_PTI },
		{ "several pages", several_pages, GUEST_NO_PTI },
		{ "what users are meant to see", what_users_are_meant_to_see,
		  GUEST_64_BITS | GUEST_NO_PTI },
		{ "a clock that is not there", a_clock_that_is_not_there,
		  GUEST_64_BITS | GUEST_NO_PTI },
		{ "the compat vDSO", the_compat_vdso, GUEST_32_BITS | GUEST_NO_PTI },
		{ "a table that user mode can write", a_table_that_user_mode_can_write },
		{ "a table that user mode can read", a_table_that_user_mode_can_read },
		{ "a table mapped elsewhere", a_table_mapped_elsewhere },
		{ "writable and executable", writable_and_executable },
		{ "whose page it is", whose_page_it_is, GUEST_NX },
		{ "whose pages they are", whose_pages_they_are },
		{ "the PCI BIOS", the_pci_bios, GUEST_NX },
		{ "a kernel without NX", a_kernel_without_nx },
		{ "code written through an alias", code_written_through_an_alias,
		  GUEST_NX },
		{ "read-only data of one space", read_only_data_of_one_space,
		  GUEST_OWN_KERNEL },
		{ "a wide user half", a_wide_user_half, GUEST_PTI },
		{ "a user half as PTI makes it", a_user_half_as_pti_makes_it, GUEST_PTI },
	};

	return guest_run_cases("protection", cases, WS_ARRAY_SIZE(cases));
}
