/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where raw memory has a hole below 4 GiB that no memory map in it tells of. A hypervisor's
 * one block of memory goes on behind the hole as if there was none, so what lies there is
 * farther up than in the file.
 *
 * The kernel is full of empty lists, whose heads lead to themselves by the direct map. What
 * such a word holds, less where it lies in the file, is one difference for all of memory
 * below the hole, and for all above it that difference and what the hole takes:
 *
 *	file 0x04858c60:	ffff888004858c60	PAGE_OFFSET = ffff888000000000
 *	file 0xc4858c60:	ffff888104858c60	and 0x40000000, a hole from 3 GiB on
 *
 * So each such word above a hole shows it, and refutes all others and that there is none.
 */
#include "target/ram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/linux.h"
#include "util/cleanup.h"
#include "util/vote.h"

/*
 * Where hypervisors leave a hole: QEMU's q35 with 2.75 GiB or more; the same with
 * max-ram-below-4g; i440fx with 3.5 GiB or more, VMware, cloud-hypervisor, Firecracker;
 * older Firecrackers; VirtualBox; Xen. (QEMU hw/i386/pc_q35.c and pc_piix.c, VirtualBox
 * CFGM's RamHoleSize, Xen public/hvm/e820.h.)
 */
static const uint64_t places[] = { 0x80000000, 0xb0000000, 0xc0000000,
				   0xd0000000, 0xe0000000, 0xf0000000 };
#define PLACES WS_ARRAY_SIZE(places)
#define FIRST_PLACE places[0]
#define GRAIN UINT64_C(0x10000000) /* all are multiples of it */

/* Fewer may be by chance, or left over from a boot before; and more than one in so many
 * that say otherwise refute the rest. */
#define WORDS_MIN 16
#define WORDS_AGAINST 16

struct seen {
	const struct ws_linux_layout *row;
	struct ws_ballot ballot[WS_BALLOTS];
	uint64_t votes;
	uint64_t delta;                             /* below all holes */
	uint64_t agree[PLACES], flat_above[PLACES]; /* of words that lie above it */
};

typedef void look_fn(struct seen *seen, uint64_t at, const uint8_t *bytes, size_t len);

/* ---- what words show -------------------------------------------------------------- */

static void look_below(struct seen *seen, uint64_t at, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t delta = ws_le64(bytes + i) - (at + i);

		if (!ws_may_be_delta(seen->row, delta))
			continue;
		seen->votes++;
		ws_vote(seen->ballot, delta, 1);
	}
}

static void look_above(struct seen *seen, uint64_t at, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t more = ws_le64(bytes + i) - (at + i) - seen->delta;

		if (more & (GRAIN - 1) || more > WS_HOLE_END - FIRST_PLACE)
			continue;
		for (unsigned k = 0; k < PLACES; k++) {
			seen->agree[k] += more && at + i >= places[k] &&
					  more == WS_HOLE_END - places[k];
			seen->flat_above[k] += !more && at + i >= places[k];
		}
	}
}

/* The difference below all holes; false: words there do not show one. */
static bool take_votes(struct seen *seen)
{
	const struct ws_ballot *most = seen->ballot;

	for (unsigned b = 1; b < WS_BALLOTS; b++)
		if (seen->ballot[b].bytes > most->bytes)
			most = &seen->ballot[b];
	seen->delta = most->delta;
	return most->bytes >= WORDS_MIN && most->bytes * 2 > seen->votes;
}

static bool decides(uint64_t words, uint64_t against)
{
	return words >= WORDS_MIN && words >= against * WORDS_AGAINST;
}

/* Above each place that the file reaches words say that there is no hole. */
static bool is_flat(const struct seen *seen, uint64_t size)
{
	bool flat = true;

	for (unsigned k = 0; k < PLACES && places[k] < size && flat; k++)
		flat = decides(seen->flat_above[k], seen->agree[k]);
	return flat;
}

/* Whether one place, or that there is none, has the words for it, and next to none against. */
static bool settle(const struct seen *seen, uint64_t size, uint64_t *hole)
{
	uint64_t all = 0;

	for (unsigned k = 0; k < PLACES; k++)
		all += seen->agree[k];
	*hole = 0;
	for (unsigned k = 0; k < PLACES && !*hole; k++)
		if (decides(seen->agree[k], all - seen->agree[k] + seen->flat_above[k]))
			*hole = places[k];
	return *hole || is_flat(seen, size);
}

/* ---- the file --------------------------------------------------------------------- */

static enum ws_status read_failed(struct ws_target *target)
{
	const struct ws_file *file = &target->file;

	return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s", file->path,
		       strerror(file->error ? file->error : ENOMEM));
}

/* Looks at what is in no hole of the file, in [from, to). */
static enum ws_status tour(struct ws_target *target, uint64_t from, uint64_t to,
			   look_fn *look, struct seen *seen)
{
	ws_autofree uint8_t *buffer = malloc(WS_SCAN_CHUNK);
	uint64_t data, hole;

	if (!buffer)
		return ws_fail_memory(target->ctx);
	for (uint64_t at = from; at < to;) {
		ws_file_extent(&target->file, at, to, &data, &hole);
		at = data > at ? data & ~UINT64_C(7) : at;
		while (at < hole) {
			size_t got, want = hole - at < WS_SCAN_CHUNK ? hole - at
								     : WS_SCAN_CHUNK;

			if (ws_file_read(&target->file, at, buffer, want, &got) ==
			    WS_FAILED)
				return read_failed(target);
			if (!got)
				return WS_OK;
			look(seen, at, buffer, got);
			at += got;
		}
		at = at < hole ? hole : at;
		if (data >= to)
			break;
	}
	return WS_OK;
}

static enum ws_status look_for(struct ws_target *target,
			       const struct ws_linux_layout *row, uint64_t *hole)
{
	struct seen seen = { .row = row };
	enum ws_status status = tour(target, 0, FIRST_PLACE, look_below, &seen);

	if (status || !take_votes(&seen))
		return status ? status : WS_ERR_NOT_FOUND;
	status = tour(target, FIRST_PLACE, target->file.size, look_above, &seen);
	return status || settle(&seen, target->file.size, hole) ? status
								: WS_ERR_NOT_FOUND;
}

/* Kernels whose direct map has all of a machine's memory, which begins at 0. */
static const struct ws_linux_layout *row_of(const struct ws_arch *arch)
{
	const struct ws_linux_layout *row =
		arch->on_linux ? arch->on_linux->layouts : NULL;

	while (row && row->format && (row->word != 8 || !row->from_zero))
		row++;
	return row && row->format ? row : NULL;
}

enum ws_status ws_raw_hole(struct ws_target *target, uint64_t *hole)
{
	enum ws_status status = WS_ERR_NOT_FOUND;
	const struct ws_arch *arch;

	for (unsigned i = 0; status == WS_ERR_NOT_FOUND && (arch = ws_arch_at(i)); i++)
		if (row_of(arch))
			status = look_for(target, row_of(arch), hole);
	return status;
}
