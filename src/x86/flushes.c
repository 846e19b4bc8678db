/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's account of flushes (arch/x86/mm/tlb.c; since f39681ed0f48 and b0579ade7cd8,
 * 4.14). Whoever changes user translations of an mm counts its tlb_gen up; each processor
 * has for each of its ASIDs whose translations it holds, and up to which tlb_gen it has
 * flushed them:
 *
 *	cpu_tlbstate.loaded_mm --> mm->context.ctx_id, .tlb_gen
 *	            .loaded_mm_asid
 *	            .ctxs[asid] .ctx_id, .tlb_gen
 *
 * Three are left alone. A lazy processor, which runs a kernel thread on a borrowed mm, need
 * not flush before it leaves it: switch_mm_irqs_off() does. So it is with all ASIDs but the
 * loaded one. And an ASID that all processors have for one mm (INVLPGB, 6.15) is flushed by
 * broadcast: of it nothing is counted.
 *
 * Where members lie types say (BTF), or the shape: loaded_mm_asid has been the third word
 * since 4.16, ctxs follow the word that has what CR4 is, and mm_context_t begins with ctx_id
 * and tlb_gen; where in an mm, is where each has a number of its own, and those that are
 * loaded the one that the processor has of them.
 */
#include <stdlib.h>

#include "audit/per_cpu.h"
#include "linux/members.h"
#include "linux/symtab.h"
#include "linux/tasks.h"
#include "x86/registers.h"
#include "x86/tlb_state.h"

#define FLAGS_IF WS_BIT(9)

struct account {
	struct ws_system *system;
	const struct ws_members *types;
	int32_t context;     /* from an mm to its ctx_id; WS_NO_FIELD: not known */
	const char *flusher; /* a hypervisor's, that nothing is counted of; or NULL */
	struct x86_tlb_state *states; /* a processor each; va 0: not found */
};

/* What a processor has of the mm that it uses. */
struct slot {
	uint64_t ctx_id, tlb_gen;
};

static bool read_pair(struct ws_system *system, uint64_t va, struct slot *pair)
{
	uint8_t bytes[X86_CTX_SIZE];

	if (ws_system_read(system, va, bytes, sizeof(bytes)) != WS_READ)
		return false;
	*pair = (struct slot){ ws_le64(bytes), ws_le64(bytes + 8) };
	return true;
}

/* ---- one processor's slot ------------------------------------------------------------ */

enum lazy { LAZY, BUSY, LAZY_UNKNOWN };

static enum lazy lazy_by_byte(struct ws_system *system, uint64_t va)
{
	uint8_t byte;

	if (ws_system_read(system, va, &byte, 1) != WS_READ || byte > 1)
		return LAZY_UNKNOWN;
	return byte ? LAZY : BUSY;
}

/* Whether what it runs has no mm of its own. */
static enum lazy lazy_by_task(struct ws_system *system, size_t cpu)
{
	uint64_t comm_va = cpu < system->current.n ? system->current.v[cpu].comm_va : 0,
		 mm;

	if (system->fields.mm == WS_NO_FIELD || !comm_va ||
	    ws_kernel_word(system, comm_va + system->fields.mm, &mm) != WS_READ)
		return LAZY_UNKNOWN;
	return mm ? BUSY : LAZY;
}

/* is_lazy has a struct of its own since 5.13, which has nothing else. */
static enum lazy find_lazy(const struct account *a, size_t cpu,
			   const struct x86_tlb_state *state)
{
	const struct ws_cpu *registers = &a->system->target->cpus.v[cpu];
	int32_t member = a->types->offset[WS_TLB_IS_LAZY];
	enum lazy lazy = LAZY_UNKNOWN;
	uint64_t va;

	if (ws_cpu_knows(registers, X86_CS) && x86_in_user_mode(registers))
		return BUSY;
	if (member != WS_NO_MEMBER)
		lazy = lazy_by_byte(a->system, state->va + member);
	else if (ws_per_cpu_va(a->system, "cpu_tlbstate_shared", cpu, &va) == WS_READ)
		lazy = lazy_by_byte(a->system, va);
	return lazy == LAZY_UNKNOWN ? lazy_by_task(a->system, cpu) : lazy;
}

/* Where in the struct types have a member, or it is by its shape. */
static int32_t member_or(const struct account *a, enum ws_member member, int32_t shape)
{
	int32_t offset = a->types->offset[member];

	return offset == WS_NO_MEMBER ? shape : offset;
}

static int32_t ctxs_of(const struct account *a, const struct x86_tlb_state *state)
{
	int32_t word = (int32_t)a->system->layout.word;

	return member_or(a, WS_TLB_CTXS,
			 state->cr4 == WS_NO_FIELD ? WS_NO_FIELD : state->cr4 + word);
}

