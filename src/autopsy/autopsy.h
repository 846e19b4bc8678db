/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a machine died. What-if foretells a death; this recognises one, by what it leaves:
 *
 *	frames.c   one pass over memory: exception frames, and those that pile up
 *	storms.c   a pile by its addresses: on which stack, and what it began with
 *	clues.c    the chain of evidence
 *	rerun.c    the storm once more
 *	ended.c    whether that ended as the machine did
 *	run_over.c what it ran over
 *	stands.c   where the processors stand
 *	states.c   and whether they can do anything there
 *	last_words.c  what the kernel's log says of it
 *	causes.c   the causes that are known, a row each; whether one holds:
 *	storm_causes.c, reached.c, processors.c, overflow.c, explained.c, stale.c
 *	oops.c     what the kernel's log says of a fault
 *	first_fault.c  the same, beside its exception frame and its space
 *	lost_table.c  a table of the direct map that was overwritten
 *	calls.c    a stack, told from other memory
 *	reach.c    who could not reach an address
 *	stack_words.c  what lies on one kernel stack
 *	autopsy.c  the run, from there to a sentence
 *
 * What an architecture answers is in arch.h.
 */
#ifndef WS_AUTOPSY_AUTOPSY_H
#define WS_AUTOPSY_AUTOPSY_H

#include "autopsy/frames.h"
#include "linux/stacks.h"

struct ws_autopsy {
	struct ws_audit *audit; /* not owned */
	struct ws_system *system;
	const struct ws_arch_autopsy *arch; /* NULL: its exception frames are not known */
	ws_pile_vec piles;
	ws_stack_vec stacks;
	WS_VEC(struct ws_storm) storms;
	WS_VEC(struct ws_clue) clues;
	struct ws_death death;
	/*
	 * By per-CPU data, of a processor that has init_mm's root loaded, or nobody's: whose mm
	 * the kernel takes it to have. WS_NO_SPACE: nothing says so.
	 */
	uint32_t mm_space, mm_cpu;
	const struct ws_storm *reached; /* a storm that no hole explains; or NULL */
	char *sentence, *unknown, *differs;
	bool is_stranded;   /* a processor cannot go on where it stands */
	uint64_t nfollowed; /* frames that were looked at along a stack, of all storms */
	bool has_first_fault; /* the chain has the frame of the log's first fault */
	bool short_of_memory;
};

/* "40 page frames (unknown), 3 page frames (slab)"; NULL: unknown. To be freed. */
char *ws_overwritten_words(struct ws_autopsy *autopsy, const struct ws_storm *storm);

/*
 * Kernel memory at va, as a processor reached it before the death: the direct map is computed,
 * since the tables that it is reached through, and by which it is known how far it goes, may
 * have been run over.
 */
bool ws_read_as_it_was(struct ws_system *system, uint64_t va, void *to, size_t len);

/* Makes storms of the piles. */
enum ws_status ws_storms_find(struct ws_autopsy *autopsy) WS_MUST_CHECK;

/* Fills mm_space and mm_cpu. */
enum ws_status ws_find_mm_space(struct ws_autopsy *autopsy) WS_MUST_CHECK;
/* Adds where each processor is, and fills is_stranded. */
void ws_say_where_they_stand(struct ws_autopsy *autopsy);

/* NULL: none is known; or memory is short, which is put down, and the run fails. */
const struct ws_log *ws_log_of(struct ws_autopsy *autopsy);
/* Whether the kernel itself said it: what programs write to /dev/kmsg has another facility. */
static inline bool ws_is_kernels(const struct ws_log_record *record)
{
	return !record->has_level || !record->facility;
}
/* Whether a record of it, of the kernel's own, has one of these words. */
bool ws_log_has(struct ws_autopsy *autopsy, const char *const sought[], size_t n);

/* Adds what the kernel said of it; *last: how it ended, or NULL. It is the log's. */
enum ws_status ws_last_words(struct ws_autopsy *autopsy, const char **last) WS_MUST_CHECK;

/*
 * The cause, with its clues and the sentence; the death is as it was, NONE, where no row
 * holds.
 */
void ws_cause_find(struct ws_autopsy *autopsy);

/*
 * A storm at a handler that can be reached and executed, with its clues, where no cause holds:
 * each time something else was wrong there, as code that was written over. NULL: there is none.
 */
const struct ws_storm *ws_find_reached_storm(struct ws_autopsy *autopsy);

/* Adds where the frame of the log's first fault lies, if the cause has not said so. */
void ws_clue_first_fault(struct ws_autopsy *autopsy);

/* Adds a sentence to the chain; the caller may then say where it lies. */
struct ws_clue *ws_clue(struct ws_autopsy *autopsy, const char *about, const char *fmt,
			...) __attribute__((format(printf, 3, 4)));

/* Makes the sentence, in place of another. */
void ws_say(struct ws_autopsy *autopsy, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "whosees_lab:lab_page_fault at 0xc4fed630", or the address alone. */
#define WS_NAMED 128
const char *ws_named(struct ws_autopsy *autopsy, uint64_t va, char text[static WS_NAMED]);

/* "116 waiter", "init_mm", "root 0x21da000". */
const char *ws_whose(const struct ws_autopsy *autopsy, uint32_t space,
		     char text[static WS_NAMED]);

#endif
