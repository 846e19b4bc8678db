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
 *
 * A header that makes no sense hides where the next one is. It is looked for: headers lie
 * at multiples of their own size, since ranges are of whole pages, and one that leads to
 * another, or to the file's end, is no chance. The ranges from there on are read.
 */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"

#define LIME_MAGIC 0x4C694D45
#define LIME_VERSION 1
#define LIME_HEADER 32
#define LIME_RESERVED 24

struct ranges {
	struct ws_target *target;
	uint64_t at, number;   /* of the header that is next */
	uint64_t before;       /* where the range begins in the file that ends here */
	size_t memory;         /* how many pieces there were before that was added */
	struct ws_extent last; /* that range */
};

static bool lime_probe(const struct ws_file *file)
{
	return file->size >= 4 && ws_le32(file->data) == LIME_MAGIC;
}

/* What other ranges there were, nobody knows. */
static void more_followed(struct ws_target *target)
{
	target->cut_more = true;
	ws_target_reaches(target, WS_PHYSICAL_END);
}

static enum ws_status read_failed(struct ws_target *target)
{
	return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s", target->file.path,
		       strerror(target->file.error ? target->file.error : ENOMEM));
}

/* ---- headers ---------------------------------------------------------------------- */

/* What is wrong with a header; NULL: nothing, and *range is what it says. */
static const char *header_flaw(const uint8_t *header, struct ws_extent *range)
{
	uint64_t first = ws_le64(header + 8), last = ws_le64(header + 16);

	*range = (struct ws_extent){ first, last - first + 1 };
	if (ws_le32(header) != LIME_MAGIC)
		return "no LiME magic";
	if (ws_le32(header + 4) != LIME_VERSION)
		return "a version that is unknown";
	if (last < first || last >= WS_PHYSICAL_END)
		return "a range that makes no sense";
	return NULL;
}

/* WS_ABSENT: there is none at offset at that leads to another or to the end. */
static enum ws_evidence header_leads_on(struct ws_target *target, uint64_t at)
{
	uint8_t header[LIME_HEADER], magic[4];
	struct ws_extent range;
	uint64_t room;
	enum ws_evidence evidence =
		ws_file_read(&target->file, at, header, sizeof(header), NULL);

	if (evidence != WS_READ)
		return evidence;
	room = target->file.size - at - LIME_HEADER;
	if (header_flaw(header, &range) || ws_le64(header + LIME_RESERVED) ||
	    range.len > room)
		return WS_ABSENT;
	if (range.len == room)
		return WS_READ;
	evidence = ws_file_read(&target->file, at + LIME_HEADER + range.len, magic,
				sizeof(magic), NULL);
	return evidence || ws_le32(magic) == LIME_MAGIC ? evidence : WS_ABSENT;
}

/* The first such from offset *at on; the file's end where there is none. */
static enum ws_evidence header_find(struct ws_target *target, uint64_t *at)
{
	ws_autofree uint8_t *buffer = malloc(WS_SCAN_CHUNK);
	enum ws_evidence evidence = buffer ? WS_READ : WS_FAILED;
	size_t room = WS_FILE_BLOCK, got = 0; /* where there is one, it is mostly near */

	for (uint64_t from = *at; evidence != WS_FAILED && from < target->file.size;
	     from += room, room = WS_SCAN_CHUNK) {
		evidence = ws_file_read(&target->file, from, buffer, room, &got);
		for (size_t i = 0; i + 4 <= got && evidence != WS_FAILED;
		     i += LIME_HEADER) {
			if (ws_le32(buffer + i) != LIME_MAGIC)
				continue;
			evidence = header_leads_on(target, from + i);
			*at = from + i;
			if (evidence == WS_READ)
				return WS_READ;
		}
	}
	*at = target->file.size;
	return evidence == WS_FAILED ? WS_FAILED : WS_ABSENT;
}

/* ---- ranges ----------------------------------------------------------------------- */

static enum ws_status cut_in_header(struct ranges *r)
{
	uint64_t at = r->at;

