/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kallsyms as every kernel since 2.6 could have written them, found with VMCOREINFO and
 * by shape, whole and damaged; files of symbols against them; and the questions asked.
 */
#include "fake_kernel.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/memory.h"
#include "common/random.h"
#include "linux/kallsyms.h"
#include "linux/members.h"
#include "linux/symtab.h"
#include "util/bits.h"

#define NSYMBOLS 700u
#define TABLES_AT 0x80000 /* from the image's first byte; code lies before */

/* ---- a kernel with symbols -------------------------------------------------------- */

struct scene {
	struct fake_kernel kernel;
	struct fake_symbol symbol[NSYMBOLS];
	char name[NSYMBOLS][WS_SYMBOL_NAME_MAX];
	uint32_t n;
	struct fake_tables tables;
};

static void add_symbol(struct scene *scene, uint64_t va, char type, const char *name)
{
	snprintf(scene->name[scene->n], sizeof(scene->name[0]), "%s", name);
	scene->symbol[scene->n] = (struct fake_symbol){ va, type, scene->name[scene->n] };
	scene->n++;
}

/* Names of many shapes, the longest of them longer than one byte of length can say. */
static void symbols_fill(struct scene *scene, bool percpu)
{
	static const char *const forms[] = { "sys_call_%u", "do_page_fault_%u",
					     "asm_exc_%u", "x%u", "initcall.%u.cold" };
	uint64_t text = scene->kernel.image;
	char name[WS_SYMBOL_NAME_MAX];

	if (percpu)
		for (unsigned i = 0; i < 20; i++) {
			snprintf(name, sizeof(name), "percpu_%u", i);
			add_symbol(scene, 0x100 * i, 'A', name);
		}
	add_symbol(scene, text, 'T', "_stext");
	for (unsigned i = 0; scene->n < NSYMBOLS - 4; i++) {
		snprintf(name, sizeof(name), forms[i % 5], i);
		add_symbol(scene, text + 0x100 + 0x80 * i, i % 3 ? 't' : 'T', name);
	}
	memset(name, 'Q', 300);
	name[300] = '\0';
	add_symbol(scene, text + 0x60000, 't', name);
	add_symbol(scene, text + 0x60010, 'T', "alias_first");
	add_symbol(scene, text + 0x60010, 't', "alias_second");
	add_symbol(scene, text + 0x60020, 'D', "some_data");
}

static struct scene *scene_create(unsigned word, enum fake_kallsyms kind, bool vmcoreinfo)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	fake_create(&scene->kernel, word);
	symbols_fill(scene, kind == FAKE_PERCPU);
	scene->tables = fake_kallsyms(&scene->kernel, scene->kernel.image + TABLES_AT,
				      kind, scene->symbol, scene->n);
	if (vmcoreinfo)
		fake_vmcoreinfo(&scene->kernel, kind, &scene->tables);
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	fake_destroy(&scene->kernel);
	free(scene);
}

static const char *message(const struct scene *scene)
{
	const char *text = ws_error(scene->kernel.system.ctx, 0);

	return text ? text : "";
}

static bool noted(const struct scene *scene, const char *part)
{
	ws_vec_each(&scene->kernel.system.notes, note)
		if (strstr(*note, part))
			return true;
	return false;
}

/* How many of the scene's symbols the system has, each at its place. */
static uint32_t symbols_right(struct scene *scene)
{
	struct ws_system *system = &scene->kernel.system;
	const struct ws_symtab *symtab;
	uint32_t right = 0, entry;

	assert_int_equal(ws_symbols_load(system), WS_OK);
	symtab = system->symtab;
	for (uint32_t i = 0; i < scene->n; i++) {
		const struct fake_symbol *symbol = &scene->symbol[i];

		entry = ws_symtab_first(symtab, symbol->name, strlen(symbol->name));
		right += entry != WS_NO_ENTRY &&
			 symtab->entries.v[entry].va == symbol->va &&
			 symtab->entries.v[entry].type == symbol->type;
	}
	return right;
}

/* ---- every layout ----------------------------------------------------------------- */

static void check_layouts(unsigned word, bool vmcoreinfo)
{
	for (int kind = 0; kind < FAKE_KALLSYMS_KINDS; kind++) {
		struct scene *scene;

		/* i386 has no per-CPU symbols to keep apart: x86-64 SMP alone did */
		if (kind == FAKE_PERCPU && word == 4)
			continue;
		scene = scene_create(word, kind, vmcoreinfo);
		assert_int_equal(symbols_right(scene), scene->n);
		assert_int_equal(scene->kernel.system.symtab->entries.n, scene->n);
		assert_int_equal(scene->kernel.system.notes.n, 0);
		scene_destroy(scene);
	}
}

static void test_layouts_vmcoreinfo(void **state)
{
	(void)state;
	check_layouts(4, true);
	check_layouts(8, true);
}

static void test_layouts_by_shape(void **state)
{
	(void)state;
	check_layouts(4, false);
	check_layouts(8, false);
}

