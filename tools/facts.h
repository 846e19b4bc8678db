/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a target says, as facts that can be compared with another's: each has keys under
 * which the other may have it too, and a value that may differ there.
 */
#ifndef WHOSEES_FACTS_H
#define WHOSEES_FACTS_H

#include "report/digest.h"
#include "util/vec.h"

/* In the order in which they are printed. */
enum fact_kind { FACT_SPACE, FACT_VERDICT, FACT_MODULE, FACT_FINDING };

/* From all that has to agree down to what at least has to. */
#define FACT_KEYS 3

struct fact {
	enum fact_kind kind;
	char *key[FACT_KEYS]; /* owned; NULL: none */
	char *name, *value;   /* owned */
	char *alone;  /* owned: its value where the other has no such fact; NULL: value */
	char *same;   /* owned: what decides whether it changed; NULL: value */
	char *detail; /* owned: what else differs where the values read alike; or NULL */
	size_t nth;   /* in the order in which they were found */
	uint32_t pid; /* of a process's; 0: none's */
	int verdict;  /* enum ws_verdict; -1: no verdict */
	int severity; /* of a finding, enum ws_severity; -1: no finding */
	bool has_range, paired;
	uint64_t va, last;
};

/* Zeroed: empty. */
struct facts {
	WS_VEC(struct fact) v;
	bool short_of_memory;
};

/* One fact in both; NULL: the other has it alone. */
struct fact_pair {
	const struct fact *before, *after;
};
typedef WS_VEC(struct fact_pair) fact_pairs;

/*
 * How the facts of two targets find each other. In one boot a process is known by its
 * pid, or, where one of the two targets has none for it, by its root; a finding by its
 * rule, address and words, or else by its rule, address and space. In two these say
 * nothing: there a process is known by its name and its parent's, and as the how many'th
 * of that name; a finding by its rule and by the symbol or region; and where a module or
 * a root lies is no fact.
 */
enum pairing { PAIR_BY_PID, PAIR_BY_NAME, PAIR_BY_PARENT };

/* What facts are made of. */
struct facts_of {
	const struct digest *digest;
	const struct ws_module *modules;
	size_t nmodules;
	enum pairing pairing;
	const char *side; /* before the key of what is in one target alone */
};

/* False when memory is short. Freed spaces, which are nobody's, are no facts. */
bool facts_gather(struct facts *facts, const struct facts_of *of);
void facts_release(struct facts *facts);

/* Whether each process that has a space has a parent that is known. */
bool facts_have_parents(struct ws_system *system, bool *have);

/*
 * Pairs what both have, each fact once, by the first of its keys that the other has too;
 * of several with one key the first with the first. Sorted by kind and key. False when
 * memory is short.
 */
bool facts_pair(struct facts *before, struct facts *after, fact_pairs *pairs);

#endif
