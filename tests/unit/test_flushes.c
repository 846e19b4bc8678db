/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which processors are behind with their flushes: by the kernel's account, found by its
 * shape and by symbols; who owes none, and where nothing is known.
 */
#include "audit_guest.h"
#include "linux/members.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RULE "translations-behind"
#define UNKNOWN "what processors have flushed of user translations is not known"

/* Where the guest has nothing: a processor's own memory, and what is in it. */
#define PA_UNIT (13u << 20)
#define STATE 0x240     /* cpu_tlbstate */
#define LAZY 0x800      /* cpu_tlbstate_shared */
#define OFFSETS 0x900   /* __per_cpu_offset */
#define FLUSHERS 0xa00  /* pv_ops */
#define FUNCTION 0x3000 /* from the image's start: a hypervisor's */
#define CONTEXT 0x80    /* of an mm */
#define UNIT_SIZE 0x2000
#define IF 0x200

struct machine {
	struct fault_guest *fault;
	size_t cpu;
	uint64_t unit;             /* behind PA_UNIT: its own memory */
	unsigned task;             /* that it runs, */
	unsigned of;               /* in whose mm */
	uint64_t flushed, changed; /* generations */
	unsigned asid;
	uint64_t flags, selector; /* of code */
	bool symbols, shared_is_lazy, of_hypervisor;
	uint64_t others;   /* up to which another processor has; 0: there is none */
	bool same_numbers; /* in all mms */
	bool global_asids; /* its kernel knows such */
	bool old;          /* its kernel keeps no account */
};

static struct ws_cpu *cpu_of(const struct machine *m)
{
	return &m->fault->guest->target.cpus.v[m->cpu];
}

static void put64(const struct machine *m, uint64_t pa, uint64_t value)
{
	guest_put32(m->fault->guest, pa, (uint32_t)value);
	guest_put32(m->fault->guest, pa + 4, (uint32_t)(value >> 32));
}

static uint64_t mm_of(const struct machine *m, unsigned task)
{
	return m->fault->guest->task[task].mm;
}

static uint64_t ctx_id(unsigned task)
{
	return 100 + task;
}

/* A number of its own for each. Tasks that share an mm give it the last one's. */
static uint64_t loaded_id(const struct machine *m)
{
	const struct guest *guest = m->fault->guest;
	uint64_t id = 0;

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].mm == mm_of(m, m->of))
			id = ctx_id(i);
	return id;
}

static void put_contexts(const struct machine *m)
{
	const struct guest *guest = m->fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++) {
		uint64_t pa = guest->task[i].mm
				      ? guest_pa(guest, guest->task[i].mm) + CONTEXT
				      : 0;

		if (!pa)
			continue;
		put64(m, pa, m->same_numbers ? loaded_id(m) : ctx_id(i));
		put64(m, pa + 8, guest->task[i].mm == mm_of(m, m->of) ? m->changed : 7);
	}
}

static uint64_t cr4_pa(const struct machine *m)
{
	return PA_UNIT + m->unit + STATE + (m->fault->guest->word == 8 ? 24 : 16);
}

static void put_slot(const struct machine *m, unsigned asid, uint64_t id,
		     uint64_t flushed)
{
	uint64_t pa = cr4_pa(m) + m->fault->guest->word + 16 * asid;

	put64(m, pa, id);
	put64(m, pa + 8, flushed);
}

/* 6.1's: mm, last_user_mm, loaded_mm_asid, ..., cr4, ctxs. */
static void put_state(const struct machine *m)
{
	struct guest *guest = m->fault->guest;
	unsigned word = guest->word;

	guest_put(guest, PA_UNIT + m->unit + STATE, mm_of(m, m->of));
	guest_put(guest, PA_UNIT + m->unit + STATE + word, mm_of(m, m->of));
	guest_put32(guest, PA_UNIT + m->unit + STATE + 2 * word, m->asid);
	guest_put(guest, cr4_pa(m), cpu_of(m)->reg[X86_CR4]);
	put_slot(m, m->asid % 6, loaded_id(m), m->flushed);
	guest->memory[PA_UNIT + LAZY] = m->shared_is_lazy;
	if (m->of_hypervisor)
		guest_put(guest, PA_UNIT + FLUSHERS + 5 * word,
			  guest->kind->image + FUNCTION);
}

