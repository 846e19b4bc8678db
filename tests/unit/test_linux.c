/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Discovery on the memory of small machines of every kind: who is there by much knowledge
 * and by little, and what hostile memory can do to it, which must be nothing worse than a
 * wrong answer.
 */
#include "common/frames.h"
#include "common/random.h"
#include "discovery.h"
#include "x86/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"

#define GARBAGE UINT64_C(0xdeadb000)

/* ---- helpers ---------------------------------------------------------------------- */

static const struct guest_kind *kind_of(void **state)
{
	return *state;
}

static void forget_vmcoreinfo(struct guest *guest)
{
	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
}

static const struct ws_space *space_at(const struct ws_system *system, uint64_t root)
{
	return &system->spaces.v[space_with_root(system, root)];
}

static void expect_kind(const struct ws_system *system, uint64_t root,
			enum ws_space_kind kind)
{
	assert_string_equal(ws_space_kind_name(space_at(system, root)->kind),
			    ws_space_kind_name(kind));
}

static uint32_t live_threads(const struct guest_task *truth)
{
	return truth->nthreads +
	       ((truth->mm || truth->kernel_thread) && !truth->leader_exited);
}

static void expect_task(const struct ws_system *system, const struct guest *guest,
			const struct ws_task *task, const struct guest_task *truth)
{
	assert_int_equal(task->comm_va,
			 guest_live_comm(guest, (unsigned)(truth - guest->task)));
	assert_int_equal(task->pid, truth->pid);
	assert_int_equal(task->ppid, truth->pid ? truth->ppid : WS_NO_PID);
	assert_string_equal(task->comm, truth->comm);
	assert_int_equal(task->kernel_thread, truth->kernel_thread);
	assert_int_equal(task->leader_exited, truth->leader_exited);
	assert_int_equal(task->nthreads, live_threads(truth));
	assert_int_equal(task->mm, truth->mm);
	assert_int_equal(task->active_mm, truth->active_mm);
	if (!truth->root) {
		assert_int_equal(task->space, WS_NO_SPACE);
		return;
	}
	assert_int_equal(system->spaces.v[task->space].root, truth->root);
	assert_int_equal(task->active_space, task->space);
}

static void expect_tasks(const struct ws_system *system, const struct guest *guest)
{
	assert_int_equal(system->tasks.n, guest->ntasks);
	for (unsigned i = 0; i < guest->ntasks; i++)
		expect_task(system, guest, &system->tasks.v[i], &guest->task[i]);
}

static void expect_process(const struct ws_system *system, const struct guest *guest,
			   const struct guest_task *truth)
{
	const struct ws_space *space = space_at(system, truth->root);
	uint32_t owners = 0, threads = 0;

	expect_kind(system, truth->root, WS_SPACE_PROCESS);
	for (unsigned i = 0; i < guest->ntasks; i++) {
		const struct guest_task *task = &guest->task[i];

		if (task->mm != truth->mm)
			continue;
		assert_true(owners < space->ntasks);
		assert_int_equal(space->owners[owners++], task->pid);
		threads += live_threads(task);
	}
	assert_int_equal(space->ntasks, owners);
	assert_int_equal(space->nthreads, threads);
	assert_int_equal(space->pid, space->owners[0]);
	assert_int_equal(space->mm, truth->mm);
	if (guest->kind->pti) {
		expect_kind(system, truth->root + WS_FRAME_SIZE, WS_SPACE_USER);
		assert_int_equal(space_at(system, truth->root + WS_FRAME_SIZE)->pid,
				 space->pid);
	}
}

static unsigned count_kind(const struct ws_system *system, enum ws_space_kind kind)
{
	unsigned n = 0;

	ws_vec_each(&system->spaces, space)
		n += space->kind == kind;
	return n;
}

/*
 * A root in a page that has references, and no task: where neither the task list nor
 * pgd_list, which is kept where roots have kernel entries of their own, is whole, nothing
 * says whether somebody runs in it.
 */
