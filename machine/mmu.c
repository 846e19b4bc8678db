/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linear to physical addresses: SDM chapter 4. */
#include "mmu.h"

/* ---- the paging modes, as data ---- */

/* clang-format off */

/* Levels count from 1, the page table; [0] is not used. may_map: PS means a page. */
#define NO_LEVEL { 0 }
#define LEVEL(shift, bits, may_map, reserved) { shift, bits, may_map, true, reserved }

/* SDM 4.3, tables 4-3 to 4-6. */
static const struct machine_paging paging_32bit = {
	"32-bit", 2, 4, 0, false, BITS(31, 12),
	{ NO_LEVEL, LEVEL(12, 10, false, 0), LEVEL(22, 10, true, 0) }
};

/* SDM 4.3, table 4-5: PS is ignored while CR4.PSE is 0. */
static const struct machine_paging paging_32bit_no_pse = {
	"32-bit without PSE", 2, 4, 0, false, BITS(31, 12),
	{ NO_LEVEL, LEVEL(12, 10, false, 0), LEVEL(22, 10, false, 0) }
};

/* SDM 4.4, tables 4-8 to 4-11: bits 62:MAXPHYADDR are reserved, and so are 62:52. */
#define PAE_LEVELS \
	LEVEL(12, 9, false, BITS(62, 52)), LEVEL(21, 9, true, BITS(62, 52))

static const struct machine_paging paging_pae = {
	"PAE", 3, 8, 0, true, BITS(31, 5),
	{ NO_LEVEL, PAE_LEVELS, { 30, 2, false, false, BITS(63, 52) } }
};

/*
 * QEMU's mmu_translate(): every walk reads the PDPTE, sets its bit 5, and minds only the
 * high reserved bits.
 */
static const struct machine_paging paging_pae_in_memory = {
	"PAE, PDPTEs in memory", 3, 8, 0, false, BITS(31, 5),
	{ NO_LEVEL, PAE_LEVELS, { 30, 2, false, false, BITS(63, 52) } }
};

/* SDM 4.5, tables 4-14 to 4-20: PS is reserved at levels 4 and 5. */
#define LONG_LEVELS \
	LEVEL(12, 9, false, 0), LEVEL(21, 9, true, 0), LEVEL(30, 9, true, 0), \
	LEVEL(39, 9, false, ENTRY_PS)

static const struct machine_paging paging_4level = {
	"4-level", 4, 8, 16, false, BITS(51, 12), { NO_LEVEL, LONG_LEVELS }
};

static const struct machine_paging paging_5level = {
	"5-level", 5, 8, 7, false, BITS(51, 12),
	{ NO_LEVEL, LONG_LEVELS, LEVEL(48, 9, false, ENTRY_PS) }
};

/* clang-format on */

/* ---- rights ---- */

/* SDM 4.6.1; smap: the access is under SMAP. */
static bool permitted(const struct machine_cpu *cpu, unsigned access, bool smap,
		      unsigned rights)
{
	bool user_page = rights & MACHINE_MAY_USER, user = access & MACHINE_USER;
	unsigned kind = access & MACHINE_KIND;

	if (user && !user_page)
		return false;
	if (kind == MACHINE_FETCH)
		return !(rights & MACHINE_NO_EXECUTE) &&
		       (user || !user_page || !(cpu->r.cr4 & CR4_SMEP));
	if (!user && user_page && smap)
		return false;
	return kind == MACHINE_READ || rights & MACHINE_MAY_WRITE ||
	       (!user && !(cpu->r.cr0 & CR0_WP));
}

/* A TLB entry serves a write only if the dirty flag is set already (SDM 4.8). */
static uint32_t allowed_rights(const struct machine_cpu *cpu, unsigned access, bool smap)
{
	bool write = (access & MACHINE_KIND) == MACHINE_WRITE;
	uint32_t allowed = 0;

	for (unsigned rights = 0; rights < MACHINE_GLOBAL; rights++)
		if (permitted(cpu, access, smap, rights) &&
		    (!write || rights & MACHINE_DIRTY))
			allowed |= UINT32_C(1) << rights;
	return allowed | allowed << MACHINE_GLOBAL;
}

