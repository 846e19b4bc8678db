/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cpu_tlbstate.loaded_mm: the mm whose tables the kernel takes a processor to run on
 * (arch/x86/include/asm/tlbflush.h; since 3d28ebceaffa, 4.13: before, active_mm was there).
 * A switch of tasks to a kernel thread leaves it, and so does whoever loads swapper_pg_dir
 * by hand: it names the space in which a processor died.
 *
 * Kernels whose table of symbols has no data (32-bit ones of distributors) do not say where
 * it lies. Then it is known by its shape: an mm that is known, and not far behind it, in
 * the same struct, what CR4 is (1e02ce4cccdc, 4.0: `cr4`).
 */
#include "audit/per_cpu.h"
#include "linux/roots.h"
#include "x86/linux.h"
#include "x86/registers.h"

/* From loaded_mm to cr4: three words at least, eight at most in any configuration. */
#define CR4_FIRST 3
#define CR4_LAST 8

/* The per-CPU section has a megabyte at most, and symbols of it are offsets from 0, or
 * addresses in the image (x86-64 since 01157ddc58dc, 6.15, and i386). */
#define UNIT_MAX (UINT64_C(1) << 20)

struct shape {
	struct ws_system *system;
	uint64_t cr4;
	uint64_t mm, va; /* what was found, and where */
	bool disputed;
};

static bool is_known_mm(const struct ws_system *system, uint64_t mm)
{
	if (!mm || mm % system->layout.word)
		return false;
	ws_vec_each(&system->spaces, space)
		if (space->mm == mm)
			return true;
	return false;
}

static bool has_cr4(const struct shape *shape, const uint8_t *words, size_t left)
{
	unsigned word = shape->system->layout.word;

	for (unsigned i = CR4_FIRST; i <= CR4_LAST && (i + 1) * word <= left; i++)
		if (ws_le_word(words + i * word, word) == shape->cr4)
			return true;
	return false;
}

/* The struct is aligned to its cache lines: no frame's end cuts what is asked for here. */
static bool look_at_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct shape *shape = arg;
	unsigned word = shape->system->layout.word;

	for (size_t at = 0; at < WS_FRAME_SIZE; at += word) {
		uint64_t mm = ws_le_word(frame + at, word);

		if (!is_known_mm(shape->system, mm) ||
		    !has_cr4(shape, frame + at, WS_FRAME_SIZE - at))
			continue;
		shape->disputed |= shape->mm && shape->mm != mm;
		shape->mm = mm;
		shape->va = va + at;
	}
	return true;
}

static void search(struct shape *shape, uint64_t first, uint64_t last)
{
	if (last < first || !ws_is_kernel_va(shape->system, first) ||
	    !ws_is_kernel_va(shape->system, last))
		return;
	if (ws_search(shape->system, first & ~(uint64_t)(WS_FRAME_SIZE - 1), last, 0,
		      look_at_frame, shape) != WS_OK)
		shape->disputed = true;
}

/* How far a processor's own variables are from their symbols; 0: not known. */
static uint64_t unit_of(const struct ws_system *system, const struct ws_cpu *cpu)
{
	if (!x86_has_tables(cpu) || x86_in_user_mode(cpu))
		return 0;
	return x86_base(cpu, system->layout.word == 8 ? X86_GS : X86_FS);
}

static bool by_shape(struct ws_system *system, const struct ws_cpu *cpu, uint64_t *mm)
{
	const struct ws_layout *layout = &system->layout;
	struct shape shape = { .system = system, .cr4 = cpu->reg[X86_CR4] };
	uint64_t unit = unit_of(system, cpu), mask = ws_last_va(system);

	if (!unit || !shape.cr4)
		return false;
	if (layout->word == 8)
		search(&shape, unit, unit + (UNIT_MAX - 1));
	if (!shape.mm && layout->image_last)
		search(&shape, (unit + layout->image_first) & mask,
		       (unit + layout->image_last) & mask);
	*mm = shape.mm;
	if (shape.mm) /* for a capture: a search leaves nothing in it */
		ws_kernel_tour(system, shape.va, (CR4_LAST + 1) * layout->word);
	return shape.mm && !shape.disputed;
}

bool x86_loaded_mm(struct ws_system *system, size_t cpu, uint64_t *mm, bool *is_by_shape)
{
	*is_by_shape = false;
	if (ws_per_cpu_word(system, "cpu_tlbstate", cpu, mm) == WS_READ &&
	    ws_is_kernel_va(system, *mm))
		return true;
	*is_by_shape = by_shape(system, &system->target->cpus.v[cpu], mm);
	return *is_by_shape;
}
