/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every threshold of inference, just inside and just outside: a row says what holds with
 * one number and does not with the next. The guests are made anew for each.
 */
#include "discovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "fake_kernel.h"
#include "linux/census.h"
#include "linux/image.h"
#include "linux/map_evidence.h"
#include "linux/roots.h"
#include "linux/symtab.h"
#include "linux/tasks.h"

#define MIB UINT64_C(0x100000)

/* ---- guests -------------------------------------------------------------------------- */

enum kind {
	I386,
	PAE = 2,
	X86_64 = 4,
};

static struct guest *make(enum kind kind)
{
	struct guest *guest = guest_create(guest_kind_at(kind));

	guest_set_cr3(guest, guest->swapper);
	return guest;
}

static void forget_vmcoreinfo(struct guest *guest)
{
	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
}

static void forget_resources(struct guest *guest)
{
	memset(guest->memory + guest->resources, 0, 0x80);
}

static uint64_t comm_pa(const struct guest *guest, unsigned task)
{
	return guest_pa(guest, guest->task[task].comm_va);
}

/* Opens, looks, and takes all down again. */
typedef bool look_fn(struct ws_system *system, const struct guest *guest);

static bool look(struct guest *guest, look_fn *fn)
{
	struct ws_system *system = open_system(guest);
	bool seen = fn(system, guest);

	ws_system_close(system);
	guest_destroy(guest);
	return seen;
}

/* By the list, that is: from the roots up most of them are found without it. */
static bool has_list(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return !has_note(system, "the task list was not found");
}

static bool all_tasks(struct ws_system *system, const struct guest *guest)
{
	return has_list(system, guest) && system->tasks.n == guest->ntasks;
}

/* ---- roots.c -------------------------------------------------------------------------- */

/* A table of which `alike` of the slots judged are the known one's, `other` are others. */
static bool is_like(unsigned nslots, unsigned alike, unsigned other)
{
	struct ws_likeness likeness = { .nslots = nslots,
					.nsamples = WS_SAMPLES,
					.entry_log2 = 2,
					.mask = UINT32_MAX };
	uint8_t table[WS_FRAME_SIZE] = { 0 };

	for (unsigned i = 0; i < nslots; i++) {
		uint32_t known = (i + 1) << 12 | 1;
		size_t at = (size_t)4 * i;

		put_little(likeness.table + at, 4, known);
		likeness.slot[i] = (uint16_t)i;
		if (i >= nslots - alike) /* samples, the first, last of all */
			put_little(table + at, 4, known);
		else if (i < other)
			put_little(table + at, 4, known + 0x100000);
	}
	for (unsigned i = 0; i < WS_SAMPLES; i++)
		likeness.sample[i] = (uint16_t)i;
	return ws_is_like(&likeness, table);
}

static bool half_alike(uint64_t n)
{
	return is_like(16, (unsigned)n, 0);
}

static bool a_quarter_other(uint64_t n)
{
	return is_like(16, 16 - (unsigned)n, (unsigned)n);
}

static bool samples_alike(uint64_t n)
{
	return is_like(64, 48 + (unsigned)n, 0);
}

/* So many entries of the direct map are judged by alone; with fewer, others too. */
static bool direct_slots(uint64_t n)
{
	struct guest *guest = make(I386);
	struct ws_system *system = open_system(guest);
	struct ws_likeness likeness = { 0 };
	bool alone;

	for (uint32_t slot = 4; slot < n; slot++)
		guest_put32(guest, guest->swapper + 4 * (768 + slot), slot << 22 | 0x83);
	assert_true(ws_likeness_take(system, &likeness));
	alone = likeness.nslots == n;
	ws_system_close(system);
	guest_destroy(guest);
	return alone;
}

/* ---- layout.c ------------------------------------------------------------------------- */

#define ROOT 0x2000

/* A root with a direct map of so many pages, in memory that holds nothing else. */
static bool holds_together(enum kind kind, uint64_t page_offset, uint64_t pages)
{
	struct guest *guest = make(kind);
	struct ws_system *system;
	bool held;

	memset(guest->memory, 0, GUEST_MEMORY);
	for (uint64_t i = 0; i < pages; i++)
		guest_map(guest, ROOT, page_offset + i * WS_FRAME_SIZE, i * WS_FRAME_SIZE,
			  3);
	guest_set_cr3(guest, ROOT);
	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	held = !strstr(ws_error(guest->target.ctx, 0), "no candidate root is a usable");
	guest_destroy(guest);
	return held;
}

static bool direct_map_of(uint64_t pages)
{
	return holds_together(I386, 0xc0000000, pages);
}

static bool direct_map_at_32(uint64_t va)
{
	return holds_together(I386, va, 1024);
}

static bool direct_map_at_64(uint64_t va)
{
	return holds_together(X86_64, va, 1024);
}

/* ---- candidates.c --------------------------------------------------------------------- */

/* n words lead to themselves, and `others` by another PAGE_OFFSET. */
static bool root_is_found(enum kind kind, uint64_t n, uint64_t others, uint64_t image)
{
	struct guest *guest = make(kind);
	uint64_t page_offset = guest->kind->page_offset, table;
	struct ws_system *system;
	bool found;

	forget_vmcoreinfo(guest);
	guest_set_cr3(guest, 0);
	for (uint64_t i = 0; i < n + others; i++)
		guest_put(guest, 11 * MIB + 16 * i,
			  page_offset + 11 * MIB + 16 * i + (i < n ? 0 : 1 << 30));
	for (uint64_t pa = guest->image_pa; image && pa < 7 * MIB; pa += WS_FRAME_SIZE)
		if (pa - guest->image_pa >= image)
			guest_map(guest, guest->swapper,
				  guest->kind->image + (pa - guest->image_pa), 0, 0);
	table = guest_get(guest, guest_private_entry(guest, guest->swapper, page_offset));
	if (image)
		guest_leave_out(guest, table & ~UINT64_C(0xfff));
	found = ws_system_open(&guest->target, NULL, &system) == WS_OK;
	if (found)
		ws_system_close(system);
	else
		found = !strstr(ws_error(guest->target.ctx, 0),
				"usable kernel page table");
	guest_destroy(guest);
	return found;
}

static bool words_to_themselves(uint64_t n)
{
	return root_is_found(X86_64, n, 0, 0);
}

