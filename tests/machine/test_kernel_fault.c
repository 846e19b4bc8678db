/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Faults and their handlers: the story of 2012, and its neighbours. */
#include "kernel_stand.h"

#include <stdio.h>
#include <stdlib.h>

static struct kernel *boot(enum kernel_format format, enum kernel_sync sync,
			   enum machine_tlb_kind tlb, unsigned cpus)
{
	return stand_boot_with(&(struct kernel_options){
		.format = format, .sync = sync, .tlb = tlb, .cpus = cpus });
}

static uint64_t read_word(struct kernel *kernel, uint64_t pa)
{
	uint64_t value = 0;

	machine_memory_read(kernel_memory(kernel), pa, &value, 4);
	return value;
}

/* What cat(1) would show of /proc/dtrace: "dtrace: 3 page faults, 1 interrupts". */
static void counts(struct kernel *k, const char *path, unsigned *faults,
		   unsigned *interrupts)
{
	uint64_t va = stand_page(k, 1), done;
	char text[100] = "";
	uint8_t value;
	int fd;

	does(kernel_user_access(k, 1, MACHINE_READ, va, &value));
	does(kernel_open(k, 1, path, &fd));
	does(kernel_read(k, 1, fd, va, sizeof(text) - 1, &done));
	for (uint64_t i = 0; i < done; i++) {
		does(kernel_user_access(k, 1, MACHINE_READ, va + i, &value));
		text[i] = (char)value;
	}
	does(kernel_close(k, 1, fd));
	assert_int_equal(sscanf(strchr(text, ':'), ": %u page faults, %u interrupts",
				faults, interrupts),
			 2);
}

/* ---- the story of 2012 ------------------------------------------------------------- */

static struct kernel *seeds_story(enum kernel_format format, bool debug_pagealloc)
{
	struct kernel *k = stand_boot_with(
		&(struct kernel_options){ .format = format,
					  .sync = KERNEL_SYNC_LAZY,
					  .tlb = MACHINE_TLB_TCG,
					  .departures = MACHINE_TCG,
					  .debug_pagealloc = debug_pagealloc });
	int console = stand_fork(k, 1), bash;
	uint64_t va;
	uint8_t value = 1;

	stand_load(k, "dtrace", true);
	bash = stand_fork(k, 1);
	does(stand_fault(k, bash));
	va = stand_page(k, bash);
	does(kernel_preempt_in_fault(k, bash, console));
	comes_to(KERNEL_SLEEPS, kernel_user_access(k, bash, MACHINE_WRITE, va, &value));
	assert_int_equal(kernel_current(k, 0), console);
	comes_to(format == KERNEL_X86_64 ? KERNEL_OK : KERNEL_STOPPED,
		 stand_fault(k, console));
	return k;
}

static void test_triple_fault(void **state)
{
	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_I386_PAE; f++) {
		struct kernel *k = seeds_story(f, false);
		const struct kernel_ending *ending = kernel_ending(k);
		uint64_t va;
		int pid;

		assert_int_equal(ending->end, KERNEL_RESETS);
		assert_int_equal(ending->story.fate, MACHINE_RESETS);
		assert_int_equal(ending->first.vector, MACHINE_PF);
		assert_int_equal(ending->first.error, MACHINE_PF_U | MACHINE_PF_W);
		assert_int_equal(ending->pid, 3);
		/* Down through more than half of memory, a frame of four words each. */
		assert_in_range(ending->story.frames, 2000000, 4000000);
		assert_in_range(ending->story.sp, 0xc1000000, 0xc1400000);
		/*
		 * EIP of the frames that lie there: the driver's stub, over and over. The
		 * first frame is six words, so all others end 8 bytes off.
		 */
		va = ((ending->story.sp + 0x10000) & ~UINT64_C(15)) + 8;
		assert_int_equal(read_word(k, va - 0xc0000000 + 4),
				 stand_symbol(k, "dtrace_page_fault"));
		comes_to(KERNEL_STOPPED, kernel_fork(k, 1, NULL, &pid));
		comes_to(KERNEL_STOPPED, kernel_vmalloc(k, 1, &va));
		comes_to(KERNEL_STOPPED, kernel_interrupt(k, 0, 32));
		stand_shut(k);
	}
}

