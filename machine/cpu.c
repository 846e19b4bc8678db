/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor as a whole: its registers' own rules, SDM 2.2 to 2.5 and 4.1. */
#include "mmu.h"
#include "segment.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct machine_departure machine_departures[] = {
	{ MACHINE_RSVD_WITHOUT_P, "rsvd-without-p", "SDM 4.7",
	  "a reserved bit's error code has RSVD set and P clear" },
	{ MACHINE_PDPTES_IN_MEMORY, "pdptes-in-memory", "SDM 4.4.1",
	  "PAE walks read the PDPTE from memory and set its bit 5; a malformed one is a "
	  "page fault of the walk, or nothing, and not #GP at the CR3 write" },
	{ MACHINE_GIGABYTE_ACCESSED, "gigabyte-accessed", "SDM 4.8",
	  "the accessed flag of a 1 GiB page is set even where the access is refused" },
	{ MACHINE_IMPLICIT_HONOURS_AC, "implicit-honours-ac", "SDM 4.6.1",
	  "EFLAGS.AC lifts SMAP for implicit supervisor accesses too while CPL is below "
	  "3, and the pushes of a delivery from CPL 3 are under SMAP whatever AC is" },
	{ MACHINE_NO_STACK_LIMIT, "no-stack-limit", "SDM 5.3",
	  "a push during delivery is not checked against the stack segment's limit" },
	{ MACHINE_NO_EXT, "no-ext", "SDM 6.13",
	  "error codes of failed deliveries have EXT clear" },
	{ MACHINE_NO_RF, "no-rf", "SDM vol. 3B 18.3.1.1",
	  "the pushed image of EFLAGS has RF clear for faults", 901 }, /* 69cb498c5626 */
	{ MACHINE_NO_SEGMENT_ACCESSED, "no-segment-accessed", "SDM 3.4.5.1",
	  "delivery does not set the accessed flag of the descriptors it loads" },
	{ MACHINE_ABSENT_STACK_IS_TS, "absent-stack-is-ts", "SDM 6.15, #SS",
	  "a stack segment that is not present is #TS, in a task switch #NP, not #SS" },
	{ MACHINE_STACK_ADDRESS_IS_GP, "stack-address-is-gp", "SDM 6.15, #SS",
	  "a push on the current stack to an address that is not canonical is #GP" },
	{ MACHINE_NO_IP_CHECK, "no-ip-check", "SDM vol. 2A, INT n",
	  "a handler's address outside CS or not canonical is found by its fetch" },
	{ MACHINE_TASK_CR3_UNCHECKED, "task-cr3-unchecked", "SDM 4.4.1",
	  "a task switch does not check the PDPTEs of the new CR3" },
	{ MACHINE_PSE36_UNCHECKED, "pse36-unchecked", "SDM table 4-4",
	  "a 4 MiB page's address bits from MAXPHYADDR up are not reserved" },
	{ MACHINE_IDT_ERROR_BY_16, "idt-error-by-16", "SDM 6.13",
	  "in IA-32e mode an error code names a gate by its offset, not by its vector",
	  800 }, /* "i386: Emit correct error code for 64-bit IDT entry", in 2023-01 */
	{ MACHINE_KEEPS_ESP_HALF, "keeps-esp-half", "SDM vol. 2A, INT n",
	  "a change to a 16-bit stack keeps the high half of ESP" },
	{ 0 },
};
/* clang-format on */

uint32_t machine_tcg(unsigned version)
{
	uint32_t departures = 0;

	for (const struct machine_departure *d = machine_departures; d->bit; d++)
		if (!d->mended || version < d->mended)
			departures |= d->bit;
	return departures;
}

static struct machine_segment flat(uint16_t selector, uint32_t type)
{
	return (struct machine_segment){
		.limit = UINT32_MAX,
		.attributes = (uint32_t)(DESC_G | DESC_DB | DESC_P | DESC_S | type),
		.selector = selector,
	};
}