static bool words_by_another_offset(uint64_t n)
{
	return root_is_found(X86_64, 32, n, 0);
}

static bool image_without_direct_map(uint64_t bytes)
{
	return root_is_found(X86_64, 32, 0, bytes);
}

/* ---- census.c ------------------------------------------------------------------------- */

/* Two pages of one difference, then n of a difference each: are the two still known? */
static bool outlives(uint64_t n)
{
	struct guest *guest = make(I386);
	struct ws_system *system = open_system(guest);
	uint64_t root = 12 * MIB, va = 0xc0000000;
	struct ws_census census = { .first = va, .last = UINT32_MAX, .budget = 64 };
	bool known = false;

	for (uint64_t i = 0; i < 2; i++)
		guest_map(guest, root, va + i * WS_FRAME_SIZE, i * WS_FRAME_SIZE, 3);
	for (uint64_t i = 0; i < n; i++)
		guest_map(guest, root, va + (i + 2) * WS_FRAME_SIZE, 8 * MIB, 3);
	assert_int_equal(ws_census_take(system, root, &census), WS_OK);
	for (unsigned i = 0; i < WS_BALLOTS; i++)
		known |= census.ballot[i].bytes && census.ballot[i].delta == va;
	ws_system_close(system);
	guest_destroy(guest);
	return known;
}

/* ---- consensus.c ---------------------------------------------------------------------- */

static struct guest *headless(enum kind kind)
{
	struct guest *guest = make(kind);

	forget_vmcoreinfo(guest);
	guest_put(guest, guest_pa(guest, guest->init_mm) + GUEST_PGD_OFFSET, 0);
	memset(guest->memory + guest->swapper, 0, 2 * WS_FRAME_SIZE);
	guest_set_cr3(guest, guest->task[1].root);
	return guest;
}

/* Live roots: each process's but the vfork child's, and one that is kept. */
#define LIVE_ROOTS 25

static uint64_t live_root(const struct guest *guest, unsigned i)
{
	for (unsigned t = 0; t < guest->ntasks; t++)
		if (guest->task[t].root && strcmp(guest->task[t].comm, "vfork") && !i--)
			return guest->task[t].root;
	return guest->kept;
}

/* n of 25 have a kernel directory of their own: is the others' still everybody's? */
static bool directory_is_shared(uint64_t n)
{
	struct guest *guest = headless(PAE);
	uint64_t shared = guest_get(guest, guest->kept + 8 * 3) & ~UINT64_C(0xfff),
		 elected;
	struct ws_system *system;

	for (unsigned i = 0; i < n; i++)
		guest_own_entry(guest, live_root(guest, i), guest->kind->module);
	system = open_system(guest);
	assert_true(system->layout.consensus);
	elected = ws_le64(system->consensus + 8 * 3) & ~UINT64_C(0xfff);
	ws_system_close(system);
	guest_destroy(guest);
	return elected == shared;
}

/* n of the 24 that map module memory map another page there. */
static bool most_decide(uint64_t n)
{
	struct guest *guest = headless(I386);
	uint64_t va = guest->kind->module, pa = 0, first = live_root(guest, 0);
	struct ws_system *system;

	guest_put32(guest, guest_own_entry(guest, first, va), 0x5003);
	for (unsigned i = 1; i < n; i++)
		guest_put(guest, guest_private_entry(guest, live_root(guest, i), va),
			  guest_get(guest, guest_private_entry(guest, first, va)));
	system = open_system(guest);
	assert_true(system->layout.consensus);
	assert_int_equal(ws_kernel_translate(system, va, &pa), WS_READ);
	ws_system_close(system);
	guest_destroy(guest);
	return pa != 0x5000;
}

/* ---- image.c, resources.c ------------------------------------------------------------- */

static bool image_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->layout.image_last;
}

/* Text from some page on is writable, all of it from 0 on. */
static void unprotect_text(struct guest *guest, uint64_t pages)
{
	for (uint64_t pa = guest->image_pa + pages * WS_FRAME_SIZE; pa < guest->swapper;
	     pa += WS_FRAME_SIZE)
		guest_map(guest, guest->swapper, guest->kind->page_offset + pa, pa, 3);
}

static bool read_only_text(uint64_t pages)
{
	struct guest *guest = make(I386);

	forget_vmcoreinfo(guest);
	forget_resources(guest);
	unprotect_text(guest, pages);
	return look(guest, image_is_known);
}

#define BEHIND 0x80 /* pages of what lies behind a gap */

/* What lies n bytes behind the image's mapping, in the same distance, is of the image. */
static bool gap_in_the_image(uint64_t n)
{
	struct guest *guest = make(X86_64);
	uint64_t pa = (7 * MIB) + n; /* the mapping's end */
	uint64_t va = guest->kind->image + (pa - guest->image_pa), last;
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	forget_resources(guest);
	for (uint64_t i = 0; i < BEHIND; i++)
		guest_map(guest, guest->swapper, va + i * WS_FRAME_SIZE,
			  pa + i * WS_FRAME_SIZE, 3);
	system = open_system(guest);
	last = system->layout.image_last;
	ws_system_close(system);
	guest_destroy(guest);
	return last == va + BEHIND * WS_FRAME_SIZE - 1;
}

/* Without "Kernel bss" the image is taken to reach past its data, to this pa's end. */
static bool margin_of(uint64_t n)
{
	struct guest *guest = make(I386);
	uint64_t data_end = guest->swapper + 0x1ffff, last, names;
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	names = guest_get(guest, guest->resources + 8);
	memcpy(guest->memory + guest_pa(guest, names), "Kernel data", 12);
	guest_put32(guest, guest->resources, (uint32_t)guest->swapper);
	guest_put32(guest, guest->resources + 4, (uint32_t)data_end);
	system = open_system(guest);
	last = system->layout.image_last;
	ws_system_close(system);
	guest_destroy(guest);
	return last >= guest_kind_at(I386)->page_offset + n;
}

/* The direct map, in all roots: up to pa, where there is no memory. */
static void extend_direct_map(struct guest *guest, uint64_t to)
{
	for (uint64_t pa = GUEST_MEMORY; pa < to; pa += WS_FRAME_SIZE) {
		uint64_t va = guest->kind->page_offset + pa;

		guest_map(guest, guest->swapper, va, pa, 3);
		for (unsigned i = 0; i < LIVE_ROOTS; i++)
			guest_put(guest,
				  guest_private_entry(guest, live_root(guest, i), va),
				  guest_get(guest, guest_private_entry(
							   guest, guest->swapper, va)));
	}
}

