/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What frames of physical memory are used for, by whatever says so. */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"
#include "linux/roots.h"

/* Frames far from all else, in the small guest's memory. */
#define PA_NOBODYS (15u << 20)

static struct ws_frame_run use_of(struct fault_guest *fault, uint64_t pa)
{
	struct ws_frame_run frame = { .pa = pa };

	assert_int_equal(ws_system_frame_uses(fault->system, &frame, 1), WS_OK);
	assert_int_equal(frame.pa, pa & ~(uint64_t)(WS_FRAME_SIZE - 1));
	assert_int_equal(frame.last, frame.pa + (WS_FRAME_SIZE - 1));
	return frame;
}

static void expect_use(struct fault_guest *fault, uint64_t pa, enum ws_frame_use use)
{
	enum ws_frame_use is = use_of(fault, pa).use;

	if (is != use)
		fail_msg("%#lx is %s, not %s", pa, ws_frame_use_name(is),
			 ws_frame_use_name(use));
}

static struct fault_guest *opened(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);

	fault_guest_open(fault, FAULT_LAZY);
	return fault;
}

static void test_tables(void **state)
{
	struct fault_guest *fault = opened(state);
	const struct guest *guest = fault->guest;
	uint64_t root = fault_guest_victim(fault);
	struct ws_frame_run frame = use_of(fault, root + 8);

	assert_int_equal(frame.use, WS_FRAME_TABLE);
	assert_int_equal(frame.level, 0);
	assert_int_equal(frame.space, space_with_root(fault->system, root));
	frame = use_of(fault, audit_entry(fault, guest->swapper, guest->kind->image, -1));
	assert_int_equal(frame.use, WS_FRAME_TABLE);
	assert_int_equal(frame.level, guest->kind->format->nlevels - 1);
	assert_in_range(guest->kind->image, frame.va, frame.va_last);
	expect_use(fault, guest->swapper, WS_FRAME_TABLE); /* in the image, too */
	fault_guest_destroy(fault);
}

/* What a freed root leads to is nobody's table, and its frame none. */
static void test_freed_root(void **state)
{
	struct fault_guest *fault = opened(state);
	struct ws_frame_run frame = use_of(fault, fault->guest->freed);

	if (ws_root_size(fault->guest->kind->format) == WS_FRAME_SIZE)
		assert_int_not_equal(frame.use, WS_FRAME_TABLE);
	fault_guest_destroy(fault);
}

static void test_kernel(void **state)
{
	struct fault_guest *fault = opened(state);
	const struct guest *guest = fault->guest;
	struct ws_frame_run frame = use_of(fault, fault_guest_stack(fault, 3).pa);

	assert_int_equal(frame.use, WS_FRAME_STACK);
	assert_int_equal(frame.task, 3);
	expect_use(fault, guest->image_pa, WS_FRAME_IMAGE);
	expect_use(fault, guest->image_end - 1, WS_FRAME_IMAGE);
	assert_int_not_equal(use_of(fault, guest->image_end + WS_FRAME_SIZE).use,
			     WS_FRAME_IMAGE);
	expect_use(fault, PA_NOBODYS, WS_FRAME_UNKNOWN);
	expect_use(fault, UINT64_MAX, WS_FRAME_UNKNOWN);
	fault_guest_destroy(fault);
}

/* A page is the space's whose user half has it; one page above it is not. */
static void test_user_page(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	uint64_t root = fault_guest_victim(fault);
	struct ws_frame_run frame;

	guest_map(fault->guest, root, audit_unused_va(fault), PA_NOBODYS, P | RW | US);
	guest_map(fault->guest, root, audit_unused_va(fault) + WS_FRAME_SIZE,
		  PA_NOBODYS + WS_FRAME_SIZE, P | RW);
	fault_guest_open(fault, FAULT_LAZY);
	frame = use_of(fault, PA_NOBODYS);
	assert_int_equal(frame.use, WS_FRAME_USER);
	assert_int_equal(frame.space, space_with_root(fault->system, root));
	expect_use(fault, PA_NOBODYS + WS_FRAME_SIZE, WS_FRAME_UNKNOWN);
	fault_guest_destroy(fault);
}

