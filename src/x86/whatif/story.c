/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fault, delivered and followed to its end. */
#include <string.h>

#include "audit/rule.h"
#include "x86/descriptors.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "x86/whatif/whatif.h"

/* On i386 so many frames are 1 GiB of stack, all of the direct map and more. */
#define MAX_FRAMES (UINT64_C(1) << 26)

/* ---- names ---- */

const char *ws_fault_mode_name(enum ws_fault_mode mode)
{
	return mode == WS_FAULT_USER ? "user" : "kernel";
}

const char *ws_sp_origin_name(enum ws_sp_origin origin)
{
	static const char *const names[] = {
		[WS_SP_ENTRY] = "TSS",         [WS_SP_OWN] = "own",
		[WS_SP_GIVEN] = "given",       [WS_SP_PROCESSOR] = "processor",
		[WS_SP_SAVED] = "saved",       [WS_SP_TOP] = "top of stack",
		[WS_SP_BORROWED] = "borrowed",
	};

	return names[origin];
}

const char *ws_fate_name(enum ws_fate fate)
{
	static const char *const names[] = {
		[WS_FATE_SURVIVES] = "survives",   [WS_FATE_DIVERTED] = "diverted",
		[WS_FATE_PANICS] = "panics",       [WS_FATE_LOOPS] = "loops",
		[WS_FATE_RESETS] = "triple fault", [WS_FATE_GAVE_UP] = "gave up",
		[WS_FATE_UNKNOWN] = "unknown",
	};

	return names[fate];
}

/* ---- the first fault ---- */

/* A user's address that the space does not map: the first one, which is mostly 0. */
#define ADDRESSES_TRIED 4096u

static bool find_address(const struct ws_machine *machine, uint64_t *address)
{
	struct ws_trail trail;

	for (*address = 0; *address < (uint64_t)ADDRESSES_TRIED * WS_FRAME_SIZE;
	     *address += WS_FRAME_SIZE) {
		ws_walk(&machine->system->paging, machine->root, *address, &trail);
		if (trail.end != WS_END_PAGE)
			return true;
	}
	return false;
}

/* A write there, which has to fault: the processor makes error code and CR2 itself. */
static enum ws_status first_fault(struct ws_machine *machine,
				  const struct ws_what_if *what_if,
				  struct ws_story *story, struct machine_event *event)
{
	struct ws_context *ctx = machine->system->ctx;
	struct machine_translation translation;
	unsigned access = MACHINE_WRITE;

	if (story->mode == WS_FAULT_USER)
		access |= MACHINE_USER;
	story->address = what_if->address;
	if (!what_if->has_address && !find_address(machine, &story->address))
		return ws_fail(
			ctx, WS_ERR_NOT_FOUND,
			"the first %s are all mapped: say with --address where the fault "
			"is",
			WS_COUNT_OF(ADDRESSES_TRIED, "page"));
	if (machine_translate(&machine->cpu, story->address, access, &translation,
			      event) &&
	    !machine_memory_hole_read(machine->memory, &story->unknown_pa))
		return ws_fail(
			ctx, WS_ERR_USAGE,
			"address %#jx is mapped, and may be written in %s mode: no "
			"access to it faults",
			story->address, ws_fault_mode_name(story->mode));
	if (event->vector != MACHINE_PF &&
	    !machine_memory_hole_read(machine->memory, &story->unknown_pa))
		return ws_fail(
			ctx, WS_ERR_USAGE,
			"address %#jx is not canonical: an access to it is %s, not a "
			"page fault",
			story->address, machine_vector_name(event->vector));
	return WS_OK;
}

/* ---- following ---- */

struct follow {
	struct machine_cpu *cpu;
	struct machine_event next;
	uint64_t max; /* frames, of which some are left */
	struct machine_story so_far;
};

/* Goes on for n frames more; false: it ended. */
static bool go_on(struct follow *follow, uint64_t n)
{
	struct machine_story part, *so_far = &follow->so_far;

	machine_follow(follow->cpu, &follow->next, n, &part);
	part.frames += so_far->frames;
	part.nested += so_far->nested;
	part.double_fault |= so_far->double_fault;
	*so_far = part;
	return part.fate == MACHINE_GAVE_UP && part.frames < follow->max &&
	       !machine_fetch(follow->cpu, &follow->next);
}

static bool has_double_fault(const struct machine_delivery *delivery)
{
	for (unsigned i = 0; i < delivery->nevents; i++)
		if (delivery->event[i].vector == MACHINE_DF)
			return true;
	return false;
}

static bool same_place(const struct machine_registers *a,
		       const struct machine_registers *b)
{
	return !memcmp(a->reg, b->reg, sizeof(a->reg)) && a->ip == b->ip &&
	       a->flags == b->flags && a->cr2 == b->cr2 && a->cr3 == b->cr3 &&
	       a->cpl == b->cpl;
}

/*
 * A double fault whose handler is not there nests on its own stack, down to the next
 * double fault, which begins at that stack's top again. When the same place has come
 * round twice more, the second round has written what the first did, and so will all.
 */
#define ROUND_FRAMES 8192u /* more than the largest stack of an IST holds, by far */
#define ROUNDS 2

static bool goes_round(struct follow *follow)
{
	struct machine_registers at = { 0 };
	unsigned rounds = 0;

	for (unsigned i = 0; i < ROUND_FRAMES && go_on(follow, 1); i++) {
		if (!has_double_fault(&follow->so_far.last))
			continue;
		rounds = same_place(&at, &follow->cpu->r) ? rounds + 1 : 0;
		at = follow->cpu->r;
		if (rounds == ROUNDS) {
			follow->so_far.fate = MACHINE_LOOPS;
			return true;
		}
	}
	return false;
}

