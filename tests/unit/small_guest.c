/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "small_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"
#include "paging/format.h"
#include "util/bits.h"
#include "x86/entry.h"
#include "x86/registers.h"

/*
 *	pa
 *	  1 MiB   page tables, mm_structs, user pages: frames as they are needed
 *	  4 MiB   image: text, read-only
 *	  6 MiB   image: data (swapper_pg_dir, init_task, init_mm, resources)
 *	  8 MiB   mem_map
 *	  9 MiB   the slab of tasks
 *	 10 MiB   module memory
 */
#define PA_FRAMES (1u << 20)
#define PA_TEXT (4u << 20)
#define PA_DATA (6u << 20)
#define PA_IMAGE_END (7u << 20)
#define PA_MEM_MAP (8u << 20)
#define PA_SLAB (9u << 20)
#define PA_MODULE (10u << 20)

/* In the image's data. The root needs a user half beside it. */
#define PA_SWAPPER PA_DATA
#define PA_INIT_COMM (PA_DATA + 0x5000 - 8) /* goes over the end of a frame */
#define PA_INIT_MM (PA_DATA + 0x6000)
#define PA_RESOURCES (PA_DATA + 0x7000)
#define PA_NAMES (PA_DATA + 0x8000)
#define PA_LIST_HEAD (PA_DATA + 0x9000)
#define PA_MEM_MAP_POINTER (PA_DATA + 0xa000)
#define PA_UTS (PA_DATA + 0xb000)

#define TASK_SIZE 0x300
#define COMM 0x200
#define MM_SIZE 0x100
#define PA_SIGNALS (PA_SLAB + 0x20000) /* signal_structs: their thread_head alone */

#define PAGE_SIZE_STRUCT 32 /* struct page: lru at 8, _refcount at 24 */
#define PAGE_LRU 8
#define PAGE_REFCOUNT 24

/* SDM vol. 3A, tables 4-5 to 4-20. */
#define P 1u
#define RW 2u
#define US 4u

/* clang-format off */
static const struct guest_kind kinds[] = {
	{ "i386", &ws_format_i386, 0xc0000000, 0xc0400000, 0xd0000000, 0xffc00000,
	  false, true },
	{ "i386, 2 GiB for the kernel", &ws_format_i386, 0x80000000, 0x80400000,
	  0xd0000000, 0xffc00000, false, true },
	{ "PAE, one kernel directory", &ws_format_i386_pae, 0xc0000000, 0xc0400000,
	  0xd0000000, 0xffc00000, false, false },
	{ "PAE with PTI", &ws_format_i386_pae, 0xc0000000, 0xc0400000, 0xd0000000,
	  0xffc00000, true, true },
	{ "x86-64", &ws_format_x86_64, UINT64_C(0xffff888000000000),
	  UINT64_C(0xffffffff81000000), UINT64_C(0xffffc90000000000),
	  UINT64_C(0xfffffe0000000000), false, true },
	{ "x86-64 with KASLR and PTI", &ws_format_x86_64, UINT64_C(0xffff9e4d40000000),
	  UINT64_C(0xffffffffa7200000), UINT64_C(0xffffb2c500000000),
	  UINT64_C(0xfffffe0000000000), true, true },
	{ "x86-64, five levels", &ws_format_x86_64_la57, UINT64_C(0xff11000000000000),
	  UINT64_C(0xffffffff81000000), UINT64_C(0xffa0000000000000),
	  UINT64_C(0xfffffe0000000000), false, true },
};
/* clang-format on */

const struct guest_kind *guest_kind_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}

static unsigned traits_of(const struct guest_kind *kind)
{
	const struct ws_format *format = kind->format;
	unsigned traits = format->va_bits > 32 ? GUEST_64_BITS : GUEST_32_BITS;

	traits |= kind->pti ? GUEST_PTI : GUEST_NO_PTI;
	traits |= kind->own_kernel ? GUEST_OWN_KERNEL : 0;
	traits |= format->no_execute ? GUEST_NX : 0;
	traits |= format == &ws_format_i386 ? GUEST_I386 : 0;
	traits |= format == &ws_format_i386_pae ? GUEST_PAE : 0;
	traits |= format->nlevels <= 4 ? GUEST_MOST_4_LEVELS : 0;
	return traits;
}

