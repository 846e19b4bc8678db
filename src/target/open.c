/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/open.h"

#include <string.h>

#include "target/packed.h"

enum ws_status ws_file_open_inside(struct ws_context *ctx, struct ws_file *outer,
				   uint64_t offset, struct ws_file *inner)
{
	enum ws_status status;

	*inner = (struct ws_file){ .fd = -1,
				   .device = outer->device,
				   .inode = outer->inode,
				   .memory = outer->memory,
				   .path = strdup(outer->path) };
	if (!inner->path)
		return ws_fail_memory(ctx);
	status = ws_packed_open(ctx, outer, offset, inner);
	return status ? status : ws_file_begin(ctx, inner);
}

enum ws_status ws_file_open(struct ws_context *ctx, struct ws_file *file)
{
	enum ws_status status = ws_file_take(ctx, file);
	struct ws_file inner;

	if (status)
		return status;
	status = ws_file_open_inside(ctx, file, 0, &inner);
	if (status) {
		ws_file_close(&inner);
		return status == WS_ERR_NOT_FOUND ? WS_OK : status;
	}
	ws_file_close(file);
	*file = inner;
	return WS_OK;
}