static bool find_symbol(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;
	bool found = ws_symbol_lookup(system, name, &symbol) == WS_OK && !symbol.module;

	ws_error_clear(system->ctx);
	*va = found ? symbol.va : 0;
	return found;
}

/* The PCID, of 12 bits, is one more. */
#define ASID_LAST 4094

/* Whether all processors may have it for one mm. 32-bit kernels have the function too. */
static bool is_global_asid(const struct account *a, uint16_t asid)
{
	uint64_t va;

	return asid >= X86_CTXS && asid <= ASID_LAST && a->system->layout.word == 8 &&
	       find_symbol(a->system, "mm_free_global_asid", &va);
}

/* False: nothing is counted of it, or (*unknown) the slot is not known. */
static bool read_slot(const struct account *a, const struct x86_tlb_state *state,
		      struct slot *slot, const char **unknown)
{
	int32_t ctxs = ctxs_of(a, state);
	uint64_t asid_va = state->va +
			   member_or(a, WS_TLB_ASID, 2 * (int32_t)a->system->layout.word);
	uint8_t asid[2];

	if (ctxs == WS_NO_FIELD)
		*unknown = "neither types nor control registers say where its account is";
	else if (ws_system_read(a->system, asid_va, asid, sizeof(asid)) != WS_READ)
		*unknown = "its account is not in the target";
	else if (is_global_asid(a, ws_le16(asid)))
		return false;
	else if (ws_le16(asid) >= X86_CTXS)
		*unknown = "it is said to have loaded an ASID that its kernel has not";
	else if (!read_pair(a->system, state->va + ctxs + ws_le16(asid) * X86_CTX_SIZE,
			    slot))
		*unknown = "its account is not in the target";
	return !*unknown;
}

/* Of init_mm, and of those that the kernel has for itself, nothing is to be flushed. */
static uint32_t space_of_mm(const struct ws_system *system, uint64_t mm)
{
	for (uint32_t i = 0; i < system->spaces.n; i++) {
		const struct ws_space *space = &system->spaces.v[i];

		if (space->mm == mm && space->counts && space->kind != WS_SPACE_INIT)
			return i;
	}
	return WS_NO_SPACE;
}

/* False: it uses no space of user memory's. */
static bool look_at_cpu(const struct account *a, size_t cpu, struct ws_flushed *flushed,
			struct slot *slot)
{
	const struct ws_cpu *registers = &a->system->target->cpus.v[cpu];
	const struct x86_tlb_state *state = &a->states[cpu];
	enum lazy lazy;

	*flushed = (struct ws_flushed){ .cpu = cpu, .space = WS_NO_SPACE };
	if (!state->va) {
		flushed->unknown = "which mm it has loaded was not found";
		return true;
	}
	flushed->space = space_of_mm(a->system, state->mm);
	if (flushed->space == WS_NO_SPACE)
		return false;
	lazy = find_lazy(a, cpu, state);
	if (lazy == LAZY_UNKNOWN)
		flushed->unknown = "whether it runs a kernel thread, and need not flush "
				   "yet, was not found";
	flushed->deaf = ws_cpu_knows(registers, X86_FLAGS) &&
			!(registers->reg[X86_FLAGS] & FLAGS_IF);
	return lazy == LAZY_UNKNOWN ||
	       (lazy == BUSY &&
		(read_slot(a, state, slot, &flushed->unknown) || flushed->unknown));
}

/* ---- where an mm has its ctx_id -------------------------------------------------------- */

/* So many have to have one of their own before chance is ruled out. */
#define MMS_MIN 4

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Whether all mms that can be read have numbers there, and no two the same. */
static bool are_distinct(struct ws_system *system, int32_t at, bool *short_of_memory)
{
	WS_VEC(uint64_t) ids = { 0 };
	bool distinct = true;
	struct slot pair;

	ws_vec_each(&system->spaces, space) {
		uint64_t *id;

		if (space->kind != WS_SPACE_PROCESS || !space->mm ||
		    !read_pair(system, space->mm + at, &pair))
			continue;
		distinct &= pair.ctx_id != 0;
		id = ws_vec_push(&ids);
		if (id)
			*id = pair.ctx_id;
		else
			*short_of_memory = true;
	}
	if (ids.n)
		qsort(ids.v, ids.n, sizeof(*ids.v), by_value);
	for (size_t i = 1; i < ids.n; i++)
		distinct &= ids.v[i] != ids.v[i - 1];
	distinct &= ids.n >= MMS_MIN;
	ws_vec_release(&ids);
	return distinct;
}

