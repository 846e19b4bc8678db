/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a file as a target, and answers for its memory whatever its kind. */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "paging/format.h"
#include "target/open.h"
#include "target/unread.h"
#include "util/cleanup.h"
#include "util/sorted.h"
#include "util/text.h"

/*
 * In the order of probing. raw looks like anything, so it has no probe; those with a scheme
 * are known by it.
 */
static const struct ws_target_ops *const kinds[] = {
	&ws_target_elf,   &ws_target_kdump,  &ws_target_lime,      &ws_target_avml,
	&ws_target_xen,   &ws_target_vmware, &ws_target_migration, &ws_target_cloud,
	&ws_target_raw,   &ws_target_sim,    &ws_target_qemu,      &ws_target_gdb,
	&ws_target_virsh, &ws_target_live,
};

static bool is_same(const struct ws_file *file, const char *path)
{
	struct stat there;

	return file->path && stat(path, &there) == 0 && file->device == there.st_dev &&
	       file->inode == there.st_ino;
}

bool ws_target_is_file(const struct ws_target *target, const char *path)
{
	bool is = is_same(&target->file, path) || is_same(&target->beside, path);

	for (size_t i = 0; i < target->nothers && !is; i++)
		is = is_same(&target->others[i], path);
	return is;
}

/* ---- open and close --------------------------------------------------------------- */

static const struct ws_target_ops *kind_by_name(const char *name)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->kind, name))
			return kinds[i];
	return NULL;
}

static bool is_named_so(const char *path, const char *scheme)
{
	size_t length = ws_scheme_length(scheme);

	return !strncmp(path, scheme, length) && (strchr(scheme, ':') || !path[length]);
}

static const struct ws_target_ops *kind_by_scheme(const char *path)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if ((kinds[i]->scheme && is_named_so(path, kinds[i]->scheme)) ||
		    (kinds[i]->owns && kinds[i]->owns(path)))
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

/* "ELF core, kdump": all that are known by their first bytes. */
static char *kinds_probed(void)
{
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	for (size_t i = 0; to && i < WS_ARRAY_SIZE(kinds); i++)
		if (kinds[i]->probe)
			fprintf(to, "%s%s", i ? ", " : "", kinds[i]->title);
	return to ? ws_text_close(&text, NULL) : NULL;
}

static enum ws_status kind_refuse(struct ws_target *target, const char *what,
				  const char *advice, bool may_be_raw)
{
	const char *packing = target->file.packing;

	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s%s%s%s, which is not read: %s%s", target->file.path,
		       packing ? "compressed by " : "", packing ? packing : "",
		       packing ? ", and what that holds is " : "", what, advice,
		       may_be_raw ? ". --type raw reads it as memory all the same" : "");
}

/* No machine that Linux runs on has less memory. */
#define RAW_MIN (UINT64_C(1) << 20)

/* Whether what is of no known kind may be raw memory; a kernel in it will show. */
static enum ws_status kind_guess(struct ws_target *target)
{
	ws_autofree char *known = kinds_probed();

	if (!known)
		return ws_fail_memory(target->ctx);
	if (target->file.size < RAW_MIN)
		return ws_fail(
			target->ctx, WS_ERR_UNREADABLE,
			"%s: begins as none of these does: %s; and is too short for "
			"raw memory",
			target->file.path, known);
	return ws_target_add_note(
		target,
		"the file begins as none of these does: %s; it is taken for raw memory",
		known);
}

static enum ws_status kind_find(struct ws_target *target,
				const struct ws_target_options *options)
{
	const char *what, *advice;

	if (options->kind) {
		target->ops = kind_by_name(options->kind);
		return target->ops ? WS_OK
				   : ws_fail(target->ctx, WS_ERR_USAGE,
					     "'%s' is no kind of target", options->kind);
	}
	target->ops = kind_by_scheme(target->named);
	if (!target->ops)
		target->ops = kind_by_probe(&target->file);
	if (target->ops)
		return WS_OK;
	if (ws_is_unread(&target->file, &what, &advice) && !options->pieces)
		return kind_refuse(target, what, advice, options->format);
	target->ops = &ws_target_raw;
	return options->pieces || options->format ? WS_OK : kind_guess(target);
}

