/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's migration stream, as `migrate' writes it to a file, `virsh dump' without --memory-only,
 * and `virsh save' behind a header of libvirt's own. All of it is big-endian, but for that
 * header, which is its writer's (QEMU migration/savevm.c, libvirt src/qemu/qemu_saveimage.h):
 *
 *	char magic[16], u32 version, u32 length of what follows up to the stream, u32, u32
 *	format: 0 is the stream as it is, u32[15]
 *
 *	u32 magic, u32 version 3, and sections:
 *	7	u32 length, the machine's type; subsections
 *	1, 4	u32 number, u8 length, name, u32 instance, u32 version, state: the first part
 *		of it, all of it
 *	2, 3	u32 number, state: a further part, the last
 *	8	u16 command, u16 length, so many bytes
 *	0	the end
 *
 * Behind 1 to 4 there is 0x7e, u32 number. Memory is the section "ram".
 */
#include "target/migration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/open.h"
#include "util/cleanup.h"

#define STREAM_MAGIC "QEVM"
#define STREAM_HEADER 8
#define STREAM_VERSION 3

enum section_type {
	SECTION_END = 0,
	SECTION_START = 1,
	SECTION_PART = 2,
	SECTION_LAST = 3,
	SECTION_FULL = 4,
	SUBSECTION = 5,
	SECTION_CONFIGURATION = 7,
	SECTION_COMMAND = 8,
	SECTION_FOOTER = 0x7e,
};

#define LIBVIRT_MAGIC "LibvirtQemudSave"
#define LIBVIRT_PARTIAL "LibvirtQemudPart"
#define LIBVIRT_HEADER 92
#define LIBVIRT_LENGTH 20
#define LIBVIRT_FORMAT 28

#define PAGE_BITS 12

/* ---- sections ---------------------------------------------------------------------- */

struct section {
	uint8_t type;
	uint64_t at;
	uint32_t number;
	char name[WS_STREAM_NAME + 1];
	uint32_t instance;
};

struct walk {
	struct ws_stream stream;
	struct ws_migration *migration;
	struct ws_state_layout layout;
	uint32_t ram; /* the number of the section of memory */
	bool has_ram, ended;
	char unknown[WS_STREAM_NAME + 1]; /* the section that is not known to its end */
};

static bool page_bits(struct ws_stream *s)
{
	const uint8_t *bits = ws_stream_take(s, 4);

	return bits && (ws_be32(bits) == PAGE_BITS ||
			ws_stream_flaw(s, s->at - 4, "pages that are not of 4 KiB"));
}

static bool capabilities(struct ws_stream *s, struct ws_migration *m)
{
	const uint8_t *count = ws_stream_take(s, 4);
	char name[WS_STREAM_NAME + 1];

	for (uint32_t n = count ? ws_be32(count) : 0; n && ws_stream_name(s, name); n--)
		m->mapped |= !strcmp(name, "mapped-ram");
	return !ws_stream_ends(s);
}

static bool configured(struct ws_stream *s, struct ws_migration *m, const char *name)
{
	if (!strcmp(name, "configuration/target-page-bits"))
		return page_bits(s);
	if (!strcmp(name, "configuration/capabilities"))
		return capabilities(s, m);
	if (!strcmp(name, "configuration/uuid"))
		return ws_stream_take(s, 16);
	return ws_stream_flaw(s, s->at, "a part of the configuration that is not known");
}

static void configuration_read(struct ws_stream *s, struct ws_migration *m)
{
	const uint8_t *bytes = ws_stream_take(s, 4);
	uint32_t len = bytes ? ws_be32(bytes) : 0;
	char name[WS_STREAM_NAME + 1];

	if (len > WS_STREAM_NAME) {
		ws_stream_flaw(s, s->at - 4, "a machine type with too long a name");
		return;
	}
	bytes = ws_stream_take(s, len);
	if (bytes)
		memcpy(m->machine, bytes, len);
	while ((bytes = ws_stream_peek(s, 1)) && *bytes == SUBSECTION) {
		s->at++;
		if (!ws_stream_name(s, name) || !ws_stream_take(s, 4) ||
		    !configured(s, m, name))
			return;
	}
}

