/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens, in plain words: sentences that can be read aloud. */
#ifndef MACHINE_KERNEL_STORY_H
#define MACHINE_KERNEL_STORY_H

#include "machine/kernel/pgtable.h"

#include <inttypes.h>

/* A line, if anybody listens; processor NULL: on the first one. */
#define tell(kernel, processor, teller, ...)                                      \
	do {                                                                      \
		if ((kernel)->options.tell)                                       \
			kernel_tell_line(kernel, processor, teller, __VA_ARGS__); \
	} while (0)

void kernel_tell_line(struct kernel *kernel, const struct processor *processor,
		      enum kernel_teller teller, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* What an event found, which may be overwritten when it is told. */
struct telling {
	uint64_t handler, sp;     /* where its gate leads; the stack it begins on */
	struct pgtable_walk walk; /* to the handler, without the TLB */
};

/* Before an event is delivered, and after all that came of it. */
void tell_event(struct kernel *kernel, const struct processor *processor,
		const struct machine_event *event, struct telling *before);
void tell_outcome(struct kernel *kernel, const struct processor *processor,
		  const struct machine_event *event, const struct telling *before);

#endif