/* The segment of its own memory, as the kernel has it, and the stack of the task. */
static void set_registers(const struct machine *m)
{
	struct fault_guest *fault = m->fault;
	const struct guest_kind *kind = fault->guest->kind;
	bool wide = fault->guest->word == 8;
	uint64_t va = kind->page_offset + PA_UNIT + m->unit;
	struct x86_segment unit = { .base = wide ? va : (uint32_t)(va - kind->image) };

	x86_set_segment(cpu_of(m), wide ? X86_GS : X86_FS, &unit);
	cpu_of(m)->reg[X86_CR4] |= X86_CR4_SMEP;
	ws_cpu_set(cpu_of(m), X86_CS, m->selector);
	ws_cpu_set(cpu_of(m), X86_FLAGS, m->flags);
	ws_cpu_set(cpu_of(m), X86_SP, fault_guest_stack(fault, m->task).va + 0x100);
	guest_put(fault->guest, fault->tss.pa + 4, 0);
	guest_put(fault->guest, fault->tss.pa + 12, 0);
}

static struct machine create(void **state)
{
	struct machine m = { .fault = audit_guest_create(*state),
			     .flushed = 5,
			     .changed = 5,
			     .flags = 2 | IF,
			     .selector = 0x10 };

	m.task = m.of = 1; /* init, with whom nothing is wrong */
	return m;
}

static void add_symbol(const struct machine *m, const char *name, uint64_t va)
{
	const struct ws_symtab_entry entry = { .va = va,
					       .type = 'd',
					       .module = WS_KERNEL_SYMBOL };
	struct ws_symtab *symtab = m->fault->system->symtab;

	assert_int_equal(
		ws_symtab_add(symtab, WS_FROM_KALLSYMS, &entry, name, strlen(name)),
		WS_OK);
	assert_int_equal(ws_symtab_seal(symtab), WS_OK);
}

/* Another, whose own memory is as near as they can be. */
static struct machine add_processor(const struct machine *m)
{
	struct guest *guest = m->fault->guest;
	struct ws_cpu *added = ws_vec_push(&guest->target.cpus);
	struct machine other = *m;

	assert_non_null(added);
	*added = guest->target.cpus.v[0];
	other.cpu = 1;
	other.unit = UNIT_SIZE;
	other.task = other.of = guest->victim;
	return other;
}

/*
 * Another that has been in the same mm, and has init_mm loaded by now: its account of it is by
 * an ASID that is not loaded.
 */
static void add_other(const struct machine *m)
{
	struct machine other = add_processor(m);

	other.of = m->of;
	other.asid = 4;
	other.flushed = m->others;
	set_registers(&other);
	put_state(&other);
	put_slot(&other, 2, loaded_id(m) + 50, m->changed); /* of another mm */
	guest_put(m->fault->guest, PA_UNIT + other.unit + STATE,
		  m->fault->guest->init_mm);
	guest_put32(m->fault->guest,
		    PA_UNIT + other.unit + STATE + 2 * m->fault->guest->word, 0);
	guest_put(m->fault->guest, PA_UNIT + OFFSETS + m->fault->guest->word, UNIT_SIZE);
}

static void audit(const struct machine *m)
{
	const struct guest_kind *kind = m->fault->guest->kind;
	uint64_t unit = kind->page_offset + PA_UNIT;

	if (m->others)
		add_other(m);
	set_registers(m);
	put_contexts(m);
	put_state(m);
	fault_guest_open(m->fault, FAULT_LAZY);
	if (m->symbols) {
		add_symbol(m, "cpu_tlbstate", unit + STATE);
		add_symbol(m, "cpu_tlbstate_shared", unit + LAZY);
		add_symbol(m, "__per_cpu_offset", unit + OFFSETS);
		add_symbol(m, "pv_ops", unit + FLUSHERS);
		add_symbol(m, "kvm_flush_tlb_multi", kind->image + FUNCTION);
	}
	if (m->global_asids)
		add_symbol(m, "mm_free_global_asid", kind->image + FUNCTION + 0x200);
	if (!m->old)
		add_symbol(m, "initialize_tlbstate_and_flush",
			   kind->image + FUNCTION + 0x100);
	fault_guest_audit(m->fault, FAULT_LAZY);
}