static bool section_read(struct ws_stream *s, struct section *section)
{
	const uint8_t *bytes = ws_stream_take(s, 4);

	if (!bytes)
		return false;
	section->number = ws_be32(bytes);
	if (section->type == SECTION_PART || section->type == SECTION_LAST)
		return true;
	if (!ws_stream_name(s, section->name) || !(bytes = ws_stream_take(s, 8)))
		return false;
	section->instance = ws_be32(bytes);
	return true;
}

/* Memory of another file is no memory, whatever else it is. */
static bool is_ram(struct walk *w, const struct section *section)
{
	if (*section->name && !strcmp(section->name, "ram") && !w->has_ram) {
		w->has_ram = true;
		w->ram = section->number;
	}
	return w->has_ram && section->number == w->ram;
}

static enum ws_status state_read(struct walk *w, const struct section *section)
{
	struct ws_stream *s = &w->stream;
	struct ws_target *target = s->target;
	struct ws_device_layout device;
	uint64_t at = s->at;
	enum ws_status status = WS_OK;

	if (section->type != SECTION_FULL ||
	    !ws_layout_device(&w->layout, section->name, section->instance, &device)) {
		strcpy(w->unknown, *section->name ? section->name : "?");
		return WS_OK;
	}
	s->cut |= at > target->file.size || device.len > target->file.size - at;
	if (s->cut)
		return WS_OK;
	if (!strcmp(section->name, "cpu") && device.len) {
		status = ws_target_need(target, at, device.len, "a processor's state");
		if (!status)
			status = ws_migration_cpu(target, &device, target->file.data + at,
						  at);
	}
	ws_stream_skip(s, device.len);
	return status;
}

/* Of machine types before 2.4 sections have none. */
static void footer_read(struct ws_stream *s, const struct section *section)
{
	const uint8_t *bytes = ws_stream_peek(s, 1);

	if (!bytes || *bytes != SECTION_FOOTER)
		return;
	bytes = ws_stream_take(s, 5);
	if (bytes && ws_be32(bytes + 1) != section->number)
		ws_stream_flaw(s, s->at - 5,
			       "the end of another section than the one that began");
}

static void command_skip(struct ws_stream *s)
{
	const uint8_t *bytes = ws_stream_take(s, 4);

	if (bytes)
		ws_stream_skip(s, (uint64_t)bytes[2] << 8 | bytes[3]);
}

static enum ws_status section_take(struct walk *w, struct section *section)
{
	struct ws_stream *s = &w->stream;
	enum ws_status status;

	if (!section_read(s, section))
		return WS_OK;
	if (is_ram(w, section)) {
		status = ws_migration_ram(s, w->migration);
		w->migration->ended |=
			section->type == SECTION_LAST && !ws_stream_ends(s);
	} else {
		status = state_read(w, section);
	}
	if (!status && !ws_stream_ends(s) && !*w->unknown)
		footer_read(s, section);
	return status;
}

static enum ws_status sections_read(struct walk *w)
{
	struct ws_stream *s = &w->stream;
	enum ws_status status = WS_OK;
	const uint8_t *type;

	while (!status && !w->ended && !*w->unknown && !ws_stream_ends(s) &&
	       (type = ws_stream_take(s, 1))) {
		struct section section = { .type = *type, .at = s->at - 1 };

		switch (section.type) {
		case SECTION_END:
			w->ended = true;
			break;
		case SECTION_CONFIGURATION:
			configuration_read(s, w->migration);
			break;
		case SECTION_COMMAND:
			command_skip(s);
			break;
		case SECTION_START:
		case SECTION_PART:
		case SECTION_LAST:
		case SECTION_FULL:
			status = section_take(w, &section);
			break;
		default:
			ws_stream_flaw(s, section.at, "no section of a known type");
		}
	}
	return status;
}

/* ---- what is said of it ------------------------------------------------------------ */

static enum ws_status memory_notes(struct walk *w)
{
	struct ws_target *target = w->stream.target;
	enum ws_status status = WS_OK;

