/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model kernel's everyday: processes, memory, files; what it refuses; no memory. */
#include "kernel_stand.h"

#include <stdio.h>

static const enum kernel_format formats[] = { KERNEL_I386, KERNEL_I386_PAE,
					      KERNEL_X86_64 };

#define each_format(f) for (const enum kernel_format *f = formats; f < formats + 3; f++)

/* ---- processes -------------------------------------------------------------------- */

static uint8_t peek(struct kernel *kernel, int pid, uint64_t va)
{
	uint8_t value = 0xee;

	does(kernel_user_access(kernel, pid, MACHINE_READ, va, &value));
	return value;
}

static void poke(struct kernel *kernel, int pid, uint64_t va, uint8_t value)
{
	does(kernel_user_access(kernel, pid, MACHINE_WRITE, va, &value));
}

static void test_fork_copies(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		uint64_t va = stand_page(k, 1);
		int child;

		assert_int_equal(peek(k, 1, va), 0);
		poke(k, 1, va, 17);
		child = stand_fork(k, 1);
		assert_int_equal(peek(k, child, va), 17);
		poke(k, child, va, 18);
		assert_int_equal(peek(k, 1, va), 17);
		assert_int_equal(peek(k, child, va), 18);
		stand_shut(k);
	}
}

static void test_exec_empties(void **state)
{
	struct kernel_process process;

	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int child = stand_fork(k, 1);
		uint64_t va = stand_page(k, child);
		uint8_t value;

		poke(k, child, va, 1);
		does(kernel_exec(k, child, "sshd"));
		does(kernel_process(k, child, &process));
		assert_string_equal(process.comm, "sshd");
		assert_true(process.running);
		assert_null(kernel_check(k));
		comes_to(KERNEL_KILLED,
			 kernel_user_access(k, child, MACHINE_READ, va, &value));
		comes_to(KERNEL_INVALID, kernel_process(k, child, &process));
		stand_shut(k);
	}
}

static void test_exit_gives_all_back(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int pids[50];

		for (unsigned i = 0; i < 50; i++) {
			pids[i] = stand_fork(k, i ? pids[i / 2] : 1);
			does(stand_fault(k, pids[i]));
		}
		assert_int_equal(kernel_processes(k), 51);
		assert_null(kernel_check(k));
		for (unsigned i = 0; i < 50; i++)
			does(kernel_exit(k, pids[(i * 7) % 50]));
		assert_int_equal(kernel_processes(k), 1);
		assert_int_equal(kernel_next_pid(k, 1), 0);
		stand_shut(k);
	}
}

static void test_pids_rise(void **state)
{
	struct kernel *k = stand_boot(KERNEL_I386, KERNEL_SYNC_LAZY);
	int a = stand_fork(k, 1), b = stand_fork(k, a), c = stand_fork(k, 1);
	struct kernel_process process;

	(void)state;
	assert_int_equal(kernel_next_pid(k, 0), 1);
	assert_int_equal(kernel_next_pid(k, a), b);
	does(kernel_exit(k, a));
	assert_int_equal(kernel_next_pid(k, 1), b);
	assert_int_equal(kernel_next_pid(k, a), b);
	assert_int_equal(kernel_next_pid(k, b), c);
	assert_int_equal(kernel_next_pid(k, c), 0);
	does(kernel_process(k, b, &process));
	assert_int_equal(process.parent, 1);
	stand_shut(k);
}

/* ---- memory ----------------------------------------------------------------------- */

static void test_mappings(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int pid = stand_fork(k, 1);
		uint64_t a, b, c;
		uint8_t value = 0;

		does(kernel_mmap(k, pid, 3 * PAGE, KERNEL_PROT_WRITE, &a));
		does(kernel_mmap(k, pid, 1, 0, &b));
		assert_int_equal(b, a + 3 * PAGE);
		poke(k, pid, a + 2 * PAGE, 9);
		does(kernel_munmap(k, pid, a));
		assert_false(stand_sees(k, pid, a + 2 * PAGE));
		does(kernel_mmap(k, pid, 2 * PAGE, KERNEL_PROT_WRITE, &c));
		assert_int_equal(c, a);
		assert_int_equal(peek(k, pid, c), 0);
		comes_to(KERNEL_INVALID, kernel_munmap(k, pid, c + PAGE));
		assert_int_equal(peek(k, pid, b), 0);
		comes_to(KERNEL_KILLED,
			 kernel_user_access(k, pid, MACHINE_WRITE, b, &value));
		stand_shut(k);
	}
}

