// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device WORD ...: questions to /dev/whosees, good and bad. What comes of them is printed, a
 * line each.
 *
 *   ask ADDRESS...   all that it answers, of 64 pages from each of these addresses on and of
 *                    a sweep over the kernel's half; then wait for the host (wait_for_host)
 *   refused          calls that have to be refused: what each came to, and has to
 *   random N SEED    N calls of any kind with any arguments, what they came to counted
 *   closing N        N answers while another who has the same file closes and opens it
 *   churn N          N processes that ask, and are gone without closing
 *   nobody           open it as a user who is not root
 *   powerless        open it as root without any capability
 *   open             open it
 *   unload           unload the module while it is open
 *   time N ADDRESS   nanoseconds that a question for 512 pages from ADDRESS on takes: the best
 *                    of N times
 */
#include <linux/mman.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "device.h"

static struct whosees_register registers[ROOM];

/* ---- ask -------------------------------------------------------------------------------- */

static void ask_about(void)
{
	must(ask(WHOSEES_ABOUT, &about));
	put("about");
	put_number(about.version);
	put_number(about.word);
	put_number(about.levels);
	put_number(about.page_shift);
	put_number(about.ncpus);
	put_hex(about.kernel_first);
	end_line();
}

static void ask_registers(void)
{
	struct whosees_list list = { at(registers), ROOM, 0 };

	must(ask(WHOSEES_REGISTERS, &list));
	for (unsigned int i = 0; i < list.n; i++) {
		put("register");
		put_number((long)registers[i].cpu);
		put(" ");
		put(registers[i].name);
		put_hex(registers[i].value);
		end_line();
	}
}

static void put_space(const struct whosees_space *space)
{
	put_number(space->pid);
	put_hex(space->root);
}

static unsigned int ask_spaces(void)
{
	struct whosees_list list = { at(spaces), ROOM, 0 };

	must(ask(WHOSEES_SPACES, &list));
	for (unsigned int i = 0; i < list.n; i++) {
		put("space");
		put_space(&spaces[i]);
		put_hex(spaces[i].mm);
		put_number((long)spaces[i].flags);
		put(" ");
		put(spaces[i].comm);
		end_line();
	}
	return list.n;
}

static void put_outcome(const struct whosees_space *space, u64 address,
			const struct whosees_outcome *outcome)
{
	put("probe");
	put_space(space);
	put_hex(address);
	put_number(outcome->end);
	put_number(outcome->level);
	put_hex(outcome->entry);
	put("\n");
}

static void probe(void)
{
	struct whosees_probe asked = whole_probe(PAGES);

	must(ask(WHOSEES_PROBE, &asked));
	for (int i = 0; i < PAGES; i++)
		for (unsigned int space = 0; space < asked.spaces.n; space++)
			put_outcome(&spaces[space], addresses[i],
				    &outcomes[i * (int)asked.spaces.n + (int)space]);
	flush();
}

static void probe_pages(u64 first, u64 step)
{
	for (int i = 0; i < PAGES; i++)
		addresses[i] = first + (unsigned int)i * step;
	probe();
}

/* Where the spaces' structs are: in the direct map. */
static void probe_direct_map(unsigned int n)
{
	for (unsigned int i = 0, space = 0; n && i < PAGES; i++) {
		addresses[i] = spaces[space].mm;
		space = space + 1 < n ? space + 1 : 0;
	}
	probe();
}

/* 256 pages, as far apart as fits: on x86-64 one in each entry of the top-level table. */
static void sweep(void)
{
	u64 half = ~about.kernel_first >> 8, step;

	if (about.word == 4)
		half = (0xffffffff - about.kernel_first) >> 8;
	step = (half | (PAGE - 1)) + 1;
	for (unsigned int slot = 0; slot < 256; slot += PAGES)
		probe_pages(about.kernel_first + slot * step, step);
}

static void ask_table(const struct whosees_space *space, u64 address, unsigned int level)
{
	struct whosees_table table = {
		.mm = space->mm, .address = address, .at = at(page), .level = level
	};
	long error = ask(WHOSEES_TABLE, &table);

	put("table");
	put_space(space);
	put_hex(address);
	put_number(level);
	put_number(-error);
	put_hex(table.pa);
	put(" ");
	for (int i = 0; !error && i < PAGE; i++) {
		put_byte(DIGITS[page[i] >> 4]);
		put_byte(DIGITS[page[i] & 15]);
	}
	end_line();
}

/* On the way to an address, in the first n spaces. */
static void ask_tables(u64 address, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int level = 1; level <= about.levels; level++)
			ask_table(&spaces[i], address, level);
}

static void ask_all(int argc, char **argv)
{
	unsigned int n;

	ask_about();
	ask_registers();
	n = ask_spaces();
	for (int i = 0; i < argc; i++)
		ask_tables(hexadecimal(argv[i]), i ? 1 : n);
	sweep();
	for (int i = 0; i < argc; i++)
		probe_pages(hexadecimal(argv[i]), PAGE);
	probe_direct_map(n);
	open_ports();
	wait_for_host();
}

