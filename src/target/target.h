/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where physical memory and registers come from.
 *
 * How to add a target: one file with one struct ws_target_ops, a row in kinds[] in
 * target.c, and bad inputs in tests/. docs/add-a-target.md goes through it.
 */
#ifndef WS_TARGET_TARGET_H
#define WS_TARGET_TARGET_H

#include "context.h"
#include "util/vec.h"
#include "whosees.h"

/* The file behind a target, mapped private and only read. Owned by the target. */
struct ws_file {
	const char *path;
	int fd; /* -1: there is none, a scenario's core is in memory only */
	const uint8_t *data;
	size_t size;
};

/*
 * A piece of physical memory. data is NULL where the frames come from ops->frame.
 * Invariant, once opened: sorted by pa, never overlapping, pa + len never overflows,
 * data[0..len) lies inside the file.
 */
struct ws_piece_of_memory {
	struct ws_extent at;
	const uint8_t *data;
	uint64_t first_frame; /* how many whole frames lie in the pieces before it */
};

struct ws_target;

struct ws_target_ops {
	const char *kind; /* what --type takes */
	/* Looks at the file's first bytes; NULL: only when asked for by name. */
	bool (*probe)(const struct ws_file *file);
	/* Fills memory, cpus, vmcoreinfo and format; on failure close() is called. */
	enum ws_status (*open)(struct ws_target *target,
			       const struct ws_target_options *options);
	/*
	 * The whole frame with this ordinal, kept until close: WS_ABSENT where its bytes
	 * are damaged, WS_FAILED for want of memory. NULL op: all memory has data.
	 */
	enum ws_evidence (*frame)(struct ws_target *target, uint64_t ordinal,
				  const uint8_t **frame);
	/*
	 * Copies it without keeping it, and says the same as frame(). Called from several
	 * threads at once, never twice at once with one worker number.
	 */
	enum ws_evidence (*copy_frame)(struct ws_target *target, unsigned worker,
				       uint64_t ordinal, uint8_t *frame);
	void (*close)(struct ws_target *target);
};

/* Owned by the caller of ws_target_open(). */
struct ws_target {
	struct ws_context *ctx;
	const struct ws_target_ops *ops;
	struct ws_file file;
	WS_VEC(struct ws_piece_of_memory) memory;
	size_t last_piece; /* where the last look-up ended: the next one often does too */
	uint64_t nframes;  /* whole frames in all of memory */
	uint64_t ndamaged; /* of these, what the last scan could not unpack */
	WS_VEC(struct ws_extent) extents; /* what memory looks like from outside */
	uint64_t memory_end; /* no memory at or above it: what the file says, or the end
			      * of what it holds */
	WS_VEC(struct ws_cpu) cpus;
	char *vmcoreinfo;
	bool failed;    /* a look failed or what it gave is lost: ws_target_looked() */
	bool moving;    /* it runs on while it is read */
	bool long_mode; /* the dump says that its processors ran in long mode */
	const struct ws_format *format; /* NULL: the registers do not tell */
	bool format_by_note;            /* nothing but VMCOREINFO's note tells it */
	uint64_t root;                  /* what options gave */
	bool has_root;
	uint8_t *
		recorder; /* a bit per whole frame that ws_target_frame() gave; or NULL */
	void *priv;       /* the kind's own */
};

/* Whether path is "sim:NAME": a scenario of machine/script.h, and no file's. */
bool ws_is_sim(const char *path);
/* Runs it as far as its dump(), and fills *file with the ELF core of what it left. */
enum ws_status ws_sim_run(struct ws_context *ctx, struct ws_file *file) WS_MUST_CHECK;

/*
 * Puts down that memory was short where something was to be looked at, or kept to be
 * told: what comes of it is no answer, and ws_target_looked() says so. WS_FAILED.
 */
static inline enum ws_evidence ws_target_short(struct ws_target *target)
{
	target->failed = true;
	return WS_FAILED;
}

/* Whether path names the file that the target is read from. */
bool ws_target_is_file(const struct ws_target *target, const char *path);

/*
 * Adds len bytes of physical memory at pa, in any order; the caller has checked that
 * pa + len does not overflow and that data[0..len) lies inside the file. Nothing is
 * added where len is 0.
 */
enum ws_status ws_target_add_memory(struct ws_target *target, uint64_t pa, uint64_t len,
				    const uint8_t *data) WS_MUST_CHECK;

/*
 * Checks that size bytes at offset lie inside the file: WS_ERR_UNREADABLE, as a
 * truncated file is, if not. The message begins with the file's name and the words.
 */
enum ws_status ws_target_need(struct ws_target *target, uint64_t offset, uint64_t size,
			      const char *fmt, ...)
	__attribute__((format(printf, 4, 5))) WS_MUST_CHECK;

/*
 * Parses ELF notes (QEMU's vCPU notes, PRSTATUS, VMCOREINFO) at bytes[0..size), which
 * lie at file offset `at` (for messages).
 */
enum ws_status ws_target_parse_notes(struct ws_target *target, const uint8_t *bytes,
				     size_t size, uint64_t at) WS_MUST_CHECK;

/*
 * The notes of a capture: every processor whose registers are known, the format and
 * reference root that discovery settled on, and VMCOREINFO (NULL: none). *notes is the
 * caller's to free.
 */
enum ws_status ws_target_write_notes(const struct ws_target *target,
				     const struct ws_format *format, uint64_t root,
				     const char *vmcoreinfo, uint8_t **notes,
				     size_t *size) WS_MUST_CHECK;

/*
 * CR0, CR4 and long mode -> the format they select (SDM 4.1.1, table 4-1); NULL where
 * the control registers are unknown or paging is off. long_mode: the dump says so; a
 * processor that holds 64-bit addresses says so itself.
 */
const struct ws_format *ws_format_of_cpu(const struct ws_cpu *cpu, bool long_mode);

/* What the kernel's own VMCOREINFO says of its format; NULL where it does not. */
const struct ws_format *ws_format_of_vmcoreinfo(const char *text);

/* The piece that holds pa, or NULL. */
const struct ws_piece_of_memory *ws_target_piece(struct ws_target *target, uint64_t pa);

/* The ordinal, < nframes, of the whole frame at pa (aligned) in its piece. */
static inline uint64_t ws_frame_ordinal(const struct ws_piece_of_memory *piece,
					uint64_t pa)
{
	uint64_t first = (piece->at.pa + WS_FRAME_SIZE - 1) / WS_FRAME_SIZE;

	return piece->first_frame + pa / WS_FRAME_SIZE - first;
}

/*
 * Starts to remember which frames ws_target_frame() and ws_target_read() give
 * (capture's way of knowing what the answers rest on), and asks.
 */
enum ws_status ws_target_record(struct ws_target *target) WS_MUST_CHECK;
bool ws_target_recorded(struct ws_target *target, uint64_t pa);

#define WS_SCAN_WORKERS 8
#define WS_SCAN_CHUNK (1u << 20)

/*
 * Told len bytes of memory at pa: whole, contiguous frames, valid during the call
 * only. Called from several threads at once, never twice at once with one worker
 * number (< WS_SCAN_WORKERS), in no order. Must not touch the context.
 */
typedef void ws_scan_fn(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len);

/* One pass over all memory, on all processors, with progress; records nothing. */
enum ws_status ws_target_scan(struct ws_target *target, const char *what, ws_scan_fn *fn,
			      void *arg) WS_MUST_CHECK;

extern const struct ws_target_ops ws_target_elf, ws_target_kdump, ws_target_lime,
	ws_target_raw, ws_target_sim;

#endif
