/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is found in a table that many spaces share is told once, of the space where it was
 * met. Which the others are, a space's own private entry says: who has the same one has
 * all that lies below it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/rule.h"
#include "linux/roots.h"
#include "util/hash.h"

/* A private entry: where it stands, and what it holds but for A and D. */
struct place {
	uint64_t va, entry;
};

struct ws_shared {
	struct place place;
	uint32_t sharers; /* other spaces that are audited and have it */
	uint32_t finding; /* the worst below it */
	UT_hash_handle hh;
};

/* The space's private entry for va; none: entry is 0. */
static struct place place_of(const struct ws_audit *audit, uint64_t root, uint64_t va)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_format *format = paging->format;
	unsigned level = ws_private_level(format);
	struct place place = { .va = va >> format->level[level].shift };
	struct ws_trail trail;

	ws_walk(paging, root, va, &trail);
	if (trail.nsteps > level)
		place.entry = trail.step[level].entry & ~format->touched;
	return place;
}

static uint32_t count_sharers(const struct ws_audit *audit, uint32_t space,
			      const struct place *place, uint64_t va)
{
	const struct ws_system *system = audit->system;
	uint32_t n = 0;

	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (i != space && ws_audited(audit, i))
			n += place_of(audit, system->spaces.v[i].root, va).entry ==
			     place->entry;
	return n;
}

static struct ws_shared *find_shared(const struct ws_audit *audit,
				     const struct place *place)
{
	struct ws_shared *shared;

	HASH_FIND(hh, audit->shared, place, sizeof(*place), shared);
	return shared;
}

static struct ws_shared *add_shared(struct ws_audit *audit, const struct place *place,
				    const struct ws_finding *finding)
{
	struct ws_shared *shared = calloc(1, sizeof(*shared));

	if (shared) {
		shared->place = *place;
		shared->sharers =
			count_sharers(audit, finding->space, place, finding->va);
		shared->finding = (uint32_t)(finding - audit->findings.v);
		HASH_ADD(hh, audit->shared, place, sizeof(*place), shared);
	}
	if (shared && shared->hh.tbl)
		return shared;
	free(shared);
	audit->short_of_memory = true;
	return NULL;
}

static void say_shared(struct ws_audit *audit, struct ws_finding *finding,
		       uint32_t sharers)
{
	char *text;

	if (asprintf(&text, "%s; %u other space%s ha%s the same table", finding->text,
		     sharers, sharers == 1 ? "" : "s", sharers == 1 ? "s" : "ve") < 0) {
		audit->short_of_memory = true;
		return;
	}
	free(finding->text);
	finding->text = text;
}

/* What a private entry itself says is the space's own. */
static bool is_below_private(const struct ws_audit *audit,
			     const struct ws_finding *finding)
{
	return finding->va >= audit->system->layout.kernel_first &&
	       finding->here.nsteps > ws_private_level(audit->system->paging.format) + 1;
}

void ws_finding_share(struct ws_audit *audit, struct ws_finding *finding)
{
	uint64_t root = audit->system->spaces.v[finding->space].root;
	struct place place = place_of(audit, root, finding->va);
	struct ws_shared *shared = find_shared(audit, &place);

	if (!is_below_private(audit, finding))
		return;
	if (!shared)
		shared = add_shared(audit, &place, finding);
	if (!shared)
		return;
	if (finding->rule->verdict > audit->findings.v[shared->finding].rule->verdict)
		shared->finding = (uint32_t)(finding - audit->findings.v);
	if (shared->sharers)
		say_shared(audit, finding, shared->sharers);
}

/* ---- and the other way round ------------------------------------------------------- */

/* Of two findings the one with the worse verdict. */
static const struct ws_finding *worse(const struct ws_audit *audit,
				      const struct ws_finding *worst,
				      const struct ws_shared *shared)
{
	const struct ws_finding *finding;

	if (!shared)
		return worst;
	finding = &audit->findings.v[shared->finding];
	return !worst || finding->rule->verdict > worst->rule->verdict ? finding : worst;
}

const struct ws_finding *ws_finding_shared_with(const struct ws_audit *audit,
						uint32_t space)
{
	const struct ws_system *system = audit->system;
	const struct ws_format *format = system->paging.format;
	const struct ws_level *level = &format->level[ws_private_level(format)];
	uint64_t root = system->spaces.v[space].root, va = system->layout.kernel_first;
	uint64_t last = ~UINT64_C(0) >> (64 - 8 * system->layout.word);
	const struct ws_finding *worst = NULL;

	if (!audit->shared)
		return NULL;
	for (;; va++) {
		struct place place = place_of(audit, root, va);

		worst = worse(audit, worst, find_shared(audit, &place));
		va |= WS_BIT(level->shift) - 1;
		if (va >= last)
			break;
	}
	return worst && worst->space != space ? worst : NULL;
}

void ws_shared_release(struct ws_audit *audit)
{
	struct ws_shared *it, *next;

	HASH_ITER(hh, audit->shared, it, next)
	{
		HASH_DEL(audit->shared, it);
		free(it);
	}
}
