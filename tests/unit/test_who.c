/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose each space is: threads whose leader has exited, kernel threads that use a
 * process's mm, flags that mislead, and processors that are in what looks freed.
 */
#include "fault_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux/roots.h"
#include "linux/tasks.h"
#include "util/bits.h"
#include "x86/entry.h"
#include "x86/registers.h"

#define PA_SCRATCH (13u << 20) /* where the guest has nothing */
#define PA_COPY 0x3000         /* and there neither, below all tasks */

/* ---- helpers ---------------------------------------------------------------------- */

static struct fault_guest *create(void **state)
{
	return fault_guest_create(*state);
}

static bool has_note(const struct fault_guest *fault, const char *part)
{
	for (unsigned i = 0; ws_system_note(fault->system, i); i++)
		if (strstr(ws_system_note(fault->system, i), part))
			return true;
	return false;
}

static const struct ws_space *space_at(const struct fault_guest *fault, uint64_t root)
{
	return &fault->system->spaces.v[space_with_root(fault->system, root)];
}

static const struct ws_task *task_with(const struct fault_guest *fault, uint32_t pid)
{
	ws_vec_each(&fault->system->tasks, task)
		if (task->pid == pid)
			return task;
	fail_msg("no task has the pid %u", pid);
	return NULL;
}

/* Every process that the guest has is there, under the root it has. */
static void expect_processes(const struct fault_guest *fault)
{
	const struct guest *guest = fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].root) {
			assert_int_equal(space_at(fault, guest->task[i].root)->kind,
					 WS_SPACE_PROCESS);
			assert_int_equal(
				task_with(fault, guest->task[i].pid)->space,
				space_with_root(fault->system, guest->task[i].root));
		}
}

static void set_flag(struct guest *guest, unsigned task, uint32_t flag)
{
	uint64_t pa = guest_pa(guest, guest->task[task].comm_va) + GUEST_FLAGS_OFFSET;

	guest_put32(guest, pa, ws_le32(guest->memory + pa) | flag);
}

/* ---- threads ---------------------------------------------------------------------- */

/* The space that only threads live in is reported, and what is wrong with it is fatal. */
static void a_dead_leaders_space_is_judged(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	const struct guest_task *dead = &guest->task[guest->dead];
	const struct ws_judgement *judgement;
	size_t n;

	if (guest->kind->own_kernel)
		fault_guest_hide(fault, dead->root, guest->kind->image);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault, dead->root)->pid, dead->pid);
	assert_string_equal(space_at(fault, dead->root)->comm, "dead");
	assert_int_equal(space_at(fault, dead->root)->nthreads, 3);
	assert_true(ws_audited(fault->audit, space_with_root(fault->system, dead->root)));
	judgement = &ws_audit_judgements(fault->audit,
					 &n)[space_with_root(fault->system, dead->root)];
	if (guest->kind->own_kernel) {
		assert_true(judgement->verdict >= WS_NESTS);
		assert_non_null(strstr(judgement->reasons, " dead"));
	} else {
		assert_int_equal(judgement->verdict, WS_COHERENT);
	}
	fault_guest_destroy(fault);
}