/* What was init memory of the image is a user's who may write it, and no reader's. */
static void test_init_memory(void **state)
{
	for (unsigned written = 0; written < 2; written++) {
		struct fault_guest *fault = audit_guest_create(*state);
		uint64_t pa = fault->guest->image_end - 4 * WS_FRAME_SIZE;

		guest_map(fault->guest, fault_guest_victim(fault), audit_unused_va(fault),
			  pa, written ? P | RW | US : P | US);
		fault_guest_open(fault, FAULT_LAZY);
		expect_use(fault, pa, written ? WS_FRAME_USER : WS_FRAME_IMAGE);
		fault_guest_destroy(fault);
	}
}

/* MAX_ORDER - 1 is 11 at most: a block of that order is free to its last frame. */
static void test_free_blocks(void **state)
{
	static const struct {
		uint64_t order;
		bool free;
	} cases[] = { { 0, true }, { 11, true }, { 12, false } };

	for (unsigned i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = audit_guest_create(*state);
		const uint64_t pa = 8u << 20; /* where a block of order 11 may begin */
		uint64_t end = pa + (WS_FRAME_SIZE << cases[i].order);

		audit_say_of_pages(fault);
		for (uint64_t at = pa; at <= end && at < GUEST_MEMORY;
		     at += WS_FRAME_SIZE)
			audit_put_page(fault, at, 0, 0, 0, UINT32_MAX);
		audit_put_page(fault, pa, 0, 0, cases[i].order, (uint32_t)-129);
		fault_guest_open(fault, FAULT_LAZY);
		expect_use(fault, pa, cases[i].free ? WS_FRAME_FREE : WS_FRAME_UNKNOWN);
		if (cases[i].free)
			expect_use(fault, end - 1, WS_FRAME_FREE);
		if (end < GUEST_MEMORY)
			expect_use(fault, end, WS_FRAME_UNKNOWN);
		fault_guest_destroy(fault);
	}
}

/* Of many at once, in any order and twice, each is what it is alone. */
static void test_many(void **state)
{
	struct fault_guest *fault = opened(state);
	struct ws_frame_run frames[64], alone;
	const unsigned n = WS_ARRAY_SIZE(frames);

	for (unsigned i = 0; i < n; i++)
		frames[i].pa = (uint64_t)(i * 37 % (n / 2)) * (GUEST_MEMORY / n) + i;
	assert_int_equal(ws_system_frame_uses(fault->system, frames, n), WS_OK);
	for (unsigned i = 0; i < n; i++) {
		assert_true(!i || frames[i].pa >= frames[i - 1].pa);
		alone = use_of(fault, frames[i].pa);
		assert_memory_equal(&alone, &frames[i], sizeof(alone));
	}
	assert_int_equal(ws_system_frame_uses(fault->system, NULL, 0), WS_OK);
	fault_guest_destroy(fault);
}

/* A table that leads to itself at every level ends, and is a table. */
static void test_cycle(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct guest *guest = fault->guest;
	uint64_t root = fault_guest_victim(fault), va = audit_unused_va(fault);
	uint64_t entry, table;

	guest_map(guest, root, va, PA_NOBODYS, P | RW | US);
	entry = audit_entry(fault, root, va, guest->kind->format->nlevels - 2);
	table = audit_entry(fault, root, va, -1) & ~(uint64_t)(WS_FRAME_SIZE - 1);
	for (unsigned i = 0; i < 8; i++)
		audit_put(fault, table + i * (8 >> (guest->word == 4)),
			  (audit_get(fault, entry) & 0xfff) | table);
	fault_guest_open(fault, FAULT_LAZY);
	expect_use(fault, table, WS_FRAME_TABLE);
	fault_guest_destroy(fault);
}

/* ---- what is not there -------------------------------------------------------------- */

#define PA_ROOT PA_NOBODYS
#define PA_NAMES (PA_NOBODYS + 0x800)
#define PA_ABSENT (PA_NOBODYS + 4 * WS_FRAME_SIZE)
#define PA_NOTHING UINT64_C(0x40000000)
#define RESOURCE 0x80 /* bytes from one to the next */

/* How struct resource has been: the size of start, and whether desc is there. */
static const struct {
	unsigned size;
	bool has_desc;
} resources[] = { { 4, false }, { 4, true }, { 8, false }, { 8, true } };