/* What is named by a scheme is of its kind, and what is not is of none that has one. */
static enum ws_status kind_agree(struct ws_target *target)
{
	const struct ws_target_ops *named = kind_by_scheme(target->named);
	const char *scheme = target->ops->scheme;

	if (named == target->ops || (!named && !scheme))
		return WS_OK;
	if (named)
		return ws_fail(
			target->ctx, WS_ERR_USAGE,
			"%s: is of kind %s by its name (%s), and no file of kind %s",
			target->named, named->kind, named->scheme, target->ops->kind);
	return ws_fail(target->ctx, WS_ERR_USAGE,
		       "%s: a target of kind %s is no file: it is named %s",
		       target->named, target->ops->kind, scheme);
}

static enum ws_status kind_choose(struct ws_target *target,
				  const struct ws_target_options *options)
{
	enum ws_status status = target->ops ? WS_OK : kind_find(target, options);

	if (!status && target->ops != &ws_target_given)
		status = kind_agree(target);
	if (!status && options->pieces && target->ops != &ws_target_raw)
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: pieces are of raw memory, and this is read as %s",
			       target->file.path, target->ops->kind);
	if (!status && options->stop && !target->ops->can_stop)
		return ws_fail(
			target->ctx, WS_ERR_USAGE,
			"%s: a target of kind %s does not run: there is nothing to "
			"stop",
			target->named, target->ops->kind);
	if (!status && options->parts && target->ops != &ws_target_kdump)
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: parts are of a split kdump, and this is read as %s",
			       target->file.path, target->ops->kind);
	return status;
}

/* What the caller says goes before what the dump says. */
static enum ws_status format_choose(struct ws_target *target,
				    const struct ws_target_options *options)
{
	if (options->has_root) {
		target->has_root = true;
		target->root_is_noted = false;
		target->root = options->root;
	}
	if (options->has_encryption_bit) {
		target->has_encryption_bit = true;
		target->encryption_bit = options->encryption_bit;
	}
	if (options->format)
		target->format = ws_format_by_name(options->format);
	if (options->format && !target->format)
		return ws_fail(target->ctx, WS_ERR_USAGE, "'%s' is no paging format",
			       options->format);
	ws_vec_each(&target->cpus, cpu)
		if (!target->format)
			target->format = cpu->arch->format_of_cpu(cpu, target->word == 8);
	if (!target->format && target->vmcoreinfo) {
		target->format = ws_format_of_vmcoreinfo(target->vmcoreinfo);
		target->format_by_note = target->format;
	}
	if (target->format) {
		target->arch = ws_arch_of(target->format);
		target->word = target->format->va_bits > 32 ? 8 : 4;
	}
	ws_vec_each(&target->cpus, cpu)
		if (target->word) /* else the size of its note alone says it */
			cpu->word = target->word;
	return WS_OK;
}

/* What is wrong with a file that was unpacked; it goes before what its kind says. */
static enum ws_status file_notes(struct ws_target *target, const struct ws_file *file)
{
	enum ws_status status = WS_OK;

	if (file->partial)
		ws_target_reaches(target, WS_PHYSICAL_END);
	for (size_t i = 0; i < WS_ARRAY_SIZE(file->notes) && !status; i++)
		if (file->notes[i])
			status = ws_target_add_note(target, "%s", file->notes[i]);
	return status;
}

/* Why a file that was damaged could not be opened as what it is. */
static enum ws_status file_blame(struct ws_target *target, enum ws_status status)
{
	const struct ws_file *file = &target->file;

	for (size_t i = 0; i < WS_ARRAY_SIZE(file->notes); i++)
		if (file->notes[i])
			(void)ws_fail(target->ctx, status, "%s: %s", file->path,
				      file->notes[i]);
	return status;
}

