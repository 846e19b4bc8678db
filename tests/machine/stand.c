/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stand.h"

#define ROOT 0x100000u
#define OWN_TABLES 0x101000u

static unsigned levels(const struct stand *stand)
{
	static const uint8_t n[] = { 2, 3, 4, 5 };

	return n[stand->mode];
}

static unsigned entry_size(const struct stand *stand)
{
	return stand->mode == STAND_32BIT ? 4 : 8;
}

static bool wide(const struct stand *stand)
{
	return stand->mode >= STAND_4LEVEL;
}

uint64_t stand_get(struct stand *stand, uint64_t pa, unsigned size)
{
	uint64_t value = 0;

	machine_memory_read(stand->memory, pa, &value, size);
	return value;
}

void stand_put(struct stand *stand, uint64_t pa, unsigned size, uint64_t value)
{
	machine_memory_write(stand->memory, pa, &value, size);
}

static uint64_t index_of(const struct stand *stand, uint64_t va, unsigned level)
{
	if (stand->mode == STAND_32BIT)
		return va >> (level == 1 ? 12 : 22) & 1023;
	return va >> (12 + 9 * (level - 1)) &
	       (stand->mode == STAND_PAE && level == 3 ? 3 : 511);
}

uint64_t stand_entry(struct stand *stand, uint64_t va, unsigned level)
{
	uint64_t table = stand->root, at, entry;

	for (unsigned l = levels(stand);; l--) {
		at = table + index_of(stand, va, l) * entry_size(stand);
		if (l == level)
			return at;
		entry = stand_get(stand, at, entry_size(stand));
		if (!(entry & P)) {
			entry = stand->next_table | P;
			if (l != 3 || stand->mode != STAND_PAE)
				entry |= RW | US;
			stand->next_table += 4096;
			stand_put(stand, at, entry_size(stand), entry);
		}
		table = entry & UINT64_C(0xffffffffff000);
	}
}

void stand_map(struct stand *stand, uint64_t va, unsigned level, uint64_t entry)
{
	stand_put(stand, stand_entry(stand, va, level), entry_size(stand), entry);
}

uint64_t stand_mapped(struct stand *stand, uint64_t va, unsigned level)
{
	return stand_get(stand, stand_entry(stand, va, level), entry_size(stand));
}

/* ---- segments and gates ---- */

void stand_descriptor(struct stand *stand, uint16_t selector, uint64_t raw)
{
	stand_put(stand, STAND_GDT + (selector & ~7u), 8, raw);
}