/* The same where the direct map goes on: so many bytes behind the data, and no more. */
static bool margin_in_a_large_map(uint64_t n)
{
	struct guest *guest = make(I386);
	uint64_t data_end = guest->swapper + 0x1ffff, last, names;
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	extend_direct_map(guest, 40 * MIB);
	names = guest_get(guest, guest->resources + 8);
	memcpy(guest->memory + guest_pa(guest, names), "Kernel data", 12);
	guest_put32(guest, guest->resources, (uint32_t)guest->swapper);
	guest_put32(guest, guest->resources + 4, (uint32_t)data_end);
	system = open_system(guest);
	last = system->layout.image_last;
	ws_system_close(system);
	guest_destroy(guest);
	return last >= guest_kind_at(I386)->page_offset + data_end + n;
}

/* A longer image than the guest's own, that ends so far behind where KASLR begins. */
static bool image_up_to(uint64_t n)
{
	struct guest *guest = make(X86_64);
	uint64_t size = 12 * MIB, va = X86_KERNEL_MAP + n - size, last;
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	forget_resources(guest);
	for (uint64_t pa = 0; pa < size; pa += WS_FRAME_SIZE)
		guest_map(guest, guest->swapper, va + pa, 2 * MIB + pa, 3);
	system = open_system(guest);
	last = system->layout.image_last;
	ws_system_close(system);
	guest_destroy(guest);
	return last == X86_KERNEL_MAP + n - 1;
}

static bool find_parts(struct guest *guest, struct ws_image_parts *parts)
{
	struct ws_system *system = open_system(guest);
	uint64_t image = guest->kind->image;
	bool found = ws_image_parts(system, image, image + 3 * MIB - 1, guest->image_pa,
				    parts);

	ws_system_close(system);
	guest_destroy(guest);
	return found;
}

static bool code_of(uint64_t bytes)
{
	struct guest *guest = make(I386);
	struct ws_image_parts parts;

	guest_put32(guest, guest->resources + 0x40 + 4,
		    (uint32_t)(guest->image_pa + bytes));
	return find_parts(guest, &parts);
}

/* The resource of .bss lies so far from that of the code. */
static bool bss_beside_code(uint64_t distance)
{
	struct guest *guest = make(I386);
	struct ws_image_parts parts;

	memmove(guest->memory + guest->resources + 0x40 + (int64_t)distance,
		guest->memory + guest->resources, 12);
	memset(guest->memory + guest->resources, 0, 12);
	return find_parts(guest, &parts) && parts.bss_end;
}

/* So many other places read "Kernel code" before the one that is the kernel's. */
static bool decoys_of_the_name(uint64_t n)
{
	struct guest *guest = make(I386);

	forget_vmcoreinfo(guest);
	unprotect_text(guest, 0);
	for (unsigned i = 0; i < n; i++)
		memcpy(guest->memory + 0x1000 + 16 * i, "Kernel code", 12);
	return look(guest, image_is_known);
}

/* The resources lie so far behind the beginning of the image that they report. */
static bool resources_in_their_image(uint64_t distance)
{
	struct guest *guest = make(I386);
	uint64_t pa = guest->image_pa + distance, va;
	struct ws_piece_of_memory *piece = ws_vec_push(&guest->target.memory);
	uint8_t *frame = calloc(1, WS_FRAME_SIZE);
	bool known;

	assert_non_null(piece);
	assert_non_null(frame);
	*piece = (struct ws_piece_of_memory){ .at = { pa, WS_FRAME_SIZE },
					      .data = frame,
					      .first_frame = guest->target.nframes++ };
	memcpy(frame, guest->memory + guest->resources + 0x40, 0x40);
	va = guest->kind->page_offset + pa;
	guest_map(guest, guest->swapper, va, pa, 3);
	for (unsigned i = 0; i < LIVE_ROOTS; i++)
		guest_put(
			guest, guest_private_entry(guest, live_root(guest, i), va),
			guest_get(guest, guest_private_entry(guest, guest->swapper, va)));
	forget_vmcoreinfo(guest);
	forget_resources(guest);
	unprotect_text(guest, 0);
	known = look(guest, image_is_known);
	free(frame);
	return known;
}

/* ---- scan.c, tasks.c ------------------------------------------------------------------ */

/* All but the first n of 35 tasks have names that look like none. */
static bool named_tasks(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < guest->ntasks; i++)
		memcpy(guest->memory + comm_pa(guest, i),
		       !i      ? "swapper/0\0\0\0\0\0\0"
		       : i < n ? "name\0\0\0\0\0\0\0\0\0\0\0"
			       : "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		       16);
	return look(guest, all_tasks);
}

/* The frame of init_task's name has so many others before it. */
static bool names_in_its_frame(uint64_t n)
{
	struct guest *guest = make(I386);
	uint64_t frame = comm_pa(guest, 0) & -(uint64_t)WS_FRAME_SIZE;

	for (unsigned i = 0; i < n; i++)
		memcpy(guest->memory + frame + 32 * i, "swapper", 8);
	return look(guest, all_tasks);
}

/* And the image so many, four a frame. */
static bool names_in_the_image(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < n; i++)
		memcpy(guest->memory + guest->image_pa + i / 4 * WS_FRAME_SIZE +
			       32 * (i % 4),
		       "swapper", 8);
	return look(guest, all_tasks);
}

#define FAR_TASKS 5

static uint64_t far_comm(const struct guest *guest, unsigned i)
{
	return i ? guest->kind->page_offset + 12 * MIB + 0x8000 * i
		 : guest->task[0].comm_va;
}

/* A list whose nodes lie so far from their task's names. */
static bool list_from_comm(uint64_t distance)
{
	struct guest *guest = make(I386);
	uint64_t old = guest_pa(guest, guest->task[0].comm_va + GUEST_TASKS_OFFSET);

	memset(guest->memory + old, 0, 8);
	for (unsigned i = 0; i < FAR_TASKS; i++) {
		uint64_t node = far_comm(guest, i) + distance;
		uint64_t next = far_comm(guest, (i + 1) % FAR_TASKS) + distance;

		if (i)
			memcpy(guest->memory + guest_pa(guest, far_comm(guest, i)), "far",
			       4);
		guest_put32(guest, guest_pa(guest, node), (uint32_t)next);
		guest_put32(guest, guest_pa(guest, next) + 4, (uint32_t)node);
	}
	return look(guest, has_list);
}

