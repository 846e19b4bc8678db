/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module lists as kernels have kept them: every layout of struct module, whole and
 * broken, and the symbols behind them.
 */
#include "fake_kernel.h"

#include <elf.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/random.h"
#include "linux/modules.h"
#include "linux/symtab.h"

#define NMODULES 9u
#define HEAD 0x1000u /* "modules", from the image's first byte */

/* Where a layout keeps what; the first region's offset is that of mem[0] or core. */
struct layout {
	const char *name;
	bool many; /* mem[]: text, data, rodata, ...; else one core region */
	uint32_t regions, size, stride; /* in words */
	uint32_t kallsyms;
	bool old_kallsyms; /* symtab, core_symtab, num_symtab, core_num_syms, strtab */
};

/* Offsets of no real kernel, distances of all of them (include/linux/module.h). */
static const struct layout layouts[] = {
	{ "before 4.5", false, 40, 0, 0, 70, true },
	{ "core_layout", false, 40, 1, 10, 70, false },
	{ "mem", true, 40, 1, 9, 120, false },
	{ "mem without a tree", true, 32, 1, 2, 60, false },
	{ "mem with rw_copy and is_rox", true, 40, 0, 11, 130, false },
	{ "mem with is_rox", true, 48, 0, 10, 140, false },
};

struct scene {
	struct fake_kernel kernel;
	const struct layout *layout;
	uint64_t module[NMODULES]; /* va of each struct */
	unsigned n;
};

static uint32_t size_distance(const struct scene *scene)
{
	uint32_t word = scene->kernel.word;

	if (scene->layout->size)
		return word;
	return strstr(scene->layout->name, "rw_copy") ? 2 * word + 4 : word + 4;
}

static void put_region(struct scene *scene, unsigned i, int index, uint64_t va,
		       uint32_t len)
{
	uint32_t word = scene->kernel.word;
	uint64_t at = scene->module[i] + scene->layout->regions * word +
		      index * scene->layout->stride * word;

	fake_put_word(&scene->kernel, at, va);
	fake_put32(&scene->kernel, at + size_distance(scene), len);
}

/* 64 KiB a module: text at 0, data (with the struct) at 0x4000, rodata at 0x8000. */
static uint64_t base_of(const struct scene *scene, unsigned i)
{
	return scene->kernel.modules + 0x10000 * (i + 1);
}

static void put_regions(struct scene *scene, unsigned i)
{
	if (!scene->layout->many) {
		put_region(scene, i, 0, base_of(scene, i), 0xa000);
		return;
	}
	put_region(scene, i, 0, base_of(scene, i), 0x1000 * (1 + i % 3));
	put_region(scene, i, 1, base_of(scene, i) + 0x4000, 0x3000);
	put_region(scene, i, 2, base_of(scene, i) + 0x8000, 0x1000);
	if (i % 2) /* not every module has data that is read-only after init */
		put_region(scene, i, 3, base_of(scene, i) + 0x9000, 0x1000);
}

static uint64_t node(const struct scene *scene, unsigned i)
{
	uint32_t word = scene->kernel.word;

	return i < scene->n ? scene->module[i] + word : scene->kernel.image + HEAD;
}

static void link_nodes(struct scene *scene, uint64_t a, uint64_t b)
{
	fake_put_word(&scene->kernel, a, b);
	fake_put_word(&scene->kernel, b + scene->kernel.word, a);
}

/* Symbols of a module: "func" at its text, "data_N", an undefined and a nameless one. */
static void put_symbol(struct scene *scene, uint64_t at, uint32_t name, uint64_t value,
		       uint16_t section)
{
	if (scene->kernel.word == 8) {
		Elf64_Sym symbol = { .st_name = htole32(name),
				     .st_info = 't',
				     .st_shndx = htole16(section),
				     .st_value = htole64(value) };
		memcpy(fake_at(&scene->kernel, at), &symbol, sizeof(symbol));
	} else {
		Elf32_Sym symbol = { .st_name = htole32(name),
				     .st_info = 't',
				     .st_shndx = htole16(section),
				     .st_value = htole32((uint32_t)value) };
		memcpy(fake_at(&scene->kernel, at), &symbol, sizeof(symbol));
	}
}

