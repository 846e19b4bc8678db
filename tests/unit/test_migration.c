/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's migration streams: of pages that are written again the last counts, whatever their
 * order, and memory lies where the firmware's map in it says, else where the machine's type
 * does.
 */
#include "common/random.h"
#include "containers.h"
#include "mk/mk.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/read_json.h"
#include "whosees.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/memory.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define PAGE 4096u

/* ---- streams ----------------------------------------------------------------------- */

struct stream {
	FILE *to;
	int fd;
};

static void be(struct stream *s, uint64_t value, unsigned size)
{
	while (size--)
		fputc((int)(value >> 8 * size & 0xff), s->to);
}

static void text(struct stream *s, const char *text, unsigned size)
{
	be(s, strlen(text), size);
	fputs(text, s->to);
}

static struct stream stream_begin(const char *machine, uint64_t size)
{
	struct stream s = { .fd = memfd_create("migration", MFD_CLOEXEC) };

	assert_true(s.fd >= 0);
	s.to = fdopen(dup(s.fd), "w");
	assert_non_null(s.to);
	be(&s, 0x5145564d, 4);
	be(&s, 3, 4);
	be(&s, 7, 1);
	text(&s, machine, 4);
	be(&s, 1, 1);
	be(&s, 2, 4);
	text(&s, "ram", 1);
	be(&s, 0, 4);
	be(&s, 4, 4);
	be(&s, size | 0x04, 8);
	text(&s, "pc.ram", 1);
	be(&s, size, 8);
	return s;
}

/* A page whose bytes are all that one: the block's name goes with each. */
static void stream_page(struct stream *s, uint64_t at, uint8_t byte)
{
	be(s, at | (byte ? 0x08 : 0x02), 8);
	text(s, "pc.ram", 1);
	for (unsigned i = 0; i < (byte ? PAGE : 1); i++)
		fputc(byte, s->to);
}

static struct ws_target *stream_open(struct stream *s, struct ws_context *ctx)
{
	struct ws_target *target;
	char path[32];

	be(s, 0x10, 8);
	be(s, 0x7e, 1);
	be(s, 2, 4);
	be(s, 3, 1); /* and the section's last part */
	be(s, 2, 4);
	be(s, 0x10, 8);
	be(s, 0, 1);
	assert_int_equal(fclose(s->to), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	if (ws_target_open(ctx, path, NULL, &target))
		fail_msg("%s", ws_error(ctx, 0));
	close(s->fd);
	return target;
}

static bool has_note(const struct ws_target *target, const char *words)
{
	const char *note;

	for (unsigned i = 0; (note = ws_target_note(target, i)); i++)
		if (strstr(note, words))
			return true;
	return false;
}

/* ---- pages that are written again -------------------------------------------------- */

#define PAGES 64u

static void the_last_counts(void **state)
{
	struct random random = { random_seed() };
	struct ws_context *ctx = ws_context_create();

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct stream s = stream_begin("pc-i440fx-7.2", PAGES * PAGE);
		int want[PAGES];
		uint64_t page = 0;
		struct ws_target *target;

		memset(want, -1, sizeof(want));
		for (unsigned n = random_below(&random, 300) + 1; n--;) {
			page = random_percent(&random, 80) ? (page + 1) % PAGES
							   : random_below(&random, PAGES);
			want[page] = random_percent(&random, 40)
					     ? 0
					     : (int)random_below(&random, 256);
			stream_page(&s, page * PAGE, (uint8_t)want[page]);
		}
		target = stream_open(&s, ctx);
		for (page = 0; page < PAGES; page++) {
			uint8_t bytes[PAGE];
			enum ws_evidence evidence =
				ws_target_read(target, page * PAGE, bytes, PAGE);

			assert_int_equal(evidence, want[page] < 0 ? WS_ABSENT : WS_READ);
			if (want[page] >= 0) {
				assert_int_equal(bytes[0], want[page]);
				assert_int_equal(bytes[PAGE - 1], want[page]);
			}
		}
		ws_target_close(target);
	}
	ws_context_destroy(ctx);
}