/* NX exists where entries have 64 bits. */
static void test_execution(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int pid = stand_fork(k, 1);
		uint64_t data = stand_page(k, pid), code;
		uint8_t value;

		does(kernel_mmap(k, pid, PAGE, KERNEL_PROT_EXEC, &code));
		does(kernel_user_access(k, pid, MACHINE_FETCH, code, &value));
		poke(k, pid, data, 1);
		comes_to(*f == KERNEL_I386 ? KERNEL_OK : KERNEL_KILLED,
			 kernel_user_access(k, pid, MACHINE_FETCH, data, &value));
		stand_shut(k);
	}
}

static void test_vmalloc(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_LAZY);
		int pid = stand_fork(k, 1);
		uint64_t va;
		uint8_t value = 5;

		does(kernel_vmalloc(k, 3 * PAGE, &va));
		assert_false(stand_sees(k, pid, va));
		does(kernel_kernel_access(k, pid, MACHINE_WRITE, va, &value));
		assert_true(stand_sees(k, pid, va));
		value = 0;
		does(kernel_kernel_access(k, pid, MACHINE_READ, va, &value));
		assert_int_equal(value, 5);
		/* The empty page behind it. */
		comes_to(KERNEL_OOPS, kernel_kernel_access(k, pid, MACHINE_READ,
							   va + 3 * PAGE, &value));
		does(kernel_vfree(k, va));
		comes_to(KERNEL_INVALID, kernel_vfree(k, va));
		stand_shut(k);
	}
}

static void test_kernel_touches_user_memory(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int pid = stand_fork(k, 1);
		uint64_t va = stand_page(k, pid);
		uint8_t value = 3;

		does(kernel_kernel_access(k, pid, MACHINE_WRITE, va, &value));
		assert_int_equal(peek(k, pid, va), 3);
		comes_to(KERNEL_OOPS,
			 kernel_kernel_access(k, pid, MACHINE_READ, 0, &value));
		stand_shut(k);
	}
}

/* ---- who may see what ------------------------------------------------------------- */

static void test_user_reaches_for_the_kernel(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_EAGER);
		int pid = stand_fork(k, 1);
		uint64_t va = stand_symbol(k, "sys_read");
		uint8_t value;

		assert_true(stand_sees(k, pid, va));
		comes_to(KERNEL_KILLED,
			 kernel_user_access(k, pid, MACHINE_READ, va, &value));
		stand_shut(k);
	}
}

/* One bit too many in one process's tables; and, as the page is global, in the TLB. */
static void test_flipped(void **state)
{
	struct kernel *k = stand_boot(KERNEL_I386, KERNEL_SYNC_EAGER);
	int good = stand_fork(k, 1), bad = stand_fork(k, 1);
	uint64_t va = stand_symbol(k, "sys_read");
	uint8_t value = 0;

	(void)state;
	does(kernel_flip(k, bad, va, 4));
	assert_non_null(kernel_check(k));
	does(kernel_user_access(k, bad, MACHINE_READ, va, &value));
	assert_int_equal(value, 0x0f);
	does(kernel_user_access(k, good, MACHINE_READ, va, &value));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_KILLED, kernel_user_access(k, good, MACHINE_READ, va, &value));
	does(kernel_flip(k, bad, va, 4));
	stand_shut(k);
}

static void test_rogue_pointer(void **state)
{
	(void)state;
	each_format(f) for (unsigned debug = 0; debug < 2; debug++)
	{
		struct kernel *k = stand_boot_with(&(struct kernel_options){
			.format = *f, .debug_pagealloc = debug, .tlb = MACHINE_TLB_SDM });
		int pid = stand_fork(k, 1);
		uint64_t va;
		uint8_t value = 66;

		does(kernel_kmalloc(k, &va));
		does(kernel_kernel_access(k, pid, MACHINE_WRITE, va, &value));
		does(kernel_kfree(k, va));
		comes_to(debug ? KERNEL_OOPS : KERNEL_OK,
			 kernel_kernel_access(k, pid, MACHINE_WRITE, va, &value));
		comes_to(KERNEL_INVALID, kernel_kfree(k, va));
		/* What was scribbled into a free page is not in it when it is given. */
		does(kernel_kmalloc(k, &va));
		pid = stand_fork(k, 1);
		does(kernel_kernel_access(k, pid, MACHINE_READ, va, &value));
		assert_int_equal(value, 0);
		stand_shut(k);
	}
}

/* ---- files ------------------------------------------------------------------------ */

