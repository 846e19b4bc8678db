/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gates: an exception or INT n whose way through the IDT is spoilt in one place, and what
 * arrives instead. The guest (sweep_gate.c) does each case on QEMU's processor,
 * tests/machine/gate_replay.c on ours; both set it up from this file.
 */
#ifndef LAB_GUEST_SWEEP_GATE_H
#define LAB_GUEST_SWEEP_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- where things lie, in physical memory and one to one ---- */

#define GATE_GDT 0x720000u
#define GATE_IDT 0x721000u
#define GATE_TSS 0x722000u
#define GATE_OBSERVER_TSS(i) (0x723000u + 0x100u * (i))
#define GATE_OBSERVER_STACK 0x732000u /* tops of stacks */
#define GATE_INNER_STACK 0x742000u
#define GATE_KERNEL_STACK 0x752000u
#define GATE_IST2 0x762000u
#define GATE_USER_STACK 0x772000u

#define GATE_KERNEL_CS 0x08
#define GATE_KERNEL_DS 0x10
#define GATE_USER_CS 0x1b
#define GATE_USER_DS 0x23
#define GATE_TR 0x28
#define GATE_TEST_CS 0x38 /* what the gate under test leads to */
#define GATE_TEST_SS 0x40 /* what the TSS has for level 0 */
#define GATE_OBSERVER_TR(i) (0x48 + 8 * (i))

/*
 * Exceptions that report a spoilt delivery go to observers on a stack of their own: by
 * task gates, or in IA-32e mode by an IST.
 */
static const uint8_t gate_observed[] = { 8, 10, 11, 12, 13, 14 };
#define GATE_OBSERVERS 6

/* ---- the cases ---- */

enum gate_event {
	GATE_UD,  /* ud2: a fault without error code */
	GATE_INT, /* int $0x40, two bytes long */
	GATE_EVENTS
};

#define GATE_BACK 0x41u
#define GATE_VECTOR(event) ((event) == GATE_UD ? 6u : 0x40u)

enum gate_place {
	GATE_NOWHERE,
	GATE_TYPE,     /* the gate's type, DPL and P */
	GATE_SELECTOR, /* the gate's code segment */
	GATE_OFFSET,   /* the handler's address */
	GATE_IST,      /* IA-32e mode: the gate's IST */
	GATE_CS,       /* the descriptor of GATE_TEST_CS */
	GATE_SS,       /* the descriptor of GATE_TEST_SS */
	GATE_SS0,      /* the TSS's SS0 */
	GATE_SP0,      /* the TSS's ESP0 or RSP0 */
	GATE_SP        /* the current stack pointer, at CPL 0 */
};

struct gate_spoil {
	const char *name;
	enum gate_place place;
	uint64_t value;
	bool narrow, wide; /* done in protected mode, in IA-32e mode */
};

/* clang-format off */
static const struct gate_spoil gate_spoils[] = {
	{ "nothing", GATE_NOWHERE, 0, true, true },
	{ "trap gate", GATE_TYPE, 0x8f, true, true },
	{ "interrupt gate of DPL 3", GATE_TYPE, 0xee, true, true },
	{ "no gate type", GATE_TYPE, 0x8c, true, true },
	{ "S flag", GATE_TYPE, 0x9e, true, true },
	{ "gate not present", GATE_TYPE, 0x6e, true, true },
	{ "task gate", GATE_TYPE, 0xe5, false, true },
	{ "CS null", GATE_SELECTOR, 3, true, true },
	{ "CS beyond the GDT", GATE_SELECTOR, 0x1000, true, true },
	{ "CS in no LDT", GATE_SELECTOR, GATE_TEST_CS | 4, true, true },
	{ "CS is data", GATE_SELECTOR, GATE_KERNEL_DS, true, true },
	{ "CS is a TSS", GATE_SELECTOR, GATE_TR, true, true },
	{ "CS not present", GATE_CS, 0x00cf1a000000ffff, true, false },
	{ "CS not present", GATE_CS, 0x00af1a000000ffff, false, true },
	{ "CS of DPL 3", GATE_CS, 0x00cffa000000ffff, true, false },
	{ "CS of DPL 3", GATE_CS, 0x00affa000000ffff, false, true },
	{ "CS conforming", GATE_CS, 0x00cf9e000000ffff, true, false },
	{ "CS conforming", GATE_CS, 0x00af9e000000ffff, false, true },
	{ "CS short", GATE_CS, 0x00409a0000000fff, true, false },
	{ "CS accessed already", GATE_CS, 0x00cf9b000000ffff, true, false },
	{ "CS accessed already", GATE_CS, 0x00af9b000000ffff, false, true },
	{ "CS of 32 bits", GATE_CS, 0x00cf9a000000ffff, false, true },
	{ "CS of 16 bits", GATE_CS, 0x008f9a000000ffff, false, true },
	{ "CS with L and D", GATE_CS, 0x00ef9a000000ffff, false, true },
	{ "IP not canonical", GATE_OFFSET, UINT64_C(0x8000000000000000), false, true },
	{ "another IST", GATE_IST, 2, false, true },
	{ "IST not canonical", GATE_IST, 3, false, true },
	{ "SS0 null", GATE_SS0, 0, true, false },
	{ "SS0 null but for its RPL", GATE_SS0, 3, true, false },
	{ "SS0 with RPL 1", GATE_SS0, GATE_TEST_SS | 1, true, false },
	{ "SS0 beyond the GDT", GATE_SS0, 0x1000, true, false },
	{ "SS0 in no LDT", GATE_SS0, GATE_TEST_SS | 4, true, false },
	{ "SS0 is code", GATE_SS0, GATE_KERNEL_CS, true, false },
	{ "SS not present", GATE_SS, 0x00cf12000000ffff, true, false },
	{ "SS of DPL 3", GATE_SS, 0x00cff2000000ffff, true, false },
	{ "SS read-only", GATE_SS, 0x00cf90000000ffff, true, false },
	{ "SS short", GATE_SS, 0x004092000000ffff, true, false },
	{ "SS expand-down, SP below it", GATE_SS, 0x00cf9600000008ff, true, false },
	{ "SS of 16 bits", GATE_SS, 0x008f92000000ffff, true, false },
	{ "SS accessed already", GATE_SS, 0x00cf93000000ffff, true, false },
	{ "RSP0 not canonical", GATE_SP0, UINT64_C(0x8000000000000000), false, true },
	{ "RSP not canonical", GATE_SP, UINT64_C(0x8000000000000000), false, true },
	{ "RSP not aligned", GATE_SP, GATE_KERNEL_STACK - 3, false, true },
	{ "RSP0 not aligned", GATE_SP0, GATE_INNER_STACK - 5, false, true },
};
/* clang-format on */