static void expect_spaces(const struct ws_system *system, const struct guest *guest)
{
	bool perhaps = ws_system_lacks_tasks(system) && !guest->kind->own_kernel;
	unsigned processes = 0;

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root) {
			expect_process(system, guest, &guest->task[i]);
			processes += strcmp(guest->task[i].comm, "vfork") != 0;
		}
	assert_int_equal(count_kind(system, WS_SPACE_PROCESS), processes);
	assert_int_equal(count_kind(system, WS_SPACE_USER),
			 guest->kind->pti ? processes : 0);
	expect_kind(system, guest->kept, WS_SPACE_LONE);
	expect_kind(system, guest->freed, WS_SPACE_FREED);
	expect_kind(system, guest->reused, perhaps ? WS_SPACE_UNOWNED : WS_SPACE_FREED);
	assert_int_equal(space_at(system, guest->reused)->perhaps_freed, perhaps);
	assert_int_equal(count_kind(system, WS_SPACE_LONE), 1);
	assert_int_equal(count_kind(system, WS_SPACE_FREED), perhaps ? 1 : 2);
}

static void expect_layout(const struct ws_system *system, const struct guest *guest)
{
	const struct ws_layout *layout = ws_system_layout(system);
	uint64_t image_bytes = guest->image_end - guest->image_pa;

	assert_int_equal(layout->page_offset, guest->kind->page_offset);
	assert_int_equal(layout->pti, guest->kind->pti);
	assert_int_equal(layout->word, guest->word);
	assert_int_equal(layout->image_first, guest->kind->image);
	assert_int_equal(layout->image_last, guest->kind->image + image_bytes - 1);
}

/* Module memory is read, though the only register is that of who does not see it. */
static void expect_module(struct ws_system *system, const struct guest *guest)
{
	char text[14];

	assert_true(ws_system_read(system, guest->kind->module, text, sizeof(text)) ==
		    WS_READ);
	assert_string_equal(text, "module memory");
}

static void expect_all(struct ws_system *system, const struct guest *guest)
{
	expect_tasks(system, guest);
	expect_spaces(system, guest);
	expect_layout(system, guest);
	expect_module(system, guest);
}

static void expect_init(const struct ws_system *system, const struct guest *guest)
{
	assert_false(system->layout.consensus);
	assert_int_equal(system->layout.reference, guest->swapper);
	assert_int_equal(system->spaces.v[0].kind, WS_SPACE_INIT);
	assert_int_equal(system->spaces.v[0].root, guest->swapper);
	assert_int_equal(system->spaces.v[0].mm, guest->init_mm);
}

/* ---- by much knowledge and by little ---------------------------------------------- */

static void expect_everyone(struct guest *guest, bool doubts)
{
	struct ws_system *system = open_system(guest);

	expect_all(system, guest);
	expect_init(system, guest);
	assert_int_equal(system->notes.n > 0, doubts);
	ws_system_close(system);
}