static size_t read_file(struct kernel *k, int pid, const char *path, char *text,
			size_t size)
{
	uint64_t va = stand_page(k, pid), done;
	int fd;

	memset(text, 0, size);
	does(kernel_open(k, pid, path, &fd));
	does(kernel_read(k, pid, fd, va, size - 1, &done));
	for (uint64_t i = 0; i < done; i++)
		text[i] = (char)peek(k, pid, va + i);
	does(kernel_close(k, pid, fd));
	return done;
}

static void test_files(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = stand_boot(*f, KERNEL_SYNC_LAZY);
		int pid = stand_fork(k, 1), fd, second;
		uint64_t va = stand_page(k, pid), done;
		char text[200];

		stand_load(k, "dtrace", true);
		stand_load(k, "loop", false);
		read_file(k, pid, "/proc/modules", text, sizeof(text));
		assert_ptr_equal(strstr(text, "loop 4096 0 - Live 0x"), text);
		assert_non_null(strstr(text, "\ndtrace 4096 0 - Live 0x"));
		poke(k, pid, va, 'x');
		does(kernel_open(k, pid, "/dev/loop", &fd));
		does(kernel_open(k, pid, "/dev/loop", &second));
		assert_int_equal(second, fd + 1);
		comes_to(KERNEL_INVALID, kernel_rmmod(k, "loop"));
		does(kernel_write(k, pid, fd, va, 3, &done));
		assert_int_equal(done, 3);
		does(kernel_read(k, pid, fd, va, 9, &done));
		assert_int_equal(done, 0);
		poke(k, pid, va, 'y');
		does(kernel_read(k, pid, second, va, 9, &done));
		assert_int_equal(done, 3);
		assert_int_equal(peek(k, pid, va), 'x');
		does(kernel_close(k, pid, fd));
		comes_to(KERNEL_INVALID, kernel_close(k, pid, fd));
		does(kernel_exit(k, pid));
		does(kernel_rmmod(k, "loop"));
		stand_shut(k);
	}
}

/* A system call reaches a driver that the caller's space does not know yet. */
static void test_driver_unseen(void **state)
{
	(void)state;
	for (enum kernel_sync sync = 0; sync < KERNEL_SYNCS; sync++) {
		struct kernel *k = stand_boot(KERNEL_I386, sync);
		int pid = stand_fork(k, 1), fd;
		bool blind = sync == KERNEL_SYNC_NONE;

		stand_load(k, "loop", false);
		kernel_flush_tlb(k, 0); /* which has it since the driver was loaded */
		comes_to(blind ? KERNEL_OOPS : KERNEL_OK,
			 kernel_open(k, pid, "/dev/loop", &fd));
		stand_shut(k);
	}
}

static void test_bad_buffers(void **state)
{
	struct kernel *k = stand_boot(KERNEL_I386, KERNEL_SYNC_EAGER);
	int pid = stand_fork(k, 1), fd;
	uint64_t va, done = 99;

	(void)state;
	does(kernel_open(k, pid, "/proc/modules", &fd));
	stand_load(k, "loop", false);
	comes_to(KERNEL_INVALID, kernel_read(k, pid, fd, 0x1000, 10, &done));
	assert_int_equal(done, 0);
	comes_to(KERNEL_INVALID, kernel_read(k, pid, fd, 0xc1000000, 10, &done));
	comes_to(KERNEL_INVALID, kernel_read(k, pid, fd, UINT64_MAX, 10, &done));
	comes_to(KERNEL_INVALID, kernel_read(k, pid, fd, 0x1000, UINT64_MAX, &done));
	comes_to(KERNEL_INVALID, kernel_write(k, pid, fd, 0x1000, 10, &done));
	/* Half of it is there: the copy stops in the middle. */
	does(kernel_mmap(k, pid, PAGE, KERNEL_PROT_WRITE, &va));
	comes_to(KERNEL_INVALID, kernel_read(k, pid, fd, va + PAGE - 4, 10, &done));
	does(kernel_read(k, pid, fd, va, 10, &done));
	assert_int_equal(done, 10);
	stand_shut(k);
}

/* ---- no memory -------------------------------------------------------------------- */

static struct kernel *small(enum kernel_format format)
{
	return stand_boot_with(&(struct kernel_options){
		.format = format, .sync = KERNEL_SYNC_EAGER, .ram = 24 << 20 });
}

