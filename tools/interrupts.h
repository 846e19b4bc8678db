/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals by which a person ends a command wait while it does what must not be cut in two. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

struct interrupts {
	sigset_t before; /* the mask of the thread */
};

/* From here on they wait, for this thread and those that it makes. */
void interrupts_hold(struct interrupts *held);

/* Whether one is waiting. */
bool interrupts_came(void);

/* One that came ends the process here, if nobody catches it. */
void interrupts_release(const struct interrupts *held);

#endif
