/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kdump has to be read for, header or bitmap, with words where it is missing. */
#include "target/kdump.h"

#include <string.h>

/* Copies size bytes of the image, which the headers say are there. */
enum ws_status ws_kdump_need(struct ws_target *target, uint64_t offset, void *to,
			     uint64_t size, const char *what)
{
	struct kdump *kdump = target->priv;
	enum ws_evidence evidence =
		ws_kdump_file_read(&kdump->image, NULL, offset, to, size);

	if (evidence == WS_READ)
		return WS_OK;
	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s: %s",
			       target->file.path, what, strerror(target->file.error));
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#lx bytes at %soffset %#lx are not in the file of %#zx "
		       "bytes: is the dump truncated?",
		       target->file.path, what, size,
		       kdump->image.flattened ? "rearranged " : "file ", offset,
		       target->file.size);
}

/* Where the image's byte at offset is in the file, for messages. */
uint64_t ws_kdump_file_offset(const struct ws_target *target, uint64_t offset)
{
	const struct kdump *kdump = target->priv;

	return ws_kdump_file_at(&kdump->image, offset);
}