typedef WS_VEC(struct slot) slot_vec;

/* Whether it is there in all that are loaded, and none has flushed more than there was. */
static bool fits_slots(struct ws_system *system, int32_t at,
		       const struct ws_flushes *flushes, const slot_vec *slots)
{
	bool any = false;

	for (size_t i = 0; i < flushes->of.n; i++) {
		const struct ws_flushed *flushed = &flushes->of.v[i];
		struct slot pair;

		if (flushed->unknown)
			continue;
		any = true;
		if (!read_pair(system, system->spaces.v[flushed->space].mm + at, &pair) ||
		    pair.ctx_id != slots->v[i].ctx_id ||
		    pair.tlb_gen < slots->v[i].tlb_gen)
			return false;
	}
	return any;
}

/* The one place where it can be; more than one, and nothing is known. */
static enum ws_status infer_context(struct account *a, const struct ws_flushes *flushes,
				    const slot_vec *slots)
{
	bool short_of_memory = false;
	unsigned n = 0;

	for (int32_t at = 0; at < WS_MM_SIZE; at += a->system->layout.word) {
		if (!fits_slots(a->system, at, flushes, slots) ||
		    !are_distinct(a->system, at, &short_of_memory))
			continue;
		a->context = at;
		n++;
	}
	if (n != 1)
		a->context = WS_NO_FIELD;
	return short_of_memory ? ws_fail_memory(a->system->ctx) : WS_OK;
}

/* ---- flushes that nothing is counted of ------------------------------------------------ */

/* What is patched into calls is read from there (asm/paravirt_types.h). */
static const char *const tables[] = { "pv_ops", "pv_mmu_ops" };
#define TABLE_WORDS 128

/* A hypervisor that flushes on other processors; KVM, on those that do not run. */
static const char *const flushers[] = {
	"hyperv_flush_tlb_multi", "hyperv_flush_tlb_others", "xen_flush_tlb_multi",
	"xen_flush_tlb_others",   "kvm_flush_tlb_multi",     "kvm_flush_tlb_others",
};

static bool has_word(struct ws_system *system, uint64_t va, uint64_t wanted)
{
	unsigned word = system->layout.word;
	uint64_t value;

	for (unsigned i = 0; i < TABLE_WORDS; i++)
		if (ws_kernel_word(system, va + i * word, &value) == WS_READ &&
		    value == wanted)
			return true;
	return false;
}

static const char *find_flusher(struct ws_system *system)
{
	uint64_t table, function;

	for (size_t t = 0; t < WS_ARRAY_SIZE(tables); t++) {
		if (!find_symbol(system, tables[t], &table))
			continue;
		for (size_t f = 0; f < WS_ARRAY_SIZE(flushers); f++)
			if (find_symbol(system, flushers[f], &function) &&
			    has_word(system, table, function))
				return flushers[f];
	}
	return NULL;
}

/* ---- all of them ----------------------------------------------------------------------- */

/* By any ASID, loaded or not: an mm's ctx_id is never another's. */
static void find_others(const struct account *a, uint64_t ctx_id,
			struct ws_flushed *flushed)
{
	for (size_t cpu = 0; cpu < ws_per_cpus(a->system); cpu++) {
		int32_t ctxs = ctxs_of(a, &a->states[cpu]);
		struct slot slot;

		if (cpu == flushed->cpu || !a->states[cpu].va || ctxs == WS_NO_FIELD)
			continue;
		for (unsigned asid = 0; asid < X86_CTXS; asid++) {
			if (!read_pair(a->system,
				       a->states[cpu].va + ctxs + asid * X86_CTX_SIZE,
				       &slot) ||
			    slot.ctx_id != ctx_id || slot.tlb_gen <= flushed->others)
				continue;
			flushed->others = slot.tlb_gen;
			flushed->other = cpu;
		}
	}
}

/*
 * The mm's count alone tells nothing of a processor: it goes first, and whoever counted may be
 * this very processor, or flush later; and one number may be damage. But where another has
 * flushed more, and no more than was counted, this one is behind.
 */
