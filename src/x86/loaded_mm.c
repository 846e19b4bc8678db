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
#include "x86/tlb_state.h"

/* From loaded_mm to cr4: three words at least, eight at most in any configuration. */
#define CR4_FIRST 3
#define CR4_LAST 8

/* The per-CPU section has a megabyte at most, and symbols of it are offsets from 0, or
 * addresses in the image (x86-64 since 01157ddc58dc, 6.15, and i386). */
#define UNIT_MAX (UINT64_C(1) << 20)

/* What looks like it in a processor's own memory. */
struct candidate {
	uint64_t mm, va;
	int32_t cr4;
};
#define CANDIDATES_MAX 16

struct shape {
	struct ws_system *system;
	uint64_t cr4;
	struct candidate v[CANDIDATES_MAX];
	unsigned n;
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

/* How far behind loaded_mm what lies there has CR4; WS_NO_FIELD: nowhere. */
static int32_t find_cr4(const uint8_t *words, size_t left, unsigned word, uint64_t cr4)
{
	for (unsigned i = CR4_FIRST; i <= CR4_LAST && (i + 1) * word <= left; i++)
		if (ws_le_word(words + i * word, word) == cr4)
			return (int32_t)(i * word);
	return WS_NO_FIELD;
}

/* The word behind loaded_mm, often the same. */
static bool is_last_user_mm(const struct shape *shape, uint64_t mm, uint64_t va)
{
	unsigned word = shape->system->layout.word;

	return shape->n && shape->v[shape->n - 1].mm == mm &&
	       shape->v[shape->n - 1].va + word == va;
}

static void add(struct shape *shape, uint64_t mm, uint64_t va, int32_t cr4)
{
	if (shape->n == CANDIDATES_MAX)
		shape->disputed = true;
	else
		shape->v[shape->n++] = (struct candidate){ mm, va, cr4 };
}

/* The struct is aligned to its cache lines: no frame's end cuts what is asked for here. */
static bool look_at_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct shape *shape = arg;
	unsigned word = shape->system->layout.word;

	for (size_t at = 0; at < WS_FRAME_SIZE; at += word) {
		uint64_t mm = ws_le_word(frame + at, word);
		int32_t cr4 = find_cr4(frame + at, WS_FRAME_SIZE - at, word, shape->cr4);

		if (cr4 != WS_NO_FIELD && is_known_mm(shape->system, mm) &&
		    !is_last_user_mm(shape, mm, va + at))
			add(shape, mm, va + at, cr4);
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

/* For a capture: a search leaves nothing in it. */
static void look_at(struct ws_system *system, uint64_t va)
{
	ws_kernel_tour(system, va,
		       (CR4_LAST + 1) * system->layout.word + X86_CTXS * X86_CTX_SIZE);
}

/*
 * Others' own memory may lie so near that theirs is found as well. Of those, as far from
 * their own as this is from this one's, not all have what their CR4 is.
 */
static bool fits_others(struct ws_system *system, uint64_t unit,
			const struct candidate *candidate)
{
	uint64_t mask = ws_last_va(system), word;

	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t own = unit_of(system, cpu);
		uint64_t va =
			(candidate->va - unit + own + (uint64_t)candidate->cr4) & mask;

		if (own && own != unit &&
		    (ws_kernel_word(system, va, &word) != WS_READ ||
		     word != cpu->reg[X86_CR4]))
			return false;
	}
	return true;
}

/* All that fit have one mm. */
static bool choose(struct shape *shape, uint64_t unit, struct x86_tlb_state *state)
{
	for (unsigned i = 0; i < shape->n; i++) {
		const struct candidate *candidate = &shape->v[i];

		if (!fits_others(shape->system, unit, candidate))
			continue;
		shape->disputed |= state->mm && state->mm != candidate->mm;
		*state = (struct x86_tlb_state){
			.va = candidate->va,
			.mm = candidate->mm,
			.cr4 = candidate->cr4,
			.by_shape = true,
		};
	}
	return state->mm && !shape->disputed;
}

static bool by_shape(struct ws_system *system, const struct ws_cpu *cpu,
		     struct x86_tlb_state *state)
{
	const struct ws_layout *layout = &system->layout;
	struct shape shape = { .system = system, .cr4 = cpu->reg[X86_CR4] };
	uint64_t unit = unit_of(system, cpu), mask = ws_last_va(system);

	*state = (struct x86_tlb_state){ 0 };
	if (!unit || !shape.cr4)
		return false;
	if (layout->word == 8)
		search(&shape, unit, unit + (UNIT_MAX - 1));
	if (!shape.n && layout->image_last)
		search(&shape, (unit + layout->image_first) & mask,
		       (unit + layout->image_last) & mask);
	if (!choose(&shape, unit, state))
		return false;
	look_at(system, state->va);
	return true;
}

bool x86_tlb_state_of(struct ws_system *system, size_t cpu,
		      const struct x86_tlb_state *other, size_t others,
		      struct x86_tlb_state *state)
{
	const struct ws_cpu *cpus = system->target->cpus.v;
	uint64_t theirs = unit_of(system, &cpus[others]);
	uint64_t own = unit_of(system, &cpus[cpu]);

	*state = *other;
	state->va = (other->va - theirs + own) & ws_last_va(system);
	return own && theirs &&
	       ws_kernel_word(system, state->va, &state->mm) == WS_READ &&
	       ws_is_kernel_va(system, state->mm);
}

static int32_t cr4_at(struct ws_system *system, const struct ws_cpu *cpu, uint64_t va)
{
	unsigned word = system->layout.word;
	uint8_t bytes[(CR4_LAST + 1) * sizeof(uint64_t)];
	size_t len = (CR4_LAST + 1) * word;

	if (!x86_has_control(cpu) || ws_system_read(system, va, bytes, len) != WS_READ)
		return WS_NO_FIELD;
	return find_cr4(bytes, len, word, cpu->reg[X86_CR4]);
}

bool x86_find_tlb_state(struct ws_system *system, size_t cpu, struct x86_tlb_state *state)
{
	const struct ws_cpu *registers = &system->target->cpus.v[cpu];

	*state = (struct x86_tlb_state){ 0 };
	if (ws_per_cpu_va(system, "cpu_tlbstate", cpu, &state->va) == WS_READ &&
	    ws_kernel_word(system, state->va, &state->mm) == WS_READ &&
	    ws_is_kernel_va(system, state->mm)) {
		state->cr4 = cr4_at(system, registers, state->va);
		return true;
	}
	return by_shape(system, registers, state);
}

bool x86_loaded_mm(struct ws_system *system, size_t cpu, uint64_t *mm, bool *is_by_shape)
{
	struct x86_tlb_state state;
	bool found = x86_find_tlb_state(system, cpu, &state);

	*mm = found ? state.mm : 0;
	*is_by_shape = found && state.by_shape;
	return found;
}
