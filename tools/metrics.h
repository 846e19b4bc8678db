/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts for Prometheus's node_exporter (its textfile collector), in the text format 0.0.4.
 * Names and meanings stay as they are; docs/live.md lists them.
 */
#ifndef WHOSEES_METRICS_H
#define WHOSEES_METRICS_H

#include <time.h>

#include "report/digest.h"

struct metrics {
	bool success;   /* the last look did not fail; what follows is of the last such */
	time_t seen;    /* that one began */
	double seconds; /* and took */
	time_t when;    /* the last began, whatever came of it */
	uint64_t nlooks;  /* all of them, */
	uint64_t nfailed; /* and those that failed */
	size_t nverdict[DIGEST_VERDICTS], nseverity[DIGEST_SEVERITIES];
};

/* Replaces the file as a whole. False, with errno, where it cannot be written. */
bool metrics_write(const struct metrics *metrics, const char *target, const char *path);

#endif