static void put_symbols(struct scene *scene, unsigned i)
{
	uint32_t word = scene->kernel.word, size = word == 8 ? 24 : 16;
	uint64_t symtab = base_of(scene, i) + 0x6000, strtab = symtab + 0x800;
	uint64_t typetab = strtab + 0x400;
	uint64_t at = scene->module[i] + scene->layout->kallsyms * word;
	char *strings = (char *)fake_at(&scene->kernel, strtab);

	snprintf(strings + 1, 100, "func%cdata_%u%cabsent", '\0', i, '\0');
	memcpy(fake_at(&scene->kernel, typetab), "UtdUt", 5);
	put_symbol(scene, symtab + size, 1, base_of(scene, i) + 0x40, 1);
	put_symbol(scene, symtab + 2 * size, 6, base_of(scene, i) + 0x4010, 2);
	put_symbol(scene, symtab + 3 * size, 13, 0, SHN_UNDEF);
	put_symbol(scene, symtab + 4 * size, 0, base_of(scene, i), 1);
	fake_put_word(&scene->kernel, at, symtab);
	if (scene->layout->old_kallsyms) {
		fake_put_word(&scene->kernel, at + word, symtab);
		fake_put32(&scene->kernel, at + 2 * word, 5);
		fake_put32(&scene->kernel, at + 2 * word + 4, 5);
		fake_put_word(&scene->kernel, at + 2 * word + 8, strtab);
	} else {
		fake_put32(&scene->kernel, at + word, 5);
		fake_put_word(&scene->kernel, at + 2 * word, strtab);
		fake_put_word(&scene->kernel, at + 3 * word, typetab);
	}
}

static struct scene *scene_create(unsigned word, const struct layout *layout, unsigned n)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	fake_create(&scene->kernel, word);
	scene->layout = layout;
	scene->n = n;
	for (unsigned i = 0; i < n; i++) {
		/* cache-line aligned; the name of some lies astride two frames */
		scene->module[i] =
			base_of(scene, i) + 0x4000 + (i % 3 ? 0x40 * i : 0xfc0);
		snprintf((char *)fake_at(&scene->kernel, scene->module[i] + 3 * word), 56,
			 "module_%u", i);
		put_regions(scene, i);
		put_symbols(scene, i);
	}
	for (unsigned i = 0; i <= n; i++)
		link_nodes(scene, node(scene, i), node(scene, (i + 1) % (n + 1)));
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	fake_destroy(&scene->kernel);
	free(scene);
}

static const struct ws_module *modules_of(struct scene *scene, size_t *n)
{
	const struct ws_module *modules;

	assert_int_equal(ws_system_modules(&scene->kernel.system, &modules, n), WS_OK);
	return modules;
}

static bool noted(const struct scene *scene, const char *part)
{
	ws_vec_each(&scene->kernel.system.notes, note)
		if (strstr(*note, part))
			return true;
	return false;
}

static void check_module(const struct scene *scene, const struct ws_module *module,
			 unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "module_%u", i);
	assert_string_equal(module->name, name);
	assert_int_equal(module->module, scene->module[i]);
	assert_int_equal(module->region[0].va, base_of(scene, i));
	if (!scene->layout->many) {
		assert_int_equal(module->nregions, 1);
		assert_int_equal(module->region[0].len, 0xa000);
		return;
	}
	assert_int_equal(module->nregions, 3 + i % 2);
	assert_int_equal(module->region[0].len, 0x1000 * (1 + i % 3));
	assert_int_equal(module->region[1].va, base_of(scene, i) + 0x4000);
	assert_int_equal(module->region[2].va, base_of(scene, i) + 0x8000);
}

static void test_layouts(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (size_t l = 0; l < sizeof(layouts) / sizeof(*layouts); l++)
			for (unsigned count = 1; count <= NMODULES; count += 4) {
				struct scene *scene =
					scene_create(word, &layouts[l], count);
				size_t n;
				const struct ws_module *modules = modules_of(scene, &n);

				assert_int_equal(n, count);
				for (unsigned i = 0; i < n; i++)
					check_module(scene, &modules[i], i);
				assert_int_equal(scene->kernel.system.notes.n, 0);
				scene_destroy(scene);
			}
}

