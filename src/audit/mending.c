/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/mending.h"

#include <string.h>

#include "audit/code.h"
#include "linux/region.h"
#include "linux/roots.h"
#include "linux/symtab.h"

static void look(struct ws_audit *audit, struct ws_menders *menders,
		 struct ws_mender *mender)
{
	struct ws_symbol symbol;

	mender->does = menders->nfunctions ? WS_MENDS_NOT : WS_MENDS_PERHAPS;
	if (ws_symbol_lookup(audit->system, mender->mending->function, &symbol) ==
		    WS_OK &&
	    !symbol.module) {
		mender->does = WS_MENDS;
		mender->va = symbol.va;
	}
	ws_error_clear(audit->ctx);
	if (mender->does == WS_MENDS && mender->mending->unless &&
	    ws_code_symbol(audit, mender->mending->unless, &symbol.va))
		mender->does = WS_MENDS_NOT;
}

void ws_menders_look(struct ws_audit *audit, struct ws_menders *menders)
{
	const struct ws_mending *rows = audit->arch->mendings;

	*menders = (struct ws_menders){ .nfunctions = ws_functions_known(audit->system) };
	for (size_t i = 0; i < WS_MENDINGS_MAX && rows[i].function; i++) {
		menders->v[i].mending = &rows[i];
		look(audit, menders, &menders->v[i]);
		menders->n++;
	}
}

static bool lies_in(const struct ws_audit *audit, const struct ws_finding *finding,
		    const char *region)
{
	return !region || (!strcmp(ws_region_name(audit->system, finding->va), region) &&
			   !strcmp(ws_region_name(audit->system, finding->last), region));
}

/*
 * An entry that is empty here, at the level that is copied or above, and an address of
 * which init_mm has the one that is copied.
 */
static bool is_hole(const struct ws_audit *audit, const struct ws_finding *finding)
{
	unsigned level = ws_private_level(audit->system->paging.format);

	return finding->here.end == WS_END_HOLE && finding->here.nsteps <= level + 1 &&
	       (finding->there.end == WS_END_PAGE || finding->there.nsteps > level + 1);
}

/* Whether it copies such an entry. */
static bool copies(const struct ws_audit *audit, const struct ws_mending *mending,
		   const struct ws_finding *finding)
{
	unsigned level = ws_private_level(audit->system->paging.format);

	return (mending->copies_above || finding->here.nsteps == level + 1) &&
	       lies_in(audit, finding, mending->region);
}

/* A user half is not what a fault in the kernel runs on. */
static bool is_of_that_kind(const struct ws_audit *audit,
			    const struct ws_finding *finding)
{
	return finding->rule->verdict == WS_DIVERGES && finding->severity != WS_FATAL &&
	       audit->system->spaces.v[finding->space].kind != WS_SPACE_USER;
}

const struct ws_mender *ws_mender_of_hole(const struct ws_audit *audit,
					  const struct ws_menders *menders,
					  const struct ws_finding *finding)
{
	const struct ws_mender *best = NULL;

	if (!is_hole(audit, finding))
		return NULL;
	for (size_t i = 0; i < menders->n; i++) {
		const struct ws_mender *mender = &menders->v[i];

		if (copies(audit, mender->mending, finding) &&
		    (!best || mender->does > best->does))
			best = mender;
	}
	return best;
}

const struct ws_mender *ws_mender_of(const struct ws_audit *audit,
				     const struct ws_menders *menders,
				     const struct ws_finding *finding)
{
	return is_of_that_kind(audit, finding)
		       ? ws_mender_of_hole(audit, menders, finding)
		       : NULL;
}
