/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that is compressed as a whole is unpacked once, and read like any other. */
#ifndef WS_TARGET_PACKED_H
#define WS_TARGET_PACKED_H

#include "target/file.h"

/*
 * If the bytes of file from offset on are compressed, unpacks them: fd and size are then
 * an unnamed file of what came out, which the caller closes, and packing, gaps, partial
 * and notes of *unpacked say how. WS_ERR_NOT_FOUND, without a message: they are not.
 */
enum ws_status ws_packed_open(struct ws_context *ctx, struct ws_file *file,
			      uint64_t offset, struct ws_file *unpacked) WS_MUST_CHECK;

#endif
