/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kdump has to be read for, header or bitmap, with words where it is missing. */
#include "target/kdump.h"

#include <string.h>

/* Copies size bytes of the image, which the headers say are there. */
enum ws_status ws_kdump_need(struct ws_target *target, const struct ws_kdump_file *image,
			     uint64_t offset, void *to, uint64_t size, const char *what)
{
	enum ws_evidence evidence = ws_kdump_file_read(image, NULL, offset, to, size);

	if (evidence == WS_READ)
		return WS_OK;
	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s: %s",
			       image->file->path, what, strerror(image->file->error));
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#jx bytes at %soffset %#jx are not in the file of %#zx "
		       "bytes: is the dump truncated?",
		       image->file->path, what, size,
		       image->flattened ? "rearranged " : "file ", offset,
		       image->file->size);
}

/* It grew with every version. */
size_t ws_kdump_sub_header_size(const struct kdump_header *h)
{
	const struct kdump_class *class = h->class;

	return h->version >= 6   ? class->end
	       : h->version >= 4 ? class->note + 8 + class->size
	       : h->version >= 3 ? class->vmcoreinfo + 8 + class->size
	       : h->version >= 2 ? class->past + class->size
				 : 0;
}

/* Where the image's byte at offset is in the file, for messages. */
uint64_t ws_kdump_file_offset(const struct ws_target *target, uint64_t offset)
{
	const struct kdump *kdump = target->priv;

	return ws_kdump_file_at(&kdump->image, offset);
}
