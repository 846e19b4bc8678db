/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A simulated i386 and x86-64 machine, as far as memory and exceptions go: what one
 * access does to page tables, TLB, stack and registers, until a handler's first byte is
 * fetched or the processor shuts down. No instruction is interpreted.
 *
 * It shares no code with src/paging, so that each can prove the other wrong; QEMU is the
 * third voice. In reading order:
 *
 *   1. memory       frames of one's own, or copy-on-write over somebody else's
 *   2. events       an exception or interrupt on its way
 *   3. departures   where QEMU's TCG differs from the manual, one bit each
 *   4. registers    plain data: copy them to keep a state, load them to go back to it
 *   5. TLB          what is remembered of translations, and when it is forgotten
 *   6. processor    registers, TLB and a memory, and its control registers' rules
 *   7. translation  one access to one linear address, allowed or not
 *   8. segments     descriptors, as far as delivery needs them
 *   9. delivery     an event through the IDT: gates, stacks, tasks, #DF, shutdown
 *  10. following    nested faults until something gives
 *
 * "SDM" is Intel's Software Developer's Manual, volume 3A unless another is named, with
 * the section numbers of its 2023 edition. Everything is deterministic.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- 1. memory ------------------------------------------------------------------ */

#define MACHINE_FRAME_SIZE 4096u

/* Memory that lies under a machine's own and is only read. */
struct machine_backing {
	/* The 4096 bytes that hold pa, valid as long as the memory, or NULL. */
	const uint8_t *(*frame)(void *opaque, uint64_t pa);
	/*
	 * Whether there is such a frame, as far as can be told without fetching it: one that
	 * is written first is fetched when somebody reads it. NULL: each is, when touched.
	 */
	bool (*holds)(void *opaque, uint64_t pa);
	void *opaque;
	/*
	 * There is memory below this pa even where frame gives NULL, and what lies in it is
	 * not known: it can be written, and a story that reads it ends, MACHINE_UNKNOWN.
	 * So it does where it reads in a hole above. 0: what it has is all there is.
	 */
	uint64_t memory_end;
};

/* Why a frame differs from what lay under it. */
enum machine_write_reason {
	MACHINE_WROTE_DATA = 1 << 0,  /* a store, a push, a task switch */
	MACHINE_WROTE_FLAGS = 1 << 1, /* accessed, dirty and busy flags */
};

struct machine_memory;

/*
 * Frames come from *backing (copied; NULL: none), from ram bytes of zeroed memory that
 * start at pa 0, or are holes: no memory, which reads as zeroes and
 * loses what is written. Returns NULL when memory is short.
 */
struct machine_memory *machine_memory_create(const struct machine_backing *backing,
					     uint64_t ram);
void machine_memory_destroy(struct machine_memory *memory);

/* Forgets every write, at once. TLBs over it must be flushed. */
void machine_memory_reset(struct machine_memory *memory);

/*
 * The memory as a backing: a second memory over it is a fork, which costs what it
 * touches. The first must not be written while the second lives.
 */
struct machine_backing machine_memory_backing(struct machine_memory *memory);

/* True once an allocation failed: what was simulated since then means nothing. */
bool machine_memory_failed(const struct machine_memory *memory);

/* Whether a processor has read in a hole since the last reset, and where first. */
bool machine_memory_hole_read(const struct machine_memory *memory, uint64_t *pa);

/* Any pa and length; what lies in holes reads as zeroes and is not written. */
void machine_memory_read(struct machine_memory *memory, uint64_t pa, void *buf,
			 size_t len);
void machine_memory_write(struct machine_memory *memory, uint64_t pa, const void *buf,
			  size_t len);

/*
 * Writes the whole frame at pa, which is aligned. The bytes must stay as they are for as
 * long as the memory lives: a frame that was not written before points at them till it
 * is, so that many frames with the same bytes cost little.
 */
void machine_memory_lend(struct machine_memory *memory, uint64_t pa,
			 const uint8_t *bytes);

struct machine_written {
	uint64_t pa;
	const uint8_t *bytes; /* MACHINE_FRAME_SIZE of them, until the memory is reset */
	uint8_t reasons;      /* enum machine_write_reason bits */
};