/* ---- where it lies ----------------------------------------------------------------- */

struct entry {
	uint64_t pa, len;
};

/* A page of memory with a PC's map of what is usable in it. */
static void stream_map(struct stream *s, uint64_t at, const struct entry *entry,
		       unsigned n)
{
	uint8_t page[PAGE] = { 0 };

	page[0x1e8] = (uint8_t)n;
	memcpy(page + 0x202, "HdrS", 4);
	for (unsigned i = 0; i < n; i++) {
		put_little(page + 0x2d0 + 20 * i, 8, entry[i].pa);
		put_little(page + 0x2d8 + 20 * i, 8, entry[i].len);
		page[0x2e0 + 20 * i] = 1;
	}
	be(s, at | 0x08, 8);
	text(s, "pc.ram", 1);
	fwrite(page, 1, PAGE, s->to);
}

static uint8_t byte_at(struct ws_target *target, uint64_t pa)
{
	uint8_t byte = 0;

	return ws_target_read(target, pa, &byte, 1) == WS_READ ? byte : 0xff;
}

/* By its size and type there is none; an option of QEMU's has made one at 64 MiB. */
static void hole_by_map(void **state)
{
	static const struct entry map[] = { { 0, 0x9fc00 },
					    { MIB, 60 * MIB },
					    { 4 * GIB, 32 * MIB } };
	static const struct entry other[] = { { 0, 0x9fc00 }, { MIB, 300 * MIB } };
	struct stream s = stream_begin("pc-q35-7.2", 96 * MIB);
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;

	(void)state;
	stream_map(&s, 2 * MIB, other, WS_ARRAY_SIZE(other));
	stream_map(&s, 3 * MIB, map, WS_ARRAY_SIZE(map));
	stream_page(&s, 64 * MIB - PAGE, 1);
	stream_page(&s, 64 * MIB, 2);
	stream_page(&s, 0x9f000, 3);
	stream_page(&s, 0xa0000, 4); /* what a display shows there is other memory */
	stream_page(&s, MIB, 5);
	target = stream_open(&s, ctx);
	assert_true(has_note(target, "goes on at 4 GiB from 0x4000000 of pc.ram on"));
	assert_int_equal(byte_at(target, 64 * MIB - PAGE), 1);
	assert_int_equal(byte_at(target, 64 * MIB), 0xff);
	assert_int_equal(byte_at(target, 4 * GIB), 2);
	assert_int_equal(byte_at(target, 0x9f000), 3);
	assert_int_equal(byte_at(target, 0xa0000), 0xff);
	assert_int_equal(byte_at(target, MIB), 5);
	ws_target_close(target);
	ws_context_destroy(ctx);
}

/* Nothing but the type says it. */
static void hole_by_type(void **state)
{
	static const struct {
		const char *machine;
		uint64_t size, low;
	} rows[] = {
		{ "pc-q35-7.2", 2815 * MIB, 2815 * MIB },
		{ "pc-q35-7.2", 2816 * MIB, 2 * GIB },
		{ "pc-i440fx-7.2", 3583 * MIB, 3583 * MIB },
		{ "pc-i440fx-rhel7.6.0", 3584 * MIB, 3 * GIB },
	};

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++) {
		struct stream s = stream_begin(rows[i].machine, rows[i].size);
		struct ws_context *ctx = ws_context_create();
		uint64_t last = rows[i].size - PAGE;
		struct ws_target *target;

		stream_page(&s, rows[i].low - PAGE, 1);
		stream_page(&s, last, 2);
		target = stream_open(&s, ctx);
		assert_true(has_note(target, "rests on the machine's type alone"));
		if (rows[i].low == rows[i].size) {
			assert_int_equal(byte_at(target, last), 2);
		} else {
			assert_int_equal(byte_at(target, rows[i].low - PAGE), 1);
			assert_int_equal(byte_at(target, 4 * GIB + last - rows[i].low),
					 2);
		}
		ws_target_close(target);
		ws_context_destroy(ctx);
	}
}

