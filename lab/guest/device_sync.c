// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device_sync WORD REFERENCE ADDRESS ...: WHOSEES_SYNC of /dev/whosees, in good and in bad faith.
 * REFERENCE is where init_mm's top-level table lies, physical. Some space lacks what is at
 * ADDRESS: the first that the walks find. What comes of it is printed, a line each.
 *
 *   forbidden     the module was not loaded with allow_sync=1
 *   nowhere       no space has a table of its own
 *   mend          calls that have to be refused; the entry is filled, taken back and filled
 *   changed PID   PID's entry is neither empty nor init_mm's
 *   in-use PID    PID's stack is at ADDRESS
 *   all           fill it in every space that lacks it, by one call
 *   contend N     fill it N times while another takes it back
 *   closing N     N times while another who has the same file closes and opens it
 *   random N SEED N calls of all kinds
 */
#include <linux/wait.h>

#include "device.h"

#define MANY ((int)WHOSEES_SYNC_MAX)
#define WAS_SO (-WHOSEES_SYNC_WAS_SO) /* as expect() takes what has to be printed */

static u64 reference;
static struct whosees_sync_entry fill; /* what mends it */
static struct whosees_sync_entry entries[MANY];

/* ---- who lacks it, and what the others have -------------------------------------------- */

static unsigned int ask_spaces(u64 address)
{
	struct whosees_probe asked = whole_probe(1);

	addresses[0] = address;
	must(ask(WHOSEES_PROBE, &asked));
	return asked.spaces.n;
}

static unsigned int space_of(int pid, u64 address)
{
	unsigned int n = ask_spaces(address);

	for (unsigned int i = 0; i < n; i++)
		if (spaces[i].pid == pid)
			return i;
	die(3);
	return 0;
}

/* The table on the way to an address has it there: entries are that large, for that many. */
static u64 entry_of(u64 mm, u64 address, unsigned int level)
{
	int is_wide = about.word == 8 || about.levels == 3;
	unsigned int size = is_wide ? 8 : 4, shift = 12 + 9 * (about.levels - level);
	struct whosees_table table = { mm, address, at(page), level, 0, 0 };
	u64 value = 0;

	if (!is_wide)
#ifdef __arm__
		shift = 20;
#else
		shift = 22;
#endif
	must(ask(WHOSEES_TABLE, &table));
	for (unsigned int i = size; i--;)
		value = value << 8 | page[((address >> shift) * size + i) % PAGE];
	return value;
}

/* Who lacks it stops at a higher table than who has it. */
static void find(u64 address)
{
	unsigned int n = ask_spaces(address), has = 0;

	for (unsigned int i = 1; i < n; i++)
		if (outcomes[i].level > outcomes[has].level)
			has = i;
	for (unsigned int i = 0; i < n; i++) {
		if (outcomes[i].end != WHOSEES_END_HOLE ||
		    outcomes[i].level == outcomes[has].level)
			continue;
		fill = (struct whosees_sync_entry){
			.mm = spaces[i].mm,
			.address = address,
			.level = outcomes[i].level,
			.then = entry_of(spaces[has].mm, address, outcomes[i].level),
		};
		return;
	}
	die(3);
}

/* Whether the space has it, by its walk: 0, or 1 where it ends in a hole at that level. */
static long lacks(void)
{
	unsigned int n = ask_spaces(fill.address);

	for (unsigned int i = 0; i < n; i++)
		if (spaces[i].mm == fill.mm)
			return -(outcomes[i].end == WHOSEES_END_HOLE &&
				 outcomes[i].level == fill.level);
	return -SRCH;
}

/* ---- one entry ------------------------------------------------------------------------- */

static struct whosees_sync whole_sync(unsigned int n)
{
	return (struct whosees_sync){ reference, at(entries), n, 0 };
}

static long sync_one(struct whosees_sync_entry entry)
{
	struct whosees_sync asked = whole_sync(1);
	long error;

	entries[0] = entry;
	error = ask(WHOSEES_SYNC, &asked);
	return error ? error : entries[0].came_to;
}