/*
 * The frames written so far, by rising pa. *written is the caller's, to free(); false
 * when memory is short.
 */
bool machine_memory_written(struct machine_memory *memory,
			    struct machine_written **written, size_t *n);

/* ---- 2. events ------------------------------------------------------------------ */

/* SDM 6.3.1 and 6.4; the order of table 6-1. */
enum machine_vector {
	MACHINE_DE = 0,
	MACHINE_DB = 1,
	MACHINE_NMI = 2,
	MACHINE_BP = 3,
	MACHINE_OF = 4,
	MACHINE_BR = 5,
	MACHINE_UD = 6,
	MACHINE_NM = 7,
	MACHINE_DF = 8,
	MACHINE_TS = 10,
	MACHINE_NP = 11,
	MACHINE_SS = 12,
	MACHINE_GP = 13,
	MACHINE_PF = 14,
	MACHINE_MF = 16,
	MACHINE_AC = 17,
	MACHINE_MC = 18,
	MACHINE_XM = 19,
	MACHINE_VE = 20,
	MACHINE_CP = 21,
};

enum machine_event_kind {
	MACHINE_EXCEPTION,          /* found by the processor itself */
	MACHINE_SOFTWARE_INTERRUPT, /* INT n, INT3, INTO */
	MACHINE_EXTERNAL_INTERRUPT, /* NMI and INTR */
};

/* The page-fault error code, SDM 4.7, figure 4-12. */
enum machine_pf_error {
	MACHINE_PF_P = 1 << 0, /* a translation forbade it; clear: there was none */
	MACHINE_PF_W = 1 << 1,
	MACHINE_PF_U = 1 << 2,
	MACHINE_PF_RSVD = 1 << 3,
	MACHINE_PF_I = 1 << 4,
};

struct machine_event {
	uint8_t vector;
	uint8_t kind;     /* enum machine_event_kind */
	uint32_t error;   /* 0 where the vector has none */
	uint64_t address; /* what CR2 becomes; #PF only */
	uint8_t length;   /* of the instruction; software interrupts only */
};

/* "#PF", "#DF", "interrupt 32" has none: NULL. */
const char *machine_vector_name(unsigned vector);

/* ---- 3. departures -------------------------------------------------------------- */

/*
 * Where QEMU's TCG is known to leave the manual. A processor with none of these is the
 * manual's; one with all of MACHINE_TCG is QEMU 7.2's. machine_departures[] says of each
 * what it is and which section it leaves; the sweep in lab/guest finds and counts them.
 */
enum machine_departure_bit {
	MACHINE_RSVD_WITHOUT_P = 1 << 0,
	MACHINE_PDPTES_IN_MEMORY = 1 << 1,
	MACHINE_GIGABYTE_ACCESSED = 1 << 2,
	MACHINE_IMPLICIT_HONOURS_AC = 1 << 3,
	MACHINE_NO_STACK_LIMIT = 1 << 4,
	MACHINE_NO_EXT = 1 << 5,
	MACHINE_NO_RF = 1 << 6,
	MACHINE_NO_SEGMENT_ACCESSED = 1 << 7,
	MACHINE_ABSENT_STACK_IS_TS = 1 << 8,
	MACHINE_STACK_ADDRESS_IS_GP = 1 << 9,
	MACHINE_NO_IP_CHECK = 1 << 10,
	MACHINE_TASK_CR3_UNCHECKED = 1 << 11,
	MACHINE_PSE36_UNCHECKED = 1 << 12,
	MACHINE_IDT_ERROR_BY_16 = 1 << 13,
	MACHINE_KEEPS_ESP_HALF = 1 << 14,
	MACHINE_TCG = (1 << 15) - 1,
};

struct machine_departure {
	uint32_t bit;
	const char *name;    /* "rsvd-without-p" */
	const char *section; /* "SDM 4.7" */
	const char *meaning; /* what TCG does instead; one sentence */
	unsigned mended;     /* by this version of QEMU, 901 for 9.1; 0: by none known */
};

/* Ends with bit 0. */
extern const struct machine_departure machine_departures[];

/* Those of one version of QEMU: 702 gives MACHINE_TCG. */
uint32_t machine_tcg(unsigned version);

