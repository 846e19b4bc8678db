/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all of the processor's files need: a fault to raise, a departure to ask after. */
#ifndef MACHINE_EVENT_H
#define MACHINE_EVENT_H

#include "machine.h"
#include "x86.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* Kept out of the way of what is common. */
#define rare __attribute__((noinline))

static inline bool departs(const struct machine_cpu *cpu, uint32_t departure)
{
	return cpu->model.departures & departure;
}

/* False, for the caller to return: what went wrong is in *event. */
static inline bool raise(struct machine_event *event, enum machine_vector vector,
			 uint32_t error)
{
	*event = (struct machine_event){ .vector = (uint8_t)vector,
					 .kind = MACHINE_EXCEPTION,
					 .error = error };
	return false;
}

#endif