/* Where either will do. */
static long unless_so(long came_to)
{
	return came_to == WHOSEES_SYNC_WAS_SO ? 0 : came_to;
}

static struct whosees_sync_entry back(void)
{
	struct whosees_sync_entry entry = fill;

	entry.now = fill.then;
	entry.then = 0;
	return entry;
}

/* A processor that idles may have the space loaded: to run there ourselves is to unload it. */
static long take_back(void)
{
	long error = sync_one(back());

	for (unsigned long cpu = 0; error == -AGAIN && cpu < about.ncpus; cpu++) {
		unsigned long mask = 1ul << cpu;

		must(call(__NR_sched_setaffinity, 0, sizeof(mask), (long)&mask));
		error = sync_one(back());
	}
	return error;
}

#define ENTRY(what, wanted, change)                     \
	do {                                            \
		struct whosees_sync_entry entry = fill; \
		change;                                 \
		expect(what, sync_one(entry), wanted);  \
	} while (0)

static void refuse_entries(void)
{
	ENTRY("level 0", INVAL, entry.level = 0);
	ENTRY("level 6", INVAL, entry.level = 6);
	ENTRY("level 4,294,967,295", INVAL, entry.level = ~0u);
	ENTRY("the level below", OPNOTSUPP, entry.level++);
	if (fill.level > 1)
		ENTRY("the level above", OPNOTSUPP, entry.level--);
	ENTRY("from empty to empty", INVAL, entry.then = 0);
	ENTRY("from one to another", INVAL, entry.now = entry.then);
	ENTRY("the last address of user mode", INVAL,
	      entry.address = about.kernel_first - 1);
	ENTRY("address 0", INVAL, entry.address = 0);
	ENTRY("nobody's mm", SRCH, entry.mm++);
	ENTRY("mm 0", SRCH, entry.mm = 0);
	ENTRY("another table than init_mm's", STALE, entry.then ^= 0x1000);
	ENTRY("a table of user mode's", STALE, entry.then ^= 4);
	ENTRY("any value", STALE, entry.then = 1);
	ENTRY("to take away another than init_mm's", STALE,
	      entry.now = entry.then ^ 0x1000;
	      entry.then = 0);
}

/* One field of a good question made bad. */
#define SYNC(what, wanted, change)                               \
	do {                                                     \
		struct whosees_sync asked = whole_sync(1);       \
		entries[0] = fill;                               \
		change;                                          \
		expect(what, ask(WHOSEES_SYNC, &asked), wanted); \
	} while (0)

static void refuse_calls(void)
{
	SYNC("reference 0", INVAL, asked.reference = 0);
	SYNC("the page behind the reference", INVAL, asked.reference += PAGE);
	SYNC("a reference inside the table", INVAL, asked.reference += 8);
	SYNC("a reference above 4 GiB", INVAL, asked.reference |= 1ull << 52);
	SYNC("the space's own root", INVAL, asked.reference = spaces[0].root);
	SYNC("no entry", INVAL, asked.n = 0);
	SYNC("513 entries", TOOBIG, asked.n = 513);
	SYNC("4,294,967,295 entries", TOOBIG, asked.n = ~0u);
	SYNC("reserved", INVAL, asked.reserved = 1);
	SYNC("entries at 0", FAULT, asked.at = 0);
	SYNC("entries in the kernel", FAULT, asked.at = no_memory());
	SYNC("entries at the end of all", FAULT, asked.at = ~0ull - 8);
	SYNC("entries in text", FAULT, asked.at = at(read_only_page));
	expect("a sync at 0", ask(WHOSEES_SYNC, 0), FAULT);
}

/* Good, but for the file, or for who asks. */
static void refuse_askers(void)
{
	int own = device;
	long child;

	device = (int)open_path("/dev/whosees", O_RDONLY);
	SYNC("a file that was opened to read", BADF, (void)0);
	call(__NR_close, device, 0, 0);
	device = own;
	child = fork();
	must(child);
	if (!child) {
		drop_capabilities();
		SYNC("a file that root has opened, without its power", PERM, (void)0);
		die(0);
	}
	must(call6(__NR_wait4, child, 0, 0, 0, 0, 0));
}

