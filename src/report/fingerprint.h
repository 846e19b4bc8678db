/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a finding has in common with the same finding of another machine, or another boot:
 * its rule, where it is by name, and in what the space differs there.
 *
 * No address, pid, processor, frame, entry or count goes into a fingerprint, since these
 * are other ones wherever the same thing happens; docs/audit-output.md says what does.
 */
#ifndef WS_REPORT_FINGERPRINT_H
#define WS_REPORT_FINGERPRINT_H

#include "report/words.h"

#define FINGERPRINT_HEX 17 /* 64 bits, and the end of the string */
#define PLACE_WORDS 256    /* a module's and a symbol's name, longer ones cut */
#define DIFFERENCE_WORDS (2 * WORDS)

struct fingerprint {
	char hex[FINGERPRINT_HEX];
	char place[PLACE_WORDS];           /* "dtrace:dtrace_page_fault", "vmalloc" */
	char difference[DIFFERENCE_WORDS]; /* "hole at page directory" */
};

/* False when memory is short. */
bool fingerprint_finding(struct fingerprint *print, struct ws_system *system,
			 const struct ws_finding *finding);
/* The same of what killed a machine, which has a cause. */
bool fingerprint_death(struct fingerprint *print, struct ws_system *system,
		       const struct ws_death *death);

struct byte_range {
	uint64_t va, last;
};

/*
 * The modules that have memory in any of n ranges, a line each. To be freed; NULL: memory
 * is short.
 */
char *modules_within(struct ws_system *system, const struct byte_range *ranges, size_t n);

#endif