static void test_symbols(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (size_t l = 0; l < sizeof(layouts) / sizeof(*layouts); l++) {
			struct scene *scene = scene_create(word, &layouts[l], NMODULES);
			struct ws_system *system = &scene->kernel.system;
			struct ws_symbol symbol;

			assert_int_equal(ws_symbol_find(system, "data_7", &symbol),
					 WS_OK);
			assert_int_equal(symbol.va, base_of(scene, 7) + 0x4010);
			assert_string_equal(symbol.module->name, "module_7");
			assert_int_equal(symbol.type,
					 layouts[l].old_kallsyms ? 't' : 'd');
			/* as people write a module's name */
			assert_int_equal(ws_symbol_find(system, "module-4:func", &symbol),
					 WS_OK);
			assert_int_equal(symbol.va, base_of(scene, 4) + 0x40);
			assert_int_equal(
				ws_symbol_at(system, base_of(scene, 4) + 0x50, &symbol),
				WS_OK);
			assert_string_equal(symbol.name, "func");
			assert_string_equal(symbol.module->name, "module_4");
			/* below its first symbol is not the module before it */
			assert_int_equal(ws_symbol_at(system, base_of(scene, 4), &symbol),
					 WS_ERR_NOT_FOUND);
			assert_int_equal(system->symtab->entries.n, 2 * NMODULES);
			assert_int_equal(ws_symbol_find(system, "absent", &symbol),
					 WS_ERR_NOT_FOUND);
			assert_int_equal(ws_symbol_find(system, "module_1:no", &symbol),
					 WS_ERR_NOT_FOUND);
			assert_non_null(strstr(ws_error(system->ctx, 0),
					       "no symbol 'no' among the 2 of module "
					       "module_1"));
			assert_int_equal(system->notes.n, 0);
			/* every module has one: the first in the list, and a word */
			assert_int_equal(ws_symbol_find(system, "func", &symbol), WS_OK);
			assert_string_equal(symbol.module->name, "module_0");
			assert_true(noted(scene, "'func' is the name of 9 places"));
			scene_destroy(scene);
		}
}

/* Some modules' symbols were written over: those of the others are found, where most are. */
static void test_symbols_overwritten(void **state)
{
	(void)state;
	for (unsigned overwritten = 1; overwritten <= 3; overwritten++) {
		struct scene *scene = scene_create(8, &layouts[1], NMODULES);
		struct ws_symbol symbol;

		for (unsigned i = 0; i < overwritten; i++)
			memset(fake_at(&scene->kernel, base_of(scene, i) + 0x6000), 'x',
			       0x800);
		assert_int_equal(ws_symbol_find(&scene->kernel.system, "data_7", &symbol),
				 overwritten < 3 ? WS_OK : WS_ERR_NOT_FOUND);
		assert_int_equal(ws_symbol_find(&scene->kernel.system, "data_0", &symbol),
				 WS_ERR_NOT_FOUND);
		scene_destroy(scene);
	}
}

/* A region holds what begins and ends in it. */
static void test_region_that_holds(void **state)
{
	static const struct ws_module module = {
		.nregions = 2,
		.region = { { .va = 0x1000, .len = 0x1000 },
			    { .va = 0x3000, .len = 0x1000 } },
	};
	static const struct {
		uint64_t va, len;
		int region;
	} rows[] = {
		{ 0x1000, 0x1000, 0 },      { 0x3fff, 1, 1 },      { 0xfff, 1, -1 },
		{ 0x1000, 0x1001, -1 },     { 0x1800, 0x801, -1 }, { 0x2000, 1, -1 },
		{ 0x3000, UINT64_MAX, -1 },
	};

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++)
		assert_ptr_equal(ws_module_region(&module, rows[i].va, rows[i].len),
				 rows[i].region < 0 ? NULL
						    : &module.region[rows[i].region]);
}

/* Regions of 448 MiB over each other, all pages of which are one: names have no end there. */
static void test_names_without_end(void **state)
{
	struct scene *scene = scene_create(8, &layouts[1], NMODULES);
	uint8_t *tables = scene->kernel.memory + 0x5000; /* large pages from [256] on */
	struct ws_symbol symbol;

	(void)state;
	for (unsigned i = 1; i < 224; i++)
		memcpy(tables + (256 + i) * 8, tables + 256 * 8, 8);
	for (unsigned i = 0; i < NMODULES; i++) {
		uint64_t symtab = base_of(scene, i) + 0x6000;

		put_region(scene, i, 0, scene->kernel.modules, 448u << 20);
		put_symbol(scene, symtab + 3 * 24, 0xfffffff0, 0, SHN_UNDEF);
	}
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "data_7", &symbol),
			 WS_ERR_NOT_FOUND);
	assert_true(noted(scene, "symbols of module module_7 cannot be read"));
	scene_destroy(scene);
}

