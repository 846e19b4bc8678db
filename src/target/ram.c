/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bytes of raw memory belong, by the firmware's memory map that the kernel keeps
 * in it. How long the file is says which way it was written:
 *
 *	as it lies	byte n is physical address n, holes and all
 *	folded		a hypervisor's one block of memory: what does not fit below the hole
 *			under 4 GiB follows it in the file, and lies from 4 GiB on
 *	run together	one usable range after the other (LiME's format=raw)
 *
 * A map that fits in none of these ways is another machine's, or of another boot.
 */
#include "target/ram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "util/cleanup.h"

/* Linux takes the very first frame off what is usable (trim_bios_range()). */
#define FIRST_FRAME WS_FRAME_SIZE

static uint64_t end_of(const struct ws_extent *at)
{
	return at->pa + at->len;
}

/* ---- the ways --------------------------------------------------------------------- */

static bool is_as_it_lies(const struct ws_ram *ram, uint64_t size)
{
	return size >= end_of(&ram->at[ram->n - 1]);
}

uint64_t ws_ram_hole(const struct ws_ram *ram, uint64_t size)
{
	uint64_t end = end_of(&ram->at[ram->n - 1]), low = 0, hole;

	if (end <= WS_HOLE_END || size < end - WS_HOLE_END)
		return 0;
	hole = size - (end - WS_HOLE_END);
	for (unsigned i = 0; i < ram->n && end_of(&ram->at[i]) < WS_HOLE_END; i++)
		low = end_of(&ram->at[i]);
	return hole >= low && hole - low <= WS_FIRMWARE_MAX && hole < WS_HOLE_END ? hole
										  : 0;
}

/* Whole page frames, as resources have them. */
static struct ws_extent whole(const struct ws_extent *at)
{
	uint64_t first = (at->pa + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;

	if (!first)
		first = FIRST_FRAME;
	return end_of(at) > first ? (struct ws_extent){ first, end_of(at) - first }
				  : (struct ws_extent){ first, 0 };
}

static bool is_run_together(const struct ws_ram *ram, uint64_t size)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ram->n; i++)
		sum += whole(&ram->at[i]).len;
	return sum == size;
}

/* ---- as it is added --------------------------------------------------------------- */

enum ws_status ws_raw_fold(struct ws_target *target, uint64_t hole, const char *by)
{
	enum ws_status status = ws_target_add_from_file(target, 0, hole, 0, 0);

	if (!status)
		status = ws_target_add_from_file(target, WS_HOLE_END,
						 target->file.size - hole, hole, 1);
	return status ? status
		      : ws_target_add_note(
				target,
				"by %s there is a hole below 4 GiB: what lies in the "
				"file from %#jx on is taken for physical %#jx on "
				"(--pieces says otherwise)",
				by, hole, WS_HOLE_END);
}

static enum ws_status add_run_together(struct ws_target *target, const struct ws_ram *ram)
{
	enum ws_status status = WS_OK;
	uint64_t at = 0;

	for (unsigned i = 0; i < ram->n && !status; i++) {
		struct ws_extent piece = whole(&ram->at[i]);

		status = ws_target_add_from_file(target, piece.pa, piece.len, at, i);
		at += piece.len;
	}
	return status ? status
		      : ws_target_add_note(
				target,
				"the file is as long as the usable memory of the machine's "
				"own memory map: its %u ranges are taken to follow each "
				"other, as LiME's format=raw writes them (--pieces says "
				"otherwise)",
				ram->n);
}

static enum ws_status add(struct ws_target *target, const struct ws_ram *ram)
{
	uint64_t size = target->file.size, hole;

	if (is_as_it_lies(ram, size))
		return ws_target_add_from_file(target, 0, size, 0, 0);
	if ((hole = ws_ram_hole(ram, size)))
		return ws_raw_fold(target, hole, "the machine's own memory map");
	return is_run_together(ram, size) ? add_run_together(target, ram)
					  : WS_ERR_NOT_FOUND;
}