void machine_cpu_init(struct machine_cpu *cpu, const struct machine_model *model,
		      struct machine_memory *memory)
{
	*cpu = (struct machine_cpu){ .model = *model, .memory = memory };
	cpu->tlb.kind = model->tlb;
	cpu->r.cr0 = CR0_PE | CR0_ET;
	cpu->r.flags = FLAGS_FIXED;
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		cpu->r.seg[i] = flat(0x10, DESC_W | DESC_A);
	cpu->r.seg[MACHINE_SEG_CS] = flat(0x08, DESC_CODE | DESC_W | DESC_A);
	cpu->r.tr.attributes = DESC_P | TYPE_TSS << 8;
	machine_tlb_flush(cpu);
	mmu_settle(cpu);
}

void machine_cpu_release(struct machine_cpu *cpu)
{
	free(cpu->tlb.slot);
	cpu->tlb.slot = NULL;
}

void machine_cpu_load(struct machine_cpu *cpu, const struct machine_registers *r)
{
	cpu->r = *r;
	cpu->shut_down = false;
	machine_tlb_flush(cpu);
	mmu_settle(cpu);
}

void machine_cpu_read_pdptes(struct machine_cpu *cpu)
{
	mmu_pdptes(cpu, cpu->r.cr3, cpu->r.pdpte);
}

/*
 * SDM 4.4.1: where PAE paging would be in use, a MOV to CR loads the PDPTE registers if
 * it changes one of the bits that matter; a malformed PDPTE is #GP(0) and loads none.
 */
static bool reload_pdptes(struct machine_cpu *cpu, uint64_t cr3)
{
	uint64_t pdpte[4];

	if (!mmu_pae(cpu) || departs(cpu, MACHINE_PDPTES_IN_MEMORY))
		return true;
	if (!mmu_pdptes(cpu, cr3, pdpte))
		return false;
	memcpy(cpu->r.pdpte, pdpte, sizeof(pdpte));
	return true;
}

/* SDM 2.5, 4.1.2: what may not be written to CR0 in the current state. */
static bool cr0_sound(const struct machine_cpu *cpu, uint64_t value)
{
	const struct machine_registers *r = &cpu->r;
	bool turns_on = value & CR0_PG && !(r->cr0 & CR0_PG);

	if (value >> 32 || (value & CR0_PG && !(value & CR0_PE)) ||
	    (value & CR0_NW && !(value & CR0_CD)))
		return false;
	return !turns_on || !(r->efer & EFER_LME) || r->cr4 & CR4_PAE;
}

/* IA32_EFER.LMA follows CR0.PG and LME (SDM 10.8.5). */
static void follow_paging(struct machine_registers *r)
{
	bool active = r->cr0 & CR0_PG && r->efer & EFER_LME;

	r->efer = (r->efer & ~EFER_LMA) | (active ? EFER_LMA : 0);
}

bool machine_write_cr0(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event)
{
	struct machine_registers before = cpu->r;
	uint64_t changed;

	if (!cr0_sound(cpu, value))
		return raise(event, MACHINE_GP, 0);
	changed = before.cr0 ^ value;
	cpu->r.cr0 = value | CR0_ET;
	follow_paging(&cpu->r);
	if (changed & (CR0_PG | CR0_CD | CR0_NW) && !reload_pdptes(cpu, cpu->r.cr3)) {
		cpu->r = before;
		return raise(event, MACHINE_GP, 0);
	}
	/*
	 * SDM 4.10.4.1: clearing PG invalidates all. QEMU's cpu_x86_update_cr0() flushes
	 * for PE and WP as well.
	 */
	if (changed & CR0_PG ||
	    (cpu->tlb.kind == MACHINE_TLB_TCG && changed & (CR0_PE | CR0_WP)))
		machine_tlb_flush(cpu);
	mmu_settle(cpu);
	return true;
}