/* Two ends are left of a ring of threads that is cut. */
static void a_cut_ring_of_threads(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	unsigned middle = guest->task[guest->dead].first_thread + 1;

	guest_put(guest,
		  guest_pa(guest, guest->thread[middle].comm_va) + GUEST_THREADS_OFFSET,
		  0x1234);
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(task_with(fault, guest->task[guest->dead].pid)->nthreads, 3);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* Joins the leader to two list_heads of nobody's: a ring that no group has. */
static void spoil_ring(struct guest *guest, unsigned task)
{
	uint64_t leader = guest->task[task].comm_va + GUEST_THREADS_OFFSET;
	uint64_t pa = PA_SCRATCH + task * 0x1000, va = guest->kind->page_offset + pa;
	uint64_t ring[] = { leader, va, va + 0x800 };

	for (unsigned i = 0; i < 3; i++) {
		guest_put(guest, guest_pa(guest, ring[i]), ring[(i + 1) % 3]);
		guest_put(guest, guest_pa(guest, ring[i]) + guest->word,
			  ring[(i + 2) % 3]);
	}
}

/* One group in eight may have been overwritten: of 35, four and not five. */
static void how_many_rings_may_be_spoilt(void **state)
{
	for (unsigned spoilt = 4; spoilt <= 5; spoilt++) {
		struct fault_guest *fault = create(state);

		assert_int_equal(fault->guest->ntasks, 35);
		for (unsigned i = 0; i < spoilt; i++)
			spoil_ring(fault->guest, 10 + i);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(fault->system->fields.threads,
				 spoilt == 4 ? GUEST_THREADS_OFFSET : WS_NO_FIELD);
		fault_guest_destroy(fault);
	}
}

/* ---- kernel threads --------------------------------------------------------------- */

static void a_user_of_an_mm_is_one_of_its_owners(void **state)
{
	struct fault_guest *fault = create(state);
	const struct guest *guest = fault->guest;
	const struct guest_task *threaded = &guest->task[guest->threaded];
	const struct ws_space *space;

	fault_guest_open(fault, FAULT_LAZY);
	space = space_at(fault, threaded->root);
	assert_int_equal(space->pid, threaded->pid);
	assert_int_equal(space->ntasks, 2);
	assert_int_equal(space->owners[1], guest->task[guest->user_of_mm].pid);
	assert_int_equal(space->nthreads, 4);
	assert_true(task_with(fault, space->owners[1])->kernel_thread);
	fault_guest_destroy(fault);
}

/* Whatever a flags word says: who alone has an mm that leads to a root is a process. */
static void a_task_with_a_root_of_its_own_is_a_process(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	set_flag(guest, 12, WS_PF_KTHREAD);
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(fault->system->fields.flags, GUEST_FLAGS_OFFSET);
	assert_false(task_with(fault, guest->task[12].pid)->kernel_thread);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/*
 * One task in sixteen may not fit: of 34, two and not three; the one that uses another's
 * mm is there in any case. Nobody is lost either way, but a zombie is not known as one.
 */
static void how_many_flags_may_be_odd(void **state)
{
	for (unsigned odd = 1; odd <= 2; odd++) {
		struct fault_guest *fault = create(state);

		for (unsigned i = 0; i < odd; i++)
			set_flag(fault->guest, 12 + i, WS_PF_KTHREAD);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(fault->system->fields.flags,
				 odd == 1 ? GUEST_FLAGS_OFFSET : WS_NO_FIELD);
		assert_int_equal(has_note(fault, "task flags were not found"), odd == 2);
		expect_processes(fault);
		fault_guest_destroy(fault);
	}
}

/* 2.6.17 has no PF_KTHREAD: a word that is wrong in a quarter of the tasks is none. */
static void a_kernel_without_the_flag(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	for (unsigned i = 3; i < guest->ntasks; i += 4)
		set_flag(guest, i, WS_PF_KTHREAD);
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(fault->system->fields.flags, WS_NO_FIELD);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* ---- processors ------------------------------------------------------------------- */

static void what_a_processor_is_in_is_not_freed(void **state)
{
	for (unsigned half = 0; half < 2; half++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		struct ws_cpu *second = ws_vec_push(&guest->target.cpus);

		assert_non_null(second);
		*second = *fault_guest_cpu(fault);
		second->reg[X86_CR3] =
			guest->freed + (guest->kind->pti ? half * 4096 : 0);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, guest->freed)->kind, WS_SPACE_UNOWNED);
		assert_true(space_at(fault, guest->freed)->counts);
		assert_int_equal(space_at(fault, guest->reused)->kind, WS_SPACE_FREED);
		fault_guest_destroy(fault);
	}
}

static uint64_t list_pa(const struct guest *guest, unsigned task)
{
	return guest_pa(guest, guest->task[task].comm_va + GUEST_TASKS_OFFSET);
}

/* Takes a task off both of its neighbours: the list ends before it and behind it. */
static void cut_list(struct guest *guest, unsigned task)
{
	guest_put(guest, list_pa(guest, task), 0);
	guest_put(guest, list_pa(guest, task) + guest->word, 0);
}

/* ---- roots of no known owner ------------------------------------------------------ */

/* User mode has a page there, and the kernel has it on its list: somebody lives there. */
static void a_root_of_no_known_owner_is_judged(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t root = guest_add_root(guest, true);
	const struct ws_judgement *judgement;
	char name[32];
	size_t n;

	if (guest->kind->own_kernel)
		fault_guest_hide(fault, root, guest->kind->image);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault, root)->kind, WS_SPACE_UNOWNED);
	assert_int_equal(space_at(fault, root)->ntasks, 0);
	snprintf(name, sizeof(name), "root %#lx", root);
	assert_string_equal(space_at(fault, root)->comm, name);
	assert_true(ws_audited(fault->audit, space_with_root(fault->system, root)));
	judgement = &ws_audit_judgements(fault->audit,
					 &n)[space_with_root(fault->system, root)];
	assert_int_equal(judgement->verdict >= WS_NESTS, guest->kind->own_kernel);
	if (guest->kind->own_kernel)
		assert_non_null(strstr(judgement->reasons, name));
	if (guest->kind->pti) {
		const struct ws_space *half = space_at(fault, root + WS_FRAME_SIZE);

		assert_int_equal(half->kind, WS_SPACE_USER);
		assert_ptr_equal(half, space_at(fault, root) + 1);
		assert_string_equal(half->comm, name);
	}
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* The table that its user memory is mapped by: at 0x08048000, on i386 in entry 32. */
static uint64_t user_table_of(struct guest *guest, uint64_t root)
{
	unsigned entry = guest->kind->format == &ws_format_i386 ? 32 : 0;

	return guest_get(guest, root + 4 * entry) & ~UINT64_C(0xfff);
}

