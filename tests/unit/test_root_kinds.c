/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a root looks like is the architecture's to say (enum ws_root_kind): memory made by
 * the rules of four formats, in each of which roots are known in another way, opened
 * without a register and without a note. RAM does not begin at 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"
#include "linux/linux.h"
#include "util/bits.h"

#define MIB UINT64_C(0x100000)
#define MEMORY (16 * MIB)

/* Offsets in RAM. */
#define FRAMES (1 * MIB)
#define TEXT (4 * MIB) /* the image: text, read-only, and data */
#define DATA (6 * MIB)
#define IMAGE_END (8 * MIB)
#define LISTS (8 * MIB)
#define SLAB (9 * MIB)
#define MMS (10 * MIB)
#define MODULE (11 * MIB)

#define SWAPPER DATA
#define INIT_TASK (DATA + 0x5000)
#define INIT_MM (DATA + 0x6000)

enum rights { KERNEL_DATA, KERNEL_TEXT, USER_DATA };

struct kind {
	const char *name, *format;
	unsigned word, entry;
	uint64_t ram;
	uint64_t direct;  /* va - pa */
	uint64_t image;   /* va of TEXT; 0: it is mapped by the direct map alone */
	uint64_t module;  /* a page that the victim does not have */
	uint64_t topmost; /* and one that is there in all */
	uint64_t root_size, root_align;
	struct {
		unsigned shift, bits;
	} level[4];
	unsigned levels, large; /* the level of the kernel's large pages */
	uint64_t (*table)(uint64_t pa, unsigned level, bool user);
	uint64_t (*leaf)(uint64_t pa, unsigned level, enum rights rights);
};

/* ---- entries ---------------------------------------------------------------------- */

/* RISC-V privileged specification, figure "Sv39 page table entry". */
static uint64_t sv39_table(uint64_t pa, unsigned level, bool user)
{
	(void)level;
	(void)user;
	return pa >> 12 << 10 | 1;
}

static uint64_t sv39_leaf(uint64_t pa, unsigned level, enum rights rights)
{
	static const uint8_t low[] = { 0xe7, 0xeb, 0xd7 }; /* DAG-RW, DAG-RX, DA-U-RW */

	(void)level;
	return pa >> 12 << 10 | low[rights] | 1;
}

/* Arm ARM (DDI 0406C), B3.5.1: a pointer to a page table; a section or a small page. */
static uint64_t arm_table(uint64_t pa, unsigned level, bool user)
{
	(void)level;
	(void)user;
	return pa | 1;
}

static uint64_t arm_leaf(uint64_t pa, unsigned level, enum rights rights)
{
	static const uint32_t section[] = { 0x40e, 0x840e, 0xc0e };
	static const uint32_t page[] = { 0x01e, 0x21e, 0x03e };

	return pa | (level ? page : section)[rights];
}

/* B3.6.1 and B3.6.2: AF, AP[2] in bit 7, AP[1] in bit 6. */
static uint64_t lpae_table(uint64_t pa, unsigned level, bool user)
{
	(void)level;
	(void)user;
	return pa | 3;
}

static uint64_t lpae_leaf(uint64_t pa, unsigned level, enum rights rights)
{
	static const uint32_t low[] = { 0x701, 0x781, 0x741 };

	return pa | low[rights] | (level == 2 ? 2 : 0);
}

/*
 * Arm ARM (DDI 0487), D8.3.1: Linux sets PXNTable in all tables of the user's, and since
 * it knows of FEAT_HAFT the Access flag too; every other one has it here.
 */
static uint64_t arm64_table(uint64_t pa, unsigned level, bool user)
{
	uint64_t accessed = user && (pa & 0x1000) ? 1u << 10 : 0;

	(void)level;
	return pa | 3 | accessed | (user ? UINT64_C(1) << 59 : 0);
}

static uint64_t arm64_leaf(uint64_t pa, unsigned level, enum rights rights)
{
	static const uint32_t low[] = { 0x701, 0x781, 0x741 };

	return pa | low[rights] | (level == 3 ? 2 : 0);
}

