/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor's bits by the manual's names, and what machine/ keeps to itself. */
#ifndef MACHINE_X86_H
#define MACHINE_X86_H

#include "machine.h"

#include <endian.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
/* Bits high..low, both included: the manual's way of writing a field. */
#define BITS(high, low) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* Kept out of the way of what is common. */
#define rare __attribute__((noinline))

/* SDM 2.5. */
#define CR0_PE BIT(0)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_WP BIT(16)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)
#define CR4_PGE BIT(7)
#define CR4_LA57 BIT(12)
#define CR4_PCIDE BIT(17)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
/* Kept but without effect here: VME..DE, MCE, PCE..UMIP, FSGSBASE, OSXSAVE. */
#define CR4_OTHER (BITS(3, 0) | BIT(6) | BITS(11, 8) | BIT(16) | BIT(18))

/* SDM 2.2.1. */
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

/* SDM 2.3. */
#define FLAGS_FIXED BIT(1)
#define FLAGS_TF BIT(8)
#define FLAGS_IF BIT(9)
#define FLAGS_NT BIT(14)
#define FLAGS_RF BIT(16)
#define FLAGS_VM BIT(17)
#define FLAGS_AC BIT(18)

/* Paging-structure entries, SDM tables 4-4 to 4-20. */
#define ENTRY_P BIT(0)
#define ENTRY_RW BIT(1)
#define ENTRY_US BIT(2)
#define ENTRY_A BIT(5)
#define ENTRY_D BIT(6)
#define ENTRY_PS BIT(7)
#define ENTRY_G BIT(8)
#define ENTRY_XD BIT(63)

/* A descriptor's second doubleword, SDM figure 3-8 and table 3-2. */
#define DESC_A BIT(8)   /* code and data */
#define DESC_W BIT(9)   /* data: writable; code: readable */
#define DESC_CE BIT(10) /* code: conforming; data: expand-down */
#define DESC_CODE BIT(11)
#define DESC_S BIT(12) /* code or data, not system */
#define DESC_P BIT(15)
#define DESC_L BIT(21)
#define DESC_DB BIT(22)
#define DESC_G BIT(23)
#define DESC_TYPE(attributes) ((attributes) >> 8 & 15)
#define DESC_DPL(attributes) ((attributes) >> 13 & 3)
#define TSS_BUSY BIT(9)

/* System types, SDM table 3-2. */
enum {
	TYPE_TSS16 = 1,
	TYPE_LDT = 2,
	TYPE_TASK_GATE = 5,
	TYPE_INTERRUPT16 = 6,
	TYPE_TRAP16 = 7,
	TYPE_TSS = 9,
	TYPE_INTERRUPT = 14,
	TYPE_TRAP = 15,
};

/* A selector without its RPL: null if 0. As an error code's index and table bits. */
#define SELECTOR_INDEX(selector) ((uint32_t)(selector)&0xfffcu)
#define SELECTOR_TI 4u

static inline bool departs(const struct machine_cpu *cpu, uint32_t departure)
{
	return cpu->model.departures & departure;
}

/* False, for the caller to return: what went wrong is in *event. */
static inline bool raise(struct machine_event *event, enum machine_vector vector,
			 uint32_t error)
{
	*event = (struct machine_event){ .vector = vector,
					 .kind = MACHINE_EXCEPTION,
					 .error = error };
	return false;
}

/* 1 to 8 bytes; the usual sizes become one instruction each. */
static inline uint64_t load_le(const uint8_t *p, unsigned size)
{
	uint64_t value = 0;

	switch (size) {
	case 8:
		memcpy(&value, p, 8);
		break;
	case 4:
		memcpy(&value, p, 4);
		break;
	default:
		memcpy(&value, p, size);
	}
	return le64toh(value);
}

static inline void store_le(uint8_t *p, unsigned size, uint64_t value)
{
	value = htole64(value);
	switch (size) {
	case 8:
		memcpy(p, &value, 8);
		break;
	case 4:
		memcpy(p, &value, 4);
		break;
	default:
		memcpy(p, &value, size);
	}
}

/* ---- memory.c ---- */

#define PFN(pa) ((pa) / MACHINE_FRAME_SIZE & BITS(39, 0)) /* MAXPHYADDR is at most 52 */
/* Fibonacci hashing (Knuth, vol. 3, 6.4): neighbours end up far apart. */
#define HASH(key, shift) (UINT64_C(0x9e3779b97f4a7c15) * (key) >> (shift))

enum frame_kind {
	FRAME_HOLE,     /* no memory */
	FRAME_ABSENT,   /* memory that the backing does not have: its bytes are unknown */
	FRAME_BORROWED, /* the backing's, a lent one, or zeroes: not written here */
	FRAME_OWN,
};

