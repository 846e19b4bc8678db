/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which file a report is about, and when both were made: so that it can be found out
 * later whether a dump at hand is the one that was looked at.
 */
#ifndef WS_REPORT_PROVENANCE_H
#define WS_REPORT_PROVENANCE_H

#include "whosees.h"

/* Where the time of a dump comes from, the best first. */
enum taken_by {
	TAKEN_CRASHTIME, /* the kernel's own word, in VMCOREINFO */
	TAKEN_HEADER,    /* a kdump's header */
	TAKEN_MODIFIED,  /* no better than when the file was last written */
	TAKEN_UNKNOWN,
};

#define TIME_WORDS 48

struct provenance {
	char *file;      /* its name, without folders; NULL: the target is no file */
	uint64_t size;   /* bytes */
	char sha256[65]; /* in hex; "" where no_hash says why */
	const char *no_hash;
	enum taken_by taken_by;
	char taken[TIME_WORDS]; /* "2026-11-29 10:40:03 UTC" */
	char made[TIME_WORDS];  /* now, or what SOURCE_DATE_EPOCH says */
};

/* Of what, and who is called with how much of the file is hashed; NULL: nobody. */
struct provenance_of {
	const struct ws_system *system;
	ws_progress_fn *progress;
	void *progress_arg;
};

/* False when memory is short. Reads the whole file for its hash. */
bool provenance_make(struct provenance *provenance, const struct provenance_of *of);
void provenance_release(struct provenance *provenance);

/* Linux's own are at most 64 characters (__NEW_UTS_LEN). */
#define RELEASE_WORDS 256

/* "6.1.0-50-686", of VMCOREINFO's first line, into release; NULL: not known. */
const char *kernel_release(const struct ws_system *system,
			   char release[static RELEASE_WORDS]);

/* "crashed", "dumped", "file last modified": what the time is the time of. */
const char *provenance_taken_words(enum taken_by taken_by);

#endif