/* One case on all kinds that it means something on; how many those are. */
static size_t add_case(struct CMUnitTest *tests, const struct guest_case *c)
{
	const struct guest_kind *kind;
	size_t n = 0;

	for (unsigned k = 0; (kind = guest_kind_at(k)); k++) {
		char *name;

		if (c->needs & ~traits_of(kind))
			continue;
		if (asprintf(&name, "%s: %s", kind->name, c->name) < 0)
			abort();
		tests[n++] = (struct CMUnitTest){ .name = name,
						  .test_func = c->test,
						  .initial_state = (void *)kind };
	}
	return n;
}

int guest_run_cases(const char *group, const struct guest_case *cases, size_t n)
{
	struct CMUnitTest *tests = calloc(n * WS_ARRAY_SIZE(kinds), sizeof(*tests));
	size_t ntests = 0, added = 1;
	int failed = 1;

	for (size_t i = 0; tests && added && i < n; i++) {
		added = add_case(tests + ntests, &cases[i]);
		ntests += added;
		if (!added)
			fprintf(stderr, "%s: no kind has what it needs\n", cases[i].name);
	}
	if (tests && added)
		failed = _cmocka_run_group_tests(group, tests, ntests, NULL, NULL);
	for (size_t i = 0; i < ntests; i++)
		free((void *)tests[i].name);
	free(tests);
	return failed;
}

/* ---- bytes ------------------------------------------------------------------------ */

uint64_t guest_get(const struct guest *guest, uint64_t pa)
{
	return ws_le_word(guest->memory + pa, guest->word);
}

void guest_put(struct guest *guest, uint64_t pa, uint64_t value)
{
	put_little(guest->memory + pa, guest->word, value);
}

void guest_put32(struct guest *guest, uint64_t pa, uint32_t value)
{
	put_little(guest->memory + pa, sizeof(value), value);
}

static uint64_t image_va(const struct guest *guest, uint64_t pa)
{
	return guest->kind->image + (pa - PA_TEXT);
}

static uint64_t direct_va(const struct guest *guest, uint64_t pa)
{
	return guest->kind->page_offset + pa;
}

uint64_t guest_pa(const struct guest *guest, uint64_t va)
{
	return va - guest->kind->page_offset < GUEST_MEMORY
		       ? va - guest->kind->page_offset
		       : va - guest->kind->image + PA_TEXT;
}

/* Every frame that is given out has a reference, as the page allocator would have it. */
static uint64_t take_frames(struct guest *guest, unsigned n)
{
	uint64_t pa = guest->next_frame;

	guest->next_frame += (uint64_t)n * WS_FRAME_SIZE;
	if (guest->next_frame > PA_TEXT)
		abort();
	guest_put32(guest,
		    PA_MEM_MAP + pa / WS_FRAME_SIZE * PAGE_SIZE_STRUCT + PAGE_REFCOUNT,
		    1);
	return pa;
}

/* A root: with PTI its user half is the page above it (8 KiB aligned). */
static uint64_t take_root(struct guest *guest)
{
	if (guest->next_frame % (2 * WS_FRAME_SIZE))
		take_frames(guest, 1);
	return take_frames(guest, 2);
}

/* ---- page tables ------------------------------------------------------------------ */

static unsigned entry_size(const struct guest *guest)
{
	return guest->kind->format->entry_log2 == 3 ? 8 : 4;
}

static uint64_t get_entry(const struct guest *guest, uint64_t table, unsigned index)
{
	unsigned size = entry_size(guest);

	return ws_le_word(guest->memory + table + (uint64_t)index * size, size);
}

static void put_entry(struct guest *guest, uint64_t table, unsigned index, uint64_t entry)
{
	unsigned size = entry_size(guest);

	put_little(guest->memory + table + (uint64_t)index * size, size, entry);
}

/* The levels of a format, top first: where the index into its table lies in a va. */
struct index_bits {
	unsigned shift, bits;
};