static void everyone_by_init_mm(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest_set_cr3(guest, guest->swapper);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

static void everyone_by_a_victim(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest_set_cr3(guest, guest->task[guest->victim].root | 0x18);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

static void everyone_by_a_user_half(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest_set_cr3(guest, guest->task[1].root + guest->kind->pti * WS_FRAME_SIZE);
	forget_vmcoreinfo(guest);
	expect_everyone(guest, true);
	guest_destroy(guest);
}

static void everyone_by_a_root_that_is_given(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest->target.has_root = true;
	guest->target.root =
		guest->task[5].root ? guest->task[5].root : guest->task[10].root;
	forget_vmcoreinfo(guest);
	expect_everyone(guest, true);
	guest_destroy(guest);
}

/* The format too: neither registers nor caller say it. */
static void everyone_by_vmcoreinfo_alone(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest->target.format = NULL;
	expect_everyone(guest, false);
	guest_destroy(guest);
}

static void everyone_by_vmcoreinfo_and_garbage(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest_set_cr3(guest, GARBAGE);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

static void everyone_by_the_note(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	guest->target.vmcoreinfo = strdup((char *)guest->memory + guest->vmcoreinfo);
	forget_vmcoreinfo(guest);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

/* A kernel in a guest, or one that ran before, has left its text. */
static void vmcoreinfo_of_another_kernel_is_passed_over(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	char *decoy = (char *)guest->memory + WS_FRAME_SIZE;

	snprintf(decoy, WS_FRAME_SIZE,
		 "OSRELEASE=2.6\nSYMBOL(swapper_pg_dir)=%lx\nSYMBOL(_stext)=%lx\n"
		 "NUMBER(phys_base)=0\n",
		 guest->kind->image + 0x1000, guest->kind->image);
	guest_set_cr3(guest, guest->task[1].root);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

/* Before 4.13 the text lay in .bss, wherever the linker put it. */
static void vmcoreinfo_of_an_old_kernel(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	for (unsigned i = 0; i < 0x800; i += guest->word) {
		guest_put(guest, guest->vmcoreinfo + 0xfa0 + i,
			  guest_get(guest, guest->vmcoreinfo + i));
		guest_put(guest, guest->vmcoreinfo + i, 0);
	}
	expect_everyone(guest, false);
	guest_destroy(guest);
}

/* A user has filled his memory with init_task's name, and with PDPTs. */
static void decoys_in_user_memory(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint8_t *user = guest->memory + (12u << 20);

	for (unsigned i = 0; i < 1u << 20; i += 16)
		memcpy(user + i, "swapper/0", 9);
	for (unsigned i = 1u << 20; i < 2u << 20; i += 8)
		memcpy(user + i, "\1\x10\0\0\0\0\0", 8);
	guest_set_cr3(guest, guest->swapper);
	expect_everyone(guest, false);
	guest_destroy(guest);
}

/* Without VMCOREINFO init_mm is known by what points at its table. */
static void init_mm_by_evidence(void **state)
{
	struct guest *guest = guest_create(kind_of(state));

	forget_vmcoreinfo(guest);
	guest_set_cr3(guest, guest->task[guest->victim].root);
	expect_everyone(guest, true);
	guest_destroy(guest);
}

static void consensus_where_nothing_leads_to_init_mm(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	struct ws_system *system;

	forget_vmcoreinfo(guest);
	guest_put(guest, guest_pa(guest, guest->init_mm) + GUEST_PGD_OFFSET, 0);
	memset(guest->memory + guest->swapper, 0, 2 * WS_FRAME_SIZE);
	guest_set_cr3(guest, guest->task[guest->victim].root);
	system = open_system(guest);
	guest->task[0].active_mm = guest->init_mm;
	expect_all(system, guest);
	assert_true(system->layout.consensus);
	assert_int_equal(count_kind(system, WS_SPACE_INIT), 0);
	assert_true(has_note(system, "init_mm's page table was not found"));
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- weights ---------------------------------------------------------------------- */

/* Tables below one root: the user page's, and the kernel's. */
static void weights(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	struct ws_weight victim, other, init;
	struct ws_system *system;
	unsigned levels = ws_format_levels(guest->kind->format);
	bool pae = guest->kind->format == &ws_format_i386_pae;

	guest_set_cr3(guest, guest->swapper);
	system = open_system(guest);
	assert_int_equal(ws_space_weigh(system, space_at(system, guest->swapper), &init),
			 WS_OK);
	assert_int_equal(
		ws_space_weigh(system, space_at(system, guest->task[1].root), &other),
		WS_OK);
	assert_int_equal(ws_space_weigh(system,
					space_at(system, guest->task[guest->victim].root),
					&victim),
			 WS_OK);
	assert_int_equal(init.user_tables, 0);
	assert_int_equal(init.private_tables, 0);
	assert_int_equal(other.user_tables, levels - 1);
	assert_int_equal(other.private_tables, pae ? guest->kind->own_kernel : 1);
	/* the root, or with PAE the kernel's directory, is what it has for itself */
	assert_int_equal(other.shared_tables + (!pae || guest->kind->own_kernel),
			 init.shared_tables);
	assert_true(guest->kind->own_kernel
			    ? victim.shared_tables < other.shared_tables
			    : victim.shared_tables == other.shared_tables);
	ws_system_close(system);
	guest_destroy(guest);
}

/* ---- harm ------------------------------------------------------------------------- */

static uint64_t list_pa(const struct guest *guest, unsigned task)
{
	return guest_pa(guest, guest->task[task].comm_va + GUEST_TASKS_OFFSET);
}

/* Two ends are left of a list that is cut once. */
static void a_cut_list_is_taken_from_both_ends(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	struct ws_system *system;

	guest_set_cr3(guest, guest->swapper);
	guest_put(guest, list_pa(guest, 12), 0x1234);
	system = open_system(guest);
	assert_int_equal(system->tasks.n, guest->ntasks);
	assert_true(has_note(system, "the task list is cut"));
	expect_spaces(system, guest);
	ws_system_close(system);
	guest_destroy(guest);
}

/* next leads back: to itself, to the one before, or to the first. */
static void a_list_that_loops_ends(void **state)
{
	for (unsigned back = 0; back < 12; back++) {
		struct guest *guest = guest_create(kind_of(state));
		struct ws_system *system;

		guest_set_cr3(guest, guest->swapper);
		guest_put(guest, list_pa(guest, 12),
			  guest->task[12 - back].comm_va + GUEST_TASKS_OFFSET);
		system = open_system(guest);
		assert_int_equal(system->tasks.n, guest->ntasks);
		ws_system_close(system);
		guest_destroy(guest);
	}
}

/* The whole of a process's page table is gone: it is still there, and it is said. */
static void a_root_past_recognition_is_still_somebodys(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	const struct guest_task *task = &guest->task[20];
	struct ws_system *system;

	guest_set_cr3(guest, guest->swapper);
	memset(guest->memory + task->root, 0, WS_FRAME_SIZE);
	system = open_system(guest);
	expect_kind(system, task->root, WS_SPACE_PROCESS);
	assert_int_equal(space_at(system, task->root)->pid, task->pid);
	assert_true(has_note(system, "does not look like one"));
	ws_system_close(system);
	guest_destroy(guest);
}

static void a_damaged_user_half_is_still_there(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	uint64_t half = guest->task[guest->victim].root + WS_FRAME_SIZE;
	struct ws_system *system;

	guest_set_cr3(guest, guest->swapper);
	if (guest->kind->pti)
		memset(guest->memory + half, 0, WS_FRAME_SIZE);
	system = open_system(guest);
	expect_all(system, guest);
	assert_int_equal(has_note(system, "user half"), guest->kind->pti);
	ws_system_close(system);
	guest_destroy(guest);
}

/* A dump that is unpacked frame by frame; its last two are damaged. */
#define WHOLE_FRAMES (GUEST_MEMORY / WS_FRAME_SIZE - 2)

static enum ws_evidence unpack(struct ws_target *target, unsigned worker,
			       uint64_t ordinal, uint8_t *frame)
{
	const struct guest *guest =
		(const void *)((const char *)target - offsetof(struct guest, target));

	(void)worker;
	if (ordinal >= WHOLE_FRAMES)
		return WS_ABSENT;
	memcpy(frame, guest->memory + ordinal * WS_FRAME_SIZE, WS_FRAME_SIZE);
	return WS_READ;
}

static void damaged_frames_are_reported_of(void **state)
{
	static const struct ws_target_ops packed = { .kind = "packed",
						     .copy_frame = unpack };
	struct guest *guest = guest_create(kind_of(state));
	struct ws_system *system;
	char part[64];

	guest_set_cr3(guest, guest->swapper);
	guest->target.ops = &packed;
	guest->target.memory.v[0].data = NULL;
	system = open_system(guest);
	expect_all(system, guest);
	snprintf(part, sizeof(part), "2 of %u frames are damaged",
		 (unsigned)(WHOLE_FRAMES + 2));
	assert_true(has_note(system, part));
	ws_system_close(system);
	guest_destroy(guest);
}

static void weigh_everyone(struct ws_system *system)
{
	struct ws_weight weight;

	ws_vec_each(&system->spaces, space)
		if (ws_space_weigh(system, space, &weight) != WS_OK)
			ws_error_clear(system->ctx);
}

/* Whatever comes out, it comes out soon, and nothing is read that is not there. */
static void open_and_weigh(struct guest *guest)
{
	struct ws_system *system = NULL;

	if (ws_system_open(&guest->target, NULL, &system) != WS_OK) {
		assert_non_null(ws_error(guest->target.ctx, 0));
		ws_error_clear(guest->target.ctx);
		return;
	}
	weigh_everyone(system);
	ws_system_close(system);
}

static void fill_table(struct guest *guest, uint64_t table, uint64_t entry)
{
	unsigned size = guest->kind->format->entry_log2 == 3 ? 8 : 4;

	for (unsigned i = 0; i < WS_FRAME_SIZE; i += size)
		put_little(guest->memory + table + i, size, entry);
}

static void tables_that_point_at_themselves(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		struct guest *guest = guest_create(kind_of(state));
		uint64_t table = i == 0   ? guest->swapper
				 : i == 1 ? guest->task[1].root
					  : guest->task[guest->victim].root;

		fill_table(guest, table, table | 1);
		guest_set_cr3(guest, table);
		open_and_weigh(guest);
		forget_vmcoreinfo(guest);
		open_and_weigh(guest);
		guest_destroy(guest);
	}
}

/* Every frame is a table that leads to every other. */
static void nothing_but_tables(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	struct random random = { random_seed() };

	for (uint64_t pa = 0; pa < GUEST_MEMORY; pa += WS_FRAME_SIZE)
		for (unsigned i = 0; i < WS_FRAME_SIZE; i += 8)
			guest_put(guest, pa + i,
				  random_below(&random, GUEST_MEMORY >> 12) << 12 | 0x67);
	guest_set_cr3(guest, guest->swapper);
	open_and_weigh(guest);
	guest_destroy(guest);
}

/* The parts of memory that discovery reads, so that damage there is met. */
static uint64_t random_place(const struct guest *guest, struct random *random)
{
	const uint64_t places[][2] = {
		{ guest->swapper, 0x10000 },
		{ guest_pa(guest, guest->task[1].comm_va) & ~0xffffu, 0x20000 },
		{ 1u << 20, guest->next_frame - (1u << 20) },
		{ guest->vmcoreinfo, WS_FRAME_SIZE },
		{ 8u << 20, 0x10000 },
	};
	unsigned i = (unsigned)random_below(random, WS_ARRAY_SIZE(places));

	return (places[i][0] + random_below(random, places[i][1])) & ~UINT64_C(7);
}

#define ROUNDS 8
#define DAMAGE 4000

static uint64_t random_value(struct guest *guest, struct random *random)
{
	switch (random_below(random, 4)) {
	case 0:
		return random_next(random);
	case 1: /* what was somewhere else */
		return guest_get(guest, random_place(guest, random));
	case 2: /* a va of the direct map */
		return guest->kind->page_offset + random_place(guest, random);
	default: /* an entry that leads somewhere */
		return (random_place(guest, random) & ~UINT64_C(0xfff)) | 0x63;
	}
}

static void damage_does_no_harm(void **state)
{
	struct random random = { random_seed() };
	unsigned rounds = random_rounds(ROUNDS);

	for (unsigned round = 0; round < rounds; round++) {
		struct guest *guest = guest_create(kind_of(state));
		unsigned n = (unsigned)random_below(&random, DAMAGE);

		for (unsigned i = 0; i < n; i++)
			guest_put(guest, random_place(guest, &random),
				  random_value(guest, &random));
		guest_set_cr3(guest, round % 2 ? guest->swapper : guest->task[1].root);
		open_and_weigh(guest);
		guest_destroy(guest);
	}
}

static void nothing_is_refused_with_advice(void **state)
{
	struct guest *guest = guest_create(kind_of(state));
	struct ws_system *system;

	memset(guest->memory, 0, GUEST_MEMORY);
	guest_set_cr3(guest, GARBAGE);
	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), "--root"));
	assert_non_null(strstr(ws_error(guest->target.ctx, 0),
			       ws_format_name(guest->kind->format)));
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), "0xdeadb000"));
	ws_error_clear(guest->target.ctx);
	guest->target.format = NULL;
	assert_int_equal(ws_system_open(&guest->target, NULL, &system), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(guest->target.ctx, 0), "--format"));
	guest_destroy(guest);
}

