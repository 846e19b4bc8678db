/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dumps whose only CR3 leads to a root that is broken or absent, and which have no
 * VMCOREINFO: another root of those in memory is taken, with a note, and what is not
 * known about the broken one is not said of the others.
 */
#include "discovery.h"

#include "linux/census.h"
#include "x86/entry.h"

#define LISTS (11u << 20) /* pa of memory that is nobody's */
#define FOUND "no register and no note leads to a usable kernel page table"

/* Empty lists, of which a kernel is full: as many words that lead to themselves. */
static void add_empty_lists(struct guest *guest, unsigned n, uint64_t page_offset)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t pa = LISTS + i * 64;

		guest_put(guest, pa, page_offset + pa);
		guest_put(guest, pa + guest->word, page_offset + pa);
	}
}

/* The lists of those who have no other threads are empty as well, on i386. */
static void take_lists_from_tasks(struct guest *guest)
{
	for (unsigned i = 0; i < guest->ntasks; i++)
		memset(guest->memory + guest_pa(guest, guest->task[i].comm_va) +
			       GUEST_THREADS_OFFSET,
		       0, 2 * (size_t)guest->word);
}

/* pid 1 runs, and nothing but its CR3 is known. */
static struct guest *create(void **state, unsigned lists)
{
	const struct guest_kind *kind = *state;
	struct guest *guest = guest_create(kind);

	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
	guest_set_cr3(guest, guest->task[1].root);
	take_lists_from_tasks(guest);
	add_empty_lists(guest, lists, kind->page_offset);
	return guest;
}

/* What the kernel has in pid 1's root. */
static void overwrite_kernel_half(struct guest *guest, int byte)
{
	const struct ws_format *format = guest->kind->format;
	size_t size = (size_t)1 << (format->level[0].bits + format->entry_log2);
	size_t first =
		format->va_bits > 32 ? size / 2 : guest->kind->page_offset * size >> 32;

	memset(guest->memory + guest->task[1].root + first, byte, size - first);
}

static uint32_t kind_at(const struct ws_system *system, uint64_t root)
{
	ws_vec_each(&system->spaces, space)
		if (space->root == root)
			return space->kind;
	return UINT32_MAX;
}

/* Opened, all are there: what page_offset and the reference are rests on another root. */
static void expect_all(struct guest *guest)
{
	struct ws_system *system = open_system(guest);

	assert_true(has_note(system, FOUND));
	assert_int_equal(system->layout.page_offset, guest->kind->page_offset);
	assert_int_equal(system->tasks.n, guest->ntasks);
	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root)
			assert_int_equal(kind_at(system, guest->task[i].root),
					 WS_SPACE_PROCESS);
	ws_system_close(system);
	guest_destroy(guest);
}

static void a_zeroed_kernel_half(void **state)
{
	struct guest *guest = create(state, 64);

	overwrite_kernel_half(guest, 0);
	expect_all(guest);
}

static void a_scribbled_kernel_half(void **state)
{
	struct guest *guest = create(state, 64);

	overwrite_kernel_half(guest, 0x5a);
	expect_all(guest);
}

static void an_absent_root(void **state)
{
	struct guest *guest = create(state, 64);

	guest_leave_out(guest, guest->task[1].root);
	expect_all(guest);
}

/* A root that holds together needs no search, and none is reported. */
static void a_sound_root(void **state)
{
	struct guest *guest = create(state, 64);
	struct ws_system *system = open_system(guest);

	assert_false(has_note(system, FOUND));
	ws_system_close(system);
	guest_destroy(guest);
}

static void refused(struct guest *guest, const char *words)
{
	struct ws_system *system;

	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), "a CR3 ("));
	if (!strstr(ws_error(guest->target.ctx, 0), words))
		fail_msg("not '%s': %s", words, ws_error(guest->target.ctx, 0));
	guest_destroy(guest);
}

/* Nothing shows where the direct map lies: the roots that there are cannot be judged. */
static void no_words_that_lead_to_themselves(void **state)
{
	struct guest *guest = create(state, 0);

	overwrite_kernel_half(guest, 0);
	refused(guest, "no words there lead to themselves");
}