#define GATE_SPOILS (sizeof(gate_spoils) / sizeof(*gate_spoils))
#define GATE_CASES (GATE_SPOILS * GATE_EVENTS * 2)

struct gate_case {
	const struct gate_spoil *spoil;
	enum gate_event event;
	bool user;
};

static inline struct gate_case gate_case(uint32_t n)
{
	return (struct gate_case){ &gate_spoils[n / (GATE_EVENTS * 2)],
				   (enum gate_event)(n / 2 % GATE_EVENTS), n % 2 };
}

static inline uint64_t gate_kernel_sp(const struct gate_case *c)
{
	return c->spoil->place == GATE_SP ? c->spoil->value : GATE_KERNEL_STACK;
}

/* CF, PF, AF, ZF, SF and OF */
#define GATE_FLAGS 0x8d7u

/* ---- setting one up ---- */

/* Stores size bytes (1, 2, 4 or 8) at pa. */
typedef void gate_put_fn(void *arg, uint32_t pa, uint64_t value, unsigned size);

struct gate_builder {
	bool wide; /* IA-32e mode */
	gate_put_fn *put;
	void *arg;
	uint64_t handler; /* of the gate under test */
	uint64_t back;    /* of the gate by which a handler at level 3 leaves it */
	uint64_t observer[GATE_OBSERVERS];
};

static inline void gate_write(const struct gate_builder *b, unsigned vector,
			      uint16_t selector, uint64_t handler, uint8_t type,
			      unsigned ist)
{
	uint32_t at = GATE_IDT + vector * (b->wide ? 16 : 8);

	b->put(b->arg, at,
	       (handler & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
		       (uint64_t)type << 40 | (handler >> 16 & 0xffff) << 48,
	       8);
	if (b->wide)
		b->put(b->arg, at + 8, handler >> 32, 8);
}

static inline uint64_t gate_tss_descriptor(uint32_t base)
{
	return 0x0000890000000067 | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)(base >> 24) << 56;
}

static inline void gate_build_observer(const struct gate_builder *b, unsigned i)
{
	uint32_t tss = GATE_OBSERVER_TSS(i);

	if (b->wide) {
		gate_write(b, gate_observed[i], GATE_KERNEL_CS, b->observer[i], 0x8e, 1);
		return;
	}
	gate_write(b, gate_observed[i], (uint16_t)GATE_OBSERVER_TR(i), 0, 0x85, 0);
	b->put(b->arg, GATE_GDT + GATE_OBSERVER_TR(i), gate_tss_descriptor(tss), 8);
	for (unsigned at = 0; at < 0x68; at += 4)
		b->put(b->arg, tss + at, 0, 4);
	b->put(b->arg, tss + 0x20, b->observer[i], 4);
	b->put(b->arg, tss + 0x24, 2, 4);
	b->put(b->arg, tss + 0x38, GATE_OBSERVER_STACK, 4);
	for (unsigned s = 0; s < 6; s++)
		b->put(b->arg, tss + 0x48 + 4 * s,
		       s == 1 ? GATE_KERNEL_CS : GATE_KERNEL_DS, 4);
}