static void compare(const struct account *a, struct ws_flushed *flushed,
		    const struct slot *slot)
{
	struct slot mm = { 0 };

	if (flushed->unknown)
		return;
	flushed->flushed = slot->tlb_gen;
	find_others(a, slot->ctx_id, flushed);
	if (a->context == WS_NO_FIELD)
		flushed->unknown = "where an mm has its ctx_id and tlb_gen was not found";
	else if (!read_pair(a->system,
			    a->system->spaces.v[flushed->space].mm + a->context, &mm))
		flushed->unknown = "the mm that it has loaded is not in the target";
	else if (mm.ctx_id != slot->ctx_id || mm.tlb_gen < slot->tlb_gen)
		flushed->unknown = "its account is of another mm than it has loaded";
	else if (mm.tlb_gen > slot->tlb_gen && a->flusher)
		flushed->unknown = "a hypervisor flushes for it, which it keeps no "
				   "account of";
	else if (flushed->others > mm.tlb_gen)
		flushed->unknown = "another has flushed more than the mm that it has "
				   "loaded counts";
	else if (mm.tlb_gen > slot->tlb_gen && flushed->others <= slot->tlb_gen)
		flushed->unknown = "its mm counts more than any processor has flushed: a "
				   "flush is under way or put off, or the count is "
				   "damaged";
}

/* Of who has init_mm loaded no shape tells, but where another has its own. */
static bool find_states(struct account *a)
{
	size_t n = ws_per_cpus(a->system), shaped = n;

	a->states = calloc(n, sizeof(*a->states));
	if (!a->states)
		return !n;
	for (size_t cpu = 0; cpu < n; cpu++) {
		if (!x86_find_tlb_state(a->system, cpu, &a->states[cpu]))
			a->states[cpu].va = 0;
		else if (a->states[cpu].by_shape)
			shaped = cpu;
	}
	for (size_t cpu = 0; cpu < n && shaped < n; cpu++)
		if (!a->states[cpu].va &&
		    !x86_tlb_state_of(a->system, cpu, &a->states[shaped], shaped,
				      &a->states[cpu]))
			a->states[cpu].va = 0;
	return true;
}

static enum ws_status look_at_cpus(const struct account *a, struct ws_flushes *flushes,
				   slot_vec *slots)
{
	for (size_t cpu = 0; cpu < ws_per_cpus(a->system); cpu++) {
		struct ws_flushed *flushed = ws_vec_push(&flushes->of);
		struct slot *slot = ws_vec_push(slots);

		if (!flushed || !slot)
			return ws_fail_memory(a->system->ctx);
		if (!look_at_cpu(a, cpu, flushed, slot))
			flushes->of.n = --slots->n;
	}
	return WS_OK;
}

static enum ws_status compare_all(struct account *a, struct ws_flushes *flushes)
{
	slot_vec slots = { 0 };
	enum ws_status status = look_at_cpus(a, flushes, &slots);

	a->context = a->types->offset[WS_MM_CONTEXT];
	if (status == WS_OK && a->context == WS_NO_MEMBER)
		status = infer_context(a, flushes, &slots);
	for (size_t i = 0; i < flushes->of.n && status == WS_OK; i++)
		compare(a, &flushes->of.v[i], &slots.v[i]);
	ws_vec_release(&slots);
	return status;
}

/* A function of kernels that count them: 4.15's, 5.10's and 7.2's have it. */
static bool keeps_none(struct ws_system *system)
{
	uint64_t va;

	return ws_functions_known(system) &&
	       !find_symbol(system, "initialize_tlbstate_and_flush", &va);
}

static enum ws_status look(struct account *a, struct ws_flushes *flushes)
{
	enum ws_status status;
	size_t found;

	if (keeps_none(a->system))
		return WS_OK;
	if (!ws_per_cpus(a->system)) {
		flushes->unknown = "the target keeps no processors";
		return WS_OK;
	}
	a->flusher = find_flusher(a->system);
	status = ws_members_of(a->system, &a->types);
	/* what they run is found before only where tasks are missing; this finds no new one */
	if (status == WS_OK && !a->system->current.n)
		status = ws_find_cpu_tasks(a->system, &found);
	if (status == WS_OK)
		status = find_states(a) ? compare_all(a, flushes)
					: ws_fail_memory(a->system->ctx);
	free(a->states);
	a->states = NULL;
	return status;
}

enum ws_status x86_flushes(struct ws_system *system, struct ws_flushes *flushes)
{
	struct account a = { .system = system, .context = WS_NO_FIELD };

	return look(&a, flushes);
}

/* A capture has no types: then all mms are asked where they have their ctx_id. */
void x86_tour_flushes(struct ws_system *system)
{
	struct account a = { .system = system, .context = WS_NO_FIELD };
	struct ws_flushes flushes = { 0 };
	struct slot pair;

	if (look(&a, &flushes) != WS_OK)
		ws_error_clear(system->ctx);
	ws_vec_release(&flushes.of);
	ws_vec_each(&system->spaces, space)
		if (a.context != WS_NO_FIELD && space->mm)
			(void)!read_pair(system, space->mm + (uint64_t)a.context, &pair);
}