/* ---- the map ---------------------------------------------------------------------- */

/* What one block of the file holds, and the beginning of a map that ends in the next. */
struct block {
	const uint8_t *bytes;
	size_t len, fresh; /* maps begin in the first of fresh bytes */
};

static enum ws_status try_block(const struct ws_ram_source *source,
				const struct ws_ram_map *map, const struct block *block)
{
	const uint8_t *at = block->bytes, *end = block->bytes + block->len;
	size_t len = map->len;
	enum ws_status status = WS_ERR_NOT_FOUND;
	struct ws_ram ram;

	while (status == WS_ERR_NOT_FOUND &&
	       (at = memmem(at, end - at, map->magic, len))) {
		const uint8_t *start = at - map->magic_at;

		if (at - block->bytes >= map->magic_at &&
		    (size_t)(start - block->bytes) < block->fresh &&
		    end - start >= map->size && map->read(start, &ram))
			status = source->take(source->arg, &ram);
		at += len;
	}
	return status;
}

static enum ws_status search(struct ws_target *target, const struct ws_ram_source *source,
			     const struct ws_ram_map *map, uint8_t *buffer)
{
	size_t got, size = WS_SCAN_CHUNK + map->size;
	enum ws_status status = WS_ERR_NOT_FOUND;

	for (uint64_t at = 0; at < source->size && status == WS_ERR_NOT_FOUND;
	     at += WS_SCAN_CHUNK) {
		uint64_t data = source->next(source->arg, at);

		if (data >= at + WS_SCAN_CHUNK)
			at = data - data % WS_SCAN_CHUNK;
		if (source->read(source->arg, at, buffer, size, &got) == WS_FAILED)
			return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s",
				       target->file.path,
				       strerror(target->file.error ? target->file.error
								   : ENOMEM));
		status = try_block(source, map,
				   &(struct block){ buffer, got, WS_SCAN_CHUNK });
	}
	return status;
}

static enum ws_status search_for(struct ws_target *target,
				 const struct ws_ram_source *source,
				 const struct ws_ram_map *map)
{
	ws_autofree uint8_t *buffer = malloc(WS_SCAN_CHUNK + map->size);

	return buffer ? search(target, source, map, buffer) : ws_fail_memory(target->ctx);
}

enum ws_status ws_ram_search(struct ws_target *target, const struct ws_ram_source *source)
{
	enum ws_status status = WS_ERR_NOT_FOUND;
	const struct ws_arch *arch;

	for (unsigned i = 0; (arch = ws_arch_at(i)); i++)
		for (const struct ws_ram_map *map = arch->ram_maps;
		     map && map->magic && status == WS_ERR_NOT_FOUND; map++)
			status = search_for(target, source, map);
	return status;
}

/* ---- of a file that is nothing but memory ----------------------------------------- */

struct raw {
	struct ws_target *target;
	uint64_t asked, data, hole; /* where the file has bytes, as was last asked */
};

static uint64_t raw_next(void *arg, uint64_t at)
{
	struct raw *raw = arg;
	struct ws_file *file = &raw->target->file;

	if (at >= raw->hole || at < raw->asked) {
		raw->asked = at;
		ws_file_extent(file, at, file->size, &raw->data, &raw->hole);
	}
	return raw->data > at ? raw->data : at;
}

static enum ws_evidence raw_read(void *arg, uint64_t at, void *to, size_t size,
				 size_t *got)
{
	struct raw *raw = arg;

	return ws_file_read(&raw->target->file, at, to, size, got);
}

static enum ws_status raw_take(void *arg, const struct ws_ram *ram)
{
	struct raw *raw = arg;

	return add(raw->target, ram);
}

enum ws_status ws_raw_place(struct ws_target *target)
{
	struct raw raw = { .target = target };

	return ws_ram_search(target, &(struct ws_ram_source){ .size = target->file.size,
							      .arg = &raw,
							      .next = raw_next,
							      .read = raw_read,
							      .take = raw_take });
}