static unsigned levels_of(const struct guest *guest, struct index_bits level[5])
{
	bool pae = guest->kind->format == &ws_format_i386_pae;
	unsigned n = 0, bits = entry_size(guest) == 4 ? 10 : 9;

	if (guest->kind->format == &ws_format_x86_64_la57)
		level[n++] = (struct index_bits){ 48, 9 };
	if (guest->word == 8)
		level[n++] = (struct index_bits){ 39, 9 };
	if (guest->word == 8 || pae)
		level[n++] = (struct index_bits){ 30, pae ? 2 : 9 };
	if (bits == 9)
		level[n++] = (struct index_bits){ 21, 9 };
	else
		level[n++] = (struct index_bits){ 22, 10 };
	level[n++] = (struct index_bits){ 12, bits };
	return n;
}

static unsigned index_at(const struct index_bits *level, uint64_t va)
{
	return va >> level->shift & ((1u << level->bits) - 1);
}

void guest_map(struct guest *guest, uint64_t root, uint64_t va, uint64_t pa,
	       uint64_t rights)
{
	struct index_bits level[5];
	unsigned n = levels_of(guest, level);
	uint64_t table = root;

	for (unsigned l = 0; l + 1 < n; l++) {
		unsigned index = index_at(&level[l], va);
		uint64_t entry = get_entry(guest, table, index);

		if (!entry) {
			entry = take_frames(guest, 1) | P |
				(level[l].bits > 2 ? RW | US : 0);
			put_entry(guest, table, index, entry);
		}
		table = entry & ~UINT64_C(0xfff);
	}
	put_entry(guest, table, index_at(&level[n - 1], va), pa | rights);
}

/* The address bits of an entry, whatever rights stand around them. */
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

uint64_t guest_own_entry(struct guest *guest, uint64_t root, uint64_t va)
{
	struct index_bits level[5];
	unsigned n = levels_of(guest, level), l;
	uint64_t table = root;

	for (l = 0; l + 1 < n; l++) {
		unsigned index = index_at(&level[l], va);
		uint64_t entry = get_entry(guest, table, index);
		uint64_t copy = take_frames(guest, 1);

		memcpy(guest->memory + copy, guest->memory + (entry & ENTRY_ADDRESS),
		       WS_FRAME_SIZE);
		put_entry(guest, table, index, copy | (entry & ~ENTRY_ADDRESS));
		table = copy;
	}
	return table + (uint64_t)index_at(&level[l], va) * entry_size(guest);
}

uint64_t guest_private_entry(struct guest *guest, uint64_t root, uint64_t va)
{
	struct index_bits level[5];
	uint64_t table = root;
	unsigned l = 0;

	levels_of(guest, level);
	if (level[0].bits == 2)
		table = get_entry(guest, table, index_at(&level[l++], va)) &
			ENTRY_ADDRESS;
	return table + (uint64_t)index_at(&level[l], va) * entry_size(guest);
}

static unsigned first_kernel_index(const struct guest *guest)
{
	struct index_bits level[5];

	levels_of(guest, level);
	return guest->word == 8 ? 256 : index_at(&level[0], guest->kind->page_offset);
}

static unsigned top_entries(const struct guest *guest)
{
	struct index_bits level[5];

	levels_of(guest, level);
	return 1u << level[0].bits;
}

/* A copy of a PAE kernel's directory, for a process that has its own. */
static uint64_t copy_directory(struct guest *guest, uint64_t entry)
{
	uint64_t copy = take_frames(guest, 1);

	memcpy(guest->memory + copy, guest->memory + (entry & ~UINT64_C(0xfff)),
	       WS_FRAME_SIZE);
	return copy | P;
}

static void copy_kernel_half(struct guest *guest, uint64_t root)
{
	bool own_directory = guest->kind->own_kernel && top_entries(guest) == 4;

	for (unsigned i = first_kernel_index(guest); i < top_entries(guest); i++) {
		uint64_t entry = get_entry(guest, guest->swapper, i);

		if (entry && own_directory)
			entry = copy_directory(guest, entry);
		put_entry(guest, root, i, entry);
	}
}