static void test_forks_until_memory_is_full(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = small(*f);
		int pid = 0, last = 0, n = 0;

		while (kernel_fork(k, 1, NULL, &pid) == KERNEL_OK) {
			last = pid;
			n++;
		}
		comes_to(KERNEL_NO_MEMORY, kernel_fork(k, 1, NULL, &pid));
		assert_in_range(n, 500, 5000);
		assert_null(kernel_check(k));
		does(kernel_exit(k, last));
		does(kernel_fork(k, 1, NULL, &pid));
		stand_shut(k);
	}
}

/* Takes page by page until none is left; then everything that needs one is refused. */
static void test_pages_until_memory_is_full(void **state)
{
	(void)state;
	each_format(f)
	{
		struct kernel *k = small(*f);
		int pid = stand_fork(k, 1), fd;
		uint64_t va, at = 0, area, done;
		uint8_t value = 1;

		stand_load(k, "loop", false);
		does(kernel_open(k, pid, "/proc/modules", &fd));
		does(kernel_mmap(k, pid, 64 << 20, KERNEL_PROT_WRITE, &va));
		while (kernel_user_access(k, pid, MACHINE_WRITE, va + at, &value) ==
		       KERNEL_OK)
			at += PAGE;
		assert_in_range(at, 4 << 20, 24 << 20);
		comes_to(KERNEL_NO_MEMORY,
			 kernel_user_access(k, pid, MACHINE_WRITE, va + at, &value));
		comes_to(KERNEL_NO_MEMORY,
			 kernel_kernel_access(k, pid, MACHINE_WRITE, va + at, &value));
		comes_to(KERNEL_NO_MEMORY, kernel_read(k, pid, fd, va + at, 9, &done));
		comes_to(KERNEL_NO_MEMORY, kernel_vmalloc(k, 9 * PAGE, &area));
		comes_to(KERNEL_NO_MEMORY, kernel_kmalloc(k, &area));
		comes_to(KERNEL_NO_MEMORY, kernel_fork(k, pid, NULL, &fd));
		comes_to(KERNEL_NO_MEMORY, kernel_exec(k, pid, "sh"));
		comes_to(KERNEL_NO_MEMORY,
			 kernel_insmod(k, &(struct kernel_driver){ .name = "snd" }));
		assert_null(kernel_check(k));
		assert_int_equal(peek(k, pid, va), 1);
		does(kernel_munmap(k, pid, va));
		does(kernel_vmalloc(k, 9 * PAGE, &area));
		stand_shut(k);
	}
}

/* ---- what is refused -------------------------------------------------------------- */

