/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where physical memory and registers come from.
 *
 * How to add a target: one file with one struct ws_target_ops, a row in kinds[] in
 * target.c, and bad inputs in tests/. docs/add-a-target.md goes through it.
 */
#ifndef WS_TARGET_TARGET_H
#define WS_TARGET_TARGET_H

#include <string.h>

#include "arch/arch.h"
#include "context.h"
#include "target/file.h"
#include "target/keep.h"
#include "target/workers.h"
#include "util/vec.h"
#include "whosees.h"

/*
 * A piece of physical memory. data is NULL where the frames come from ops->copy_frame or
 * copy_frames; else it points into the file's data, which is to be held (ws_file_hold())
 * before it is looked at. Invariant, once opened: sorted by pa, never overlapping, pa + len never overflows,
 * data[0..len) lies inside the file.
 */
struct ws_piece_of_memory {
	struct ws_extent at;
	const uint8_t *data;
	uint64_t first_frame; /* how many whole frames lie in the pieces before it */
	uint64_t header;      /* the number of the header that says where it lies */
	uint64_t offset; /* where copy_frames() finds its first byte: for data NULL */
};

struct ws_target;

/* A process as the kernel of a target names it itself. */
struct ws_named_process {
	uint64_t mm;
	uint64_t begun; /* when, by a clock of the kernel's */
	uint32_t pid;
	char comm[17];
};
typedef WS_VEC(struct ws_named_process) ws_roll;

struct ws_target_ops {
	const char *kind;   /* what --type takes */
	const char *title;  /* what a sentence calls it */
	const char *about;  /* who writes such, and what it lacks */
	const char *header; /* what one header of memory is called; NULL: there is none */
	/*
	 * Of what is no file: how it is named, "sim:SCENARIO". A TARGET that begins so, up to
	 * the colon, is of this kind, or one that is so, if there is no colon. Then open() has
	 * no file, and no bytes of one.
	 */
	const char *scheme;
	/* Whether a path to a file is that, too; NULL: none is. */
	bool (*owns)(const char *path);
	/*
	 * Looks at the file's first bytes (WS_FILE_BLOCK, or all there are); NULL: only
	 * when asked for by name.
	 */
	bool (*probe)(const struct ws_file *file);
	/*
	 * Fills memory, cpus, vmcoreinfo and format, as far as the file goes: what is
	 * known to be cut off or damaged is reported by ws_target_cut() and
	 * ws_target_add_note(). On failure close() is called.
	 */
	enum ws_status (*open)(struct ws_target *target,
			       const struct ws_target_options *options);
	/*
	 * Copies the whole frame with this ordinal: WS_ABSENT where its bytes are damaged
	 * or cut off, WS_FAILED for want of memory. Called from several threads at once,
	 * never twice at once with one worker number (< WS_READERS). NULL: all memory has
	 * data, or copy_frames() has it.
	 */
	enum ws_evidence (*copy_frame)(struct ws_target *target, unsigned worker,
				       uint64_t ordinal, uint8_t *frame);
	/*
	 * The same where many frames cost hardly more than one: n of them, > 0, which follow
	 * one another in one piece. *got is how many there are before the first that could
	 * not be copied, of which the answer is; WS_READ: all.
	 */
	enum ws_evidence (*copy_frames)(struct ws_target *target, unsigned worker,
					uint64_t ordinal, size_t n, uint8_t *frames,
					size_t *got);
	/*
	 * Of what may change while it is looked at: asked after each call that has looked,
	 * whether what was seen may be believed. Fails with the reason. NULL: yes.
	 */
	enum ws_status (*looked)(struct ws_target *target);
	bool can_stop;   /* a machine that may run, which --stop stops */
	bool one_thread; /* copy_frames() is called in the caller's thread alone */
	/*
	 * Of a machine that stands still: writes n bytes at pa. What was looked at by address
	 * stays as it was until ws_target_forget(). WS_ERR_UNSUPPORTED: it was refused, and
	 * nothing is written; after another failure it may be. NULL: it is not written to.
	 */
	enum ws_status (*write)(struct ws_target *target, uint64_t pa, const void *bytes,
				size_t n);
	/* With write: n bytes at pa, by the same way, whatever was kept of them. */
	enum ws_status (*read)(struct ws_target *target, uint64_t pa, void *bytes,
			       size_t n);
	/*
	 * With write: every processor forgets its translations. WS_ERR_UNSUPPORTED: it cannot
	 * be made to. NULL: no processor of it remembers any.
	 */
	enum ws_status (*flush)(struct ws_target *target);
	/*
	 * Of a kernel that runs on: it writes those n entries itself where they hold what is
	 * said, and says in each one's `end` what came of it. reference: its own root. Of no
	 * entry: whether it would.
	 */
	enum ws_status (*sync)(struct ws_target *target,
			       struct ws_sync_entry *const *entries, size_t n,
			       uint64_t reference);
	/*
	 * Of a kernel that runs on: all processes that have memory, as it names them itself
	 * at that moment, by pid and each once. *known: whether it does. NULL: it does not.
	 */
	enum ws_status (*roll)(struct ws_target *target, ws_roll *roll, bool *known);
	/* What comes of a simulated machine that was written to: a sentence, to be freed. */
	enum ws_status (*go_on)(struct ws_target *target, char **sentence);
	void (*close)(struct ws_target *target);
};