static struct scene *none_loaded(unsigned word)
{
	return scene_create(word, &layouts[1], 0);
}

/* None is found. said: the one note that there is of it; NULL: it is known. */
static void assert_none(struct scene *scene, const char *said)
{
	size_t n;

	modules_of(scene, &n);
	assert_int_equal(n, 0);
	assert_int_equal(scene->kernel.system.notes.n, said != NULL);
	assert_true(!said || noted(scene, said));
	assert_int_equal(ws_system_lacks_modules(&scene->kernel.system), said != NULL);
}

static void test_none_loaded(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = none_loaded(word);

		assert_none(scene, NULL);
		scene_destroy(scene);
	}
}

/* Each frame that one may lie in counts; the image's do not, it has the head alone. */
static void test_absent_frames(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = none_loaded(word);

		fake_leave_out(&scene->kernel, scene->kernel.image, FAKE_AREA);
		assert_none(scene, NULL);
		scene_destroy(scene);

		scene = none_loaded(word);
		fake_leave_out(&scene->kernel, scene->kernel.modules + 0x7000, 0x1000);
		assert_none(scene, "4 KiB of memory that modules may lie in");
		scene_destroy(scene);
	}
}

/* Memory that the dump lacks because it is a device's: it is mapped uncached. */
static void test_devices_are_no_memory(void **state)
{
	static const struct {
		uint32_t flags;
		bool device;
	} cases[] = {
		{ 0x083, false }, { 0x093, true }, { 0x08b, true }, { 0x09b, true }
	};

	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct scene *scene = none_loaded(word);

			fake_map_more(&scene->kernel, 0xfec00000 | cases[i].flags);
			assert_none(scene, cases[i].device ? NULL
					   : word == 8     ? "2048 KiB"
							   : "4096 KiB");
			scene_destroy(scene);
		}
}

/*
 * One alone, and its list's head is absent: not reported, for nothing leads back to it.
 */
static void test_absent_head(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (unsigned count = 1; count <= 2; count++) {
			struct scene *scene = scene_create(word, &layouts[1], count);
			size_t n;

			fake_leave_out(&scene->kernel, scene->kernel.image + HEAD,
				       0x1000);
			if (count == 1) {
				assert_none(scene, "what looks like 1 module leads");
			} else {
				modules_of(scene, &n);
				assert_int_equal(n, 2);
				assert_true(
					noted(scene, "2 modules were found one by one"));
			}
			assert_true(ws_system_lacks_modules(&scene->kernel.system));
			scene_destroy(scene);
		}
}

/* A capture has no memory in which none was found, but a word of what it was taken from. */
static void test_word_of_a_capture(void **state)
{
	(void)state;
	for (unsigned missing = 0; missing < 2; missing++) {
		struct scene *scene = none_loaded(8);

		fake_leave_out(&scene->kernel, scene->kernel.modules, FAKE_AREA);
		scene->kernel.target.modules_sought = true;
		scene->kernel.target.modules_absent = missing * 0x3000;
		assert_none(scene, missing ? "12 KiB of memory that modules may" : NULL);
		assert_int_equal(scene->kernel.system.modules_absent, missing * 0x3000);
		assert_true(scene->kernel.system.modules_sought);
		scene_destroy(scene);
	}
}

/* One that loads has its init region as well; one that goes away still has its core. */
static void test_coming_and_going(void **state)
{
	struct scene *scene = scene_create(8, &layouts[1], NMODULES);
	const struct ws_module *modules;
	size_t n;

	(void)state;
	fake_put32(&scene->kernel, scene->module[2], 1);
	put_region(scene, 2, 1, base_of(scene, 2) + 0xb000, 0x2000);
	fake_put32(&scene->kernel, scene->module[3], 2);
	fake_put32(&scene->kernel, scene->module[4], 3);
	modules = modules_of(scene, &n);
	assert_int_equal(n, NMODULES);
	assert_int_equal(modules[2].state, 1);
	assert_int_equal(modules[3].state, 2);
	assert_int_equal(modules[4].state, 3);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(modules[i].region[0].va, base_of(scene, i));
	assert_int_equal(modules[2].nregions, 2);
	assert_int_equal(modules[2].region[1].va, base_of(scene, 2) + 0xb000);
	assert_int_equal(modules[3].nregions, 1);
	scene_destroy(scene);
}