/* But for what the processor sets in it. */
static int holds(u64 value)
{
#if defined(__i386__) || defined(__x86_64__)
	const u64 marks = 0x60;
#else
	const u64 marks = 0;
#endif
	return !((entry_of(fill.mm, fill.address, fill.level) ^ value) & ~marks);
}

/* ---- words ------------------------------------------------------------------------------- */

/* As many at once as one call takes: nobody's, but for the last. */
static void fill_many(void)
{
	struct whosees_sync asked = whole_sync(WHOSEES_SYNC_MAX);
	int refused = 0;

	for (int i = 0; i < MANY; i++) {
		entries[i] = fill;
		entries[i].mm += i < MANY - 1;
	}
	expect("512 entries", ask(WHOSEES_SYNC, &asked), 0);
	for (int i = 0; i < MANY - 1; i++)
		refused += entries[i].came_to == -SRCH;
	expect("511 of them are nobody's", refused, -(MANY - 1));
	expect("one is written", entries[MANY - 1].came_to, 0);
}

static void mend(void)
{
	expect("a hole", lacks(), 1);
	refuse_entries();
	refuse_calls();
	refuse_askers();
	expect("still a hole", lacks(), 1);
	expect("taken back, what is not there", sync_one(back()), WAS_SO);
	expect("filled", sync_one(fill), 0);
	expect("seen", lacks(), 0);
	expect("what the others have", holds(fill.then), -1);
	expect("filled again", sync_one(fill), WAS_SO);
	expect("taken back", take_back(), 0);
	expect("not seen", lacks(), 1);
	expect("taken back again", sync_one(back()), WAS_SO);
	fill_many();
	expect("seen again", lacks(), 0);
	ENTRY("taken from who asks", DEADLK, entry = back();
	      entry.mm =
		      spaces[space_of((int)call(__NR_getpid, 0, 0, 0), fill.address)].mm);
	expect("taken back at last", take_back(), 0);
}

/* Of the entry at that address that PID has for itself. */
static void find_own(int pid, u64 address)
{
	fill.mm = spaces[space_of(pid, address)].mm;
	fill.address = address;
	fill.level = about.word == 4 && about.levels == 3 ? 2 : 1;
	fill.then = entry_of(fill.mm, address, fill.level);
}

static void refuse_changed(int pid, u64 address)
{
	u64 own;

	find_own(pid, address);
	own = fill.then;
	fill.then = entry_of(spaces[space_of(1, address)].mm, address, fill.level);
	expect("fill what is another's", sync_one(fill), BUSY);
	expect("take away what is another's", take_back(), BUSY);
	expect("it is as it was", holds(own), -1);
}

static void refuse_in_use(int pid, u64 address)
{
	find_own(pid, address);
	expect("take away what leads to its stack", sync_one(back()), DEADLK);
}

static void contend(int n)
{
	long other = fork(), error;
	int otherwise = 0;

	must(other);
	while (!other)
		sync_one(back());
	for (int i = 0; i < n; i++) {
		error = sync_one(fill);
		otherwise += unless_so(error) != 0;
	}
	must(call(__NR_kill, other, 9, 0));
	must(call6(__NR_wait4, other, 0, 0, 0, 0, 0));
	expect("filled while another takes it back", -otherwise, 0);
	expect("filled at last", unless_so(sync_one(fill)), 0);
	expect("seen at last", lacks(), 0);
	expect("taken back at last", take_back(), 0);
}

