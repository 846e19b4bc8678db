/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of a dump that makedumpfile --split wrote. Each part has the same headers, notes
 * and bitmaps, of all memory, and page descriptors of the frames from start_pfn to end_pfn
 * in its sub header; an empty part's range may run backwards (makedumpfile.c,
 * write_kdump_header() and setup_splitting()). Their names say nothing: parts are known by
 * what they have in common. Headers are equal in all dumps of one machine, so notes and
 * bitmaps have to be, too.
 */
#include "target/kdump.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/open.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/pread.h"
#include "util/text.h"

#define PARTS_MAX 256u     /* makedumpfile writes each by a process of its own */
#define ENTRIES_MAX 65536u /* of a directory that are looked at */
#define COMPARED (64u << 10)

/* What another file is to the one that was named. */
enum kin { KIN_PART, KIN_STRANGER, KIN_WHOLE, KIN_OTHER_DUMP, KIN_DAMAGED };
static const char *const kin_words[] = {
	[KIN_STRANGER] = "its header is not that of the same dump",
	[KIN_WHOLE] = "it is a whole dump, which needs no other part",
	[KIN_OTHER_DUMP] =
		"it is of another dump of this machine: its notes or bitmaps differ",
	[KIN_DAMAGED] =
		"it is cut off before its page frames, or its sub header is damaged",
};

/* Paths of files that may be parts. */
struct paths {
	WS_VEC(char *) v;
	bool given; /* by the caller: then each has to be one */
};

static void paths_release(struct paths *paths)
{
	ws_vec_each(&paths->v, path)
		free(*path);
	ws_vec_release(&paths->v);
}

static bool path_push(struct paths *paths, char *path)
{
	char **pushed = path ? ws_vec_push(&paths->v) : NULL;

	if (pushed)
		*pushed = path;
	else
		free(path);
	return pushed;
}

/* ---- the directory ---------------------------------------------------------------- */