/*
 * Owned by the caller of ws_target_open(). For one thread at a time: every look at memory
 * keeps what it read, remembers where it was and may be recorded, and failures go to the
 * context. ws_target_scan() alone has threads of its own, which are gone when it returns;
 * they come no further than copy_frame(), ws_file_read() and the scan's callback.
 */
struct ws_target {
	struct ws_context *ctx;
	const struct ws_target_ops *ops;
	struct ws_file file;    /* that memory lies in */
	struct ws_file beside;  /* and one that says what it is; no path: there is none */
	struct ws_file *others; /* that memory lies in besides, as its kind has them */
	size_t nothers;
	char *named; /* as it was opened, which may be either; NULL: as file */
	WS_VEC(struct ws_piece_of_memory) memory;
	size_t last_piece; /* where the last look-up ended: the next one often does too */
	struct ws_budget budget; /* what the tables below, and what is kept, may take */
	struct ws_keep keep;     /* frames that were looked at by address */
	struct ws_file_window peeked; /* what ws_target_peek() reads through */
	uint64_t nframes;             /* whole frames in all of memory */
	uint64_t nknown_absent; /* of these, what open() found to be damaged or cut off */
	uint64_t ndamaged;      /* and what the last scan could not unpack besides */
	uint64_t cut;        /* bytes of memory that the file should have, but has not */
	uint64_t cut_inside; /* of these, in frames that are in memory all the same */
	uint64_t cut_first;  /* the lowest pa of theirs */
	bool cut_more;       /* and nobody knows how many besides */
	uint64_t nleft;      /* headers of memory that make no sense: ws_target_leave() */
	size_t first_left;   /* the note of the first of them */
	WS_VEC(struct ws_extent) extents; /* what memory looks like from outside */
	uint64_t memory_end; /* no memory at or above it: what the file says, or the end
			      * of what it holds */
	WS_VEC(struct ws_cpu) cpus;
	size_t nqemu_notes;   /* of how many of them QEMU notes were met */
	bool monitor_unknown; /* the monitor's notes on them are of no known version */
	WS_VEC(char *) notes; /* what is wrong with the file: ws_target_note() */
	char *vmcoreinfo;
	int64_t taken;   /* when, in seconds since 1970; 0: the file does not say */
	bool failed;     /* a look failed or what it gave is lost: ws_target_looked() */
	const char *why; /* it failed, if not for the file's error or want of memory */
	unsigned looks;  /* how often ws_target_forget() was called */
	bool moving;     /* it runs on while it is read: ws_target_forget() */
	bool of_itself;  /* its notes say that a running kernel wrote it: /proc/kcore */
	const uint8_t *own_task; /* the task that read it then, in the file's data */
	size_t own_task_size;
	/*
	 * What the dump says of its machine, then what its format does; NULL, 0: nothing.
	 */
	const struct ws_arch *arch;
	uint8_t word;                   /* sizeof(long) there: 4 or 8 */
	const struct ws_format *format; /* NULL: the registers do not say */
	bool format_by_note;            /* nothing but VMCOREINFO's note says it */
	uint64_t root;                  /* what options gave */
	bool has_root;
	bool root_is_noted;     /* by a capture's note, and not given */
	uint8_t encryption_bit; /* given or noted; 0: there is none */
	bool has_encryption_bit;
	bool modules_sought;     /* a capture's note: no module was found in the whole, */
	uint64_t modules_absent; /* which lacked that much of where one may lie */
	uint8_t *
		recorder; /* a bit per whole frame that ws_target_frame() gave; or NULL */
	void *priv;       /* the kind's own */
	const struct ws_given_memory *given; /* while it is opened; or NULL */
};

/* How long what a name begins with is, with its colon. */
static inline size_t ws_scheme_length(const char *scheme)
{
	return strcspn(scheme, ":") + (strchr(scheme, ':') != NULL);
}

/* What follows a scheme's colon in the name that it was opened by. */
static inline const char *ws_target_address(const struct ws_target *target)
{
	return target->named + ws_scheme_length(target->ops->scheme);
}

/*
 * The file behind a target: path itself, or of a scheme what follows the colon, if that is a
 * path; NULL: there is none.
 */