static enum ws_status kind_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	enum ws_status status = kind_choose(target, options);

	if (!status)
		status = target->ops->open(target, options);
	if (status)
		return file_blame(target, status);
	status = file_notes(target, &target->file);
	if (!status)
		status = file_notes(target, &target->beside);
	for (size_t i = 0; i < target->nothers && !status; i++)
		status = file_notes(target, &target->others[i]);
	return status;
}

/*
 * What lies in the file as it is takes no more than the file. Of what is packed so much, and
 * so many times the file: page tables, which are what is looked at, compress to a sixtieth at
 * best, but no dump consists of them alone; a hostile one can hold 170 times its size.
 */
#define KEEP_MIN (UINT64_C(64) << 20)
#define KEEP_TIMES 16

static void keep_limit(struct ws_target *target)
{
	uint64_t size = target->file.size;

	for (size_t i = 0; i < target->nothers; i++)
		size += target->others[i].size;
	if (ws_target_copies(target) && !target->ops->scheme && size)
		target->keep.limit = KEEP_MIN + KEEP_TIMES * size;
}

static enum ws_status target_fill(struct ws_target *target, const char *path,
				  const struct ws_target_options *options)
{
	enum ws_status status;

	target->budget.limit = options->memory ? options->memory : ws_budget_usual();
	target->file.memory = target->budget.limit;
	target->keep.budget = &target->budget;
	target->file.path = strdup(path);
	target->named = strdup(path);
	if (!target->file.path || !target->named)
		return ws_fail_memory(target->ctx);
	status = target->ops || kind_by_scheme(path)
			 ? WS_OK
			 : ws_file_open(target->ctx, &target->file);
	if (status || (status = kind_open(target, options)) ||
	    (status = ws_target_settle(target)) ||
	    (status = ws_target_note_left(target)) ||
	    (status = ws_target_note_cut(target)))
		return status;
	keep_limit(target);
	return format_choose(target, options);
}

/* given: NULL, or what it is opened of. */
static enum ws_status open_as(struct ws_context *ctx, const char *path,
			      const struct ws_given_memory *given,
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
	opened->file.fd = opened->beside.fd = -1;
	opened->given = given;
	opened->ops = given ? &ws_target_given : NULL;
	status = target_fill(opened, path, options ? options : &ask_the_file);
	opened->given = NULL;
	status = ws_target_looked(opened, status);
	if (status)
		ws_target_close(opened);
	else
		*target = opened;
	return status;
}

enum ws_status ws_target_open(struct ws_context *ctx, const char *path,
			      const struct ws_target_options *options,
			      struct ws_target **target)
{
	return open_as(ctx, path, NULL, options, target);
}

enum ws_status ws_target_open_given(struct ws_context *ctx, const char *name,
				    const struct ws_given_memory *given,
				    const struct ws_target_options *options,
				    struct ws_target **target)
{
	return open_as(ctx, name, given, options, target);
}

void ws_target_close(struct ws_target *target)
{
	if (!target)
		return;
	if (target->ops && target->ops->close)
		target->ops->close(target);
	ws_file_close(&target->file);
	ws_file_close(&target->beside);
	for (size_t i = 0; i < target->nothers; i++)
		ws_file_close(&target->others[i]);
	free(target->others);
	free(target->named);
	ws_file_window_release(&target->peeked);
	ws_keep_release(&target->keep);
	ws_vec_each(&target->notes, note)
		free(*note);
	ws_vec_release(&target->notes);
	ws_vec_release(&target->memory);
	ws_vec_release(&target->extents);
	ws_vec_release(&target->cpus);
	free(target->vmcoreinfo);
	free(target->recorder);
	free(target);
}

/* ---- what it says of itself ------------------------------------------------------- */

bool ws_target_has_shrunk(const struct ws_target *target)
{
	bool shrunk = target->file.shrunk;

	for (size_t i = 0; i < target->nothers; i++)
		shrunk |= target->others[i].shrunk;
	return shrunk;
}

