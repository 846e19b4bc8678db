/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Results of any number of targets, counted by fingerprint. What it takes is bounded: so
 * much a fingerprint, of up to TALLY_MAX, and 8 bytes a result (seen.h).
 *
 * Counts do not depend on the order of the results, unless there are more than are kept. Of two
 * results of a dump the worse stands; of two with findings the first.
 */
#ifndef WHOSEES_TALLY_H
#define WHOSEES_TALLY_H

#include "result_line.h"
#include "seen.h"
#include "util/hash.h"

#define TALLY_MAX 16384   /* fingerprints */
#define TALLY_MODULES 8   /* of one, by name */
#define TALLY_FAILURES 16 /* examples */
#define TALLY_TEXT 1024   /* letters of one text; more are cut off */

/*
 * How many of the dumps with a fingerprint have that module there. Which modules are kept, where
 * there are more, the algorithm Space-Saving decides (Metwally, Agrawal, El Abbadi, 2005): one that
 * more than one in TALLY_MODULES of the dumps have is among them, in whatever order they come.
 */
struct tallied_module {
	char *name;
	uint64_t ndumps; /* at most */
	uint64_t over;   /* and so many fewer at least */
};

static inline uint64_t tally_at_least(const struct tallied_module *module)
{
	return module->ndumps - module->over;
}

struct tallied {
	uint64_t fingerprint;
	enum result_of of;
	enum ws_severity severity;              /* the worst */
	char *rule, *place, *difference, *text; /* as the first dump has them; or NULL */
	uint64_t ndumps;
	uint64_t last; /* the dump that was counted last, by its number */
	uint64_t
		dumps; /* a sum over them: fingerprints of the same dumps have the same */
	char *kernel,
		*last_kernel; /* the lowest and the highest release; NULL: unknown */
	char *target;         /* of those with the lowest, the first by name */
	struct tallied_module module[TALLY_MODULES];
	unsigned nmodules;
	bool more_modules;
	UT_hash_handle hh;
};

/* Why a target has no answer. */
struct tallied_failure {
	uint64_t id;
	char *target, *error;
};

/* The targets of one command, by what came of them. */
struct tallied_command {
	uint64_t found, clean, unknown, failed;
};

/* Zeroed: empty. */
struct tally {
	struct tallied_command command[RESULTS_OF];
	struct tallied *by_fingerprint;
	struct seen seen;
	uint64_t nresults, nrepeated;
	uint64_t nunchecked; /* that may be repeated ones */
	uint64_t nleft_out;  /* findings of fingerprints that there was no room for */
	WS_VEC(struct tallied_failure) failures;
};

/* False: memory is short. */
bool tally_add(struct tally *tally, const struct result_line *line);
void tally_release(struct tally *tally);

/* How many targets of a command there are. */
uint64_t tally_targets(const struct tallied_command *command);

/* By number of dumps, then those of the same dumps together, of these the worst first. */
void tally_sort(struct tally *tally);
static inline bool tally_same_dumps(const struct tallied *a, const struct tallied *b)
{
	return a->ndumps == b->ndumps && a->dumps == b->dumps;
}

#endif