/* A map that bears out what the type says needs no word. */
static void map_and_type(void **state)
{
	static const struct entry map[] = { { 0, 0x9fc00 }, { MIB, 30 * MIB } };
	struct stream s = stream_begin("pc-i440fx-7.2", 32 * MIB);
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;

	(void)state;
	stream_map(&s, 3 * MIB, map, WS_ARRAY_SIZE(map));
	target = stream_open(&s, ctx);
	assert_false(has_note(target, "map"));
	assert_int_equal(byte_at(target, 3 * MIB + 0x202), 'H');
	ws_target_close(target);
	ws_context_destroy(ctx);
}

/* ---- JSON -------------------------------------------------------------------------- */

static void json_values(void **state)
{
	static const char text[] =
		" { \"a\" : [1, 22,[],{\"x\":[\"]}\\\"\"]}] , \"b\":\"c\\\"d\", \"e\": 7 }";
	struct ws_json json = { text, text + sizeof(text) - 1, false };
	struct ws_json_text key, string;
	uint64_t n;

	(void)state;
	assert_true(ws_json_enter(&json, '{'));
	assert_true(ws_json_key(&json, &key) && ws_json_is(&key, "a"));
	assert_true(ws_json_enter(&json, '['));
	assert_true(ws_json_item(&json) && ws_json_number(&json, &n) && n == 1);
	assert_true(ws_json_item(&json) && ws_json_skip(&json));
	assert_true(ws_json_item(&json) && ws_json_skip(&json));
	assert_true(ws_json_item(&json) && ws_json_skip(&json));
	assert_false(ws_json_item(&json));
	assert_true(ws_json_key(&json, &key) && ws_json_string(&json, &string));
	assert_true(ws_json_is(&string, "c\\\"d"));
	assert_true(ws_json_key(&json, &key) && ws_json_number(&json, &n) && n == 7);
	assert_false(ws_json_key(&json, &key));
	assert_false(json.bad);
}

/* Each ends, and is bad. */
static void json_flaws(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"{\"a",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":[[[[[[",
		"{\"a\":\"\\",
		"{\"a\":99999999999999999999}",
		"{a:1}",
		"[1]",
		"{\"a\":-1}",
		"{\"a\":}",
	};

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(texts); i++) {
		struct ws_json json = { texts[i], texts[i] + strlen(texts[i]), false };
		struct ws_json_text key;
		uint64_t n;

		ws_json_enter(&json, '{');
		while (ws_json_key(&json, &key)) {
			if (i < 7)
				ws_json_skip(&json);
			else
				ws_json_number(&json, &n);
		}
		assert_true(json.bad);
	}
}

/* ---- registers by keys ------------------------------------------------------------- */