/* ---- fields.c ------------------------------------------------------------------------- */

static bool pid_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->fields.pid == GUEST_PID_OFFSET &&
	       !has_note(system, "pids were not found");
}

static bool a_pid_of(uint64_t pid)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < 2; i++)
		guest_put32(guest, comm_pa(guest, 10) + GUEST_PID_OFFSET + 4 * i,
			    (uint32_t)pid);
	return look(guest, pid_is_known);
}

static bool pgd_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return !has_note(system, "no task's mm was found");
}

/* Each mm in a frame of its own, with pgd so far from its start. */
static bool pgd_in_mm(uint64_t offset)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < guest->ntasks; i++) {
		uint64_t at = comm_pa(guest, i) + GUEST_MM_OFFSET;
		uint64_t mm = 12 * MIB + WS_FRAME_SIZE * i;

		if (!guest->task[i].root)
			continue;
		guest_put(guest, mm + offset,
			  guest->kind->page_offset + guest->task[i].root);
		guest_put(guest, at, guest->kind->page_offset + mm);
		guest_put(guest, at + 4, guest->kind->page_offset + mm);
	}
	guest_put(guest, comm_pa(guest, 3) + GUEST_MM_OFFSET + 4, 0);
	return look(guest, pgd_is_known);
}

/* Of 25 tasks with an mm, n have one that leads nowhere. */
static bool pgd_is_right(struct ws_system *system, const struct guest *guest)
{
	return pgd_is_known(system, guest) && system->fields.mm_pgd == GUEST_PGD_OFFSET;
}

/* Of those that are looked at: three more have one. */
static bool mms_that_lead_nowhere(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < n; i++)
		guest_put(guest,
			  guest_pa(guest, guest->task[9 + i].mm) + GUEST_PGD_OFFSET, 0);
	return look(guest, pgd_is_right);
}

/* The list is cut so that beside init_task n tasks are on it. */
static bool flags_are_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->fields.flags == GUEST_FLAGS_OFFSET;
}

static bool flags_of_a_cut_list(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = (unsigned)n + 1; i < guest->ntasks; i++)
		memset(guest->memory + comm_pa(guest, i) + GUEST_TASKS_OFFSET, 0,
		       2 * guest->word);
	return look(guest, flags_are_known);
}

/* A word before the flags repeats each task's, but for init_task's, which is n. */
static bool a_copy_of_flags_but_the_first(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < guest->ntasks; i++) {
		uint8_t *flags = guest->memory + comm_pa(guest, i) + GUEST_FLAGS_OFFSET;

		memcpy(flags - 4, flags, 4);
	}
	guest_put32(guest, comm_pa(guest, 0) + GUEST_FLAGS_OFFSET - 4, (uint32_t)n);
	return look(guest, flags_are_known);
}

/* And n have one that leads to a page which is not in the dump. */
static bool roots_left_out(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < n; i++)
		guest_leave_out(guest, guest->task[9 + i].root);
	return look(guest, pgd_is_known);
}

/* ---- owners.c ------------------------------------------------------------------------- */

/* The guest of which only what names an mm twice shows what a task is: 30 of these. */
static struct guest *make_listless(void)
{
	struct guest *guest = make(I386);

	memset(guest->memory + comm_pa(guest, 0) - 0x200, 0x5a, 0x300);
	return guest;
}

/* pa of the comm of the i-th of the 30: 25 tasks, and then the threads. */
static uint64_t namer(const struct guest *guest, unsigned i)
{
	for (unsigned t = 0; t < guest->ntasks; t++)
		if (guest->task[t].mm && !guest->task[t].leader_exited && !i--)
			return comm_pa(guest, t);
	assert_true(i < guest->nthreads);
	return guest_pa(guest, guest->thread[i].comm_va);
}

static bool fields_are_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->fields.mm == GUEST_MM_OFFSET &&
	       system->fields.pid == GUEST_PID_OFFSET;
}

/* All but n of the 30 have names that look like none, and so have all others. */
static bool names_of_owners(uint64_t n)
{
	struct guest *guest = make_listless();

	for (unsigned i = 1; i < guest->ntasks; i++)
		memset(guest->memory + comm_pa(guest, i), 1, 1);
	for (unsigned i = 0; i < 30; i++)
		memcpy(guest->memory + namer(guest, i),
		       i < n ? "name\0\0\0\0\0\0\0\0\0\0\0"
			     : "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		       16);
	return look(guest, fields_are_known);
}

/* n of them have no pid. */
static bool owners_without_pid(uint64_t n)
{
	struct guest *guest = make_listless();

	for (unsigned i = 0; i < n; i++)
		guest_put32(guest, namer(guest, i) + GUEST_PID_OFFSET, 0);
	return look(guest, fields_are_known);
}

/* Takes the pair of mm and active_mm from all of the 30 but the first n. */
static void keep_namers(struct guest *guest, unsigned n)
{
	for (unsigned i = n; i < 30; i++) {
		guest_put(guest, namer(guest, i) + GUEST_MM_OFFSET, 0);
		guest_put(guest, namer(guest, i) + GUEST_MM_OFFSET + guest->word, 0);
	}
}

static bool owners_of_so_many(uint64_t n)
{
	struct guest *guest = make_listless();

	for (unsigned i = 0; i < 30; i++) /* longer than half of any other's */
		memcpy(guest->memory + namer(guest, i), "an ordinary one", 16);
	keep_namers(guest, (unsigned)n);
	return look(guest, fields_are_known);
}

/* Seven of them have none, and an eighth that one. */
static bool an_owners_pid(uint64_t pid)
{
	struct guest *guest = make_listless();

	for (unsigned i = 0; i < 8; i++)
		guest_put32(guest, namer(guest, i) + GUEST_PID_OFFSET,
			    i < 7 ? 0 : (uint32_t)pid);
	return look(guest, fields_are_known);
}

/* What a task has that is found by its mm: at so many bytes from that. */
struct plan {
	int32_t comm, tasks;
	uint32_t pid;
};

/* In memory that holds nothing else, one of them every 32 KiB. */
#define PLANNED(i) (13 * MIB + (i)*0x8000 + 0x4000)

/* A task with the mm of the one in the list that has that index. */
static void put_planned(struct guest *guest, unsigned i, unsigned of,
			const struct plan *plan)
{
	uint64_t pa = PLANNED(i);

	for (unsigned k = 0; k < 2; k++) {
		guest_put(guest, pa + guest->word * k, guest->task[of].mm);
		guest_put32(guest, pa + 0x20 + 4 * k, plan->pid);
	}
	memcpy(guest->memory + pa + plan->comm, "planned", 8);
}

/*
 * Behind the 30, whose pids are right, are n of 34 whose pids are none; then more of
 * these.
 */
static bool owners_among_the_first_without_pid(uint64_t n)
{
	struct guest *guest = make_listless();
	struct plan plan = { .comm = -GUEST_MM_OFFSET };

	for (unsigned i = 0; i < 60; i++) {
		plan.pid = i < n || i >= 34 ? 0 : 1000 + i;
		put_planned(guest, i, 10, &plan);
	}
	return look(guest, fields_are_known);
}

static bool comm_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return has_note(system, "belong to no task") ? false
						     : system->fields.mm != WS_NO_FIELD;
}

