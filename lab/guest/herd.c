// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * herd COUNT NAME: fill the guest with processes whose names are known, and end when all
 * of them sleep. One of them, called NAME, has its pid printed; it wakes when something
 * is written to /go (act_out).
 *
 * Besides COUNT plain ones it makes what an inference from memory gets wrong most easily:
 * threads, two processes in one mm, a zombie (no mm, yet no kernel thread), an awkward
 * name, and processes that are gone again and leave their freed page tables behind.
 *
 * Freestanding: no C library of the guest's architecture is needed to build it.
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#define SIGCHLD 17
#define PAGE 4096
#define GONE 24 /* processes that have exited by the time the dump is taken */
#define THREADS 2
#define PAGES 64
/* of QEMU's, as in the lab module */
#define DEBUG_PORT 0xe9
#define COM2 0x2f8
#define COM2_STATUS (COM2 + 5)

/* A system call of three arguments; the fourth is 0, for those that look at it. */
#ifdef __x86_64__
#define TRAP "xor %%r10d, %%r10d\n\tsyscall"
#define R_NUMBER "rax"
#define R_ARGUMENTS(a, b, c) "D"(a), "S"(b), "d"(c)
#define CLOBBERS "rcx", "r10", "r11", "memory"
#else
#define TRAP "xor %%esi, %%esi\n\tint $0x80"
#define R_NUMBER "eax"
#define R_ARGUMENTS(a, b, c) "b"(a), "c"(b), "d"(c)
#define CLOBBERS "esi", "memory"
#endif

static volatile char heap[PAGES * PAGE]; /* written, and never read */
static int
	ready[2]; /* a pipe: every process of the herd writes one byte when it is set */

static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile(TRAP
			 : "=a"(result)
			 : "a"(number), R_ARGUMENTS(a, b, c)
			 : CLOBBERS);
	return result;
}

static long fork(void)
{
	return call(__NR_clone, SIGCHLD, 0, 0);
}

/*
 * Start a task in the caller's own memory. It never returns nor touches its stack, so it
 * needs none: it goes from the system call straight to sleep, for ever.
 */
static long sleeper_in_this_mm(long flags)
{
	long result;

	__asm__ volatile(TRAP "\n\t"
			      "test %%" R_NUMBER ", %%" R_NUMBER "\n\t"
			      "jnz 2f\n"
			      "1:\tmov %[pause], %%eax\n\t" TRAP "\n\t"
			      "jmp 1b\n"
			      "2:"
			 : "=a"(result)
			 : "a"((long)__NR_clone),
			   R_ARGUMENTS(flags, 0L, 0L), [pause] "i"(__NR_pause)
			 : CLOBBERS);
	return result;
}

static void name(const char *comm)
{
	call(__NR_prctl, PR_SET_NAME, (long)comm, 0);
}

static void die(int status)
{
	for (;;)
		call(__NR_exit, status, 0, 0);
}

static void must(long result)
{
	if (result < 0)
		die(1);
}

static void sleep_for_ever(void)
{
	must(call(__NR_write, ready[1], (long)"", 1));
	for (;;)
		call(__NR_pause, 0, 0, 0);
}

/* Decimal digits of value at the end of text, at least one; the text is padded with 0. */
static void digits(char *text, int length, int value)
{
	while (length--) {
		text[length] = '0' + value % 10;
		value /= 10;
	}
}

static int number(const char *text)
{
	int value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + *text++ - '0';
	return value;
}

static void touch(int pages)
{
	for (int page = 0; page < pages; page++)
		heap[page * PAGE] = (char)page;
}

static void plain(int index)
{
	char comm[] = "herd-00000";

	digits(comm + 5, 5, index);
	name(comm);
	touch(1 + index % 16);
	sleep_for_ever();
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
	struct pollfd exited = { .events = POLLIN };
	long child = fork();

	must(child);
	if (!child) {
		name("herd-zombie");
		die(0);
	}
	name("herd-bereft");
	touch(index);
	/* a pidfd becomes readable when its process is a zombie, and leaves it one */
	exited.fd = (int)call(__NR_pidfd_open, child, 0, 0);
	must(exited.fd);
	must(call(__NR_poll, (long)&exited, 1, -1));
	sleep_for_ever();
}

static void awkward(int index)
{
	name(") \"x\\y\" [0] 1 2");
	touch(index);
	sleep_for_ever();
}

static void (*const odd[])(int) = { with_threads, sharing, with_zombie, awkward };
#define ODD ((int)(sizeof(odd) / sizeof(*odd)))

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
		/* the shell that reads the victim's pid waits until all writers go */
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

static const char *victim_name;

static long open_file(const char *path, long flags)
{
	long file = call(__NR_open, (long)path, flags, 0);

	must(file);
	return file;
}

static unsigned long hexadecimal(const char *text)
{
	unsigned long value = 0;

	for (; *text > ' '; text++)
		value = value * 16 +
			(unsigned long)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return value;
}

static int length_of(const char *text)
{
	int length = 0;

	while (text[length])
		length++;
	return length;
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

static void out_byte(unsigned short port, char byte)
{
	__asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

static unsigned char in_byte(unsigned short port)
{
	unsigned char byte;

	__asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
	return byte;
}

/* As the lab module does it, but in user mode: the victim cannot enter that module. */
static void wait_for_host(void)
{
	static const char frozen[] = "@frozen\n";

	must(call(__NR_iopl, 3, 0, 0));
	for (const char *c = frozen; *c; c++)
		out_byte(DEBUG_PORT, *c);
	while (!(in_byte(COM2_STATUS) & 1))
		;
	in_byte(COM2);
}

/*
 * What the victim does after the dump, when the script has it wake:
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

static void victim(int index)
{
	static char task[64] = "-";
	long control = open_file("/sys/kernel/debug/whosees_lab/control", O_WRONLY);
	long say = open_file("/sys/kernel/debug/whosees_lab/say", O_WRONLY);
	long file = open_file("/init", O_RDONLY);
	long done = open_file("/done", O_RDWR), go;

	name(victim_name);
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
		call(__NR_pause, 0, 0, 0);
}

static void print(int value)
{
	char text[] = "00000\n";

	digits(text, 5, value);
	must(call(__NR_write, 1, (long)text, sizeof(text) - 1));
}

static int herd(int count, const char *victim_comm)
{
	char byte;
	long pid;

	victim_name = victim_comm;
	must(call(__NR_pipe, (long)ready, 0, 0));
	start_and_reap(GONE);
	for (int index = 0; index < count / 2; index++)
		start(plain, index);
	pid = start(victim, 3);
	for (int index = count / 2; index < count; index++)
		start(plain, index);
	for (int index = 0; index < ODD; index++)
		start(odd[index], index + 1);
	for (int left = count + ODD + 1; left; left--)
		if (call(__NR_read, ready[0], (long)&byte, 1) != 1)
			return 1;
	print((int)pid);
	return 0;
}

/* The kernel's process start: argc and argv lie on the stack. */
__attribute__((used)) void begin(long *stack)
{
	const char **arguments = (const char **)(stack + 1);

	if (stack[0] != 3)
		die(2);
	die(herd(number(arguments[1]), arguments[2]));
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tpush %eax\n"
	"\tpush %eax\n\tpush %eax\n\tpush %eax\n\tcall begin\n");
#endif
