/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of a compressed file that unpack one without the other, to known places:
 * bgzip's members, zstd's frames, xz's blocks.
 */
#ifndef WS_TARGET_PACKED_PARTS_H
#define WS_TARGET_PACKED_PARTS_H

#include "target/codec.h"
#include "target/file.h"
#include "util/vec.h"

struct ws_part {
	uint64_t in, in_size;   /* where it lies in the file */
	uint64_t out, out_size; /* and what it unpacks to */
	unsigned how;           /* what codec->begin() is given */
};

struct ws_parts {
	const struct ws_codec *codec; /* of each of them */
	WS_VEC(struct ws_part) all;   /* one behind the other, in both files */
	uint64_t in, out; /* where the last ends; from there nothing is known */
};

/*
 * Finds them from offset on, in a file that is compressed by codec; those that are cut off
 * or do not say how long they are come after in and out. WS_FAILED: for want of memory,
 * or the file's error.
 */
enum ws_evidence ws_parts_find(struct ws_file *file, uint64_t offset,
			       const struct ws_codec *codec,
			       struct ws_parts *parts) WS_MUST_CHECK;

#endif