	if (w->stream.flaw) {
		ws_target_reaches(target, WS_PHYSICAL_END);
		status = ws_target_add_note(
			target,
			"the migration stream is damaged at file offset %#jx, where there "
			"is %s: what followed is unknown",
			w->stream.flaw_at, w->stream.flaw);
	} else if (w->stream.cut && w->migration->ended) {
		status = ws_target_add_note(
			target,
			"the migration stream is cut off behind memory, at file offset "
			"%#zx",
			target->file.size);
	}
	if (!status && !w->migration->ended && w->migration->runs.n)
		status = ws_target_add_note(
			target,
			"memory does not end in it: of a machine that ran while it was "
			"written pages may be of different moments, and those that "
			"changed later are missing");
	return status;
}

static enum ws_status cpu_notes(struct walk *w)
{
	struct ws_target *target = w->stream.target;

	if (target->cpus.n)
		return WS_OK;
	if (*w->unknown && w->layout.text)
		return ws_target_add_note(
			target,
			"how long the section %s is that ends before file offset %#jx is not "
			"known: no registers are known, which would follow",
			w->unknown, w->stream.at);
	return ws_target_add_note(
		target, "%s: no registers are known",
		w->layout.text
			? "the stream has no processor's state to its end"
			: "the description of devices' state is missing, which is at "
			  "a stream's end");
}

/* ---- open -------------------------------------------------------------------------- */

static bool begins(const struct ws_file *file, const char *magic)
{
	size_t len = strlen(magic);

	return file->size >= len && !memcmp(file->data, magic, len);
}

static bool migration_probe(const struct ws_file *file)
{
	return begins(file, STREAM_MAGIC) || begins(file, LIBVIRT_MAGIC) ||
	       begins(file, LIBVIRT_PARTIAL);
}

static const char *const formats[] = { "raw",  "gzip", "bzip2", "xz",
				       "lzop", "zstd", "sparse" };

/* What lies compressed behind libvirt's header becomes the target's file. */
static enum ws_status unpack(struct ws_target *target, uint32_t format, uint64_t *begin)
{
	struct ws_file inner;
	enum ws_status status =
		ws_file_open_inside(target->ctx, &target->file, *begin, &inner);

	if (!status) {
		target->beside = target->file;
		target->file = inner;
		*begin = 0;
		return WS_OK;
	}
	ws_file_close(&inner);
	if (status != WS_ERR_NOT_FOUND)
		return status;
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: a machine that libvirt saved, compressed by %s, which is not "
		"read: unpack the stream with `tail -c +%ju FILE | %s -dc > STREAM'",
		target->file.path, formats[format], *begin + 1, formats[format]);
}

/* Where the stream begins behind libvirt's header. */
static enum ws_status libvirt_read(struct ws_target *target, uint64_t *begin)
{
	const uint8_t *header = target->file.data;
	enum ws_status status =
		ws_target_need(target, 0, LIBVIRT_HEADER, "libvirt's header");
	uint32_t format;

	if (status)
		return status;
	*begin = LIBVIRT_HEADER + (uint64_t)ws_le32(header + LIBVIRT_LENGTH);
	format = ws_le32(header + LIBVIRT_FORMAT);
	if (begins(&target->file, LIBVIRT_PARTIAL))
		status = ws_target_add_note(
			target, "libvirt says that it had not written it to its end");
	if (status || !format ||
	    (format < WS_ARRAY_SIZE(formats) && !strcmp(formats[format], "sparse")))
		return status;
	if (format < WS_ARRAY_SIZE(formats))
		return unpack(target, format, begin);
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: libvirt's header (file offset %#x) says that the stream is in "
		"format %u, which is not known",
		target->file.path, LIBVIRT_FORMAT, format);
}

static enum ws_status header_read(struct ws_target *target, uint64_t *begin)
{
	enum ws_status status = WS_OK;
	const uint8_t *header;

