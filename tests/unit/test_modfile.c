/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where handlers land: handlers.s as two modules, i386 (REL) and x86-64 (RELA), whole and
 * with bytes of them changed. argv: the two files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/random.h"
#include "whosees.h"

#define MUTATIONS 20000

/* The whole of handlers.s that counts, in its order. */
static const struct ws_handler expected[] = {
	{ "early_trap", ".init.text", WS_LANDS_INIT_TEXT, 0, 1, 4096, 1, 0, NULL, 0 },
	{ "good_handler", ".text", WS_LANDS_TEXT, 0, 12, 4096, 1, 3, "printk\nmemcpy",
	  0 },
	{ "spanning_interrupt", ".text", WS_LANDS_TEXT, 8186, 4110, 2, 3, 0, NULL, 0 },
	{ "bare_nmi", ".text", WS_LANDS_TEXT, 12304, 2, 16, 1, 0, NULL, 0 },
	{ "plain_name", ".entry.text", WS_LANDS_TEXT, 12352, 4, 64, 1, 0, NULL, 1 },
	{ "late_handler", ".exit.text", WS_LANDS_EXIT_TEXT, 12356, 1, 4, 1, 0, NULL, 0 },
	{ "data_isr", ".data", WS_LANDS_DATA, 8, 1, 8, 1, 0, NULL, 0 },
	{ "early_isr", ".init.data", WS_LANDS_INIT_DATA, 0, 1, 4096, 1, 0, NULL, 0 },
};
#define EXPECTED (sizeof(expected) / sizeof(*expected))

static const char *files[2];

struct scene {
	struct ws_context *ctx;
	struct ws_module_file *file;
	const struct ws_handler *handlers;
	size_t n;
};

static struct scene scene_open(const char *path)
{
	struct scene scene = { .ctx = ws_context_create() };

	assert_non_null(scene.ctx);
	assert_int_equal(ws_module_file_open(scene.ctx, path, &scene.file), WS_OK);
	return scene;
}

static void scene_close(struct scene *scene)
{
	ws_module_file_close(scene->file);
	ws_context_destroy(scene->ctx);
}

static enum ws_status ask(struct scene *scene, const char *name)
{
	return ws_module_file_handlers(scene->file, &name, name != NULL, &scene->handlers,
				       &scene->n);
}

static void assert_handler(const struct ws_handler *got, const struct ws_handler *want)
{
	assert_string_equal(got->name, want->name);
	assert_string_equal(got->section, want->section);
	assert_string_equal(ws_landing_name(got->landing),
			    ws_landing_name(want->landing));
	assert_int_equal(got->offset, want->offset);
	assert_int_equal(got->size, want->size);
	assert_int_equal(got->alignment, want->alignment);
	assert_int_equal(got->pages, want->pages);
	assert_int_equal(got->nleaving, want->nleaving);
	assert_int_equal(got->ninit, want->ninit);
	if (want->leaving)
		assert_string_equal(got->leaving, want->leaving);
	else
		assert_null(got->leaving);
}

static void test_all(void **state)
{
	struct scene scene = scene_open(*state);

	assert_int_equal(ask(&scene, NULL), WS_OK);
	assert_int_equal(scene.n, EXPECTED);
	for (size_t i = 0; i < scene.n; i++) {
		const struct ws_handler *want = NULL;

		for (size_t e = 0; e < EXPECTED; e++)
			if (!strcmp(expected[e].name, scene.handlers[i].name))
				want = &expected[e];
		assert_non_null(want);
		assert_handler(&scene.handlers[i], want);
	}
	scene_close(&scene);
}