/* Every root is gone. */
static void no_root_at_all(void **state)
{
	struct guest *guest = create(state, 64);
	const struct ws_format *format = guest->kind->format;
	size_t size = (size_t)1 << (format->level[0].bits + format->entry_log2);

	memset(guest->memory + guest->swapper, 0, size);
	memset(guest->memory + guest->freed, 0, size);
	memset(guest->memory + guest->kept, 0, size);
	memset(guest->memory + guest->reused, 0, size);
	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root)
			memset(guest->memory + guest->task[i].root, 0, size);
	refused(guest, "in memory with the shape of one");
}

/* What a caller gives is used or refused. */
static void a_root_that_is_given(void **state)
{
	struct guest *guest = create(state, 64);
	struct ws_system *system;

	overwrite_kernel_half(guest, 0);
	guest->target.root = guest->task[1].root;
	guest->target.has_root = true;
	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_null(strstr(ws_error(guest->target.ctx, 0), "have the shape"));
	guest_destroy(guest);
}

/* Memory has the text, and no table says so until one is found: it is taken then. */
static void a_text_in_memory(void **state)
{
	struct guest *guest = create(state, 64);
	struct guest *other = guest_create(*state);
	struct ws_system *system;

	overwrite_kernel_half(guest, 0);
	memcpy(guest->memory + guest->vmcoreinfo, other->memory + other->vmcoreinfo,
	       WS_FRAME_SIZE);
	memcpy(strstr((char *)guest->memory + guest->vmcoreinfo, "swapper_pg_dir"),
	       "another_pg_dir", 14);
	guest_destroy(other);
	system = open_system(guest);
	assert_true(has_note(system, FOUND));
	assert_false(has_note(system, "no VMCOREINFO was found"));
	assert_non_null(system->vmcoreinfo);
	ws_system_close(system);
	guest_destroy(guest);
}

/* And a note of another boot is left, and said to be. */
static void a_note_of_another_boot(void **state)
{
	struct guest *guest = create(state, 64);
	struct ws_system *system;

	overwrite_kernel_half(guest, 0);
	guest->target.vmcoreinfo = strdup("OSRELEASE=6.1.0-mad\nSYMBOL(_stext)=ffffffff\n"
					  "SYMBOL(init_uts_ns)=fffff000\n");
	system = open_system(guest);
	assert_true(has_note(system, FOUND));
	assert_true(has_note(system, "not of this boot"));
	assert_null(system->vmcoreinfo);
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- without the tables of the direct map ------------------------------------------- */

static struct guest *without_direct_map(void **state)
{
	struct guest *guest = create(state, 64);
	uint64_t top =
		guest_private_entry(guest, guest->swapper, guest->kind->page_offset);

	guest_leave_out(guest, guest_get(guest, top) & WS_BITS(51, 12));
	return guest;
}

/* Nobody's task can be read, and every root is there all the same. */
static void no_direct_map(void **state)
{
	struct guest *guest = without_direct_map(state);
	struct ws_system *system = open_system(guest);

	assert_true(has_note(system, "the dump lacks tables of its direct map"));
	assert_int_equal(system->layout.page_offset, guest->kind->page_offset);
	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root)
			assert_int_equal(kind_at(system, guest->task[i].root),
					 WS_SPACE_UNOWNED);
	ws_system_close(system);
	guest_destroy(guest);
}

/* Without an image nothing says such a table from a user's. */
static void nor_an_image(void **state)
{
	struct guest *guest = without_direct_map(state);
	uint64_t top = guest_private_entry(guest, guest->swapper, guest->kind->image);

	guest_leave_out(guest, guest_get(guest, top) & WS_BITS(51, 12));
	refused(guest, "in memory with the shape of one");
}

static const struct guest_case cases[] = {
	{ "a zeroed kernel half", a_zeroed_kernel_half, 0 },
	{ "a scribbled kernel half", a_scribbled_kernel_half, 0 },
	{ "an absent root", an_absent_root, 0 },
	{ "a sound root", a_sound_root, 0 },
	{ "no words that lead to themselves", no_words_that_lead_to_themselves, 0 },
	{ "no root at all", no_root_at_all, 0 },
	{ "a root that is given", a_root_that_is_given, 0 },
	{ "a text in memory", a_text_in_memory, 0 },
	{ "a note of another boot", a_note_of_another_boot, 0 },
	{ "no direct map", no_direct_map, GUEST_64_BITS },
	{ "nor an image", nor_an_image, GUEST_64_BITS },
};

int main(void)
{
	return guest_run_cases("candidates", cases, WS_ARRAY_SIZE(cases));
}
