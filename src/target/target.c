/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a file as a target, and answers for its memory whatever its kind. */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paging/format.h"
#include "util/bits.h"
#include "util/cleanup.h"

/*
 * In the order of probing. raw looks like anything, so it has no probe; sim is told by
 * its name.
 */
static const struct ws_target_ops *const kinds[] = {
	&ws_target_elf, &ws_target_kdump, &ws_target_lime, &ws_target_raw, &ws_target_sim,
};

/* ---- the file --------------------------------------------------------------------- */

static enum ws_status file_refuse(struct ws_context *ctx, const char *path,
				  const char *what)
{
	return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s", path, what);
}

static enum ws_status file_map(struct ws_context *ctx, struct ws_file *file)
{
	struct stat st;
	void *data;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return file_refuse(ctx, file->path, strerror(errno));
	if (fstat(file->fd, &st) < 0)
		return file_refuse(ctx, file->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return file_refuse(ctx, file->path, "is a directory, not a dump");
	if (!S_ISREG(st.st_mode))
		return file_refuse(ctx, file->path, "is not a regular file");
	if (st.st_size == 0)
		return file_refuse(ctx, file->path, "is empty: it holds no memory");
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, file->fd, 0);
	if (data == MAP_FAILED)
		return file_refuse(ctx, file->path, strerror(errno));
	file->data = data;
	file->size = st.st_size;
	return WS_OK;
}

static void file_close(struct ws_file *file)
{
	if (file->data)
		munmap((void *)file->data, file->size);
	if (file->fd >= 0)
		close(file->fd);
	free((char *)file->path);
}

bool ws_target_is_file(const struct ws_target *target, const char *path)
{
	struct stat here, there;

	return fstat(target->file.fd, &here) == 0 && stat(path, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

enum ws_status ws_target_need(struct ws_target *target, uint64_t offset, uint64_t size,
			      const char *fmt, ...)
{
	const struct ws_file *file = &target->file;
	ws_autofree char *what = NULL;
	va_list ap;

	if (offset <= file->size && size <= file->size - offset)
		return WS_OK;
	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#lx bytes at file offset %#lx reach past the file's end "
		       "%#zx: is the dump truncated?",
		       file->path, what ? what : "?", size, offset, file->size);
}

/* ---- the memory, once the kind has told it ---------------------------------------- */

enum ws_status ws_target_add_memory(struct ws_target *target, uint64_t pa, uint64_t len,
				    const uint8_t *data)
{
	struct ws_piece_of_memory *piece;

	if (!len)
		return WS_OK;
	piece = ws_vec_push(&target->memory);
	if (!piece)
		return ws_fail_memory(target->ctx);
	piece->at = (struct ws_extent){ pa, len };
	piece->data = data;
	return WS_OK;
}

/* By pa; of those that begin together, the longest first. */
static int piece_order(const void *left, const void *right)
{
	const struct ws_extent *a = &((const struct ws_piece_of_memory *)left)->at;
	const struct ws_extent *b = &((const struct ws_piece_of_memory *)right)->at;

	if (a->pa != b->pa)
		return a->pa < b->pa ? -1 : 1;
	return a->len == b->len ? 0 : a->len > b->len ? -1 : 1;
}

static enum ws_status overlap_fail(struct ws_target *target,
				   const struct ws_piece_of_memory *a,
				   const struct ws_piece_of_memory *b)
{
	return ws_fail(target->ctx, WS_ERR_MALFORMED,
		       "%s: two pieces claim the same physical memory with different "
		       "contents: %#lx..%#lx (file offset %#tx) and %#lx..%#lx (file "
		       "offset %#tx)",
		       target->file.path, a->at.pa, a->at.pa + a->at.len - 1,
		       a->data - target->file.data, b->at.pa, b->at.pa + b->at.len - 1,
		       b->data - target->file.data);
}

/*
 * A piece inside another is no contradiction if it repeats it: a kdump kernel's core
 * holds the kernel image a second time, under its own virtual address (Linux
 * kernel/crash_core.c, crash_prepare_elf64_headers()).
 */
static bool piece_repeats(const struct ws_piece_of_memory *whole,
			  const struct ws_piece_of_memory *part)
{
	uint64_t offset = part->at.pa - whole->at.pa;

	return offset + part->at.len <= whole->at.len && whole->data && part->data &&
	       !memcmp(whole->data + offset, part->data, part->at.len);
}

/* Sorts the pieces, drops repetitions, joins neighbours that are so in the file too. */
static enum ws_status memory_settle(struct ws_target *target)
{
	struct ws_piece_of_memory *kept = target->memory.v;
	size_t nkept = 0;

	if (!target->memory.n)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: holds no physical memory", target->file.path);
	qsort(kept, target->memory.n, sizeof(*kept), piece_order);
	ws_vec_each(&target->memory, piece) {
		struct ws_piece_of_memory *last = nkept ? &kept[nkept - 1] : NULL;
		uint64_t end = last ? last->at.pa + last->at.len : 0;

		if (last && piece->at.pa < end) {
			if (!piece_repeats(last, piece))
				return overlap_fail(target, last, piece);
		} else if (last && piece->at.pa == end && last->data &&
			   piece->data == last->data + last->at.len) {
			last->at.len += piece->at.len;
		} else {
			kept[nkept++] = *piece;
		}
	}
	target->memory.n = nkept;
	return WS_OK;
}

/* Counts the whole frames, and tells memory's outside view: no seams. */
static enum ws_status extents_settle(struct ws_target *target)
{
	uint64_t end = 0;

	ws_vec_each(&target->memory, piece) {
		struct ws_extent *last;
		uint64_t frame_end = (piece->at.pa + piece->at.len) / WS_FRAME_SIZE;

		piece->first_frame = target->nframes;
		if (frame_end * WS_FRAME_SIZE > piece->at.pa)
			target->nframes =
				ws_frame_ordinal(piece, frame_end * WS_FRAME_SIZE);
		if (target->extents.n && piece->at.pa == end) {
			target->extents.v[target->extents.n - 1].len += piece->at.len;
		} else {
			last = ws_vec_push(&target->extents);
			if (!last)
				return ws_fail_memory(target->ctx);
			*last = piece->at;
		}
		end = piece->at.pa + piece->at.len;
	}
	if (target->memory_end < end)
		target->memory_end = end;
	return WS_OK;
}

/* ---- open and close --------------------------------------------------------------- */

static const struct ws_target_ops *kind_by_name(const char *name)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->kind, name))
			return kinds[i];
	return NULL;
}