static const struct kind kinds[] = {
	{ .name = "the upper half of a table",
	  .format = "riscv-sv39",
	  .word = 8,
	  .entry = 8,
	  .ram = 0x80000000,
	  .direct = UINT64_C(0xffffffd600000000) - 0x80000000,
	  .image = UINT64_C(0xffffffff80000000),
	  .module = UINT64_C(0xffffffff01e84000),
	  .topmost = UINT64_C(0xffffffd5ff000000),
	  .root_size = 4096,
	  .root_align = 4096,
	  .level = { { 30, 9 }, { 21, 9 }, { 12, 9 } },
	  .levels = 3,
	  .large = 1,
	  .table = sv39_table,
	  .leaf = sv39_leaf },
	{ .name = "one of four frames",
	  .format = "arm",
	  .word = 4,
	  .entry = 4,
	  .ram = 0x40000000,
	  .direct = 0xc0000000 - 0x40000000,
	  .module = 0xbf000000,
	  .topmost = 0xffff0000,
	  .root_size = 16384,
	  .root_align = 16384,
	  .level = { { 20, 12 }, { 12, 8 } },
	  .levels = 2,
	  .large = 0,
	  .table = arm_table,
	  .leaf = arm_leaf },
	{ .name = "a group that leads to a table",
	  .format = "arm-lpae",
	  .word = 4,
	  .entry = 8,
	  .ram = 0x40000000,
	  .direct = 0xc0000000 - 0x40000000,
	  .module = 0xbf000000,
	  .topmost = 0xffff0000,
	  .root_size = 32,
	  .root_align = 64,
	  .level = { { 30, 2 }, { 21, 9 }, { 12, 9 } },
	  .levels = 3,
	  .large = 1,
	  .table = lpae_table,
	  .leaf = lpae_leaf },
	{ .name = "a root without a kernel half",
	  .format = "arm64-4k-48",
	  .word = 8,
	  .entry = 8,
	  .ram = 0x40000000,
	  .direct = UINT64_C(0xffff000000000000) - 0x40000000,
	  .image = UINT64_C(0xffff800080000000),
	  .module = UINT64_C(0xffff800078000000),
	  .topmost = UINT64_C(0xfffffbffff000000),
	  .root_size = 4096,
	  .root_align = 4096,
	  .level = { { 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 } },
	  .levels = 4,
	  .large = 2,
	  .table = arm64_table,
	  .leaf = arm64_leaf },
};

/* ---- memory ----------------------------------------------------------------------- */

#define PROCESSES 12
#define TASKS (3 + 4 + PROCESSES - 1) /* init is one of them */

struct machine {
	const struct kind *kind;
	uint8_t *memory;
	uint64_t next_frame;
	uint64_t swapper, root[PROCESSES]; /* pa */
	struct ws_target target;
};

static uint8_t *at(struct machine *m, uint64_t pa)
{
	assert_true(pa >= m->kind->ram && pa - m->kind->ram < MEMORY);
	return m->memory + (pa - m->kind->ram);
}

static void put(struct machine *m, uint64_t pa, uint64_t value, unsigned size)
{
	put_little(at(m, pa), size, value);
}

static uint64_t get(struct machine *m, uint64_t pa, unsigned size)
{
	return ws_le_word(at(m, pa), size);
}

static uint64_t direct_va(const struct machine *m, uint64_t pa)
{
	return pa + m->kind->direct;
}

static uint64_t image_va(const struct machine *m, uint64_t pa)
{
	return m->kind->image ? pa - m->kind->ram - TEXT + m->kind->image
			      : direct_va(m, pa);
}

static uint64_t take(struct machine *m, uint64_t size, uint64_t align)
{
	uint64_t pa = (m->next_frame + align - 1) & -align;

	m->next_frame = pa + size;
	assert_true(m->next_frame <= m->kind->ram + TEXT);
	return pa;
}

static uint64_t entry_at(const struct kind *k, uint64_t table, unsigned level,
			 uint64_t va)
{
	uint64_t index =
		va >> k->level[level].shift & ((UINT64_C(1) << k->level[level].bits) - 1);

	return table + index * k->entry;
}

