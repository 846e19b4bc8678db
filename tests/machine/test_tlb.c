/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered and when it is forgotten: SDM 4.10, and QEMU's way. */
#include "stand.h"

#define VA UINT64_C(0x80d23000)
#define BIG UINT64_C(0x90000000)
#define OLD UINT64_C(0x2345000)
#define NEW UINT64_C(0x3456000)

static void open_with(struct stand *s, uint8_t tlb)
{
	stand_open(s, STAND_32BIT,
		   &(struct machine_model){
			   .features = MACHINE_HAS_ALL, .maxphyaddr = 40, .tlb = tlb });
	stand_control(s, CR0_WP, CR4_PGE, 0);
}

static void load_cr3(struct stand *s)
{
	struct machine_event event;

	assert_true(machine_write_cr3(&s->cpu, s->cpu.r.cr3, &event));
}

static void toggle_cr4(struct stand *s, uint64_t bits)
{
	struct machine_event event;

	assert_true(machine_write_cr4(&s->cpu, s->cpu.r.cr4 ^ bits, &event));
}

/* Maps VA to OLD, touches it, and maps it to NEW behind the TLB's back. */
static void change(struct stand *s, uint64_t va, uint64_t bits)
{
	stand_map(s, va, 1, OLD | P | bits);
	stand_goes(s, va, MACHINE_READ, OLD);
	stand_map(s, va, 1, NEW | P | bits);
}

static void test_none(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_NONE);
	change(&s, VA, RW);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
}

/* SDM 4.10.4.1: what INVLPG and CR3 do to a page, by kind. */
static void test_remembers(void **state)
{
	struct stand s;

	open_with(&s, *(const uint8_t *)*state);
	change(&s, VA, RW);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	machine_invlpg(&s.cpu, VA + 0x1000);
	stand_goes(&s, VA + 0xfff, MACHINE_READ, OLD + 0xfff);
	machine_invlpg(&s.cpu, VA + 0x123);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_map(&s, VA, 1, OLD | P);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	load_cr3(&s);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_close(&s);
}

/* SDM 4.10.2.4: global pages outlive CR3 writes, not a change of CR4.PGE. */
static void test_global(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_SDM);
	change(&s, VA, G);
	load_cr3(&s);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	machine_invlpg(&s.cpu, VA);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_map(&s, VA, 1, OLD | P | G);
	toggle_cr4(&s, CR4_PGE);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_map(&s, VA, 1, NEW | P | G);
	load_cr3(&s); /* G means nothing without PGE */
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
}

/* cpu_x86_update_cr3() calls tlb_flush(): no entry is global there. */
static void test_global_tcg(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_TCG);
	change(&s, VA, G);
	load_cr3(&s);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
}

static size_t count_live(const struct machine_tlb *tlb)
{
	size_t n = 0;

	for (size_t i = 0; i < (size_t)1 << (64 - tlb->hash_shift); i++) {
		const struct machine_tlb_entry *entry = &tlb->slot[i];
		bool global = entry->rights & MACHINE_GLOBAL;

		n += entry->tag && entry->generation == tlb->generation[global];
	}
	return n;
}

/*
 * So many flushes that any counter of them has started over: global pages outlive them
 * all, and nothing that was dropped comes back.
 */
static void test_many_flushes(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_SDM);
	change(&s, VA, G);
	change(&s, VA + 0x1000, 0);
	for (unsigned i = 0; i < 70000; i++) {
		load_cr3(&s);
		assert_int_equal(count_live(&s.cpu.tlb), 1);
	}
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_goes(&s, VA + 0x1000, MACHINE_READ, NEW);
	stand_map(&s, VA + 0x1000, 1, OLD | P);
	stand_goes(&s, VA + 0x1000, MACHINE_READ, NEW);
	machine_tlb_flush(&s.cpu);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
}

