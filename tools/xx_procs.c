/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xx_procs() of 16 January 2012, for any dump:
 *
 *	5.568007271 #0 1490:1294 d87fa000
 *	5.568007271 #0 1490: lookup1: c182009c 1
 *	5.568007271 #0 1490: lookup2: ebc236d0 1
 *	5.568007271 #0 1490: lookup3: 00000000 3
 *
 * that is: seconds, CPU and pid of the tracer; pid and pgd of a process; for each
 * address where its page-table entry lies, and at which level. A dump is one instant,
 * so the clock stands at 0, and the tracer is whoever CPU 0 had loaded.
 */
#include "xx_procs.h"

#include <inttypes.h>

/* enum pg_level, arch/x86/include/asm/pgtable_types.h */
enum { PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_512G = 4 };

struct lookup {
	uint64_t entry_va; /* 0: NULL */
	unsigned level;
};

struct tracer {
	struct session *session;
	const struct whats *whats;
	const struct ws_paging *paging;
	uint64_t direct_delta;
	uint32_t pid;
	int digits;           /* of a pointer */
	bool unseen, unknown; /* by some process; the target lacks a table of some */
};

/* pXd_none(): what lookup_address() takes for no entry at all, erratum bits aside. */
static bool is_none(uint64_t entry)
{
	const uint64_t accessed_and_dirty = 0x60; /* _PAGE_KNL_ERRATUM_MASK */

	return !(entry & ~accessed_and_dirty);
}

/*
 * lookup_address() in arch/x86/mm/pat/set_memory.c, as it was from 2012 until
 * 2024: it sets the level only after it has passed the level above, so that an entry
 * missing in the page directory is NULL at level 3 (folded levels always pass), and one
 * missing at the top of x86-64 is NULL at PG_LEVEL_NONE. Where the lowest table is
 * reached it returns the entry, present or not.
 */
static struct lookup lookup_address(const struct tracer *tracer,
				    const struct ws_trail *trail)
{
	const struct ws_format *format = trail->format;
	const struct ws_step *last = &trail->step[trail->nsteps - 1];
	unsigned level = ws_format_levels(format) - trail->nsteps + PG_LEVEL_4K;

	if (level != PG_LEVEL_4K && is_none(last->entry))
		return (struct lookup){ .level = level < PG_LEVEL_512G ? level + 1
								       : PG_LEVEL_NONE };
	return (struct lookup){
		.entry_va = ws_step_entry_pa(format, last) + tracer->direct_delta,
		.level = level,
	};
}

static void print_prefix(const struct tracer *tracer)
{
	printf("0.000000000 #0 %" PRIu32 ":", tracer->pid);
}

/* How the walk ended. */
static uint8_t print_lookup(const struct tracer *tracer, const struct ws_eye *eye,
			    size_t w)
{
	const struct whats *whats = tracer->whats;
	struct ws_trail trail;
	struct lookup lookup = { 0 };

	ws_eye_walk(tracer->paging, eye, whats->address.v[whats->what.v[w].first],
		    &trail);
	if (trail.nsteps)
		lookup = lookup_address(tracer, &trail);
	print_prefix(tracer);
	printf(" lookup%zu: %0*" PRIx64 " %u\n", w + 1, tracer->digits, lookup.entry_va,
	       lookup.level);
	return trail.end;
}

static void print_task(struct tracer *tracer, const struct ws_task *task)
{
	const struct ws_space *spaces;
	struct ws_eye eye;
	size_t n;

	spaces = ws_system_spaces(tracer->session->system, &n);
	print_prefix(tracer);
	if (task->space >= n) {
		printf("%" PRIu32 " %0*d\n", task->pid, tracer->digits, 0);
		return;
	}
	ws_space_eye(tracer->session->system, &spaces[task->space], &eye);
	printf("%" PRIu32 " %0*" PRIx64 "\n", task->pid, tracer->digits,
	       spaces[task->space].root + tracer->direct_delta);
	for (size_t w = 0; w < tracer->whats->what.n; w++) {
		uint8_t end = print_lookup(tracer, &eye, w);

		tracer->unknown |= !ws_end_is_known(end);
		tracer->unseen |= ws_end_is_known(end) && end != WS_END_PAGE;
	}
}

/* The process whose space CPU 0 had loaded, or 0. */
static uint32_t running_pid(const struct session *session)
{
	size_t nspaces;
	const struct ws_cpu *cpu = ws_target_cpu(session->target, 0);
	const struct ws_space *spaces = ws_system_spaces(session->system, &nspaces);
	uint64_t root;

	if (!cpu || !ws_system_cpu_root(session->system, cpu, &root))
		return 0;
	for (size_t i = 0; i < nspaces; i++)
		if (spaces[i].root == root)
			return spaces[i].pid;
	return 0;
}

enum exit_status xx_procs(struct session *session, const struct whats *whats)
{
	const struct ws_layout *layout = ws_system_layout(session->system);
	struct tracer tracer = {
		.session = session,
		.whats = whats,
		.paging = ws_system_paging(session->system),
		.direct_delta = layout->direct_delta,
		.pid = running_pid(session),
		.digits = layout->word == 8 ? 16 : 8,
	};
	const struct ws_task *tasks;
	size_t n;

	ws_vec_each(&whats->nowhere, name) {
		session_usage(session, NULL,
			      "where the memory of module %s lies is not known", *name);
		tracer.unknown = true;
	}
	session_page(session);
	tasks = ws_system_tasks(session->system, &n);
	for (size_t i = 0; i < n; i++)
		if (tasks[i].pid) /* for_each_process() leaves the idle task out */
			print_task(&tracer, &tasks[i]);
	return tracer.unseen ? EXIT_UNSEEN : tracer.unknown ? EXIT_UNKNOWN : EXIT_SEEN;
}