/* The table that an entry leads to, made where there is none. */
static uint64_t table_below(struct machine *m, uint64_t entry_pa, unsigned level,
			    bool user)
{
	const struct kind *k = m->kind;
	uint64_t entry = get(m, entry_pa, k->entry), pa;

	if (!entry) {
		pa = take(m, WS_FRAME_SIZE, WS_FRAME_SIZE);
		put(m, entry_pa, k->table(pa, level, user), k->entry);
		return pa;
	}
	for (pa = k->ram; k->table(pa, level, user) != entry;)
		pa += WS_FRAME_SIZE;
	return pa;
}

static void map(struct machine *m, uint64_t root, uint64_t va, uint64_t pa,
		unsigned level, enum rights rights)
{
	const struct kind *k = m->kind;
	uint64_t table = root;

	for (unsigned l = 0; l < level; l++)
		table = table_below(m, entry_at(k, table, l, va), l, rights == USER_DATA);
	put(m, entry_at(k, table, level, va), k->leaf(pa, level, rights), k->entry);
}

static void make_kernel(struct machine *m)
{
	const struct kind *k = m->kind;
	uint64_t step = UINT64_C(1) << k->level[k->large].shift;

	m->swapper = k->ram + SWAPPER;
	for (uint64_t pa = k->ram; pa < k->ram + MEMORY; pa += step) {
		uint64_t offset = pa - k->ram;
		bool text = offset >= TEXT && offset < DATA;

		map(m, m->swapper, direct_va(m, pa), pa, k->large,
		    text ? KERNEL_TEXT : KERNEL_DATA);
		if (k->image && offset >= TEXT && offset < IMAGE_END)
			map(m, m->swapper, image_va(m, pa), pa, k->large,
			    text ? KERNEL_TEXT : KERNEL_DATA);
	}
	map(m, m->swapper, k->topmost, k->ram + DATA, k->levels - 1, KERNEL_DATA);
}

/* ---- roots ------------------------------------------------------------------------ */

/* What Linux copies of swapper_pg_dir into a new root. */
static void copy_kernel(struct machine *m, uint64_t root)
{
	const struct kind *k = m->kind;
	unsigned n = 1u << k->level[0].bits, first = n / 2;

	if (k->word == 8 && k->levels == 4)
		return; /* the kernel has its own register */
	if (k->word == 4)
		first = (unsigned)(UINT64_C(0xc0000000) >> k->level[0].shift);
	memcpy(at(m, root + (uint64_t)first * k->entry),
	       at(m, m->swapper + (uint64_t)first * k->entry),
	       (size_t)(n - first) * k->entry);
}

static uint64_t make_root(struct machine *m, bool sees_module)
{
	const struct kind *k = m->kind;
	uint64_t root = take(m, k->root_size, k->root_align);

	copy_kernel(m, root);
	map(m, root, 0x10000, take(m, WS_FRAME_SIZE, WS_FRAME_SIZE), k->levels - 1,
	    USER_DATA);
	map(m, root, 0x7f000000, take(m, WS_FRAME_SIZE, WS_FRAME_SIZE), k->levels - 1,
	    USER_DATA);
	if (sees_module && !(k->word == 8 && k->levels == 4))
		map(m, root, k->module, k->ram + MODULE, k->levels - 1, KERNEL_DATA);
	return root;
}

/* ---- tasks ------------------------------------------------------------------------ */

#define TASK_SIZE 0x300
#define COMM 0x200
#define LIST 0x100 /* tasks */
#define PID 0x140
#define MM 0x120
#define FLAGS 0x10
#define MM_SIZE 0x100
#define PGD 0x48

static uint64_t task_pa(const struct machine *m, unsigned i)
{
	return m->kind->ram + (i ? SLAB + i * TASK_SIZE : INIT_TASK);
}

static uint64_t task_va(const struct machine *m, unsigned i)
{
	return i ? direct_va(m, task_pa(m, i)) : image_va(m, task_pa(m, 0));
}

static uint64_t make_mm(struct machine *m, unsigned i)
{
	const struct kind *k = m->kind;
	uint64_t pa = k->ram + MMS + i * MM_SIZE;

	put(m, pa + PGD, direct_va(m, m->root[i]), k->word);
	return direct_va(m, pa);
}

