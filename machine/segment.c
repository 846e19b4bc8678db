/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Segments and their descriptors: SDM 3.4 and chapter 5. */
#include "mmu.h"
#include "segment.h"

/* SDM 3.4.5, figure 3-8: base 31:24 and 23:0, limit 19:16 and 15:0, granularity. */
struct machine_segment machine_descriptor(uint16_t selector, uint64_t raw)
{
	uint32_t limit = (uint32_t)(raw & 0xffff) | (uint32_t)(raw >> 32 & 0xf0000);

	if (raw >> 32 & DESC_G)
		limit = limit << 12 | 0xfff;
	return (struct machine_segment){
		.base = (raw >> 16 & 0xffffff) | (raw >> 56) << 24,
		.limit = limit,
		.attributes = (uint32_t)(raw >> 32),
		.selector = selector,
	};
}

/* SDM 5.3: an expand-down data segment holds what lies above its limit. */
bool machine_within_limit(const struct machine_segment *segment, uint64_t offset,
			  uint64_t size)
{
	const uint32_t down = DESC_S | DESC_CE;
	uint64_t last = offset + size - 1, top = BITS(31, 0);

	if ((segment->attributes & (down | DESC_CODE)) != down)
		return last >= offset && last <= segment->limit;
	if (!(segment->attributes & DESC_DB))
		top = 0xffff;
	return last >= offset && offset > segment->limit && last <= top;
}

/* SDM 6.14.2, 3.5: 64-bit code has 64-bit stacks, else the B flag decides. */
uint64_t segment_stack_mask(const struct machine_cpu *cpu,
			    const struct machine_segment *ss)
{
	if (machine_long_mode(cpu))
		return ~UINT64_C(0);
	return ss->attributes & DESC_DB ? BITS(31, 0) : BITS(15, 0);
}

/* SDM vol. 3B 21.2: a selector in virtual-8086 mode. */
struct machine_segment segment_vm86(uint16_t selector)
{
	return (struct machine_segment){
		.base = (uint64_t)selector << 4,
		.limit = 0xffff,
		.attributes = DESC_P | DESC_S | DESC_W | DESC_A | 3u << 13,
		.selector = selector,
	};
}

/* Where the selector's descriptor lies, and whether its table reaches that far. */
static bool descriptor_address(const struct machine_cpu *cpu, uint16_t selector,
			       uint64_t *va)
{
	uint32_t offset = selector & ~7u;
	bool local = selector & SELECTOR_TI;
	uint64_t base = local ? cpu->r.ldtr.base : cpu->r.gdtr.base;
	uint32_t limit = local ? cpu->r.ldtr.limit : cpu->r.gdtr.limit;

	*va = base + offset;
	return offset + 7 <= limit;
}

bool segment_read(struct machine_cpu *cpu, uint16_t selector, enum machine_vector vector,
		  uint32_t ext, struct machine_segment *segment,
		  struct machine_event *event)
{
	uint64_t va, raw;

	if (!descriptor_address(cpu, selector, &va))
		return raise(event, vector, SELECTOR_INDEX(selector) | ext);
	if (!machine_load(cpu, va, 8, MACHINE_READ | MACHINE_IMPLICIT, &raw, event))
		return false;
	*segment = machine_descriptor(selector, raw);
	return true;
}

bool segment_mark(struct machine_cpu *cpu, const struct machine_segment *segment,
		  uint32_t flag, struct machine_event *event)
{
	uint64_t va;

	if (!descriptor_address(cpu, segment->selector, &va))
		return true;
	return access_store_flags(cpu, va + 4, 4, MACHINE_WRITE | MACHINE_IMPLICIT,
				  segment->attributes | flag, event);
}

bool segment_accessed(struct machine_cpu *cpu, const struct machine_segment *segment,
		      struct machine_event *event)
{
	if (segment->attributes & DESC_A || departs(cpu, MACHINE_NO_SEGMENT_ACCESSED))
		return true;
	return segment_mark(cpu, segment, DESC_A, event);
}