/* "These free pages are effectively not there, and this can help detect bugs." */
static void test_free_pages_stop_it(void **state)
{
	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_I386_PAE; f++) {
		struct kernel *k = seeds_story(f, true);
		const struct kernel_ending *ending = kernel_ending(k);

		assert_int_equal(ending->end, KERNEL_PANICS);
		assert_int_equal(ending->story.fate, MACHINE_OTHER_TASK);
		assert_true(ending->story.double_fault);
		assert_in_range(ending->story.frames, 500, 100000);
		/* Its own task, in init_mm's space. */
		assert_int_equal(kernel_cpu(k, 0)->r.tr.selector, 0xf8);
		stand_shut(k);
	}
}

static void test_x86_64_survives(void **state)
{
	struct kernel *k = seeds_story(KERNEL_X86_64, false);
	struct kernel_process process;

	(void)state;
	assert_int_equal(kernel_ending(k)->end, KERNEL_RUNS);
	does(kernel_process(k, 4, &process));
	assert_true(process.in_fault);
	does(kernel_switch(k, 0, 4));
	does(kernel_process(k, 4, &process));
	assert_false(process.in_fault);
	stand_shut(k);
}

/* From kernel mode: the frames begin in the middle of the kernel stack. */
static void test_from_kernel_mode(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_TCG, 1);
	int console = stand_fork(k, 1), fd;
	uint64_t va = stand_page(k, console), done;

	(void)state;
	does(kernel_open(k, console, "/proc/modules", &fd));
	does(kernel_switch(k, 0, 1));
	stand_load(k, "dtrace", true);
	comes_to(KERNEL_STOPPED, kernel_read(k, console, fd, va, 10, &done));
	assert_int_equal(kernel_ending(k)->end, KERNEL_RESETS);
	assert_int_equal(kernel_ending(k)->first.error, MACHINE_PF_W);
	assert_int_equal(kernel_ending(k)->first.address, va);
	stand_shut(k);
}

/* A process that is new since the load has the entry, and nothing ever happens to it. */
static void test_only_the_old_ones(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_TCG, 1);
	int old = stand_fork(k, 1), young;

	(void)state;
	stand_load(k, "dtrace", true);
	young = stand_fork(k, 1);
	for (unsigned i = 0; i < 100; i++)
		does(stand_fault(k, young));
	does(kernel_exec(k, old, "reborn"));
	does(stand_fault(k, old));
	stand_shut(k);
}

/* ---- the TLB ---------------------------------------------------------------------- */

/* Kernel pages are global: with a TLB of the manual's kind they outlive CR3. */
static void test_tlb_hides(void **state)
{
	(void)state;
	for (enum machine_tlb_kind tlb = 0; tlb <= MACHINE_TLB_TCG; tlb++) {
		struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, tlb, 1);
		int old = stand_fork(k, 1);
		bool hides = tlb == MACHINE_TLB_SDM;

		stand_load(k, "dtrace", true);
		comes_to(hides ? KERNEL_OK : KERNEL_STOPPED, stand_fault(k, old));
		if (hides) {
			kernel_flush_tlb(k, 0);
			comes_to(KERNEL_STOPPED, stand_fault(k, old));
		}
		stand_shut(k);
	}
}

/* An unmapped page is in no processor's TLB; one that was hidden may be. */
static void test_tlb_of_other_processors(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 2);
	int a = stand_fork(k, 1), b = stand_fork(k, 1);
	uint64_t va;
	uint8_t value = 7;

	(void)state;
	does(kernel_migrate(k, b, 1));
	does(kernel_vmalloc(k, PAGE, &va));
	does(kernel_kernel_access(k, a, MACHINE_WRITE, va, &value));
	does(kernel_kernel_access(k, b, MACHINE_READ, va, &value));
	does(kernel_hide(k, b, va));
	does(kernel_kernel_access(k, b, MACHINE_READ, va, &value));
	kernel_flush_tlb(k, 1);
	comes_to(KERNEL_OOPS, kernel_kernel_access(k, b, MACHINE_READ, va, &value));
	does(kernel_vfree(k, va));
	comes_to(KERNEL_OOPS, kernel_kernel_access(k, a, MACHINE_READ, va, &value));
	stand_shut(k);
}