/* ---- what the registers ask for ---- */

/* SDM 4.1.1, table 4-1. */
static const struct machine_paging *paging_of(const struct machine_cpu *cpu)
{
	const struct machine_registers *r = &cpu->r;

	if (!(r->cr0 & CR0_PG))
		return NULL;
	if (!(r->cr4 & CR4_PAE))
		return r->cr4 & CR4_PSE ? &paging_32bit : &paging_32bit_no_pse;
	if (r->efer & EFER_LMA)
		return r->cr4 & CR4_LA57 ? &paging_5level : &paging_4level;
	return departs(cpu, MACHINE_PDPTES_IN_MEMORY) ? &paging_pae_in_memory
						      : &paging_pae;
}

bool mmu_pae(const struct machine_cpu *cpu)
{
	return cpu->r.cr0 & CR0_PG && cpu->r.cr4 & CR4_PAE && !(cpu->r.efer & EFER_LMA);
}

/*
 * Table 4-4: a 4 MiB page's PDE holds address bits M-1:32 at 13 and up, where M is
 * MAXPHYADDR but no more than 40; the bits up to 21 that are left are reserved.
 */
static uint64_t pse36_reserved(const struct machine_cpu *cpu)
{
	unsigned m = cpu->model.maxphyaddr;

	if (m > 40 || departs(cpu, MACHINE_PSE36_UNCHECKED))
		m = 40;
	return cpu->model.features & MACHINE_HAS_PSE36 ? BITS(21, m - 19) : BITS(21, 13);
}

/* Tables 4-11, 4-16, 4-18: below a large page's address only the PAT bit is not. */
static uint64_t large_reserved(const struct machine_cpu *cpu, const struct level *level)
{
	if (cpu->paging->entry_size == 4)
		return pse36_reserved(cpu);
	if (level->shift == 30 && !(cpu->model.features & MACHINE_HAS_GIGABYTE))
		return ENTRY_PS;
	return BITS(level->shift - 1, 13);
}

static uint64_t reserved_bits(const struct machine_cpu *cpu, const struct level *level)
{
	uint64_t reserved = level->reserved;

	if (cpu->paging->entry_size == 4)
		return reserved;
	if (cpu->model.maxphyaddr < 52)
		reserved |= BITS(51, cpu->model.maxphyaddr);
	if (!(cpu->r.efer & EFER_NXE))
		reserved |= ENTRY_XD;
	return reserved & ~cpu->not_address;
}

void mmu_settle(struct machine_cpu *cpu)
{
	cpu->paging = paging_of(cpu);
	cpu->address_mask = machine_long_mode(cpu) ? ~UINT64_C(0) : BITS(31, 0);
	cpu->va_unused = cpu->paging ? cpu->paging->va_unused : 0;
	cpu->not_address = machine_long_mode(cpu) ? cpu->model.c_bit : 0;
	for (unsigned access = 0; access < 16; access++)
		for (unsigned smap = 0; smap < 2; smap++)
			cpu->rule[smap][access] =
				(struct machine_rule){ allowed_rights(cpu, access, smap),
						       tlb_index(cpu, access, smap) };
	if (!cpu->paging)
		return;
	for (unsigned l = 1; l <= cpu->paging->levels; l++) {
		const struct level *level = &cpu->paging->level[l];

		cpu->reserved[l][0] = reserved_bits(cpu, level);
		cpu->reserved[l][1] = cpu->reserved[l][0];
		if (level->may_map)
			cpu->reserved[l][1] |= large_reserved(cpu, level);
	}
}