/* What it has there is not in the dump: it may be a process's, and is not counted away. */
static void a_root_without_its_user_tables(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t root = guest_add_root(guest, true);
	uint64_t table = user_table_of(guest, root);

	guest_leave_out(guest, table);
	cut_list(guest, 28); /* with a whole list it would be no process's */
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault, root)->kind, WS_SPACE_UNOWNED);
	assert_true(space_at(fault, root)->counts);
	assert_true(has_note(fault, "may be in use or freed"));
	assert_int_equal(space_at(fault, guest->kept)->kind, WS_SPACE_LONE);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* Moves a root, and its user half, to memory of the image that the kernel has freed. */
static uint64_t move_to_image(struct guest *guest, uint64_t root)
{
	uint64_t freed = guest->image_end - (8 << 12);

	memcpy(guest->memory + freed, guest->memory + root, 2 * WS_FRAME_SIZE);
	memset(guest->memory + root, 0, 2 * WS_FRAME_SIZE);
	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE); /* nor pgd_list */
	return freed;
}

/* What booting needs alone is freed, and given to processes: who has memory is one. */
static void a_process_in_the_image(void **state)
{
	for (unsigned inhabited = 0; inhabited < 2; inhabited++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		uint64_t root = move_to_image(
			guest, inhabited ? guest_add_root(guest, true) : guest->freed);

		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, root)->kind,
				 inhabited ? WS_SPACE_UNOWNED : WS_SPACE_LONE);
		assert_int_equal(space_at(fault, root)->counts, inhabited);
		assert_int_equal(
			ws_audited(fault->audit, space_with_root(fault->system, root)),
			inhabited);
		expect_processes(fault);
		fault_guest_destroy(fault);
	}
}

/* The dump lacks what would show whether somebody lives there: perhaps he does. */
static void a_root_in_the_image_without_its_user_tables(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t root = guest_add_root(guest, true);
	uint64_t table = user_table_of(guest, root);

	root = move_to_image(guest, root);
	guest_leave_out(guest, table);
	cut_list(guest, 28); /* with a whole list it would be no process's */
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault, root)->kind, WS_SPACE_UNOWNED);
	assert_true(space_at(fault, root)->perhaps_freed);
	fault_guest_destroy(fault);
}

