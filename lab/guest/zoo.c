// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The only other program of a guest that has no lab module: a kernel that was not built
 * for. As /init it loads what lies in /modules, starts the herds, and says on the debug
 * port what /proc has of every task, before the dump and again after it:
 *
 *   task TGID PID STATE FLAGS VA PA COMM  a thread; the kernel's flags of a task
 *                                         (PF_KTHREAD ...); the virtual and the physical
 *                                         address of a page that its memory and no other
 *                                         has, or 0 0; COMM in hexadecimal digits
 *   module ...                            a line of /proc/modules
 *   pti                                   page-table isolation is on
 *
 * The page is what makes it a witness of page tables: only the right root leads from VA
 * to PA, and tasks share their memory when they share that page.
 */
#include "bare.h"

#define COUNT "12"  /* plain processes of the herd */
#define COUNT32 "2" /* of the 32-bit one, on a 64-bit kernel */
#define HUGE_PAGES "4\n"
#define TRIES 101
#define PAUSE_NS 100000000l

#define PF_KTHREAD 0x200000     /* include/linux/sched.h, since 2.6.27 (7b34e4283c68) */
#define PM_PRESENT (1ull << 63) /* Documentation/admin-guide/mm/pagemap.rst */
#define PM_SWAPPED (1ull << 62)
#define PM_FILE (1ull << 61)
#define PM_FRAME ((1ull << 55) - 1)

struct text {
	int length;
	char at[1 << 18];
};

/* A line of /proc/PID/maps, as far as it matters. */
struct range {
	unsigned long first, end;
	int written;
};

static struct text texts[2];
static char file[2 << 20]; /* of a module, or of /proc */

/* ---- text ------------------------------------------------------------------------- */

static void add_byte(struct text *text, char byte)
{
	if (text->length < (int)sizeof(text->at) - 1)
		text->at[text->length++] = byte;
	text->at[text->length] = 0;
}

static void add(struct text *text, const char *more)
{
	while (*more)
		add_byte(text, *more++);
}

static void add_hex(struct text *text, unsigned long long value)
{
	int shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		add_byte(text, "0123456789abcdef"[value >> shift & 15]);
}

static void add_hex_text(struct text *text, const char *what, int length)
{
	for (int i = 0; i < length; i++) {
		add_byte(text, "0123456789abcdef"[what[i] >> 4 & 15]);
		add_byte(text, "0123456789abcdef"[what[i] & 15]);
	}
}

/* ---- files ------------------------------------------------------------------------ */

/* The whole of a file, with a 0 after it; what there is of it, or less than 0. */
static long read_all(const char *path, char *into, long size)
{
	long length = 0, part, from = open_path(path, O_RDONLY);

	if (from < 0)
		return from;
	do {
		part = call(__NR_read, from, (long)(into + length), size - 1 - length);
		length += part > 0 ? part : 0;
	} while (part > 0);
	call(__NR_close, from, 0, 0);
	into[length] = 0;
	return length;
}

static unsigned long long entry_of(long table, unsigned long index)
{
	unsigned long long entry = 0;

	if (call(__NR_lseek, table, (long)(index * sizeof(entry)), 0) < 0 ||
	    call(__NR_read, table, (long)&entry, sizeof(entry)) != sizeof(entry))
		return 0;
	return entry;
}

/* ---- a page of one's own ---------------------------------------------------------- */

static const char *read_range(const char *line, struct range *range)
{
	range->first = hexadecimal(line);
	while (*line && *line++ != '-')
		;
	range->end = hexadecimal(line);
	while (*line && *line++ != ' ')
		;
	range->written = line[0] == 'r' && line[1] == 'w' && line[3] == 'p';
	while (*line && *line++ != '\n')
		;
	return line;
}

/*
 * Pages that one memory has alone: the first few, and the last, which is on the stack. One
 * would do, but that a processor may not have it: where the kernel keeps the accessed flag
 * (ARM), a page that was not touched since a fork is not in the tables that it walks.
 */
#define FIRST_PAGES 4
#define PAGES (FIRST_PAGES + 1)

struct own {
	unsigned long va[PAGES];
	unsigned long long pa[PAGES];
	int n;
};