/* The digits and the tables may lie anywhere, astride frames too. */
static void test_by_shape_anywhere(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 2 * WS_FRAME_SIZE; shift += 488) {
		struct scene *scene = calloc(1, sizeof(*scene));

		fake_create(&scene->kernel, 8);
		symbols_fill(scene, false);
		fake_kallsyms(&scene->kernel, scene->kernel.image + TABLES_AT + shift,
			      FAKE_RELATIVE, scene->symbol, scene->n);
		assert_int_equal(symbols_right(scene), scene->n);
		scene_destroy(scene);
	}
}

/* ---- damage ----------------------------------------------------------------------- */

/* The tables are refused, and said so, where damage is seen; nothing is half loaded. */
static void check_refused(struct scene *scene, const char *why)
{
	struct ws_symbol symbol;

	assert_int_equal(symbols_right(scene), 0);
	assert_int_equal(scene->kernel.system.symtab->entries.n, 0);
	assert_true(noted(scene, why));
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "_stext", &symbol),
			 WS_ERR_UNKNOWN);
	assert_non_null(strstr(message(scene), "none was found"));
	scene_destroy(scene);
}

static void test_number_absurd(void **state)
{
	static const uint32_t numbers[] = { 0, (1 << 21) + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

		fake_put32(&scene->kernel, scene->tables.num, numbers[i]);
		check_refused(scene, "number of symbols is absurd");
	}
}

static void test_number_past_the_end(void **state)
{
	struct scene *scene = scene_create(4, FAKE_REORDERED, true);

	(void)state;
	fake_put32(&scene->kernel, scene->tables.num, 1 << 21);
	check_refused(scene, "cannot be read");
}

static void test_name_length_past_the_end(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

	(void)state;
	/* 16383 tokens: longer than a name can be, if not longer than memory */
	memset(fake_at(&scene->kernel, scene->tables.names), 0xff, 2);
	check_refused(scene, "the names cannot be read");
}

static void test_name_empty(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

	(void)state;
	*fake_at(&scene->kernel, scene->tables.names) = 0;
	check_refused(scene, "the names cannot be read");
}

/*
 * Names that are overwritten in the middle: those well before are reported, and it is
 * said.
 */
static void test_names_damaged_later(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	struct ws_symtab *symtab;
	struct ws_symbol symbol;

	(void)state;
	memset(fake_at(&scene->kernel, scene->tables.names_end - 1000), 0, 1000);
	assert_int_equal(symbols_right(scene), 256);
	symtab = scene->kernel.system.symtab;
	assert_int_equal(symtab->entries.n, 256);
	assert_int_equal(symtab->count[WS_FROM_KALLSYMS].functions, 256);
	assert_true(
		noted(scene, "kallsyms is damaged: of 700 symbols only the first 256"));
	assert_int_equal(ws_symbol_find(&scene->kernel.system, scene->name[255], &symbol),
			 WS_OK);
	assert_int_equal(symbol.va, scene->symbol[255].va);
	scene_destroy(scene);
}

static void test_token_index_out_of_range(void **state)
{
	struct scene *scene = scene_create(4, FAKE_RELATIVE, true);

	(void)state;
	memset(fake_at(&scene->kernel, scene->tables.token_index + 2 * 'y'), 0xff, 2);
	check_refused(scene, "contradict each other");
}

/* A name that would talk to the terminal it is printed on. */
static void test_token_of_control_characters(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	uint16_t at;

	(void)state;
	at = ws_le16(fake_at(&scene->kernel, scene->tables.token_index + 2 * '_'));
	*fake_at(&scene->kernel, scene->tables.token_table + at) = '\033';
	check_refused(scene, "contradict each other");
}

static void test_addresses_unsorted(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	struct random random = { random_seed() };

	(void)state;
	for (uint32_t i = 0; i < scene->n; i++)
		fake_put32(&scene->kernel, scene->tables.addresses + 4 * i,
			   random_below(&random, FAKE_AREA));
	check_refused(scene, "addresses do not lie");
}

static void test_addresses_outside_image(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

	(void)state;
	fake_put_word(&scene->kernel, scene->tables.base, UINT64_C(0xffff888000000000));
	check_refused(scene, "addresses do not lie");
}

static void test_vmcoreinfo_wrong_shape_right(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

	(void)state;
	scene->tables.names += 1;
	fake_vmcoreinfo(&scene->kernel, FAKE_RELATIVE, &scene->tables);
	assert_int_equal(symbols_right(scene), scene->n);
	assert_true(noted(scene, "where VMCOREINFO has it"));
	scene_destroy(scene);
}

static void test_stext_disagrees(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	char *text;

	(void)state;
	assert_true(asprintf(&text, "%sSYMBOL(_stext)=ffffffff81000040\n",
			     scene->kernel.system.vmcoreinfo) > 0);
	free(scene->kernel.system.vmcoreinfo);
	scene->kernel.system.vmcoreinfo = text;
	check_refused(scene, "_stext is not where");
}

static uint8_t *name_at(struct scene *scene, uint32_t i)
{
	uint8_t *name = fake_at(&scene->kernel, scene->tables.names);

	while (i--)
		name += 1 + *name;
	return name;
}

/*
 * Two names become one, and far behind them one becomes two: there are as many as before,
 * and they end where they did, but all between have the place of the name before.
 */