/* With PTI: of the kernel the user half has only what the processor needs to enter it. */
static void make_user_half(struct guest *guest, uint64_t root)
{
	uint64_t user = root + WS_FRAME_SIZE;

	for (unsigned i = 0; i < first_kernel_index(guest); i++)
		put_entry(guest, user, i, get_entry(guest, root, i));
	guest_map(guest, user, guest->kind->cpu_entry, PA_DATA, P);
}

static void make_kernel_half(struct guest *guest)
{
	uint64_t root = guest->swapper = PA_SWAPPER;

	for (uint64_t pa = 0; pa < GUEST_MEMORY; pa += WS_FRAME_SIZE) {
		bool text = pa >= PA_TEXT && pa < PA_DATA;

		guest_map(guest, root, direct_va(guest, pa), pa, text ? P : P | RW);
		if (guest->word == 8 && pa >= PA_TEXT && pa < PA_IMAGE_END)
			guest_map(guest, root, image_va(guest, pa), pa,
				  text ? P : P | RW);
	}
	guest_map(guest, root, guest->kind->module, PA_MODULE, P | RW);
	guest_map(guest, root, guest->kind->cpu_entry, PA_DATA, P);
	if (guest->kind->pti)
		make_user_half(guest, root);
	memcpy(guest->memory + PA_MODULE, "module memory", 14);
	guest->module_pa = PA_MODULE;
}

/* ---- struct page and pgd_list ----------------------------------------------------- */

static uint64_t lru_pa(uint64_t root)
{
	return PA_MEM_MAP + root / WS_FRAME_SIZE * PAGE_SIZE_STRUCT + PAGE_LRU;
}

static void list_add(struct guest *guest, uint64_t node_pa, uint64_t node_va,
		     uint64_t head_va)
{
	uint64_t head_pa = guest_pa(guest, head_va);
	uint64_t first = guest_get(guest, head_pa);

	if (!first)
		first = head_va;
	guest_put(guest, node_pa, first);
	guest_put(guest, node_pa + guest->word, head_va);
	guest_put(guest, guest_pa(guest, first) + guest->word, node_va);
	guest_put(guest, head_pa, node_va);
}

static void list_add_root(struct guest *guest, uint64_t root)
{
	uint64_t lru = lru_pa(root);

	if (guest->kind->own_kernel)
		list_add(guest, lru, direct_va(guest, lru), guest->list_head);
}

static void set_refcount(struct guest *guest, uint64_t root, uint32_t refcount)
{
	guest_put32(guest,
		    PA_MEM_MAP + root / WS_FRAME_SIZE * PAGE_SIZE_STRUCT + PAGE_REFCOUNT,
		    refcount);
}

/* ---- processes -------------------------------------------------------------------- */

static uint64_t make_root(struct guest *guest, bool user_memory)
{
	uint64_t root = take_root(guest);

	copy_kernel_half(guest, root);
	if (user_memory)
		guest_map(guest, root, 0x08048000, take_frames(guest, 1), P | RW | US);
	if (guest->kind->pti)
		make_user_half(guest, root);
	return root;
}

static uint64_t make_mm(struct guest *guest, uint64_t root)
{
	uint64_t pa = guest->next_mm;

	guest->next_mm += MM_SIZE;
	guest_put(guest, pa + GUEST_PGD_OFFSET, direct_va(guest, root));
	return direct_va(guest, pa);
}

int32_t guest_parent_offset(const struct guest *guest)
{
	return GUEST_PID_OFFSET + 8 + (guest->word == 8 ? 8 : 0);
}

/* A task_struct's beginning. */
static uint64_t task_va(uint64_t comm_va)
{
	return comm_va - COMM;
}

void guest_set_parents(struct guest *guest, uint64_t comm_va, uint64_t real_parent,
		       uint64_t parent)
{
	uint64_t at = guest_pa(guest, comm_va) + guest_parent_offset(guest);

	guest_put(guest, at, task_va(real_parent));
	guest_put(guest, at + guest->word, task_va(parent));
}