static bool notes(const struct machine *m, const char *words)
{
	const char *note;

	for (unsigned i = 0; (note = ws_audit_note(m->fault->audit, i)); i++)
		if (strstr(note, words))
			return true;
	return false;
}

/* Whether the verdict on the space rests on it. */
static bool decides(const struct machine *m, const struct ws_finding *finding)
{
	return m->fault->audit->judgements.v[finding->space].finding == finding;
}

/* Nothing is found, and nothing is unknown. */
static void expect_nothing(struct machine *m)
{
	audit(m);
	assert_int_equal(audit_count(m->fault, RULE, 0), 0);
	assert_false(notes(m, UNKNOWN));
	fault_guest_destroy(m->fault);
}

static void expect_unknown(struct machine *m, const char *why)
{
	audit(m);
	assert_int_equal(audit_count(m->fault, RULE, 0), 0);
	assert_true(notes(m, UNKNOWN));
	assert_true(notes(m, why));
	fault_guest_destroy(m->fault);
}

static void test_up_to_date(void **state)
{
	for (unsigned symbols = 0; symbols < 2; symbols++) {
		struct machine m = create(state);

		m.symbols = symbols;
		expect_nothing(&m);
	}
}

static void test_behind(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		struct machine m = create(state);
		uint64_t root = m.fault->guest->task[m.of].root;
		const struct ws_finding *finding;

		m.symbols = i & 1;
		m.flags = 2 | (i & 2 ? IF : 0);
		m.asid = i & 4 ? 3 : 0;
		m.changed = 7;
		m.others = 6 + i % 2;
		audit(&m);
		finding = audit_expect(m.fault, RULE, root,
				       m.others == 7 ? "up to generation 5 of them, "
						       "and cpu 1 up to 7"
						     : "and cpu 1 up to 6");
		assert_int_equal(finding->cpu, 0);
		assert_int_equal(finding->severity, WS_INFO);
		assert_int_equal(finding->va, 0);
		assert_string_equal(finding->region, "user");
		assert_int_equal(!strstr(finding->text, "; its interrupts are off"),
				 !!(i & 2));
		assert_null(strstr(finding->text, "asks"));
		assert_int_equal(finding->rule->verdict, WS_COHERENT);
		assert_false(decides(&m, finding));
		assert_false(notes(&m, UNKNOWN));
		fault_guest_destroy(m.fault);
	}
}

/*
 * The mm counts more, and nobody has flushed more: one processor is all there is, or another
 * is as far as this one, or not so far. However much more it counts.
 */
static void test_uncorroborated(void **state)
{
	static const uint64_t changed[] = { 6, 7, 1u << 31, UINT64_MAX };

	for (size_t i = 0; i < WS_ARRAY_SIZE(changed); i++) {
		for (uint64_t others = 0; others < 6; others += others ? 1 : 4) {
			struct machine m = create(state);

			m.symbols = i & 1;
			m.flags = 2 | (i & 2 ? IF : 0);
			m.changed = changed[i];
			m.others = others;
			expect_unknown(&m, "of cpu 0: its mm counts more than any "
					   "processor has flushed");
		}
	}
}

/* What two processors have flushed says enough, whatever the mm's count is by now. */
static void test_count_beyond(void **state)
{
	struct machine m = create(state);

	m.others = 6;
	m.changed = UINT64_MAX;
	audit(&m);
	audit_expect(m.fault, RULE, m.fault->guest->task[m.of].root,
		     "up to generation 5 of them, and cpu 1 up to 6");
	fault_guest_destroy(m.fault);
}

/* Of an mm that counts less. */
static void test_other_ahead(void **state)
{
	for (uint64_t changed = 5; changed < 8; changed++) {
		struct machine m = create(state);

		m.others = 8;
		m.changed = changed;
		expect_unknown(&m, "another has flushed more than the mm");
	}
}

