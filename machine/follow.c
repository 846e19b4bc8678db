/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nested faults: the handler's first byte cannot be fetched, which is a fault, whose
 * handler's first byte cannot be fetched. Each pushes a frame; the stack goes down
 * through whatever lies there, until a push fails.
 */
#include "mmu.h"
#include "segment.h"

#include <string.h>

/* The registers that the next delivery depends on, the stack pointer aside. */
static bool alike(const struct machine_registers *a, const struct machine_registers *b)
{
	const struct machine_segment *x = &a->seg[MACHINE_SEG_CS],
				     *y = &b->seg[MACHINE_SEG_CS];

	return a->ip == b->ip && a->flags == b->flags && a->cr2 == b->cr2 &&
	       a->cr3 == b->cr3 && a->cpl == b->cpl && x->base == y->base &&
	       x->limit == y->limit && x->attributes == y->attributes &&
	       x->selector == y->selector && a->tr.selector == b->tr.selector &&
	       a->seg[MACHINE_SEG_SS].selector == b->seg[MACHINE_SEG_SS].selector;
}

static bool same_event(const struct machine_event *a, const struct machine_event *b)
{
	return a->vector == b->vector && a->kind == b->kind && a->error == b->error &&
	       a->address == b->address;
}

/* ---- a page of frames at a time ---- */

/* What is known between two deliveries. */
struct streak {
	struct machine_cpu *cpu;
	struct machine_registers before; /* the last delivery */
	struct machine_event next;
	unsigned same; /* deliveries in a row that left the state they found */
};

/* Of a frame with error code on the current stack. */
static unsigned frame_bytes(const struct machine_cpu *cpu)
{
	return machine_long_mode(cpu) ? 6 * 8 : 4 * 4;
}

/*
 * Where the last frame lies (its last word was the last store), if all of it is in one
 * frame of own memory from which nothing was read since the stamp: then more such frames
 * there change no delivery.
 */
static struct frame *quiet_frame(struct machine_cpu *cpu)
{
	uint64_t pa = cpu->stored;
	struct frame *frame = memory_frame(cpu->memory, pa);

	if (!memory_owns_below(frame, pa % MACHINE_FRAME_SIZE) ||
	    frame->stamp == cpu->memory->stamp ||
	    pa % MACHINE_FRAME_SIZE + frame_bytes(cpu) > MACHINE_FRAME_SIZE)
		return NULL;
	return frame;
}

/* How many more fit into the page, and into what is left to do. */
static uint64_t room(const struct machine_cpu *cpu, uint64_t left)
{
	const struct machine_registers *r = &cpu->r;
	uint64_t mask = segment_stack_mask(cpu, &r->seg[MACHINE_SEG_SS]);
	uint64_t page = cpu->stored % MACHINE_FRAME_SIZE / frame_bytes(cpu);
	uint64_t stack = (r->reg[MACHINE_REG_SP] & mask) / frame_bytes(cpu);
	uint64_t n = page < stack ? page : stack;

	return n < left ? n : left;
}

/*
 * Repeats the last frame n times below itself. In IA-32e mode a frame holds the stack
 * pointer from before it, which is the address of the frame above.
 */
static void repeat(struct machine_cpu *cpu, uint8_t *last, uint64_t n)
{
	uint64_t *sp = &cpu->r.reg[MACHINE_REG_SP];
	unsigned bytes = frame_bytes(cpu);

	cpu->stored -= n * bytes;
	for (; n; n--, last -= bytes, *sp -= bytes) {
		memcpy(last - bytes, last, bytes);
		if (machine_long_mode(cpu))
			store_le(last - 16, 8, *sp);
	}
}

/* A stack whose limit a frame might meet is left to machine_deliver(). */
static bool flat_stack(const struct machine_cpu *cpu)
{
	const struct machine_segment *ss = &cpu->r.seg[MACHINE_SEG_SS];

	return machine_long_mode(cpu) || departs(cpu, MACHINE_NO_STACK_LIMIT) ||
	       (ss->limit == UINT32_MAX && machine_within_limit(ss, 0, 1));
}

/*
 * The last delivery left the state that it found, one frame further down, and the same
 * fault is next: it will be so again as long as frames go where nothing is read.
 * Returns how many were done.
 */
