/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw memory: in the pieces that are given, or as the memory map in it says that it lies
 * (ram.c), or with the hole that words in it show (hole.c), or else byte n of the file is
 * physical address n. It cannot be recognised by its looks.
 */
#include "target/ram.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/number.h"

/* One of pieces, "OFFSET:LENGTH:PA". */
struct raw_piece {
	uint64_t offset, len, pa;
};

static enum ws_status refuse(struct ws_target *target, const char *piece, const char *why)
{
	return ws_fail(
		target->ctx, WS_ERR_USAGE,
		"'%s' is no piece of raw memory, OFFSET:LENGTH:PA, hexadecimal: %s",
		piece, why);
}

/* Cuts text at the first colon; what is behind it, or NULL. */
static char *behind_colon(char *text)
{
	char *colon = text ? strchr(text, ':') : NULL;

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* NULL, or what is wrong. text is taken apart. */
static const char *piece_parse(const struct ws_file *file, char *text,
			       struct raw_piece *piece)
{
	char *len = behind_colon(text), *pa = behind_colon(len);

	if (!pa)
		return "it has not three parts";
	if (!ws_number(text, WS_HEX, UINT64_MAX, &piece->offset) ||
	    !ws_number(pa, WS_HEX, WS_PHYSICAL_END - 1, &piece->pa))
		return "offset and address are to be numbers";
	if (piece->offset >= file->size)
		return "the file ends before it";
	piece->len = file->size - piece->offset;
	if (*len && !ws_number(len, WS_HEX, UINT64_MAX, &piece->len))
		return "its length is no number";
	if (!piece->len || piece->len > WS_PHYSICAL_END - piece->pa)
		return "no machine has so much memory there";
	if ((piece->pa | piece->offset) % WS_FRAME_SIZE)
		return "it begins inside a page frame";
	return NULL;
}

static enum ws_status piece_add(struct ws_target *target, const char *text, size_t len,
				uint64_t number)
{
	ws_autofree char *whole = strndup(text, len), *parts = strndup(text, len);
	struct raw_piece piece;
	const char *wrong;

	if (!whole || !parts)
		return ws_fail_memory(target->ctx);
	wrong = piece_parse(&target->file, parts, &piece);
	if (wrong)
		return refuse(target, whole, wrong);
	return ws_target_add_from_file(target, piece.pa, piece.len, piece.offset, number);
}

static enum ws_status pieces_add(struct ws_target *target, const char *text)
{
	enum ws_status status = WS_OK;

	for (uint64_t number = 0; !status; number++) {
		size_t len = strcspn(text, ",");

		status = piece_add(target, text, len, number);
		if (!text[len])
			break;
		text += len + 1;
	}
	return status;
}

/* The lowest place at which a hypervisor leaves a hole in memory: QEMU's q35. */
#define HOLE_MIN (UINT64_C(2) << 30)

static enum ws_status as_it_lies(struct ws_target *target)
{
	return ws_target_add_from_file(target, 0, target->file.size, 0, 0);
}

/* Memory that lies elsewhere than it is taken for may be anywhere above. */
static enum ws_status in_doubt(struct ws_target *target)
{
	enum ws_status status = as_it_lies(target);

	ws_target_reaches(target, WS_PHYSICAL_END);
	return status ? status
		      : ws_target_add_note(
				target,
				"no memory map in this file fits its length, nor do words in "
				"it that lead to themselves show a hole below 4 GiB or that "
				"there is none: byte n is taken for physical address n, which "
				"is wrong above a hole at 2 or 3 GiB, if its machine had one "
				"(--pieces 0:c0000000:0,c0000000::100000000 places what lies "
				"above)");
}

static enum ws_status without_map(struct ws_target *target)
{
	uint64_t hole;
	enum ws_status status;

	if (target->file.size <= HOLE_MIN)
		return as_it_lies(target);
	status = ws_raw_hole(target, &hole);
	if (status)
		return status == WS_ERR_NOT_FOUND ? in_doubt(target) : status;
	return hole ? ws_raw_fold(target, hole, "words in memory that lead to themselves")
		    : as_it_lies(target);
}

/* VMware's memory is as good as raw, but for what its description says of it. */
static enum ws_status lonely_note(struct ws_target *target)
{
	if (!ws_path_ends_in(target->file.path, ".vmem"))
		return WS_OK;
	return ws_target_add_note(
		target,
		"a .vmem without the .vmss or .vmsn of the same name that VMware writes beside "
		"it: where its memory lies, and the processors' registers, are in that one");
}

static enum ws_status raw_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	enum ws_status status = lonely_note(target);

	if (status || options->pieces)
		return status ? status : pieces_add(target, options->pieces);
	status = ws_raw_place(target);
	return status == WS_ERR_NOT_FOUND ? without_map(target) : status;
}

const struct ws_target_ops ws_target_raw = {
	.kind = "raw",
	.header = "piece",
	.title = "raw memory",
	.about =
		"Memory without a header: in pieces that are given, as its own memory map has "
		"it, with the hole below 4 GiB that words in it show, or from physical address 0 "
		"on. It is known by no first bytes and has no registers.",
	.open = raw_open,
};