/* By shape each one's memory seems to have the other's. */
static void test_two_processors(void **state)
{
	for (unsigned second = 0; second < 2; second++) {
		struct machine m = create(state), other = add_processor(&m);
		const struct ws_finding *finding;

		m.changed += !second;
		other.changed += second;
		put_contexts(&m);
		put_contexts(&other);
		put64(&m, guest_pa(m.fault->guest, mm_of(&m, m.of)) + CONTEXT + 8,
		      m.changed);
		set_registers(&other);
		put_state(&other);
		set_registers(&m);
		put_state(&m);
		put_slot(second ? &m : &other, 3, loaded_id(second ? &other : &m), 6);
		fault_guest_audit(m.fault, FAULT_NO_SYMBOLS);
		finding =
			audit_expect(m.fault, RULE,
				     m.fault->guest->task[second ? other.of : m.of].root,
				     second ? "and cpu 0 up to 6" : "and cpu 1 up to 6");
		assert_int_equal(finding->cpu, second);
		assert_int_equal(audit_count(m.fault, RULE, 0), 1);
		assert_false(notes(&m, UNKNOWN));
		fault_guest_destroy(m.fault);
	}
}

/* One that has nothing to flush is found by where the other has its own. */
static void test_idle_processor(void **state)
{
	struct machine m = create(state), other = add_processor(&m);

	set_registers(&other);
	put_state(&other);
	guest_put(m.fault->guest, PA_UNIT + other.unit + STATE, m.fault->guest->init_mm);
	put_slot(&other, 5, loaded_id(&m), 6);
	m.changed = 6;
	set_registers(&m);
	put_contexts(&m);
	put_state(&m);
	fault_guest_audit(m.fault, FAULT_NO_SYMBOLS);
	assert_int_equal(audit_count(m.fault, RULE, 0), 1);
	assert_false(notes(&m, UNKNOWN));
	fault_guest_destroy(m.fault);
}

/* What types say goes before the shape; and so is_lazy before what the stack says. */
static void test_types(void **state)
{
	static const uint64_t asid = 0x100, lazy = 0x102, ctxs = 0x108, context = 0x90;

	for (unsigned is_lazy = 0; is_lazy < 2; is_lazy++) {
		struct machine m = create(state), other;
		struct guest *guest = m.fault->guest;
		struct ws_members *members;
		uint64_t at = PA_UNIT + STATE, mm = guest_pa(guest, mm_of(&m, m.of));

		m.task = 2;
		other = add_processor(&m);
		set_registers(&other);
		put_state(&other);
		set_registers(&m);
		put_state(&m);
		guest->memory[at + asid] = 1;
		guest->memory[at + lazy] = is_lazy;
		put64(&m, at + ctxs + 16, 44);
		put64(&m, at + ctxs + 24, 8);
		put64(&m, mm + context, 44);
		put64(&m, mm + context + 8, 9);
		fault_guest_open(m.fault, FAULT_NO_SYMBOLS);
		members = m.fault->system->members;
		members->offset[WS_TLB_ASID] = (int32_t)asid;
		members->offset[WS_TLB_IS_LAZY] = (int32_t)lazy;
		members->offset[WS_TLB_CTXS] = (int32_t)ctxs;
		members->offset[WS_MM_CONTEXT] = (int32_t)context;
		put64(&other, at + other.unit + ctxs + 80, 44);
		put64(&other, at + other.unit + ctxs + 88, 9);
		fault_guest_audit(m.fault, FAULT_NO_SYMBOLS);
		assert_int_equal(audit_count(m.fault, RULE, 0), !is_lazy);
		assert_false(notes(&m, UNKNOWN));
		fault_guest_destroy(m.fault);
	}
}

/* A kernel thread on a borrowed mm flushes when it leaves it. */
static void test_lazy(void **state)
{
	struct machine m = create(state);

	m.changed = m.others = 7;
	m.task = 2; /* kthreadd */
	assert_true(m.fault->guest->task[m.task].kernel_thread);
	expect_nothing(&m);
	m = create(state);
	m.changed = m.others = 7;
	m.symbols = m.shared_is_lazy = true;
	expect_nothing(&m);
}