const char *ws_target_note(const struct ws_target *target, unsigned i)
{
	static const char shrunk[] =
		"the file has become shorter while it was read: what "
		"lay past its new end is unknown";
	static const char damaged[] =
		"some page frames are damaged: they cannot be unpacked, or their checksum "
		"is wrong; what lay in these frames is unknown";
	static const char unread[] =
		"some page frames of the running machine could not be read; what lies in "
		"these frames is unknown";
	static const char missing[] =
		"some page frames could not be read; what lies in these frames is unknown";

	if (i < target->notes.n)
		return target->notes.v[i];
	i -= (unsigned)target->notes.n;
	if (i == 0 && ws_target_has_shrunk(target))
		return shrunk;
	if (i > ws_target_has_shrunk(target) || !target->ndamaged)
		return NULL;
	return target->moving                  ? unread
	       : ws_target_is_unpacked(target) ? damaged
					       : missing;
}

const char *ws_target_path(const struct ws_target *target)
{
	return target->named ? target->named : target->file.path;
}

const char *ws_target_path_in(const char *path)
{
	if (!kind_by_scheme(path))
		return path;
	return strchr(path, '/') ? path + ws_scheme_length(path) : NULL;
}

const char *ws_target_scheme_at(unsigned i)
{
	for (size_t k = 0; k < WS_ARRAY_SIZE(kinds); k++)
		if (kinds[k]->scheme && !i--)
			return kinds[k]->scheme;
	return NULL;
}

bool ws_target_is_named(const char *path)
{
	return kind_by_scheme(path);
}

const char *ws_target_packing(const struct ws_target *target)
{
	return target->file.packing;
}

const char *ws_target_kind_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(kinds) ? kinds[i]->kind : NULL;
}

const char *ws_target_kind_title(unsigned i)
{
	return i < WS_ARRAY_SIZE(kinds) ? kinds[i]->title : NULL;
}

