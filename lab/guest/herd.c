// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * herd COUNT NAME [FIRST]: fill the guest with processes whose names are known, numbered
 * from FIRST, and end when all of them sleep. One of them, called NAME (with `-` nobody),
 * has its pid printed; it wakes when something is written to /go (act_out). The plain ones
 * wake when /wake is opened for writing, if it is there (wake). herd COUNT: nobody acts,
 * and the rarer species of a zoo are there as well (rare[]).
 *
 * Besides COUNT plain ones it makes what an inference from memory gets wrong most easily:
 * threads, two processes in one mm, a zombie (no mm, yet no kernel thread), an awkward
 * name, and processes that are gone again and leave their freed page tables behind.
 *
 * Freestanding: no C library of the guest's architecture is needed to build it.
 */
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "bare.h"

#define GONE 24 /* processes that have exited by the time the dump is taken */
#define THREADS 2
#define PAGES 64
#define SECOND 1000 /* of poll's milliseconds */

static volatile char heap[PAGES * PAGE]; /* written, and never read */
static int first_index;
static int ready[2]; /* a pipe: each of the herd writes one byte when it is set */

static void name(const char *comm)
{
	call(__NR_prctl, PR_SET_NAME, (long)comm, 0);
}

static void sleep_for_ever(void)
{
	must(call(__NR_write, ready[1], (long)"", 1));
	for (;;)
		pause();
}

static void touch(int pages)
{
	for (int page = 0; page < pages; page++)
		heap[page * PAGE] = (char)page;
}

/* Meet a page of one's own in user mode, then the lab module's memory in the kernel. */
static void wake(void)
{
	static char text[16];
	long file, done;

	touch(PAGES);
	file = open_path("/sys/kernel/debug/whosees_lab/touch", O_RDONLY);
	must(file);
	must(call(__NR_read, file, (long)text, sizeof(text)));
	done = open_path("/done", O_WRONLY);
	must(done);
	must(call(__NR_write, done, (long)"woken\n", 6));
}

static void plain(int index)
{
	char comm[] = "herd-00000";

	digits(comm + 5, 5, first_index + index);
	name(comm);
	touch(1 + index % 16);
	must(call(__NR_write, ready[1], (long)"", 1));
	if (open_path("/wake", O_RDONLY) >= 0)
		wake();
	for (;;)
		pause();
}

static void with_threads(int index)
{
	name("herd-thread");
	for (int thread = 0; thread < THREADS; thread++)
		must(sleeper_in_this_mm(CLONE_VM | CLONE_FS | CLONE_FILES |
					CLONE_SIGHAND | CLONE_THREAD));
	name("herd-threads");
	touch(index);
	sleep_for_ever();
}

static void sharing(int index)
{
	name("herd-shared-mm");
	must(sleeper_in_this_mm(CLONE_VM | SIGCHLD));
	touch(index);
	sleep_for_ever();
}

static void with_zombie(int index)
{
	static char
		info[128]; /* siginfo_t; a 64-bit kernel's 32-bit call insists on it */
	long child = fork();

	must(child);
	if (!child) {
		name("herd-zombie");
		die(0);
	}
	name("herd-bereft");
	touch(index);
	/* waits until it is a zombie, and leaves it one */
	must(call6(__NR_waitid, P_PID, child, (long)info, WEXITED | WNOWAIT, 0, 0));
	sleep_for_ever();
}

static void awkward(int index)
{
	name(") \"x\\y\" [0] 1 2");
	touch(index);
	sleep_for_ever();
}

/* Its threads live on; it has no memory any more, and is a zombie till they end. */
static void dead_leader(int index)
{
	name("herd-survivor");
	touch(index);
	for (int thread = 0; thread < THREADS; thread++)
		must(sleeper_in_this_mm(CLONE_VM | CLONE_FS | CLONE_FILES |
					CLONE_SIGHAND | CLONE_THREAD));
	name("herd-dead-lead");
	must(call(__NR_write, ready[1], (long)"", 1));
	die(0);
}

/* It waits in the kernel until its child, which is in its memory, ends or calls exec. */
static void suspended(int index)
{
	name("herd-vfork");
	touch(index);
	must(call(__NR_write, ready[1], (long)"", 1));
	sleeper_in_this_mm(CLONE_VM | CLONE_VFORK | SIGCHLD);
}