	r->at = r->target->file.size;
	more_followed(r->target);
	return ws_target_add_note(r->target,
				  "the dump is cut off in the LiME header at file offset "
				  "%#jx: what followed is unknown, and how much it was",
				  at);
}

/* With the first header bad and no other found it is no LiME, or not one for us. */
static enum ws_status refuse(struct ws_target *target, const uint8_t *header)
{
	const char *path = target->file.path;

	if (ws_le32(header) != LIME_MAGIC)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no LiME magic at file offset 0", path);
	if (ws_le32(header + 4) != LIME_VERSION)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: LiME header at file offset 0: version %u, not %u",
			       path, ws_le32(header + 4), LIME_VERSION);
	return ws_fail(
		target->ctx, WS_ERR_MALFORMED,
		"%s: LiME header at file offset 0: range %#jx..%#jx makes no sense", path,
		ws_le64(header + 8), ws_le64(header + 16));
}

/*
 * A header that makes no sense, and what comes of it. One with its magic is where the
 * range before it said; without, that range's size may be what is wrong.
 */
static enum ws_status range_leave(struct ranges *r, const uint8_t *header,
				  const struct ws_extent *range, const char *flaw)
{
	struct ws_target *target = r->target;
	bool misled = r->at && ws_le32(header) != LIME_MAGIC;
	uint64_t here = r->at, from = (misled ? r->before : r->at) + LIME_HEADER;
	enum ws_status status;

	if (header_find(target, &from) == WS_FAILED)
		return read_failed(target);
	if (from == target->file.size && !here)
		return refuse(target, header);
	r->at = from;
	if (misled)
		target->memory.n = r->memory;
	status = ws_target_leave(
		target, r->number - misled, misled ? &r->last : range,
		"the header at file offset %#jx, %s it, has %s, and the next one that is "
		"sound is at %#jx",
		here, misled ? "behind" : "of", flaw, from);
	r->number++;
	if (from == target->file.size)
		more_followed(target);
	return status;
}

/* Whether the file goes on in the midst of a range that is longer than the file. */
static enum ws_status range_too_long(struct ranges *r, const struct ws_extent *range)
{
	struct ws_target *target = r->target;
	uint64_t here = r->at, from = here + LIME_HEADER;

	if (header_find(target, &from) == WS_FAILED)
		return read_failed(target);
	r->at = from;
	if (from < target->file.size) {
		r->number++;
		return ws_target_leave(
			target, r->number - 1, range,
			"it is longer than the file, in which another begins at %#jx",
			from);
	}
	more_followed(target);
	return ws_target_add_from_file(target, range->pa, range->len, here + LIME_HEADER,
				       r->number++);
}

static enum ws_status range_add(struct ranges *r)
{
	struct ws_target *target = r->target;
	const uint8_t *header = target->file.data + r->at;
	struct ws_extent range;
	enum ws_status status;
	const char *flaw;

	if (r->at && target->file.size - r->at < LIME_HEADER)
		return cut_in_header(r);
	if ((status = ws_target_need(target, r->at, LIME_HEADER, "LiME header")))
		return status;
	flaw = header_flaw(header, &range);
	if (flaw)
		return range_leave(r, header, &range, flaw);
	if (range.len > target->file.size - r->at - LIME_HEADER)
		return range_too_long(r, &range);
	r->before = r->at;
	r->memory = target->memory.n;
	r->last = range;
	r->at += LIME_HEADER + range.len;
	return ws_target_add_from_file(target, range.pa, range.len,
				       r->before + LIME_HEADER, r->number++);
}

static enum ws_status lime_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	struct ranges ranges = { .target = target };
	enum ws_status status = WS_OK;

	(void)options;
	while (!status && ranges.at < target->file.size)
		status = range_add(&ranges);
	return status;
}

const struct ws_target_ops ws_target_lime = {
	.kind = "lime",
	.title = "LiME",
	.about = "Version 1: the module of that name, or avml --no-compress. It "
		 "has no registers.",
	.header = "LiME range",
	.probe = lime_probe,
	.open = lime_open,
};
