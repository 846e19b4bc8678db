/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is found in a table that many spaces share is reported once, of the space where it
 * was met. Which the others are, a space's own private entry says: who has the same one
 * has all that lies below it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/rule.h"
#include "linux/roots.h"
#include "util/count.h"
#include "util/hash.h"
#include "util/text.h"

/*
 * What spaces share: a private entry, or the one above where that maps a page in a table
 * that is not private. Its level, where it stands, and what it holds but for A and D.
 */
struct place {
	uint64_t level, va, entry;
};

/* No entry: what a root that all spaces have leads to. */
#define EVERYBODYS (~UINT64_C(0))

struct ws_shared {
	struct place place;
	uint32_t sharers; /* other spaces that are audited and have it */
	uint32_t finding; /* the worst below it */
	UT_hash_handle hh;
};

static uint64_t entry_at(const struct ws_audit *audit, uint64_t root, uint64_t va,
			 unsigned last)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_format *format = paging->format;
	uint64_t table = root, entry = 0;

	for (unsigned l = 0; l <= last; l++) {
		const struct ws_level *level = &format->level[l];
		uint64_t pa = table + (ws_level_index(level, va) << format->entry_log2);
		const struct ws_row *row;
		const uint8_t *frame;

		if (paging->frame(paging->opaque, pa, &frame) != WS_READ)
			return 0;
		entry = ws_load_entry(frame, pa, format->entry_log2);
		row = ws_row_of(level, entry);
		if (!row)
			return 0;
		table = ws_row_address(row, entry);
	}
	return entry & ~format->touched;
}

uint64_t ws_private_entry(const struct ws_audit *audit, uint64_t root, uint64_t va)
{
	return entry_at(audit, root, va, ws_private_level(audit->system->paging.format));
}

bool ws_is_everybodys(const struct ws_audit *audit, uint64_t va)
{
	return ws_linux_row(audit->system)->root == WS_ROOT_NO_KERNEL ||
	       !ws_is_of_space(audit->system, va, va);
}

static bool leads_to_table(const struct ws_audit *audit, uint64_t level, uint64_t entry)
{
	const struct ws_row *row =
		ws_row_of(&audit->system->paging.format->level[level], entry);

	return row && row->kind == WS_ROW_TABLE;
}

/* entry 0: what is there is the space's own. */
static struct place place_of(const struct ws_audit *audit, uint32_t space, uint64_t va)
{
	const struct ws_format *format = audit->system->paging.format;
	uint64_t root = audit->system->spaces.v[space].root;
	unsigned level = ws_private_level(format);
	uint64_t entry = EVERYBODYS;

	if (!ws_is_everybodys(audit, va)) {
		entry = entry_at(audit, root, va, level);
		if (entry && level && !leads_to_table(audit, level, entry))
			entry = entry_at(audit, root, va, --level);
		if (!leads_to_table(audit, level, entry))
			entry = 0;
	}
	return (struct place){ level, va >> format->level[level].shift, entry };
}

/* Whether the space has what lies at va in that place. */
static bool has_place(const struct ws_audit *audit, uint32_t space, uint64_t va,
		      const struct place *place)
{
	struct place own = place_of(audit, space, va);

	return own.level == place->level && own.entry == place->entry;
}

static uint32_t count_sharers(const struct ws_audit *audit, uint32_t space,
			      const struct place *place, uint64_t va)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < audit->system->spaces.n; i++)
		if (i != space && ws_has_tables(audit, i))
			n += has_place(audit, i, va, place);
	return n;
}

static struct ws_shared *find_shared(const struct ws_audit *audit,
				     const struct place *place)
{
	struct ws_shared *shared;

	HASH_FIND(hh, audit->shared, place, sizeof(*place), shared);
	return shared;
}

/* More is made by hostile memory: each costs a look from every space. */
#define SHARED_MAX 4096

static struct ws_shared *add_shared(struct ws_audit *audit, const struct place *place,
				    const struct ws_finding *finding)
{
	struct ws_shared *shared;

	if (HASH_COUNT(audit->shared) == SHARED_MAX) {
		ws_note(audit->system,
			"more than %d shared tables with findings: whom else the rest of "
			"them concern is not reported",
			SHARED_MAX);
		return NULL;
	}
	shared = calloc(1, sizeof(*shared));
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
	char *text = ws_text_of("%s; %s %s the same table", finding->text,
				WS_COUNT_OF(sharers, "other space"),
				sharers == 1 ? "has" : "have");

	if (!text) {
		audit->short_of_memory = true;
		return;
	}
	free(finding->text);
	finding->text = text;
}

/* Of two findings the one with the worse verdict; of equals, the first. */
static const struct ws_finding *worse(const struct ws_finding *a,
				      const struct ws_finding *b)
{
	return !a || (b && b->rule->verdict > a->rule->verdict) ? b : a;
}

void ws_finding_share(struct ws_audit *audit, struct ws_finding *finding)
{
	struct place place = place_of(audit, finding->space, finding->va);
	struct ws_shared *shared;

	if (finding->severity == WS_INFO ||
	    finding->va < audit->system->layout.kernel_first || !place.entry)
		return;
	shared = find_shared(audit, &place);
	if (!shared)
		shared = add_shared(audit, &place, finding);
	if (!shared)
		return;
	if (worse(&audit->findings.v[shared->finding], finding) == finding)
		shared->finding = (uint32_t)(finding - audit->findings.v);
	if (shared->sharers)
		say_shared(audit, finding, shared->sharers);
}

/* ---- and the other way round ------------------------------------------------------- */

const struct ws_finding *ws_finding_shared_with(const struct ws_audit *audit,
						uint32_t space)
{
	const struct ws_finding *worst = NULL;
	struct ws_shared *shared, *next;

	if (!ws_has_tables(audit, space))
		return NULL;
	HASH_ITER(hh, audit->shared, shared, next)
	{
		uint64_t va = audit->findings.v[shared->finding].va;

		if (has_place(audit, space, va, &shared->place))
			worst = worse(worst, &audit->findings.v[shared->finding]);
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