static void test_names_in_step_with_markers(void **state)
{
	(void)state;
	for (int kind = 0; kind < FAKE_KALLSYMS_KINDS; kind++) {
		struct scene *scene = scene_create(8, kind, true);
		uint8_t *two = name_at(scene, 300), *one = name_at(scene, 600);
		uint32_t right;

		*two += 1 + two[1 + *two];
		one[3] = *one - 3;
		one[4] = 't';
		*one = 2;
		right = symbols_right(scene);
		assert_int_equal(scene->kernel.system.symtab->entries.n, right);
		assert_true(scene->kernel.system.symtab->partial);
		scene_destroy(scene);
	}
}

/* ---- which addresses are believed ------------------------------------------------- */

#define PAGES 6u
#define A_PAGE (WS_FRAME_SIZE / 4u)

struct addresses {
	struct fake_kernel kernel;
	struct ws_kallsyms tables;
	uint32_t raw[PAGES * A_PAGE];
	uint8_t memory[PAGES * WS_FRAME_SIZE]; /* the same, as it lies there */
	uint8_t *believed;
};

static const uint8_t *in_memory(struct addresses *a)
{
	for (uint32_t i = 0; i < PAGES * A_PAGE; i++)
		put_little(a->memory + 4ul * i, 4, a->raw[i]);
	return a->memory;
}

/* n of them, the first as far into a page as `into` says. */
static struct addresses *addresses_create(uint32_t into, uint32_t n)
{
	struct addresses *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	fake_create(&a->kernel, 4);
	a->tables = (struct ws_kallsyms){ .addresses = 4ul * into,
					  .base = a->kernel.image,
					  .has_base = true,
					  .num = n };
	for (uint32_t i = 0; i < n; i++)
		a->raw[i] = 0x100 + 0x20 * i;
	assert_true(ws_kallsyms_encoding(&a->kernel.system, &a->tables, in_memory(a)));
	return a;
}

static void addresses_destroy(struct addresses *a)
{
	fake_destroy(&a->kernel);
	free(a->believed);
	free(a);
}

/* All but these two pages are. */
static void expect_believed(struct addresses *a, unsigned damaged, unsigned twin)
{
	assert_true(ws_kallsyms_believe(&a->kernel.system, &a->tables, in_memory(a),
					&a->believed));
	for (unsigned p = 0; p < PAGES; p++)
		assert_int_equal(a->believed[p], p != damaged && p != twin);
}

static void test_addresses_that_are_a_fill(void **state)
{
	(void)state;
	for (unsigned damaged = 0; damaged < PAGES; damaged++)
		for (unsigned fill = 0; fill <= 0xff; fill += 0xff) {
			struct addresses *a = addresses_create(0, PAGES * A_PAGE);

			memset(a->raw + damaged * A_PAGE, (int)fill, WS_FRAME_SIZE);
			expect_believed(a, damaged, damaged);
			addresses_destroy(a);
		}
}

static void test_addresses_in_disorder(void **state)
{
	(void)state;
	for (unsigned damaged = 0; damaged < PAGES; damaged++) {
		struct addresses *a = addresses_create(0, PAGES * A_PAGE);

		a->raw[damaged * A_PAGE + 500] = a->raw[damaged * A_PAGE + 499] - 1;
		expect_believed(a, damaged, damaged);
		addresses_destroy(a);
	}
}

/* Of a page and its copy either may be the one that was overwritten. */
static void test_addresses_of_a_neighbour(void **state)
{
	(void)state;
	for (unsigned damaged = 0; damaged + 1 < PAGES; damaged++)
		for (unsigned back = 0; back < 2; back++) {
			struct addresses *a = addresses_create(0, PAGES * A_PAGE);

			memcpy(a->raw + (damaged + back) * A_PAGE,
			       a->raw + (damaged + !back) * A_PAGE, WS_FRAME_SIZE);
			expect_believed(a, damaged, damaged + 1);
			addresses_destroy(a);
		}
}

/* One from farther off is out of order with more than one other. */
static void test_addresses_from_farther_off(void **state)
{
	struct addresses *a = addresses_create(0, PAGES * A_PAGE);

	(void)state;
	memcpy(a->raw + 4ul * A_PAGE, a->raw, WS_FRAME_SIZE);
	expect_believed(a, 4, 4);
	addresses_destroy(a);
}

/* One address has many names, and the first has some. */
static void test_addresses_alike(void **state)
{
	struct addresses *a = addresses_create(0, PAGES * A_PAGE);

	(void)state;
	for (unsigned i = 0; i < A_PAGE; i++)
		a->raw[2 * A_PAGE + i] = a->raw[2 * A_PAGE];
	expect_believed(a, PAGES, PAGES);
	addresses_destroy(a);
	for (unsigned alike = 7; alike <= 8; alike++) {
		a = addresses_create(A_PAGE - alike, (PAGES - 1) * A_PAGE + alike);
		memset(a->raw, 0, 4ul * alike);
		expect_believed(a, alike == 8 ? 0 : PAGES, PAGES);
		addresses_destroy(a);
	}
}

