/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel whose memory is scribbled over while it runs: page tables, descriptor tables,
 * stacks, code, Linux's structures. Anything may come of it in the simulated machine;
 * here every operation ends, soon, and breaks nothing. WS_SEED=n draws others,
 * WS_OPERATIONS=n more of them.
 */
#include "kernel_stand.h"

#include "common/random.h"

#include <stdio.h>

#define OPERATIONS 20000u
#define LIFE 400u /* operations before the next kernel is booted */
#define PIDS 8

struct world {
	struct kernel *kernel;
	struct random *random;
	int pid[PIDS];
	uint64_t mapping[PIDS], area;
};

static unsigned draw(struct world *w, unsigned n)
{
	return (unsigned)random_below(w->random, n);
}

static int any_pid(struct world *w)
{
	return w->pid[draw(w, PIDS)];
}

/* ---- what is scribbled over -------------------------------------------------------- */

static const char *const names[] = {
	"idt_table",         "gdt_page",    "cpu_tss",       "double_fault_tss",
	"page_fault",        "irq_desc",    "do_page_fault", "swapper_pg_dir",
	"init_top_pgt",      "modules",     "init_task",     "sys_read",
	"dtrace_page_fault", "dtrace_read", "pgd_list",
};

static uint64_t a_variable(struct world *w)
{
	uint64_t va = 0;

	kernel_symbol(w->kernel, names[draw(w, sizeof(names) / sizeof(names[0]))], &va);
	return va + draw(w, 256);
}

/* A page-table entry, at any level that a random address is translated by. */
static uint64_t an_entry(struct world *w)
{
	uint64_t va = draw(w, 2) ? w->mapping[draw(w, PIDS)] : a_variable(w);
	struct kernel_walk walk = { 0 };

	kernel_walk(w->kernel, any_pid(w), va, &walk);
	return walk.entry_va + draw(w, 8);
}

static uint64_t a_stack(struct world *w)
{
	return kernel_cpu(w->kernel, 0)->r.reg[MACHINE_REG_SP] - draw(w, 512);
}

static uint64_t an_address(struct world *w)
{
	switch (draw(w, 6)) {
	case 0:
		return a_variable(w);
	case 1:
	case 2:
		return an_entry(w);
	case 3:
		return a_stack(w);
	case 4:
		return w->area + draw(w, 3 * PAGE);
	default:
		return random_next(w->random);
	}
}

/* Not through the processor: nothing is in the way. */
static void scribble(struct world *w)
{
	uint64_t va = an_address(w), value = random_next(w->random);
	struct kernel_walk walk;

	if (kernel_walk(w->kernel, 0, va, &walk) == KERNEL_OK && walk.present)
		machine_memory_write(kernel_memory(w->kernel),
				     draw(w, 2) ? (uint32_t)va & 0x3ffffff
						: (walk.entry & 0xfffff000) + va % PAGE,
				     &value, 1 + draw(w, 8));
}

static void misuse(struct world *w)
{
	uint8_t value = (uint8_t)random_next(w->random);

	switch (draw(w, 4)) {
	case 0:
		kernel_hide(w->kernel, draw(w, 4) ? any_pid(w) : 0, an_address(w));
		break;
	case 1:
		kernel_flip(w->kernel, draw(w, 4) ? any_pid(w) : 0, an_address(w),
			    draw(w, 2) ? UINT64_C(1) << draw(w, 64)
				       : random_next(w->random));
		break;
	case 2:
		kernel_kernel_access(w->kernel, w->pid[1 + draw(w, PIDS - 1)], draw(w, 3),
				     an_address(w), &value);
		break;
	default:
		scribble(w);
	}
}

/* ---- everyday life ----------------------------------------------------------------- */