/* What a task and a thread have; the rest of a task_struct is zero. */
static void write_struct(struct guest *guest, uint64_t comm_va, const char *name,
			 uint32_t pid, uint32_t tgid, uint32_t flags, uint64_t mm,
			 uint64_t active_mm)
{
	uint64_t comm = guest_pa(guest, comm_va);

	memcpy(guest->memory + comm, name, strlen(name));
	guest_put32(guest, comm + GUEST_PID_OFFSET, pid);
	guest_put32(guest, comm + GUEST_PID_OFFSET + 4, tgid);
	guest_put32(guest, comm + GUEST_FLAGS_OFFSET, flags);
	guest_put(guest, comm + GUEST_MM_OFFSET, mm);
	guest_put(guest, comm + GUEST_MM_OFFSET + guest->word, active_mm);
}

/* PF_KTHREAD, PF_FORKNOEXEC; PF_EXITING of who has no mm any more. */
static uint32_t flags_of(const struct guest_task *task)
{
	if (task->kernel_thread)
		return task->pid ? 0x00200040 : 0x00200002;
	return task->mm && !task->leader_exited ? 0x00400100 : 0x0040010c;
}

/* The victim was forked by a thread. Threads have the parent of their leader. */
static void write_parents(struct guest *guest, const struct guest_task *task)
{
	uint64_t parent = guest->task[task->ppid].comm_va;

	if (task - guest->task == guest->victim)
		parent = guest->thread[guest->task[guest->threaded].first_thread].comm_va;
	guest_set_parents(guest, task->comm_va, parent, parent);
	for (unsigned i = 0; i < task->nthreads; i++)
		guest_set_parents(guest, guest->thread[task->first_thread + i].comm_va,
				  parent, parent);
}

static void write_task(struct guest *guest, const struct guest_task *task)
{
	bool gone = task->leader_exited;

	write_struct(guest, task->comm_va, task->comm, task->pid, task->pid,
		     flags_of(task), gone ? 0 : task->mm, gone ? 0 : task->active_mm);
}

/*
 * i386's kernels link a group's threads in a ring of their own (thread_group), x86-64's
 * have a head for them in their signal_struct (thread_node).
 */
static void link_threads(struct guest *guest, const struct guest_task *task)
{
	unsigned index = (unsigned)(task - guest->task);
	uint64_t head_pa = PA_SIGNALS + index * 16;
	uint64_t first = task->comm_va + GUEST_THREADS_OFFSET, last = first;
	uint64_t head = guest->word == 8 ? direct_va(guest, head_pa) : first;

	for (unsigned i = 0; i < task->nthreads; i++) {
		uint64_t node = guest->thread[task->first_thread + i].comm_va +
				GUEST_THREADS_OFFSET;

		guest_put(guest, guest_pa(guest, last), node);
		guest_put(guest, guest_pa(guest, node) + guest->word, last);
		last = node;
	}
	guest_put(guest, guest_pa(guest, last), head);
	guest_put(guest, guest_pa(guest, head) + guest->word, last);
	if (guest->word != 8)
		return;
	guest_put(guest, guest_pa(guest, first) + guest->word, head);
	guest_put(guest, head_pa, first);
}

uint64_t guest_live_comm(const struct guest *guest, unsigned task)
{
	const struct guest_task *it = &guest->task[task];

	return it->leader_exited ? guest->thread[it->first_thread].comm_va : it->comm_va;
}

/* Appends to the list: at its end, which is the head's prev. */
static void link_task(struct guest *guest, const struct guest_task *task)
{
	uint64_t node = task->comm_va + GUEST_TASKS_OFFSET;
	uint64_t head = guest->task[0].comm_va + GUEST_TASKS_OFFSET;
	uint64_t head_pa = guest_pa(guest, head);
	uint64_t last = guest_get(guest, head_pa + guest->word);

	if (!last)
		last = head;
	guest_put(guest, guest_pa(guest, node), head);
	guest_put(guest, guest_pa(guest, node) + guest->word, last);
	guest_put(guest, guest_pa(guest, last), node);
	guest_put(guest, head_pa + guest->word, node);
}

/* In the slab tasks lie in another order than in the list. */
static uint64_t task_comm_va(const struct guest *guest, unsigned index)
{
	unsigned slot = index * 29 % GUEST_TASKS;

	return index ? direct_va(guest, PA_SLAB + slot * TASK_SIZE + COMM)
		     : image_va(guest, PA_INIT_COMM);
}