/* What lies behind the last symbol before a gap may be another's, but not itself. */
static void test_at_gap(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const uint32_t last = 300; /* so many lie in the first page */
	struct ws_system *system = &scene->kernel.system;
	struct ws_symbol symbol;

	(void)state;
	fake_create(&scene->kernel, 4);
	symbols_fill(scene, false);
	scene->tables =
		fake_kallsyms(&scene->kernel,
			      scene->kernel.image + TABLES_AT + WS_FRAME_SIZE - 4 * last,
			      FAKE_RELATIVE, scene->symbol, scene->n);
	fake_vmcoreinfo(&scene->kernel, FAKE_RELATIVE, &scene->tables);
	fake_put32(&scene->kernel, scene->tables.addresses + 4 * 400, 0x1000);
	assert_int_equal(symbols_right(scene), last);
	assert_int_equal(system->symtab->entries.n, last);
	assert_true(noted(scene, "the addresses of 400 of 700 symbols are out of order"));
	assert_int_equal(ws_symbol_find(system, scene->name[400], &symbol),
			 WS_ERR_UNKNOWN);
	assert_int_equal(ws_symbol_at(system, scene->symbol[last - 1].va, &symbol),
			 WS_OK);
	assert_int_equal(ws_symbol_at(system, scene->symbol[last - 1].va + 1, &symbol),
			 WS_ERR_UNKNOWN);
	assert_int_equal(ws_symbol_at(system, scene->symbol[last - 2].va + 1, &symbol),
			 WS_OK);
	scene_destroy(scene);
}

/* Nothing to assert but that it ends and that the sanitizers stay silent. */
static void test_random_damage(void **state)
{
	struct random random = { random_seed() };

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct scene *scene = scene_create(
			round & 1 ? 4 : 8,
			round % 5 == FAKE_PERCPU ? FAKE_PLACE : round % 5, round & 2);
		unsigned span = 24u << 10;

		for (unsigned i = random_below(&random, 40); i--;)
			*fake_at(&scene->kernel, scene->kernel.image + TABLES_AT +
							 random_below(&random, span)) =
				random_next(&random);
		symbols_right(scene);
		assert_true(scene->kernel.system.symtab->entries.n <= scene->n ||
			    scene->kernel.system.symtab->entries.n <= 1 << 21);
		scene_destroy(scene);
	}
}

/* ---- questions -------------------------------------------------------------------- */

static void test_find_and_at(void **state)
{
	struct scene *scene = scene_create(4, FAKE_RELATIVE, true);
	struct ws_system *system = &scene->kernel.system;
	uint64_t image = scene->kernel.image;
	struct ws_symbol symbol;

	(void)state;
	assert_int_equal(ws_symbol_find(system, "some_data", &symbol), WS_OK);
	assert_int_equal(symbol.va, image + 0x60020);
	assert_int_equal(symbol.type, 'D');
	assert_null(symbol.module);
	assert_int_equal(ws_symbol_at(system, image + 0x60012, &symbol), WS_OK);
	assert_string_equal(symbol.name, "alias_first");
	assert_int_equal(ws_symbol_at(system, image + FAKE_AREA - 1, &symbol), WS_OK);
	assert_string_equal(symbol.name, "some_data");
	assert_int_equal(ws_symbol_at(system, image, &symbol), WS_OK);
	assert_string_equal(symbol.name, "_stext");
	assert_int_equal(ws_symbol_at(system, image - 1, &symbol), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(message(scene), "neither in the kernel image"));
	assert_int_equal(ws_symbol_find(system, "no_such", &symbol), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(message(scene), "no symbol 'no_such' in kallsyms (699 "
					       "functions, 1 other symbol), 0 modules"));
	assert_int_equal(ws_symbol_find(system, "loop:x", &symbol), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(message(scene), "no module 'loop' among the 0"));
	scene_destroy(scene);
}

static void test_ambiguous_name(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct ws_symbol symbol;

	(void)state;
	fake_create(&scene->kernel, 8);
	symbols_fill(scene, false);
	strcpy(scene->name[10], "twice");
	scene->symbol[10].type = 't';
	strcpy(scene->name[20], "twice");
	scene->symbol[20].type = 'T';
	strcpy(scene->name[30], "static_twice");
	scene->symbol[30].type = 't';
	strcpy(scene->name[40], "static_twice");
	scene->symbol[40].type = 't';
	fake_kallsyms(&scene->kernel, scene->kernel.image + TABLES_AT, FAKE_RELATIVE,
		      scene->symbol, scene->n);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(ws_symbol_find(&scene->kernel.system, "twice", &symbol),
				 WS_OK);
		assert_int_equal(symbol.va, scene->symbol[20].va);
		assert_int_equal(
			ws_symbol_find(&scene->kernel.system, "static_twice", &symbol),
			WS_OK);
		assert_int_equal(symbol.va, scene->symbol[30].va);
	}
	assert_int_equal(scene->kernel.system.notes.n, 2);
	assert_true(noted(scene, "'twice' is the name of 2 places"));
	scene_destroy(scene);
}

/* ---- System.map ------------------------------------------------------------------- */

struct map_file {
	char path[32];
	FILE *to;
};

static struct map_file map_begin(void)
{
	struct map_file file = { .path = "/tmp/whosees-map-XXXXXX" };
	int fd = mkstemp(file.path);

	assert_true(fd >= 0);
	file.to = fdopen(fd, "w");
	assert_non_null(file.to);
	return file;
}

/* The scene's functions as linked `shift` below where they run, and one data symbol. */
static struct map_file map_of(const struct scene *scene, uint64_t shift)
{
	struct map_file file = map_begin();