struct tree {
	struct guest *guest;
	unsigned size, flags;
};

static uint64_t resource_va(const struct tree *tree, int i)
{
	return i < 0 ? 0
		     : tree->guest->kind->page_offset + PA_ROOT + (unsigned)i * RESOURCE;
}

static void put_resource(const struct tree *tree, unsigned i, uint64_t first,
			 uint64_t last, const char *name, int sibling, int child)
{
	struct guest *guest = tree->guest;
	uint64_t pa = PA_ROOT + i * RESOURCE, named = PA_NAMES + i * 0x20;
	uint64_t links = pa + 2 * tree->size + (1 + tree->flags) * guest->word;

	strcpy((char *)guest->memory + named, name);
	put_little(guest->memory + pa, tree->size, first);
	put_little(guest->memory + pa + tree->size, tree->size, last);
	guest_put(guest, pa + 2 * tree->size, guest->kind->page_offset + named);
	guest_put(guest, links, i ? resource_va(tree, 0) : 0);
	guest_put(guest, links + guest->word, resource_va(tree, sibling));
	guest_put(guest, links + 2 * guest->word, resource_va(tree, child));
}

/* Memory up to 32 MiB, and a device behind a hole. */
static struct fault_guest *mapped(void **state, unsigned shape, int last)
{
	struct fault_guest *fault = audit_guest_create(*state);
	struct tree tree = { fault->guest, resources[shape].size,
			     resources[shape].has_desc ? 2 : 1 };
	char *text = (char *)fault->guest->memory + fault->guest->vmcoreinfo;

	put_resource(&tree, 0, 0, UINT32_MAX, "PCI mem", -1, 1);
	put_resource(&tree, 1, 0x1000, (32u << 20) - 1, "System RAM", 2, -1);
	put_resource(&tree, 2, PA_NOTHING, PA_NOTHING + 0xffff, "PCI Bus", last, -1);
	sprintf(text + strlen(text), "SYMBOL(iomem_resource)=%lx\n",
		resource_va(&tree, 0));
	guest_leave_out(fault->guest, PA_ABSENT);
	fault_guest_open(fault, FAULT_LAZY);
	return fault;
}

/* What the target lacks, what there is not, and what is not known are three things. */
static void test_there(void **state)
{
	for (unsigned i = 0; i < WS_ARRAY_SIZE(resources); i++) {
		struct fault_guest *fault = mapped(state, i, -1);

		if (resources[i].size >= fault->guest->word) {
			assert_int_equal(use_of(fault, PA_ROOT).there, WS_THERE);
			assert_int_equal(use_of(fault, PA_ABSENT).there, WS_THERE_ABSENT);
			assert_int_equal(use_of(fault, PA_NOTHING).there, WS_THERE_NONE);
			assert_int_equal(use_of(fault, 0).there, WS_THERE);
		}
		fault_guest_destroy(fault);
	}
}

/* Half a map says nothing of what is not in it. */
static void test_broken_map(void **state)
{
	struct fault_guest *fault = mapped(state, 3, 3);

	assert_int_equal(use_of(fault, PA_ABSENT).there, WS_THERE_UNKNOWN);
	assert_int_equal(use_of(fault, PA_NOTHING).there, WS_THERE_UNKNOWN);
	fault_guest_destroy(fault);
	fault = opened(state); /* nor where there is none */
	assert_int_equal(use_of(fault, PA_NOTHING).there, WS_THERE_UNKNOWN);
	assert_int_equal(use_of(fault, PA_ROOT).there, WS_THERE);
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "a page table is of whom it serves", test_tables },
		{ "a freed root is no table", test_freed_root },
		{ "stacks, the image, and nothing beyond it", test_kernel },
		{ "what user mode may read is a user page, and no other",
		  test_user_page },
		{ "init memory of the image", test_init_memory },
		{ "free blocks, by their order", test_free_blocks },
		{ "many frames at once", test_many },
		{ "a cycle of tables", test_cycle },
		{ "absent, nowhere and unknown", test_there },
		{ "a map that is broken", test_broken_map },
	};

	return guest_run_cases("frames", cases, WS_ARRAY_SIZE(cases));
}
