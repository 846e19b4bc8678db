/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is given with memory: texts and files of symbols, and memory that is given itself. Byte 0
 * of an input says beside which capture; of the others' files, the whole input is the file.
 */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "util/bits.h"
#include "util/cleanup.h"

/* ---- files of symbols ------------------------------------------------------------- */

static void ask_symbols(struct ws_system *system)
{
	struct ws_symbol symbol;

	if (ws_symbol_find(system, "vfs_read", &symbol) == WS_OK)
		touch_text(symbol.name);
	else
		touch_text(ws_error(system->ctx, 0));
}

void fuzz_system_map(const uint8_t *data, size_t size)
{
	size_t head = size != 0;
	autofile file = fuzz_file(data + head, size - head);
	const struct ws_system_options options = { .system_map = file.path };

	with_system(data, head, &options, ask_symbols);
}

void fuzz_vmlinux(const uint8_t *data, size_t size)
{
	size_t head = size != 0;
	autofile file = fuzz_file(data + head, size - head);
	const struct ws_system_options options = { .vmlinux = file.path };

	with_system(data, head, &options, ask_symbols);
}

void fuzz_regime(const uint8_t *data, size_t size)
{
	ws_autofree char *text = strndup((const char *)data + !!size, size - !!size);
	const struct ws_system_options options = { .regime = text };

	with_system(data, size != 0, &options, ask_symbols);
}

/* ---- a module's file -------------------------------------------------------------- */

void fuzz_module_file(const uint8_t *data, size_t size)
{
	autofile file = fuzz_file(data, size);
	struct ws_context *ctx = ws_context_create();
	struct ws_module_file *module = NULL;
	const struct ws_handler *handler;
	enum ws_status status = ws_module_file_open(ctx, file.path, &module);
	size_t n = 0;

	if (status == WS_OK)
		status = ws_module_file_handlers(module, NULL, 0, &handler, &n);
	if (status != WS_OK)
		insist_refusal(ctx, status);
	for (size_t i = 0; i < n; i++) {
		touch_text(handler[i].name);
		touch_text(handler[i].section);
		touch_text(handler[i].leaving);
	}
	ws_module_file_close(module);
	ws_context_destroy(ctx);
}

/* ---- memory that is given --------------------------------------------------------- */

#define EXTENTS_MAX 8u
#define EXTENT_MAX (UINT64_C(64) << 20) /* how much of it there is the caller knows */

/* A capture's memory, handed out by bytes that say how: struct ws_given_memory's arg. */
struct giver {
	struct scene *scene;
	const uint8_t *script;
	size_t length, at;
	struct ws_extent *extents;
	size_t nextents;
};

/* 0xff: failed; 0xfe: absent; else the first byte of the frame is another than it was. */
static enum ws_evidence give(void *arg, uint64_t pa, void *buf, size_t len)
{
	struct giver *giver = arg;
	uint8_t how = giver->length ? giver->script[giver->at++ % giver->length] : 0;
	uint8_t *to = buf;

	insist(!(pa % WS_FRAME_SIZE) && !(len % WS_FRAME_SIZE),
	       "a piece of no whole frames");
	if (how >= 0xfe)
		return how == 0xff ? WS_FAILED : WS_ABSENT;
	for (; len; len -= WS_FRAME_SIZE, pa += WS_FRAME_SIZE, to += WS_FRAME_SIZE) {
		const uint8_t *from = scene_frame(giver->scene, pa);

		if (!from)
			return WS_ABSENT;
		memcpy(to, from, WS_FRAME_SIZE);
	}
	*(uint8_t *)buf ^= how;
	return WS_READ;
}

/* As the capture has them, and some that the input has. */
static void take_extents(struct giver *giver, const uint8_t *data, size_t n)
{
	const struct scene *scene = giver->scene;

	giver->extents = calloc(scene->nblocks + n, sizeof(*giver->extents));
	insist(giver->extents, "memory is short");
	for (uint32_t i = 0; i < scene->nblocks; i++)
		if (scene->pa[i] != UINT64_MAX)
			giver->extents[giver->nextents++] =
				(struct ws_extent){ scene->pa[i], WS_FRAME_SIZE };
	for (size_t i = 0; i < n; i++)
		giver->extents[giver->nextents++] =
			(struct ws_extent){ ws_le64(data + 16 * i),
					    ws_le64(data + 16 * i + 8) % EXTENT_MAX };
}

static void open_given(struct giver *giver, const char *vmcoreinfo, bool moving)
{
	const struct ws_given_memory given = { .extents = giver->extents,
					       .nextents = giver->nextents,
					       .read = give,
					       .arg = giver,
					       .vmcoreinfo = vmcoreinfo,
					       .moving = moving };
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	enum ws_status status = ws_target_open_given(ctx, "given", &given, NULL, &target);

	with_opened(ctx, target, status, NULL, ask_symbols);
	free(giver->extents);
}

void fuzz_vmcoreinfo(const uint8_t *data, size_t size)
{
	struct giver giver = { .scene = scene_at(size ? *data : 0) };
	ws_autofree char *text = strndup((const char *)data + !!size, size - !!size);

	take_extents(&giver, NULL, 0);
	open_given(&giver, text, false);
}

/* Byte 1: whether it moves, and how many extents more; what is left: how it is handed out. */
void fuzz_given(const uint8_t *data, size_t size)
{
	struct giver giver = { .scene = scene_at(size ? *data : 0) };
	size_t n = size > 1 ? data[1] >> 1 & (EXTENTS_MAX - 1) : 0;

	if (size < 2 + 16 * n)
		return;
	take_extents(&giver, data + 2, n);
	giver.script = data + 2 + 16 * n;
	giver.length = size - (2 + 16 * n);
	open_given(&giver, NULL, data[1] & 1);
}
