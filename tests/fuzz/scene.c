/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/kallsyms.h"
#include "linux/linux.h"
#include "linux/modules.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define BLOCK WS_FRAME_SIZE

/* ---- the file --------------------------------------------------------------------- */

static void scene_load(struct scene *scene, const char *path)
{
	ws_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	scene->fd = memfd_create("scene", MFD_CLOEXEC);
	insist(fd >= 0 && scene->fd >= 0 && !fstat(fd, &st), path);
	scene->nblocks = (uint32_t)((st.st_size + BLOCK - 1) / BLOCK);
	scene->size = (size_t)scene->nblocks * BLOCK;
	scene->whole = calloc(1, scene->size);
	insist(scene->whole && !ftruncate(scene->fd, (off_t)scene->size) &&
		       read(fd, scene->whole, scene->size) == st.st_size,
	       path);
	scene->bytes =
		mmap(NULL, scene->size, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd, 0);
	insist(scene->bytes != MAP_FAILED, path);
	memcpy(scene->bytes, scene->whole, scene->size);
	snprintf(scene->path, sizeof(scene->path), "/proc/self/fd/%d", scene->fd);
}

/* Captures are ELF cores of 64 bits, whose memory lies in whole blocks. */
static void scene_map(struct scene *scene)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)scene->whole;
	const Elf64_Phdr *load = (const Elf64_Phdr *)(scene->whole + header->e_phoff);

	scene->pa = malloc(scene->nblocks * sizeof(*scene->pa));
	insist(scene->pa, "memory is short");
	memset(scene->pa, 0xff, scene->nblocks * sizeof(*scene->pa));
	for (unsigned i = 0; i < header->e_phnum; i++)
		for (uint64_t at = 0; load[i].p_type == PT_LOAD && at < load[i].p_filesz;
		     at += BLOCK)
			scene->pa[(load[i].p_offset + at) / BLOCK] = load[i].p_paddr + at;
	while (scene->pa[scene->first] == UINT64_MAX)
		scene->first++;
	for (uint32_t i = scene->first + 1; i < scene->nblocks; i++)
		insist(scene->pa[i] != UINT64_MAX && scene->pa[i] > scene->pa[i - 1],
		       "a capture whose memory is not in order");
}

/* ---- what lies where -------------------------------------------------------------- */

/* Memory lies in the file by rising address, behind the headers. */
static bool block_of(const struct scene *scene, uint64_t pa, uint32_t *at)
{
	uint32_t from = scene->first, to = scene->nblocks;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (scene->pa[middle] <= pa)
			from = middle + 1;
		else
			to = middle;
	}
	*at = (from - 1) * BLOCK + (uint32_t)(pa % BLOCK);
	return from > scene->first && pa - scene->pa[from - 1] < BLOCK;
}

static void add_pa(struct scene *scene, enum spot_kind kind, uint64_t pa, uint32_t len)
{
	struct spot *spot;
	uint32_t at;

	if (!block_of(scene, pa, &at))
		return;
	ws_vec_each(&scene->spot[kind], known)
		if (known->at == at)
			return;
	spot = ws_vec_push(&scene->spot[kind]);
	insist(spot, "memory is short");
	*spot = (struct spot){ at, len };
}

static void add_va(struct scene *scene, struct ws_system *system, enum spot_kind kind,
		   uint64_t va, uint32_t len)
{
	uint64_t pa;

	if (ws_kernel_translate(system, va, &pa) == WS_READ)
		add_pa(scene, kind, pa, len);
}

static bool add_table(void *scene, uint64_t pa, unsigned level, uint64_t va)
{
	size_t before = ((struct scene *)scene)->spot[SPOT_TABLE].n;

	(void)va;
	add_pa(scene, SPOT_TABLE, pa & -(uint64_t)BLOCK, BLOCK);
	return !level || ((struct scene *)scene)->spot[SPOT_TABLE].n > before;
}

static void add_tables(struct scene *scene, struct ws_system *system)
{
	const struct ws_paging *paging = ws_system_paging(system);
	size_t n;
	const struct ws_space *space = ws_system_spaces(system, &n);

	for (size_t i = 0; i < n; i++)
		(void)!ws_tables(paging, space[i].root, 0, UINT64_MAX, 0, add_table,
				 scene);
}

