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

#include "linux/tasks.h"

#define PA_SCRATCH (13u << 20) /* where the guest has nothing */

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

static uint32_t index_of(const struct fault_guest *fault, uint64_t root)
{
	for (uint32_t i = 0; i < fault->system->spaces.n; i++)
		if (fault->system->spaces.v[i].root == root)
			return i;
	fail_msg("no space has the root %#lx", root);
	return 0;
}

static const struct ws_space *space_at(const struct fault_guest *fault, uint64_t root)
{
	return &fault->system->spaces.v[index_of(fault, root)];
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
			assert_int_equal(task_with(fault, guest->task[i].pid)->space,
					 index_of(fault, guest->task[i].root));
		}
}

static void set_flag(struct guest *guest, unsigned task, uint32_t flag)
{
	uint64_t pa = guest_pa(guest, guest->task[task].comm_va) + GUEST_FLAGS_OFFSET;
	uint32_t flags;

	memcpy(&flags, guest->memory + pa, sizeof(flags));
	guest_put32(guest, pa, flags | flag);
}

/* ---- threads ---------------------------------------------------------------------- */

/* The space that only threads live in is told of, and what is wrong with it is fatal. */
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
	assert_true(ws_audited(fault->audit, index_of(fault, dead->root)));
	judgement = &ws_audit_judgements(fault->audit, &n)[index_of(fault, dead->root)];
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
		second->cr3 = guest->freed + (guest->kind->pti ? half * 4096 : 0);
		fault_guest_open(fault, FAULT_LAZY);
		assert_int_equal(space_at(fault, guest->freed)->kind, WS_SPACE_LONE);
		assert_int_equal(space_at(fault, guest->reused)->kind, WS_SPACE_FREED);
		fault_guest_destroy(fault);
	}
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
	assert_true(ws_audited(fault->audit, index_of(fault, root)));
	judgement = &ws_audit_judgements(fault->audit, &n)[index_of(fault, root)];
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
		assert_false(ws_audited(fault->audit, index_of(fault, stale)));
	}
	expect_processes(fault);
	fault_guest_destroy(fault);
}

/* ---- from the roots up ------------------------------------------------------------ */

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
	assert_true(has_note(fault, "tasks are not on the task list"));
	assert_int_equal(task_with(fault, 3)->kernel_thread, true);
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
	{ "a stale root", a_stale_root_is_out },
	{ "the middle of a list", the_middle_of_a_list },
	{ "no init_task", no_init_task },
	{ "nothing but mms", nothing_but_mms },
	{ "no mm", no_mm },
	{ "no root", no_root },
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
