/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the programs that ask /dev/whosees stand on: lines that are printed, the device, what an
 * answer has to come to, and arguments that make no sense.
 */
#ifndef WHOSEES_DEVICE_H
#define WHOSEES_DEVICE_H

#include <linux/capability.h>
#include <linux/sched.h>

#include "bare.h"
#include "whosees_uapi.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define DIGITS "0123456789abcdef"

typedef unsigned long long u64;

/* ---- what is printed ----------------------------------------------------------------- */

static char out[PAGE];
static int out_length;

static void flush(void)
{
	int done = 0;

	while (done < out_length) {
		long wrote = call(__NR_write, 1, (long)out + done, out_length - done);

		must(wrote);
		done += (int)wrote;
	}
	out_length = 0;
}

static void put_byte(char byte)
{
	if (out_length == COUNT(out))
		flush();
	out[out_length++] = byte;
}

static void put(const char *text)
{
	while (*text)
		put_byte(*text++);
}

UNUSED static void put_hex(u64 value)
{
	int shift = 60;

	put_byte(' ');
	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put_byte(DIGITS[value >> shift & 15]);
}

static void put_number(long value)
{
	char text[24];
	int at = COUNT(text);

	put_byte(' ');
	if (value < 0)
		put_byte('-');
	do {
		text[--at] = (char)('0' + (value < 0 ? -(value % 10) : value % 10));
		value /= 10;
	} while (value);
	while (at < COUNT(text))
		put_byte(text[at++]);
}

static void end_line(void)
{
	put_byte('\n');
	flush();
}

/* ---- the device ------------------------------------------------------------------------ */

#define ROOM 128
#define PAGES 64

static int device;
static struct whosees_about about;
static struct whosees_space spaces[ROOM];
static u64 addresses[WHOSEES_ADDRESSES_MAX];
static struct whosees_outcome outcomes[ROOM * WHOSEES_ADDRESSES_MAX];
static unsigned char page[PAGE];

static u64 at(const void *memory)
{
	return (unsigned long)memory;
}

static long open_device(void)
{
	return open_path("/dev/whosees", O_RDWR);
}

static long ask(unsigned long question, const void *what)
{
	return call(__NR_ioctl, device, (long)question, (long)what);
}

static struct whosees_probe whole_probe(int n)
{
	return (struct whosees_probe){ .spaces = { at(spaces), ROOM, 0 },
				       .addresses = at(addresses),
				       .outcomes = at(outcomes),
				       .naddresses = (unsigned int)n };
}

static u64 no_memory(void)
{
	return about.kernel_first; /* the kernel's, so nobody's */
}

/* ---- what has to come of it ----------------------------------------------------------- */

/* From linux's asm-generic/errno.h, whose header is not everywhere. */
enum {
	PERM = 1,
	NOENT = 2,
	SRCH = 3,
	TOOBIG = 7,
	BADF = 9,
	AGAIN = 11,
	FAULT = 14,
	BUSY = 16,
	INVAL = 22,
	NOTTY = 25,
	DEADLK = 35,
	OPNOTSUPP = 95,
	STALE = 116
};

static const unsigned char read_only_page[PAGE] = { 1 };

static void expect(const char *what, long got, long wanted)
{
	put("case");
	put_number(-got);
	put_number(wanted);
	put(" ");
	put(what);
	end_line();
}

/* ---- at random ------------------------------------------------------------------------ */

static u64 state = 1;

/* Marsaglia's xorshift64 */
static unsigned int any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 16);
}

/* Memory that may be written to, or that may not: never this program's other memory. */
static u64 any_pointer(void *good)
{
	switch (any() % 8) {
	case 0:
		return 0;
	case 1:
		return no_memory() + any();
	case 2:
		return ~0ull - any() % 64;
	case 3:
		return (u64)any() << 32 | at(good);
	case 4:
		return at(read_only_page) + any() % PAGE;
	default:
		return at(good);
	}
}

static u64 any_address(void)
{
	return any() % 16 ? about.kernel_first +
				    (((u64)any() << 32 | any()) & ~about.kernel_first)
			  : (u64)any() << 32 | any();
}

/* ---- others who have it open ---------------------------------------------------------- */

static void close_and_open(unsigned long question, const void *what)
{
	for (;;) {
		call(__NR_close, device, 0, 0);
		open_device(); /* the lowest number that is free: the same */
		ask(question, what);
	}
}

/* N answers while another who has the same file closes and opens it. */
static void ask_while_closed(int n, unsigned long question, const void *what)
{
	long other = call(__NR_clone, CLONE_FILES | SIGCHLD, 0, 0);
	int answered = 0, closed = 0, otherwise = 0;

	must(other);
	if (!other)
		close_and_open(question, what);
	while (answered < n || !closed) {
		long error = ask(question, what);

		answered += !error;
		closed += error == -BADF;
		otherwise += error && error != -BADF;
	}
	must(call(__NR_kill, other, 9, 0));
	put("closing");
	put_number(answered);
	put_number(closed);
	put_number(otherwise);
	end_line();
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	must(call(__NR_capset, (long)&header, (long)none, 0));
}

/* ---- words ---------------------------------------------------------------------------- */

static int is(const char *word, const char *other)
{
	while (*word && *word == *other)
		word++, other++;
	return *word == *other;
}

UNUSED static u64 wide(const char *text)
{
	u64 value = 0;

	for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++)
		value = value * 16 +
			(unsigned int)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return value;
}

#endif