static bool list_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->fields.tasks != WS_NO_FIELD;
}

/* Each process has one task, in memory of its own; these are linked in a ring. */
static struct guest *make_planned(const struct plan *plan)
{
	struct guest *guest = make_listless();
	uint64_t offset = guest->kind->page_offset + plan->tasks;
	unsigned n = 0;

	keep_namers(guest, 0);
	for (unsigned t = 1; t < guest->ntasks; t++)
		if (guest->task[t].root) {
			struct plan its = *plan;

			its.pid = 1000 + t;
			put_planned(guest, n++, t, &its);
		}
	for (unsigned i = 0; i < n; i++) {
		guest_put(guest, PLANNED(i) + plan->tasks, PLANNED((i + 1) % n) + offset);
		guest_put(guest, PLANNED(i) + plan->tasks + guest->word,
			  PLANNED((i + n - 1) % n) + offset);
	}
	return guest;
}

static bool comm_behind_mm(uint64_t comm)
{
	const struct plan plan = { .comm = (int32_t)comm, .tasks = -0x40 };

	return look(make_planned(&plan), comm_is_known);
}

static bool list_before_mm(uint64_t bytes)
{
	const struct plan plan = { .comm = 0x100, .tasks = -(int32_t)bytes };

	return look(make_planned(&plan), list_is_known);
}

/* All of the 30 have a name of so many letters, and no other. */
static void name_all(struct guest *guest, int32_t offset, uint64_t letters)
{
	for (unsigned i = 0; i < 30; i++) {
		memset(guest->memory + namer(guest, i) + offset, 0, 16);
		memset(guest->memory + namer(guest, i) + offset, 'n', letters);
	}
}

static bool names_of_letters(uint64_t n)
{
	struct guest *guest = make_listless();

	for (unsigned i = 1; i < guest->ntasks; i++)
		memset(guest->memory + comm_pa(guest, i), 1, 1);
	name_all(guest, 0, n);
	return look(guest, fields_are_known);
}

/* Names have ten letters; before them lies a word that has so many. */
static bool words_before_names(uint64_t n)
{
	struct guest *guest = make_listless();

	name_all(guest, 0, 10);
	name_all(guest, -0x40, n);
	return look(guest, fields_are_known);
}

/* Links the first n of the 30, all leaders, in a ring, and no others. */
static void link_namers(struct guest *guest, int32_t offset, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = namer(guest, i) + offset;
		uint64_t base = guest->kind->page_offset + offset;

		guest_put(guest, at, base + namer(guest, (i + 1) % n));
		guest_put(guest, at + guest->word, base + namer(guest, (i + n - 1) % n));
	}
}

static bool nearest_list_is_known(struct ws_system *system, const struct guest *guest)
{
	(void)guest;
	return system->fields.tasks == GUEST_TASKS_OFFSET;
}

/* Farther off is a list that leads from 24 of them to another leader. */
static bool tasks_on_the_nearest_list(uint64_t n)
{
	struct guest *guest = make_listless();

	for (unsigned i = 1; i < guest->ntasks; i++)
		memset(guest->memory + comm_pa(guest, i) + GUEST_TASKS_OFFSET, 0,
		       2 * guest->word);
	link_namers(guest, GUEST_TASKS_OFFSET, (unsigned)n);
	link_namers(guest, -0x1c0, 24);
	return look(guest, nearest_list_is_known);
}

/* Each mm in a frame of its own, with pgd so far from its start. */
static void spread_mms(struct guest *guest, uint64_t offset)
{
	for (unsigned i = 0; i < 30; i++) {
		uint64_t at = namer(guest, i) + GUEST_MM_OFFSET;
		uint64_t mm = guest_get(guest, at) - guest->kind->page_offset;
		uint64_t root = guest_get(guest, mm + GUEST_PGD_OFFSET);
		uint64_t moved = 13 * MIB + (mm % MIB << 4);

		guest_put(guest, moved + offset, root);
		guest_put(guest, at, guest->kind->page_offset + moved);
		guest_put(guest, at + 4, guest->kind->page_offset + moved);
	}
}

static bool pgd_in_an_owners_mm(uint64_t offset)
{
	struct guest *guest = make_listless();

	spread_mms(guest, offset);
	for (unsigned i = 1; i < guest->ntasks; i++)
		if (guest->task[i].root)
			guest_put(guest, guest_pa(guest, guest->task[i].mm) + 0x48, 0);
	return look(guest, fields_are_known);
}

/* ---- mm_owner.c ------------------------------------------------------------------- */

#define OWNER_OFFSET 0x80 /* in an mm */
#define TASK_BEGINS 0x200 /* so far before its comm */

/*
 * Who is on the list of a system: of two processes whose mm leads to them and two whose
 * mm does not, now one and now the other. Before: some of the latter; behind: some more.
 */
