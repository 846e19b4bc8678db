/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an autopsy asks of an architecture: what an exception frame looks like, where a
 * processor stands, and the storm once more, from its beginning. One struct each, in the
 * architecture's folder; struct ws_arch leads to it.
 */
#ifndef WS_AUTOPSY_ARCH_H
#define WS_AUTOPSY_ARCH_H

#include "audit/rule.h"

/* What tells a frame from other words in this kernel. */
struct ws_frame_rules {
	unsigned word; /* sizeof(long): frames are aligned to it */
	uint64_t kernel_first;
};

/* Where a processor stands, by its registers. */
struct ws_standing {
	uint64_t ip, sp;
	uint64_t fault; /* the address that faulted last */
	bool user;
	bool has_fault; /* false: the target does not keep it */
	/* It is in a task that handles a double fault; where it was before, if was_elsewhere. */
	bool was_elsewhere;
	uint64_t before_ip, before_sp;
};

struct ws_arch_autopsy {
	/* False: the registers that say so are not known. */
	bool (*standing)(struct ws_system *system, const struct ws_cpu *cpu,
			 struct ws_standing *standing);
	unsigned frame_max; /* bytes that the longest frame has */
	/* Physical addresses at which a write is lost on every machine; 0, 0: none. */
	uint64_t lost_first, lost_last;
	/*
	 * NULL: what they look like is not known, and what follows but `standing` may be NULL.
	 * The next frame at or behind *at in bytes[0..len): true, and *at is where it
	 * begins. Safe in several threads.
	 */
	bool (*next_frame)(const struct ws_frame_rules *rules, const uint8_t *bytes,
			   size_t len, size_t *at, struct ws_exception_frame *frame);
	/* Whether it waits for an interrupt, by the instruction before. */
	bool (*is_halted)(struct ws_system *system, const struct ws_standing *standing);
	/* Of a frame of a page fault: the page was mapped, and refused. */
	bool (*is_refusal)(const struct ws_exception_frame *frame);
	/*
	 * By the error code of a page fault: the right that the tables lacked, enum ws_access.
	 * 0: it was in user mode, or about something else than rights.
	 */
	uint8_t (*right_lacked)(uint64_t error);
	/* What stands before the instruction pointer in an oops; NULL ends them. */
	const char *const *ip_words;
	/* Whether no instruction with that first byte is refused as undefined. */
	bool (*is_defined)(uint8_t first);
	/* Whether an instruction that begins with these two bytes is refused as undefined. */
	bool (*is_undefined)(const struct ws_system *system, const uint8_t code[2]);
	/* Whether control registers keep the kernel from code that the tables allow it. */
	bool (*refuses_fetch)(const struct ws_system *system,
			      const struct ws_trail *trail);
	/* Whether a processor's own tables name it as a handler. */
	bool (*is_handler)(struct ws_system *system, uint64_t va);
	/* Whether these can be read, and name any. */
	bool (*has_handlers)(struct ws_system *system);
	/* Of what each attempt to deliver needs, the rules: a fault there ends a delivery. */
	bool (*is_delivery)(const struct ws_rule *rule);
	/*
	 * Follows the fault that began the storm in that space on the simulated processor,
	 * over memory from which the storm was taken off. NULL: no processor of it is simulated.
	 */
	enum ws_status (*replay)(struct ws_audit *audit, uint32_t space,
				 const struct ws_storm *storm, struct ws_story *story);
};

/*
 * Whether a story is the storm's, frame by frame: of its nested faults the last could not be
 * pushed any more, and left none.
 */
static inline bool ws_is_replayed(const struct ws_storm *storm,
				  const struct ws_story *story)
{
	return story->nested == storm->frames + 1;
}

#endif