/* An ARM processor with that many keys and values, of each of which there are two. */
#define ARM_FIELD(name, more) "{\\\"name\\\":\\\"" name "\\\"," more "}"
#define ARM_SIZE(size) "\\\"size\\\":" size
#define ARM_ARRAY(n, size) "\\\"array_len\\\":" n "," ARM_SIZE(size)
#define ARM_STREAM(cpsr, keys, values, data)                                                                 \
	QEVM("virt-7.2")                                                                                     \
	QEVM_BLOCKS("0x2004", QEVM_BLOCK("mach-virt.ram", "0x2000"))                                         \
	QEVM_LAST(                                                                                           \
		"be64 0x0008\nnamed \"mach-virt.ram\"\nframes 0x40000000 1\nbe64 0x1028\n"                   \
		"frames 0x40001000 1\n")                                                                     \
	"u8 4\nbe32 5\nnamed \"cpu\"\nbe32 0 12\nbe32 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"              \
	"be32 " cpsr "\nbe64 " data "\n" QEVM_END(                                                           \
		"5") "u8 0 6\ncounted \"{"                                                                   \
		     "\\\"devices\\\":[{\\\"name\\\":\\\"cpu\\\",\\\"instance_id\\\":0,"                     \
		     "\\\"fields\\\":[" ARM_FIELD("env.regs", ARM_ARRAY("16", "4")) "," ARM_FIELD(           \
			     "cpsr",                                                                         \
			     ARM_SIZE(                                                                       \
				     "4")) "," ARM_FIELD("cpreg_vmstate_indexes",                            \
							 ARM_ARRAY(                                          \
								 keys,                                       \
								 "8")) "," ARM_FIELD("cpreg_vmstate_values", \
										     ARM_ARRAY(              \
											     values,         \
											     "8")) "]}]}\"\n"
#define TTBR0 "0x603000000013c100"
#define TTBCR "0x603000000013c102"

static void expect_arm(const char *text, bool has_cpu, bool has_ttbr0, bool has_ttbcr)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;
	const struct ws_cpu *cpu;
	struct mk mk = { 0 };
	uint64_t value;
	char path[32];
	ws_autoclose int fd = -1;

	assert_true(mk_build(&mk, text));
	fd = mk_file(&mk, path);
	mk_release(&mk);
	if (ws_target_open(ctx, path, NULL, &target))
		fail_msg("%s", ws_error(ctx, 0));
	cpu = ws_target_cpu(target, 0);
	assert_int_equal(cpu != NULL, has_cpu);
	assert_int_equal(cpu && ws_cpu_register(cpu, "ttbr0", &value), has_ttbr0);
	if (has_ttbr0)
		assert_int_equal(value, 0x40004000);
	assert_int_equal(cpu && ws_cpu_register(cpu, "ttbcr", &value), has_ttbcr);
	if (has_ttbcr)
		assert_int_equal(value, 0x12);
	if (cpu && ws_cpu_register(cpu, "pc", &value))
		assert_int_equal(value, 16);
	ws_target_close(target);
	ws_context_destroy(ctx);
}

/* Whichever is first; one that no key says is unknown; the mode says whose they are. */
static void registers_by_keys(void **state)
{
	(void)state;
	expect_arm(ARM_STREAM("0x13", "2", "2", TTBR0 " " TTBCR " 0x40004000 0x12"), true,
		   true, true);
	expect_arm(ARM_STREAM("0x13", "2", "2", TTBCR " " TTBR0 " 0x12 0x40004000"), true,
		   true, true);
	expect_arm(ARM_STREAM("0x13", "2", "2", "1 " TTBR0 " 0x12 0x40004000"), true,
		   true, false);
	expect_arm(ARM_STREAM("0x13", "2", "2", "1 2 0x12 0x40004000"), true, false,
		   false);
	expect_arm(ARM_STREAM("0x13", "3", "1", "1 2 " TTBR0 " 0x12"), true, false,
		   false);
	expect_arm(ARM_STREAM("0x13", "1", "3", TTBR0 " 0x40004000 1 2"), true, true,
		   false);
	expect_arm(
		ARM_STREAM("0x13", "99999", "99999", TTBR0 " " TTBCR " 0x40004000 0x12"),
		false, false, false);
	expect_arm(ARM_STREAM("0x3c5", "2", "2", TTBR0 " " TTBCR " 0x40004000 0x12"),
		   false, false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_counts), cmocka_unit_test(hole_by_map),
		cmocka_unit_test(hole_by_type),    cmocka_unit_test(map_and_type),
		cmocka_unit_test(json_values),     cmocka_unit_test(registers_by_keys),
		cmocka_unit_test(json_flaws),
	};

	return cmocka_run_group_tests_name("migration streams", tests, NULL, NULL);
}