/* After all tasks: then their slots are known. */
static void add_threads(struct guest *guest, struct guest_task *task, unsigned n)
{
	task->first_thread = guest->nthreads;
	task->nthreads = n;
	while (n--) {
		struct guest_thread *thread = &guest->thread[guest->nthreads++];

		thread->pid = guest->ntasks + guest->nthreads;
		thread->comm_va = task_comm_va(guest, thread->pid);
		write_struct(guest, thread->comm_va, "thread", thread->pid, task->pid,
			     0x00400140, task->mm, task->active_mm);
	}
}

static struct guest_task *add_task(struct guest *guest, const char *comm, uint64_t root)
{
	struct guest_task *task = &guest->task[guest->ntasks];

	*task = (struct guest_task){ .comm_va = task_comm_va(guest, guest->ntasks),
				     .root = root,
				     .pid = guest->ntasks,
				     .ppid = root ? 1 : 2,
				     .comm = comm,
				     .kernel_thread = !root };
	if (root) {
		list_add_root(guest, root);
		task->mm = task->active_mm = make_mm(guest, root);
	}
	guest->ntasks++;
	return task;
}

static void make_tasks(struct guest *guest)
{
	static const char *const names[] = { "sshd", "bash", "",
					     "\xc5\xbc\xc3\xb3\xc5\x82w", ") 1 (x\ty" };
	struct guest_task *task;

	add_task(guest, "swapper/0", 0);
	add_task(guest, "init", make_root(guest, true));
	add_task(guest, "kthreadd", 0);
	for (unsigned i = 0; i < 6; i++)
		add_task(guest, "kworker/0:1", 0);
	for (unsigned i = 0; i < 20; i++)
		add_task(guest, names[i % WS_ARRAY_SIZE(names)], make_root(guest, true));
	guest->victim = guest->ntasks;
	add_task(guest, "victim", make_root(guest, true));
	task = add_task(guest, "zombie", 0);
	task->kernel_thread = false;
	task = add_task(guest, "vfork", 0); /* lives in its parent's space */
	task->kernel_thread = false;
	task->root = guest->task[1].root;
	task->mm = task->active_mm = guest->task[1].mm;
	guest->threaded = guest->ntasks;
	add_task(guest, "threaded", make_root(guest, true));
	guest->dead = guest->ntasks;
	add_task(guest, "dead", make_root(guest, true))->leader_exited = true;
	guest->user_of_mm = guest->ntasks;
	task = add_task(guest, "kvhost", 0);
	task->mm = task->active_mm = guest->task[guest->threaded].mm;
	guest->task[3].active_mm = guest->task[guest->victim].mm; /* borrowed */
	guest->task[0].active_mm = guest->init_mm;
	for (unsigned i = 0; i < 3; i++)
		guest->task[i].ppid = 0;
	guest->task[guest->victim].ppid = guest->threaded;
	for (unsigned i = 0; i < guest->ntasks; i++) {
		write_task(guest, &guest->task[i]);
		if (i)
			link_task(guest, &guest->task[i]);
	}
	add_threads(guest, &guest->task[guest->threaded], 2);
	add_threads(guest, &guest->task[guest->dead], 3);
	for (unsigned i = 0; i < guest->ntasks; i++) {
		link_threads(guest, &guest->task[i]);
		write_parents(guest, &guest->task[i]);
	}
}

/* Takes the victim's own entry for module memory away. */
static void hide_module(struct guest *guest)
{
	uint64_t root = guest->task[guest->victim].root;

	if (guest->kind->own_kernel)
		memset(guest->memory +
			       guest_private_entry(guest, root, guest->kind->module),
		       0, entry_size(guest));
}

uint64_t guest_add_root(struct guest *guest, bool listed)
{
	uint64_t root = make_root(guest, true);

	if (listed)
		list_add_root(guest, root);
	return root;
}

/*
 * Three roots without a task: freed; held by an mm that nobody runs in; freed, and its
 * page given to somebody who has not written to it yet.
 */