/* What is left of a root in a page that somebody else has by now is nobody's. */
static void a_stale_root_is_out(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t stale = guest_add_root(guest, false);

	fault_guest_audit(fault, FAULT_LAZY);
	if (guest->kind->own_kernel) { /* else the kernel keeps no list */
		assert_int_equal(space_at(fault, stale)->kind, WS_SPACE_LONE);
		assert_false(space_at(fault, stale)->counts);
		assert_false(
			ws_audited(fault->audit, space_with_root(fault->system, stale)));
	}
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* ---- from the roots up ------------------------------------------------------------ */

/* What is left between two cuts is reached from neither end. */
static void the_middle_of_a_list(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	cut_list(guest, 5);
	cut_list(guest, 28);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	/* the two that were cut off have no neighbours, but 28 is a process */
	assert_int_equal(fault->system->tasks.n, guest->ntasks - 1);
	assert_true(has_note(fault, "not on the task list as far as it can be followed"));
	assert_int_equal(task_with(fault, 3)->kernel_thread, true);
	fault_guest_destroy(fault);
}

/* Takes a task off the list as the kernel does: the rest holds, and it leads to itself. */
static void leave_list(struct guest *guest, unsigned task)
{
	uint64_t node = guest->task[task].comm_va + GUEST_TASKS_OFFSET;
	uint64_t before = guest->task[task - 1].comm_va + GUEST_TASKS_OFFSET;
	uint64_t behind = guest->task[task + 1].comm_va + GUEST_TASKS_OFFSET;

	guest_put(guest, guest_pa(guest, before), behind);
	guest_put(guest, guest_pa(guest, behind) + guest->word, before);
	guest_put(guest, guest_pa(guest, node), node);
	guest_put(guest, guest_pa(guest, node) + guest->word, node);
}

/* A process that is hidden so is found by its memory, and is one: who looked before left a copy. */
static void off_the_list(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	const uint32_t pid = guest->task[28].pid;
	uint64_t task = guest_pa(guest, guest->task[28].comm_va);
	size_t n = 0;

	leave_list(guest, 28);
	assert_true(PA_COPY < task);
	memcpy(guest->memory + PA_COPY, guest->memory + task - 0x200, 0x300);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	ws_vec_each(&fault->system->tasks, it)
		n += it->pid == pid;
	assert_int_equal(n, 1);
	assert_true(has_note(fault, "1 task is not on the task list"));
	fault_guest_destroy(fault);
}

/* Its name and its list_head are gone, as where a stack has run over them. */
static void no_init_task(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t comm = guest_pa(guest, guest->task[0].comm_va);

	memset(guest->memory + comm - 0x200, 0x5a, 0x300);
	fault_guest_open(fault, FAULT_LAZY);
	assert_true(has_note(fault, "the task list was not found"));
	expect_processes(fault);
	for (unsigned i = 1; i < guest->ntasks; i++)
		assert_string_equal(task_with(fault, guest->task[i].pid)->comm,
				    guest->task[i].comm);
	assert_int_equal(fault->system->tasks.n, guest->ntasks - 1);
	assert_int_equal(space_at(fault, guest->task[guest->dead].root)->nthreads, 3);
	fault_guest_destroy(fault);
}

/*
 * An mm has list_heads in it, and an empty one leads to itself twice, as a task leads to
 * its mm. Here there are more of them than tasks to be seen: those of eight are damaged.
 */
static void empty_lists_in_mms(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t comm = guest_pa(guest, guest->task[0].comm_va);

	memset(guest->memory + comm - 0x200, 0x5a, 0x300);
	for (unsigned i = 0; i < guest->ntasks; i++) {
		const struct guest_task *task = &guest->task[i];
		uint64_t node = task->mm + 8, pa = guest_pa(guest, node);

		if (!task->root)
			continue;
		guest_put(guest, pa, node);
		guest_put(guest, pa + guest->word, node);
		if (i >= 10 && i < 18)
			guest_put(guest,
				  guest_pa(guest, task->comm_va) + GUEST_MM_OFFSET +
					  guest->word,
				  0);
	}
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	assert_int_equal(fault->system->fields.mm_pgd, GUEST_PGD_OFFSET);
	fault_guest_destroy(fault);
}

/* No list at all: processes are found one by one, and who has no mm is not. */
static void nothing_but_mms(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++)
		cut_list(guest, i);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* The mm lies in a frame that the dump leaves out: then nobody can know whose it is. */
static void no_mm(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t mm = guest_pa(guest, guest->task[guest->victim].mm);
	unsigned unowned = 0;

	guest_leave_out(guest, mm);
	fault_guest_audit(fault, FAULT_LAZY);
	for (unsigned i = 0; i < guest->ntasks; i++) {
		const struct guest_task *task = &guest->task[i];

		if (!task->root)
			continue;
		assert_true(space_at(fault, task->root)->counts);
		unowned += space_at(fault, task->root)->kind == WS_SPACE_UNOWNED;
	}
	assert_true(unowned > 0);
	assert_true(has_note(fault, "belong to no task that was found"));
	fault_guest_destroy(fault);
}

/* A root that is left out is somebody's all the same, and nobody gets another's. */
static void no_root(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	guest_leave_out(guest, guest->task[1].root);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	assert_int_equal(fault->system->fields.mm_pgd, GUEST_PGD_OFFSET);
	assert_true(has_note(fault, "is not in the target"));
	fault_guest_destroy(fault);
}

/* Takes the processes' own words away that name their mm: nobody finds the task by it. */
static void forget_mm(struct guest *guest, unsigned task)
{
	uint64_t pa = guest_pa(guest, guest->task[task].comm_va) + GUEST_MM_OFFSET;

	guest_put(guest, pa, 0);
	guest_put(guest, pa + guest->word, 0);
}

/*
 * In the slab every second mm has lost its root, and every other one its task: then most
 * words that name a root are a neighbour's. A few tasks have kept both.
 */
static void every_second_neighbour(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++)
		cut_list(guest, i);
	for (unsigned i = 9; i < 27; i++)
		if (i % 2)
			guest_leave_out(guest, guest->task[i].root);
		else
			forget_mm(guest, i);
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(fault->system->fields.mm_pgd, GUEST_PGD_OFFSET);
	for (unsigned i = 9; i < 27; i++)
		if (i % 2 == 0)
			assert_int_equal(space_at(fault, guest->task[i].root)->kind,
					 WS_SPACE_UNOWNED);
	fault_guest_destroy(fault);
}

