/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens, in plain words: sentences that can be read aloud. */
#ifndef MACHINE_KERNEL_SAY_H
#define MACHINE_KERNEL_SAY_H

#include "machine/kernel/pgtable.h"

#include <inttypes.h>

/* A line, if anybody listens; processor NULL: on the first one. */
#define say(kernel, processor, voice, ...)                                      \
	do {                                                                    \
		if ((kernel)->options.say)                                      \
			kernel_say_line(kernel, processor, voice, __VA_ARGS__); \
	} while (0)

void kernel_say_line(struct kernel *kernel, const struct processor *processor,
		     enum kernel_voice voice, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* What an event found, which may be overwritten when it is printed. */
struct taking {
	uint64_t handler, sp;     /* where its gate leads; the stack it begins on */
	struct pgtable_walk walk; /* to the handler, without the TLB */
};

/* Before an event is delivered, and after all that came of it. */
void say_event(struct kernel *kernel, const struct processor *processor,
	       const struct machine_event *event, struct taking *before);
void say_outcome(struct kernel *kernel, const struct processor *processor,
		 const struct machine_event *event, const struct taking *before);

#endif