static void make_lone_roots(struct guest *guest)
{
	guest->freed = make_root(guest, false);
	set_refcount(guest, guest->freed, 0);
	guest->kept = make_root(guest, false);
	/* tables, and no page: as poking_mm has them (arch/x86/mm/init.c) */
	guest_map(guest, guest->kept, 0x08048000, 0, 0);
	if (guest->kind->pti)
		make_user_half(guest, guest->kept);
	list_add_root(guest, guest->kept);
	guest->reused = make_root(guest, false);
}

/* ---- what the kernel reports itself ---------------------------------------------- */

static void make_resource(struct guest *guest, unsigned index, const char *name,
			  uint64_t start, uint64_t end)
{
	unsigned size = entry_size(guest); /* of a physical address */
	uint64_t at = PA_RESOURCES + index * 0x40, string = PA_NAMES + index * 16;

	put_little(guest->memory + at, size, start);
	put_little(guest->memory + at + size, size, end);
	guest_put(guest, at + 2 * size, image_va(guest, string));
	memcpy(guest->memory + string, name, strlen(name) + 1);
}

/* struct uts_namespace: a kref, and six strings of 65 bytes. */
static void make_uts(struct guest *guest)
{
	static const char *const names[] = { "Linux", "made", "6.1.0-made", "#1" };

	guest->uts = PA_UTS;
	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++)
		memcpy(guest->memory + PA_UTS + 4 + 65 * i, names[i],
		       strlen(names[i]) + 1);
}

static void make_vmcoreinfo(struct guest *guest)
{
	char *text = (char *)guest->memory + guest->vmcoreinfo;
	int n = snprintf(text, WS_FRAME_SIZE,
			 "OSRELEASE=6.1.0-made\nPAGESIZE=4096\n"
			 "SYMBOL(init_uts_ns)=%lx\n"
			 "SYMBOL(swapper_pg_dir)=%lx\nSYMBOL(_stext)=%lx\n"
			 "SYMBOL(mem_map)=%lx\nSIZE(page)=%d\nOFFSET(page.lru)=%d\n"
			 "OFFSET(page._refcount)=%d\n",
			 image_va(guest, PA_UTS), image_va(guest, PA_SWAPPER),
			 guest->kind->image, image_va(guest, PA_MEM_MAP_POINTER),
			 PAGE_SIZE_STRUCT, PAGE_LRU, PAGE_REFCOUNT);

	if (guest->word == 8)
		snprintf(text + n, WS_FRAME_SIZE - n,
			 "NUMBER(phys_base)=%ld\nNUMBER(pgtable_l5_enabled)=%d\n",
			 (long)(PA_TEXT - (guest->kind->image - X86_KERNEL_MAP)),
			 guest->kind->format == &ws_format_x86_64_la57);
	else if (entry_size(guest) == 8)
		snprintf(text + n, WS_FRAME_SIZE - n, "CONFIG_X86_PAE=y\n");
}

static void make_image(struct guest *guest)
{
	guest->image_pa = PA_TEXT;
	guest->image_end = PA_IMAGE_END - 0x2000;
	guest->list_head = image_va(guest, PA_LIST_HEAD);
	guest->mem_map = direct_va(guest, PA_MEM_MAP);
	guest_put(guest, PA_MEM_MAP_POINTER, guest->mem_map);
	guest->init_mm = image_va(guest, PA_INIT_MM);
	guest_put(guest, PA_INIT_MM + GUEST_PGD_OFFSET, image_va(guest, PA_SWAPPER));
	guest->resources = PA_RESOURCES;
	make_uts(guest);
	make_resource(guest, 0, "Kernel bss", PA_DATA + 0x20000, guest->image_end - 1);
	make_resource(guest, 1, "Kernel code", PA_TEXT, PA_DATA - 1);
}

/* ---- the target ------------------------------------------------------------------- */

static const struct ws_target_ops made = { .kind = "made" };

static void make_target(struct guest *guest)
{
	struct ws_target *target = &guest->target;
	struct ws_piece_of_memory *piece = ws_vec_push(&target->memory);
	struct ws_extent *extent = ws_vec_push(&target->extents);

	target->ctx = ws_context_create();
	if (!piece || !extent || !target->ctx)
		abort();
	*extent = (struct ws_extent){ 0, GUEST_MEMORY };
	piece->at = *extent;
	piece->data = guest->memory;
	target->nframes = GUEST_MEMORY / WS_FRAME_SIZE;
	target->memory_end = GUEST_MEMORY;
	target->ops = &made;
	target->file.path = "made";
	target->format = guest->kind->format;
}