static void make_task(struct machine *m, unsigned i, const char *comm, uint64_t mm)
{
	const struct kind *k = m->kind;
	uint64_t pa = task_pa(m, i);

	memcpy(at(m, pa + COMM), comm, strlen(comm));
	put(m, pa + PID, i, 4);
	put(m, pa + PID + 4, i, 4);
	put(m, pa + FLAGS, mm ? 0x00400100 : 0x00200040, 4);
	put(m, pa + MM, mm, k->word);
	put(m, pa + MM + k->word, mm, k->word);
	put(m, pa + LIST, task_va(m, (i + 1) % TASKS) + LIST, k->word);
	put(m, pa + LIST + k->word, task_va(m, (i + TASKS - 1) % TASKS) + LIST, k->word);
}

/* init is 1, kthreadd 2; the others after the kernel's threads. */
static unsigned pid_of(unsigned process)
{
	return process ? 6 + process : 1;
}

static void make_tasks(struct machine *m)
{
	char name[16];

	make_task(m, 0, "swapper/0", 0);
	make_task(m, 2, "kthreadd", 0);
	for (unsigned i = 3; i < 7; i++)
		make_task(m, i, "kworker/0:1", 0);
	for (unsigned p = 0; p < PROCESSES; p++) {
		snprintf(name, sizeof(name), "process-%u", p);
		make_task(m, pid_of(p), name, make_mm(m, p));
	}
}

/* Empty lists lead to themselves. */
static void make_lists(struct machine *m)
{
	const struct kind *k = m->kind;

	for (unsigned i = 0; i < 40; i++) {
		uint64_t pa = k->ram + LISTS + 0x40 * i;

		put(m, pa, direct_va(m, pa), k->word);
		put(m, pa + k->word, direct_va(m, pa), k->word);
	}
}

/* ---- the target ------------------------------------------------------------------- */

static const struct ws_target_ops made = { .kind = "made" };

static void make_target(struct machine *m)
{
	struct ws_target *target = &m->target;
	struct ws_piece_of_memory *piece = ws_vec_push(&target->memory);
	struct ws_extent *extent = ws_vec_push(&target->extents);

	target->ctx = ws_context_create();
	assert_true(piece && extent && target->ctx);
	*extent = (struct ws_extent){ m->kind->ram, MEMORY };
	piece->at = *extent;
	piece->data = m->memory;
	target->nframes = MEMORY / WS_FRAME_SIZE;
	target->memory_end = m->kind->ram + MEMORY;
	target->ops = &made;
	target->file.path = "made";
	target->format = ws_format_by_name(m->kind->format);
	target->arch = ws_arch_of(target->format);
}

/* The first process, which is the victim, does not see the module's page. */
static struct machine *create(const struct kind *kind)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->kind = kind;
	m->memory = calloc(1, MEMORY);
	assert_non_null(m->memory);
	m->next_frame = kind->ram + FRAMES;
	make_kernel(m);
	for (unsigned p = 0; p < PROCESSES; p++)
		m->root[p] = make_root(m, p);
	map(m, m->swapper, kind->module, kind->ram + MODULE, kind->levels - 1,
	    KERNEL_DATA);
	put(m, kind->ram + INIT_MM + PGD, image_va(m, m->swapper), kind->word);
	make_tasks(m);
	make_lists(m);
	make_target(m);
	return m;
}

static void destroy(struct machine *m)
{
	ws_vec_release(&m->target.memory);
	ws_vec_release(&m->target.extents);
	ws_context_destroy(m->target.ctx);
	free(m->target.vmcoreinfo);
	free(m->memory);
	free(m);
}

static struct ws_system *open_machine(struct machine *m)
{
	struct ws_system *system = NULL;
	enum ws_status status = ws_system_open(&m->target, NULL, &system);

	if (status != WS_OK)
		fail_msg("%s", ws_error(m->target.ctx, 0));
	return system;
}

/* ---- what comes out --------------------------------------------------------------- */