/* A pointer to a page and a small number, as slab objects have them: no region. */
static void test_direct_map_is_no_region(void **state)
{
	struct scene *scene = scene_create(4, &layouts[1], 3);
	const struct ws_module *modules;
	size_t n;

	(void)state;
	put_region(scene, 0, 1, scene->kernel.system.layout.page_offset + 0x3000, 118);
	modules = modules_of(scene, &n);
	assert_int_equal(n, 3);
	assert_int_equal(modules[0].nregions, 1);
	/* nor is module memory that one of three seems to have more than the others */
	fake_forget(&scene->kernel);
	put_region(scene, 0, 1, scene->kernel.modules + 0x100000, 118);
	modules = modules_of(scene, &n);
	assert_int_equal(modules[0].nregions, 1);
	scene_destroy(scene);
}

/* A node is overwritten: the others are still found, one by one, and it is said. */
static void test_broken_list(void **state)
{
	struct scene *scene = scene_create(8, &layouts[2], NMODULES);
	const struct ws_module *modules;
	size_t n;

	(void)state;
	memset(fake_at(&scene->kernel, scene->module[4]), 0x5a, 0x100);
	modules = modules_of(scene, &n);
	assert_int_equal(n, NMODULES - 1);
	assert_true(noted(scene, "the list of modules is broken"));
	for (unsigned i = 0; i < n; i++) {
		assert_string_not_equal(modules[i].name, "module_4");
		assert_int_not_equal(modules[i].nregions, 0);
	}
	scene_destroy(scene);
}

/* Lists that close but never meet the image, or meet it twice, are not the one. */
/* Where the image is not known: its head is what is no module, and all are met once. */
static void test_no_image(void **state)
{
	(void)state;
	for (unsigned broken = 0; broken < 2; broken++)
		for (unsigned word = 4; word <= 8; word += 4) {
			struct scene *scene = scene_create(word, &layouts[2], NMODULES);
			const struct ws_module *modules;
			size_t n;

			scene->kernel.system.layout.image_first = 0;
			scene->kernel.system.layout.image_last = 0;
			if (broken)
				memset(fake_at(&scene->kernel, scene->module[4]), 0x5a,
				       0x100);
			modules = modules_of(scene, &n);
			assert_int_equal(n, NMODULES - broken);
			assert_int_equal(noted(scene, "the list of modules is broken"),
					 broken);
			for (size_t i = 0; i < n; i++)
				for (size_t j = 0; j < i; j++)
					assert_string_not_equal(modules[i].name,
								modules[j].name);
			scene_destroy(scene);
		}
}

static void test_circles(void **state)
{
	struct scene *scene = scene_create(4, &layouts[2], NMODULES);
	size_t n;

	(void)state;
	link_nodes(scene, node(scene, NMODULES - 1), node(scene, 0));
	modules_of(scene, &n);
	assert_int_equal(n, NMODULES);
	assert_true(noted(scene, "the list of modules is broken"));

	fake_forget(&scene->kernel);
	link_nodes(scene, node(scene, NMODULES - 1), scene->kernel.image + HEAD);
	link_nodes(scene, scene->kernel.image + HEAD, scene->kernel.image + HEAD + 64);
	link_nodes(scene, scene->kernel.image + HEAD + 64, node(scene, 0));
	modules_of(scene, &n);
	assert_true(noted(scene, "the list of modules is broken"));
	scene_destroy(scene);
}

/* Nobody's list: nodes that point at themselves, at nothing, beyond all memory. */
static void test_hostile_links(void **state)
{
	static const uint64_t targets[] = {
		0, 1, 0xfffffff8, UINT64_MAX - 7, UINT64_C(0xffffffffa0000000), 0xe0001000
	};
	size_t n;

	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (size_t t = 0; t < sizeof(targets) / sizeof(*targets); t++) {
			struct scene *scene = scene_create(word, &layouts[2], 3);

			for (unsigned i = 0; i < 3; i++) {
				fake_put_word(&scene->kernel, node(scene, i), targets[t]);
				fake_put_word(&scene->kernel, node(scene, i) + word,
					      targets[t]);
			}
			modules_of(scene, &n);
			assert_int_equal(n, 0);
			scene_destroy(scene);
		}
}