static const struct ws_target_ops *kind_by_probe(const struct ws_file *file)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (kinds[i]->probe && kinds[i]->probe(file))
			return kinds[i];
	return NULL;
}

static enum ws_status kind_choose(struct ws_target *target,
				  const struct ws_target_options *options)
{
	if (options->kind) {
		target->ops = kind_by_name(options->kind);
		return target->ops ? WS_OK
				   : ws_fail(target->ctx, WS_ERR_USAGE,
					     "'%s' is no kind of target", options->kind);
	}
	target->ops = ws_is_sim(target->file.path) ? &ws_target_sim
						   : kind_by_probe(&target->file);
	if (!target->ops && options->format)
		target->ops = &ws_target_raw;
	if (target->ops)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_UNREADABLE,
		"%s: neither an ELF core nor a kdump nor LiME at file offset 0; raw "
		"memory from physical address 0 needs its paging format given",
		target->file.path);
}

/* What the caller says goes before what the dump says. */
static enum ws_status format_choose(struct ws_target *target,
				    const struct ws_target_options *options)
{
	if (options->has_root) {
		target->has_root = true;
		target->root = options->root;
	}
	if (options->format)
		target->format = ws_format_by_name(options->format);
	if (options->format && !target->format)
		return ws_fail(target->ctx, WS_ERR_USAGE, "'%s' is no paging format",
			       options->format);
	ws_vec_each(&target->cpus, cpu)
		if (!target->format)
			target->format = ws_format_of_cpu(cpu, target->long_mode);
	if (!target->format && target->vmcoreinfo) {
		target->format = ws_format_of_vmcoreinfo(target->vmcoreinfo);
		target->format_by_note = target->format;
	}
	if (target->format)
		target->long_mode = target->format->va_bits > 32;
	return WS_OK;
}

static enum ws_status target_fill(struct ws_target *target, const char *path,
				  const struct ws_target_options *options)
{
	enum ws_status status;

	target->file.path = strdup(path);
	if (!target->file.path)
		return ws_fail_memory(target->ctx);
	status = ws_is_sim(path) ? ws_sim_run(target->ctx, &target->file)
				 : file_map(target->ctx, &target->file);
	if (status || (status = kind_choose(target, options)) ||
	    (status = target->ops->open(target, options)) ||
	    (status = memory_settle(target)) || (status = extents_settle(target)))
		return status;
	return format_choose(target, options);
}

enum ws_status ws_target_open(struct ws_context *ctx, const char *path,
			      const struct ws_target_options *options,
			      struct ws_target **target)
{
	static const struct ws_target_options ask_the_file;
	struct ws_target *opened = calloc(1, sizeof(*opened));
	enum ws_status status;

	*target = NULL;
	if (!opened)
		return ws_fail_memory(ctx);
	ws_begin(ctx);
	opened->ctx = ctx;
	opened->file.fd = -1;
	status = target_fill(opened, path, options ? options : &ask_the_file);
	status = ws_target_looked(opened, status);
	if (status)
		ws_target_close(opened);
	else
		*target = opened;
	return status;
}

void ws_target_close(struct ws_target *target)
{
	if (!target)
		return;
	if (target->ops && target->ops->close)
		target->ops->close(target);
	file_close(&target->file);
	ws_vec_release(&target->memory);
	ws_vec_release(&target->extents);
	ws_vec_release(&target->cpus);
	free(target->vmcoreinfo);
	free(target->recorder);
	free(target);
}