static void the_layout_is_found(void **state)
{
	struct machine *m = create(*state);
	struct ws_system *system = open_machine(m);
	const struct ws_layout *layout = ws_system_layout(system);

	assert_int_equal(layout->direct_delta, m->kind->direct);
	assert_int_equal(layout->page_offset, direct_va(m, m->kind->ram));
	assert_int_equal(layout->word, m->kind->word);
	assert_int_equal(layout->image_first, image_va(m, m->kind->ram + TEXT));
	assert_int_equal(layout->reference, m->swapper);
	assert_false(layout->consensus);
	assert_true(ws_is_kernel_va(system, m->kind->module));
	assert_false(ws_is_kernel_va(system, 0x7f000000));
	ws_system_close(system);
	destroy(m);
}

/* Every process with its name, init_mm, and nothing else. */
static void the_spaces_are_found(void **state)
{
	struct machine *m = create(*state);
	struct ws_system *system = open_machine(m);
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(system, &n);
	char name[16];

	assert_int_equal(n, PROCESSES + 1);
	assert_int_equal(spaces[0].kind, WS_SPACE_INIT);
	assert_int_equal(spaces[0].root, m->swapper);
	for (unsigned p = 0; p < PROCESSES; p++) {
		snprintf(name, sizeof(name), "process-%u", p);
		assert_int_equal(spaces[1 + p].kind, WS_SPACE_PROCESS);
		assert_int_equal(spaces[1 + p].pid, pid_of(p));
		assert_int_equal(spaces[1 + p].root, m->root[p]);
		assert_string_equal(spaces[1 + p].comm, name);
	}
	ws_system_close(system);
	destroy(m);
}

/* By each space's own root, but where the kernel's half is no part of it. */
static void who_sees_the_module_is_told(void **state)
{
	struct machine *m = create(*state);
	struct ws_system *system = open_machine(m);
	const struct ws_paging *paging = ws_system_paging(system);
	bool apart = m->kind->word == 8 && m->kind->levels == 4;
	struct ws_trail trail;

	for (unsigned p = 0; p < PROCESSES; p++) {
		ws_walk(paging, m->root[p], m->kind->module, &trail);
		assert_int_equal(trail.end, p && !apart ? WS_END_PAGE : WS_END_HOLE);
		ws_walk(paging, m->root[p], 0x10000, &trail);
		assert_int_equal(trail.end, WS_END_PAGE);
	}
	ws_walk(paging, m->swapper, m->kind->module, &trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	ws_system_close(system);
	destroy(m);
}

/* A process's root where its tables are one byte, repeated, is no table. */
static void a_root_that_is_lost_is_damaged(void **state)
{
	struct machine *m = create(*state);
	struct ws_system *system;
	size_t n, damaged = 0;
	const struct ws_space *spaces;

	memset(at(m, m->root[3]), 0x5a, m->kind->root_size);
	system = open_machine(m);
	spaces = ws_system_spaces(system, &n);
	for (size_t i = 0; i < n; i++) {
		damaged += spaces[i].looks_damaged;
		assert_int_equal(spaces[i].looks_damaged, spaces[i].root == m->root[3]);
	}
	assert_int_equal(damaged, 1);
	ws_system_close(system);
	destroy(m);
}

/* ---- all of it -------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*test)(void **state);
} cases[] = {
	{ "the layout", the_layout_is_found },
	{ "the spaces", the_spaces_are_found },
	{ "who sees the module", who_sees_the_module_is_told },
	{ "a root that is lost", a_root_that_is_lost_is_damaged },
};

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(kinds) * WS_ARRAY_SIZE(cases)];
	size_t n = 0;
	int failed;

	for (size_t k = 0; k < WS_ARRAY_SIZE(kinds); k++)
		for (size_t c = 0; c < WS_ARRAY_SIZE(cases); c++) {
			char *name;

			if (asprintf(&name, "%s: %s", kinds[k].name, cases[c].name) < 0)
				abort();
			tests[n++] =
				(struct CMUnitTest){ .name = name,
						     .test_func = cases[c].test,
						     .initial_state = (void *)&kinds[k] };
		}
	failed = _cmocka_run_group_tests("root kinds", tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free((void *)tests[i].name);
	return failed;
}