/* A process goes to a processor that still has its space loaded, or another's. */
static void test_migration(void **state)
{
	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_X86_64; f++) {
		struct kernel *k = boot(f, KERNEL_SYNC_LAZY_EAGER, MACHINE_TLB_SDM, 3);
		int pid = stand_fork(k, 1), other = stand_fork(k, 1);
		uint64_t va = stand_page(k, pid), root;
		struct kernel_process process;
		uint8_t value;

		for (unsigned i = 0; i < 30; i++) {
			does(kernel_migrate(k, pid, i % 3));
			value = (uint8_t)i;
			does(kernel_user_access(k, pid, MACHINE_WRITE, va, &value));
			does(kernel_migrate(k, other, (i + i % 2) % 3));
			does(stand_fault(k, other));
			does(kernel_user_access(k, pid, MACHINE_READ, va, &value));
			assert_int_equal(value, i);
			assert_null(kernel_check(k));
		}
		/* A processor that idles lets go of a space that dies. */
		does(kernel_process(k, pid, &process));
		root = process.root;
		does(kernel_switch(k, process.cpu, 0));
		assert_int_equal(kernel_cpu(k, process.cpu)->r.cr3, root);
		does(kernel_exit(k, pid));
		assert_int_not_equal(kernel_cpu(k, process.cpu)->r.cr3, root);
		stand_shut(k);
	}
}

/* ---- in the middle of a fault ------------------------------------------------------ */

static void test_sleeps_and_wakes(void **state)
{
	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_X86_64; f++) {
		struct kernel *k = boot(f, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 2);
		int a = stand_fork(k, 1), b = stand_fork(k, 1);
		uint64_t at_a = stand_page(k, a), at_b = stand_page(k, b);
		struct kernel_process process;
		uint8_t value = 5;

		stand_load(k, "dtrace", true);
		does(kernel_preempt_in_fault(k, a, b));
		comes_to(KERNEL_SLEEPS,
			 kernel_user_access(k, a, MACHINE_WRITE, at_a, &value));
		does(kernel_process(k, a, &process));
		assert_true(process.in_fault && !process.running);
		assert_false(stand_sees(k, a, at_a));
		/* b does the same; its fault ends a's, on the way back to a. */
		does(kernel_preempt_in_fault(k, b, a));
		comes_to(KERNEL_SLEEPS,
			 kernel_user_access(k, b, MACHINE_WRITE, at_b, &value));
		assert_int_equal(kernel_current(k, 0), a);
		assert_true(stand_sees(k, a, at_a));
		assert_null(kernel_check(k));
		/* It sleeps while it is carried to the other processor. */
		does(kernel_migrate(k, b, 1));
		does(kernel_switch(k, 1, b));
		assert_true(stand_sees(k, b, at_b));
		does(kernel_user_access(k, b, MACHINE_READ, at_b, &value));
		assert_int_equal(value, 0);
		stand_shut(k);
	}
}

/* Whoever sleeps may be killed, lose what he wanted, or be all there is to switch to. */
static void test_sleeps_for_ever(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);
	int a = stand_fork(k, 1), b = stand_fork(k, 1);
	uint64_t va = stand_page(k, a);
	uint8_t value;

	(void)state;
	does(kernel_preempt_in_fault(k, a, b));
	comes_to(KERNEL_SLEEPS, kernel_user_access(k, a, MACHINE_READ, va, &value));
	does(kernel_munmap(k, a, va));
	comes_to(KERNEL_KILLED, kernel_switch(k, 0, a));
	a = stand_fork(k, 1);
	va = stand_page(k, a);
	does(kernel_preempt_in_fault(k, a, b));
	comes_to(KERNEL_SLEEPS, kernel_user_access(k, a, MACHINE_READ, va, &value));
	does(kernel_exit(k, a));
	a = stand_fork(k, 1);
	does(kernel_preempt_in_fault(k, a, b));
	does(kernel_exit(k, b));
	does(stand_fault(k, a));
	stand_shut(k);
}