static inline void gate_build_segments(const struct gate_builder *b)
{
	uint64_t code = b->wide ? 0x00af9a000000ffff : 0x00cf9a000000ffff;

	b->put(b->arg, GATE_GDT + GATE_KERNEL_CS, code | 1ull << 40, 8);
	b->put(b->arg, GATE_GDT + GATE_KERNEL_DS, 0x00cf93000000ffff, 8);
	b->put(b->arg, GATE_GDT + (GATE_USER_CS & ~7u),
	       b->wide ? 0x00affb000000ffff : 0x00cffb000000ffff, 8);
	b->put(b->arg, GATE_GDT + (GATE_USER_DS & ~7u), 0x00cff3000000ffff, 8);
	b->put(b->arg, GATE_GDT + GATE_TR, gate_tss_descriptor(GATE_TSS), 8);
	b->put(b->arg, GATE_GDT + GATE_TR + 8, 0, 8);
	b->put(b->arg, GATE_GDT + GATE_TEST_CS, code, 8);
	b->put(b->arg, GATE_GDT + GATE_TEST_SS, 0x00cf92000000ffff, 8);
}

static inline void gate_spoil(const struct gate_builder *b, const struct gate_case *c)
{
	uint32_t gate = GATE_IDT + GATE_VECTOR(c->event) * (b->wide ? 16 : 8);
	uint64_t value = c->spoil->value;

	switch (c->spoil->place) {
	case GATE_NOWHERE:
	case GATE_SP:
		break;
	case GATE_TYPE:
		b->put(b->arg, gate + 5, value, 1);
		break;
	case GATE_SELECTOR:
		b->put(b->arg, gate + 2, value, 2);
		break;
	case GATE_OFFSET:
		b->put(b->arg, gate + 8, value >> 32, 4);
		break;
	case GATE_IST:
		b->put(b->arg, gate + 4, value, 1);
		break;
	case GATE_CS:
		b->put(b->arg, GATE_GDT + GATE_TEST_CS, value, 8);
		break;
	case GATE_SS:
		b->put(b->arg, GATE_GDT + GATE_TEST_SS, value, 8);
		break;
	case GATE_SS0:
		b->put(b->arg, GATE_TSS + 8, value, 4);
		break;
	case GATE_SP0:
		b->put(b->arg, GATE_TSS + 4, value, 8);
		break;
	}
}

static inline void gate_build(const struct gate_builder *b, const struct gate_case *c)
{
	/*
	 * Software may use the gate from level 3, but for the cases that say otherwise.
	 */
	uint8_t type = c->spoil->place == GATE_NOWHERE ? 0x8e : 0xee;

	for (unsigned at = 0; at < 0x1000; at += 4) {
		b->put(b->arg, GATE_GDT + at, 0, 4);
		b->put(b->arg, GATE_IDT + at, 0, 4);
	}
	for (unsigned at = 0; at < 0x68; at += 4)
		b->put(b->arg, GATE_TSS + at, 0, 4);
	gate_build_segments(b);
	b->put(b->arg, GATE_TSS + 4, GATE_INNER_STACK, b->wide ? 8 : 4);
	if (b->wide) {
		b->put(b->arg, GATE_TSS + 36, GATE_OBSERVER_STACK, 8);
		b->put(b->arg, GATE_TSS + 44, GATE_IST2, 8);
		b->put(b->arg, GATE_TSS + 52, 1ull << 63, 8);
	} else {
		b->put(b->arg, GATE_TSS + 8, GATE_TEST_SS, 4);
	}
	for (unsigned i = 0; i < GATE_OBSERVERS; i++)
		gate_build_observer(b, i);
	gate_write(b, GATE_VECTOR(c->event), GATE_TEST_CS, b->handler, type, 0);
	gate_write(b, GATE_BACK, GATE_KERNEL_CS, b->back, 0xee, 0);
	gate_spoil(b, c);
}

/* Where the frame lies: a 16-bit stack has 16-bit offsets. */
static inline uint64_t gate_frame(const struct gate_case *c, uint64_t sp)
{
	bool narrow = c->spoil->place == GATE_SS && !(c->spoil->value >> 54 & 1);

	return narrow && c->user ? sp & 0xffff : sp;
}

/* ---- what came of it ---- */

/* Everything that arrived, in the guest's words; the frame from its lowest word up. */
struct gate_result {
	uint32_t vector;   /* 0: the handler under test; else the observer's */
	uint64_t error;    /* observers */
	uint64_t sp;       /* where the frame lies; in the old TSS for task gates */
	uint64_t frame[5]; /* IP, CS, flags, SP, SS; the last two as far as pushed */
	uint16_t ss;       /* that is loaded on arrival */
	uint8_t accessed;  /* accessed flags: bit 0 of GATE_TEST_CS, 1 of GATE_TEST_SS */
};

#endif
