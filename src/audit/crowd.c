/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table that was overwritten has hundreds of wrong entries, and one thing is wrong.
 * What one rule finds in one table is kept up to a number, and the last that is kept says
 * how many there were.
 */
#include <stdio.h>
#include <stdlib.h>

#include "audit/rule.h"
#include "util/hash.h"
#include "util/text.h"

/* Enough to see of what kind they are; a table has 512 or 1,024 entries. */
#define CROWD_MAX 16

struct ws_crowd {
	struct crowd_key {
		const struct ws_rule *rule;
		uint64_t table;
	} key;
	uint32_t n;    /* that were found */
	uint32_t last; /* the index of the last that was kept */
	UT_hash_handle hh;
};

static struct ws_crowd *crowd_at(struct ws_audit *audit, const struct crowd_key *key)
{
	struct ws_crowd *crowd;

	HASH_FIND(hh, audit->crowds, key, sizeof(*key), crowd);
	if (crowd)
		return crowd;
	crowd = calloc(1, sizeof(*crowd));
	if (crowd) {
		crowd->key = *key;
		HASH_ADD(hh, audit->crowds, key, sizeof(*key), crowd);
	}
	if (crowd && crowd->hh.tbl)
		return crowd;
	free(crowd);
	audit->short_of_memory = true;
	return NULL;
}

bool ws_crowd_admits(struct ws_audit *audit, const struct ws_finding *finding)
{
	const struct ws_trail *trail = &finding->here;
	struct crowd_key key = { .rule = finding->rule };
	struct ws_crowd *crowd;
	int n;

	/* The last step of a walk that ended for want of a table is that table's. */
	n = trail->nsteps - (trail->end == WS_END_ABSENT);
	if (n <= 0)
		return true;
	key.table = trail->step[n - 1].table & -(uint64_t)WS_FRAME_SIZE;
	crowd = crowd_at(audit, &key);
	if (!crowd)
		return true;
	if (crowd->n++ < CROWD_MAX)
		crowd->last = (uint32_t)(finding - audit->findings.v);
	return crowd->n <= CROWD_MAX;
}

static void say_more(struct ws_audit *audit, const struct ws_crowd *crowd)
{
	struct ws_finding *finding = &audit->findings.v[crowd->last];
	uint32_t more = crowd->n - CROWD_MAX;
	char *text = ws_text_of(
		"%s; and %u more like it in the same table, which are not listed",
		finding->text, more);

	if (!text) {
		audit->short_of_memory = true;
		return;
	}
	free(finding->text);
	finding->text = text;
}

void ws_crowds_say(struct ws_audit *audit)
{
	struct ws_crowd *crowd, *next;

	HASH_ITER(hh, audit->crowds, crowd, next)
	{
		if (crowd->n > CROWD_MAX)
			say_more(audit, crowd);
		HASH_DEL(audit->crowds, crowd);
		free(crowd);
	}
}