	for (uint32_t i = 0; i < scene->n; i++)
		if (scene->symbol[i].type != 'D')
			fprintf(file.to, "%016lx %c %s\n", scene->symbol[i].va - shift,
				scene->symbol[i].type, scene->symbol[i].name);
	fprintf(file.to, "%016lx D only_in_map\n", scene->kernel.image + 0x70000 - shift);
	return file;
}

static enum ws_status load_with(struct scene *scene, struct map_file *file)
{
	enum ws_status status;

	fclose(file->to);
	scene->kernel.system.options.system_map = file->path;
	status = ws_symbols_load(&scene->kernel.system);
	unlink(file->path);
	return status;
}

static void test_map_shifted(void **state)
{
	static const uint64_t shifts[] = { 0, 0x1000000, -UINT64_C(0x2000000) };

	(void)state;
	for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
		struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
		struct map_file file = map_of(scene, shifts[i]);
		struct ws_symbol symbol;

		assert_int_equal(load_with(scene, &file), WS_OK);
		assert_int_equal(symbols_right(scene), scene->n);
		/* what both say is there once */
		assert_int_equal(scene->kernel.system.symtab->entries.n, scene->n + 1);
		assert_int_equal(
			ws_symbol_find(&scene->kernel.system, "only_in_map", &symbol),
			WS_OK);
		assert_int_equal(symbol.va, scene->kernel.image + 0x70000);
		assert_int_equal(scene->kernel.system.notes.n, 0);
		scene_destroy(scene);
	}
}

static void test_map_of_another_kernel(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	struct random random = { random_seed() };
	struct map_file file = map_begin();
	uint64_t va = scene->kernel.image;

	(void)state;
	for (uint32_t i = 0; i < scene->n; i++)
		fprintf(file.to, "%lx T %s\n", va += 16 + random_below(&random, 64) * 16,
			scene->symbol[i].name);
	assert_int_equal(load_with(scene, &file), WS_ERR_MALFORMED);
	assert_non_null(strstr(message(scene), "is not of this kernel"));
	assert_null(scene->kernel.system.symtab);
	scene_destroy(scene);
}

/* The same kernel linked a few bytes apart is another one: KASLR moves whole pages. */
static void test_map_a_little_off(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	struct map_file file = map_of(scene, 0x14);

	(void)state;
	assert_int_equal(load_with(scene, &file), WS_ERR_MALFORMED);
	assert_non_null(strstr(message(scene), "0x14 bytes further"));
	scene_destroy(scene);
}

static void test_map_too_small(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);
	struct map_file file = map_begin();

	(void)state;
	for (uint32_t i = 0; i < 15; i++)
		fprintf(file.to, "%lx T %s\n", scene->symbol[i].va,
			scene->symbol[i].name);
	assert_int_equal(load_with(scene, &file), WS_ERR_MALFORMED);
	assert_non_null(strstr(message(scene), "shares 15 names"));
	scene_destroy(scene);
}

/* Without kallsyms: VMCOREINFO's own symbols say where the kernel is. */
static void test_map_by_vmcoreinfo(void **state)
{
	struct scene *scene = scene_create(8, FAKE_RELATIVE, false);
	struct map_file file = map_of(scene, 0x1000000);
	struct ws_symbol symbol;

	(void)state;
	memset(fake_at(&scene->kernel, scene->tables.token_table), 0, 64);
	assert_true(asprintf(&scene->kernel.system.vmcoreinfo,
			     "SYMBOL(_stext)=%lx\nSYMBOL(%s)=%lx\nSYMBOL(%s)=%lx\n"
			     "SYMBOL(some_data)=%lx\nSYMBOL(only_in_map)=%lx\n",
			     scene->kernel.image, scene->name[5], scene->symbol[5].va,
			     scene->name[6], scene->symbol[6].va,
			     scene->kernel.image + 0x60020,
			     scene->kernel.image + 0x70000) > 0);
	assert_int_equal(load_with(scene, &file), WS_OK);
	assert_true(noted(scene, "compared in 4 symbols only"));
	assert_int_equal(ws_symbol_find(&scene->kernel.system, scene->name[7], &symbol),
			 WS_OK);
	assert_int_equal(symbol.va, scene->symbol[7].va);
	scene_destroy(scene);
}

static void check_map_refused(const char *text, size_t len, const char *why)
{
	struct scene *scene = scene_create(4, FAKE_RELATIVE, true);
	struct map_file file = map_begin();

	fwrite(text, 1, len, file.to);
	assert_int_not_equal(load_with(scene, &file), WS_OK);
	assert_non_null(strstr(message(scene), why));
	scene_destroy(scene);
}