static bool owner_is_found(unsigned before, unsigned right, unsigned behind)
{
	struct guest *guest = make(I386);
	struct ws_mm_owner owner = { 0 };
	struct ws_system *system;
	struct ws_task odd[2], even[2];
	bool found;

	for (unsigned i = 9; i < 11; i++)
		guest_put(guest, guest_pa(guest, guest->task[i].mm) + OWNER_OFFSET,
			  guest->task[i].comm_va - TASK_BEGINS);
	system = open_system(guest);
	for (unsigned i = 0; i < 2; i++) {
		even[i] = system->tasks.v[9 + i];
		odd[i] = system->tasks.v[11 + i];
	}
	system->tasks.n = 0;
	for (unsigned i = 0; i < before + right + behind; i++) {
		struct ws_task *task = ws_vec_push(&system->tasks);

		assert_non_null(task);
		*task = i >= before && i < before + right ? even[i % 2] : odd[i % 2];
	}
	found = ws_find_mm_owner(system, &owner) && owner.offset == OWNER_OFFSET &&
		owner.comm == TASK_BEGINS;
	ws_system_close(system);
	guest_destroy(guest);
	return found;
}

static bool mms_that_lead_to_owners(uint64_t n)
{
	return owner_is_found(0, (unsigned)n, 0);
}

static bool mms_that_lead_to_nobody(uint64_t n)
{
	return owner_is_found(0, 24 - (unsigned)n, (unsigned)n);
}

static bool mms_that_lead_to_nobody_at_first(uint64_t n)
{
	return owner_is_found((unsigned)n, 20, 0);
}

static bool mms_that_lead_to_owners_of_the_first(uint64_t n)
{
	return owner_is_found(0, (unsigned)n, 100);
}

/* ---- parents.c ------------------------------------------------------------------------ */

static bool parents_are_known(struct ws_system *system, const struct guest *guest)
{
	const struct ws_task *last = &system->tasks.v[guest->ntasks - 1];

	return last->ppid == guest->task[guest->ntasks - 1].ppid;
}

/* Of 34 tasks beside init_task, n have a parent that is no task. */
static bool parents_that_are_none(uint64_t n)
{
	struct guest *guest = make(I386);

	for (unsigned i = 0; i < n; i++)
		guest_put(guest, comm_pa(guest, 9 + i) + guest_parent_offset(guest),
			  guest->kind->page_offset + 0x40 * i);
	return look(guest, parents_are_known);
}

/* And n are traced by what is none. */
static bool tracers_that_are_none(uint64_t n)
{
	struct guest *guest = make(X86_64);

	for (unsigned i = 0; i < n; i++)
		guest_put(guest, comm_pa(guest, 9 + i) + guest_parent_offset(guest) + 8,
			  0);
	return look(guest, parents_are_known);
}

/* The comm of init_task lies that far behind its beginning, as it says. */
static bool comm_behind_beginning(uint64_t n)
{
	struct guest *guest = make(I386);
	int32_t offset = guest_parent_offset(guest);

	for (unsigned i = 0; i < guest->ntasks; i++) {
		uint64_t parent = guest->task[guest->task[i].ppid].comm_va - n;

		guest_put(guest, comm_pa(guest, i) + offset, parent);
		guest_put(guest, comm_pa(guest, i) + offset + 4, parent);
	}
	return look(guest, parents_are_known);
}

/* ---- map_merge.c, map_evidence.c ------------------------------------------------------ */

static void add_function(struct ws_symtab *symtab, unsigned i, uint64_t va)
{
	struct ws_symtab_entry entry = { .va = va,
					 .module = WS_KERNEL_SYMBOL,
					 .type = 'T' };
	char name[16];
	int len = snprintf(name, sizeof(name), "function_%u", i);

	assert_int_equal(
		ws_symtab_add(symtab, WS_FROM_KALLSYMS, &entry, name, (size_t)len),
		WS_OK);
}

/* A file of n functions of which `agree` lie where kallsyms have them. */
static bool merges(unsigned n, unsigned agree)
{
	struct fake_kernel kernel;
	struct ws_symtab *known, *map;
	enum ws_status status;

	fake_create(&kernel, 8);
	known = ws_symtab_create(kernel.system.ctx);
	map = ws_symtab_create(kernel.system.ctx);
	assert_non_null(known);
	assert_non_null(map);
	for (unsigned i = 0; i < n; i++) {
		add_function(known, i, kernel.image + 0x100 * i);
		add_function(map, i, kernel.image + 0x100 * i + (i < agree ? 0 : 8));
	}
	assert_int_equal(ws_symtab_seal(known), WS_OK);
	assert_int_equal(ws_symtab_seal(map), WS_OK);
	status = ws_map_merge(&kernel.system, known, map, WS_FROM_SYSTEM_MAP, "map");
	ws_symtab_destroy(known);
	ws_symtab_destroy(map);
	fake_destroy(&kernel);
	return status == WS_OK;
}

static bool functions_in_common(uint64_t n)
{
	return merges((unsigned)n, (unsigned)n);
}

static bool functions_that_agree(uint64_t n)
{
	return merges(100, (unsigned)n);
}

static bool symbols_in_common(uint64_t n)
{
	return ws_map_is_shown(&(struct ws_map_evidence){ .common = n, .agree = n });
}

static bool gates_that_agree(uint64_t n)
{
	return ws_map_is_shown(&(struct ws_map_evidence){ .gates = 4, .gates_agree = n });
}

static bool symbols_beside_hooked_gates(uint64_t n)
{
	return ws_map_is_shown(
		&(struct ws_map_evidence){ .common = n, .agree = n, .gates = 4 });
}

static bool symbols_that_agree_beside_hooked_gates(uint64_t n)
{
	return ws_map_is_shown(
		&(struct ws_map_evidence){ .common = 4, .agree = n, .gates = 4 });
}

static bool moved_by(uint64_t shift)
{
	return ws_map_is_shown(
		&(struct ws_map_evidence){ .common = 8, .agree = 8, .shift = shift });
}

/* ---- kallsyms_search.c, kallsyms.c ---------------------------------------------------- */

#define SYMBOLS 256