static void own_pages(struct own *own, struct range range, long pagemap, long counts)
{
	for (unsigned long va = range.first; va < range.end; va += PAGE) {
		unsigned long long entry = entry_of(pagemap, va / PAGE);
		int at = own->n < PAGES ? own->n : FIRST_PAGES;

		if ((entry & (PM_PRESENT | PM_SWAPPED | PM_FILE)) != PM_PRESENT ||
		    entry_of(counts, (unsigned long)(entry & PM_FRAME)) != 1)
			continue;
		own->va[at] = va;
		own->pa[at] = (entry & PM_FRAME) * PAGE;
		own->n = at + 1;
	}
}

static void add_pages(struct text *text, const char *maps, long pagemap, long counts)
{
	struct own own;
	struct range range;

	own.n = 0; /* there is no memset() to clear all of it */
	while (*maps) {
		maps = read_range(maps, &range);
		if (range.written)
			own_pages(&own, range, pagemap, counts);
	}
	for (int i = 0; i < own.n; i++) {
		add_byte(text, i ? ',' : ' ');
		add_hex(text, own.va[i]);
		add_byte(text, ':');
		add_hex(text, own.pa[i]);
	}
	add(text, own.n ? " " : " - ");
}

/* ---- tasks ------------------------------------------------------------------------ */

struct path {
	char at[96];
};

static struct path join(const char *folder, const char *name)
{
	struct path path;
	int length = 0;

	for (; *folder && length < (int)sizeof(path.at) - 2; folder++)
		path.at[length++] = *folder;
	path.at[length++] = '/';
	for (; *name && length < (int)sizeof(path.at) - 1; name++)
		path.at[length++] = *name;
	path.at[length] = 0;
	return path;
}

/* Past the comm of /proc/PID/stat, which may hold anything: the state. */
static const char *after_comm(const char *stat)
{
	const char *after = stat;

	for (; *stat; stat++)
		if (*stat == ')' && stat[1] == ' ')
			after = stat + 2;
	return after;
}

static unsigned flags_of(const char *state)
{
	for (int field = 0; field < 6; field++)
		while (*state && *state++ != ' ')
			;
	return (unsigned)number(state);
}

/* comm has a line end of its own; kernels before 2.6.33 have it in stat alone. */
static void add_comm(struct text *text, struct path task, const char *stat,
		     const char *state)
{
	static char comm[64];
	long length = read_all(join(task.at, "comm").at, comm, sizeof(comm));

	if (length > 0) {
		add_hex_text(text, comm, (int)length - 1);
		return;
	}
	while (*stat && *stat++ != '(')
		;
	add_hex_text(text, stat, (int)(state - 2 - stat));
}

static void add_memory(struct text *text, struct path task, long counts)
{
	long pagemap = open_path(join(task.at, "pagemap").at, O_RDONLY);

	read_all(join(task.at, "maps").at, file, sizeof(file));
	add_pages(text, file, pagemap, counts);
	call(__NR_close, pagemap, 0, 0);
}

static void add_task(struct text *text, const char *tgid, const char *pid,
		     struct path task, long counts)
{
	static char stat[1024];
	const char *state;
	unsigned flags;

	if (read_all(join(task.at, "stat").at, stat, sizeof(stat)) <= 0)
		return; /* it has gone */
	state = after_comm(stat);
	flags = flags_of(state);
	add(text, "task ");
	add(text, tgid);
	add_byte(text, ' ');
	add(text, pid);
	add_byte(text, ' ');
	/* what the kernel does in its own threads changes all the time */
	add_byte(text, flags & PF_KTHREAD ? '-' : *state);
	add_byte(text, ' ');
	add_hex(text, flags);
	if (flags & PF_KTHREAD)
		add(text, " - ");
	else
		add_memory(text, task, counts);
	add_comm(text, task, stat, state);
	add_byte(text, '\n');
}

/* struct linux_dirent64 of getdents64(2) */
struct entry {
	unsigned long long inode, offset;
	unsigned short length;
	unsigned char type;
	char name[];
} __attribute__((packed));

typedef void visit(struct text *text, const char *parent, const char *name,
		   struct path path, long counts);

