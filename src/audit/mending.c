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
	mender->counts = mender->does == WS_MENDS && mender->mending->count &&
			 mender->mending->count(audit->system, &mender->count);
}

void ws_menders_look(struct ws_audit *audit, struct ws_menders *menders)
{
	const struct ws_mending *rows = audit->arch->mendings;

	*menders = (struct ws_menders){ .nfunctions = ws_functions_known(audit->system) };
	for (size_t i = 0; i < WS_MENDINGS_MAX && rows[i].function; i++) {
		menders->v[i].mending = &rows[i];
		look(audit, menders, &menders->v[i]);
		menders->perhaps[i] = menders->v[i];
		menders->perhaps[i].does = WS_MENDS_PERHAPS;
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

/* Whether it comes to that space, where it goes by a count. */
static enum ws_mends does_there(const struct ws_audit *audit,
				const struct ws_mender *mender, uint32_t space)
{
	uint64_t mm = audit->system->spaces.v[space].mm;
	uint32_t own;

	if (mender->does != WS_MENDS || !mender->mending->count)
		return mender->does;
	if (mender->counts && mender->count.never)
		return WS_MENDS_NOT;
	if (!mender->counts || !mm ||
	    ws_kernel_u32(audit->system, mm + (uint64_t)mender->count.offset, &own) !=
		    WS_READ)
		return WS_MENDS_PERHAPS;
	return own == mender->count.now ? WS_MENDS_NOT : WS_MENDS;
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
		enum ws_mends there = does_there(audit, mender, finding->space);

		if (mender->does == WS_MENDS && there == WS_MENDS_PERHAPS)
			mender = &menders->perhaps[i];
		else if (there != mender->does)
			continue;
		if (copies(audit, mender->mending, finding) &&
		    (!best || mender->does > best->does))
			best = mender;
	}
	return best;
}

void ws_menders_print_counts(FILE *to, const struct ws_audit *audit,
			     const struct ws_menders *menders,
			     const struct ws_finding *finding)
{
	for (size_t i = 0; i < menders->n; i++) {
		const struct ws_mender *mender = &menders->v[i];
		const char *by = mender->mending->repair.by;

		if (mender->does != WS_MENDS || !mender->mending->count ||
		    mender->count.never || !copies(audit, mender->mending, finding))
			continue;
		switch (does_there(audit, mender, finding->space)) {
		case WS_MENDS:
			fprintf(to, "\na %s is due there: its %s is not init_mm's, %u",
				by, mender->count.name, mender->count.now);
			break;
		case WS_MENDS_NOT:
			fprintf(to,
				"\na %s does not: by its %s, %u as init_mm's, nothing "
				"is due there",
				by, mender->count.name, mender->count.now);
			break;
		case WS_MENDS_PERHAPS:
			fprintf(to, "\nwhether a %s does before is not known: %s", by,
				mender->counts ? "the target lacks its count"
					       : "where its count is was not found");
			break;
		}
	}
}

const struct ws_mender *ws_mender_of(const struct ws_audit *audit,
				     const struct ws_menders *menders,
				     const struct ws_finding *finding)
{
	return is_of_that_kind(audit, finding)
		       ? ws_mender_of_hole(audit, menders, finding)
		       : NULL;
}
