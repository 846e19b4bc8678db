/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would bring spaces up to date: the kernel copies init_mm's entry where a space has none
 * (arch/x86/mm/fault.c: vmalloc_fault(), arch_sync_kernel_mappings(); arch/arm/mm/fault.c:
 * do_translation_fault()), and so does this. A present entry is never changed: a processor may
 * have it in its TLB, and who put it there may rely on it.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/rule.h"
#include "linux/roots.h"
#include "paging/format.h"
#include "sync_plan.h"

/* An address that init_mm maps by an entry: the same one whichever space lacks that. */
struct witness {
	uint64_t first, last; /* what the entry is for; last 0: none is known */
	uint64_t va;
};

#define WITNESSES 1024u
#define TABLES_MAX 4096u /* that are looked through for one */

/* A plan in the making. */
struct making {
	struct ws_sync_plan *plan;
	struct ws_audit *audit;
	struct ws_eye reference;
	/* Errors that the audit found in init_mm's own tables: what has one is not copied. */
	WS_VEC(const struct ws_finding *) doubts;
	struct witness known[WITNESSES]; /* by where the entry's range begins */
};

#define DOUBTS_MAX 1000u /* beyond, init_mm is damaged as a whole */

/* The walks of one address in the space and in init_mm, down to where the space's ends. */
struct sides {
	struct ws_trail here, there;
};

/* What is wrong with init_mm's entry by itself; NULL: nothing. */
static const char *why_wrong(const struct ws_audit *audit,
			     const struct ws_sync_entry *entry)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_row *row =
		ws_row_of(&paging->format->level[entry->level], entry->then);

	if (!row || ws_reserved_bits(paging, row, entry->then) & ~row->emulated)
		return "init_mm's is malformed";
	if (row->kind == WS_ROW_TABLE &&
	    ws_row_address(row, entry->then) >= ws_memory_end(audit))
		return "init_mm's leads beyond the end of memory";
	return NULL;
}

/* False: memory is short. */
static bool collect_doubts(struct making *making)
{
	const struct ws_audit *audit = making->audit;
	uint32_t init = ws_init_space(audit);

	ws_vec_each(&audit->findings, finding) {
		const struct ws_finding **kept;

		if (finding->space != init || finding->severity < WS_ERROR ||
		    finding->machine || making->doubts.n > DOUBTS_MAX)
			continue;
		kept = ws_vec_push(&making->doubts);
		if (!kept)
			return false;
		*kept = finding;
	}
	return true;
}

static bool is_doubted(const struct making *making, const struct ws_sync_entry *entry)
{
	if (making->doubts.n > DOUBTS_MAX)
		return true;
	for (size_t i = 0; i < making->doubts.n; i++)
		if (making->doubts.v[i]->va <= entry->last &&
		    making->doubts.v[i]->last >= entry->va)
			return true;
	return false;
}

static const char *why_refused(const struct making *making,
			       const struct ws_sync_entry *entry)
{
	const struct ws_audit *audit = making->audit;
	const struct ws_format *format = audit->system->paging.format;
	const struct ws_space *space = &audit->system->spaces.v[entry->space];

	if (space->kind == WS_SPACE_USER)
		return "a user half: what it lacks it lacks by design";
	if (!space->pid && space->kind != WS_SPACE_PROCESS)
		return "no process's page table";
	if (ws_is_present(format, entry->now))
		return "present, and another: a TLB may hold it";
	if (ws_is_read_once(format, entry->level))
		return "a processor that has the root loaded does not read it again";
	if (entry->now)
		return "not present, and not empty: somebody put it there";
	if (!ws_is_present(format, entry->then))
		return "init_mm has nothing there";
	if (why_wrong(audit, entry))
		return why_wrong(audit, entry);
	if (is_doubted(making, entry))
		return "the audit has an error there in init_mm itself";
	return NULL;
}

static bool is_page(void *arg, const struct ws_run *run)
{
	*(uint64_t *)arg = run->va;
	return run->end != WS_END_PAGE;
}

/* The first address of an entry's that init_mm maps; or the first, where none was found. */
static uint64_t witness_of(struct making *making, const struct ws_sync_entry *entry)
{
	const struct ws_paging *paging = &making->audit->system->paging;
	unsigned shift = paging->format->level[entry->level].shift;
	struct witness *known = &making->known[(entry->va >> shift) % WITNESSES];

	if (known->last == entry->last && known->first == entry->va)
		return known->va;
	*known = (struct witness){ entry->va, entry->last, entry->va };
	if (ws_eye_range(paging, &making->reference, entry->va, entry->last, 0,
			 TABLES_MAX, is_page, &known->va) != WS_OK)
		ws_error_clear(making->audit->ctx);
	return known->va;
}