static void live(struct world *w)
{
	unsigned slot = draw(w, PIDS);
	int *pid = &w->pid[slot], fd;
	uint64_t va = w->mapping[slot] + draw(w, 4) * PAGE, done;
	struct kernel *k = w->kernel;
	uint8_t value = 1;

	switch (draw(w, 16)) {
	case 0:
	case 1:
		kernel_fork(k, any_pid(w), "x", pid);
		break;
	case 2:
		kernel_exit(k, *pid);
		break;
	case 3:
		kernel_exec(k, *pid, "y");
		break;
	case 4:
	case 5:
		kernel_mmap(k, *pid, 4 * PAGE, draw(w, 4), &w->mapping[slot]);
		break;
	case 6:
		kernel_munmap(k, *pid, w->mapping[slot]);
		break;
	case 7:
		kernel_insmod(k, &(struct kernel_driver){ .name = "dtrace",
							  .hooks_page_fault = draw(w, 2),
							  .irq = 40 });
		break;
	case 8:
		kernel_rmmod(k, "dtrace");
		break;
	case 9:
		if (kernel_open(k, *pid, draw(w, 2) ? "/dev/dtrace" : "/proc/dtrace",
				&fd) == KERNEL_OK) {
			kernel_write(k, *pid, fd, va, 20, &done);
			kernel_read(k, *pid, fd, va, 20, &done);
		}
		break;
	case 10:
		kernel_vfree(k, w->area);
		kernel_vmalloc(k, draw(w, 2) ? 3 * PAGE : 4 << 20, &w->area);
		break;
	case 11:
		kernel_interrupt(k, draw(w, 2), 40);
		break;
	case 12:
		kernel_migrate(k, *pid, draw(w, 2));
		break;
	case 13:
		kernel_preempt_in_fault(k, *pid, any_pid(w));
		kernel_switch(k, draw(w, 2), any_pid(w));
		break;
	default:
		/* init, of all processes, would not survive what is nobody's. */
		if (w->mapping[slot] && *pid != 1)
			kernel_user_access(k, *pid, draw(w, 3), va, &value);
	}
}

/* ---- lives ------------------------------------------------------------------------- */

static void deaf(void *arg, const struct kernel_line *line)
{
	*(size_t *)arg += strlen(line->text);
}

static void one_life(struct random *random, unsigned ends[4])
{
	size_t heard = 0;
	struct world w = { .random = random };
	const struct kernel_options options = {
		.format = (uint8_t)random_below(random, 3),
		.sync = (uint8_t)random_below(random, KERNEL_SYNCS),
		.tlb = (uint8_t)random_below(random, 3),
		.departures = random_percent(random, 50) ? MACHINE_TCG : 0,
		.cpus = 2,
		.ram = random_percent(random, 50) ? 24 << 20 : 64 << 20,
		.debug_pagealloc = random_percent(random, 30),
		.say = random_percent(random, 50) ? deaf : NULL,
		.arg = &heard,
	};

	w.kernel = stand_boot_with(&options);
	w.pid[0] = 1;
	for (unsigned i = 0; i < LIFE && kernel_ending(w.kernel)->end == KERNEL_RUNS;
	     i++) {
		live(&w);
		if (draw(&w, 16) == 0)
			misuse(&w);
		if (draw(&w, 50) == 0)
			kernel_check(w.kernel);
	}
	kernel_check(w.kernel);
	ends[kernel_ending(w.kernel)->end]++;
	kernel_destroy(w.kernel);
}

static void test_lives(void **state)
{
	const char *text = getenv("WS_OPERATIONS");
	unsigned n = (text ? (unsigned)strtoul(text, NULL, 0) : OPERATIONS) / LIFE;
	struct random random = { random_seed() };
	unsigned ends[4] = { 0 };

	(void)state;
	for (unsigned i = 0; i < n; i++)
		one_life(&random, ends);
	print_message("# %u ran on, %u panicked, %u reset, %u hung\n", ends[KERNEL_RUNS],
		      ends[KERNEL_PANICS], ends[KERNEL_RESETS], ends[KERNEL_HANGS]);
	assert_int_equal(ends[0] + ends[1] + ends[2] + ends[3], n);
	assert_true(ends[KERNEL_PANICS] && ends[KERNEL_RESETS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "memory is scribbled over, and every operation ends", test_lives },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