/* The same on a list of a few, none of which has kept its root: nothing shows pgd. */
static void neighbours_of_a_few(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	cut_list(guest, 12);
	cut_list(guest, guest->ntasks - 1);
	guest_leave_out(guest, guest->task[1].root);
	for (unsigned i = 10; i < guest->ntasks; i++)
		if (guest->task[i].root)
			forget_mm(guest, i);
	guest_leave_out(guest, guest->task[9].root);
	fault_guest_open(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space) {
		bool its = space->kind != WS_SPACE_PROCESS;

		for (unsigned i = 0; i < guest->ntasks; i++)
			its |= guest->task[i].mm == space->mm &&
			       guest->task[i].pid == space->pid;
		if (!its)
			fail_msg("root %#lx is %u's", space->root, space->pid);
	}
	fault_guest_destroy(fault);
}

/* Who is named as a root's is the one whose mm names it, or nobody is. */
static void expect_no_wrong_owner(const struct fault_guest *fault)
{
	const struct guest *guest = fault->guest;

	ws_vec_each(&fault->system->spaces, space)
		for (unsigned i = 0; i < guest->ntasks; i++)
			if (space->kind == WS_SPACE_PROCESS &&
			    guest->task[i].root == space->root)
				assert_int_equal(space->mm, guest->task[i].mm);
}

/*
 * In the slab every second mm has a root that looks like none, and every other one has
 * lost its task: more roots lie where a neighbour's do. But some neighbours are known.
 */
static void spoil_every_second(struct guest *guest)
{
	for (unsigned i = 9; i < 27; i++)
		if (i % 2)
			memset(guest->memory + guest->task[i].root, 0x5a,
			       2 * WS_FRAME_SIZE);
		else
			forget_mm(guest, i);
}