const char *ws_target_kind_about(unsigned i)
{
	return i < WS_ARRAY_SIZE(kinds) ? kinds[i]->about : NULL;
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

bool ws_target_taken(const struct ws_target *target, int64_t *seconds)
{
	*seconds = target->taken;
	return target->taken > 0;
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

/* The first piece that ends behind pa; memory.n: there is none. */
static size_t piece_from(const struct ws_target *target, uint64_t pa)
{
	return ws_lower_bound(target->memory.v, target->memory.n, piece,
			      piece->at.pa <= pa && !piece_holds(piece, pa));
}

const struct ws_piece_of_memory *ws_target_piece(struct ws_target *target, uint64_t pa)
{
	const struct ws_piece_of_memory *memory = target->memory.v;
	size_t i;

	if (piece_holds(&memory[target->last_piece], pa))
		return &memory[target->last_piece];
	i = piece_from(target, pa);
	if (i == target->memory.n || !piece_holds(&memory[i], pa))
		return NULL;
	target->last_piece = i;
	return &memory[i];
}

void ws_target_extent(struct ws_target *target, uint64_t pa, uint64_t end, uint64_t *data,
		      uint64_t *hole)
{
	size_t i = piece_from(target, pa);
	const struct ws_piece_of_memory *piece = &target->memory.v[i];
	struct ws_file *file = &target->file;
	uint64_t offset, last;

	*data = *hole = end;
	if (i == target->memory.n || piece->at.pa >= end)
		return;
	last = piece->at.pa + (piece->at.len - 1);
	if (last < end - 1)
		*hole = last + 1;
	*data = pa = piece->at.pa > pa ? piece->at.pa : pa;
	if (piece->data && file->held) {
		offset = piece->data - file->data - piece->at.pa;
		ws_file_extent(file, pa + offset, *hole + offset, data, hole);
		*data -= offset;
		*hole -= offset;
	}
	*data &= -(uint64_t)WS_FRAME_SIZE;
	*hole = (*hole + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;
}

static bool piece_holds_frame(const struct ws_piece_of_memory *piece, uint64_t pa)
{
	return pa >= piece->at.pa && piece->at.len - (pa - piece->at.pa) >= WS_FRAME_SIZE;
}

/* len bytes of a piece that has data, held. */
static enum ws_evidence piece_bytes(struct ws_target *target,
				    const struct ws_piece_of_memory *piece, uint64_t pa,
				    size_t len, const uint8_t **bytes)
{
	const uint8_t *data = piece->data + (pa - piece->at.pa);
	enum ws_evidence evidence =
		ws_file_hold(&target->file, data - target->file.data, len);

	*bytes = evidence == WS_READ ? data : NULL;
	return evidence;
}

/* Where a whole frame lies in memory already, whether it was looked at or not. */
static const uint8_t *frame_there(const struct ws_target *target,
				  const struct ws_piece_of_memory *piece, uint64_t pa)
{
	return piece->data && !target->file.held
		       ? piece->data + (pa - piece->at.pa)
		       : ws_keep_find(&target->keep, pa / WS_FRAME_SIZE);
}

enum ws_evidence ws_target_copy(struct ws_target *target, unsigned worker,
				uint64_t ordinal, size_t n, uint8_t *frames, size_t *got)
{
	const struct ws_target_ops *ops = target->ops;
	enum ws_evidence evidence;

	*got = 0;
	if (ops->copy_frames)
		return ops->copy_frames(target, worker, ordinal, n, frames, got);
	for (evidence = WS_READ; *got < n && !evidence; *got += !evidence)
		evidence = ops->copy_frame(target, worker, ordinal + *got,
					   frames + *got * WS_FRAME_SIZE);
	return evidence;
}

void ws_target_forget(struct ws_target *target)
{
	ws_keep_forget(&target->keep);
	target->looks++;
}

/* window: for one that is not kept; NULL: the next mostly lies elsewhere. */
static enum ws_evidence frame_copy(struct ws_target *target,
				   const struct ws_piece_of_memory *piece, uint64_t pa,
				   struct ws_file_window *window, uint8_t *frame)
{
	struct ws_file *file = &target->file;
	uint64_t offset;
	size_t got;

	if (!piece->data)
		return ws_target_copy(target, WS_BY_ADDRESS, ws_frame_ordinal(piece, pa),
				      1, frame, &got);
	offset = piece->data + (pa - piece->at.pa) - file->data;
	return window ? ws_file_window_read(file, window, offset, frame, WS_FRAME_SIZE)
		      : ws_file_read(file, offset, frame, WS_FRAME_SIZE, NULL);
}

static enum ws_evidence frame_keep(struct ws_target *target,
				   const struct ws_piece_of_memory *piece, uint64_t pa,
				   const uint8_t **frame)
{
	uint8_t *room = ws_keep_room(&target->keep);
	enum ws_evidence evidence;

	if (!room && target->keep.full)
		target->why = "its page tables would take more memory than any dump of "
			      "its size may need: it is damaged, or made to exhaust "
			      "memory";
	if (!room)
		return WS_FAILED;
	evidence = frame_copy(target, piece, pa, NULL, room);
	if (evidence == WS_READ)
		*frame = ws_keep_add(&target->keep, pa / WS_FRAME_SIZE);
	return evidence;
}

static void frame_record(struct ws_target *target, const struct ws_piece_of_memory *piece,
			 uint64_t pa)
{
	uint64_t ordinal = ws_frame_ordinal(piece, pa);

	if (target->recorder)
		target->recorder[ordinal / 8] |= (uint8_t)(1u << ordinal % 8);
}

static enum ws_evidence piece_frame(struct ws_target *target,
				    const struct ws_piece_of_memory *piece, uint64_t pa,
				    const uint8_t **frame)
{
	enum ws_evidence evidence = WS_READ;

	*frame = NULL;
	if (!piece_holds_frame(piece, pa))
		return WS_ABSENT;
	*frame = frame_there(target, piece, pa);
	if (!*frame)
		evidence = frame_keep(target, piece, pa, frame);
	if (evidence == WS_READ)
		frame_record(target, piece, pa);
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

enum ws_evidence ws_target_frame(struct ws_target *target, uint64_t pa,
				 const uint8_t **frame)
{
	const struct ws_piece_of_memory *piece;

	*frame =
		target->recorder ? NULL : ws_keep_find(&target->keep, pa / WS_FRAME_SIZE);
	if (*frame)
		return WS_READ;
	piece = ws_target_piece(target, pa);
	return piece ? piece_frame(target, piece, pa & -(uint64_t)WS_FRAME_SIZE, frame)
		     : WS_ABSENT;
}

enum ws_evidence ws_target_read_now(struct ws_target *target, uint64_t pa, void *to,
				    size_t len)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	uint64_t offset = pa & (WS_FRAME_SIZE - 1);
	uint8_t frame[WS_FRAME_SIZE];
	enum ws_evidence evidence;

	if (!piece || !piece_holds_frame(piece, pa - offset))
		return WS_ABSENT;
	if (piece->data && !target->file.held) {
		memcpy(to, piece->data + (pa - piece->at.pa), len);
		return WS_READ;
	}
	evidence = frame_copy(target, piece, pa - offset, NULL, frame);
	target->failed |= evidence == WS_FAILED;
	if (evidence == WS_READ)
		memcpy(to, frame + offset, len);
	return evidence;
}

static enum ws_evidence peek(struct ws_target *target, uint64_t pa,
			     struct ws_file_window *window, uint8_t *scratch,
			     const uint8_t **frame)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	enum ws_evidence evidence = WS_READ;

	pa &= -(uint64_t)WS_FRAME_SIZE;
	*frame = NULL;
	if (!piece || !piece_holds_frame(piece, pa))
		return WS_ABSENT;
	*frame = frame_there(target, piece, pa);
	if (*frame)
		return WS_READ;
	evidence = frame_copy(target, piece, pa, window, scratch);
	if (evidence == WS_READ)
		*frame = scratch;
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

enum ws_evidence ws_target_peek(struct ws_target *target, uint64_t pa,
				uint8_t scratch[WS_FRAME_SIZE], const uint8_t **frame)
{
	return peek(target, pa, &target->peeked, scratch, frame);
}

enum ws_evidence ws_target_peek_once(struct ws_target *target, uint64_t pa,
				     uint8_t scratch[WS_FRAME_SIZE],
				     const uint8_t **frame)
{
	return peek(target, pa, NULL, scratch, frame);
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
	*len = piece->at.len - (pa - piece->at.pa);
	if (*len > WS_FRAME_SIZE - offset)
		*len = WS_FRAME_SIZE - offset;
	evidence = piece_bytes(target, piece, pa, *len, bytes);
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

static enum ws_status budget_fail(struct ws_target *target)
{
	return ws_fail(target->ctx, WS_ERR_SYSTEM,
		       "%s: to look at it takes more memory than it may: %ju KiB. It is "
		       "damaged, made to exhaust memory, or of a very large machine: "
		       "--memory gives it more",
		       target->file.path, target->budget.limit >> 10);
}

enum ws_status ws_target_looked(struct ws_target *target, enum ws_status status)
{
	const char *why = target->why;

	if (target->budget.spent &&
	    (status == WS_OK ||
	     (status == WS_ERR_SYSTEM && ws_short_of_memory(target->ctx))))
		return budget_fail(target);
	if (status == WS_OK && !target->failed && target->ops && target->ops->looked)
		return target->ops->looked(target);
	if (status != WS_OK || !(target->failed || ws_short_of_memory(target->ctx)))
		return status;
	if (!why)
		why = strerror(target->file.error ? target->file.error : ENOMEM);
	return ws_fail(target->ctx, WS_ERR_SYSTEM,
		       "%s: some of its memory could not be looked at (%s): there is no "
		       "answer",
		       target->file.path, why);
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

	if (!target->recorder || !piece || !piece_holds_frame(piece, frame))
		return false;
	ordinal = ws_frame_ordinal(piece, frame);
	return target->recorder[ordinal / 8] >> ordinal % 8 & 1;
}