/* A frame that was touched. It moves when another one is touched first. */
struct frame {
	uint64_t key;    /* its number under the table's generation; else: free */
	uint8_t *bytes;  /* read freely; write through memory_own() only */
	uint32_t stamp;  /* the memory's stamp when it was last read */
	uint8_t kind;    /* enum frame_kind */
	uint8_t written; /* enum machine_write_reason bits */
	bool unknown;    /* so much of it as was not written is: of what was absent */
};

/* Copied frames, allocated by the block so that their addresses stay. */
struct copies {
	uint8_t **block;
	size_t nblocks, n;
};

struct machine_memory {
	struct frame *frame; /* 1 << (64 - hash_shift) of them, by HASH of the key */
	unsigned hash_shift;
	uint32_t stamp;
	uint64_t generation; /* what a live key has above its frame number */
	size_t nframes;
	struct machine_backing backing;
	uint64_t ram;
	struct copies copies;
	bool failed;
	bool hole_read; /* and where first: */
	uint64_t hole_pa;
	struct frame lost; /* what is handed out when memory is short */
};

struct frame *memory_find(struct machine_memory *memory, uint64_t key);
/* The frame's bytes for writing, its own from now on; NULL for a hole. */
uint8_t *memory_own(struct machine_memory *memory, struct frame *frame,
		    enum machine_write_reason reason);

/* Never NULL: a frame that cannot be had is a hole. */
static inline struct frame *memory_frame(struct machine_memory *memory, uint64_t pa)
{
	uint64_t key = PFN(pa) | memory->generation;
	struct frame *frame = &memory->frame[HASH(key, memory->hash_shift)];

	return likely(frame->key == key) ? frame : memory_find(memory, key);
}

void memory_note_hole(struct machine_memory *memory, uint64_t pa);

/* Marks the frame, which holds pa, as read. */
static inline void memory_mark_read(struct machine_memory *memory, struct frame *frame,
				    uint64_t pa)
{
	frame->stamp = memory->stamp;
	if (unlikely(frame->kind == FRAME_HOLE || frame->unknown))
		memory_note_hole(memory, pa);
}

/* The entry or datum at pa, of size bytes within one frame; marks the frame as read. */
static inline uint64_t memory_load(struct machine_memory *memory, uint64_t pa,
				   unsigned size)
{
	struct frame *frame = memory_frame(memory, pa);

	memory_mark_read(memory, frame, pa);
	return load_le(frame->bytes + pa % MACHINE_FRAME_SIZE, size);
}

static inline void memory_store(struct machine_memory *memory, uint64_t pa, unsigned size,
				uint64_t value, enum machine_write_reason reason)
{
	uint8_t *bytes = memory_own(memory, memory_frame(memory, pa), reason);

	if (likely(bytes))
		store_le(bytes + pa % MACHINE_FRAME_SIZE, size, value);
}

/* ---- mmu.c ---- */

struct level {
	uint8_t shift;     /* lowest bit of the index in the linear address */
	uint8_t bits;      /* width of the index */
	uint8_t may_map;   /* a page of this level's size, where PS is set */
	uint8_t grants;    /* the entry has R/W, U/S and XD */
	uint64_t reserved; /* whatever the processor: in any entry that is present */
};

struct machine_paging {
	const char *name;
	uint8_t levels;
	uint8_t entry_size;
	uint8_t va_unused; /* bits of an address that repeat the one below (canonical) */
	bool pdpte_registers; /* the top level is in the processor */
	uint64_t root_mask;
	struct level level[MACHINE_LEVELS + 1]; /* [0] is not used */
};

/* What the registers ask for (SDM 4.1.1), and all that follows from it. */
void mmu_settle(struct machine_cpu *cpu);

/* SDM vol. 1, 3.3.7.1: the bits that are not translated repeat the top one that is. */
static inline bool mmu_canonical(const struct machine_cpu *cpu, uint64_t va)
{
	return (uint64_t)((int64_t)(va << cpu->va_unused) >> cpu->va_unused) == va;
}

bool mmu_pae(const struct machine_cpu *cpu);
/*
 * SDM 4.6.1: whether user-mode addresses are out of a supervisor access's reach.
 * EFLAGS.AC lifts that for explicit accesses; in QEMU also for implicit ones, while CPL
 * is below 3.
 */
static inline bool mmu_smap(const struct machine_cpu *cpu, unsigned access)
{
	if (likely(!(cpu->r.cr4 & CR4_SMAP)))
		return false;
	if (!(cpu->r.flags & FLAGS_AC))
		return true;
	return access & MACHINE_IMPLICIT &&
	       (cpu->r.cpl == 3 || !departs(cpu, MACHINE_IMPLICIT_HONOURS_AC));
}