/* ---- all kinds x all cases -------------------------------------------------------- */

static const struct guest_case cases[] = {
	{ "everyone, by init_mm's CR3", everyone_by_init_mm },
	{ "everyone, by a victim's CR3", everyone_by_a_victim },
	{ "everyone, by a user half's CR3", everyone_by_a_user_half },
	{ "everyone, by a root that is given", everyone_by_a_root_that_is_given },
	{ "everyone, by VMCOREINFO in memory alone", everyone_by_vmcoreinfo_alone },
	{ "everyone, by VMCOREINFO and a garbage CR3",
	  everyone_by_vmcoreinfo_and_garbage },
	{ "everyone, by VMCOREINFO's note", everyone_by_the_note },
	{ "another kernel's VMCOREINFO", vmcoreinfo_of_another_kernel_is_passed_over },
	{ "an old kernel's VMCOREINFO", vmcoreinfo_of_an_old_kernel },
	{ "decoys in a user's memory", decoys_in_user_memory },
	{ "init_mm by evidence", init_mm_by_evidence },
	{ "consensus", consensus_where_nothing_leads_to_init_mm },
	{ "weights", weights },
	{ "a task list that is cut", a_cut_list_is_taken_from_both_ends },
	{ "a task list that loops", a_list_that_loops_ends },
	{ "a root past recognition", a_root_past_recognition_is_still_somebodys },
	{ "a damaged user half", a_damaged_user_half_is_still_there },
	{ "damaged frames", damaged_frames_are_reported_of },
	{ "tables that point at themselves", tables_that_point_at_themselves },
	{ "nothing but tables", nothing_but_tables },
	{ "random damage", damage_does_no_harm },
	{ "memory with nothing in it", nothing_is_refused_with_advice },
};

int main(void)
{
	return guest_run_cases("discovery", cases, WS_ARRAY_SIZE(cases));
}
