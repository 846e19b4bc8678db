/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a target says, as facts that can be compared with another's: each has a key under
 * which the other may have it too, and a value that may differ there.
 */
#ifndef WHOSEES_FACTS_H
#define WHOSEES_FACTS_H

#include "report/digest.h"
#include "util/vec.h"

/* In the order in which they are told. */
enum fact_kind { FACT_SPACE, FACT_VERDICT, FACT_MODULE, FACT_FINDING };

struct fact {
	enum fact_kind kind;
	char *key, *name, *value; /* owned */
	bool has_range;
	uint64_t va, last;
};

/* Sorted by kind and key. Zeroed: empty. */
struct facts {
	WS_VEC(struct fact) v;
	bool short_of_memory;
};

/* False when memory is short. Freed spaces, which are nobody's, are no facts. */
bool facts_gather(struct facts *facts, const struct digest *digest,
		  const struct ws_module *modules, size_t nmodules);
void facts_release(struct facts *facts);

/* By kind and key. */
int fact_compare(const void *left, const void *right);

#endif