void guest_leave_out(struct guest *guest, uint64_t pa)
{
	struct ws_target *target = &guest->target;
	uint64_t frame = pa & -(uint64_t)WS_FRAME_SIZE;
	struct ws_piece_of_memory *rest = ws_vec_push(&target->memory);
	struct ws_piece_of_memory *cut = NULL;

	if (!rest)
		abort();
	for (size_t i = 0; i + 1 < target->memory.n; i++)
		if (frame - target->memory.v[i].at.pa < target->memory.v[i].at.len)
			cut = &target->memory.v[i];
	if (!cut)
		abort();
	memmove(cut + 1, cut, (size_t)((char *)rest - (char *)cut));
	cut[0].at.len = frame - cut[0].at.pa;
	cut[1].at.pa = frame + WS_FRAME_SIZE;
	cut[1].at.len -= cut[0].at.len + WS_FRAME_SIZE;
	cut[1].data += cut[0].at.len + WS_FRAME_SIZE;
	cut[1].first_frame += cut[0].at.len / WS_FRAME_SIZE;
	for (struct ws_piece_of_memory *piece = cut + 2; piece <= rest; piece++)
		piece->first_frame--;
	target->last_piece = 0;
	target->nframes--;
}

void guest_encrypt(struct guest *guest, uint64_t bit)
{
	for (uint64_t pa = 1u << 20; pa < guest->next_frame; pa += 8)
		if (pa / WS_FRAME_SIZE != guest->vmcoreinfo / WS_FRAME_SIZE &&
		    guest_get(guest, pa) & 1)
			guest_put(guest, pa, guest_get(guest, pa) | bit);
	for (uint64_t pa = guest->swapper; pa < guest->swapper + 2 * WS_FRAME_SIZE;
	     pa += 8)
		if (guest_get(guest, pa) & 1)
			guest_put(guest, pa, guest_get(guest, pa) | bit);
}

void guest_forget_registers(struct ws_cpu *cpu)
{
	memset(cpu->known, 0, sizeof(cpu->known));
}

void guest_set_cr3(struct guest *guest, uint64_t cr3)
{
	struct ws_cpu *cpu;

	guest->target.cpus.n = 0;
	cpu = ws_vec_push(&guest->target.cpus);
	if (!cpu)
		abort();
	*cpu = (struct ws_cpu){ .arch = ws_arch_of(guest->target.format),
				.word = (uint8_t)guest->word };
	memset(cpu->known, 0xff, sizeof(cpu->known));
	cpu->known[X86_EFER / 64] &= ~WS_BIT(X86_EFER % 64); /* as in QEMU's notes */
	cpu->reg[X86_CR0] = 1u << 31;                        /* PG */
	cpu->reg[X86_CR3] = cr3;
}

struct guest *guest_create(const struct guest_kind *kind)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		abort();
	guest->kind = kind;
	guest->word = kind->format->va_bits > 32 ? 8 : 4;
	guest->memory = calloc(1, GUEST_MEMORY);
	if (!guest->memory)
		abort();
	guest->next_frame = PA_FRAMES;
	guest->next_mm = PA_SLAB + 0x10000;
	make_image(guest);
	make_kernel_half(guest);
	make_tasks(guest);
	hide_module(guest);
	make_lone_roots(guest);
	guest->vmcoreinfo = take_frames(guest, 1);
	make_vmcoreinfo(guest);
	make_target(guest);
	return guest;
}

void guest_destroy(struct guest *guest)
{
	struct ws_target *target = &guest->target;

	ws_vec_release(&target->memory);
	ws_vec_release(&target->extents);
	ws_vec_release(&target->cpus);
	ws_keep_release(&target->keep);
	ws_context_destroy(target->ctx);
	free(target->vmcoreinfo);
	free(target->recorder);
	free(guest->memory);
	free(guest);
}

uint32_t space_with_root(const struct ws_system *system, uint64_t root)
{
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root)
			return i;
	fail_msg("no space has the root %#lx", root);
	return 0;
}