/* a gives way to b, which ends its own fault, and dies of that. */
static void test_gives_way_to_the_dying(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);
	int a = stand_fork(k, 1), b = stand_fork(k, 1);
	uint64_t at_a = stand_page(k, a), at_b = stand_page(k, b);
	uint8_t value;

	(void)state;
	does(kernel_preempt_in_fault(k, b, a));
	comes_to(KERNEL_SLEEPS, kernel_user_access(k, b, MACHINE_READ, at_b, &value));
	does(kernel_munmap(k, b, at_b));
	does(kernel_preempt_in_fault(k, a, b));
	comes_to(KERNEL_SLEEPS, kernel_user_access(k, a, MACHINE_READ, at_a, &value));
	assert_int_equal(kernel_current(k, 0), 0);
	assert_int_equal(kernel_processes(k), 2);
	does(kernel_user_access(k, a, MACHINE_READ, at_a, &value));
	stand_shut(k);
}

/* In the middle of read(2), which goes on where it was. */
static void test_sleeps_in_a_system_call(void **state)
{
	struct kernel *k = boot(KERNEL_X86_64, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);
	int a = stand_fork(k, 1), b = stand_fork(k, 1), fd;
	uint64_t va = stand_page(k, a), done;
	uint8_t value;

	(void)state;
	stand_load(k, "dtrace", false);
	does(kernel_open(k, a, "/proc/modules", &fd));
	does(kernel_preempt_in_fault(k, a, b));
	comes_to(KERNEL_SLEEPS, kernel_read(k, a, fd, va, 6, &done));
	does(kernel_switch(k, 0, a));
	for (unsigned i = 0; i < 6; i++) {
		does(kernel_user_access(k, a, MACHINE_READ, va + i, &value));
		assert_int_equal(value, "dtrace"[i]);
	}
	stand_shut(k);
}

/* ---- chains of handlers ----------------------------------------------------------- */

static void test_chain(void **state)
{
	unsigned faults, interrupts;

	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_X86_64; f++) {
		struct kernel *k = boot(f, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);

		stand_load(k, "dtrace", true);
		does(stand_fault(k, 1));
		stand_load(k, "tracer", true);
		does(stand_fault(k, 1));
		counts(k, "/proc/dtrace", &faults, &interrupts);
		assert_int_equal(faults, 3); /* the third one is its buffer's */
		counts(k, "/proc/tracer", &faults, &interrupts);
		assert_int_equal(faults, 3);
		does(kernel_rmmod(k, "tracer"));
		does(stand_fault(k, 1));
		does(kernel_rmmod(k, "dtrace"));
		does(stand_fault(k, 1));
		stand_shut(k);
	}
}

/* Unloaded in the order in which they came: the gate leads to what is gone. */
static void test_chain_broken(void **state)
{
	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_X86_64; f++) {
		struct kernel *k = boot(f, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);
		int pid = stand_fork(k, 1);

		stand_load(k, "dtrace", true);
		stand_load(k, "tracer", true);
		does(kernel_rmmod(k, "dtrace"));
		does(stand_fault(k, pid));
		does(kernel_rmmod(k, "tracer"));
		comes_to(KERNEL_STOPPED, stand_fault(k, pid));
		stand_shut(k);
	}
}

/* The memory of a handler that is gone is another driver's by now: its code runs. */
static void test_reused(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_EAGER, MACHINE_TLB_SDM, 1);
	int pid = stand_fork(k, 1);
	uint64_t va;

	(void)state;
	stand_load(k, "dtrace", true);
	stand_load(k, "tracer", true);
	does(kernel_rmmod(k, "dtrace"));
	does(kernel_rmmod(k, "tracer"));
	does(kernel_vmalloc(k, PAGE, &va));
	/* Zeroes where code was: #UD in kernel mode, and pid is nobody special. */
	comes_to(KERNEL_OOPS, stand_fault(k, pid));
	stand_shut(k);
}