/* SDM 4.10.2.2: one entry for a large page; INVLPG anywhere in it drops it. */
static void test_large(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_SDM);
	stand_map(&s, BIG, 2, UINT64_C(0x2c00000) | P | PS);
	stand_goes(&s, BIG, MACHINE_READ, 0x2c00000);
	stand_map(&s, BIG, 2, UINT64_C(0x3000000) | P | PS);
	stand_goes(&s, BIG + 0x345678, MACHINE_READ, 0x2f45678);
	machine_invlpg(&s.cpu, BIG + 0x200000);
	stand_goes(&s, BIG, MACHINE_READ, 0x3000000);
	stand_close(&s);
}

/* x86_cpu_tlb_fill(): "even if 4MB pages, we map only one 4KB page". */
static void test_large_tcg(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_TCG);
	stand_map(&s, BIG, 2, UINT64_C(0x2c00000) | P | PS);
	stand_goes(&s, BIG, MACHINE_READ, 0x2c00000);
	stand_map(&s, BIG, 2, UINT64_C(0x3000000) | P | PS);
	stand_goes(&s, BIG + 8, MACHINE_READ, 0x2c00008);
	stand_goes(&s, BIG + 0x345678, MACHINE_READ, 0x3345678);
	/*
	 * tlb_flush_page_locked(): INVLPG near a large page drops all of the mmu index.
	 */
	change(&s, VA, RW);
	machine_invlpg(&s.cpu, BIG + 0x200000);
	stand_goes(&s, BIG, MACHINE_READ, 0x3000000);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
}

/* SDM 4.8: a write through an entry that is not dirty goes to the tables first. */
static void test_dirty(void **state)
{
	struct stand s;

	open_with(&s, *(const uint8_t *)*state);
	stand_map(&s, VA, 1, OLD | P | RW);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_goes(&s, VA, MACHINE_WRITE, OLD);
	assert_int_equal(stand_mapped(&s, VA, 1) & D, D);
	stand_map(&s, VA, 1, OLD | P | RW);
	stand_goes(&s, VA, MACHINE_WRITE, OLD); /* 4.10.4.3: cleared, but remembered */
	assert_int_equal(stand_mapped(&s, VA, 1) & D, 0);
	stand_close(&s);
}

/* SDM 4.10.4.3: what was made more permissive is found without an invalidation. */
static void test_more_rights(void **state)
{
	struct stand s;

	open_with(&s, *(const uint8_t *)*state);
	stand_map(&s, VA, 1, OLD | P);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_faults(&s, VA, MACHINE_WRITE, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_W);
	stand_map(&s, VA, 1, OLD | P | RW);
	stand_goes(&s, VA, MACHINE_WRITE, OLD);
	stand_close(&s);
}

/* SDM 4.10.2.3: nothing is cached of a page that is not there. */
static void test_holes(void **state)
{
	struct stand s;

	open_with(&s, *(const uint8_t *)*state);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, 0);
	stand_map(&s, VA, 1, OLD | P);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_close(&s);
}

/* SDM 4.10.4.1: a page fault invalidates the entries for its address; QEMU keeps them. */
static void test_fault_invalidates(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_SDM);
	change(&s, VA, 0);
	stand_faults(&s, VA, MACHINE_WRITE, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_W);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_close(&s);
	open_with(&s, MACHINE_TLB_TCG);
	change(&s, VA, 0);
	stand_faults(&s, VA, MACHINE_WRITE, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_W);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_close(&s);
}

/* QEMU: users and supervisors remember apart; the manual has one entry for both. */
static void test_indexes(void **state)
{
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_TCG);
	change(&s, VA, US);
	stand_goes(&s, VA, MACHINE_READ | MACHINE_USER, NEW);
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_close(&s);
	open_with(&s, MACHINE_TLB_SDM);
	change(&s, VA, US);
	stand_goes(&s, VA, MACHINE_READ | MACHINE_USER, OLD);
	stand_close(&s);
}