void stand_gate(struct stand *stand, unsigned vector, unsigned type, uint16_t selector,
		uint64_t handler, unsigned dpl, unsigned ist)
{
	uint64_t at = STAND_IDT + vector * (wide(stand) ? 16 : 8);

	stand_put(stand, at, 8,
		  (handler & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 |
			  (uint64_t)(0x80 | dpl << 5 | type) << 40 |
			  (handler >> 16 & 0xffff) << 48);
	if (wide(stand))
		stand_put(stand, at + 8, 8, handler >> 32);
}

static void build_segments(struct stand *stand)
{
	stand_descriptor(stand, STAND_KERNEL_CS,
			 wide(stand) ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
	stand_descriptor(stand, STAND_KERNEL_DS, 0x00cf93000000ffff);
	stand_descriptor(stand, STAND_USER_CS,
			 wide(stand) ? 0x00affb000000ffff : 0x00cffb000000ffff);
	stand_descriptor(stand, STAND_USER_DS, 0x00cff3000000ffff);
	stand_descriptor(stand, STAND_TR, 0x00008b0000000067 | (uint64_t)STAND_TSS << 16);
	for (unsigned v = 0; v < 256; v++)
		stand_gate(stand, v, 14, STAND_KERNEL_CS, STAND_HANDLER + v, 0, 0);
	stand_put(stand, STAND_TSS + 4, wide(stand) ? 8 : 4, STAND_INNER);
	if (wide(stand))
		stand_put(stand, STAND_TSS + 36, 8, STAND_IST);
	else
		stand_put(stand, STAND_TSS + 8, 4, STAND_KERNEL_DS);
}

static struct machine_segment segment(struct stand *stand, uint16_t selector)
{
	return machine_descriptor(selector,
				  stand_get(stand, STAND_GDT + (selector & ~7u), 8));
}

static void load_segments(struct stand *stand, struct machine_registers *r, bool user)
{
	uint16_t data = user ? STAND_USER_DS : STAND_KERNEL_DS;

	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		r->seg[i] = segment(stand, data);
	r->seg[MACHINE_SEG_CS] = segment(stand, user ? STAND_USER_CS : STAND_KERNEL_CS);
	r->cpl = user ? 3 : 0;
}

/* ---- the stand ---- */

void stand_open(struct stand *stand, enum stand_mode mode,
		const struct machine_model *model)
{
	struct machine_registers r;

	*stand = (struct stand){ .mode = mode, .root = ROOT, .next_table = OWN_TABLES };
	stand->memory = machine_memory_create(NULL, STAND_RAM);
	assert_non_null(stand->memory);
	machine_cpu_init(&stand->cpu, model, stand->memory);
	for (uint64_t va = 0; va < STAND_IDENTITY; va += 4096)
		stand_map(stand, va, 1, va | P | RW);
	build_segments(stand);
	r = stand->cpu.r;
	r.cr3 = ROOT;
	r.cr4 = mode == STAND_32BIT ? CR4_PSE
				    : 0x20 | (mode == STAND_5LEVEL ? 0x1000 : 0);
	r.efer = wide(stand) ? 0x500 : 0;
	r.cr0 = 0x80000011;
	load_segments(stand, &r, false);
	r.tr = segment(stand, STAND_TR);
	r.gdtr = (struct machine_table){ STAND_GDT, 0xfff };
	r.idtr = (struct machine_table){ STAND_IDT, 0xfff };
	r.reg[MACHINE_REG_SP] = STAND_STACK;
	r.ip = 0x1000;
	r.flags = 2 | FLAGS_IF;
	machine_cpu_load(&stand->cpu, &r);
	machine_cpu_read_pdptes(&stand->cpu);
}

void stand_close(struct stand *stand)
{
	assert_false(machine_memory_failed(stand->memory));
	machine_cpu_release(&stand->cpu);
	machine_memory_destroy(stand->memory);
}

void stand_set(struct stand *stand, void (*change)(struct machine_registers *r))
{
	struct machine_registers r = stand->cpu.r;

	change(&r);
	machine_cpu_load(&stand->cpu, &r);
}

void stand_control(struct stand *stand, uint64_t cr0, uint64_t cr4, uint64_t efer)
{
	struct machine_registers r = stand->cpu.r;

	r.cr0 |= cr0;
	r.cr4 |= cr4;
	r.efer |= efer;
	machine_cpu_load(&stand->cpu, &r);
}

void stand_user(struct stand *stand)
{
	struct machine_registers r = stand->cpu.r;

	load_segments(stand, &r, true);
	machine_cpu_load(&stand->cpu, &r);
}

void stand_goes(struct stand *stand, uint64_t va, unsigned access, uint64_t pa)
{
	struct machine_translation t = { 0 };
	struct machine_event event;

	if (!machine_translate(&stand->cpu, va, access, &t, &event))
		fail_msg("access %x to %" PRIx64 ": %s(%x)", access, va,
			 machine_vector_name(event.vector), event.error);
	assert_int_equal(t.pa, pa);
}

void stand_faults(struct stand *stand, uint64_t va, unsigned access, unsigned vector,
		  uint32_t error)
{
	struct machine_translation t;
	struct machine_event event = { 0 };

	assert_false(machine_translate(&stand->cpu, va, access, &t, &event));
	assert_int_equal(event.vector, vector);
	assert_int_equal(event.error, error);
	if (vector == MACHINE_PF)
		assert_int_equal(event.address, va);
}