/* A task's pointers, and behind its struct module's state a module's list_head. */
static void add_lists(struct scene *scene, struct ws_system *system)
{
	const struct ws_task_fields *fields = &system->fields;
	const int32_t offset[] = { fields->tasks, fields->threads,   fields->pid,
				   fields->mm,    fields->active_mm, fields->flags,
				   fields->tgid };
	const struct ws_module *module;
	size_t n;

	ws_vec_each(&system->tasks, task) {
		for (size_t i = 0; i < WS_ARRAY_SIZE(offset); i++)
			if (offset[i] != WS_NO_FIELD)
				add_va(scene, system, SPOT_LIST,
				       task->comm_va + (uint64_t)(int64_t)offset[i],
				       2 * scene->word);
		if (task->mm && fields->mm_pgd != WS_NO_FIELD)
			add_va(scene, system, SPOT_LIST,
			       task->mm + (uint64_t)fields->mm_pgd, scene->word);
	}
	if (ws_system_modules(system, &module, &n) == WS_OK)
		for (size_t i = 0; i < n; i++)
			add_va(scene, system, SPOT_LIST, module[i].module + scene->word,
			       2 * scene->word);
}

/* Kallsyms: counts, lengths, tokens, their index, markers, addresses. */
static void add_symbols(struct scene *scene, struct ws_system *system)
{
	struct ws_kallsyms tables = { 0 };
	uint64_t va[6];

	if (ws_kallsyms_search(system, &tables) != WS_OK)
		return;
	va[0] = tables.names - scene->word;
	va[1] = tables.token_table;
	va[2] = tables.token_index;
	va[3] = tables.addresses;
	va[4] = tables.token_table - 256;
	va[5] = tables.names + BLOCK;
	for (unsigned i = 0; i < WS_ARRAY_SIZE(va); i++)
		add_va(scene, system, SPOT_TEXT, va[i], 512);
}

struct run {
	uint64_t first, n; /* frames, by va */
};

struct runs {
	struct run longest, now;
};

static bool add_constant(void *arg, uint64_t va, const uint8_t *frame)
{
	struct runs *runs = arg;

	(void)frame;
	if (runs->now.n && va != runs->now.first + runs->now.n * BLOCK)
		runs->now.n = 0;
	if (!runs->now.n++)
		runs->now.first = va;
	if (runs->now.n > runs->longest.n)
		runs->longest = runs->now;
	return runs->longest.n < EDITS_MAX;
}

static void add_constants(struct scene *scene, struct ws_system *system)
{
	struct runs runs = { 0 };
	uint32_t *block, at;
	uint64_t pa;

	insist(ws_search(system, system->layout.image_first, system->layout.image_last,
			 WS_SEARCH_CONSTANTS, add_constant, &runs) == WS_OK,
	       "a capture is not what it was");
	for (uint64_t i = 0; i < runs.longest.n; i++)
		if (ws_kernel_translate(system, runs.longest.first + i * BLOCK, &pa) ==
			    WS_READ &&
		    block_of(scene, pa, &at) && (block = ws_vec_push(&scene->constants)))
			*block = at / BLOCK;
	insist(scene->constants.n == runs.longest.n, "constants lie in no block");
}

/* Where registers are: the notes, which come before all memory. */
static void add_notes(struct scene *scene)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)scene->whole;
	const Elf64_Phdr *load = (const Elf64_Phdr *)(scene->whole + header->e_phoff);
	struct spot *spot;

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (load[i].p_type == PT_NOTE &&
		    (spot = ws_vec_push(&scene->spot[SPOT_TEXT])))
			*spot = (struct spot){ (uint32_t)load[i].p_offset,
					       (uint32_t)load[i].p_filesz };
}

static void scene_learn(struct scene *scene)
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	struct ws_system *system = NULL;

	insist(ws_target_open(ctx, scene->path, NULL, &target) == WS_OK &&
		       ws_system_open(target, NULL, &system) == WS_OK,
	       "a capture is not what it was");
	scene->word = system->layout.word;
	scene->direct = system->layout.direct_delta;
	scene->entry_log2 = system->paging.format->entry_log2;
	add_tables(scene, system);
	add_lists(scene, system);
	add_symbols(scene, system);
	add_constants(scene, system);
	add_notes(scene);
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
}

static int is_core(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".elf");
}

static struct dirent **names;

unsigned scene_count(void)
{
	static int n;

	if (!n)
		n = scandir(WS_CAPTURES, &names, is_core, alphasort);
	insist(n > 0 && n <= (int)SCENES_MAX, "there are no captures");
	return (unsigned)n;
}

struct scene *scene_at(unsigned i)
{
	static struct scene *scenes[SCENES_MAX];
	char path[4096];

	i %= scene_count();
	if (scenes[i])
		return scenes[i];
	scenes[i] = calloc(1, sizeof(**scenes));
	insist(scenes[i], "memory is short");
	snprintf(path, sizeof(path), "%s/%s", WS_CAPTURES, names[i]->d_name);
	scene_load(scenes[i], path);
	scene_map(scenes[i]);
	scene_learn(scenes[i]);
	return scenes[i];
}

