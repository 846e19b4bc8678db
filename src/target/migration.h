/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's migration stream, by the files that read it (migration_stream.c): migration.c goes
 * through its sections, migration_ram.c through that of memory, migration_runs.c makes an
 * index of what pages there are, migration_place.c finds where they lie, and migration_state.c
 * reads what the stream says of its own layout, and processors by it. All numbers of it are
 * big-endian.
 */
#ifndef WS_TARGET_MIGRATION_H
#define WS_TARGET_MIGRATION_H

#include "target/target.h"
#include "target/unpack.h"
#include "util/bits.h"
#include "util/read_json.h"

/* ---- the stream as it is read ---- */

#define WS_STREAM_NAME 255 /* a length is one byte */
#define WS_STREAM_BUFFER 512u

struct ws_stream {
	struct ws_target *target;
	uint64_t at;                      /* what comes next */
	uint8_t buffer[WS_STREAM_BUFFER]; /* of the file, from buffered on */
	uint64_t buffered;
	size_t have;
	bool cut;         /* the file ends in what was asked for, */
	bool failed;      /* or cannot be read */
	const char *flaw; /* or it makes no sense, at this place: */
	uint64_t flaw_at;
};

/* The next n bytes, at most WS_STREAM_BUFFER, passed over; NULL: cut or failed. */
const uint8_t *ws_stream_take(struct ws_stream *stream, size_t n);
/* The same, which come next again. */
const uint8_t *ws_stream_peek(struct ws_stream *stream, size_t n);
/* Passes over n bytes, which need not be there; false: they wrap. */
bool ws_stream_skip(struct ws_stream *stream, uint64_t n);
/* A length and so many letters; false: cut or failed. */
bool ws_stream_name(struct ws_stream *stream, char name[static WS_STREAM_NAME + 1]);
/* Something that makes no sense lies at that offset: false. */
bool ws_stream_flaw(struct ws_stream *stream, uint64_t at, const char *flaw);

static inline bool ws_stream_ends(const struct ws_stream *stream)
{
	return stream->cut || stream->failed || stream->flaw;
}

/* ---- pages ---- */

/* A block of memory as QEMU has it: the machine's, or a device's. */
struct ws_ram_block {
	char name[WS_STREAM_NAME + 1];
	uint64_t len;
	uint64_t first; /* its first page among those of all blocks */
};

enum ws_run_kind {
	WS_RUN_ZERO,
	WS_RUN_PAGES,  /* each behind a word that says so */
	WS_RUN_MAPPED, /* as they are */
	WS_RUN_PACKED, /* one, by zlib, behind its length */
	WS_RUN_LOST,   /* what it holds cannot be told */
};

/* Pages that follow one another, in memory and in the file. */
struct ws_page_run {
	uint64_t first; /* of the pages of all blocks; once placed, of physical memory */
	uint64_t at;    /* in the file: what was written later is later */
	uint32_t n;
	uint8_t kind;
};

/* WS_VEC()s with a name. */
struct ws_page_runs {
	struct ws_page_run *v;
	size_t n, cap;
};
struct ws_ram_blocks {
	struct ws_ram_block *v;
	size_t n, cap;
};

/* Adds one page behind the others. */
enum ws_status ws_run_add(struct ws_target *target, struct ws_page_runs *runs,
			  const struct ws_page_run *page) WS_MUST_CHECK;
/* In the order of pages, and of those that were written again the last alone. */
enum ws_status ws_runs_settle(struct ws_target *target,
			      struct ws_page_runs *runs) WS_MUST_CHECK;
/* The first of settled runs that holds the page, or one behind it; runs->n: none. */
size_t ws_run_after(const struct ws_page_runs *runs, uint64_t page);
/* How many bytes further its next page is in the file. */
uint64_t ws_run_stride(const struct ws_page_run *run);
/* The run that holds the page; NULL: none. Of runs that are settled. */
const struct ws_page_run *ws_run_of(const struct ws_page_runs *runs, uint64_t page);

struct ws_migration {
	char machine[WS_STREAM_NAME + 1]; /* its type; "": not said */
	bool mapped;                      /* pages lie at places of their own */
	struct ws_ram_blocks blocks;      /* by name */
	struct ws_page_runs runs;
	uint64_t npages; /* of all blocks */
	size_t last;     /* the block that a page was last of */
	bool ended;      /* memory was sent to its end */
	bool channels;   /* or by other connections, as it says */
	struct ws_migration_reader {
		struct ws_file_window window;
		struct ws_unpacker unpacker;
		uint8_t packed[2 * WS_FRAME_SIZE];
	} readers[WS_READERS];
};

/* Goes through what a section of memory has, up to its end. */
enum ws_status ws_migration_ram(struct ws_stream *stream,
				struct ws_migration *migration) WS_MUST_CHECK;

/* Copies a page; WS_ABSENT: it is damaged, or cannot be told. */
enum ws_evidence ws_migration_page(struct ws_target *target, unsigned worker,
				   const struct ws_page_run *run, uint64_t page,
				   uint8_t *frame) WS_MUST_CHECK;

/* Adds what physical memory there is, and leaves only its runs, by physical page. */
enum ws_status ws_migration_place(struct ws_target *target,
				  struct ws_migration *migration) WS_MUST_CHECK;

/* ---- the state of devices ---- */

/*
 * The stream's own description of its layout: JSON behind its end, which lists its devices in
 * the order in which they were written.
 */
struct ws_state_layout {
	const char *text;    /* held; NULL: there is none */
	struct ws_json next; /* device */
};

/* Of a device, as it is described. */
struct ws_device_layout {
	struct ws_json fields; /* an array */
	uint64_t len;          /* of its state in the stream */
};

/* Looks for the description in what is behind that offset. */
enum ws_status ws_layout_find(struct ws_target *target, uint64_t from,
			      struct ws_state_layout *layout) WS_MUST_CHECK;
/* The device whose state comes next; false: it is not described. */
bool ws_layout_device(struct ws_state_layout *layout, const char *name, uint32_t instance,
		      struct ws_device_layout *device);

/*
 * Adds a processor whose state is at bytes[0..device->len), at that file offset; of no
 * architecture that is known: with a note.
 */
enum ws_status ws_migration_cpu(struct ws_target *target,
				const struct ws_device_layout *device,
				const uint8_t *bytes, uint64_t at) WS_MUST_CHECK;

#endif
