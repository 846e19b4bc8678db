/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the file behind a target, whether it is compressed or not. */
#ifndef WS_TARGET_OPEN_H
#define WS_TARGET_OPEN_H

#include "target/file.h"

/*
 * Opens the file with file->path as ws_file_take() does; what is compressed is unpacked into
 * a temporary file, and that is then the file.
 */
enum ws_status ws_file_open(struct ws_context *ctx, struct ws_file *file) WS_MUST_CHECK;
/*
 * The same of what lies compressed in outer, from offset to its end. WS_ERR_NOT_FOUND,
 * without a message: it is in no format that is known. *inner is to be closed in any case.
 */
enum ws_status ws_file_open_inside(struct ws_context *ctx, struct ws_file *outer,
				   uint64_t offset, struct ws_file *inner) WS_MUST_CHECK;

#endif