	if (!begins(&target->file, STREAM_MAGIC))
		status = libvirt_read(target, begin);
	if (status || (status = ws_target_need(target, *begin, STREAM_HEADER,
					       "header of a migration stream")))
		return status;
	header = target->file.data + *begin;
	if (memcmp(header, STREAM_MAGIC, 4))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no migration stream of QEMU's at file offset %#jx",
			       target->file.path, *begin);
	if (ws_be32(header + 4) != STREAM_VERSION)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: a migration stream of version %u (file offset %#jx), not "
			"%u",
			target->file.path, ws_be32(header + 4), *begin + 4,
			STREAM_VERSION);
	return WS_OK;
}

static enum ws_status memory_none(const struct walk *w)
{
	const struct ws_stream *s = &w->stream;
	const char *path = s->target->file.path;

	if (s->flaw)
		return ws_fail(s->target->ctx, WS_ERR_MALFORMED,
			       "%s: a migration stream with no memory before file offset "
			       "%#jx, where there is %s",
			       path, s->flaw_at, s->flaw);
	if (s->cut)
		return ws_fail(s->target->ctx, WS_ERR_UNREADABLE,
			       "%s: is cut off at %#zx bytes, before the first of its "
			       "memory: is the dump truncated?",
			       path, s->target->file.size);
	if (*w->unknown)
		return ws_fail(
			s->target->ctx, WS_ERR_UNSUPPORTED,
			"%s: a migration stream with a section %s before its memory, "
			"which is not read (file offset %#jx)",
			path, w->unknown, s->at);
	return ws_fail(
		s->target->ctx, WS_ERR_UNSUPPORTED,
		"%s: a migration stream without memory%s: write it with the capabilities "
		"multifd and x-ignore-shared off, or dump memory with dump-guest-memory",
		path, w->migration->channels ? ", which went by other connections" : "");
}

static enum ws_status migration_open(struct ws_target *target,
				     const struct ws_target_options *options)
{
	struct ws_migration *m = target->priv = calloc(1, sizeof(*m));
	struct walk w = { .stream = { .target = target }, .migration = m };
	uint64_t begin = 0;
	enum ws_status status = m ? WS_OK : ws_fail_memory(target->ctx);

	(void)options;
	if (status || (status = header_read(target, &begin)) ||
	    (status = ws_layout_find(target, begin + STREAM_HEADER, &w.layout)))
		return status;
	w.stream.at = begin + STREAM_HEADER;
	status = sections_read(&w);
	if (!status && w.stream.failed)
		status = ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s", target->file.path,
				 strerror(target->file.error));
	if (!status && !m->runs.n)
		return memory_none(&w);
	if (status || (status = memory_notes(&w)) || (status = cpu_notes(&w)) ||
	    (status = ws_runs_settle(target, &m->runs)))
		return status;
	return ws_migration_place(target, m);
}

/* ---- frames ------------------------------------------------------------------------ */

static enum ws_evidence migration_copy_frame(struct ws_target *target, unsigned worker,
					     uint64_t ordinal, uint8_t *frame)
{
	struct ws_migration *m = target->priv;
	const struct ws_page_run *run;
	uint64_t pa;

	ws_target_piece_of(target, ordinal, &pa);
	run = ws_run_of(&m->runs, pa / WS_FRAME_SIZE);
	return run ? ws_migration_page(target, worker, run, pa / WS_FRAME_SIZE, frame)
		   : WS_ABSENT;
}

static void migration_close(struct ws_target *target)
{
	struct ws_migration *m = target->priv;

	if (!m)
		return;
	for (unsigned i = 0; i < WS_READERS; i++) {
		ws_file_window_release(&m->readers[i].window);
		ws_unpacker_release(&m->readers[i].unpacker);
	}
	ws_vec_release(&m->blocks);
	ws_vec_release(&m->runs);
	free(m);
}

const struct ws_target_ops ws_target_migration = {
	.kind = "migration",
	.title = "QEMU migration stream",
	.about = "migrate exec: or file: in QEMU's monitor, virsh dump without "
		 "--memory-only, and virsh save.",
	.header = "block of pages",
	.probe = migration_probe,
	.open = migration_open,
	.copy_frame = migration_copy_frame,
	.close = migration_close,
};