bool mmu_pdptes(struct machine_cpu *cpu, uint64_t cr3, uint64_t pdpte[4])
{
	uint64_t table = cr3 & paging_pae.root_mask;
	uint64_t reserved = BITS(2, 1) | BITS(8, 5) | BITS(63, cpu->model.maxphyaddr);
	bool sound = true;

	for (unsigned i = 0; i < 4; i++) {
		pdpte[i] = memory_load(cpu->memory, table + 8 * i, 8);
		if (pdpte[i] & ENTRY_P && pdpte[i] & reserved)
			sound = false;
	}
	return sound;
}

/* ---- faults ---- */

/* SDM 4.7, figure 4-12. */
static rare bool page_fault(const struct machine_cpu *cpu, uint64_t va, unsigned access,
			    uint32_t error, struct machine_event *event)
{
	unsigned kind = access & MACHINE_KIND;
	bool has_fetch_flag =
		(cpu->r.cr4 & CR4_PAE && cpu->r.efer & EFER_NXE) || cpu->r.cr4 & CR4_SMEP;

	if (error & MACHINE_PF_RSVD && !departs(cpu, MACHINE_RSVD_WITHOUT_P))
		error |= MACHINE_PF_P;
	if (kind == MACHINE_WRITE)
		error |= MACHINE_PF_W;
	if (access & MACHINE_USER)
		error |= MACHINE_PF_U;
	if (kind == MACHINE_FETCH && has_fetch_flag)
		error |= MACHINE_PF_I;
	raise(event, MACHINE_PF, error);
	event->address = va;
	return false;
}

/* ---- the walk ---- */

/*
 * All of it is inlined twice, for entries of 4 and of 8 bytes: `size` is a constant.
 */
#define inlined static inline __attribute__((always_inline))

/* One entry on the way, and where it lies. */
struct entry {
	struct frame *frame;
	unsigned offset;
	uint64_t value;
};

inlined struct entry read_entry(struct machine_cpu *cpu, uint64_t pa, unsigned size)
{
	struct frame *frame = memory_frame(cpu->memory, pa);
	unsigned offset = pa % MACHINE_FRAME_SIZE;

	memory_mark_read(cpu->memory, frame, pa);
	return (struct entry){ frame, offset, load_le(frame->bytes + offset, size) };
}

static rare void write_flags(struct machine_cpu *cpu, const struct entry *entry,
			     unsigned size)
{
	uint8_t *bytes = memory_own(cpu->memory, entry->frame, MACHINE_WROTE_FLAGS);

	if (bytes)
		store_le(bytes + entry->offset, size, entry->value);
}

/* SDM 4.8: sets flags that are not set yet. */
inlined void set_flags(struct machine_cpu *cpu, struct entry *entry, uint64_t flags,
		       unsigned size)
{
	if (likely((entry->value & flags) == flags))
		return;
	entry->value |= flags;
	write_flags(cpu, entry, size);
}

/* What the entry takes away from what those above it left. */
inlined unsigned narrow(unsigned rights, uint64_t entry)
{
	const unsigned granted = MACHINE_MAY_WRITE | MACHINE_MAY_USER;

	return (rights & ((unsigned)entry | ~granted)) | (unsigned)(entry >> 63);
}

/* Tables 4-4 and 4-6, 4-10 and 4-11, 4-16, 4-18 and 4-20. */
inlined uint64_t page_address(const struct machine_cpu *cpu, const struct level *level,
			      uint64_t entry, unsigned size)
{
	if (size == 8)
		return entry & BITS(51, level->shift) & ~cpu->not_address;
	if (level->shift == 12)
		return entry & BITS(31, 12);
	return (entry & BITS(31, 22)) | (entry & BITS(20, 13)) << 19;
}

inlined uint64_t table_address(const struct machine_cpu *cpu, uint64_t entry,
			       unsigned size)
{
	return size == 8 ? entry & BITS(51, 12) & ~cpu->not_address
			 : entry & BITS(31, 12);
}