/* ---- refused ---------------------------------------------------------------------------- */

static void try_list(const char *what, unsigned long question, u64 where,
		     unsigned int room, long wanted)
{
	struct whosees_list list = { where, room, 0 };

	expect(what, ask(question, &list), wanted);
}

static void refuse_lists(void)
{
	static const struct whosees_list read_only = { 0, 0, 0 };
	static const unsigned long questions[] = { WHOSEES_REGISTERS, WHOSEES_SPACES };

	for (int i = 0; i < COUNT(questions); i++) {
		try_list("a list in the kernel", questions[i], no_memory(), ROOM, FAULT);
		try_list("a list at 0", questions[i], 0, ROOM, FAULT);
		try_list("a list at the end of all", questions[i], ~0ull - 8, ROOM,
			 FAULT);
		try_list("a list above 4 GiB", questions[i], at(page) | 1ull << 62, ROOM,
			 FAULT);
		try_list("a list in text", questions[i], at(read_only_page), ROOM, FAULT);
		try_list("no room", questions[i], 0, 0, 0);
		expect("a list that cannot be written to", ask(questions[i], &read_only),
		       FAULT);
		expect("no list", ask(questions[i], 0), FAULT);
	}
	try_list("4,294,967,295 elements", WHOSEES_SPACES, at(spaces), ~0u, 0);
}

/* One field of a good question made bad, with what it has to come to. */
#define PROBE(what, wanted, change)                               \
	do {                                                      \
		struct whosees_probe asked = whole_probe(1);      \
		change;                                           \
		expect(what, ask(WHOSEES_PROBE, &asked), wanted); \
	} while (0)

static void refuse_probes(void)
{
	addresses[0] = about.kernel_first;
	PROBE("a good probe", 0, (void)0);
	PROBE("no address", INVAL, asked.naddresses = 0);
	PROBE("513 addresses", TOOBIG, asked.naddresses = 513);
	PROBE("4,294,967,295 addresses", TOOBIG, asked.naddresses = ~0u);
	PROBE("reserved", INVAL, asked.reserved = 1);
	PROBE("addresses in the kernel", FAULT, asked.addresses = no_memory());
	PROBE("outcomes in the kernel", FAULT, asked.outcomes = no_memory());
	PROBE("outcomes in text", FAULT, asked.outcomes = at(read_only_page));
	PROBE("outcomes at the end of all", FAULT, asked.outcomes = ~0ull - 7);
	PROBE("spaces in the kernel", FAULT, asked.spaces.at = no_memory());
	PROBE("no room for a space", 0, asked.spaces.room = 0);
	addresses[0] = about.kernel_first - 1;
	PROBE("the last address of user mode", INVAL, (void)0);
	addresses[0] = 0;
	PROBE("address 0", INVAL, (void)0);
	addresses[0] = about.word == 8 ? 1ull << 63 : 1ull << 32;
	PROBE("an address that is none", INVAL, (void)0);
	expect("a probe at 0", ask(WHOSEES_PROBE, 0), FAULT);
}

#define TABLE(what, wanted, change)                                         \
	do {                                                                \
		struct whosees_table asked = {                              \
			spaces[0].mm, about.kernel_first, at(page), 1, 0, 0 \
		};                                                          \
		change;                                                     \
		expect(what, ask(WHOSEES_TABLE, &asked), wanted);           \
	} while (0)

static void refuse_tables(void)
{
	TABLE("a good table", 0, (void)0);
	TABLE("level 0", INVAL, asked.level = 0);
	TABLE("level 6", INVAL, asked.level = 6);
	TABLE("level 4,294,967,295", INVAL, asked.level = ~0u);
	TABLE("reserved", INVAL, asked.reserved = 1);
	TABLE("nobody's mm", SRCH, asked.mm++);
	TABLE("mm 0", SRCH, asked.mm = 0);
	TABLE("a table of user mode", INVAL, asked.address = about.kernel_first - 1);
	TABLE("a table into the kernel", FAULT, asked.at = no_memory());
	TABLE("a table into text", FAULT, asked.at = at(read_only_page));
	if (about.levels < 5)
		TABLE("a level that there is not", NOENT, asked.level = about.levels + 1);
	expect("a table at 0", ask(WHOSEES_TABLE, 0), FAULT);
}

static void refuse(void)
{
	struct whosees_list list = { at(spaces), ROOM, 0 };

	must(ask(WHOSEES_ABOUT, &about));
	must(ask(WHOSEES_SPACES, &list));
	expect("about at 0", ask(WHOSEES_ABOUT, 0), FAULT);
	expect("about in text", ask(WHOSEES_ABOUT, read_only_page), FAULT);
	expect("no such question", ask(_IO('w', 6), 0), NOTTY);
	expect("a question of another size", ask(_IOWR('w', 2, u64), &list), NOTTY);
	expect("read", call(__NR_read, device, (long)page, PAGE), INVAL);
	expect("write", call(__NR_write, device, (long)page, PAGE), INVAL);
	refuse_lists();
	refuse_probes();
	refuse_tables();
}

