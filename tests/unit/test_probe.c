/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every cell of a probe is what a walk of its own gives: on random tables, on spaces that
 * share most of them (as those of one kernel do), on spaces that do not exist.
 */
#include "common/memory.h"
#include "context.h"
#include "linux/linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 96u
#define SPACES 60u
#define ADDRESSES 80u

struct scene {
	struct arena arena;
	struct ws_target target; /* nothing is read from it */
	struct ws_system system;
	struct ws_space spaces[SPACES];
	uint64_t addresses[ADDRESSES];
	struct random random;
};

static struct scene *scene_create(const struct ws_format *format, uint64_t seed)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->random.state = random_seed() + seed;
	scene->arena = arena_create(FRAMES);
	arena_fill(&scene->arena, format, &scene->random);
	scene->system.ctx = ws_context_create();
	scene->target.ctx = scene->system.ctx;
	scene->system.target = &scene->target;
	scene->system.paging = (struct ws_paging){ .format = format,
						   .frame = arena_frame,
						   .opaque = &scene->arena };
	assert_non_null(scene->system.ctx);
	for (unsigned a = 0; a < ADDRESSES; a++)
		scene->addresses[a] = random_va(format, &scene->random);
	scene->addresses[1] = scene->addresses[0]; /* asked twice */
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	ws_context_destroy(scene->system.ctx);
	arena_release(&scene->arena);
	free(scene);
}

/* Roots anywhere, outside memory too, with flag bits below the address. */
static void strange_roots(struct scene *scene)
{
	for (unsigned s = 0; s < SPACES; s++) {
		scene->spaces[s].root =
			random_below(&scene->random, (FRAMES + 8) * WS_FRAME_SIZE);
		scene->spaces[s].kind = (uint8_t)random_below(&scene->random, 5);
	}
}

/* Each root a copy of the first, in which a few bytes differ. */
static void like_roots(struct scene *scene)
{
	uint8_t *first = scene->arena.bytes;

	for (unsigned s = 0; s < SPACES; s++) {
		uint8_t *root = first + s * WS_FRAME_SIZE;

		scene->spaces[s].root = s * WS_FRAME_SIZE;
		scene->spaces[s].kind = s % 3 ? WS_SPACE_PROCESS : WS_SPACE_USER;
		if (s)
			memcpy(root, first, WS_FRAME_SIZE);
		for (unsigned i = 0; s && i < 20; i++)
			root[random_below(&scene->random, WS_FRAME_SIZE)] ^= 1;
	}
}

static void check_cell(const struct scene *scene, const struct ws_matrix *matrix,
		       size_t s, size_t a)
{
	uint32_t id = matrix->cell[s * matrix->naddresses + a];
	const struct ws_outcome *outcome = &matrix->outcome[id];
	struct ws_trail trail;

	assert_true(id < matrix->noutcomes);
	ws_walk(&scene->system.paging, scene->spaces[s].root, scene->addresses[a],
		&trail);
	assert_int_equal(outcome->end, trail.end);
	if (trail.nsteps)
		assert_int_equal(outcome->level, trail.nsteps - 1);
	if (trail.end != WS_END_PAGE)
		return;
	assert_int_equal(outcome->pa, trail.pa);
	assert_int_equal(outcome->page_shift, trail.page_shift);
	assert_int_equal(outcome->access, trail.access);
}

static bool same_outcome(const struct ws_outcome *a, const struct ws_outcome *b)
{
	return a->pa == b->pa && a->end == b->end && a->level == b->level &&
	       a->page_shift == b->page_shift && a->access == b->access;
}

/* Like outcomes are one outcome: that is what a cell is small for. */
static void check_outcomes(const struct ws_matrix *matrix)
{
	for (size_t i = 0; i < matrix->noutcomes; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(
				same_outcome(&matrix->outcome[i], &matrix->outcome[k]));
}

static void compare(const struct ws_format *format, void (*roots)(struct scene *))
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct scene *scene = scene_create(format, seed);
		struct ws_matrix matrix;

		roots(scene);
		assert_int_equal(ws_probe(&scene->system, scene->spaces, SPACES,
					  scene->addresses, ADDRESSES, &matrix),
				 WS_OK);
		assert_int_equal(matrix.nspaces, SPACES);
		assert_int_equal(matrix.naddresses, ADDRESSES);
		for (size_t s = 0; s < SPACES; s++)
			for (size_t a = 0; a < ADDRESSES; a++)
				check_cell(scene, &matrix, s, a);
		check_outcomes(&matrix);
		ws_matrix_release(&matrix);
		scene_destroy(scene);
	}
}

static void test_strange(void **state)
{
	compare(*state, strange_roots);
}

static void test_like(void **state)
{
	compare(*state, like_roots);
}

static void test_nothing(void **state)
{
	struct scene *scene = scene_create(*state, 0);
	struct ws_matrix matrix;

	strange_roots(scene);
	assert_int_equal(ws_probe(&scene->system, scene->spaces, 0, scene->addresses,
				  ADDRESSES, &matrix),
			 WS_OK);
	assert_int_equal(matrix.noutcomes, 0);
	ws_matrix_release(&matrix);
	assert_int_equal(
		ws_probe(&scene->system, scene->spaces, SPACES, NULL, 0, &matrix), WS_OK);
	assert_int_equal(matrix.noutcomes, 0);
	ws_matrix_release(&matrix);
	scene_destroy(scene);
}

static void test_too_many(void **state)
{
	struct scene *scene = scene_create(*state, 0);
	struct ws_matrix matrix;

	assert_int_equal(ws_probe(&scene->system, scene->spaces, SIZE_MAX / 2,
				  scene->addresses, 3, &matrix),
			 WS_ERR_USAGE);
	assert_non_null(ws_error(scene->system.ctx, 0));
	scene_destroy(scene);
}

/* What was filled in is released: who is told of an error has nothing to release. */
static void test_not_looked(void **state)
{
	struct scene *scene = scene_create(*state, 0);
	struct ws_matrix matrix;

	like_roots(scene);
	scene->target.file.path = "a target";
	scene->target.why = "it is gone";
	scene->target.failed = true;
	assert_int_equal(ws_probe(&scene->system, scene->spaces, SPACES, scene->addresses,
				  ADDRESSES, &matrix),
			 WS_ERR_SYSTEM);
	assert_non_null(strstr(ws_error(scene->system.ctx, 0), "it is gone"));
	assert_null(matrix.cell);
	assert_null(matrix.outcome);
	scene_destroy(scene);
}

static const struct {
	const char *title;
	void (*run)(void **state);
} cases[] = {
	{ "cells are walks, roots anywhere", test_strange },
	{ "cells are walks, roots that are alike", test_like },
	{ "no spaces, no addresses", test_nothing },
	{ "more cells than can be", test_too_many },
	{ "memory that could not be looked at", test_not_looked },
};

int main(void)
{
	const unsigned ncases = sizeof(cases) / sizeof(*cases);
	struct CMUnitTest tests[128];
	char title[128][80];
	unsigned n = 0;

	for (unsigned f = 0; ws_format_at(f); f++) {
		for (unsigned i = 0; i < ncases && n < 128; i++, n++) {
			const struct ws_format *format = ws_format_at(f);

			snprintf(title[n], sizeof(title[n]), "%s: %s",
				 ws_format_name(format), cases[i].title);
			tests[n] = (struct CMUnitTest){ .name = title[n],
							.test_func = cases[i].run,
							.initial_state = (void *)format };
		}
	}
	return _cmocka_run_group_tests("probe", tests, n, NULL, NULL);
}