static void test_map_bad_lines(void **state)
{
	/* the text that Debian puts in place of the real file */
	static const char debian[] = "ffffffffffffffff B The real System.map is in the "
				     "linux-image-<version>-dbg package\n";
	static const char *const bad[] = {
		debian,
		"c1000000 T\n",
		"c1000000\n",
		"T _stext\n",
		"c1000000 TT _stext\n",
		"c1000000 3 _stext\n",
		"-1 T _stext\n",
		"11112222333344445 T _stext\n",
		"c1000000 T \033[2J\n",
		"c100000z T _stext\n",
	};
	char line[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_map_refused(bad[i], strlen(bad[i]), "line 1 is not");
	check_map_refused("c1000000 T _stext\n\nnonsense\n", 28, "line 3 is not");
	check_map_refused("", 0, "names no symbol");
	check_map_refused("0000 T _stext\n0000 t x\n", 23, "every address is 0");
	memset(line, 'a', sizeof(line));
	check_map_refused(line, sizeof(line), "line 1 is not");
	memset(line, 0, sizeof(line));
	check_map_refused(line, sizeof(line), "line 1 is not");
}

static void test_map_garbage(void **state)
{
	struct random random = { random_seed() };
	char bytes[4096];

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = random_next(&random);
		check_map_refused(bytes, sizeof(bytes), "is not \"address type name\"");
	}
}

static void test_map_missing(void **state)
{
	static const char *const paths[] = { "/nonexistent/System.map", "/tmp" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = scene_create(4, FAKE_RELATIVE, true);

		scene->kernel.system.options.system_map = paths[i];
		assert_int_equal(ws_symbols_load(&scene->kernel.system),
				 WS_ERR_UNREADABLE);
		assert_non_null(strstr(message(scene), paths[i]));
		scene_destroy(scene);
	}
}

/* ---- vmlinux ---------------------------------------------------------------------- */

/* This program is an ELF file with symbols as good as any kernel. */
static void test_elf_symbols(void **state)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_symtab *map = ws_symtab_create(ctx);
	uint32_t entry;

	(void)state;
	assert_int_equal(ws_vmlinux_read("/proc/self/exe", map), WS_OK);
	assert_int_equal(ws_symtab_seal(map), WS_OK);
	entry = ws_symtab_first(map, "main", 4);
	assert_int_not_equal(entry, WS_NO_ENTRY);
	assert_int_equal(map->entries.v[entry].type, 'T');
	entry = ws_symtab_first(map, "test_elf_symbols", 16);
	assert_int_not_equal(entry, WS_NO_ENTRY);
	assert_int_equal(map->entries.v[entry].type, 't');
	ws_symtab_destroy(map);
	ws_context_destroy(ctx);
}

/* The least that has a symbol: the first behind the null symbol is one as well. */
static void test_elf_of_one_symbol(void **state)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Shdr section[3];
		Elf64_Sym symbol[2];
		char names[8];
	} elf = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					       ? ELFDATA2LSB
					       : ELFDATA2MSB,
				       EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_shoff = sizeof(elf.head),
			  .e_ehsize = sizeof(elf.head),
			  .e_shentsize = sizeof(*elf.section),
			  .e_shnum = 3,
			  .e_shstrndx = 2 },
		.section = { [1] = { .sh_type = SHT_SYMTAB,
				     .sh_offset = sizeof(elf.head) + sizeof(elf.section),
				     .sh_size = sizeof(elf.symbol),
				     .sh_entsize = sizeof(*elf.symbol),
				     .sh_link = 2,
				     .sh_info = 1 },
			     [2] = { .sh_type = SHT_STRTAB,
				     .sh_offset = sizeof(elf) - sizeof(elf.names),
				     .sh_size = sizeof(elf.names) } },
		.symbol = { [1] = { .st_name = 1,
				    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				    .st_shndx = SHN_ABS,
				    .st_value = 0x1234 } },
		.names = "\0_text",
	};
	struct ws_context *ctx = ws_context_create();
	struct ws_symtab *map = ws_symtab_create(ctx);
	struct map_file file = map_begin();

	(void)state;
	assert_int_equal(fwrite(&elf, sizeof(elf), 1, file.to), 1);
	fclose(file.to);
	assert_int_equal(ws_vmlinux_read(file.path, map), WS_OK);
	unlink(file.path);
	assert_int_equal(map->entries.n, 1);
	assert_int_equal(map->entries.v[0].va, 0x1234);
	ws_symtab_destroy(map);
	ws_context_destroy(ctx);
}

static void test_elf_refused(void **state)
{
	struct map_file file = map_begin();
	struct scene *scene = scene_create(8, FAKE_RELATIVE, true);

	(void)state;
	fputs("this is no ELF file", file.to);
	fclose(file.to);
	scene->kernel.system.options.vmlinux = file.path;
	assert_int_equal(ws_symbols_load(&scene->kernel.system), WS_ERR_MALFORMED);
	assert_non_null(strstr(message(scene), "is not an ELF file"));
	unlink(file.path);
	ws_error_clear(scene->kernel.system.ctx);
	assert_int_equal(ws_symbols_load(&scene->kernel.system), WS_ERR_UNREADABLE);
	/* an ELF file, but of another program */
	scene->kernel.system.options.vmlinux = "/proc/self/exe";
	ws_error_clear(scene->kernel.system.ctx);
	assert_int_equal(ws_symbols_load(&scene->kernel.system), WS_ERR_MALFORMED);
	assert_non_null(strstr(message(scene), "shares 0 names"));
	scene_destroy(scene);
}

/* ---- types ------------------------------------------------------------------------ */

struct list_head {
	struct list_head *next, *prev;
};

/* Members of the kernel's names, for the DWARF of this very file. */
struct task_struct {
	long state;
	struct list_head tasks;
	unsigned flags;
	struct {
		void *mm, *active_mm;
	};
	int pid;
	char comm[16];
};