/* ---- random ----------------------------------------------------------------------------- */

static unsigned int any_room(void)
{
	return any() % 4 ? any() % ROOM : any();
}

/* Room is never more than there is at a good pointer: that is as much as the kernel has. */
static long any_question(void)
{
	struct whosees_list list = { any_pointer(any() % 2 ? (void *)spaces : registers),
				     any_room(), any() };
	struct whosees_probe asked = { { any_pointer(spaces), any_room(), any() },
				       any_pointer(addresses),
				       any_pointer(outcomes),
				       any() % 4
					       ? any() % WHOSEES_ADDRESSES_MAX + any() % 2
					       : any(),
				       !(any() % 8) };
	struct whosees_table table = { any() % 4 ? spaces[0].mm : any(),
				       any_address(),
				       any_pointer(page),
				       any() % 8,
				       !(any() % 8),
				       any() };

	switch (any() % 8) {
	case 0:
		return ask(WHOSEES_ABOUT, (void *)(unsigned long)any_pointer(page));
	case 1:
		return ask(WHOSEES_REGISTERS, &list);
	case 2:
		return ask(WHOSEES_SPACES, &list);
	case 3:
	case 4:
		for (int i = 0; i < COUNT(addresses); i++)
			addresses[i] = any_address();
		return ask(WHOSEES_PROBE, &asked);
	case 5:
		return ask(WHOSEES_TABLE, &table);
	default:
		return ask(any(), (void *)(unsigned long)any_pointer(page));
	}
}

static void ask_at_random(int n, int seed)
{
	static int came_to[256];
	struct whosees_list list = { at(spaces), ROOM, 0 };

	state += (u64)seed << 20;
	must(ask(WHOSEES_ABOUT, &about));
	must(ask(WHOSEES_SPACES, &list));
	for (int i = 0; i < n; i++)
		came_to[-any_question() & 255]++;
	for (int i = 0; i < COUNT(came_to); i++)
		if (came_to[i]) {
			put("random");
			put_number(i);
			put_number(came_to[i]);
			end_line();
		}
}

/* ---- others who have it open -------------------------------------------------------------- */

static void churn(int n)
{
	struct whosees_probe asked = whole_probe(1);

	must(ask(WHOSEES_ABOUT, &about));
	addresses[0] = about.kernel_first;
	for (int i = 0; i < n; i++) {
		long child = fork();

		must(child);
		if (!child) {
			must(open_device());
			die(ask(WHOSEES_PROBE, &asked) < 0);
		}
		must(call6(__NR_wait4, child, 0, 0, 0, 0, 0));
	}
	put("churn");
	put_number(n);
	end_line();
}

/* ---- time ---------------------------------------------------------------------------------- */

static u64 now(void)
{
	struct __kernel_old_timespec time;

	must(call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0));
	return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static void time_probe(int n, u64 address)
{
	struct whosees_probe asked = whole_probe(COUNT(addresses));
	u64 best = ~0ull;

	for (int i = 0; i < COUNT(addresses); i++)
		addresses[i] = address + (u64)i * PAGE;
	must(ask(WHOSEES_PROBE, &asked));
	while (n--) {
		u64 began = now(), took;

		must(ask(WHOSEES_PROBE, &asked));
		took = now() - began;
		best = took < best ? took : best;
	}
	put("time");
	put_hex(best);
	put_number(COUNT(addresses) * (int)asked.spaces.n);
	end_line();
}

/* ---- which --------------------------------------------------------------------------------- */

#define NOBODY 65534

static void open_as(const char *who)
{
	if (is(who, "nobody"))
		must(call(__NR_setresuid, NOBODY, NOBODY, NOBODY));
	if (is(who, "powerless"))
		drop_capabilities();
	put(who);
	put_number(-open_device());
	end_line();
}

static void do_it(int argc, char **argv)
{
	struct whosees_list list = { at(spaces), ROOM, 0 };
	const char *word = argv[0];

	if (is(word, "open") || is(word, "nobody") || is(word, "powerless")) {
		open_as(word);
		return;
	}
	device = (int)open_device();
	must(device);
	if (is(word, "ask"))
		ask_all(argc - 1, argv + 1);
	else if (is(word, "refused"))
		refuse();
	else if (is(word, "churn") && argc > 1)
		churn(number(argv[1]));
	else if (is(word, "closing") && argc > 1)
		ask_while_closed(number(argv[1]), WHOSEES_SPACES, &list);
	else if (is(word, "random") && argc > 2)
		ask_at_random(number(argv[1]), number(argv[2]));
	else if (is(word, "time") && argc > 2)
		time_probe(number(argv[1]), hexadecimal(argv[2]));
	else if (is(word, "unload"))
		expect("unload while open",
		       call(__NR_delete_module, (long)"whosees", O_NONBLOCK, 0), AGAIN);
	else
		die(2);
}

void begin(long *stack)
{
	if (*stack < 2)
		die(2);
	do_it((int)*stack - 1, (char **)stack + 2);
	flush();
	die(0);
}
