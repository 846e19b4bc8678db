/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A storm once more, from what it left: the fault that its uppermost frame is of, over
 * memory from which the storm was taken off. What it ran over is lost, but for what can be
 * worked out: tables of the direct map map it in order. They are put back before the
 * simulated processor runs over them in its turn, as the real one did.
 */
#include <stdlib.h>
#include <string.h>

#include "autopsy/arch.h"
#include "x86/autopsy.h"
#include "x86/entry.h"
#include "x86/whatif/whatif.h"

#define BEFORE_MAX 4096 /* 16 MiB of tables, which map 8 GiB: no storm is longer */

struct undoing {
	struct ws_machine *machine;
	const struct ws_storm *storm;
	uint64_t flags; /* of an entry of the direct map */
	uint64_t va, last;
	bool failed;
};

static bool is_run_over(const struct ws_storm *storm, uint64_t pa)
{
	return pa >= storm->pa && pa <= storm->last_pa;
}

/* The flags of the direct map's next entry that the storm has not run over. */
static bool flags_above(const struct ws_machine *machine, const struct ws_storm *storm,
			uint64_t *flags)
{
	const struct ws_system *system = machine->system;
	struct ws_trail trail;
	const struct ws_step *step;

	for (uint64_t pa = (storm->last_pa | (WS_FRAME_SIZE - 1)) + 1;
	     pa < system->target->memory_end; pa += WS_FRAME_SIZE) {
		ws_walk(&system->paging, system->layout.reference,
			ws_direct_va(system, pa), &trail);
		if (trail.end != WS_END_PAGE || trail.pa != pa)
			continue;
		step = &trail.step[trail.nsteps - 1];
		if (is_run_over(storm, ws_step_entry_pa(system->paging.format, step)))
			continue;
		*flags = step->entry & (WS_BITS(8, 0) | X86_XD) & ~X86_PS;
		return true;
	}
	return false;
}

static void put_back(struct undoing *undoing, uint64_t table, uint64_t va)
{
	struct ws_system *system = undoing->machine->system;
	unsigned size = 1u << system->paging.format->entry_log2;
	struct ws_frame_before *before = ws_vec_push(&undoing->machine->before);

	if (!before ||
	    ws_target_read(system->target, table, before->bytes, WS_FRAME_SIZE)) {
		undoing->failed = true;
		return;
	}
	before->pa = table;
	for (unsigned at = 0; at < WS_FRAME_SIZE; at += size, va += WS_FRAME_SIZE) {
		uint64_t entry = ws_direct_pa(system, va) | undoing->flags;

		if (is_run_over(undoing->storm, table + at))
			memcpy(before->bytes + at, &(uint64_t){ htole64(entry) }, size);
	}
}

static bool look_at_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct undoing *undoing = arg;
	const struct ws_format *format = undoing->machine->system->paging.format;

	if (level + 1 == format->nlevels && pa + WS_FRAME_SIZE > undoing->storm->pa &&
	    pa <= undoing->storm->last_pa)
		put_back(undoing, pa, va);
	return undoing->machine->before.n < BEFORE_MAX;
}

#define TABLES_MAX (UINT64_C(1) << 16)

static int by_pa(const void *a, const void *b)
{
	const struct ws_frame_before *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

static enum ws_status undo(struct ws_machine *machine, const struct ws_storm *storm)
{
	struct ws_system *system = machine->system;
	struct undoing undoing = { .machine = machine, .storm = storm };
	enum ws_status status;

	if (!flags_above(machine, storm, &undoing.flags))
		return WS_OK; /* no table of 4 KiB pages: none can be run over */
	status = ws_tables(&system->paging, system->layout.reference,
			   ws_direct_va(system, storm->pa & ~(uint64_t)0xfff),
			   ws_direct_va(system, storm->last_pa), TABLES_MAX,
			   look_at_table, &undoing);
	if (machine->before.n)
		qsort(machine->before.v, machine->before.n, sizeof(*machine->before.v),
		      by_pa);
	if (undoing.failed)
		return ws_fail_memory(system->ctx);
	if (status != WS_OK || machine->before.n == BEFORE_MAX)
		return ws_fail(system->ctx, WS_ERR_LIMIT,
			       "it ran over more page tables than are put back");
	return WS_OK;
}

/* The fault that the uppermost frame is of. */
static struct ws_what_if question(const struct ws_machine *machine, uint32_t space,
				  const struct ws_storm *storm)
{
	const struct ws_exception_frame *first = &storm->first;
	bool user = storm->has_first && first->user;
	struct ws_what_if what_if = {
		.space = space,
		.mode = user ? WS_FAULT_USER : WS_FAULT_KERNEL,
		.has_mode = true,
		.has_sp = !user,
		.has_flags = storm->has_first,
		.flags = first->flags,
		.max_frames = 2 * storm->frames + 4096,
	};

	if (machine->system->spaces.v[space].kind == WS_SPACE_USER && space)
		what_if.space--; /* its other half, which the question is about */
	if (!user)
		what_if.sp = first->sp ? first->sp : storm->first_va + first->size;
	return what_if;
}

/* Processors differ in what they remember of tables that are being run over. */
static enum ws_status follow(struct ws_machine *machine, const struct ws_what_if *what_if,
			     const struct ws_storm *storm, struct ws_story *story)
{
	static const uint8_t processors[] = { WS_PROCESSOR_MANUAL, WS_PROCESSOR_EMULATED,
					      WS_PROCESSOR_NO_TLB };
	struct ws_what_if asked = *what_if;
	struct ws_story other;
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < WS_ARRAY_SIZE(processors) && status == WS_OK; i++) {
		asked.processor = processors[i];
		status = ws_machine_what_if(machine, &asked, &other);
		if (status == WS_OK && (!i || ws_is_replayed(storm, &other)))
			*story = other;
		if (status == WS_OK && ws_is_replayed(storm, &other))
			break;
	}
	return status;
}

enum ws_status x86_replay(struct ws_audit *audit, uint32_t space,
			  const struct ws_storm *storm, struct ws_story *story)
{
	struct ws_machine *machine;
	struct ws_what_if what_if;
	enum ws_status status;

	if (!storm->has_first)
		return ws_fail(audit->ctx, WS_ERR_UNKNOWN,
			       "the frame that the storm began with is not there");
	status = ws_machine_create(audit, &machine);
	if (status != WS_OK)
		return status;
	what_if = question(machine, space, storm);
	status = undo(machine, storm);
	if (status == WS_OK)
		status = follow(machine, &what_if, storm, story);
	ws_machine_destroy(machine);
	return status;
}