/* SDM 4.10.4.1: SMEP being set, PAE and PG changing invalidate all. */
static void test_control_registers(void **state)
{
	struct machine_event event;
	struct stand s;

	(void)state;
	open_with(&s, MACHINE_TLB_SDM);
	change(&s, VA, G);
	toggle_cr4(&s, CR4_SMEP);
	stand_goes(&s, VA, MACHINE_READ, NEW);
	stand_map(&s, VA, 1, OLD | P | G);
	assert_true(
		machine_write_cr0(&s.cpu, s.cpu.r.cr0 & ~UINT64_C(0x80000000), &event));
	stand_goes(&s, VA, MACHINE_READ, VA);
	assert_true(machine_write_cr0(&s.cpu, s.cpu.r.cr0 | 0x80000000, &event));
	stand_goes(&s, VA, MACHINE_READ, OLD);
	stand_close(&s);
}

/* It grows as it must, and forgets all at once. */
static void test_many(void **state)
{
	enum { PAGES = 20000 };
	struct stand s;

	open_with(&s, *(const uint8_t *)*state);
	for (unsigned round = 0; round < 3; round++) {
		uint64_t base = round % 2 ? 0x1000000 : 0x2000000;

		for (unsigned i = 0; i < PAGES; i++)
			stand_map(&s, UINT64_C(0xa0000000) + i * 4096u, 1,
				  (base + i % 16 * 4096u) | P);
		load_cr3(&s);
		for (unsigned i = 0; i < PAGES; i++)
			stand_goes(&s, UINT64_C(0xa0000000) + i * 4096u, MACHINE_READ,
				   base + i % 16 * 4096u);
		for (unsigned i = 0; i < PAGES; i++)
			stand_map(&s, UINT64_C(0xa0000000) + i * 4096u, 1, 0);
		for (unsigned i = 0; i < PAGES; i++)
			stand_goes(&s, UINT64_C(0xa0000000) + i * 4096u, MACHINE_READ,
				   base + i % 16 * 4096u);
	}
	stand_close(&s);
}

int main(void)
{
	static uint8_t sdm = MACHINE_TLB_SDM, tcg = MACHINE_TLB_TCG;
	const struct CMUnitTest tests[] = {
		{ "without a TLB every access walks", test_none },
		{ "manual: remembers until INVLPG or CR3 (SDM 4.10.4.1)", test_remembers,
		  NULL, NULL, &sdm },
		{ "TCG: remembers until INVLPG or CR3", test_remembers, NULL, NULL,
		  &tcg },
		{ "manual: global pages outlive CR3 (SDM 4.10.2.4)", test_global },
		{ "TCG: no page is global (cpu_x86_update_cr3)", test_global_tcg },
		{ "seventy thousand flushes", test_many_flushes },
		{ "manual: large entries (SDM 4.10.2.2)", test_large },
		{ "TCG: 4 KiB of large pages (x86_cpu_tlb_fill)", test_large_tcg },
		{ "manual: the first write finds the dirty flag (SDM 4.8)", test_dirty,
		  NULL, NULL, &sdm },
		{ "TCG: the first write finds the dirty flag", test_dirty, NULL, NULL,
		  &tcg },
		{ "manual: more rights are found (SDM 4.10.4.3)", test_more_rights, NULL,
		  NULL, &sdm },
		{ "TCG: more rights are found", test_more_rights, NULL, NULL, &tcg },
		{ "manual: holes are not remembered (SDM 4.10.2.3)", test_holes, NULL,
		  NULL, &sdm },
		{ "TCG: holes are not remembered", test_holes, NULL, NULL, &tcg },
		{ "a page fault invalidates, but in TCG (SDM 4.10.4.1)",
		  test_fault_invalidates },
		{ "TCG: a TLB for each mmu index", test_indexes },
		{ "CR0 and CR4 invalidate (SDM 4.10.4.1)", test_control_registers },
		{ "manual: twenty thousand pages", test_many, NULL, NULL, &sdm },
		{ "TCG: twenty thousand pages", test_many, NULL, NULL, &tcg },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