/* ---- 4. registers --------------------------------------------------------------- */

/* In the order of instruction encodings, and of the 32-bit TSS (SDM figure 8-2). */
enum machine_register {
	MACHINE_REG_AX,
	MACHINE_REG_CX,
	MACHINE_REG_DX,
	MACHINE_REG_BX,
	MACHINE_REG_SP,
	MACHINE_REG_BP,
	MACHINE_REG_SI,
	MACHINE_REG_DI,
	MACHINE_REG_R8,
	MACHINE_REG_R15 = MACHINE_REG_R8 + 7,
	MACHINE_REGISTERS
};

/* In the order of the TSS as well. */
enum machine_segment_register {
	MACHINE_SEG_ES,
	MACHINE_SEG_CS,
	MACHINE_SEG_SS,
	MACHINE_SEG_DS,
	MACHINE_SEG_FS,
	MACHINE_SEG_GS,
	MACHINE_SEGMENTS
};

/* A segment register with its hidden part (SDM 3.4.3). */
struct machine_segment {
	uint64_t base;
	uint32_t limit;      /* in bytes, the last one included */
	uint32_t attributes; /* as the descriptor's second doubleword */
	uint16_t selector;
};

/* GDTR or IDTR. */
struct machine_table {
	uint64_t base;
	uint16_t limit;
};

struct machine_registers {
	uint64_t reg[MACHINE_REGISTERS];
	uint64_t ip, flags;
	uint64_t cr0, cr2, cr3, cr4, efer;
	uint64_t pdpte[4]; /* PAE paging: loaded with CR3, not read from memory later */
	struct machine_segment seg[MACHINE_SEGMENTS], ldtr, tr;
	struct machine_table gdtr, idtr;
	uint8_t cpl;
};

/* ---- 5. TLB --------------------------------------------------------------------- */

enum machine_tlb_kind {
	MACHINE_TLB_NONE, /* every access walks */
	/*
	 * As SDM 4.10 allows and nothing more: an entry of the page's own size, kept
	 * until an operation invalidates it; global pages outlive CR3. No
	 * paging-structure cache, which 4.10.3 leaves to the processor.
	 */
	MACHINE_TLB_SDM,
	/*
	 * As QEMU's accel/tcg/cputlb.c: 4 KiB entries, one set for each mmu index (user;
	 * supervisor with and without SMAP), all dropped at a CR3 write, global or not.
	 * Unlike there, none is ever evicted.
	 */
	MACHINE_TLB_TCG,
};

/* 16 bytes: none lies across two cache lines. */
struct machine_tlb_entry {
	uint64_t tag;             /* page number, size and mmu index; 0: never used */
	uint64_t generation : 16; /* of its kind; another one: dead */
	uint64_t rights : 8;      /* enum machine_rights */
	uint64_t pfn : 40;        /* of the page's first frame */
};

#define MACHINE_TLB_INDEXES 3

struct machine_tlb {
	uint8_t kind;           /* enum machine_tlb_kind */
	uint8_t hash_shift;     /* 64 - log2 of the slots there are */
	uint32_t sizes;         /* a bit for each page_shift since the last flush */
	uint16_t generation[2]; /* of pages that are not global, and that are */
	uint32_t used;          /* slots with a tag */
	struct machine_tlb_entry *slot;
	/* TCG: one region a mmu index that covers all its large pages. */
	struct {
		uint64_t va, mask;
	} large[MACHINE_TLB_INDEXES];
};

/* ---- 6. processor --------------------------------------------------------------- */

/* What CPUID would say. */
enum machine_feature {
	MACHINE_HAS_PSE36 = 1 << 0,
	MACHINE_HAS_NX = 1 << 1,
	MACHINE_HAS_SMEP = 1 << 2,
	MACHINE_HAS_SMAP = 1 << 3,
	MACHINE_HAS_GIGABYTE = 1 << 4,
	MACHINE_HAS_LONG_MODE = 1 << 5,
	MACHINE_HAS_LA57 = 1 << 6,
	MACHINE_HAS_ALL = (1 << 7) - 1,
};

