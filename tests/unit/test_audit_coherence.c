/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private entries held against init_mm's, on small machines of every kind: each way to
 * differ is found in the space that differs and in no other, and what is meant to differ
 * is not found.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "linux/roots.h"

static struct fault_guest *create(void **state)
{
	return audit_guest_create(*state);
}

static uint64_t private_size(const struct fault_guest *fault)
{
	const struct ws_format *format = fault->guest->kind->format;

	return UINT64_C(1) << format->level[ws_private_level(format)].shift;
}

static uint64_t victims_entry(const struct fault_guest *fault)
{
	return guest_private_entry(fault->guest, fault_guest_victim(fault),
				   fault->guest->kind->module);
}

static void nothing_is_found(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "coherence");
	assert_int_equal(fault->audit->findings.n, 0);
	fault_guest_destroy(fault);
}

static void a_hole(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t module = fault->guest->kind->module, first = module;
	const struct ws_finding *finding;

	first &= -private_size(fault);
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = audit_expect(fault, "coherence-missing", fault_guest_victim(fault),
			       "empty here");
	assert_int_equal(finding->va, first);
	assert_int_equal(finding->last, first + private_size(fault) - 1);
	assert_int_equal(finding->here.end, WS_END_HOLE);
	if (!strstr(fault->guest->kind->name, "KASLR"))
		assert_string_equal(finding->region, "vmalloc");
	fault_guest_destroy(fault);
}

/* Two holes side by side are told as one, and a third apart from them. */
static void neighbouring_holes(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t size = private_size(fault), module = guest->kind->module;
	uint64_t victim = fault_guest_victim(fault);

	for (unsigned i = 1; i < 4; i += 1 + (i == 1))
		guest_map(guest, guest->swapper, module + i * size, guest->module_pa,
			  P | RW);
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	/* and the others miss the new ones, the victim its old one too */
	assert_int_equal(audit_count(fault, "coherence-missing", victim), 2);
	assert_int_equal(audit_find(fault, "coherence-missing", victim)->last + 1,
			 (module & -size) + 2 * size);
	assert_non_null(
		strstr(audit_find(fault, "coherence-missing", victim)->text, " to "));
	assert_int_equal(audit_count(fault, "coherence-missing", guest->task[1].root), 2);
	fault_guest_destroy(fault);
}

/* What init_mm has given up and everybody else still has: one group of findings. */
static void stale_entries(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	unsigned processes = 0, groups = 0;

	audit_put(fault, guest_private_entry(guest, guest->swapper, guest->kind->module),
		  0);
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space)
		processes += space->kind == WS_SPACE_PROCESS;
	assert_int_equal(audit_count(fault, "coherence-stale", 0), processes);
	assert_int_equal(audit_count(fault, "coherence-missing", 0), 0);
	ws_vec_each(&fault->audit->findings, finding)
		if (finding->group >= groups)
			groups = finding->group + 1;
	assert_int_equal(groups, 1);
	fault_guest_destroy(fault);
}

static void another_target(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	guest_own_entry(fault->guest, victim, fault->guest->kind->module);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-target", victim, " in init_mm");
	fault_guest_destroy(fault);
}

static void other_rights(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), 0, RW);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(
		audit_expect(fault, "coherence-rights", fault_guest_victim(fault), "R/W")
			->severity,
		WS_ERROR);
	fault_guest_destroy(fault);
}

static void other_caching(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), PCD, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(
		audit_expect(fault, "coherence-rights", fault_guest_victim(fault), "PCD")
			->severity,
		WS_WARNING);
	fault_guest_destroy(fault);
}

/* What the processor sets by itself is no difference (SDM 4.8). */
static void accessed_and_dirty(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), ACCESSED | DIRTY, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "coherence");
	fault_guest_destroy(fault);
}

/* A large page is possible at the private level of i386 and PAE only. */
static void a_large_page(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t size = private_size(fault);

	audit_put(fault, victims_entry(fault),
		  (fault->guest->module_pa & -size) | P | RW | PS);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-shape", fault_guest_victim(fault), " in init_mm");
	fault_guest_destroy(fault);
}