const uint8_t *scene_frame(const struct scene *scene, uint64_t pa)
{
	uint32_t at;

	return block_of(scene, pa, &at) ? scene->bytes + at / BLOCK * BLOCK : NULL;
}

/* ---- changes ---------------------------------------------------------------------- */

struct edit edit_read(const uint8_t *at)
{
	return (struct edit){ .block = ws_le32(at),
			      .at = ws_le16(at + 4),
			      .op = at[6],
			      .log2 = at[7],
			      .value = ws_le64(at + 8) };
}

static void put(uint8_t *at, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void edit_write(uint8_t *at, const struct edit *edit)
{
	put(at, 4, edit->block);
	put(at + 4, 2, edit->at);
	at[6] = edit->op;
	at[7] = edit->log2;
	put(at + 8, 8, edit->value);
}

/* What is put there, of what was there. */
static uint64_t changed(const struct scene *scene, const struct edit *edit, uint64_t was)
{
	uint64_t other = scene->pa[(uint32_t)edit->value % scene->nblocks];
	uint64_t bits = edit->value >> 32 & (BLOCK - 1);

	switch (edit->op % EDIT_OPS) {
	case EDIT_XOR:
		return was ^ edit->value;
	case EDIT_ADD:
		return was + edit->value;
	case EDIT_ENTRY:
		return other | bits;
	case EDIT_SHIFTED_ENTRY:
		return other >> 2 | (bits & 0x3ff);
	case EDIT_POINTER:
		return other + scene->direct + bits;
	default:
		return edit->value;
	}
}

static void edit_apply(struct scene *scene, const struct edit *edit)
{
	uint32_t block = edit->block % scene->nblocks;
	uint8_t *bytes = scene->bytes + (size_t)block * BLOCK;
	unsigned size = 1u << edit->log2 % 4;
	uint8_t *at = bytes + edit->at % BLOCK / size * size;

	scene->touched[scene->ntouched++] = block;
	switch (edit->op % EDIT_OPS) {
	case EDIT_FILL:
		for (unsigned i = 0; i < BLOCK; i += 8)
			put(bytes + i, 8, edit->value);
		return;
	case EDIT_COPY:
		memcpy(bytes,
		       scene->whole + (size_t)(edit->value % scene->nblocks) * BLOCK,
		       BLOCK);
		return;
	default:
		put(at, size,
		    changed(scene, edit,
			    size < 8 ? ws_le32(bytes + (at - bytes) / 4 * 4)
				     : ws_le64(at)));
	}
}

void scene_put_constants(struct scene *scene, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < scene->constants.n && n; i++) {
		uint32_t block = scene->constants.v[i];
		size_t len = n < BLOCK ? n : BLOCK;

		insist(scene->ntouched < EDITS_MAX, "more is changed than can be undone");
		scene->touched[scene->ntouched++] = block;
		memcpy(scene->bytes + (size_t)block * BLOCK, bytes, len);
		bytes += len;
		n -= len;
	}
}

struct scene *scene_edit(const uint8_t *data, size_t size)
{
	struct scene *scene = scene_at(size ? data[0] : 0);

	for (size_t at = 1; at + EDIT_SIZE <= size && scene->ntouched < EDITS_MAX;
	     at += EDIT_SIZE) {
		struct edit edit = edit_read(data + at);

		edit_apply(scene, &edit);
	}
	return scene;
}

void scene_restore(struct scene *scene)
{
	while (scene->ntouched) {
		size_t at = (size_t)scene->touched[--scene->ntouched] * BLOCK;

		memcpy(scene->bytes + at, scene->whole + at, BLOCK);
	}
}

void with_opened(struct ws_context *ctx, struct ws_target *target, enum ws_status status,
		 const struct ws_system_options *options, with_fn *fn)
{
	struct ws_system *system = NULL;

	if (status == WS_OK)
		status = ws_system_open(target, options, &system);
	if (status == WS_OK)
		fn(system);
	else
		insist_refusal(ctx, status);
	for (unsigned i = 0; system && ws_system_note(system, i); i++)
		touch_text(ws_system_note(system, i));
	ws_system_close(system);
	ws_target_close(target);
	ws_context_destroy(ctx);
}

void with_system(const uint8_t *data, size_t size,
		 const struct ws_system_options *options, with_fn *fn)
{
	struct scene *scene = scene_edit(data, size);
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	enum ws_status status = ws_target_open(ctx, scene->path, NULL, &target);

	with_opened(ctx, target, status, options, fn);
	scene_restore(scene);
}