/* Each folder in `folder` whose name is a number. */
static void each_number(struct text *text, const char *parent, struct path folder,
			long counts, visit *visit)
{
	char entries[2048];
	long length, from = open_path(folder.at, O_RDONLY | O_DIRECTORY);

	while ((length = call(__NR_getdents64, from, (long)entries, sizeof(entries))) > 0)
		for (long at = 0; at < length;) {
			struct entry *entry = (struct entry *)(entries + at);

			if (*entry->name >= '0' && *entry->name <= '9')
				visit(text, parent, entry->name,
				      join(folder.at, entry->name), counts);
			at += entry->length;
		}
	call(__NR_close, from, 0, 0);
}

static void add_group(struct text *text, const char *parent, const char *tgid,
		      struct path group, long counts)
{
	(void)parent;
	each_number(text, tgid, join(group.at, "task"), counts, add_task);
}

static void add_modules(struct text *text)
{
	long length = read_all("/proc/modules", file, sizeof(file));
	int begins = 1;

	for (long i = 0; i < length; i++) {
		if (begins)
			add(text, "module ");
		add_byte(text, file[i]);
		begins = file[i] == '\n';
	}
}

static int is_word(const char *text, const char *word)
{
	while (*word && *text == *word)
		text++, word++;
	return !*word && *text <= ' ';
}

/* Of the processor's flags; a kernel older than isolation has no such flag. */
static void add_pti(struct text *text)
{
	long length = read_all("/proc/cpuinfo", file, sizeof(file));

	for (long i = 1; i < length; i++)
		if (file[i - 1] == ' ' && is_word(file + i, "pti")) {
			add(text, "pti\n");
			break;
		}
}

static void census(struct text *text)
{
	long counts = open_path("/proc/kpagecount", O_RDONLY);

	text->length = 0;
	each_number(text, "", (struct path){ "/proc" }, counts, add_group);
	add_modules(text);
	add_pti(text);
	call(__NR_close, counts, 0, 0);
}

/* ---- the guest's course ----------------------------------------------------------- */

static int same(const struct text *a, const struct text *b)
{
	for (int i = 0; i <= a->length; i++)
		if (a->at[i] != b->at[i])
			return 0;
	return 1;
}

/* Who was about to sleep or to die has done so when two in a row are the same. */
static void settle(void)
{
	static const struct {
		long s, ns;
	} pause = { 0, PAUSE_NS };

	census(&texts[0]);
	for (int left = TRIES; left; left--) { /* the first into the other one */
		call(__NR_nanosleep, (long)&pause, 0, 0);
		census(&texts[left & 1]);
		if (same(&texts[0], &texts[1]))
			break;
	}
}

/* Those that this kernel does not take are not in its /proc/modules. */
static void load_modules(void)
{
	char path[] = "/modules/00.ko";
	long length;

	for (int index = 0; index < 100; index++) {
		digits(path + 9, 2, index);
		length = read_all(path, file, sizeof(file));
		if (length < 0)
			break;
		call(__NR_init_module, (long)file, length, (long)"");
	}
}

static void write_to(const char *path, const char *text)
{
	long to = open_path(path, O_WRONLY);

	call(__NR_write, to, (long)text, length_of(text));
	call(__NR_close, to, 0, 0);
}

/* Its end, as far as it was one: a program that this kernel cannot run is no failure. */
static void run(const char *path, const char *count)
{
	const char *const arguments[] = { path, count, 0 }, *const none[] = { 0 };
	int status = 0;
	long child = fork();

	if (!child) {
		call(__NR_execve, (long)path, (long)arguments, (long)none);
		die(127);
	}
	call6(__NR_wait4, child, (long)&status, 0, 0, 0, 0);
	say("herd ");
	say(path);
	say(!status ? " sleeps\n" : status >> 8 == 127 ? " is not run\n" : " failed\n");
}

void begin(long *stack)
{
	(void)stack;
	call6(__NR_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
	open_ports();
	load_modules();
	write_to("/proc/sys/vm/nr_hugepages", HUGE_PAGES);
	run("/bin/herd", COUNT);
	run("/bin/herd32", COUNT32);
	settle();
	say("@census\n");
	say(texts[0].at);
	wait_for_host();
	census(&texts[0]);
	say("@after\n");
	say(texts[0].at);
	say("@end\n");
	for (;;)
		pause();
}
