/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_TARGET_RAM_H
#define WS_TARGET_RAM_H

#include "target/target.h"

#define WS_HOLE_END (UINT64_C(4) << 30)
/* The firmware keeps no more than that of the block below the hole for itself. */
#define WS_FIRMWARE_MAX (UINT64_C(64) << 20)

/*
 * Where the hole below 4 GiB begins, in physical memory and in a block of memory of that size
 * whose rest lies from 4 GiB on; 0: the size does not fit.
 */
uint64_t ws_ram_hole(const struct ws_ram *ram, uint64_t size);

/*
 * The same where no map in memory says it, of a raw file: by words there that lead to
 * themselves. *hole is 0 where they show that there is none. WS_ERR_NOT_FOUND, without a
 * message: they do not show it, or contradict each other.
 */
enum ws_status ws_raw_hole(struct ws_target *target, uint64_t *hole) WS_MUST_CHECK;

/* Memory in one block, whose place is to be found by the map in it. */
struct ws_ram_source {
	uint64_t size;
	void *arg;
	/* The first byte from there on that may be other than zero; size or more: none. */
	uint64_t (*next)(void *arg, uint64_t at);
	/* As ws_file_read(). */
	enum ws_evidence (*read)(void *arg, uint64_t at, void *to, size_t size,
				 size_t *got);
	/* A map that was found; WS_ERR_NOT_FOUND: it does not fit, and the search goes on. */
	enum ws_status (*take)(void *arg, const struct ws_ram *ram);
};

/* WS_ERR_NOT_FOUND, without a message: no map that fits. */
enum ws_status ws_ram_search(struct ws_target *target,
			     const struct ws_ram_source *source) WS_MUST_CHECK;

/* Adds raw memory with that hole, which `by` shows, with a note. */
enum ws_status ws_raw_fold(struct ws_target *target, uint64_t hole,
			   const char *by) WS_MUST_CHECK;

/*
 * Adds raw memory as the memory map in it says that it lies, with a note where that is not
 * byte n at physical address n. WS_ERR_NOT_FOUND, without a message: no map in it fits the
 * file's size; nothing was added.
 */
enum ws_status ws_raw_place(struct ws_target *target) WS_MUST_CHECK;

#endif