/* One in a namespace, and one in a namespace in that. Where there are none: */
static void no_namespaces(int index)
{
	name("herd-no-ns");
	touch(index);
	must(call(__NR_write, ready[1], (long)"..", 2));
	for (;;)
		pause();
}

static void in_pid_namespaces(int index)
{
	static const char *const names[] = { "herd-ns-parent", "herd-ns-outer",
					     "herd-ns-inner" };

	for (int depth = 0; depth < 3; depth++) {
		long child =
			depth == 2 ? 1 : call(__NR_clone, CLONE_NEWPID | SIGCHLD, 0, 0);

		if (!depth && child < 0)
			no_namespaces(index);
		must(child);
		if (!child)
			continue;
		name(names[depth]);
		touch(index);
		if (depth)
			must(call(__NR_write, ready[1], (long)"", 1));
		for (;;)
			pause();
	}
}

static long map(long where, long length, long flags)
{
#ifdef __NR_mmap2
	return call6(__NR_mmap2, where, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
#else
	return call6(__NR_mmap, where, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
#endif
}

static int is_error(long result)
{
	return result < 0 && result > -PAGE;
}

/* A kernel that has no such pages: SYSCALL_DEFINE6(mmap_pgoff) in mm/mmap.c. */
#define ENOSYS 38
#define EINVAL 22
#define HUGE (4l << 20) /* of i386 without PAE; two of the others' */

/* Pages of hugetlbfs where some are reserved, transparent ones where they can be had. */
static void in_huge_pages(int index)
{
	long at = map(0, 2 * HUGE, 0), end;

	/* where it is aligned: 7.2.13 on LPAE does not see to that, and dies of it */
	at = map((at + HUGE - 1) & ~(HUGE - 1), HUGE, MAP_FIXED | MAP_HUGETLB);
	if (!is_error(at))
		*(char *)at = 1;
	if (is_error(at))
		name(at == -ENOSYS || at == -EINVAL ? "herd-hugeless"
						    : "herd-no-hugetlb");
	else
		name("herd-hugetlb");
	at = map(0, 2 * HUGE, 0);
	if (!is_error(at)) {
		call(__NR_madvise, at, 2 * HUGE, MADV_HUGEPAGE);
		for (end = at + 2 * HUGE; at < end; at += HUGE / 2)
			*(char *)at = 1;
	}
	touch(index);
	sleep_for_ever();
}

/* Names that end a line, look like something else, or are not ASCII. */
static const char *const rare_names[] = {
	"two  blanks ",
	"back\\slash",
	"back\\x41",
	"new\nline",
	"\xc3\xbc\xf0\x9f\xa6\x93",
	"=cmd()",
	"",
	"swapper/0",
	"\x01\x7f\"',;",
};
#define RARE_NAMES ((int)(sizeof(rare_names) / sizeof(*rare_names)))

static void rarely_named(int index)
{
	name(rare_names[index % RARE_NAMES]);
	touch(1 + index);
	sleep_for_ever();
}

static void (*const odd[])(int) = { with_threads, sharing, with_zombie, awkward };
static void (*const rare[])(int) = { dead_leader, suspended, in_pid_namespaces,
				     in_huge_pages };
#define ODD ((int)(sizeof(odd) / sizeof(*odd)))
#define RARE ((int)(sizeof(rare) / sizeof(*rare)))

static void gone(int index)
{
	touch(index);
	die(0);
}

static long start(void (*life)(int), int index)
{
	long child = fork();

	must(child);
	if (!child) {
		/* the shell that reads the waiter's pid waits until all writers go */
		call(__NR_close, 1, 0, 0);
		life(index);
		die(1);
	}
	return child;
}

static void start_and_reap(int count)
{
	for (int index = 0; index < count; index++)
		start(gone, index);
	for (int index = 0; index < count; index++)
		must(call(__NR_wait4, -1, 0, 0));
}

static const char *waiter_name;

static long open_file(const char *path, long flags)
{
	long file = open_path(path, flags);

	must(file);
	return file;
}

/* What kernel memory user mode can read: the word goes out with its text. */
static void look(const char *where, long say)
{
	static char line[32] = "after seen ";
	const char *from = (const char *)hexadecimal(where);

	for (int i = 0; i < 17; i++)
		line[11 + i] = from[i];
	line[28] = '\n';
	must(call(__NR_write, say, (long)line, 29));
}

/*
 * What the waiter does after the dump, when the script has it wake:
 *   fault        touch a page that it has not got yet, in user mode
 *   kernel-fault have read(2) fill such a page, so touch it in kernel mode
 *   look ADDR    read kernel memory in user mode, and say what is there
 *   others       a command of the lab module's, so by the kernel in this space
 * After "ready " it waits in user mode for the dump, and touches the page next.
 * /done, held open as long as it lives, says that it still does.
 */
static void act_out(const char *task, long control, long say, long file)
{
	if (task[0] == 'r' && task[4] == 'y') {
		open_ports();
		wait_for_host();
		task += 6;
	}
	if (task[0] == 'f')
		touch(PAGES);
	else if (task[0] == 'k')
		must(call(__NR_read, file, (long)&heap[(PAGES - 1) * PAGE], PAGE));
	else if (task[0] == 'l')
		look(task + 5, say);
	else
		must(call(__NR_write, control, (long)task, length_of(task)));
}

static void waiter(int index)
{
	static char task[64] = "-";
	long control = open_file("/sys/kernel/debug/whosees_lab/control", O_WRONLY);
	long say = open_file("/sys/kernel/debug/whosees_lab/say", O_WRONLY);
	long file = open_file("/init", O_RDONLY);
	long done = open_file("/done", O_RDWR), go;

	name(waiter_name);
	touch(index);
	/*
	 * its page is this process's own from here on: the kernel can write it unfaulted
	 */
	*(volatile char *)task = 0;
	must(call(__NR_write, ready[1], (long)"", 1));
	go = open_file("/go", O_RDONLY);
	must(call(__NR_read, go, (long)task, sizeof(task) - 1));
	act_out(task, control, say, file);
	must(call(__NR_write, done, (long)"alive\n", 6));
	for (;;)
		pause();
}

static void print(int value)
{
	char text[] = "00000\n";

	digits(text, 5, value);
	must(call(__NR_write, 1, (long)text, sizeof(text) - 1));
}

static long poll_for_a_second(struct pollfd *pipe)
{
#ifdef __NR_poll
	return call(__NR_poll, (long)pipe, 1, SECOND);
#else
	struct {
		long s, ns;
	} second = { 1, 0 };

	return call6(__NR_ppoll, (long)pipe, 1, (long)&second, 0, 0, 0);
#endif
}

/* Children do not end by themselves: who has ended could not do what it was to do. */
static int wait_for(int writes)
{
	struct pollfd pipe = { .fd = ready[0], .events = POLLIN };
	char byte;

	while (writes) {
		if (poll_for_a_second(&pipe) == 1) {
			must(call(__NR_read, ready[0], (long)&byte, 1));
			writes--;
		} else if (call(__NR_wait4, -1, 0, WNOHANG) > 0) {
			return 1;
		}
	}
	return 0;
}

static int herd(int count, const char *waiter_comm)
{
	long pid;

	waiter_name = waiter_comm;
	must(make_pipe(ready));
	start_and_reap(GONE);
	for (int index = 0; index < count / 2; index++)
		start(plain, index);
	pid = waiter_comm ? start(waiter, 3) : 0;
	for (int index = count / 2; index < count; index++)
		start(plain, index);
	for (int index = 0; index < ODD; index++)
		start(odd[index], index + 1);
	if (wait_for(count + ODD + !!waiter_comm))
		return 1;
	if (waiter_comm)
		print((int)pid);
	return 0;
}

/* Of those in pid namespaces there are two, and so one ready byte more. */
static int zoo(int count)
{
	int failed = herd(count, 0);

	for (int index = 0; index < RARE; index++)
		start(rare[index], index + 1);
	for (int index = 0; index < RARE_NAMES; index++)
		start(rarely_named, index);
	return failed || wait_for(RARE + 1 + RARE_NAMES);
}

void begin(long *stack)
{
	const char **arguments = (const char **)(stack + 1);

	if (stack[0] < 2 || stack[0] > 4)
		die(2);
	if (stack[0] == 2)
		die(zoo(number(arguments[1])));
	if (stack[0] == 4)
		first_index = number(arguments[3]);
	die(herd(number(arguments[1]), *arguments[2] == '-' ? 0 : arguments[2]));
}
