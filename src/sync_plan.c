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

/* The walks of one address in the space and in init_mm, down to where the space's ends. */
struct sides {
	struct ws_trail here, there;
};

/* Whether a processor would refuse what init_mm has. */
static bool is_malformed(const struct ws_audit *audit, const struct ws_sync_entry *entry)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_row *row =
		ws_row_of(&paging->format->level[entry->level], entry->then);

	return !row || ws_reserved_bits(paging, row, entry->then) & ~row->emulated;
}

static const char *why_refused(const struct ws_audit *audit,
			       const struct ws_sync_entry *entry)
{
	const struct ws_format *format = audit->system->paging.format;
	const struct ws_space *space = &audit->system->spaces.v[entry->space];

	if (space->kind == WS_SPACE_USER)
		return "a user half: what it lacks it lacks by design";
	if (!space->pid && space->kind != WS_SPACE_PROCESS)
		return "no process's page table";
	if (ws_is_present(format, entry->now))
		return "present, and another: a TLB may hold it";
	if (entry->level < ws_private_level(format) &&
	    ws_root_kind(format) == WS_ROOT_LEADS_TO_IT)
		return "a processor that has the root loaded does not read it again";
	if (entry->now)
		return "not present, and not empty: somebody put it there";
	if (!ws_is_present(format, entry->then))
		return "init_mm has nothing there";
	if (is_malformed(audit, entry))
		return "init_mm's is malformed";
	return NULL;
}

static bool is_page(void *arg, const struct ws_run *run)
{
	*(uint64_t *)arg = run->va;
	return run->end != WS_END_PAGE;
}

/* The first address of an entry's that init_mm maps; or the first, where it maps none. */
static uint64_t witness_of(const struct ws_audit *audit, const struct ws_eye *reference,
			   const struct ws_sync_entry *entry)
{
	uint64_t va = entry->va;

	if (ws_eye_range(&audit->system->paging, reference, entry->va, entry->last, 0, 0,
			 is_page, &va) != WS_OK)
		ws_error_clear(audit->ctx);
	return va;
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
static bool take(struct ws_sync_plan *plan, struct ws_audit *audit, uint32_t space,
		 const struct ws_eye *reference, const struct sides *sides,
		 unsigned level)
{
	const struct ws_format *format = audit->system->paging.format;
	const struct ws_space *whose = &audit->system->spaces.v[space];
	uint64_t size = WS_BIT(format->level[level].shift);
	struct ws_sync_entry *kept, entry = {
		.space = space,
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
	};

	if (entry.now == entry.then || is_there(plan, &entry))
		return true;
	entry.refused = why_refused(audit, &entry);
	entry.witness = witness_of(audit, reference, &entry);
	kept = ws_vec_push(&plan->entries);
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
static bool take_finding(struct ws_sync_plan *plan, struct ws_audit *audit,
			 const struct ws_finding *finding)
{
	const struct ws_system *system = audit->system;
	const struct ws_format *format = system->paging.format;
	uint64_t va = finding->va, size;
	struct ws_eye eye, reference;

	ws_space_eye(system, &system->spaces.v[finding->space], &eye);
	ws_root_eye(system, system->layout.reference, true, &reference);
	for (;; va = (va & -size) + size) {
		struct sides sides;
		unsigned level;

		ws_eye_walk(&system->paging, &eye, va, &sides.here);
		ws_eye_walk(&system->paging, &reference, va, &sides.there);
		if (!level_of(format, &sides, &level))
			return true; /* a table on the way is not in the target */
		if (!take(plan, audit, finding->space, &reference, &sides, level))
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

enum ws_status ws_sync_plan_create(struct ws_audit *audit, struct ws_sync_plan **plan)
{
	struct ws_sync_plan *made = calloc(1, sizeof(*made));
	enum ws_status status = made ? WS_OK : ws_fail_memory(audit->ctx);

	*plan = NULL;
	if (made)
		ws_vec_each(&audit->findings, finding)
			if (status == WS_OK &&
			    !strcmp(finding->rule->family, "coherence") &&
			    !take_finding(made, audit, finding))
				status = ws_fail_memory(audit->ctx);
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