static void damaged_neighbours(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++)
		cut_list(guest, i);
	spoil_every_second(guest);
	fault_guest_open(fault, FAULT_LAZY);
	expect_no_wrong_owner(fault);
	fault_guest_destroy(fault);
}

static void damaged_neighbours_on_a_list(void **state)
{
	struct fault_guest *fault = create(state);

	spoil_every_second(fault->guest);
	fault_guest_open(fault, FAULT_LAZY);
	expect_no_wrong_owner(fault);
	fault_guest_destroy(fault);
}

/* What a dump lacks may lie above all that it holds, but not above all that i386 has. */
static void a_directory_beyond_the_dump(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t end = WS_BIT(36);
	bool pae = guest->kind->format == &ws_format_i386_pae;

	memset(guest->memory + PA_SCRATCH, 0, 2 * WS_FRAME_SIZE);
	for (unsigned beyond = 0; beyond < 2; beyond++) {
		uint64_t entry = (end - WS_FRAME_SIZE + beyond * WS_FRAME_SIZE) | 1;
		uint64_t at = PA_SCRATCH + beyond * WS_FRAME_SIZE + 8 * 3;

		guest_put32(guest, at, (uint32_t)entry);
		guest_put32(guest, at + 4, (uint32_t)(entry >> 32));
	}
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(ws_lacks_directory(fault->system, PA_SCRATCH), pae);
	assert_false(ws_lacks_directory(fault->system, PA_SCRATCH + WS_FRAME_SIZE));
	fault_guest_destroy(fault);
}

/* Moves the victim's root, and its user half, to where the guest has nothing. */
static uint64_t move_root(struct guest *guest)
{
	struct guest_task *victim = &guest->task[guest->victim];

	memcpy(guest->memory + PA_SCRATCH, guest->memory + victim->root,
	       2 * WS_FRAME_SIZE);
	memset(guest->memory + victim->root, 0, 2 * WS_FRAME_SIZE);
	guest_put(guest, guest_pa(guest, victim->mm) + GUEST_PGD_OFFSET,
		  guest->kind->page_offset + PA_SCRATCH);
	victim->root = PA_SCRATCH;
	return PA_SCRATCH;
}

static void close_system(struct fault_guest *fault)
{
	ws_system_close(fault->system);
	fault->system = NULL;
}

/* The kernel loads what lies there in the direct map, whether or not tables map it. */
static void a_root_beyond_the_tables(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t root = move_root(guest);
	struct ws_trail trail;

	fault_guest_open(fault, FAULT_LAZY);
	ws_walk(&fault->system->paging, guest->swapper, guest->kind->page_offset + root,
		&trail);
	assert_int_equal(trail.pa, root);
	close_system(fault);
	guest_leave_out(guest, trail.step[trail.nsteps - 1].table);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	close_system(fault);
	guest_leave_out(guest, root);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* A flag that misleads, and a root that is lost: it is the process's all the same. */
static void a_lost_root_of_an_odd_task(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;

	set_flag(guest, guest->victim, WS_PF_KTHREAD);
	guest_leave_out(guest, guest->task[guest->victim].root);
	fault_guest_open(fault, FAULT_LAZY);
	expect_processes(fault);
	fault_guest_destroy(fault);
}

static uint64_t page_of(const struct guest *guest, uint64_t root)
{
	return guest->mem_map + root / WS_FRAME_SIZE * 32;
}

/* Joins a root's page to a list of its own, whose head is at that va. */
static void list_page(struct guest *guest, uint64_t root, uint64_t head)
{
	uint64_t lru = page_of(guest, root) + 8;

	guest_put(guest, guest_pa(guest, lru), head);
	guest_put(guest, guest_pa(guest, lru) + guest->word, head);
	guest_put(guest, guest_pa(guest, head), lru);
	guest_put(guest, guest_pa(guest, head) + guest->word, lru);
}

/*
 * The kernel's list of roots is cut, and no task tells of one. A page that is free may be
 * on a list in the image as well; and one that is on none leads to itself, in memory that
 * the image may reach to, where its end is not known. Nobody is off these lists.
 */
static void lists_of_other_pages(void **state)
{
	for (unsigned free = 0; free < 2; free++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		uint64_t root = guest->task[1].root; /* the first that is tried */

		memset(guest->memory + guest_pa(guest, guest->task[0].comm_va) - 0x200,
		       0x5a, 0x300);
		for (unsigned i = 1; i < guest->ntasks; i++) {
			cut_list(guest, i);
			forget_mm(guest, i);
		}
		for (unsigned i = 0; i < guest->nthreads; i++)
			guest_put(guest,
				  guest_pa(guest, guest->thread[i].comm_va) +
					  GUEST_MM_OFFSET,
				  0);
		guest_put(guest, guest_pa(guest, guest->list_head), 0);
		memset(guest->memory + guest->resources, 0, 0x80);
		list_page(guest, root,
			  free ? guest->list_head + 0x100 : page_of(guest, root) + 8);
		if (free)
			guest_put32(guest, guest_pa(guest, page_of(guest, root)) + 24, 0);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, guest->task[10].root)->kind,
				 WS_SPACE_UNOWNED);
		fault_guest_destroy(fault);
	}
}