/* ---- what it says of itself ------------------------------------------------------- */

const char *ws_target_path(const struct ws_target *target)
{
	return target->file.path;
}

const char *ws_target_kind(const struct ws_target *target)
{
	return target->ops->kind;
}

const struct ws_extent *ws_target_extents(const struct ws_target *target, size_t *n)
{
	*n = target->extents.n;
	return target->extents.v;
}

const struct ws_cpu *ws_target_cpus(const struct ws_target *target, size_t *n)
{
	*n = target->cpus.n;
	return target->cpus.v;
}

const char *ws_target_vmcoreinfo(const struct ws_target *target)
{
	return target->vmcoreinfo;
}

/* ---- frames and bytes ------------------------------------------------------------- */

static bool piece_holds(const struct ws_piece_of_memory *piece, uint64_t pa)
{
	return pa - piece->at.pa < piece->at.len;
}

const struct ws_piece_of_memory *ws_target_piece(struct ws_target *target, uint64_t pa)
{
	const struct ws_piece_of_memory *memory = target->memory.v;
	size_t low = 0, high = target->memory.n;

	if (piece_holds(&memory[target->last_piece], pa))
		return &memory[target->last_piece];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (piece_holds(&memory[middle], pa)) {
			target->last_piece = middle;
			return &memory[middle];
		}
		if (memory[middle].at.pa < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static enum ws_evidence piece_frame(struct ws_target *target,
				    const struct ws_piece_of_memory *piece, uint64_t pa,
				    const uint8_t **frame)
{
	enum ws_evidence evidence = WS_READ;
	uint64_t ordinal;

	*frame = NULL;
	if (pa < piece->at.pa || piece->at.len - (pa - piece->at.pa) < WS_FRAME_SIZE)
		return WS_ABSENT;
	ordinal = ws_frame_ordinal(piece, pa);
	if (piece->data)
		*frame = piece->data + (pa - piece->at.pa);
	else
		evidence = target->ops->frame(target, ordinal, frame);
	if (evidence == WS_READ && target->recorder)
		target->recorder[ordinal / 8] |= 1 << ordinal % 8;
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

enum ws_evidence ws_target_frame(struct ws_target *target, uint64_t pa,
				 const uint8_t **frame)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);

	*frame = NULL;
	return piece ? piece_frame(target, piece, pa & -(uint64_t)WS_FRAME_SIZE, frame)
		     : WS_ABSENT;
}

/* Bytes at pa that lie together: a whole frame's, or those of a piece's ragged end. */
static enum ws_evidence bytes_at(struct ws_target *target, uint64_t pa,
				 const uint8_t **bytes, size_t *len)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	uint64_t offset = pa & (WS_FRAME_SIZE - 1);
	enum ws_evidence evidence;
	const uint8_t *frame;

	if (!piece)
		return WS_ABSENT;
	evidence = piece_frame(target, piece, pa - offset, &frame);
	if (evidence == WS_READ) {
		*bytes = frame + offset;
		*len = WS_FRAME_SIZE - offset;
		return WS_READ;
	}
	if (!piece->data)
		return evidence;
	*bytes = piece->data + (pa - piece->at.pa);
	*len = piece->at.len - (pa - piece->at.pa);
	if (*len > WS_FRAME_SIZE - offset)
		*len = WS_FRAME_SIZE - offset;
	return WS_READ;
}

enum ws_status ws_target_looked(struct ws_target *target, enum ws_status status)
{
	if (status != WS_OK || !(target->failed || ws_short_of_memory(target->ctx)))
		return status;
	return ws_fail(
		target->ctx, WS_ERR_SYSTEM,
		"%s: memory was short here while it was looked at, or it could not "
		"be read: there is no answer",
		target->file.path);
}

enum ws_evidence ws_target_read(struct ws_target *target, uint64_t pa, void *buf,
				size_t len)
{
	enum ws_evidence evidence;
	uint8_t *to = buf;
	const uint8_t *from;
	size_t n;

	while (len) {
		evidence = bytes_at(target, pa, &from, &n);
		if (evidence != WS_READ)
			return evidence;
		if (n > len)
			n = len;
		memcpy(to, from, n);
		to += n;
		pa += n;
		len -= n;
	}
	return WS_READ;
}

enum ws_status ws_target_record(struct ws_target *target)
{
	if (!target->recorder)
		target->recorder = calloc(target->nframes / 8 + 1, 1);
	return target->recorder ? WS_OK : ws_fail_memory(target->ctx);
}

bool ws_target_recorded(struct ws_target *target, uint64_t pa)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	uint64_t frame = pa & -(uint64_t)WS_FRAME_SIZE, ordinal;

	if (!target->recorder || !piece || frame < piece->at.pa ||
	    piece->at.len - (frame - piece->at.pa) < WS_FRAME_SIZE)
		return false;
	ordinal = ws_frame_ordinal(piece, frame);
	return target->recorder[ordinal / 8] >> ordinal % 8 & 1;
}