const char *ws_target_path_in(const char *path);

/*
 * Puts down that memory was short where something was to be looked at, or kept to be
 * reported: what comes of it is no answer, and ws_target_looked() says so. WS_FAILED.
 */
static inline enum ws_evidence ws_target_short(struct ws_target *target)
{
	target->failed = true;
	return WS_FAILED;
}

/*
 * Whether an array of elements of that size may grow beyond n; then its room is taken out of
 * the budget. What is found in a dump is as much as its maker likes.
 */
bool ws_target_may_grow(struct ws_target *target, size_t n, size_t cap, size_t size);

/* ws_vec_push() for such; NULL too when the budget is spent. */
#define ws_target_push(target, vec)                                          \
	(ws_target_may_grow(target, (vec)->n, (vec)->cap, sizeof(*(vec)->v)) \
		 ? ws_vec_push(vec)                                          \
		 : NULL)

/* Whether path names the file that the target is read from. */
bool ws_target_is_file(const struct ws_target *target, const char *path);

/*
 * Adds len bytes of physical memory at pa, in any order, whose frames ops->copy_frame gives, as
 * header number `header` says; the caller has checked that pa + len does not overflow.
 * Nothing is added where len is 0.
 */
enum ws_status ws_target_add_memory(struct ws_target *target, uint64_t pa, uint64_t len,
				    uint64_t header) WS_MUST_CHECK;

/* The same of memory that lies at an offset in what copy_frames() reads. */
enum ws_status ws_target_add_memory_at(struct ws_target *target, uint64_t pa,
				       uint64_t len, uint64_t offset,
				       uint64_t header) WS_MUST_CHECK;

/*
 * The same of memory that lies in the file at offset. What lies past the file's end is
 * cut.
 */
enum ws_status ws_target_add_from_file(struct ws_target *target, uint64_t pa,
				       uint64_t len, uint64_t offset,
				       uint64_t header) WS_MUST_CHECK;

/*
 * Leaves out what a header says, for the reason that the words give, with a note. Nobody
 * knows then how far memory goes.
 */
enum ws_status ws_target_leave(struct ws_target *target, uint64_t header,
			       const struct ws_extent *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5))) WS_MUST_CHECK;
/* Once all are reported: counts those that have no note. */
enum ws_status ws_target_note_left(struct ws_target *target) WS_MUST_CHECK;
/* And says how much of the memory is cut off, if any is. */
enum ws_status ws_target_note_cut(struct ws_target *target) WS_MUST_CHECK;

/*
 * Makes of the pieces, in any order and maybe contradicting, what struct ws_target says.
 */
enum ws_status ws_target_settle(struct ws_target *target) WS_MUST_CHECK;

#define WS_PHYSICAL_END (UINT64_C(1) << 52) /* SDM 4.1.4 */

/* The file says that there is memory up to end, whether it holds it or not. */
static inline void ws_target_reaches(struct ws_target *target, uint64_t end)
{
	if (target->memory_end < end)
		target->memory_end = end;
}

/* Counts len bytes at pa as memory that the file should have, but has not; not added. */
void ws_target_cut(struct ws_target *target, uint64_t pa, uint64_t len);
/* The same of a frame that was added: ops->copy_frame says WS_ABSENT of it. */
void ws_target_cut_frame(struct ws_target *target, uint64_t pa);

/* Whether a read met the end of a file before where it was when it was opened. */
bool ws_target_has_shrunk(const struct ws_target *target);

/* Adds something that is wrong with the file, in plain words: ws_target_note(). */
enum ws_status ws_target_add_note(struct ws_target *target, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))) WS_MUST_CHECK;

/* Headers, notes and the like may be that long; no machine has more. */
#define WS_HEADER_MAX (UINT64_C(64) << 20)

/*
 * Checks that size bytes at offset lie inside the file, and holds them:
 * WS_ERR_UNREADABLE, as a truncated file is, if they do not. The message begins with the
 * file's name and the words. For headers: WS_HEADER_MAX is the limit.
 */
enum ws_status ws_target_need(struct ws_target *target, uint64_t offset, uint64_t size,
			      const char *fmt, ...)
	__attribute__((format(printf, 4, 5))) WS_MUST_CHECK;

/*
 * Parses ELF notes (QEMU's vCPU notes, PRSTATUS, VMCOREINFO) at bytes[0..size), which
 * lie at file offset `at` (for messages). Of notes that are cut off the last may be
 * there in part, and is left.
 */
enum ws_status ws_target_parse_notes(struct ws_target *target, const uint8_t *bytes,
				     size_t size, uint64_t at, bool cut) WS_MUST_CHECK;

/*
 * Adds a processor that a machine monitor wrote down in bytes[0..size), at file offset `at`,
 * as an architecture's monitor_notes have it by that name and type. Where they do not know
 * such, or no processor is like that, it is one without registers, with a note.
 */