struct mm_struct {
	struct {
		int count;
		union {
			void *pgd;
			long other;
		};
	};
};

struct module {
	int state;
	struct list_head list;
	char name[56];
	long mem[7];
};

static void test_dwarf_members(void **state)
{
	static struct task_struct task;
	static struct mm_struct mm;
	static struct module module;
	struct ws_context *ctx = ws_context_create();
	struct ws_members members;

	(void)state;
	/* an unused type would leave no trace in DWARF */
	assert_int_equal(task.pid + mm.count + module.state, 0);
	ws_members_init(&members);
	assert_int_equal(ws_dwarf_members(ctx, "/proc/self/exe", &members), WS_OK);
	assert_string_equal(members.source, "DWARF");
	assert_int_equal(members.offset[WS_TASK_COMM],
			 offsetof(struct task_struct, comm));
	assert_int_equal(members.offset[WS_TASK_MM], offsetof(struct task_struct, mm));
	assert_int_equal(members.offset[WS_TASK_ACTIVE_MM],
			 offsetof(struct task_struct, active_mm));
	assert_int_equal(members.offset[WS_TASK_PID], offsetof(struct task_struct, pid));
	assert_int_equal(members.offset[WS_MM_PGD], offsetof(struct mm_struct, pgd));
	assert_int_equal(members.offset[WS_MODULE_NAME], offsetof(struct module, name));
	assert_int_equal(members.offset[WS_MODULE_MEM], offsetof(struct module, mem));
	assert_int_equal(members.offset[WS_MODULE_CORE_LAYOUT], WS_NO_MEMBER);
	ws_context_destroy(ctx);
}

/* A writer of BTF: types and strings of a kernel with task_struct and mm_struct. */
struct btf_writer {
	uint32_t type[2048];
	size_t ntypes;
	char strings[4096];
	size_t nstrings;
};

static uint32_t btf_string(struct btf_writer *w, const char *text)
{
	uint32_t at = w->nstrings;

	strcpy(w->strings + at, text);
	w->nstrings += strlen(text) + 1;
	return at;
}

static void btf_words(struct btf_writer *w, const uint32_t *words, size_t n)
{
	memcpy(w->type + w->ntypes, words, n * sizeof(*words));
	w->ntypes += n;
}

#define STRUCT(n) (4u << 24 | (n))
#define UNION(n) (5u << 24 | (n))
#define BIT_FIELDS (1u << 31)

/* 1: int; 2: anonymous union { pgd }; 3: anonymous struct { 2 }; 4, 5: the two. */
static void btf_fill(struct btf_writer *w)
{
	const uint32_t integer[] = { btf_string(w, ""), 1u << 24, 4, 32 };
	const uint32_t inner[] = { 0, UNION(1), 8, btf_string(w, "pgd"), 1, 0 };
	const uint32_t outer[] = { 0, STRUCT(1), 16, 0, 2, 64 };
	const uint32_t mm[] = { btf_string(w, "mm_struct"), STRUCT(1), 32, 0, 3, 128 };
	const uint32_t task[] = {
		btf_string(w, "task_struct"),
		STRUCT(6) | BIT_FIELDS,
		512,
		btf_string(w, "comm"),
		1,
		800 * 8,
		btf_string(w, "tasks"),
		1,
		160 * 8,
		btf_string(w, "pid"),
		1,
		200 * 8,
		btf_string(w, "flags"),
		1,
		40 * 8,
		btf_string(w, "mm"),
		1,
		300 * 8,
		btf_string(w, "active_mm"),
		1,
		308 * 8 | 5u << 24,
	};

	btf_words(w, integer, 4);
	btf_words(w, inner, 6);
	btf_words(w, outer, 6);
	btf_words(w, mm, 6);
	btf_words(w, task, sizeof(task) / sizeof(*task));
	while (w->ntypes < 1000)
		btf_words(w, integer, 4);
	w->nstrings = sizeof(w->strings);
}

#define BTF_AT 0x10ffc /* its header lies astride two frames */

static void put_words(uint8_t *at, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_little(at + 4 * i, 4, words[i]);
}

static void btf_put(struct fake_kernel *kernel, const struct btf_writer *w)
{
	uint64_t va = kernel->image + BTF_AT;
	const uint32_t header[] = { 0x0001eb9f,    24,         0, w->ntypes * 4,
				    w->ntypes * 4, w->nstrings };

	fake_image_constant(kernel);
	put_words(fake_at(kernel, va), header, sizeof(header) / 4);
	put_words(fake_at(kernel, va + 24), w->type, w->ntypes);
	memcpy(fake_at(kernel, va + 24 + w->ntypes * 4), w->strings, w->nstrings);
}

static void test_btf_members(void **state)
{
	struct btf_writer writer = { 0 };
	struct fake_kernel kernel;
	struct ws_members members;

	(void)state;
	fake_create(&kernel, 8);
	btf_fill(&writer);
	btf_put(&kernel, &writer);
	ws_members_init(&members);
	assert_int_equal(ws_btf_members(&kernel.system, &members), WS_OK);
	assert_string_equal(members.source, "BTF");
	assert_int_equal(members.offset[WS_TASK_COMM], 800);
	assert_int_equal(members.offset[WS_TASK_ACTIVE_MM], 308);
	assert_int_equal(members.offset[WS_MM_PGD], 24);
	assert_int_equal(members.offset[WS_MODULE_LIST], WS_NO_MEMBER);
	fake_destroy(&kernel);
}

