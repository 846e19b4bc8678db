/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kdump file as it is meant: plain, or flattened and put back in order.
 *
 * Flattened files are what a writer makes that cannot seek (QEMU always; makedumpfile
 * -F): "makedumpfile", a block of header, and then chunks, each with the offset at
 * which its bytes belong, until one that says -1 (makedumpfile's IMPLEMENTATION; QEMU
 * dump/dump.c). They are put in order here by a table of chunks, never by a copy.
 */
#ifndef WS_TARGET_IMAGE_H
#define WS_TARGET_IMAGE_H

#include "target/target.h"

/* size bytes of the image at offset are the file's at `at`. */
struct ws_chunk {
	uint64_t offset, size, at;
};

/* Invariant: sorted by offset, never overlapping, each inside the file. */
struct ws_image {
	const struct ws_file *file;
	WS_VEC(struct ws_chunk) chunks;
	bool flattened;
};

bool ws_image_flattened(const struct ws_file *file);
enum ws_status ws_image_open(struct ws_target *target,
			     struct ws_image *image) WS_MUST_CHECK;
void ws_image_close(struct ws_image *image);

/*
 * size bytes at offset: where they lie together in the file, else gathered into
 * bounce. NULL if any is missing (a hole, or past the end), or bounce is needed and
 * NULL. Safe in several threads.
 */
const uint8_t *ws_image_bytes(const struct ws_image *image, uint64_t offset, size_t size,
			      uint8_t *bounce);

/* The file offset of the image's byte at offset, for messages. */
uint64_t ws_image_at(const struct ws_image *image, uint64_t offset);

#endif
