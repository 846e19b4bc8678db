/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LiME: the file is a row of ranges, each a header and its bytes. The header, all
 * little-endian, is (LiME doc/README.md, version 1):
 *
 *	0  u32 magic 0x4C694D45	  8  u64 first byte's pa    24  u64 reserved
 *	4  u32 version		 16  u64 last byte's pa
 *
 * Of a file that is cut off the last range is read as far as it goes. Nothing says how
 * many ranges there should be, so a cut between two of them cannot be seen.
 */
#include "target/target.h"

#include "util/bits.h"

#define LIME_MAGIC 0x4C694D45
#define LIME_VERSION 1
#define LIME_HEADER 32
#define PHYSICAL_END WS_BIT(52) /* SDM 4.1.4 */

static bool lime_probe(const struct ws_file *file)
{
	return file->size >= 4 && ws_le32(file->data) == LIME_MAGIC;
}

/* What other ranges there were, nobody knows. */
static void more_followed(struct ws_target *target)
{
	target->cut_more = true;
	ws_target_reaches(target, PHYSICAL_END);
}

static enum ws_status cut_in_header(struct ws_target *target, uint64_t at)
{
	more_followed(target);
	return ws_target_add_note(target,
				  "the dump is cut off in the LiME header at file offset "
				  "%#lx: what followed is unknown, and how much it was",
				  at);
}

static enum ws_status range_add(struct ws_target *target, uint64_t *at)
{
	const char *path = target->file.path;
	const uint8_t *header = target->file.data + *at;
	uint64_t first, last;
	enum ws_status status;

	if (*at && target->file.size - *at < LIME_HEADER) {
		status = cut_in_header(target, *at);
		*at = target->file.size;
		return status;
	}
	if ((status = ws_target_need(target, *at, LIME_HEADER, "LiME header")))
		return status;
	if (ws_le32(header) != LIME_MAGIC)
		return ws_fail(target->ctx, *at ? WS_ERR_MALFORMED : WS_ERR_UNREADABLE,
			       "%s: no LiME magic at file offset %#lx", path, *at);
	if (ws_le32(header + 4) != LIME_VERSION)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: LiME header at file offset %#lx: version %u, not %u",
			       path, *at, ws_le32(header + 4), LIME_VERSION);
	first = ws_le64(header + 8);
	last = ws_le64(header + 16);
	if (last < first || last - first == UINT64_MAX || last == UINT64_MAX)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: LiME header at file offset %#lx: range %#lx..%#lx "
			       "makes no sense",
			       path, *at, first, last);
	status = ws_target_add_from_file(target, first, last - first + 1,
					 *at + LIME_HEADER);
	*at += LIME_HEADER;
	if (last - first < target->file.size - *at) {
		*at += last - first + 1;
	} else {
		*at = target->file.size;
		more_followed(target);
	}
	return status;
}

static enum ws_status lime_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	enum ws_status status = WS_OK;
	uint64_t at = 0;

	(void)options;
	while (!status && at < target->file.size)
		status = range_add(target, &at);
	return status;
}

const struct ws_target_ops ws_target_lime = {
	.kind = "lime",
	.probe = lime_probe,
	.open = lime_open,
};
