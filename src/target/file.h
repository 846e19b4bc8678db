/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file behind a target. It is read and never mapped: where a mapped file shrinks or
 * its disk fails, the kernel kills whoever touches the page (SIGBUS), which a library
 * cannot catch for its caller. Read, the same is an answer: WS_ABSENT or WS_FAILED.
 */
#ifndef WS_TARGET_FILE_H
#define WS_TARGET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "util/vec.h"
#include "whosees.h"

#define WS_FILE_BLOCK 4096u

/* Bytes from at up to end. */
struct ws_gap {
	uint64_t at, end;
};

/*
 * Owned by the target. data is address space for all of the file, and holds the blocks
 * that ws_file_hold() has read, for good; the others are not accessible, so that to touch
 * one without asking is a fault at once and not a wrong zero.
 */
struct ws_file {
	const char *path;
	int fd; /* -1: there is none, a scenario's core is in memory only */
	const uint8_t *data;
	size_t size;            /* when it was opened */
	uint8_t *held;          /* a bit a block that data holds; NULL: all of it */
	uint8_t *accessible;    /* a bit a stride of data, see file.c */
	unsigned stride_log2;   /* of its length in bytes */
	bool shrunk;            /* some read met the end before size; atomic */
	int error;              /* errno of a read that failed; 0: none; atomic */
	uint64_t device, inode; /* of what was opened, which fd may be made from */
	uint64_t memory;        /* bytes that unpacking it may take; 0: any */
	const char *packing;    /* how that was compressed, "gzip"; NULL: it was not */
	WS_VEC(struct ws_gap) gaps; /* what could not be unpacked, in order */
	bool partial;   /* it was cut off or damaged: more may have followed */
	char *notes[2]; /* what is wrong with it; NULL: nothing */
};

/*
 * Opens the file with file->path as it is, "-" for standard input. A pipe is copied into a
 * temporary file first.
 */
enum ws_status ws_file_take(struct ws_context *ctx, struct ws_file *file) WS_MUST_CHECK;
/* Holds the first bytes of what fd is; its size is known. */
enum ws_status ws_file_begin(struct ws_context *ctx, struct ws_file *file) WS_MUST_CHECK;
void ws_file_close(struct ws_file *file);

/*
 * Sees to it that data[offset..offset + size) is held; the caller has checked that it
 * lies inside the file and is not empty. WS_ABSENT: the file has shrunk. For one thread
 * at a time.
 */
enum ws_evidence ws_file_hold_slowly(struct ws_file *file, uint64_t offset,
				     uint64_t size) WS_MUST_CHECK;

static inline bool ws_file_has_block(const struct ws_file *file, uint64_t block)
{
	return file->held[block / 8] >> block % 8 & 1;
}

/* Whether size bytes at offset, a frame's at most, are held; they are not empty. */
static inline bool ws_file_holds(const struct ws_file *file, uint64_t offset, size_t size)
{
	return !file->held ||
	       (ws_file_has_block(file, offset / WS_FILE_BLOCK) &&
		ws_file_has_block(file, (offset + size - 1) / WS_FILE_BLOCK));
}

/* The same, fast where a frame's bytes are held already. */
static inline enum ws_evidence ws_file_hold(struct ws_file *file, uint64_t offset,
					    uint64_t size)
{
	return size <= WS_FILE_BLOCK && ws_file_holds(file, offset, size)
		       ? WS_READ
		       : ws_file_hold_slowly(file, offset, size);
}

/* Holds all of it: whoever writes to data, as some tests do, changes what is read. */
enum ws_evidence ws_file_hold_all(struct ws_file *file) WS_MUST_CHECK;

/*
 * Copies size bytes at offset without keeping them; *got (NULL: all or nothing will do)
 * is how many there were. WS_ABSENT: not all lie in the file, or it has shrunk. Safe in
 * several threads.
 */
enum ws_evidence ws_file_read(struct ws_file *file, uint64_t offset, void *to,
			      size_t size, size_t *got) WS_MUST_CHECK;

/* A stretch of a file, read at once for what follows. One thread's. Zeroed: empty. */
struct ws_file_window {
	uint8_t *bytes;
	uint64_t at, next; /* next: where the last read ended */
	size_t have;
};

void ws_file_window_release(struct ws_file_window *window);

/* ws_file_read(), of all or nothing; where reads follow one another, few system calls. */
enum ws_evidence ws_file_window_read(struct ws_file *file, struct ws_file_window *window,
				     uint64_t offset, void *to,
				     size_t size) WS_MUST_CHECK;

/*
 * Where the file has bytes at or after offset, and before end: *data is the first of
 * them, *hole the first after that which is in a hole or at end. What lies in a hole is
 * zero and need not be read. *data is end where there are none.
 */
void ws_file_extent(struct ws_file *file, uint64_t offset, uint64_t end, uint64_t *data,
		    uint64_t *hole);

/* Whether a path ends in that, in small letters or capitals, and is more than that. */
bool ws_path_ends_in(const char *path, const char *suffix);

#endif
