/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An eye of two windows: each address goes by its own root and format, or by none. */
#include "common/memory.h"
#include "paging/format.h"
#include "util/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FRAMES 48

typedef WS_VEC(struct ws_run) runs;

struct scene {
	struct random random;
	struct arena arena;
	struct ws_paging paging;
	uint64_t root;
};

static struct scene scene_create(bool orderly)
{
	const struct ws_format *format = ws_format_by_name("arm-lpae");
	struct scene scene = { .arena = arena_create(FRAMES) };

	scene.random.state = random_seed();
	(orderly ? arena_fill_orderly : arena_fill)(&scene.arena, format, &scene.random);
	scene.paging = (struct ws_paging){ .format = format, .frame = arena_frame };
	scene.root = random_below(&scene.random, FRAMES) * WS_FRAME_SIZE;
	return scene;
}

struct gathered {
	runs v;
};

static bool gather(void *arg, const struct ws_run *run)
{
	struct ws_run *kept = ws_vec_push(&((struct gathered *)arg)->v);

	assert_non_null(kept);
	*kept = *run;
	return true;
}

/* Two roots, two formats, and addresses between them that have no translation. */
static struct ws_eye two_windows(const struct scene *scene)
{
	uint64_t other = (scene->root + WS_FRAME_SIZE) % (FRAMES * WS_FRAME_SIZE);

	return (struct ws_eye){
		.nwindows = 2,
		.window = { { 0, UINT64_C(0x3fffffff), scene->root,
			      scene->paging.format },
			    { UINT64_C(0xc0000000), UINT32_MAX, other,
			      ws_format_by_name("i386") } },
	};
}

static void test_eye_walks(void **state)
{
	struct scene made = scene_create(false), *scene = &made;
	struct ws_paging other;
	struct ws_eye eye = two_windows(scene);
	struct ws_trail seen, expected;

	(void)state;
	scene->paging.opaque = &scene->arena;
	other = scene->paging;
	other.format = eye.window[1].format;
	for (unsigned i = 0; i < 4096; i++) {
		uint64_t va = random_next(&scene->random) & UINT32_MAX;

		ws_eye_walk(&scene->paging, &eye, va, &seen);
		if (va <= eye.window[0].last)
			ws_walk(&scene->paging, scene->root, va, &expected);
		else if (va >= eye.window[1].first)
			ws_walk(&other, eye.window[1].root, va, &expected);
		else
			expected = (struct ws_trail){ .va = va,
						      .end = WS_END_NONCANONICAL,
						      .access = WS_ACCESS_ALL,
						      .format = scene->paging.format };
		assert_memory_equal(&seen, &expected, sizeof(seen));
	}
	assert_ptr_equal(ws_eye_window(&eye, eye.window[0].last), &eye.window[0]);
	assert_null(ws_eye_window(&eye, eye.window[0].last + 1));
	assert_null(ws_eye_window(&eye, eye.window[1].first - 1));
	assert_ptr_equal(ws_eye_window(&eye, eye.window[1].first), &eye.window[1]);
	arena_release(&scene->arena);
}

/* Each address of each run ends as a walk of it does, and runs follow each other. */
static void check_runs(const struct scene *scene, const struct ws_eye *eye,
		       const runs *found, uint64_t first, uint64_t last)
{
	uint64_t next = first;

	ws_vec_each(found, run) {
		struct ws_trail trail;

		assert_int_equal(run->va, next);
		ws_eye_walk(&scene->paging, eye, run->va, &trail);
		assert_int_equal(trail.end, run->end);
		ws_eye_walk(&scene->paging, eye, run->last, &trail);
		assert_int_equal(trail.end, run->end);
		next = run->last + 1;
	}
	assert_int_equal(next, last + 1);
}

static void test_eye_ranges(void **state)
{
	struct scene made = scene_create(true), *scene = &made;
	struct ws_eye eye = two_windows(scene), one = { .nwindows = 1 }, none = { 0 };
	struct gathered some = { 0 }, same = { 0 }, gap = { 0 };
	uint64_t first = UINT64_C(0x12345678), last = UINT64_C(0xfedcba98);

	(void)state;
	scene->paging.opaque = &scene->arena;
	assert_int_equal(ws_eye_range(&scene->paging, &eye, first, last, WS_RANGE_HOLES,
				      0, gather, &some),
			 WS_OK);
	check_runs(scene, &eye, &some.v, first, last);

	one.window[0] =
		(struct ws_window){ 0, UINT64_MAX, scene->root, scene->paging.format };
	some.v.n = 0;
	assert_int_equal(ws_eye_range(&scene->paging, &one, 0, UINT64_MAX, WS_RANGE_HOLES,
				      0, gather, &some),
			 WS_OK);
	assert_int_equal(ws_range(&scene->paging, scene->root, 0, UINT64_MAX,
				  WS_RANGE_HOLES, 0, gather, &same),
			 WS_OK);
	assert_int_equal(some.v.n, same.v.n);
	assert_memory_equal(some.v.v, same.v.v, same.v.n * sizeof(*same.v.v));

	assert_int_equal(ws_eye_range(&scene->paging, &none, first, last, WS_RANGE_HOLES,
				      0, gather, &gap),
			 WS_OK);
	assert_int_equal(gap.v.n, 1);
	assert_int_equal(gap.v.v[0].va, first);
	assert_int_equal(gap.v.v[0].last, last);
	assert_int_equal(gap.v.v[0].end, WS_END_NONCANONICAL);
	ws_vec_release(&some.v);
	ws_vec_release(&same.v);
	ws_vec_release(&gap.v);
	arena_release(&scene->arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eye_walks),
		cmocka_unit_test(test_eye_ranges),
	};

	return cmocka_run_group_tests_name("eye", tests, NULL, NULL);
}
