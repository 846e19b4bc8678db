/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a target may take of memory: each thing that takes some, just as much and one byte less. */
#include "mk/mk.h"
#include "target/kdump_file.h"
#include "target/target.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct scene {
	struct mk mk;
	int fd;
	char path[32];
	struct ws_context *ctx;
	struct ws_target *target;
	enum ws_status status; /* of opening it */
};

static struct scene scene_open(const char *text, uint64_t memory)
{
	struct scene s = { .ctx = ws_context_create() };

	assert_non_null(s.ctx);
	assert_true(mk_build(&s.mk, text));
	s.fd = mk_file(&s.mk, s.path);
	s.status = ws_target_open(s.ctx, s.path,
				  &(struct ws_target_options){ .memory = memory },
				  &s.target);
	return s;
}

static void scene_close(struct scene *s)
{
	ws_target_close(s->target);
	ws_context_destroy(s->ctx);
	close(s->fd);
	mk_release(&s->mk);
}

#define autoscene ws_cleanup(scene_close) struct scene

/* There is no answer, and the message says what helps. */
static void assert_spent(struct scene *s, enum ws_status status)
{
	assert_int_equal(status, WS_ERR_SYSTEM);
	assert_non_null(strstr(ws_error(s->ctx, 0), "--memory gives it more"));
}

/* How many of 64 frames can be kept. */
static unsigned frames_kept(struct scene *s)
{
	const uint8_t *frame;
	unsigned n = 0;

	assert_int_equal(s->status, WS_OK);
	while (n < 64 && ws_target_frame(s->target, 0x100000 + n * WS_FRAME_SIZE,
					 &frame) == WS_READ)
		n++;
	return n;
}

/* A block for 16 frames and 32 slots, and then one for 32 and as many slots again. */
#define FIRST (16 * WS_FRAME_SIZE + 32 * sizeof(struct ws_kept))
#define SECOND (FIRST + 32 * WS_FRAME_SIZE + 32 * sizeof(struct ws_kept))

static void frames(void **state)
{
	static const struct {
		uint64_t memory;
		unsigned kept;
	} rows[] = { { FIRST - 1, 0 },   { FIRST, 16 },
		     { SECOND - 1, 16 }, { SECOND, 32 }, /* the 33rd needs more slots */
		     { 64 << 20, 64 },   { 0, 64 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		autoscene s = scene_open("ehdr64\nphdr64 offset=0x1000 paddr=0x100000 "
					 "filesz=0x40000 memsz=0x40000\nat 0x1000\n"
					 "frames 0x100000 64\n",
					 rows[i].memory);

		assert_int_equal(frames_kept(&s), rows[i].kept);
		if (rows[i].kept < 64)
			assert_spent(&s, ws_target_looked(s.target, WS_OK));
		else
			assert_int_equal(ws_target_looked(s.target, WS_OK), WS_OK);
	}
}

/* The table of chunks that puts a flattened dump in order: 16, and then 32. */
static void chunks(void **state)
{
	const uint64_t needed = 32 * sizeof(struct ws_chunk);
	char text[1024] =
		"kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n"
		"bits 0x3000 1 5\nat 0x4000\npages plain 0x1000 5 0x5000\nflatten";

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %#x+0x800",
			 i * 0x800);
	for (unsigned less = 0; less < 2; less++) {
		autoscene s = scene_open(text, needed - less);

		if (less)
			assert_spent(&s, s.status);
		else
			assert_int_equal(s.status, WS_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(chunks),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
