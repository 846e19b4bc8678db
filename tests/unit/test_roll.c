/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whom the kernel names itself: held against tasks that were found, at whatever moment each came
 * or went; and asked of the kernel that runs this test, where that answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/roll_call.h"
#include "target/kernel_roll.h"

/* ---- the comparison --------------------------------------------------------------- */

#define MM 0x1000u

static void name(ws_roll *roll, uint32_t pid, uint64_t begun, uint64_t mm)
{
	struct ws_named_process *process = ws_vec_push(roll);

	assert_non_null(process);
	process->pid = pid;
	process->begun = begun;
	process->mm = mm;
	snprintf(process->comm, sizeof(process->comm), "c%u", pid);
}

static struct ws_task task_of(uint32_t pid)
{
	struct ws_task task = { .pid = pid, .mm = MM * pid };

	snprintf(task.comm, sizeof(task.comm), "m%u", pid);
	return task;
}

static void compare(struct ws_roll_call *call, const struct ws_task *tasks, size_t n)
{
	call->known = true;
	assert_true(ws_roll_compare(call, tasks, n));
}

static void who_stood_is_looked_for(void **state)
{
	struct ws_roll_call call = { 0 };
	struct ws_task tasks[] = { task_of(5), task_of(1) };

	(void)state;
	for (uint32_t pid = 1; pid <= 5; pid += 2) {
		name(&call.before, pid, pid, MM * pid);
		name(&call.after, pid, pid, MM * pid);
	}
	compare(&call, tasks, 2);
	assert_int_equal(call.stood, 3);
	assert_int_equal(call.unnamed.n, 0);
	assert_int_equal(call.missing.n, 1);
	assert_int_equal(call.missing.v[0].pid, 3);
	assert_string_equal(call.missing.v[0].comm, "c3");
	assert_true(ws_roll_differs(&call));
	compare(&call, (struct ws_task[]){ task_of(1), task_of(3), task_of(5) }, 3);
	assert_false(ws_roll_differs(&call));
	ws_roll_call_release(&call);
}

/* Nobody can be held to have found who came, went, or became another meanwhile. */
static void who_did_not_stand_is_not(void **state)
{
	struct ws_roll_call call = { 0 };

	(void)state;
	name(&call.before, 2, 2, MM);
	name(&call.before, 4, 4, MM);
	name(&call.before, 6, 6, MM);
	name(&call.after, 3, 3, MM);
	name(&call.after, 4, 400, MM);   /* its pid was given again */
	name(&call.after, 6, 6, 2 * MM); /* it runs another program */
	compare(&call, NULL, 0);
	assert_int_equal(call.stood, 0);
	assert_false(ws_roll_differs(&call));
	ws_roll_call_release(&call);
}

static void who_is_found_is_named(void **state)
{
	struct ws_roll_call call = { 0 };
	struct ws_task tasks[] = { task_of(1), task_of(2), task_of(3),
				   task_of(4), task_of(5), task_of(6) };

	(void)state;
	tasks[3].mm = 0; /* a zombie */
	tasks[4].kernel_thread = true;
	name(&call.before, 1, 1, MM);
	name(&call.after, 2, 2, MM);
	name(&call.after, 3, 3, MM);
	compare(&call, tasks, 6);
	assert_int_equal(call.missing.n, 0);
	assert_int_equal(call.unnamed.n, 1);
	assert_ptr_equal(call.unnamed.v[0].task, &tasks[5]);
	assert_string_equal(call.unnamed.v[0].comm, "m6");
	call.known = false; /* what a kernel did not say */
	assert_false(ws_roll_differs(&call));
	ws_roll_call_release(&call);
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/*
 * Processes of any lives; each is listed, looked at and listed again at moments of its own, in
 * that order, as walks that take their time do. Who is found and has gone by the second time
 * is left out before, as is seen by its task. Nothing of that is a difference.
 */
static void no_churn_is_a_difference(void **state)
{
	uint64_t seed = 2012;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct ws_roll_call call = { 0 };
		struct ws_task tasks[40];
		size_t n = 0;

		for (uint32_t pid = 1; pid <= 40; pid++) {
			uint64_t born = next(&seed) % 400,
				 dies = born + next(&seed) % 400;
			uint64_t first = 100 + next(&seed) % 50;
			uint64_t look = 150 + next(&seed) % 50;
			uint64_t last = 200 + next(&seed) % 50;

			if (born <= first && first < dies)
				name(&call.before, pid, born, MM * pid);
			if (born <= look && look < dies) {
				tasks[n] = task_of(pid);
				tasks[n++].mm *= dies > 250;
			}
			if (born <= last && last < dies)
				name(&call.after, pid, born, MM * pid);
		}
		compare(&call, tasks, n);
		assert_false(ws_roll_differs(&call));
		ws_roll_call_release(&call);
	}
}

/* ---- the kernel that runs this ---------------------------------------------------- */

static size_t count(const ws_roll *roll, const char *comm)
{
	size_t n = 0;

	ws_vec_each(roll, process)
		n += !strcmp(process->comm, comm);
	return n;
}

static int iterator; /* the kernel's, over tasks; negative: there is none */

static void ask(ws_roll *roll)
{
	struct ws_target target = { 0 }; /* asked for a context where memory is short */
	bool known;

	assert_int_equal(ws_kernel_roll(&target, iterator, roll, &known), WS_OK);
	for (size_t i = 1; i < roll->n; i++)
		assert_true(roll->v[i - 1].pid < roll->v[i].pid);
	ws_vec_each(roll, process)
		assert_true(process->mm && process->begun);
	assert_true(!known || roll->v[0].pid == 1);
}

/* Which pids it has there the kernel knows: it goes by a name that nobody else has. */
static void the_kernel_names_processes(void **state)
{
	ws_roll roll = { 0 };
	int ends[2], ended;
	char comm[16];
	pid_t child;

	(void)state;
	snprintf(comm, sizeof(comm), "roll-%d", getpid());
	assert_false(prctl(PR_SET_NAME, comm));
	ask(&roll);
	assert_int_equal(count(&roll, comm), 1);
	assert_false(pipe(ends));
	child = fork();
	if (!child) {
		char word;

		_exit((int)read(ends[0], &word, 1));
	}
	ask(&roll);
	assert_int_equal(count(&roll, comm), 2);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(waitpid(child, &ended, 0), child);
	ask(&roll);
	assert_int_equal(count(&roll, comm), 1);
	ws_vec_release(&roll);
}

static void without_it_nobody_is_named(void **state)
{
	ws_roll roll = { 0 };

	(void)state;
	ask(&roll);
	assert_int_equal(roll.n, 0);
}

int main(void)
{
	static const struct CMUnitTest
		asked = cmocka_unit_test(the_kernel_names_processes),
		refused = { "the_kernel_names_processes # SKIP no BPF "
			    "iterator over tasks: it needs root and BTF",
			    without_it_nobody_is_named };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_stood_is_looked_for),
		cmocka_unit_test(who_did_not_stand_is_not),
		cmocka_unit_test(who_is_found_is_named),
		cmocka_unit_test(no_churn_is_a_difference),
		(iterator = ws_kernel_roll_open()) < 0 ? refused : asked,
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