/* Where the kernel puts a process's LDT, with PTI. */
static uint64_t ldt_va(const struct fault_guest *fault)
{
	const struct ws_format *format = fault->guest->kind->format;

	if (format == &ws_format_x86_64)
		return UINT64_C(0xffff880000000000);
	if (format == &ws_format_x86_64_la57)
		return UINT64_C(0xff10000000000000);
	return fault->guest->kind->cpu_entry - private_size(fault);
}

static void an_ldt(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t victim = fault_guest_victim(fault);

	guest_map(guest, victim, ldt_va(fault), guest->module_pa, P);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_count(fault, "coherence-stale", victim),
			 !guest->kind->pti);
	assert_int_equal(audit_count(fault, "coherence-stale", 0), !guest->kind->pti);
	fault_guest_destroy(fault);
}

/* User halves are held against init_mm's user half, not against init_mm. */
static void a_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	fault_guest_hide(fault, user, guest->kind->cpu_entry);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-missing", user, "empty here");
	fault_guest_destroy(fault);
}

/* A root that is no task's is of no interest, until a processor runs on it. */
static void a_lone_root(void **state)
{
	for (unsigned loaded = 0; loaded < 2; loaded++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;

		fault_guest_hide(fault, guest->kept, guest->kind->module);
		if (loaded)
			fault_guest_cpu(fault)->cr3 = guest->kept;
		fault_guest_audit(fault, FAULT_LAZY);
		if (loaded)
			audit_expect(fault, "coherence-missing", guest->kept,
				     "empty here");
		else
			audit_expect_none(fault, "coherence");
		fault_guest_destroy(fault);
	}
}

/* The trampoline's root, in the first MiB, is not meant to be like init_mm. */
static void the_trampoline(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	const uint64_t trampoline = 0x9c000;
	bool found = false;

	memcpy(guest->memory + trampoline, guest->memory + guest->kept,
	       2 * WS_FRAME_SIZE);
	fault_guest_hide(fault, trampoline, guest->kind->module);
	fault_guest_open(fault, FAULT_LAZY);
	fault_guest_cpu(fault)->cr3 = trampoline;
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space)
		found |= space->root == trampoline;
	assert_true(found);
	if (guest->kind->format != &ws_format_i386_pae) /* one directory, twice */
		audit_expect_none(fault, "coherence");
	fault_guest_destroy(fault);
}

/* Where init_mm's own table cannot be found, the majority stands for it. */
static void against_the_majority(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t victim = fault_guest_victim(fault);

	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
	memset(guest->memory + guest->swapper, 0, 2 * WS_FRAME_SIZE);
	fault_guest_cpu(fault)->cr3 = guest->task[1].root;
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(fault->system->layout.consensus);
	audit_expect(fault, "coherence-missing", victim, "empty here");
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "nothing is wrong", nothing_is_found },
		{ "a hole", a_hole, GUEST_OWN_KERNEL },
		{ "neighbouring holes", neighbouring_holes, GUEST_OWN_KERNEL },
		{ "stale entries", stale_entries, GUEST_OWN_KERNEL },
		{ "another target", another_target, GUEST_OWN_KERNEL },
		{ "other rights", other_rights, GUEST_OWN_KERNEL },
		{ "other caching", other_caching, GUEST_OWN_KERNEL },
		{ "accessed and dirty", accessed_and_dirty, GUEST_OWN_KERNEL },
		{ "a large page", a_large_page, GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "an LDT", an_ldt, GUEST_OWN_KERNEL },
		{ "a user half", a_user_half, GUEST_PTI },
		{ "a lone root", a_lone_root, GUEST_OWN_KERNEL },
		{ "the trampoline", the_trampoline, GUEST_OWN_KERNEL },
		{ "against the majority", against_the_majority,
		  GUEST_OWN_KERNEL | GUEST_NO_PTI },
	};

	return guest_run_cases("coherence", cases, WS_ARRAY_SIZE(cases));
}