static uint64_t skip(const struct streak *streak, uint64_t left)
{
	struct machine_cpu *cpu = streak->cpu;
	uint64_t from = streak->before.reg[MACHINE_REG_SP], n;
	struct frame *frame;

	if (from - cpu->r.reg[MACHINE_REG_SP] != frame_bytes(cpu) || !flat_stack(cpu))
		return 0;
	frame = quiet_frame(cpu);
	n = frame ? room(cpu, left) : 0;
	if (!n)
		return 0;
	repeat(cpu, frame->bytes + cpu->stored % MACHINE_FRAME_SIZE, n);
	memory_wrote_below(frame, cpu->stored % MACHINE_FRAME_SIZE);
	return n;
}

/* ---- the story ---- */

static enum machine_fate fate_of(enum machine_end end)
{
	static const enum machine_fate fates[] = {
		[MACHINE_DELIVERED] = MACHINE_SURVIVES,
		[MACHINE_TASK] = MACHINE_OTHER_TASK,
		[MACHINE_SHUTDOWN] = MACHINE_RESETS,
		[MACHINE_UNMODELLED] = MACHINE_LOST,
	};

	return fates[end];
}

static bool doubled(const struct machine_delivery *delivery)
{
	for (unsigned i = 0; i < delivery->nevents; i++)
		if (delivery->event[i].vector == MACHINE_DF)
			return true;
	return false;
}

static bool is_blind(const struct machine_memory *memory)
{
	return memory->backing.memory_end && memory->hole_read;
}

/* Delivers one; false: that was the end. */
static bool step(struct machine_cpu *cpu, struct machine_event *event,
		 struct machine_story *story)
{
	enum machine_end end = machine_deliver(cpu, event, &story->last);

	story->fate = fate_of(end);
	story->double_fault |= doubled(&story->last);
	if (machine_memory_failed(cpu->memory))
		story->fate = MACHINE_LOST;
	if (is_blind(cpu->memory))
		story->fate = MACHINE_UNKNOWN;
	if (story->fate >= MACHINE_LOST || story->fate == MACHINE_RESETS)
		return false;
	story->frames++;
	if (end == MACHINE_DELIVERED)
		story->sp = cpu->r.reg[MACHINE_REG_SP];
	if (machine_fetch(cpu, event))
		return false;
	if (is_blind(cpu->memory))
		story->fate = MACHINE_UNKNOWN;
	return story->fate != MACHINE_UNKNOWN;
}

/* Whether the last delivery found and left the same state, the stack pointer aside. */
static bool repeats(const struct streak *streak, const struct machine_delivery *last)
{
	return last->nevents == 1 && same_event(&last->event[0], &streak->next) &&
	       alike(&streak->cpu->r, &streak->before);
}

static void follow(struct machine_cpu *cpu, const struct machine_event *event,
		   uint64_t max_frames, struct machine_story *story, bool skipping)
{
	struct streak streak = { .cpu = cpu, .next = *event };
	const uint64_t *sp = &cpu->r.reg[MACHINE_REG_SP];

	*story = (struct machine_story){ .sp = *sp };
	while (story->frames < max_frames) {
		streak.before = cpu->r;
		cpu->memory->stamp++;
		if (!step(cpu, &streak.next, story))
			return;
		story->nested++;
		if (!repeats(&streak, &story->last)) {
			streak.same = 0;
		} else if (*sp != streak.before.reg[MACHINE_REG_SP]) {
			uint64_t left = max_frames - story->frames;
			uint64_t n = skipping ? skip(&streak, left) : 0;

			story->frames += n;
			story->nested += n;
			story->sp = *sp;
		} else if (++streak.same == 2) {
			/*
			 * Twice, since the first may have written what the second reads.
			 */
			story->fate = MACHINE_LOOPS;
			return;
		}
	}
	story->fate = MACHINE_GAVE_UP;
}

void machine_follow(struct machine_cpu *cpu, const struct machine_event *event,
		    uint64_t max_frames, struct machine_story *story)
{
	follow(cpu, event, max_frames, story, true);
}

void machine_follow_slowly(struct machine_cpu *cpu, const struct machine_event *event,
			   uint64_t max_frames, struct machine_story *story)
{
	follow(cpu, event, max_frames, story, false);
}