#define OWNER_OFFSET 0x80 /* in an mm */
#define TASK_BEGINS 0x200 /* so far before its comm */

/*
 * The victim's task goes over the end of a frame: its mm is before that, its pid behind.
 */
static void move_victim(struct guest *guest)
{
	struct guest_task *victim = &guest->task[guest->victim];
	uint64_t from = guest_pa(guest, victim->comm_va), to = PA_SCRATCH + 0x10d0;

	cut_list(guest, guest->victim);
	memcpy(guest->memory + to - TASK_BEGINS, guest->memory + from - TASK_BEGINS,
	       0x300);
	memset(guest->memory + from - TASK_BEGINS, 0, 0x300);
	victim->comm_va = guest->kind->page_offset + to;
}

/* A task that the list has lost, and whose own word for its mm the dump lacks. */
static void an_mm_that_names_its_owner(void **state)
{
	for (unsigned names = 0; names < 2; names++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		const struct guest_task *victim = &guest->task[guest->victim];

		move_victim(guest);
		for (unsigned i = 0; names && i < guest->ntasks; i++)
			if (guest->task[i].root && guest->task[i].ppid != 2)
				guest_put(guest,
					  guest_pa(guest, guest->task[i].mm) +
						  OWNER_OFFSET,
					  guest->task[i].comm_va - TASK_BEGINS);
		guest_leave_out(guest, PA_SCRATCH);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, victim->root)->kind,
				 names ? WS_SPACE_PROCESS : WS_SPACE_UNOWNED);
		if (names) {
			assert_int_equal(space_at(fault, victim->root)->pid, victim->pid);
			assert_string_equal(space_at(fault, victim->root)->comm,
					    "victim");
			expect_processes(fault);
		}
		fault_guest_destroy(fault);
	}
}

/* PAE: the processor's root is there, but not the directory that would show it. */
static void a_loaded_root_without_its_directory(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t root = guest->task[guest->victim].root;
	struct ws_cpu *second;

	if (guest->kind->format != &ws_format_i386_pae || !guest->kind->own_kernel) {
		fault_guest_destroy(fault);
		return;
	}
	second = ws_vec_push(&guest->target.cpus);
	assert_non_null(second);
	*second = *fault_guest_cpu(fault);
	second->reg[X86_CR3] = root;
	guest_leave_out(guest,
			guest_private_entry(guest, root, guest->kind->page_offset));
	forget_mm(guest, guest->victim);
	guest_put(guest,
		  guest_pa(guest, guest->task[guest->victim].mm) + GUEST_PGD_OFFSET, 0);
	fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(space_at(fault, root)->kind, WS_SPACE_UNOWNED);
	assert_true(has_note(fault, "the kernel page directory of the root"));
	fault_guest_destroy(fault);
}

/*
 * Neither pgd_list nor struct pages: what is left of a process looks as one who lives. With the
 * user half of a process's root, or a part of it, it is a copy of that; with an entry more, nobody
 * knows.
 */