/* By symbols it is not lazy, whatever its stack says. */
static void test_thread_with_mm(void **state)
{
	struct machine m = create(state);

	m.changed = m.others = 7;
	m.task = 2;
	m.symbols = true;
	audit(&m);
	assert_int_equal(audit_count(m.fault, RULE, m.fault->guest->task[m.of].root), 1);
	fault_guest_destroy(m.fault);
}

/*
 * Translations of an ASID that all processors have are flushed by broadcast: 64-bit kernels that
 * know them have 6 to 4094. All else is none that there is.
 */
static void test_asids(void **state)
{
	static const unsigned asids[] = { 5, 6, 4094, 4095, 0xdead, 0xffff };

	for (size_t i = 0; i < 2 * WS_ARRAY_SIZE(asids); i++) {
		struct machine m = create(state);
		bool wide = m.fault->guest->word == 8;

		m.asid = asids[i / 2];
		m.global_asids = i % 2;
		m.symbols = m.asid % 2;
		if (m.asid == 5 || (wide && m.global_asids && m.asid <= 4094)) {
			m.changed = m.asid == 5 ? 5 : 7;
			expect_nothing(&m);
		} else {
			expect_unknown(&m, "of cpu 0: it is said to have loaded an ASID "
					   "that its kernel has not");
		}
	}
}

static void test_hypervisor(void **state)
{
	struct machine m = create(state);

	m.symbols = m.of_hypervisor = true;
	m.changed = m.others = 7;
	expect_unknown(&m, "a hypervisor flushes for it");
	m = create(state);
	m.symbols = m.of_hypervisor = true;
	expect_nothing(&m); /* what it has flushed itself it has flushed */
}

/* Whatever looks like it there. */
static void test_old_kernel(void **state)
{
	struct machine m = create(state);

	m.old = true;
	m.changed = m.others = 7;
	expect_nothing(&m);
}

static void test_ahead(void **state)
{
	struct machine m = create(state);

	m.flushed = 9;
	expect_unknown(&m, "where an mm has its ctx_id and tlb_gen was not found");
}

/* In user mode the segment is the user's own. */
static void test_user_mode(void **state)
{
	struct machine m = create(state);

	m.changed = 7;
	m.selector = 0x33;
	audit(&m);
	assert_int_equal(audit_count(m.fault, RULE, 0), 0);
	assert_true(notes(&m, "of cpu 0: which mm it has loaded was not found"));
	fault_guest_destroy(m.fault);
}

/* Mms that have no numbers of their own. */
static void test_same_numbers(void **state)
{
	struct machine m = create(state);
	m.changed = 7;
	m.same_numbers = true;
	expect_unknown(&m, "where an mm has its ctx_id and tlb_gen was not found");
}

static void test_absent(void **state)
{
	struct machine m = create(state);

	m.changed = 7;
	guest_leave_out(m.fault->guest, PA_UNIT);
	expect_unknown(&m, "which mm it has loaded was not found");
}

static void test_no_processors(void **state)
{
	struct machine m = create(state);

	set_registers(&m);
	m.fault->guest->target.cpus.n = 0;
	fault_guest_audit(m.fault, FAULT_NO_SYMBOLS);
	assert_true(notes(&m, UNKNOWN ": the target keeps no processors"));
	fault_guest_destroy(m.fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "up to date", test_up_to_date },
		{ "behind", test_behind },
		{ "a count that nobody has flushed up to", test_uncorroborated },
		{ "a count far beyond", test_count_beyond },
		{ "another ahead of the mm", test_other_ahead },
		{ "two processors", test_two_processors },
		{ "an idle processor", test_idle_processor },
		{ "types", test_types },
		{ "lazy", test_lazy },
		{ "a kernel thread with an mm", test_thread_with_mm },
		{ "ASIDs", test_asids },
		{ "a hypervisor flushes", test_hypervisor },
		{ "a kernel that keeps no account", test_old_kernel },
		{ "ahead of the mm", test_ahead },
		{ "user mode", test_user_mode },
		{ "numbers that are no mm's own", test_same_numbers },
		{ "absent", test_absent },
		{ "no processors", test_no_processors },
	};

	return guest_run_cases("flushes", cases, WS_ARRAY_SIZE(cases));
}