#define FIRST_PART (UINT64_C(1) << 14)

/* All of it. What may go round is looked at in between: most stories end before. */
static void follow_to_end(struct follow *follow, struct ws_story *story)
{
	bool goes_on = go_on(follow, 1);

	story->first_sp = follow->so_far.sp;
	for (uint64_t part = FIRST_PART; goes_on; part *= 8) {
		uint64_t left = follow->max - follow->so_far.frames;

		goes_on = go_on(follow, part < left ? part : left);
		if (goes_on && follow->so_far.double_fault && goes_round(follow))
			return;
		goes_on = goes_on && follow->so_far.fate == MACHINE_GAVE_UP &&
			  follow->so_far.frames < follow->max;
	}
}

/* ---- what it came to ---- */

static enum ws_fate fate_of(const struct machine_story *so_far)
{
	const struct machine_delivery *last = &so_far->last;
	uint8_t vector = last->nevents ? last->event[last->nevents - 1].vector : 0;

	switch (so_far->fate) {
	case MACHINE_SURVIVES:
	case MACHINE_OTHER_TASK:
		if (vector == MACHINE_DF)
			return WS_FATE_PANICS;
		return vector == MACHINE_PF && !so_far->nested && !so_far->double_fault
			       ? WS_FATE_SURVIVES
			       : WS_FATE_DIVERTED;
	case MACHINE_RESETS:
		return WS_FATE_RESETS;
	case MACHINE_LOOPS:
		return WS_FATE_LOOPS;
	case MACHINE_UNKNOWN:
		return WS_FATE_UNKNOWN;
	default:
		return WS_FATE_GAVE_UP;
	}
}

/* Where #DF's gate leads. */
static enum ws_df_stack df_stack(const struct ws_machine *machine,
				 const struct machine_registers *start)
{
	struct x86_segment idtr = { .base = start->idtr.base,
				    .limit = start->idtr.limit };
	struct ws_idt idt;
	const struct ws_gate *gate = &idt.gate[WS_VECTOR_DF];

	if (ws_idt_read(machine->system, &idtr, &idt) != WS_READ || idt.n <= WS_VECTOR_DF)
		return WS_DF_STACK;
	if (gate->type == WS_GATE_TASK)
		return WS_DF_TASK;
	return gate->ist ? WS_DF_OWN : WS_DF_STACK;
}

static void take_exceptions(const struct machine_delivery *last, struct ws_story *story)
{
	_Static_assert(WS_STORY_EXCEPTIONS >= MACHINE_MAX_EVENTS, "room for all");
	for (unsigned i = 0; i < last->nevents; i++)
		story->exception[i] = (struct ws_exception){
			.vector = last->event[i].vector,
			.error = last->event[i].error,
			.address = last->event[i].vector == MACHINE_PF
					   ? last->event[i].address
					   : 0,
		};
	story->nexceptions = last->nevents;
}

static enum ws_status count_overwritten(struct ws_machine *machine,
					struct ws_story *story)
{
	ws_autofree struct machine_written *written = NULL;
	size_t n;

	if (!machine_memory_written(machine->memory, &written, &n))
		return ws_fail_memory(machine->system->ctx);
	for (size_t i = 0; i < n; i++)
		story->overwritten += ws_is_overwritten(&written[i]);
	return WS_OK;
}

static enum ws_status conclude(struct ws_machine *machine,
			       const struct machine_registers *start,
			       const struct machine_story *so_far, struct ws_story *story)
{
	bool df_delivered;

	if (machine_memory_failed(machine->memory) || so_far->fate == MACHINE_LOST)
		return ws_fail_memory(machine->system->ctx);
	story->fate = (uint8_t)fate_of(so_far);
	story->frames = so_far->frames;
	story->nested = so_far->nested;
	story->sp = so_far->sp;
	story->double_fault = so_far->double_fault;
	df_delivered = so_far->double_fault && story->fate != WS_FATE_RESETS &&
		       story->fate != WS_FATE_UNKNOWN;
	story->df_stack = df_delivered ? (uint8_t)df_stack(machine, start) : WS_DF_NONE;
	if (story->fate == WS_FATE_UNKNOWN) {
		machine_memory_hole_read(machine->memory, &story->unknown_pa);
	} else { /* the last delivery is none where what it read was not there */
		take_exceptions(&so_far->last, story);
		ws_ground(machine, start, story);
	}
	story->missing = machine->missing;
	story->missing_pa = machine->missing_pa;
	return count_overwritten(machine, story);
}

enum ws_status ws_machine_what_if(struct ws_machine *machine,
				  const struct ws_what_if *what_if,
				  struct ws_story *story)
{
	struct follow follow = { .cpu = &machine->cpu,
				 .max = what_if->max_frames ? what_if->max_frames
							    : MAX_FRAMES };
	struct machine_registers start;
	enum ws_status status;

	*story = (struct ws_story){ .fate = WS_FATE_UNKNOWN, .undermined = -1 };
	status = ws_start(machine, what_if, &start, story);
	if (status != WS_OK)
		return status;
	machine->root = machine->system->spaces.v[story->space].root;
	ws_machine_load(machine, what_if->processor, &start);
	status = first_fault(machine, what_if, story, &follow.next);
	if (status != WS_OK)
		return status;
	if (machine_memory_hole_read(machine->memory, &story->unknown_pa))
		follow.so_far.fate = MACHINE_UNKNOWN;
	else
		follow_to_end(&follow, story);
	return ws_target_looked(machine->system->target,
				conclude(machine, &start, &follow.so_far, story));
}