static bool is_there(const struct ws_sync_plan *plan, const struct ws_sync_entry *entry)
{
	for (size_t i = plan->entries.n; i--;) {
		const struct ws_sync_entry *known = &plan->entries.v[i];

		if (known->space != entry->space)
			return false;
		if (known->pa == entry->pa)
			return true;
	}
	return false;
}

/* The entry of the space's own tables by which it differs there. False: memory is short. */
static bool take(struct making *making, const struct ws_finding *finding,
		 const struct sides *sides, unsigned level)
{
	const struct ws_system *system = making->audit->system;
	const struct ws_format *format = system->paging.format;
	const struct ws_space *whose = &system->spaces.v[finding->space];
	uint64_t size = WS_BIT(format->level[level].shift);
	struct ws_sync_entry *kept, entry = {
		.space = finding->space,
		.level = (uint8_t)level,
		.size = (uint8_t)(1u << format->entry_log2),
		.pid = whose->pid,
		.root = whose->root,
		.mm = whose->mm,
		.pa = ws_step_entry_pa(format, &sides->here.step[level]),
		.va = sides->here.va & -size,
		.last = (sides->here.va & -size) + (size - 1),
		.now = sides->here.step[level].entry,
		.then = sides->there.step[level].entry,
		.from = ws_step_entry_pa(format, &sides->there.step[level]),
		.region = finding->region,
	};

	if (entry.now == entry.then || is_there(making->plan, &entry))
		return true;
	entry.refused = why_refused(making, &entry);
	entry.witness = entry.refused ? entry.va : witness_of(making, &entry);
	kept = ws_vec_push(&making->plan->entries);
	if (kept)
		*kept = entry;
	return kept;
}

/* Down to the last level of which both have an entry and the space has a table of its own. */
static bool level_of(const struct ws_format *format, const struct sides *sides,
		     unsigned *level)
{
	unsigned deepest = ws_private_level(format);

	for (*level = 0; *level <= deepest; ++*level) {
		if (*level >= sides->here.nsteps || *level >= sides->there.nsteps)
			return false;
		if (*level == deepest || *level + 1u == sides->here.nsteps ||
		    !ws_is_present(format, sides->here.step[*level].entry))
			return true;
	}
	return false;
}

/* A finding may be about a run of entries. */
static bool take_finding(struct making *making, const struct ws_finding *finding)
{
	const struct ws_system *system = making->audit->system;
	const struct ws_format *format = system->paging.format;
	uint64_t va = finding->va, size;
	struct ws_eye eye;

	ws_space_eye(system, &system->spaces.v[finding->space], &eye);
	for (;; va = (va & -size) + size) {
		struct sides sides;
		unsigned level;

		ws_eye_walk(&system->paging, &eye, va, &sides.here);
		ws_eye_walk(&system->paging, &making->reference, va, &sides.there);
		if (!level_of(format, &sides, &level))
			return true; /* a table on the way is not in the target */
		if (!take(making, finding, &sides, level))
			return false;
		size = WS_BIT(format->level[level].shift);
		if (finding->last - (va & -size) < size)
			return true;
	}
}

static int by_space(const void *a, const void *b)
{
	const struct ws_sync_entry *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return x->va < y->va ? -1 : x->va > y->va;
}

static enum ws_status take_findings(struct making *making)
{
	const struct ws_system *system = making->audit->system;

	ws_root_eye(system, system->layout.reference, true, &making->reference);
	if (!collect_doubts(making))
		return ws_fail_memory(making->audit->ctx);
	ws_vec_each(&making->audit->findings, finding)
		if (!strcmp(finding->rule->family, "coherence") &&
		    !take_finding(making, finding))
			return ws_fail_memory(making->audit->ctx);
	return WS_OK;
}

enum ws_status ws_sync_plan_create(struct ws_audit *audit, struct ws_sync_plan **plan)
{
	struct ws_sync_plan *made = calloc(1, sizeof(*made));
	struct making making = { .plan = made, .audit = audit };
	enum ws_status status =
		made ? take_findings(&making) : ws_fail_memory(audit->ctx);

	*plan = NULL;
	ws_vec_release(&making.doubts);
	status = ws_target_looked(audit->system->target, status);
	if (status != WS_OK) {
		ws_sync_plan_destroy(made);
		return status;
	}
	if (made->entries.n)
		qsort(made->entries.v, made->entries.n, sizeof(*made->entries.v),
		      by_space);
	*plan = made;
	return WS_OK;
}

void ws_sync_plan_destroy(struct ws_sync_plan *plan)
{
	if (plan)
		ws_vec_release(&plan->entries);
	free(plan);
}

const struct ws_sync_entry *ws_sync_plan_entries(const struct ws_sync_plan *plan,
						 size_t *n)
{
	*n = plan->entries.n;
	return plan->entries.v;
}