enum ws_status ws_target_add_cpu(struct ws_target *target, const char *name,
				 uint32_t type, const uint8_t *bytes, size_t size,
				 uint64_t at) WS_MUST_CHECK;

/* What a capture says of the target that it was taken from. */
struct ws_taken_from {
	const struct ws_format *format;
	uint64_t root;          /* the reference that discovery settled on; 0: none */
	const char *vmcoreinfo; /* NULL: none */
	uint8_t encryption_bit; /* as in the target */
	bool has_encryption_bit;
	bool no_modules; /* all that is there was looked through, and there is none */
	uint64_t modules_absent; /* bytes of where one may lie that are not there */
};

/*
 * The notes of a capture: the same, and every processor whose registers are known.
 * *notes is the caller's to free.
 */
enum ws_status ws_target_write_notes(const struct ws_target *target,
				     const struct ws_taken_from *from, uint8_t **notes,
				     size_t *size) WS_MUST_CHECK;

/* What the kernel's own VMCOREINFO says of its format; NULL where it does not. */
const struct ws_format *ws_format_of_vmcoreinfo(const char *text);

/*
 * The whole frame that holds pa, neither kept nor recorded: *frame is in the file's data
 * or in scratch. For a search that passes over much memory.
 */
enum ws_evidence ws_target_peek(struct ws_target *target, uint64_t pa,
				uint8_t scratch[WS_FRAME_SIZE],
				const uint8_t **frame) WS_MUST_CHECK;

/* The same where what is looked at next lies elsewhere: nothing is read ahead. */
enum ws_evidence ws_target_peek_once(struct ws_target *target, uint64_t pa,
				     uint8_t scratch[WS_FRAME_SIZE],
				     const uint8_t **frame) WS_MUST_CHECK;

/* ops->copy_frames(), or copy_frame() of one. */
enum ws_evidence ws_target_copy(struct ws_target *target, unsigned worker,
				uint64_t ordinal, size_t n, uint8_t *frames,
				size_t *got) WS_MUST_CHECK;
/* Whether a frame that is not there is damaged: of others whoever has the memory lacks it. */
static inline bool ws_target_is_unpacked(const struct ws_target *target)
{
	return !target->moving && target->file.fd >= 0;
}

/* Whether there is either: some of memory has no data. */
static inline bool ws_target_copies(const struct ws_target *target)
{
	return target->ops->copy_frame || target->ops->copy_frames;
}

/*
 * What is looked at by address from now on is read again, as a second look at a moving target
 * must be. Frames that were given are valid no more.
 */
void ws_target_forget(struct ws_target *target);

/*
 * Copies bytes that lie within one frame, as they are now: neither what was kept is given,
 * nor is this kept.
 */
enum ws_evidence ws_target_read_now(struct ws_target *target, uint64_t pa, void *to,
				    size_t len) WS_MUST_CHECK;

/*
 * Where the target has memory at or after pa, a frame's, and before end, that lies in no hole
 * of its file: in frames from *data on and before *hole, where a hole or another piece may
 * follow. What lies in a hole is zero and need not be read. *data is end where there is none.
 */
void ws_target_extent(struct ws_target *target, uint64_t pa, uint64_t end, uint64_t *data,
		      uint64_t *hole);

/* The piece that holds pa, or NULL. */
const struct ws_piece_of_memory *ws_target_piece(struct ws_target *target, uint64_t pa);

/* The piece that has the whole frame with that ordinal, < nframes; safe in all threads. */
const struct ws_piece_of_memory *ws_target_piece_of(const struct ws_target *target,
						    uint64_t ordinal, uint64_t *pa);

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

#define WS_SCAN_CHUNK (256u << 10) /* little enough to stay in a processor's cache */

/*
 * Called with len bytes of memory at pa: whole, contiguous frames, valid during the call
 * only. Called from several threads at once, never twice at once with one worker
 * number (< WS_SCAN_WORKERS), in no order. Must not touch the context or the target.
 * Frames that are zero may be passed over: those in holes of the file are.
 */
typedef void ws_scan_fn(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len);

/* One pass over all memory, on all processors, with progress; records nothing. */
enum ws_status ws_target_scan(struct ws_target *target, const char *what, ws_scan_fn *fn,
			      void *arg) WS_MUST_CHECK;

extern const struct ws_target_ops ws_target_elf, ws_target_kdump, ws_target_lime,
	ws_target_avml, ws_target_xen, ws_target_vmware, ws_target_migration,
	ws_target_cloud, ws_target_raw, ws_target_sim, ws_target_qemu, ws_target_gdb,
	ws_target_virsh, ws_target_live, ws_target_given;

#endif
