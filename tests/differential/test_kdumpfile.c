/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our reader of kdumps beside libkdumpfile's, on random dumps of both classes: which
 * frames there are, and every byte of them. It cannot read flattened ones, so of these
 * it gets the file before it was flattened. (Real ones: tests/lab/test_memory.py.)
 */
#include "common/frames.h"
#include "common/random.h"
#include "context.h"
#include "mk/mk.h"
#include "target/target.h"
#include "util/bits.h"
#include "util/cleanup.h"

#include <libkdumpfile/kdumpfile.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 60
#define MAX_MAPNR 200
#define DESCRIPTORS 0x4000
#define FRAMES (DESCRIPTORS + 24 * MAX_MAPNR)

/* Kept until the end: kdump_free() of 0.5.1 uses what it has freed. */
static kdump_ctx_t *kept[4][ROUNDS];

static const char *const codecs[] = { "zlib", "lzo", "snappy", "zstd", "plain" };

static bool build(struct mk *mk, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool build(struct mk *mk, const char *format, ...)
{
	ws_autofree char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	return n >= 0 && mk_build(mk, text);
}

/* Each frame is there or not, in its own codec, or one that all zero ones share. */
static void random_kdump(struct mk *mk, bool is64, struct random *random)
{
	unsigned bits = is64 ? 64 : 32;
	uint64_t zeros = FRAMES, end = FRAMES + WS_FRAME_SIZE;

	assert_true(build(mk,
			  "kdump%u max_mapnr=%d\nat 0x1000\nsub%u max_mapnr_64=%d\n"
			  "bits 0x2000 0 %d\nat %lu\nfill 4096 0\nat %u",
			  bits, MAX_MAPNR, bits, MAX_MAPNR, MAX_MAPNR, zeros,
			  DESCRIPTORS));
	for (unsigned pfn = 0; pfn < MAX_MAPNR; pfn++) {
		const char *codec = codecs[random_below(random, WS_ARRAY_SIZE(codecs))];

		if (random_percent(random, 30))
			continue;
		assert_true(build(mk, "bits 0x3000 %u 1", pfn));
		if (random_percent(random, 20)) {
			assert_true(build(mk, "descriptor offset=%lu size=4096", zeros));
			continue;
		}
		assert_true(
			build(mk, "pages %s %u 1 %lu", codec, pfn * WS_FRAME_SIZE, end));
		end = mk->end;
	}
}

static void assert_same(struct ws_target *ours, kdump_ctx_t *theirs)
{
	for (unsigned pfn = 0; pfn < MAX_MAPNR + 2; pfn++) {
		uint8_t bytes[WS_FRAME_SIZE];
		size_t n = sizeof(bytes);
		uint64_t pa = (uint64_t)pfn * WS_FRAME_SIZE;
		const uint8_t *frame = target_frame(ours, pa);
		kdump_status status =
			kdump_read(theirs, KDUMP_MACHPHYSADDR, pa, bytes, &n);

		if (!frame) {
			assert_int_equal(status, KDUMP_ERR_NODATA);
			continue;
		}
		assert_int_equal(status, KDUMP_OK);
		assert_memory_equal(frame, bytes, sizeof(bytes));
	}
}

static void compare(bool is64, bool flattened, struct random *random, kdump_ctx_t *theirs)
{
	struct ws_context *ctx = ws_context_create();
	struct mk mk = { 0 };
	char path[32];
	ws_autoclose int plain = -1, flat = -1;
	struct ws_target *ours;

	random_kdump(&mk, is64, random);
	plain = mk_file(&mk, path);
	if (flattened) {
		unsigned cut = 1 + random_below(random, mk.size - 1);

		assert_true(build(&mk, "flatten %u+%zu 0+%u", cut, mk.size, cut));
		flat = mk_file(&mk, path);
	}
	if (ws_target_open(ctx, path, NULL, &ours))
		fail_msg("%s", ws_error(ctx, 0));
	if (kdump_open_fd(theirs, plain))
		fail_msg("libkdumpfile: %s", kdump_get_err(theirs));
	assert_same(ours, theirs);
	ws_target_close(ours);
	mk_release(&mk);
	ws_context_destroy(ctx);
}

static void random_dumps(void **state)
{
	const unsigned *kind = *state;
	struct random random = { random_seed() };

	for (unsigned round = 0; round < ROUNDS; round++) {
		kept[*kind][round] = kdump_new();
		assert_non_null(kept[*kind][round]);
		compare(*kind & 1, *kind & 2, &random, kept[*kind][round]);
	}
}

int main(void)
{
	static const unsigned kinds[] = { 0, 1, 2, 3 };
	static const char *const names[] = { "32-bit", "64-bit", "32-bit, flattened",
					     "64-bit, flattened" };
	struct CMUnitTest tests[WS_ARRAY_SIZE(kinds)];

	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		tests[i] = (struct CMUnitTest){ .name = names[i],
						.test_func = random_dumps,
						.initial_state = (void *)&kinds[i] };
	return cmocka_run_group_tests_name("kdumpfile", tests, NULL, NULL);
}