static inline const struct machine_rule *mmu_rule(const struct machine_cpu *cpu,
						  unsigned access)
{
	return &cpu->rule[mmu_smap(cpu, access)][access & 15];
}

/* Whether the rights, dirty flag and all, let the access through as they are. */
static inline bool mmu_allows(const struct machine_rule *rule, unsigned rights)
{
	return rule->allowed >> (rights & 31) & 1;
}

/* The walk alone; va is canonical, and paging is on. */
bool mmu_walk(struct machine_cpu *cpu, uint64_t va, unsigned access,
	      struct machine_translation *translation, struct machine_event *event);
/* SDM 4.4.1: reads the PDPTEs that cr3 points to; false where one is malformed. */
bool mmu_pdptes(struct machine_cpu *cpu, uint64_t cr3, uint64_t pdpte[4]);

/* ---- tlb.c ---- */

/* QEMU's mmu index; smap: the access is under SMAP. */
unsigned tlb_index(const struct machine_cpu *cpu, unsigned access, bool smap);

/* Page number, mmu index at bit 56, page size at 58. Never 0. */
static inline uint64_t tlb_tag(uint64_t va, unsigned page_shift, unsigned index)
{
	return va >> page_shift | (uint64_t)index << 56 | (uint64_t)page_shift << 58;
}

static inline unsigned tlb_tag_index(uint64_t tag)
{
	return tag >> 56 & 3;
}

static inline unsigned tlb_tag_page_shift(uint64_t tag)
{
	return (unsigned)(tag >> 58);
}

static inline bool tlb_global(const struct machine_tlb_entry *entry)
{
	return entry->rights / MACHINE_GLOBAL & 1;
}

static inline bool tlb_live(const struct machine_tlb *tlb,
			    const struct machine_tlb_entry *entry)
{
	return entry->generation == tlb->generation[tlb_global(entry)];
}

/* Where the tag's slot would be, if no other one is in its way. */
static inline struct machine_tlb_entry *tlb_place(const struct machine_tlb *tlb,
						  uint64_t tag)
{
	return &tlb->slot[HASH(tag, tlb->hash_shift)];
}

/* For a page of any size; NULL: none. */
const struct machine_tlb_entry *tlb_find(const struct machine_tlb *tlb, uint64_t va,
					 unsigned index);
void tlb_insert(struct machine_cpu *cpu, uint64_t va, unsigned index,
		const struct machine_translation *translation);
void tlb_drop(struct machine_cpu *cpu, uint64_t va);
/* A CR3 write: all but global pages, as the kind has it. */
void tlb_flush_local(struct machine_cpu *cpu);

/* ---- access.c ---- */

/* machine_store(), of a word in which only flags differ from what is there. */
bool access_store_flags(struct machine_cpu *cpu, uint64_t va, unsigned size,
			unsigned access, uint64_t value, struct machine_event *event);

/* ---- segment.c ---- */

/*
 * Reads the descriptor; false: a fault, or with event->vector == vector and the selector
 * as error, an index outside the table.
 */
bool segment_read(struct machine_cpu *cpu, uint16_t selector, enum machine_vector vector,
		  uint32_t ext, struct machine_segment *segment,
		  struct machine_event *event);
/* Sets a flag of the descriptor, in memory: nothing else of it changes. */
bool segment_mark(struct machine_cpu *cpu, const struct machine_segment *segment,
		  uint32_t flag, struct machine_event *event);
/* Sets its accessed flag if it is clear (SDM 3.4.5.1). */
bool segment_accessed(struct machine_cpu *cpu, const struct machine_segment *segment,
		      struct machine_event *event);
/* The register's offsets wrap at 16, 32 or 64 bits. */
uint64_t segment_stack_mask(const struct machine_cpu *cpu,
			    const struct machine_segment *ss);
struct machine_segment segment_vm86(uint16_t selector);

/* ---- task.c ---- */

/* SDM 8.3: to the TSS that a task gate names; ip is what the old task resumes at. */
bool task_switch(struct machine_cpu *cpu, uint16_t selector, uint64_t ip, uint32_t ext,
		 struct machine_event *event);
/* The stack for a privilege level, from the current TSS (SDM 6.12.1, 8.7). */
bool task_stack(struct machine_cpu *cpu, unsigned dpl, uint32_t ext, uint16_t *ss,
		uint64_t *sp, struct machine_event *event);
bool task_stack64(struct machine_cpu *cpu, unsigned dpl, unsigned ist, uint32_t ext,
		  uint64_t *sp, struct machine_event *event);

#endif