/*
 * The leaf was found; SDM 4.8: its accessed flag is set by an access that goes through,
 * its dirty flag by a write that does.
 */
inlined bool finish(struct machine_cpu *cpu, uint64_t va, unsigned access,
		    const struct level *level, struct entry *leaf, unsigned rights,
		    struct machine_translation *translation, struct machine_event *event,
		    unsigned size)
{
	bool write = (access & MACHINE_KIND) == MACHINE_WRITE;

	if (!mmu_allows(mmu_rule(cpu, access), rights | MACHINE_DIRTY))
		return page_fault(cpu, va, access, MACHINE_PF_P, event);
	set_flags(cpu, leaf, write ? ENTRY_A | ENTRY_D : ENTRY_A, size);
	if (leaf->value & ENTRY_D)
		rights |= MACHINE_DIRTY;
	if (leaf->value & ENTRY_G && cpu->r.cr4 & CR4_PGE)
		rights |= MACHINE_GLOBAL;
	translation->pa = page_address(cpu, level, leaf->value, size) |
			  (va & (BIT(level->shift) - 1));
	translation->page_shift = level->shift;
	translation->rights = (uint8_t)rights;
	return true;
}

/*
 * SDM 4.3 to 4.5, figures 4-2 to 4-11. An entry that leads to a table is used for the
 * translation, and so accessed (4.8), even where a later one ends it in a fault.
 */
inlined bool walk(struct machine_cpu *cpu, uint64_t va, unsigned access, unsigned l,
		  uint64_t table, struct machine_translation *translation,
		  struct machine_event *event, unsigned size)
{
	unsigned rights = MACHINE_MAY_USER | MACHINE_MAY_WRITE;

	for (;; l--) {
		const struct level *level = &cpu->paging->level[l];
		uint64_t index = va >> level->shift & (BIT(level->bits) - 1);
		struct entry entry = read_entry(cpu, table + index * size, size);
		bool maps = level->may_map && entry.value & ENTRY_PS;

		if (!(entry.value & ENTRY_P))
			return page_fault(cpu, va, access, 0, event);
		if (maps && level->shift == 30 &&
		    departs(cpu, MACHINE_GIGABYTE_ACCESSED) &&
		    !(entry.value & cpu->reserved[l][0]))
			set_flags(cpu, &entry, ENTRY_A, size);
		if (entry.value & cpu->reserved[l][maps])
			return page_fault(cpu, va, access, MACHINE_PF_RSVD, event);
		if (level->grants)
			rights = narrow(rights, entry.value);
		if (maps || l == 1)
			return finish(cpu, va, access, level, &entry, rights, translation,
				      event, size);
		set_flags(cpu, &entry, ENTRY_A, size);
		table = table_address(cpu, entry.value, size);
	}
}

/* SDM 4.4.2: the PDPTE is a register. */
static bool walk_pae(struct machine_cpu *cpu, uint64_t va, unsigned access,
		     struct machine_translation *translation, struct machine_event *event)
{
	uint64_t pdpte = cpu->r.pdpte[va >> 30 & 3];

	if (!(pdpte & ENTRY_P))
		return page_fault(cpu, va, access, 0, event);
	return walk(cpu, va, access, 2, table_address(cpu, pdpte, 8), translation, event,
		    8);
}

bool mmu_walk(struct machine_cpu *cpu, uint64_t va, unsigned access,
	      struct machine_translation *translation, struct machine_event *event)
{
	const struct machine_paging *paging = cpu->paging;
	uint64_t root = cpu->r.cr3 & paging->root_mask & ~cpu->not_address;

	if (paging->pdpte_registers)
		return walk_pae(cpu, va, access, translation, event);
	if (paging->entry_size == 4)
		return walk(cpu, va, access, 2, root, translation, event, 4);
	return walk(cpu, va, access, paging->levels, root, translation, event, 8);
}