static bool is_regular(int directory, const char *name, const struct ws_file *main)
{
	struct stat st;

	return fstatat(directory, name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
	       !(st.st_dev == main->device && st.st_ino == main->inode);
}

/* Whether the file begins with the same header; what cannot be read does not. */
static bool begins_alike(int directory, const char *name,
			 const uint8_t header[KDUMP_HEADER_SIZE])
{
	ws_autoclose int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t bytes[KDUMP_HEADER_SIZE];

	return fd >= 0 && ws_pread_all(fd, bytes, sizeof(bytes), 0) &&
	       !memcmp(bytes, header, sizeof(bytes));
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, slash - path);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static enum ws_status directory_read(struct ws_target *target, DIR *dir, const char *name,
				     const uint8_t *header, struct paths *paths)
{
	const struct ws_file *main = &target->file;
	const struct dirent *entry;

	for (unsigned i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		if (!is_regular(dirfd(dir), entry->d_name, main) ||
		    !begins_alike(dirfd(dir), entry->d_name, header))
			continue;
		if (paths->v.n == PARTS_MAX)
			return ws_target_add_note(
				target,
				"%s has more than %u files that may be parts of this "
				"dump; not all are looked at (--part names them)",
				name, PARTS_MAX);
		if (!path_push(paths, ws_text_of("%s/%s", name, entry->d_name)))
			return ws_fail_memory(target->ctx);
	}
	return WS_OK;
}

/* What can only be a stream lies in no directory. */
static enum ws_status paths_search(struct ws_target *target, struct paths *paths)
{
	const struct kdump *kdump = target->priv;
	uint8_t header[KDUMP_HEADER_SIZE];
	ws_autofree char *name = directory_of(target->file.path);
	enum ws_status status = ws_kdump_need(target, &kdump->image, 0, header,
					      sizeof(header), "kdump header");
	DIR *dir;

	if (!name)
		return ws_fail_memory(target->ctx);
	dir = status || !strcmp(target->file.path, "-") ? NULL : opendir(name);
	if (!dir)
		return status;
	status = directory_read(target, dir, name, header, paths);
	closedir(dir);
	if (paths->v.n)
		qsort(paths->v.v, paths->v.n, sizeof(*paths->v.v), by_name);
	return status;
}

static enum ws_status paths_take(struct ws_target *target, struct paths *paths,
				 const char *const *parts)
{
	for (; *parts; parts++) {
		if (paths->v.n == PARTS_MAX)
			return ws_fail(target->ctx, WS_ERR_USAGE,
				       "%s: more than %u parts of one dump are given",
				       target->file.path, PARTS_MAX);
		if (!path_push(paths, strdup(*parts)))
			return ws_fail_memory(target->ctx);
	}
	return WS_OK;
}

/* ---- one other file --------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Reads the range of a part. Since version 6 it is there twice, once in 32 bits as far as
 * they go.
 */
static enum kin range_read(const struct kdump_header *h, struct kdump_part *part)
{
	const struct kdump_class *class = h->class;
	uint8_t sub[KDUMP_SUB_HEADER_MAX] = { 0 };
	uint64_t start, end;

	if (ws_kdump_file_read(part->image, NULL, h->block, sub,
			       ws_kdump_sub_header_size(h)) != WS_READ)
		return KIN_DAMAGED;
	if (ws_le32(sub + class->split) != 1)
		return KIN_WHOLE;
	start = ws_le_word(sub + class->start, class->size);
	end = ws_le_word(sub + class->past, class->size);
	if (h->version >= 6) {
		part->start = ws_le64(sub + class->start_64);
		part->end = ws_le64(sub + class->past_64);
		if (least(start, UINT32_MAX) != least(part->start, UINT32_MAX) ||
		    least(end, UINT32_MAX) != least(part->end, UINT32_MAX))
			return KIN_DAMAGED;
	} else {
		part->start = start;
		part->end = end;
	}
	part->start = least(part->start, h->max_mapnr);
	part->end = least(part->end, h->max_mapnr);
	return KIN_PART;
}

/* Whether the same lies from at up to end in both images; false where it is not there. */
static enum ws_evidence images_equal(const struct ws_kdump_file *a,
				     const struct ws_kdump_file *b, uint64_t at,
				     uint64_t end, bool *equal)
{
	ws_autofree uint8_t *bytes = malloc(2 * COMPARED);
	enum ws_evidence evidence = bytes ? WS_READ : WS_FAILED;

	*equal = true;
	for (size_t n; at < end && *equal && !evidence; at += n) {
		n = least(end - at, COMPARED);
		evidence = ws_kdump_file_read(a, NULL, at, bytes, n);
		if (!evidence)
			evidence = ws_kdump_file_read(b, NULL, at, bytes + COMPARED, n);
		*equal = !evidence && !memcmp(bytes, bytes + COMPARED, n);
	}
	return evidence;
}

static enum ws_evidence kin_of(const struct kdump *kdump, const struct kdump_header *h,
			       struct kdump_part *part, enum kin *kin)
{
	const struct ws_kdump_file *main = &kdump->image, *other = part->image;
	bool equal;
	enum ws_evidence evidence = images_equal(main, other, 0, h->block, &equal);

	*kin = evidence || !equal ? KIN_STRANGER : range_read(h, part);
	if (evidence || *kin != KIN_PART)
		return evidence;
	evidence = images_equal(main, other, h->block + ws_kdump_sub_header_size(h),
				h->descriptors, &equal);
	if (evidence == WS_ABSENT)
		*kin = KIN_DAMAGED;
	else if (!equal)
		*kin = KIN_OTHER_DUMP;
	return evidence;
}

/* Takes the path; the file is the target's from then on. */
static enum ws_status other_open(struct ws_target *target, char **path,
				 struct ws_kdump_file *image)
{
	struct ws_file *file = &target->others[target->nothers++];
	enum ws_status status;

	*file = (struct ws_file){ .fd = -1,
				  .path = *path,
				  .memory = target->file.memory };
	*path = NULL;
	status = ws_file_open(target->ctx, file);
	return status ? status : ws_kdump_file_open_plain(target, file, image);
}

static enum ws_status kin_refuse(struct ws_target *target, const struct ws_file *file,
				 enum kin kin)
{
	return ws_fail(target->ctx, WS_ERR_USAGE, "%s: is no other part of %s: %s",
		       file->path, target->file.path, kin_words[kin]);
}

/* A stranger is none of our business; what is nearly a part somebody will wonder about. */
static enum ws_status kin_note(struct ws_target *target, const struct ws_file *file,
			       enum kin kin)
{
	if (kin == KIN_STRANGER || kin == KIN_WHOLE)
		return WS_OK;
	return ws_target_add_note(target, "%s is not read as a part of this dump: %s",
				  file->path, kin_words[kin]);
}

/* Whoever names all parts names the first of them twice. */
static bool is_same(const struct ws_file *a, const struct ws_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static enum ws_status other_take(struct ws_target *target, const struct kdump_header *h,
				 char **path, bool given)
{
	struct kdump *kdump = target->priv;
	struct ws_kdump_file *image = &kdump->others[target->nothers];
	struct kdump_part part = { .image = image };
	enum ws_status status = other_open(target, path, image);
	enum kin kin;

	if (status || is_same(image->file, &target->file))
		return status;
	if (kin_of(kdump, h, &part, &kin) == WS_FAILED)
		return ws_fail(
			target->ctx, WS_ERR_SYSTEM, "%s: %s", image->file->path,
			strerror(image->file->error ? image->file->error : ENOMEM));
	if (kin == KIN_PART)
		kdump->parts[kdump->nparts++] = part;
	else
		status = given ? kin_refuse(target, image->file, kin)
			       : kin_note(target, image->file, kin);
	return status;
}

/* ---- all of them ------------------------------------------------------------------ */

static bool is_empty(const struct kdump_part *part)
{
	return part->start >= part->end;
}

static bool overlap(const struct kdump_part *a, const struct kdump_part *b)
{
	return !is_empty(a) && !is_empty(b) && a->start < b->end && b->start < a->end;
}

/* Of two that have the same page frames one is left, and the one that was named never is. */
static enum ws_status repetitions_leave(struct ws_target *target)
{
	struct kdump *kdump = target->priv;
	struct kdump_part *parts = kdump->parts;
	enum ws_status status = WS_OK;
	size_t nkept = 1;

	for (size_t i = 1; i < kdump->nparts && !status; i++) {
		size_t j = 0;

		while (j < nkept && !overlap(&parts[i], &parts[j]))
			j++;
		if (j == nkept)
			parts[nkept++] = parts[i];
		else
			status = ws_target_add_note(
				target,
				"%s is not read: it has page frames %#jx to %#jx, which "
				"%s has in %s",
				parts[i].image->file->path, parts[i].start,
				parts[i].end - 1, parts[j].image->file->path,
				parts[i].start == parts[j].start &&
						parts[i].end == parts[j].end
					? "full"
					: "part");
	}
	kdump->nparts = nkept;
	return status;
}

static int by_start(const void *left, const void *right)
{
	const struct kdump_part *a = left, *b = right;

	return a->start == b->start ? 0 : a->start < b->start ? -1 : 1;
}

/* What the dump has, and no part of it that was found. */
static enum ws_status missing_note(struct ws_target *target, const struct kdump_header *h)
{
	const struct kdump *kdump = target->priv;
	uint64_t end = 0, missing = 0, first = 0, next;

	for (size_t i = 0; i <= kdump->nparts; i++) {
		next = i < kdump->nparts ? kdump->parts[i].start : h->max_mapnr;
		if (i < kdump->nparts && is_empty(&kdump->parts[i]))
			continue;
		if (next > end && !missing)
			first = end;
		if (next > end)
			missing += ws_kdump_count(kdump, h, end, next);
		end = i < kdump->nparts ? kdump->parts[i].end : end;
	}
	if (!missing)
		return WS_OK;
	return ws_target_add_note(
		target,
		"not all parts of this split dump are there: %ju of its %ju page frames are "
		"missing, from physical %#jx on; what lay there is unknown (a part that "
		"lies in another directory is named by --part)",
		missing, ws_kdump_count(kdump, h, 0, h->max_mapnr), first * h->block);
}

static enum ws_status parts_settle(struct ws_target *target, const struct kdump_header *h)
{
	struct kdump *kdump = target->priv;
	enum ws_status status = repetitions_leave(target);

	if (status)
		return status;
	qsort(kdump->parts, kdump->nparts, sizeof(*kdump->parts), by_start);
	return missing_note(target, h);
}

static enum ws_status others_open(struct ws_target *target, const struct kdump_header *h,
				  struct paths *paths)
{
	struct kdump *kdump = target->priv;
	enum ws_status status = WS_OK;
	size_t n = paths->v.n;
	struct kdump_part *grown =
		reallocarray(kdump->parts, n + 1, sizeof(*kdump->parts));

	if (grown)
		kdump->parts = grown;
	kdump->others = calloc(n + 1, sizeof(*kdump->others));
	target->others = calloc(n + 1, sizeof(*target->others));
	if (!grown || !kdump->others || !target->others)
		return ws_fail_memory(target->ctx);
	for (size_t i = 0; i < n && !status; i++)
		status = other_take(target, h, &paths->v.v[i], paths->given);
	return status ? status : parts_settle(target, h);
}

static enum ws_status main_part(struct ws_target *target, const struct kdump_header *h)
{
	struct kdump *kdump = target->priv;

	kdump->parts = calloc(1, sizeof(*kdump->parts));
	if (!kdump->parts)
		return ws_fail_memory(target->ctx);
	kdump->nparts = 1;
	*kdump->parts =
		(struct kdump_part){ .image = &kdump->image, .end = h->max_mapnr };
	if (h->split && range_read(h, kdump->parts) == KIN_DAMAGED)
		return ws_fail(
			target->ctx, WS_ERR_MALFORMED,
			"%s: sub header of a part of a split dump (file offset %#jx): "
			"it says twice which page frames are its own, and not the "
			"same",
			target->file.path, ws_kdump_file_offset(target, h->block));
	return WS_OK;
}

enum ws_status ws_kdump_open_parts(struct ws_target *target, const struct kdump_header *h,
				   const struct ws_target_options *options)
{
	ws_cleanup(paths_release) struct paths paths = { .given = options->parts };
	enum ws_status status = main_part(target, h);

	if (!status && !h->split && options->parts)
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: is a whole dump, and no part of a split one",
			       target->file.path);
	if (status || !h->split)
		return status;
	status = options->parts ? paths_take(target, &paths, options->parts)
				: paths_search(target, &paths);
	return status ? status : others_open(target, h, &paths);
}

void ws_kdump_close_parts(struct ws_target *target)
{
	struct kdump *kdump = target->priv;

	for (size_t i = 0; i < kdump->nparts; i++)
		free(kdump->parts[i].common);
	free(kdump->parts);
	for (size_t i = 0; i < target->nothers; i++)
		ws_kdump_file_close(&kdump->others[i]);
	free(kdump->others);
}
