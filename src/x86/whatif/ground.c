/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end: the access that the last delivery could not make. Its
 * walk in the target beside that at the end shows whether the stack has run over the very
 * tables that it was reached through.
 */
#include "audit/rule.h"
#include "x86/descriptors.h"
#include "x86/whatif/whatif.h"

/* SDM 4.8: what the processor sets itself. */
#define ENTRY_FLAGS (WS_BIT(5) | WS_BIT(6))

const char *ws_stumble_name(enum ws_stumble stumble)
{
	static const char *const names[] = {
		[WS_STUMBLE_NONE] = "none",   [WS_STUMBLE_PUSH] = "push",
		[WS_STUMBLE_VECTORS] = "IDT", [WS_STUMBLE_SEGMENTS] = "GDT",
		[WS_STUMBLE_TASK] = "TSS",    [WS_STUMBLE_OTHER] = "other",
	};

	return names[stumble];
}

const char *ws_exception_register(const struct ws_exception *exception)
{
	return exception->vector == MACHINE_PF ? "CR2" : NULL;
}

static bool is_within(uint64_t va, uint64_t base, uint64_t limit)
{
	return va >= base && va - base <= limit;
}

/* SDM 6.13, figure 6-7: the error code names a gate or a descriptor, or nothing. */
#define ERROR_IDT 2u
#define ERROR_INDEX 0xfff8u

static enum ws_stumble stumble_over(const struct ws_exception *exception)
{
	switch (exception->vector) {
	case MACHINE_TS:
	case MACHINE_NP:
	case MACHINE_SS:
	case MACHINE_GP:
		if (exception->error & ERROR_IDT)
			return WS_STUMBLE_VECTORS;
		return exception->error & ERROR_INDEX ? WS_STUMBLE_SEGMENTS
						      : WS_STUMBLE_OTHER;
	default:
		return WS_STUMBLE_OTHER;
	}
}

static enum ws_stumble stumble_at(const struct machine_registers *r,
				  const struct ws_exception *exception)
{
	uint64_t va = exception->address;

	if (exception->vector != MACHINE_PF)
		return stumble_over(exception);
	if (is_within(va, r->idtr.base, r->idtr.limit))
		return WS_STUMBLE_VECTORS;
	if (is_within(va, r->gdtr.base, r->gdtr.limit))
		return WS_STUMBLE_SEGMENTS;
	if (is_within(va, r->tr.base, WS_TSS_SIZE - 1))
		return WS_STUMBLE_TASK;
	return exception->error & MACHINE_PF_W ? WS_STUMBLE_PUSH : WS_STUMBLE_OTHER;
}

/* The first entry on the way that the story has changed; behind it all is another's. */
static int undermined(const struct ws_story *story)
{
	const struct ws_trail *before = &story->before, *after = &story->after;

	for (int i = 0; i < after->nsteps && i < before->nsteps; i++)
		if ((after->step[i].entry ^ before->step[i].entry) & ~ENTRY_FLAGS)
			return i;
	return -1;
}

/* The machine's memory as a walk asks for it. */
static enum ws_evidence machine_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	const struct machine_backing *memory = opaque;

	*frame = memory->frame(memory->opaque, pa & ~(uint64_t)(WS_FRAME_SIZE - 1));
	return *frame ? WS_READ : WS_ABSENT;
}

void ws_ground(struct ws_machine *machine, const struct machine_registers *registers,
	       struct ws_story *story)
{
	struct machine_backing memory = machine_memory_backing(machine->memory);
	struct ws_paging paging = machine->system->paging;
	const struct ws_exception *first = &story->exception[1];

	if (story->nexceptions < 2)
		return;
	story->stumble = (uint8_t)stumble_at(registers, first);
	if (first->vector != MACHINE_PF)
		return;
	ws_walk(&paging, machine->root, first->address, &story->before);
	paging.frame = machine_frame;
	paging.opaque = &memory;
	ws_walk(&paging, machine->root, first->address, &story->after);
	story->undermined = undermined(story);
}