struct machine_model {
	uint32_t features;   /* enum machine_feature bits */
	uint32_t departures; /* enum machine_departure_bit bits */
	uint8_t maxphyaddr;  /* 32..52 */
	uint64_t c_bit; /* SME (APM vol. 2, 7.10): no address bit of entries; 0: none */
	uint8_t tlb;    /* enum machine_tlb_kind */
};

#define MACHINE_LEVELS 5

/* Levels count from the leaf as the manual's figures do: 1 is the page table. */
struct machine_paging;

/* What there is to know of a kind of access before its address. */
struct machine_rule {
	uint32_t allowed; /* a bit for each enum machine_rights value (SDM 4.6.1) */
	uint32_t tlb_index;
};

struct machine_cpu {
	struct machine_registers r;
	struct machine_model model;
	struct machine_memory *memory;
	bool shut_down;  /* SDM 6.15, #DF: until it is reset */
	uint64_t stored; /* pa that machine_store() last wrote to */

	/* Worked out of the registers, by machine_cpu_settle(). */
	const struct machine_paging *paging; /* NULL: CR0.PG is 0 */
	uint64_t address_mask;               /* of a linear address */
	uint8_t va_unused;               /* its bits that repeat the top translated one */
	struct machine_rule rule[2][16]; /* by SMAP and access */
	uint64_t reserved[MACHINE_LEVELS + 1][2]; /* by level, and whether it is a leaf */
	uint64_t not_address;                     /* the model's C bit, in long mode */
	struct machine_tlb tlb;
};

/*
 * A processor in 32-bit protected mode without paging, flat segments, all else 0. The
 * memory must outlive it. Owns its TLB only; machine_cpu_release() frees that.
 */
void machine_cpu_init(struct machine_cpu *cpu, const struct machine_model *model,
		      struct machine_memory *memory);
void machine_cpu_release(struct machine_cpu *cpu);

/* Takes over a state from elsewhere (a dump) as it is; empties the TLB. */
void machine_cpu_load(struct machine_cpu *cpu, const struct machine_registers *r);

/* Loads the PDPTE registers from where CR3 points, as a dump does not hold them. */
void machine_cpu_read_pdptes(struct machine_cpu *cpu);

/*
 * MOV to a control register, WRMSR to IA32_EFER: false, and #GP(0) in *event, where the
 * manual forbids the value (SDM 2.5, 4.1, 4.4.1); nothing has changed then.
 */
bool machine_write_cr0(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event);
bool machine_write_cr3(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event);
bool machine_write_cr4(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event);
bool machine_write_efer(struct machine_cpu *cpu, uint64_t value,
			struct machine_event *event);

/* INVLPG (SDM 4.10.4.1). */
void machine_invlpg(struct machine_cpu *cpu, uint64_t va);
/* Drops everything, global pages too. */
void machine_tlb_flush(struct machine_cpu *cpu);

static inline bool machine_long_mode(const struct machine_cpu *cpu)
{
	return cpu->r.efer >> 10 & 1; /* LMA */
}

/* ---- 7. translation ------------------------------------------------------------- */

/* One of the first three, and what applies of the rest. */
enum machine_access {
	MACHINE_READ = 0,
	MACHINE_WRITE = 1,
	MACHINE_FETCH = 2,
	MACHINE_KIND = 3,
	MACHINE_USER = 1 << 2, /* a user-mode access: CPL is 3 and it is not implicit */
	MACHINE_IMPLICIT = 1 << 3, /* of a system structure: GDT, LDT, IDT, TSS (4.6.1) */
	MACHINE_STACK = 1 << 4,    /* a bad address is #SS, not #GP (6.15) */
};

/*
 * What all entries of one translation grant together; R/W and U/S where entries have
 * them.
 */
enum machine_rights {
	MACHINE_NO_EXECUTE = 1 << 0,
	MACHINE_MAY_WRITE = 1 << 1,
	MACHINE_MAY_USER = 1 << 2,
	MACHINE_DIRTY = 1 << 3,
	MACHINE_GLOBAL = 1 << 4,
};

struct machine_translation {
	uint64_t pa;
	uint8_t page_shift;
	uint8_t rights; /* enum machine_rights */
};