static void test_no_such_options(void **state)
{
	static const struct kernel_options bad[] = {
		{ .format = 3 },
		{ .sync = KERNEL_SYNCS },
		{ .tlb = 9 },
		{ .cpus = KERNEL_CPUS + 1 },
		{ .departures = 1u << 31 },
		{ .ram = 23 << 20 },
		{ .ram = (64 << 20) + 1 },
		{ .ram = UINT64_C(897) << 20 },
		{ .format = KERNEL_X86_64, .ram = UINT64_C(1) << 62 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;

		assert_null(kernel_create(&bad[i], &why));
		assert_non_null(why);
	}
}

static void test_no_such_thing(void **state)
{
	struct kernel *k = stand_boot(KERNEL_X86_64, KERNEL_SYNC_LAZY);
	uint64_t va = 0, done;
	uint8_t value;
	int pid;
	struct kernel_walk walk;

	(void)state;
	for (int bad = -1; bad < 3; bad += bad ? 3 : 1) {
		comes_to(KERNEL_INVALID, kernel_fork(k, bad, NULL, &pid));
		comes_to(KERNEL_INVALID, kernel_exec(k, bad, "x"));
		comes_to(KERNEL_INVALID, kernel_exit(k, bad));
		comes_to(KERNEL_INVALID, kernel_mmap(k, bad, 1, 0, &va));
		comes_to(KERNEL_INVALID, kernel_munmap(k, bad, 0));
		comes_to(KERNEL_INVALID, kernel_user_access(k, bad, 0, 0, &value));
		comes_to(KERNEL_INVALID, kernel_kernel_access(k, bad, 0, 0, &value));
		comes_to(KERNEL_INVALID, kernel_open(k, bad, "/proc/modules", &pid));
		comes_to(KERNEL_INVALID, kernel_read(k, bad, 0, 0, 0, &done));
		comes_to(KERNEL_INVALID, kernel_close(k, bad, 0));
		comes_to(KERNEL_INVALID, kernel_migrate(k, bad, 0));
		comes_to(KERNEL_INVALID, kernel_preempt_in_fault(k, bad, 1));
		if (bad)
			comes_to(KERNEL_INVALID, kernel_switch(k, 0, bad));
	}
	comes_to(KERNEL_INVALID, kernel_exit(k, 1));
	comes_to(KERNEL_INVALID, kernel_mmap(k, 1, 0, 0, &va));
	comes_to(KERNEL_INVALID, kernel_mmap(k, 1, 1, 99, &va));
	comes_to(KERNEL_NO_MEMORY, kernel_mmap(k, 1, UINT64_MAX, 0, &va));
	comes_to(KERNEL_INVALID, kernel_user_access(k, 1, 3, 0, &value));
	comes_to(KERNEL_INVALID, kernel_user_access(k, 1, 0, 0, NULL));
	comes_to(KERNEL_INVALID, kernel_open(k, 1, "/etc/passwd", &pid));
	comes_to(KERNEL_INVALID, kernel_open(k, 1, NULL, &pid));
	comes_to(KERNEL_INVALID, kernel_close(k, 1, 0));
	comes_to(KERNEL_INVALID, kernel_rmmod(k, "x"));
	comes_to(KERNEL_INVALID, kernel_rmmod(k, NULL));
	comes_to(KERNEL_INVALID, kernel_vmalloc(k, 0, &va));
	comes_to(KERNEL_NO_MEMORY, kernel_vmalloc(k, UINT64_MAX, &va));
	comes_to(KERNEL_INVALID, kernel_vfree(k, UINT64_MAX));
	comes_to(KERNEL_INVALID, kernel_kfree(k, 0));
	comes_to(KERNEL_INVALID, kernel_kfree(k, UINT64_MAX));
	comes_to(KERNEL_INVALID, kernel_interrupt(k, 1, 32));
	comes_to(KERNEL_INVALID, kernel_interrupt(k, 0, 14));
	comes_to(KERNEL_INVALID, kernel_switch(k, 1, 1));
	comes_to(KERNEL_INVALID, kernel_walk(k, 1, UINT64_C(1) << 60, &walk));
	comes_to(KERNEL_INVALID, kernel_hide(k, 1, UINT64_C(1) << 60));
	comes_to(KERNEL_INVALID, kernel_flip(k, 9, 0, 1));
	assert_false(kernel_symbol(k, "no_such", &va));
	assert_null(kernel_cpu(k, 1));
	stand_shut(k);
}

static void test_no_such_driver(void **state)
{
	static const char longest[] =
		"1234567890123456789012345678901234567890123456789012345";
	static const struct kernel_driver bad[] = {
		{ .name = NULL },           { .name = "" },
		{ .name = "a b" },          { .name = "a/b" },
		{ .name = "\x80" },         { .name = "a", .irq = 31 },
		{ .name = "a", .irq = 48 }, { .name = "a", .irq = 33 },
		{ .name = "loop" },
	};
	struct kernel *k = stand_boot(KERNEL_I386, KERNEL_SYNC_LAZY);

	(void)state;
	does(kernel_insmod(k, &(struct kernel_driver){ .name = "loop", .irq = 33 }));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		comes_to(KERNEL_INVALID, kernel_insmod(k, &bad[i]));
	comes_to(KERNEL_INVALID, kernel_insmod(k, NULL));
	stand_load(k, longest, true);
	does(kernel_rmmod(k, longest));
	comes_to(KERNEL_NO_MEMORY,
		 kernel_insmod(
			 k, &(struct kernel_driver){ .name = "a", .size = UINT64_MAX }));
	stand_shut(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a fork copies memory", test_fork_copies },
		{ "an exec leaves none of it", test_exec_empties },
		{ "an exit gives all back", test_exit_gives_all_back },
		{ "pids rise, and init adopts", test_pids_rise },
		{ "mappings, and what they forbid", test_mappings },
		{ "execution", test_execution },
		{ "vmalloc memory", test_vmalloc },
		{ "the kernel touches user memory", test_kernel_touches_user_memory },
		{ "a user reaches for the kernel", test_user_reaches_for_the_kernel },
		{ "a flipped bit lets him", test_flipped },
		{ "a rogue pointer", test_rogue_pointer },
		{ "files", test_files },
		{ "a driver its caller's space does not know", test_driver_unseen },
		{ "bad buffers", test_bad_buffers },
		{ "forks until memory is full", test_forks_until_memory_is_full },
		{ "pages until memory is full", test_pages_until_memory_is_full },
		{ "no such options", test_no_such_options },
		{ "no such process, file, address", test_no_such_thing },
		{ "no such driver", test_no_such_driver },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