/* One module of nine lost its regions to an overwrite: the others say the layout. */
static void test_one_struct_damaged(void **state)
{
	struct scene *scene = scene_create(8, &layouts[2], NMODULES);
	const struct ws_module *modules;
	size_t n;

	(void)state;
	memset(fake_at(&scene->kernel, scene->module[5] + 40 * 8), 0xa5, 400);
	modules = modules_of(scene, &n);
	assert_int_equal(n, NMODULES);
	assert_int_equal(modules[5].nregions, 0);
	assert_true(noted(scene, "module module_5: where its memory lies"));
	check_module(scene, &modules[6], 6);
	scene_destroy(scene);
}

static void test_no_regions_anywhere(void **state)
{
	struct scene *scene = scene_create(8, &layouts[2], NMODULES);
	struct ws_symbol symbol;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < NMODULES; i++)
		memset(fake_at(&scene->kernel, scene->module[i] + 40 * 8), 0, 400);
	modules_of(scene, &n);
	assert_int_equal(n, NMODULES);
	assert_true(noted(scene, "nothing in struct module says where"));
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "module_1:func", &symbol),
			 WS_ERR_UNKNOWN);
	scene_destroy(scene);
}

static void test_hostile_symbols(void **state)
{
	struct scene *scene = scene_create(8, &layouts[2], NMODULES);
	uint64_t symtab = base_of(scene, 3) + 0x6000;
	struct ws_symbol symbol;

	(void)state;
	/* names past the strings, not ended, and unprintable */
	fake_put32(&scene->kernel, symtab + 24, UINT32_MAX);
	fake_put32(&scene->kernel, symtab + 48, 0x7ff);
	memset(fake_at(&scene->kernel, symtab + 0x800 + 0x7ff), 0x41,
	       0x1000 - 0x800 - 0x7ff);
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "module_3:func", &symbol),
			 WS_ERR_NOT_FOUND);
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "module_2:func", &symbol),
			 WS_OK);
	/* a table that reaches past its region: that module has none, and it is said */
	fake_forget(&scene->kernel);
	fake_put32(&scene->kernel, scene->module[3] + scene->layout->kallsyms * 8 + 8,
		   1000);
	assert_int_equal(ws_symbol_find(&scene->kernel.system, "module_3:func", &symbol),
			 WS_ERR_NOT_FOUND);
	assert_true(noted(scene, "the symbols of module module_3 cannot be read"));
	scene_destroy(scene);
}

/* Nothing to assert but that it ends and that the sanitizers stay silent. */
static void test_random_damage(void **state)
{
	struct random random = { random_seed() };
	size_t nlayouts = sizeof(layouts) / sizeof(*layouts);
	struct ws_symbol symbol;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct scene *scene = scene_create(round & 1 ? 4 : 8,
						   &layouts[round % nlayouts], NMODULES);
		const struct ws_module *modules;
		size_t n;

		for (unsigned i = random_below(&random, 30); i--;) {
			unsigned victim = random_below(&random, NMODULES);

			*fake_at(&scene->kernel,
				 scene->module[victim] + random_below(&random, 0x600)) =
				random_next(&random);
		}
		modules = modules_of(scene, &n);
		assert_true(n <= NMODULES);
		for (size_t i = 0; i < n; i++)
			assert_true(modules[i].nregions <= WS_MODULE_REGIONS);
		assert_int_equal(
			ws_symbol_find(&scene->kernel.system, "nothing", &symbol),
			scene->kernel.system.modules_partial ? WS_ERR_UNKNOWN
							     : WS_ERR_NOT_FOUND);
		scene_destroy(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_symbols_overwritten),
		cmocka_unit_test(test_region_that_holds),
		cmocka_unit_test(test_names_without_end),
		cmocka_unit_test(test_none_loaded),
		cmocka_unit_test(test_absent_frames),
		cmocka_unit_test(test_devices_are_no_memory),
		cmocka_unit_test(test_absent_head),
		cmocka_unit_test(test_word_of_a_capture),
		cmocka_unit_test(test_coming_and_going),
		cmocka_unit_test(test_direct_map_is_no_region),
		cmocka_unit_test(test_broken_list),
		cmocka_unit_test(test_no_image),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_hostile_links),
		cmocka_unit_test(test_one_struct_damaged),
		cmocka_unit_test(test_no_regions_anywhere),
		cmocka_unit_test(test_hostile_symbols),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