/* The kallsyms of n symbols, of which `outside` lie below the image, are found. */
static bool kallsyms_of(uint32_t n, uint32_t outside, unsigned swapped, unsigned decoys)
{
	struct fake_symbol *symbol = calloc(n, sizeof(*symbol)), kept;
	struct ws_symtab *symtab;
	struct fake_kernel kernel;
	bool found;

	assert_non_null(symbol);
	fake_create(&kernel, 8);
	for (uint32_t i = 0; i < n; i++)
		symbol[i] = (struct fake_symbol){
			.va = i < outside ? 0x1000 + i : kernel.image + 0x1000 + 16 * i,
			.type = 't',
			.name = "page_fault",
		};
	for (unsigned i = 0; i < swapped; i++) {
		kept = symbol[4 * i];
		symbol[4 * i] = symbol[4 * i + 1];
		symbol[4 * i + 1] = kept;
	}
	for (unsigned i = 0; i < decoys; i++)
		memcpy(fake_at(&kernel, kernel.image + 0x2000 + 32 * i),
		       "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
	fake_kallsyms(&kernel, kernel.image + 0x10000, FAKE_ABSOLUTE, symbol, n);
	symtab = ws_symtab_create(kernel.system.ctx);
	assert_non_null(symtab);
	assert_int_equal(ws_kallsyms_load(&kernel.system, symtab), WS_OK);
	/* found, and a page that is out of order is not believed */
	found = symtab->count[WS_FROM_KALLSYMS].functions == n || symtab->partial;
	ws_symtab_destroy(symtab);
	fake_destroy(&kernel);
	free(symbol);
	return found;
}

static bool kallsyms_with(uint64_t n)
{
	return kallsyms_of((uint32_t)n, 0, 0, 0);
}

static bool kallsyms_outside_the_image(uint64_t n)
{
	return kallsyms_of(SYMBOLS, (uint32_t)n, 0, 0);
}

static bool kallsyms_out_of_order(uint64_t n)
{
	return kallsyms_of(SYMBOLS, 0, (unsigned)n, 0);
}

static bool kallsyms_behind_decoys(uint64_t n)
{
	return kallsyms_of(SYMBOLS, 0, 0, (unsigned)n);
}

/* ---- modules.c, module_regions.c ------------------------------------------------------ */

#define MODULES 8
#define REGIONS (40 * 8) /* in struct module; the size behind the base */

struct module_plan {
	uint32_t state;   /* of each */
	unsigned broken;  /* so many say no region */
	unsigned seconds; /* so many have a second one */
	uint32_t stride;  /* so far behind the first */
};

static uint64_t module_va(const struct fake_kernel *kernel, unsigned i)
{
	return kernel->modules + 0x10000 * (i + 1);
}

static void put_module(struct fake_kernel *kernel, unsigned i,
		       const struct module_plan *plan)
{
	uint64_t va = module_va(kernel, i), head = kernel->image + 0x1000;
	uint64_t node = va + 8,
		 next = i + 1 < MODULES ? module_va(kernel, i + 1) + 8 : head;

	fake_put32(kernel, va, plan->state);
	fake_put_word(kernel, node, next);
	fake_put_word(kernel, next + 8, node);
	snprintf((char *)fake_at(kernel, va + 24), 32, "module_%u", i);
	for (unsigned at = 24 + 56; at < 0x600; at += 8) /* other fields: no regions */
		fake_put_word(kernel, va + at, 1);
	fake_put_word(kernel, va + REGIONS + plan->stride, 0);
	fake_put_word(kernel, va + REGIONS + plan->stride + 8, 0);
	if (i >= plan->broken) {
		fake_put_word(kernel, va + REGIONS, va);
		fake_put32(kernel, va + REGIONS + 8, 0x4000);
	}
	if (i < plan->seconds) {
		fake_put_word(kernel, va + REGIONS + plan->stride, va + 0x8000);
		fake_put32(kernel, va + REGIONS + plan->stride + 8, 0x2000);
	}
}

static void find_modules(const struct module_plan *plan, size_t *n,
			 struct ws_module_fields *fields)
{
	const struct ws_module *modules;
	struct fake_kernel kernel;

	fake_create(&kernel, 8);
	fake_put_word(&kernel, kernel.image + 0x1000, module_va(&kernel, 0) + 8);
	fake_put_word(&kernel, module_va(&kernel, 0) + 16, kernel.image + 0x1000);
	for (unsigned i = 0; i < MODULES; i++)
		put_module(&kernel, i, plan);
	assert_int_equal(ws_system_modules(&kernel.system, &modules, n), WS_OK);
	*fields = kernel.system.module_fields;
	fake_destroy(&kernel);
}

static bool module_state(uint64_t state)
{
	const struct module_plan plan = { .state = (uint32_t)state };
	struct ws_module_fields fields;
	size_t n;

	find_modules(&plan, &n, &fields);
	return n == MODULES;
}

static bool modules_without_region(uint64_t broken)
{
	const struct module_plan plan = { .broken = (unsigned)broken };
	struct ws_module_fields fields;
	size_t n;

	find_modules(&plan, &n, &fields);
	return fields.regions == REGIONS;
}

static bool second_region_behind(uint64_t stride)
{
	const struct module_plan plan = { .seconds = MODULES,
					  .stride = (uint32_t)stride };
	struct ws_module_fields fields;
	size_t n;

	find_modules(&plan, &n, &fields);
	return fields.nregions == 2 && fields.stride == stride;
}

static bool modules_with_a_second_region(uint64_t seconds)
{
	const struct module_plan plan = { .seconds = (unsigned)seconds, .stride = 72 };
	struct ws_module_fields fields;
	size_t n;

	find_modules(&plan, &n, &fields);
	return fields.nregions == 2;
}

/* ---- the table ------------------------------------------------------------------------ */

static const struct threshold {
	const char *name;
	bool (*holds)(uint64_t n);
	uint64_t inside, outside;
} thresholds[] = {
	{ "roots: entries alike of 16", half_alike, 8, 7 },
	{ "roots: other entries of 16", a_quarter_other, 4, 5 },
	{ "roots: samples alike of 16", samples_alike, 4, 3 },
	{ "roots: entries of the direct map", direct_slots, 8, 7 },
	{ "layout: pages of the direct map", direct_map_of, 1024, 1023 },
	{ "layout: the lowest direct map, i386", direct_map_at_32, 0x40000000,
	  0x3fc00000 },
	{ "layout: its steps, i386", direct_map_at_32, 0xc0400000, 0xc0200000 },
	{ "layout: its steps, x86-64", direct_map_at_64, UINT64_C(0xffff888040000000),
	  UINT64_C(0xffff888020000000) },
	{ "layout: the highest, x86-64", direct_map_at_64, UINT64_C(0xffffffff40000000),
	  UINT64_C(0xffffffff80000000) },
	{ "candidates: words to themselves", words_to_themselves, 16, 15 },
	{ "candidates: words by another offset beside 32", words_by_another_offset, 31,
	  32 },
	{ "candidates: an image without a direct map", image_without_direct_map, MIB,
	  MIB - WS_FRAME_SIZE },
	{ "census: differences in a vote", outlives, 31, 32 },
	{ "consensus: own directories of 25", directory_is_shared, 12, 13 },
	{ "consensus: other entries of 24", most_decide, 11, 13 },
	{ "image: read-only pages", read_only_text, 256, 255 },
	{ "image: a gap in it", gap_in_the_image, 64 * MIB, 64 * MIB + WS_FRAME_SIZE },
	{ "image: no more than the direct map", margin_of, GUEST_MEMORY - 1,
	  GUEST_MEMORY },
	{ "image: the margin behind it", margin_in_a_large_map, 16 * MIB, 16 * MIB + 1 },
	{ "image: the last place of KASLR", image_up_to, 1024 * MIB,
	  1024 * MIB + WS_FRAME_SIZE },
	{ "resources: the code's length", code_of, 128 * MIB - 1, 128 * MIB },
	{ "resources: .bss behind the code", bss_beside_code, 1020, 1024 },
	{ "resources: .bss before the code", bss_beside_code, -UINT64_C(1024),
	  -UINT64_C(1028) },
	{ "resources: in their image", resources_in_their_image,
	  128 * MIB - WS_FRAME_SIZE, 128 * MIB },
	{ "resources: decoys of a name", decoys_of_the_name, 63, 64 },
	{ "tasks: names in a ring of 35", named_tasks, 9, 8 },
	{ "scan: names in a frame", names_in_its_frame, 3, 4 },
	{ "tasks: names in the image", names_in_the_image, 1023, 1024 },
	{ "tasks: the list before the name", list_from_comm, -UINT64_C(8192),
	  -UINT64_C(8196) },
	{ "tasks: the list behind the name", list_from_comm, 8188, 8192 },
	{ "fields: the largest pid", a_pid_of, 4 * MIB, 4 * MIB + 1 },
	{ "fields: pgd in an mm", pgd_in_mm, 2044, 2048 },
	{ "fields: mms of 22 that lead nowhere", mms_that_lead_nowhere, 5, 6 },
	{ "fields: roots of 25 left out", roots_left_out, 11, 12 },
	{ "fields: tasks that show flags, of a list that is cut", flags_of_a_cut_list, 8,
	  7 },
	{ "fields: flags by which init_task is no kernel thread",
	  a_copy_of_flags_but_the_first, ~WS_PF_KTHREAD, WS_PF_KTHREAD },
	{ "owners: of 30 with names", names_of_owners, 8, 7 },
	{ "owners: of 30 without a pid", owners_without_pid, 7, 8 },
	{ "owners: tasks that show fields", owners_of_so_many, 2, 1 },
	{ "owners: the largest pid", an_owners_pid, 4 * MIB, 4 * MIB + 1 },
	{ "owners: of the first 64 without a pid", owners_among_the_first_without_pid, 16,
	  17 },
	{ "owners: the name behind mm", comm_behind_mm, 8188, 8192 },
	{ "owners: the list before mm", list_before_mm, 8188, 8192 },
	{ "owners: letters of names", names_of_letters, 3, 2 },
	{ "owners: letters of words before names of ten", words_before_names, 5, 6 },
	{ "owners: of 24 on the nearest list", tasks_on_the_nearest_list, 18, 17 },
	{ "owners: pgd in an mm", pgd_in_an_owners_mm, 2044, 2048 },
	{ "mm_owner: tasks that show it", mms_that_lead_to_owners, 2, 1 },
	{ "mm_owner: of 24 that do not", mms_that_lead_to_nobody, 6, 7 },
	{ "mm_owner: the first that do not", mms_that_lead_to_nobody_at_first, 3, 4 },
	{ "mm_owner: of the first 64", mms_that_lead_to_owners_of_the_first, 48, 47 },
	{ "parents: of 34 that are none", parents_that_are_none, 4, 5 },
	{ "parents: of 34 tracers that are none", tracers_that_are_none, 4, 5 },
	{ "parents: the name behind the beginning", comm_behind_beginning, 8188, 8192 },
	{ "parents: the name behind the list", comm_behind_beginning, 0x104, 0x100 },
	{ "map: functions in common", functions_in_common, 16, 15 },
	{ "map: functions of 100 that agree", functions_that_agree, 95, 94 },
	{ "map: symbols in common", symbols_in_common, 4, 3 },
	{ "map: gates of 4 that agree", gates_that_agree, 3, 2 },
	{ "map: symbols beside hooked gates", symbols_beside_hooked_gates, 2, 1 },
	{ "map: of 4 that agree beside hooked gates",
	  symbols_that_agree_beside_hooked_gates, 3, 2 },
	{ "map: moved by whole pages", moved_by, 0x3000, 0x3800 },
	{ "kallsyms: symbols", kallsyms_with, 256, 255 },
	{ "kallsyms: of 256 outside the image", kallsyms_outside_the_image, 127, 128 },
	{ "kallsyms: of 256 out of order", kallsyms_out_of_order, 4, 5 },
	{ "kallsyms: decoys", kallsyms_behind_decoys, 15, 16 },
	{ "modules: states", module_state, 3, 4 },
	{ "modules: of 8 without a region", modules_without_region, 2, 3 },
	{ "modules: from region to region", second_region_behind, 192, 200 },
	{ "modules: of 8 with a second region", modules_with_a_second_region, 5, 4 },
};

static void holds_inside_and_not_outside(void **state)
{
	const struct threshold *row = *state;

	if (!row->holds(row->inside))
		fail_msg("%s: does not hold with %#lx", row->name, row->inside);
	if (row->holds(row->outside))
		fail_msg("%s: holds with %#lx", row->name, row->outside);
}

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(thresholds)];

	for (size_t i = 0; i < WS_ARRAY_SIZE(thresholds); i++)
		tests[i] = (struct CMUnitTest){ .name = thresholds[i].name,
						.test_func = holds_inside_and_not_outside,
						.initial_state = (void *)&thresholds[i] };
	return _cmocka_run_group_tests("thresholds", tests, WS_ARRAY_SIZE(tests), NULL,
				       NULL);
}
