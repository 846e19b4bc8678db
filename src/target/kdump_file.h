/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kdump file as it is meant: plain, or flattened and put back in order.
 *
 * Flattened files are what a writer makes that cannot seek (QEMU always; makedumpfile
 * -F): "makedumpfile", a block of header, and then chunks, each with the offset at
 * which its bytes belong, until one that says -1 (makedumpfile's IMPLEMENTATION; QEMU
 * dump/dump.c). They are put in order here by a table of chunks, never by a copy. A file
 * that is cut off has the chunks that came before the cut, and a part of one.
 */
#ifndef WS_TARGET_KDUMP_FILE_H
#define WS_TARGET_KDUMP_FILE_H

#include "target/target.h"

/* size bytes of the image at offset are the file's at `at`. */
struct ws_chunk {
	uint64_t offset, size, at;
};

/* Invariant: sorted by offset, never overlapping, each inside the file. */
struct ws_kdump_file {
	struct ws_file *file;
	WS_VEC(struct ws_chunk) chunks;
	bool flattened;
};

bool ws_kdump_file_flattened(const struct ws_file *file);
enum ws_status ws_kdump_file_open(struct ws_target *target,
				  struct ws_kdump_file *image) WS_MUST_CHECK;
/* The same of another file, which is not flattened. */
enum ws_status ws_kdump_file_open_plain(struct ws_target *target, struct ws_file *file,
					struct ws_kdump_file *image) WS_MUST_CHECK;
void ws_kdump_file_close(struct ws_kdump_file *image);

/*
 * Copies size bytes at offset: all, or WS_ABSENT if any is missing (a hole, or past the
 * end). Safe in several threads, each with a window of its own; NULL: none is needed.
 */
enum ws_evidence ws_kdump_file_read(const struct ws_kdump_file *image,
				    struct ws_file_window *window, uint64_t offset,
				    void *to, size_t size) WS_MUST_CHECK;

/* Whether ws_kdump_file_read() will find them, if the file does not shrink. */
bool ws_kdump_file_has(const struct ws_kdump_file *image, uint64_t offset, uint64_t size);

/* The file offset of the image's byte at offset, for messages. */
uint64_t ws_kdump_file_at(const struct ws_kdump_file *image, uint64_t offset);

#endif