bool machine_write_cr3(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event)
{
	bool keep = value >> 63 && cpu->r.cr4 & CR4_PCIDE;

	if (keep)
		value &= ~BIT(63);
	if (machine_long_mode(cpu) &&
	    (value & ~cpu->model.c_bit) >> cpu->model.maxphyaddr)
		return raise(event, MACHINE_GP, 0);
	if (!machine_long_mode(cpu))
		value &= BITS(31, 0);
	if (!reload_pdptes(cpu, value))
		return raise(event, MACHINE_GP, 0);
	cpu->r.cr3 = value;
	/*
	 * SDM 4.10.4.1 lets a processor invalidate more than it must: there are no PCIDs
	 * here, so bit 63 spares nothing.
	 */
	tlb_flush_local(cpu);
	return true;
}

/* SDM 2.5: bits whose feature is not there are reserved. */
static uint64_t cr4_known(const struct machine_cpu *cpu)
{
	uint32_t has = cpu->model.features;

	return CR4_OTHER | CR4_PSE | CR4_PAE | CR4_PGE |
	       (has & MACHINE_HAS_SMEP ? CR4_SMEP : 0) |
	       (has & MACHINE_HAS_SMAP ? CR4_SMAP : 0) |
	       (has & MACHINE_HAS_LA57 ? CR4_LA57 : 0) |
	       (has & MACHINE_HAS_LONG_MODE ? CR4_PCIDE : 0);
}

/* SDM 4.1.2: PAE and LA57 do not change in IA-32e mode; PCIDE needs it. */
static bool cr4_sound(const struct machine_cpu *cpu, uint64_t value)
{
	uint64_t changed = cpu->r.cr4 ^ value;
	bool long_mode = machine_long_mode(cpu);

	if (value & ~cr4_known(cpu))
		return false;
	if (long_mode && changed & (CR4_PAE | CR4_LA57))
		return false;
	return !(changed & value & CR4_PCIDE) || (long_mode && !(cpu->r.cr3 & 0xfff));
}

bool machine_write_cr4(struct machine_cpu *cpu, uint64_t value,
		       struct machine_event *event)
{
	uint64_t before = cpu->r.cr4, changed = before ^ value;

	if (!cr4_sound(cpu, value))
		return raise(event, MACHINE_GP, 0);
	cpu->r.cr4 = value;
	if (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP) &&
	    !reload_pdptes(cpu, cpu->r.cr3)) {
		cpu->r.cr4 = before;
		return raise(event, MACHINE_GP, 0);
	}
	/*
	 * SDM 4.10.4.1: PGE either way, PCIDE cleared, PAE, SMEP set. QEMU's
	 * cpu_x86_update_cr4() flushes for PSE and SMAP as well.
	 */
	if (changed & (CR4_PGE | CR4_PAE) || before & ~value & CR4_PCIDE ||
	    changed & value & CR4_SMEP ||
	    (cpu->tlb.kind == MACHINE_TLB_TCG &&
	     changed & (CR4_PSE | CR4_SMEP | CR4_SMAP | CR4_LA57)))
		machine_tlb_flush(cpu);
	mmu_settle(cpu);
	return true;
}

/* SDM 2.2.1, table 2-1: LME does not change while paging is on. */
bool machine_write_efer(struct machine_cpu *cpu, uint64_t value,
			struct machine_event *event)
{
	uint32_t has = cpu->model.features;
	uint64_t known = EFER_LMA | (has & MACHINE_HAS_NX ? EFER_NXE : 0) |
			 (has & MACHINE_HAS_LONG_MODE ? EFER_LME | EFER_SCE : 0);

	if (value & ~known || ((cpu->r.efer ^ value) & EFER_LME && cpu->paging))
		return raise(event, MACHINE_GP, 0);
	cpu->r.efer = (value & ~EFER_LMA) | (cpu->r.efer & EFER_LMA);
	mmu_settle(cpu);
	return true;
}