/*
 * One access to one byte (SDM 4.2 to 4.8, 4.10.2): by the TLB, or by a walk that sets
 * accessed and dirty flags and fills the TLB. False: *event is what the access raises;
 * CR2 is left to delivery.
 */
bool machine_translate(struct machine_cpu *cpu, uint64_t va, unsigned access,
		       struct machine_translation *translation,
		       struct machine_event *event);

/*
 * size bytes (1, 2, 4 or 8), little-endian, across a page boundary if need be: all of it
 * is translated before any of it is written.
 */
bool machine_load(struct machine_cpu *cpu, uint64_t va, unsigned size, unsigned access,
		  uint64_t *value, struct machine_event *event);
bool machine_store(struct machine_cpu *cpu, uint64_t va, unsigned size, unsigned access,
		   uint64_t value, struct machine_event *event);

/* ---- 8. segments ---------------------------------------------------------------- */

/* An 8-byte descriptor taken apart (SDM 3.4.5, figure 3-8). */
struct machine_segment machine_descriptor(uint16_t selector, uint64_t raw);

/* Whether an access of size bytes at offset stays within the segment (SDM 5.3). */
bool machine_within_limit(const struct machine_segment *segment, uint64_t offset,
			  uint64_t size);

/* ---- 9. delivery ---------------------------------------------------------------- */

enum machine_end {
	MACHINE_DELIVERED,  /* CS:IP is the handler's; nothing of it was fetched yet */
	MACHINE_TASK,       /* the same, through a task gate: all registers are new */
	MACHINE_SHUTDOWN,   /* triple fault (SDM 6.15, #DF) */
	MACHINE_UNMODELLED, /* real-address mode */
};

#define MACHINE_MAX_EVENTS 8

/*
 * What one delivery came to. event[0] is what was asked for; then what each attempt to
 * deliver raised, #DF included; the last one is the one that was delivered, or not.
 */
struct machine_delivery {
	enum machine_end end;
	unsigned nevents;
	struct machine_event event[MACHINE_MAX_EVENTS];
};

/*
 * Delivers an event (SDM 6.12, 6.14; table 6-5 where delivery itself fails) and updates
 * CR2. Stores that precede a failed push stay in memory, as they do in QEMU.
 */
enum machine_end machine_deliver(struct machine_cpu *cpu,
				 const struct machine_event *event,
				 struct machine_delivery *delivery);

/*
 * What a scenario's CPU does: one access at the current CPL; a fault is delivered. True
 * if the access went through; else *delivery is what came of it.
 */
bool machine_access(struct machine_cpu *cpu, uint64_t va, unsigned kind,
		    struct machine_delivery *delivery);

/* Whether the byte at CS:IP can be fetched. */
bool machine_fetch(struct machine_cpu *cpu, struct machine_event *event);

/* ---- 10. following -------------------------------------------------------------- */

enum machine_fate {
	MACHINE_SURVIVES,   /* a handler was reached, in the task that faulted */
	MACHINE_OTHER_TASK, /* a handler was reached through a task gate */
	MACHINE_RESETS,     /* shutdown: the board resets it */
	MACHINE_LOOPS,      /* the same fault on the same stack for ever */
	MACHINE_GAVE_UP,    /* max_frames were pushed */
	MACHINE_LOST,       /* real-address mode, or out of memory */
	MACHINE_UNKNOWN,    /* it reads what a partial memory does not have */
};

struct machine_story {
	enum machine_fate fate;
	uint64_t frames;   /* events delivered: the first, all that came of it, #DF */
	uint64_t nested;   /* fetches of a handler's first byte that faulted */
	uint64_t sp;       /* after the last delivery that did not switch tasks */
	bool double_fault; /* one was raised, delivered or not */
	struct machine_delivery last;
};

/*
 * Delivers *event, fetches the handler's first byte, delivers the fault that raises, and
 * so on. Deliveries that must come out alike are done a page of stack at a time; memory,
 * registers and TLB are those of doing each.
 */
void machine_follow(struct machine_cpu *cpu, const struct machine_event *event,
		    uint64_t max_frames, struct machine_story *story);

/* The same one by one, to prove that. */
void machine_follow_slowly(struct machine_cpu *cpu, const struct machine_event *event,
			   uint64_t max_frames, struct machine_story *story);

#endif