static void what_nothing_tells_of_is_unknown(void **state)
{
	enum { ANOTHERS, SAME, A_PART, MORE, WAYS };

	for (unsigned way = 0; way < WAYS; way++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;
		uint64_t root = guest_add_root(guest, true);
		uint64_t process = guest->task[guest->victim].root;
		unsigned size = guest->kind->format == &ws_format_i386 ? 4 : 8;
		unsigned slot = size == 4 ? 32 : 0;
		bool is_copy = way == SAME || way == A_PART;
		uint8_t own[8];

		memcpy(own, guest->memory + root + slot * size, size);
		if (way != ANOTHERS)
			memcpy(guest->memory + root, guest->memory + process,
			       WS_FRAME_SIZE);
		if (way == MORE)
			memcpy(guest->memory + root + (slot + 1) * size, own, size);
		if (way == A_PART)
			memcpy(guest->memory + process + (slot + 1) * size, own, size);
		memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, root)->kind,
				 is_copy ? WS_SPACE_FREED : WS_SPACE_UNOWNED);
		assert_int_equal(space_at(fault, root)->perhaps_freed, !is_copy);
		expect_processes(fault);
		fault_guest_destroy(fault);
	}
}

/* ---- all kinds x all cases -------------------------------------------------------- */

static const struct {
	const char *name;
	CMUnitTestFunction test;
} cases[] = {
	{ "a dead leader's space is judged", a_dead_leaders_space_is_judged },
	{ "a cut ring of threads", a_cut_ring_of_threads },
	{ "spoilt rings of threads", how_many_rings_may_be_spoilt },
	{ "who uses an mm", a_user_of_an_mm_is_one_of_its_owners },
	{ "a root of its own", a_task_with_a_root_of_its_own_is_a_process },
	{ "odd flags", how_many_flags_may_be_odd },
	{ "no PF_KTHREAD", a_kernel_without_the_flag },
	{ "a loaded root", what_a_processor_is_in_is_not_freed },
	{ "a root of no known owner", a_root_of_no_known_owner_is_judged },
	{ "a root without its user tables", a_root_without_its_user_tables },
	{ "a process in the image", a_process_in_the_image },
	{ "a root in the image without its user tables",
	  a_root_in_the_image_without_its_user_tables },
	{ "a stale root", a_stale_root_is_out },
	{ "a root that nothing tells of", what_nothing_tells_of_is_unknown },
	{ "the middle of a list", the_middle_of_a_list },
	{ "off the list", off_the_list },
	{ "no init_task", no_init_task },
	{ "empty lists in mms", empty_lists_in_mms },
	{ "nothing but mms", nothing_but_mms },
	{ "no mm", no_mm },
	{ "no root", no_root },
	{ "every second neighbour", every_second_neighbour },
	{ "neighbours of a few", neighbours_of_a_few },
	{ "damaged neighbours", damaged_neighbours },
	{ "damaged neighbours on a list", damaged_neighbours_on_a_list },
	{ "a directory beyond the dump", a_directory_beyond_the_dump },
	{ "a root beyond the tables", a_root_beyond_the_tables },
	{ "a lost root of an odd task", a_lost_root_of_an_odd_task },
	{ "an mm that names its owner", an_mm_that_names_its_owner },
	{ "lists of other pages", lists_of_other_pages },
	{ "a loaded root without its directory", a_loaded_root_without_its_directory },
};

#define KINDS_MAX 16

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(cases) * KINDS_MAX];
	char names[WS_ARRAY_SIZE(cases) * KINDS_MAX][96];
	const struct guest_kind *kind;
	size_t n = 0;

	for (unsigned k = 0; k < KINDS_MAX && (kind = guest_kind_at(k)); k++)
		for (size_t c = 0; c < WS_ARRAY_SIZE(cases); c++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", kind->name,
				 cases[c].name);
			tests[n] = (struct CMUnitTest){ .name = names[n],
							.test_func = cases[c].test,
							.initial_state = (void *)kind };
		}
	return _cmocka_run_group_tests("who", tests, n, NULL, NULL);
}