/* What differs from BTF is reported, what agrees is not. */
static void test_cross_check(void **state)
{
	struct btf_writer writer = { 0 };
	struct fake_kernel kernel;

	(void)state;
	fake_create(&kernel, 8);
	btf_fill(&writer);
	btf_put(&kernel, &writer);
	assert_non_null(ws_vec_push(&kernel.system.tasks));
	kernel.system.fields = (struct ws_task_fields){ .tasks = 160 - 800,
							.pid = 200 - 800,
							.flags = 40 - 800,
							.mm = 300 - 800,
							.active_mm = WS_NO_FIELD,
							.mm_pgd = 32 };
	assert_int_equal(ws_cross_check_tasks(&kernel.system), WS_OK);
	assert_int_equal(kernel.system.notes.n, 2);
	assert_string_equal(kernel.system.notes.v[0],
			    "BTF has task_struct.active_mm at -492 from comm, which was "
			    "not found in memory");
	assert_string_equal(kernel.system.notes.v[1],
			    "BTF has mm_struct.pgd at 24, but memory looks like 32");
	ws_vec_release(&kernel.system.tasks);
	fake_destroy(&kernel);
}

/* Types in a circle, and as many members as a type can have, each an anonymous one. */
static void test_btf_circle(void **state)
{
	struct btf_writer writer = { 0 };
	struct fake_kernel kernel;
	struct ws_members members;

	(void)state;
	fake_create(&kernel, 8);
	btf_string(&writer, "");
	writer.type[0] = btf_string(&writer, "task_struct");
	writer.type[1] = STRUCT(600);
	for (size_t i = 0; i < 600; i++)
		writer.type[3 + 3 * i + 1] = 1;
	writer.ntypes = 3 + 3 * 600;
	writer.nstrings = sizeof(writer.strings);
	btf_put(&kernel, &writer);
	ws_members_init(&members);
	assert_int_equal(ws_btf_members(&kernel.system, &members), WS_OK);
	assert_int_equal(members.offset[WS_TASK_COMM], WS_NO_MEMBER);
	fake_destroy(&kernel);
}

static void test_btf_damage(void **state)
{
	struct random random = { random_seed() };
	struct btf_writer writer = { 0 };
	struct fake_kernel kernel;
	struct ws_members members;

	(void)state;
	fake_create(&kernel, 8);
	btf_fill(&writer);
	for (unsigned round = 0; round < 400; round++) {
		btf_put(&kernel, &writer);
		for (unsigned i = 1 + random_below(&random, 20); i--;)
			*fake_at(&kernel,
				 kernel.image + BTF_AT + 8 + random_below(&random, 400)) =
				random_next(&random);
		ws_members_init(&members);
		assert_int_equal(ws_btf_members(&kernel.system, &members), WS_OK);
	}
	fake_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts_vmcoreinfo),
		cmocka_unit_test(test_layouts_by_shape),
		cmocka_unit_test(test_by_shape_anywhere),
		cmocka_unit_test(test_number_absurd),
		cmocka_unit_test(test_number_past_the_end),
		cmocka_unit_test(test_name_length_past_the_end),
		cmocka_unit_test(test_name_empty),
		cmocka_unit_test(test_names_damaged_later),
		cmocka_unit_test(test_token_index_out_of_range),
		cmocka_unit_test(test_token_of_control_characters),
		cmocka_unit_test(test_addresses_unsorted),
		cmocka_unit_test(test_addresses_outside_image),
		cmocka_unit_test(test_vmcoreinfo_wrong_shape_right),
		cmocka_unit_test(test_stext_disagrees),
		cmocka_unit_test(test_names_in_step_with_markers),
		cmocka_unit_test(test_addresses_that_are_a_fill),
		cmocka_unit_test(test_addresses_in_disorder),
		cmocka_unit_test(test_addresses_of_a_neighbour),
		cmocka_unit_test(test_addresses_from_farther_off),
		cmocka_unit_test(test_addresses_alike),
		cmocka_unit_test(test_at_gap),
		cmocka_unit_test(test_random_damage),
		cmocka_unit_test(test_find_and_at),
		cmocka_unit_test(test_ambiguous_name),
		cmocka_unit_test(test_map_shifted),
		cmocka_unit_test(test_map_of_another_kernel),
		cmocka_unit_test(test_map_a_little_off),
		cmocka_unit_test(test_map_too_small),
		cmocka_unit_test(test_map_by_vmcoreinfo),
		cmocka_unit_test(test_map_bad_lines),
		cmocka_unit_test(test_map_garbage),
		cmocka_unit_test(test_map_missing),
		cmocka_unit_test(test_elf_symbols),
		cmocka_unit_test(test_elf_of_one_symbol),
		cmocka_unit_test(test_elf_refused),
		cmocka_unit_test(test_dwarf_members),
		cmocka_unit_test(test_btf_members),
		cmocka_unit_test(test_cross_check),
		cmocka_unit_test(test_btf_circle),
		cmocka_unit_test(test_btf_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