/* What is named is a handler, whatever it is called and of whatever kind. */
static void test_named(void **state)
{
	struct scene scene = scene_open(*state);

	assert_int_equal(ask(&scene, "of_no_kind"), WS_OK);
	assert_int_equal(scene.n, 1);
	assert_int_equal(scene.handlers[0].landing, WS_LANDS_TEXT);
	assert_int_equal(ask(&scene, "saved_handler"), WS_OK);
	assert_int_equal(scene.handlers[0].landing, WS_LANDS_DATA);
	assert_int_equal(ask(&scene, "unloaded_handler"), WS_OK);
	assert_int_equal(scene.handlers[0].landing, WS_LANDS_NOWHERE);
	scene_close(&scene);
}

static void test_not_there(void **state)
{
	struct scene scene = scene_open(*state);

	assert_int_equal(ask(&scene, "printk"), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(scene.ctx, 0), "takes it from elsewhere"));
	assert_int_equal(scene.n, 0);
	assert_int_equal(ask(&scene, "nobody"), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(scene.ctx, 0), "has no symbol nobody"));
	scene_close(&scene);
}

/* ---- hostile files ---------------------------------------------------------------- */

static size_t load(const char *path, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(bytes, 1, size, file);
	fclose(file);
	assert_in_range(n, 1, size - 1);
	return n;
}

/* Fails with words, or succeeds with handlers that make sense. */
static void try_bytes(const uint8_t *bytes, size_t n)
{
	struct scene scene = { .ctx = ws_context_create() };
	int fd = memfd_create("module", 0);
	char path[64];
	enum ws_status status;

	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = ws_module_file_open(scene.ctx, path, &scene.file);
	if (status == WS_OK)
		status = ask(&scene, NULL);
	if (status != WS_OK)
		assert_non_null(ws_error(scene.ctx, 0));
	for (size_t i = 0; i < scene.n; i++) {
		assert_in_range(scene.handlers[i].landing, 0, WS_LANDS_DATA);
		assert_in_range(scene.handlers[i].alignment, 1, 4096);
		assert_in_range(scene.handlers[i].pages, 1, 1u << 21);
		assert_non_null(scene.handlers[i].name);
	}
	scene_close(&scene);
	close(fd);
}

static void test_changed(void **state)
{
	uint8_t whole[1 << 15], changed[1 << 15];
	size_t n = load(*state, whole, sizeof(whole));
	struct random random = { random_seed() };

	for (unsigned i = 0; i < MUTATIONS; i++) {
		memcpy(changed, whole, n);
		for (unsigned bytes = 1 + random_below(&random, 8); bytes; bytes--) {
			/*
			 * headers are at both ends; what lies between is mostly padding
			 */
			size_t at = random_below(&random, 2)
					    ? random_below(&random, 64)
					    : n - 1 - random_below(&random, n / 3);

			changed[at] = (uint8_t)random_below(&random, 256);
		}
		try_bytes(changed, n);
	}
}

static void test_cut_short(void **state)
{
	uint8_t whole[1 << 15];
	size_t n = load(*state, whole, sizeof(whole));

	for (size_t left = 0; left < n; left += 1 + left / 64)
		try_bytes(whole, left);
}

static const struct {
	const char *title;
	void (*run)(void **state);
} cases[] = {
	{ "every handler, and where it lands", test_all },
	{ "what is named", test_named },
	{ "what is not there", test_not_there },
	{ "bytes changed at random", test_changed },
	{ "cut short at any place", test_cut_short },
};
#define CASES (sizeof(cases) / sizeof(*cases))

int main(int argc, char **argv)
{
	struct CMUnitTest tests[2 * CASES];
	char titles[2 * CASES][80];
	size_t n = 0;

	if (argc != 3)
		return 2;
	for (int f = 0; f < 2; f++)
		for (size_t i = 0; i < CASES; i++, n++) {
			files[f] = argv[1 + f];
			snprintf(titles[n], sizeof(titles[n]), "%s: %s",
				 f ? "x86-64" : "i386", cases[i].title);
			tests[n] =
				(struct CMUnitTest){ .name = titles[n],
						     .test_func = cases[i].run,
						     .initial_state = (void *)files[f] };
		}
	return _cmocka_run_group_tests("modfile", tests, n, NULL, NULL);
}