static void fill_all(void)
{
	unsigned int n = ask_spaces(fill.address), holes = 0;
	struct whosees_sync asked;
	long left = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (outcomes[i].end != WHOSEES_END_HOLE ||
		    outcomes[i].level != fill.level)
			continue;
		entries[holes] = fill;
		entries[holes++].mm = spaces[i].mm;
	}
	put("blind");
	put_number((long)holes);
	put_number((long)n);
	end_line();
	asked = whole_sync(holes);
	expect("one call for all that lack it", ask(WHOSEES_SYNC, &asked), 0);
	for (unsigned int i = 0; i < holes; i++)
		expect("written", unless_so(entries[i].came_to),
		       0); /* an mm may be shared */
	n = ask_spaces(fill.address);
	for (unsigned int i = 0; i < n; i++)
		left += outcomes[i].end == WHOSEES_END_HOLE &&
			outcomes[i].level == fill.level;
	expect("who lacks it still", -left, 0);
}

static struct whosees_sync_entry any_entry(void)
{
	const u64 value[] = { fill.then, fill.then ^ 1u << any() % 32, any(), ~0ull };
	struct whosees_sync_entry entry = fill;

	if (!(any() % 4))
		entry.mm = any() % 4 ? spaces[any() % ROOM].mm : any();
	if (!(any() % 4))
		entry.address = any_address();
	if (!(any() % 4))
		entry.level = any() % 8;
	entry.now = any() % 2 ? 0 : value[any() % COUNT(value)];
	entry.then = any() % 2 ? fill.then : value[any() % COUNT(value)];
	return entry;
}

static void put_counts(const char *what, const int *came_to)
{
	for (int i = 0; i < 256; i++)
		if (came_to[i]) {
			put(what);
			put_number(i);
			put_number(came_to[i]);
			end_line();
		}
}

static void sync_at_random(int n, int seed)
{
	static int calls[256], each[256];

	state += (u64)seed << 20;
	for (int i = 0; i < n; i++) {
		unsigned int count = any() % 4;
		struct whosees_sync asked = { any() % 8 ? reference : any(),
					      any_pointer(entries),
					      any() % 8 ? count : any(), !(any() % 8) };
		long error;

		for (unsigned int j = 0; j < count; j++)
			entries[j] = any_entry();
		error = ask(WHOSEES_SYNC, &asked);
		calls[-error & 255]++;
		for (unsigned int j = 0; j < count && !error; j++)
			each[-unless_so(entries[j].came_to) & 255]++;
	}
	put_counts("random-sync", calls);
	put_counts("random-entry", each);
	expect("filled after all that", unless_so(sync_one(fill)), 0);
	expect("taken back after all that", take_back(), 0);
}

static void do_it(int argc, char **argv)
{
	struct whosees_sync asked = whole_sync(1);
	const char *word = argv[0];
	u64 address;

	if (argc < 3)
		die(2);
	reference = wide(argv[1]);
	address = wide(argv[2]);
	asked.reference = reference;
	device = (int)open_device();
	must(device);
	must(ask(WHOSEES_ABOUT, &about));
	fill.then = 1;
	if (is(word, "forbidden")) {
		expect("a module without allow_sync", ask(WHOSEES_SYNC, &asked), PERM);
		return;
	}
	if (is(word, "nowhere")) {
		expect("no space has its own", ask(WHOSEES_SYNC, &asked), OPNOTSUPP);
		return;
	}
	if (is(word, "changed") && argc > 3) {
		refuse_changed(number(argv[3]), address);
		return;
	}
	if (is(word, "in-use") && argc > 3) {
		refuse_in_use(number(argv[3]), address);
		return;
	}
	find(address);
	if (is(word, "mend"))
		mend();
	else if (is(word, "all"))
		fill_all();
	else if (is(word, "contend") && argc > 3)
		contend(number(argv[3]));
	else if (is(word, "random") && argc > 4)
		sync_at_random(number(argv[3]), number(argv[4]));
	else if (is(word, "closing") && argc > 3) {
		entries[0] = fill;
		ask_while_closed(number(argv[3]), WHOSEES_SYNC, &asked);
		expect("taken back from it", take_back(), 0);
	} else {
		die(2);
	}
}

void begin(long *stack)
{
	if (*stack < 2)
		die(2);
	do_it((int)*stack - 1, (char **)stack + 2);
	flush();
	die(0);
}
