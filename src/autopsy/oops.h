/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first fault that the kernel could not handle and lived to report, by its log. */
#ifndef WS_AUTOPSY_OOPS_H
#define WS_AUTOPSY_OOPS_H

#include "autopsy/autopsy.h"

#define WS_OOPS_CODE 64u

struct ws_oops {
	size_t record; /* of the log, that it begins with */
	bool has_va, has_error, has_ip, has_pid;
	bool undefined; /* the processor refused the instruction as such */
	bool panicked;  /* the kernel gave up because of it, and not later */
	bool survived;  /* it gave up later, and not because of it */
	bool later;     /* by its number there were others, which the log has lost */
	uint64_t va;    /* that was accessed */
	uint64_t error;
	uint64_t ip;
	uint32_t pid;
	/* Bytes as the processor that faulted had them, `below` of them below ip. */
	uint8_t code[WS_OOPS_CODE];
	unsigned ncode, below;
};

/* False: the log, which may be NULL, reports none. */
bool ws_oops_read(struct ws_autopsy *autopsy, const struct ws_log *log,
		  struct ws_oops *oops);

#endif
