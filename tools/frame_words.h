/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a frame is used for, in words: the same wherever one is named. */
#ifndef WHOSEES_FRAME_WORDS_H
#define WHOSEES_FRAME_WORDS_H

#include "report/report.h"
#include "whosees.h"

/* Whom the numbers in a struct ws_frame_run mean. */
struct frame_names {
	const struct ws_format *format;
	const struct ws_space *spaces;
	size_t nspaces;
	const struct ws_task *tasks;
};
struct frame_names frame_names_of(const struct ws_system *system);

/*
 * "page table of 117 waiter, maps 0x400000 to 0x7fffff", "kernel stack of 2 kthreadd",
 * "unknown". Room for a need of the audit's, which is the longest.
 */
#define FRAME_WORDS 256
const char *frame_words(const struct frame_names *names, const struct ws_frame_run *run,
			char words[static FRAME_WORDS]);

/* The process that it is of; not known: of none in particular. */
struct value frame_pid(const struct frame_names *names, const struct ws_frame_run *run);
struct value frame_comm(const struct frame_names *names, const struct ws_frame_run *run);

#endif