/* ---- interrupts ------------------------------------------------------------------- */

static void test_interrupts(void **state)
{
	unsigned faults, interrupts;

	(void)state;
	for (enum kernel_format f = KERNEL_I386; f <= KERNEL_X86_64; f++) {
		struct kernel *k = boot(f, KERNEL_SYNC_LAZY, MACHINE_TLB_SDM, 2);
		int pid = stand_fork(k, 1);

		does(kernel_migrate(k, pid, 1));
		does(kernel_switch(k, 1, pid));
		does(kernel_insmod(k,
				   &(struct kernel_driver){ .name = "snd", .irq = 40 }));
		does(kernel_interrupt(k, 0, 40));
		does(kernel_interrupt(k, 1, 40)); /* heals on the way */
		does(kernel_interrupt(k, 1, 41)); /* nobody's */
		does(kernel_switch(k, 1, 0));
		does(kernel_interrupt(k, 1, 40)); /* into idle */
		counts(k, "/proc/snd", &faults, &interrupts);
		assert_int_equal(interrupts, 3);
		does(kernel_rmmod(k, "snd"));
		does(kernel_interrupt(k, 1, 40));
		stand_shut(k);
	}
}

/* Nobody can be killed for what an interrupt does. */
static void test_interrupt_unseen(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_NONE, MACHINE_TLB_TCG, 2);
	int pid = stand_fork(k, 1);

	(void)state;
	does(kernel_migrate(k, pid, 1));
	does(kernel_switch(k, 1, pid));
	does(kernel_insmod(k, &(struct kernel_driver){ .name = "snd", .irq = 40 }));
	comes_to(KERNEL_STOPPED, kernel_interrupt(k, 1, 40));
	assert_int_equal(kernel_ending(k)->end, KERNEL_PANICS);
	assert_int_equal(kernel_ending(k)->cpu, 1);
	stand_shut(k);
}

static void test_init_dies(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_NONE, 1);
	uint8_t value;

	(void)state;
	comes_to(KERNEL_STOPPED, kernel_user_access(k, 1, MACHINE_READ, 0, &value));
	assert_int_equal(kernel_ending(k)->end, KERNEL_PANICS);
	stand_shut(k);
}

/* ---- what the processor needs is gone --------------------------------------------- */

/* Without the IDT there is no delivery at all: triple fault at once. */
static void test_no_idt(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_TCG, 1);
	int pid = stand_fork(k, 1);

	(void)state;
	does(kernel_switch(k, 0, pid));
	does(kernel_hide(k, pid, stand_symbol(k, "idt_table")));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_STOPPED, stand_fault(k, pid));
	assert_int_equal(kernel_ending(k)->end, KERNEL_RESETS);
	assert_int_equal(kernel_ending(k)->story.frames, 0);
	stand_shut(k);
}

/* Without the stack: #DF, on a stack of its own. */
static void test_no_stack(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_TCG, 1);
	int pid = stand_fork(k, 1);

	(void)state;
	does(kernel_switch(k, 0, pid));
	/* The top of memory, where stacks are; the image is at 16 MiB. */
	does(kernel_hide(k, pid, 0xc3c00000));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_STOPPED, stand_fault(k, pid));
	assert_int_equal(kernel_ending(k)->end, KERNEL_PANICS);
	assert_true(kernel_ending(k)->story.double_fault);
	stand_shut(k);
}

/* A read-only entry that the kernel knows nothing of: the same fault for ever. */
static void test_hangs(void **state)
{
	struct kernel *k = boot(KERNEL_I386, KERNEL_SYNC_LAZY, MACHINE_TLB_SDM, 1);
	int pid = stand_fork(k, 1);
	uint64_t va = stand_page(k, pid);
	uint8_t value = 1;

	(void)state;
	does(kernel_user_access(k, pid, MACHINE_READ, va, &value));
	does(kernel_flip(k, pid, va, 2));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_STOPPED, kernel_user_access(k, pid, MACHINE_WRITE, va, &value));
	assert_int_equal(kernel_ending(k)->end, KERNEL_HANGS);
	stand_shut(k);
}

/* Reserved bits: Linux's pgtable_bad(). */
static void test_corrupted_table(void **state)
{
	struct kernel *k = boot(KERNEL_X86_64, KERNEL_SYNC_LAZY, MACHINE_TLB_SDM, 1);
	int pid = stand_fork(k, 1);
	uint64_t va = stand_page(k, pid);
	uint8_t value;

	(void)state;
	does(kernel_user_access(k, pid, MACHINE_READ, va, &value));
	does(kernel_flip(k, pid, va, 0x80));
	kernel_flush_tlb(k, 0);
	comes_to(KERNEL_KILLED, kernel_user_access(k, pid, MACHINE_READ, va, &value));
	stand_shut(k);
}

/* ---- the story -------------------------------------------------------------------- */

static void hear(void *arg, const struct kernel_line *line)
{
	char *all = arg;
	size_t len = strlen(all);

	assert_true(line->cpu == 0 && line->pid >= 0 && line->text);
	assert_null(strchr(line->text, '\n'));
	snprintf(all + len, 8192 - len, "%s\n", line->text);
}

static void test_is_reported(void **state)
{
	static char all[8192];
	static const char *const parts[] = {
		"a kernel boots: i386",
		"init (pid 1) forks sshd (pid 3)",
		"insmod dtrace",
		"vmalloc_fault() copies the entry for c4800000 from swapper_pg_dir",
		"what the script says",
		"sshd (pid 3) touches 08048000: no page there, #PF, error 4",
		"gate 14 leads to dtrace_page_fault, c4800380",
		"entry 786 of the page directory of sshd (pid 3)",
		"frames later the stack has come down",
		"triple fault",
	};
	struct kernel *k =
		stand_boot_with(&(struct kernel_options){ .sync = KERNEL_SYNC_LAZY,
							  .tlb = MACHINE_TLB_TCG,
							  .say = hear,
							  .arg = all });
	const char *at = all;
	uint64_t va;
	uint8_t value;
	int pid;

	(void)state;
	does(kernel_fork(k, 1, "sshd", &pid));
	stand_load(k, "dtrace", true);
	kernel_tell(k, "what the %s says", "script");
	va = stand_page(k, pid);
	comes_to(KERNEL_STOPPED, kernel_user_access(k, pid, MACHINE_READ, va, &value));
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *next = strstr(at, parts[i]);

		if (!next)
			fail_msg("\"%s\" is not reported in:\n%s", parts[i], at);
		at = next;
	}
	stand_shut(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the story of 2012: triple fault", test_triple_fault },
		{ "free pages that are not there stop it", test_free_pages_stop_it },
		{ "x86_64 survives it", test_x86_64_survives },
		{ "the same from kernel mode", test_from_kernel_mode },
		{ "only the old ones die of it", test_only_the_old_ones },
		{ "the TLB hides it", test_tlb_hides },
		{ "TLBs of several processors", test_tlb_of_other_processors },
		{ "migration", test_migration },
		{ "a fault sleeps and wakes", test_sleeps_and_wakes },
		{ "a fault sleeps for ever", test_sleeps_for_ever },
		{ "a fault gives way to one that kills", test_gives_way_to_the_dying },
		{ "a fault sleeps in a system call", test_sleeps_in_a_system_call },
		{ "handlers in a chain", test_chain },
		{ "a broken chain", test_chain_broken },
		{ "a handler's memory is another's", test_reused },
		{ "interrupts", test_interrupts },
		{ "an interrupt's handler is not seen", test_interrupt_unseen },
		{ "init dies", test_init_dies },
		{ "no IDT", test_no_idt },
		{ "no stack", test_no_stack },
		{ "a fault without end", test_hangs },
		{ "a corrupted table", test_corrupted_table },
		{ "the story is reported", test_is_reported },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
